//! One row is scored without a single allocation: numbers, category text, missing values, unseen codes,
//! small trees and trees that are walked.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(unsafe_code, reason = "an allocator that counts")]

use serde_json::Value;
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};
use yard_score::{
    model::{Calibration, Link, Model, ScorerParts, TreeEnsemble},
    scorer::Scorer,
};
use yard_types::{
    cell::CellRules,
    frame::Task,
    recipe::{Encoding, Feature, FeatureOp, FittedInput, FittedRecipe},
    schema::FieldType,
    table::FieldValue,
};

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call goes to the system's allocator; the counter is a plain cell of the thread.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn parts(model: TreeEnsemble, codes: &[bool]) -> ScorerParts {
    let input = |(index, code): (usize, &bool)| FittedInput {
        name: format!("f{index}"),
        field_type: if *code { FieldType::Category } else { FieldType::Number },
        rules: CellRules::default(),
        categories: if *code { (10..40).map(|code| code.to_string()).collect() } else { vec![] },
    };
    let feature = |(index, code): (usize, &bool)| Feature {
        name: format!("f{index}"),
        input: index as u32,
        op: if *code { FeatureOp::Code } else { FeatureOp::Number { fill: None, scale: None } },
    };
    ScorerParts {
        task: Task::Binary,
        classes: vec!["no".to_owned(), "yes".to_owned()],
        recipe: FittedRecipe {
            texts: Vec::new(),
            images: Vec::new(),
            pieces: Vec::new(),
            encoding: Encoding::Trees,
            inputs: codes.iter().enumerate().map(input).collect(),
            features: codes.iter().enumerate().map(feature).collect(),
        },
        link: Link::Logistic,
        calibration: Calibration::Platt { slope: 0.9, intercept: 0.1 },
        model: Model::Trees(model),
    }
}

#[test]
fn a_row_is_scored_without_allocation() {
    let reference: Value = serde_json::from_str(include_str!("fixtures/shap_reference.json")).unwrap();
    let model: TreeEnsemble = serde_json::from_value(reference["model"].clone()).unwrap();
    let codes: Vec<bool> = serde_json::from_value(reference["codes"].clone()).unwrap();
    let rows: Vec<Vec<Option<f64>>> = serde_json::from_value(reference["rows"].clone()).unwrap();
    let scorer = Scorer::new(&parts(model, &codes)).unwrap();
    let mut scratch = scorer.scratch();
    let words: Vec<String> = (10..50).map(|code| code.to_string()).collect();
    let mut values = Vec::with_capacity(codes.len());
    let (mut positive, before) = (0, COUNT.with(Cell::get));
    assert!(before > 0, "the allocator counts");
    for row in &rows {
        values.clear();
        values.extend(row.iter().zip(&codes).map(|(value, code)| match value {
            None => FieldValue::Missing,
            Some(value) if *code => FieldValue::Text(&words[*value as usize]),
            Some(value) => FieldValue::Number(*value),
        }));
        positive += scorer.score_row(&values, &mut scratch).unwrap().label_index();
    }
    assert_eq!(COUNT.with(Cell::get), before, "allocations");
    assert!(positive > 0 && positive < rows.len(), "{positive}");
}
