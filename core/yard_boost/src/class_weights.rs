//! Weights of classes as weights of rows.

use crate::{error::BoostError, loss::Objective, params::ClassWeight};

/// Weight of each class; `None` when classes have none. A class without rows weighs 1.
pub(crate) fn by_class(
    choice: &ClassWeight,
    objective: Objective,
    y: &[f32],
    weights: Option<&[f32]>,
) -> Result<Option<Vec<f64>>, BoostError> {
    let Some(text) = choice.text() else { return Ok(None) };
    let wrong = |expected: String| {
        Err(BoostError::ParamValue { name: "class_weight".to_owned(), value: text.clone(), expected })
    };
    let Some(classes) = objective.classes() else {
        return wrong("none, as the target holds numbers".to_owned());
    };
    objective.loss().check(y)?;
    match choice {
        ClassWeight::List(list) if list.len() != classes as usize => {
            wrong(format!("{classes} numbers, one per class, not {}", list.len()))
        }
        ClassWeight::List(list) => Ok(Some(list.clone())),
        _ => {
            let mut sums = vec![0.0; classes as usize];
            for (row, &class) in y.iter().enumerate() {
                sums[class as usize] += weights.map_or(1.0, |weights| f64::from(weights[row]));
            }
            let share = sums.iter().sum::<f64>() / f64::from(classes);
            Ok(Some(sums.into_iter().map(|sum| if sum > 0.0 { share / sum } else { 1.0 }).collect()))
        }
    }
}

/// Weights of rows with those of their classes.
pub(crate) fn rows(by_class: &[f64], y: &[f32], weights: Option<&[f32]>) -> Vec<f32> {
    let class = |class: f32| by_class.get(class as usize).copied().unwrap_or(1.0);
    let weight = |row: usize| weights.map_or(1.0, |weights| f64::from(weights[row]));
    y.iter().enumerate().map(|(row, &y)| (weight(row) * class(y)) as f32).collect()
}
