//! The same data, recipe and seed give the same `model_sha256` for any number of threads.

use crate::model::{CHURN, Question, RINGS, SPECIES};
use yard_package::model_hash;
use yard_types::{ids::Sha256, run::Family};

fn check(question: Question, family: Family) -> Sha256 {
    let framed = question.framed();
    let hash = |threads| model_hash(&framed.train(family, threads).parts).unwrap();
    let one = hash(1);
    assert_eq!(one, hash(2), "{question:?} {family:?}");
    assert_eq!(one, hash(5), "{question:?} {family:?}");
    one
}

#[test]
fn trees_and_linear_models_do_not_depend_on_threads() {
    let mut seen = std::collections::BTreeSet::new();
    for question in [CHURN, RINGS, SPECIES] {
        for family in [Family::Boosting, Family::Linear, Family::Forest] {
            seen.insert(check(question, family));
        }
    }
    assert_eq!(seen.len(), 9, "different models have different hashes");
}
