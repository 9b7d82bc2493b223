#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use crate::{
    explain::{Explainer, Method},
    scorer::Scorer,
    testing,
};
use yard_types::{frame::Task, run::Family};

fn members(task: Task) -> Vec<ScorerParts> {
    let mut members: Vec<ScorerParts> =
        testing::FAMILIES.iter().zip(3..).map(|(family, seed)| testing::parts(seed, *family, task)).collect();
    members.push(testing::parts(9, Family::Boosting, task));
    members
}

fn joined(task: Task) -> (Vec<ScorerParts>, Vec<f64>, ScorerParts) {
    let members = members(task);
    let weights = vec![0.5, 0.25, 0.125, 0.125];
    let pairs: Vec<(&ScorerParts, f64)> = members.iter().zip(weights.iter().copied()).collect();
    let parts = join(&pairs).unwrap();
    (members, weights, parts)
}

#[test]
fn margins_are_the_weighted_sum_of_calibrated_margins() {
    let table = testing::table(4, 300);
    for task in testing::TASKS {
        let (members, weights, parts) = joined(task);
        let all = Scorer::new(&parts).unwrap().score_table(&table).unwrap();
        let alone: Vec<_> =
            members.iter().map(|parts| Scorer::new(parts).unwrap().score_table(&table).unwrap()).collect();
        for (at, margin) in all.margins.iter().enumerate() {
            let mut sum = 0.0;
            for ((parts, weight), own) in members.iter().zip(&weights).zip(&alone) {
                let margin = f64::from(own.margins[at]);
                sum += weight
                    * match parts.calibration {
                        Calibration::None => margin,
                        Calibration::Platt { slope, intercept } => slope * margin + intercept,
                    };
            }
            assert!((f64::from(*margin) - sum).abs() <= 1e-6 * (1.0 + sum.abs()), "{task:?} {margin} {sum}");
        }
    }
}

#[test]
fn an_ensemble_of_one_answers_as_its_member() {
    let table = testing::table(5, 200);
    for family in testing::FAMILIES {
        let own = testing::parts(2, family, Task::Binary);
        let joined = join(&[(&own, 1.0)]).unwrap();
        let (a, b) = (Scorer::new(&own).unwrap(), Scorer::new(&joined).unwrap());
        let (a, b) = (a.score_table(&table).unwrap(), b.score_table(&table).unwrap());
        for (a, b) in a.probabilities.iter().zip(&b.probabilities) {
            assert!((a - b).abs() < 1e-6, "{family:?} {a} {b}");
        }
    }
}

#[test]
fn one_row_and_blocks_have_the_same_bits() {
    let table = testing::table(6, 150);
    let (_, _, parts) = joined(Task::Multiclass);
    let scorer = Scorer::new(&parts).unwrap();
    let all = scorer.score_table(&table).unwrap();
    let mut scratch = scorer.scratch();
    for row in 0..150 {
        let names: Vec<String> = scorer.input_names().map(str::to_owned).collect();
        let values: Vec<_> = names.iter().map(|name| table.column(name).unwrap().value(row)).collect();
        let answer = scorer.score_row(&values, &mut scratch).unwrap();
        assert_eq!(answer.margins, &all.margins[row * 3..row * 3 + 3], "row {row}");
    }
}

#[test]
fn contributions_are_weighted_sums_and_add_up_to_the_margin() {
    let table = testing::table(7, 60);
    for task in testing::TASKS {
        let (_, _, parts) = joined(task);
        let reference = vec![0.1; parts.recipe.features.len()];
        let explainer = Explainer::new(&parts, Some(&reference)).unwrap();
        let rows = crate::encode::Rows::Range(0, 60);
        for found in explainer.explain_rows(&table, rows).unwrap() {
            assert_eq!(found.method, Method::Ensemble);
            for (residual, margin) in found.residual.iter().zip(&found.margins) {
                assert!(residual.abs() < 1e-4 * (1.0 + f64::from(margin.abs())), "{residual} of {margin}");
            }
        }
    }
}

#[test]
fn members_of_one_recipe_share_their_features() {
    let (members, _, parts) = joined(Task::Regression);
    let Model::Ensemble(model) = &parts.model else { panic!("ensemble") };
    assert_eq!(model.members[1].first, model.members[3].first);
    assert_eq!(parts.recipe.inputs.len(), members[0].recipe.inputs.len());
}

#[test]
fn members_that_do_not_fit_together_are_refused() {
    assert!(join(&[]).is_err());
    let (a, b) = (
        testing::parts(1, Family::Linear, Task::Binary),
        testing::parts(1, Family::Linear, Task::Regression),
    );
    let text = join(&[(&a, 0.5), (&b, 0.5)]).unwrap_err().to_string();
    assert!(text.contains("different questions"), "{text}");
    let mut other = a.clone();
    let categories = other.recipe.inputs.iter_mut().find(|input| !input.categories.is_empty()).unwrap();
    categories.categories.pop();
    let text = join(&[(&a, 0.5), (&other, 0.5)]).unwrap_err().to_string();
    assert!(text.contains("differently"), "{text}");
}

#[test]
fn damaged_ensembles_are_refused() {
    type Damage = (fn(&mut EnsembleModel), &'static str);
    let damage: [Damage; 6] = [
        (|model| model.members.clear(), "0 members"),
        (|model| model.bias[0] = f64::NAN, "bias of the ensemble"),
        (|model| model.members[0].scale = f64::INFINITY, "scale of member 0"),
        (|model| model.members[1].first = u32::MAX, "member 1 takes"),
        (|model| model.members[2].n_features = 0, "member 2 takes 0"),
        (
            |model| {
                let inner = EnsembleModel { members: model.members.clone(), bias: model.bias.clone() };
                model.members[0].model = Model::Ensemble(inner);
            },
            "member 0 is an ensemble",
        ),
    ];
    for (act, expected) in damage {
        let (_, _, mut parts) = joined(Task::Binary);
        let Model::Ensemble(model) = &mut parts.model else { panic!("ensemble") };
        act(model);
        let text = Scorer::new(&parts).unwrap_err().to_string();
        assert!(text.contains(expected), "{text}");
    }
    // A linear member can't take a feature that may be missing.
    let (_, _, mut parts) = joined(Task::Binary);
    let Model::Ensemble(model) = &mut parts.model else { panic!("ensemble") };
    let trees = model.members[1].first;
    let size = model.members[1].n_features;
    let Model::Linear(linear) = &mut model.members[0].model else { panic!("linear") };
    (linear.n_features, linear.weights) = (size, vec![0.0; size as usize]);
    (model.members[0].first, model.members[0].n_features) = (trees, size);
    let text = Scorer::new(&parts).unwrap_err().to_string();
    assert!(text.contains("can be missing"), "{text}");
}
