//! The best rule on a single column, sought on training rows and costed on the evaluated rows.

use super::Work;
use crate::{TrainError, target::Part};
use yard_metrics::{
    BinaryRows,
    rule::{RuleColumn, best_rule as best},
};
use yard_types::{
    evaluation::SingleRule,
    schema::FieldType,
    table::{Column, MISSING_CODE, Table},
};

/// Most training rows that are searched; more are thinned evenly.
const MOST_ROWS: usize = 100_000;

/// Returns the rule with its cost on the evaluated rows; `None` without training rows.
pub(super) fn best_rule(work: &Work<'_>, rows: &BinaryRows<'_>) -> Result<Option<SingleRule>, TrainError> {
    let Some((table, split)) = work.input.training else { return Ok(None) };
    let failed = |error| TrainError::part("metrics", &error);
    let stride = split.train.len().div_ceil(MOST_ROWS).max(1);
    let sample: Vec<u32> = split.train.iter().copied().step_by(stride).collect();
    let part = Part::read(table, work.input.schema, work.input.frame, &sample)?;
    let y: Vec<u8> = part.y.iter().map(|y| *y as u8).collect();
    let unscored = vec![0.0; y.len()];
    let mut training = BinaryRows::new(&y, &unscored).map_err(failed)?;
    if let Some(weights) = &part.weights {
        training = training.with_weights(weights).map_err(failed)?;
    }
    let fields = work.input.schema.features().filter(|field| field.field_type != FieldType::Image);
    let columns: Vec<Values<'_>> =
        fields.filter_map(|field| Values::of(table, &field.name, &part.rows)).collect();
    let borrowed: Vec<RuleColumn<'_>> = columns.iter().map(Values::column).collect();
    let costs = &work.decision.costs;
    let Some(rule) = best(&borrowed, &training, costs).map_err(failed)? else { return Ok(None) };
    let evaluated = Values::of(work.input.table, &rule.column, &work.part.rows);
    Ok(evaluated.and_then(|values| rule.evaluate(&values.column(), rows, costs)))
}

/// Values of a column on some rows.
enum Values<'a> {
    Numbers(String, Vec<f64>),
    Words(String, Vec<u32>, &'a [String]),
}

impl<'a> Values<'a> {
    fn of(table: &'a Table, name: &str, rows: &[u32]) -> Option<Self> {
        match table.column(name)? {
            Column::Number(values) => {
                let value = |row: &u32| values.get(*row as usize).copied().unwrap_or(f64::NAN);
                Some(Self::Numbers(name.to_owned(), rows.iter().map(value).collect()))
            }
            Column::Text(text) => {
                let code = |row: &u32| text.codes.get(*row as usize).copied().unwrap_or(MISSING_CODE);
                Some(Self::Words(name.to_owned(), rows.iter().map(code).collect(), &text.words))
            }
            Column::Instant(_) => None,
        }
    }

    fn column(&self) -> RuleColumn<'_> {
        match self {
            Self::Numbers(name, values) => RuleColumn::Number { name, values },
            Self::Words(name, codes, labels) => RuleColumn::Category { name, codes, labels },
        }
    }
}
