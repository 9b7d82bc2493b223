#![allow(clippy::unwrap_used, clippy::panic)]

use crate::{
    Format,
    subject::Subject,
    testing::{TASKS, package, parts, table},
};
use yard_score::{
    encode::Rows,
    model::{Calibration, ScorerParts},
    scorer::Scorer,
};
use yard_types::{frame::Task, run::Family, table::FieldValue};

fn exported(parts: ScorerParts) -> String {
    let package = package(parts);
    let exported = super::export(&Subject::new(&package)).unwrap();
    String::from_utf8(exported.files["model.txt"].clone()).unwrap()
}

/// Scores encoded features with a model that was read back; a category code is given as its number.
fn margins_of_text(text: &str, features: &[f32], n_features: usize) -> Vec<f32> {
    let imported = crate::import(text.as_bytes()).unwrap();
    let scorer = Scorer::new(&imported.parts).unwrap();
    let mut scratch = scorer.scratch();
    let mut out = Vec::new();
    for row in features.chunks_exact(n_features) {
        let row: Vec<FieldValue<'_>> = row.iter().map(|x| FieldValue::Number(f64::from(*x))).collect();
        out.extend_from_slice(scorer.score_row(&row, &mut scratch).unwrap().margins);
    }
    out
}

#[test]
fn what_is_written_reads_back_to_the_same_bits() {
    for task in TASKS {
        let mut parts = parts(11, Family::Boosting, task);
        parts.calibration = Calibration::None;
        let scorer = Scorer::new(&parts).unwrap();
        let (table, n) = (table(5, 2_000), scorer.encoder().n_features());
        let features = scorer.encoder().encode(&table, Rows::Range(0, 2_000)).unwrap();
        let expected = scorer.score_features(&features).unwrap().margins;
        assert_eq!(margins_of_text(&exported(parts), &features, n), expected, "{task:?}");
    }
}

#[test]
fn the_calibration_is_in_the_raw_score() {
    let parts = parts(11, Family::Boosting, Task::Binary);
    let scorer = Scorer::new(&parts).unwrap();
    let n = scorer.encoder().n_features();
    let features = scorer.encoder().encode(&table(5, 500), Rows::Range(0, 500)).unwrap();
    let expected = scorer.score_features(&features).unwrap().margins;
    for (got, margin) in margins_of_text(&exported(parts), &features, n).iter().zip(expected) {
        let calibrated = 0.9 * f64::from(margin) + 0.2;
        assert!((f64::from(*got) - calibrated).abs() < 1e-5, "{got} {calibrated}");
    }
}

#[test]
fn sizes_of_trees_are_those_of_the_text() {
    let text = exported(parts(3, Family::Boosting, Task::Binary));
    let sizes = text.lines().find_map(|line| line.strip_prefix("tree_sizes=")).unwrap();
    let total: usize = sizes.split(' ').map(|size| size.parse::<usize>().unwrap()).sum();
    let (from, to) = (text.find("Tree=0").unwrap(), text.find("end of trees").unwrap());
    assert_eq!(total, to - from);
}

#[test]
fn names_are_made_distinct() {
    let text = exported(parts(3, Family::Boosting, Task::Binary));
    assert!(text.contains("feature_names=f_0 f_1 f_2 f_3"), "{}", &text[..300]);
}

#[test]
fn a_linear_model_is_refused_with_the_way_out() {
    let package = package(parts(3, Family::Linear, Task::Binary));
    let error = crate::export(package.bytes().to_vec(), Format::LightGbm).unwrap_err().to_string();
    assert!(error.contains("can't hold a linear model") && error.contains("export as onnx"), "{error}");
}

#[test]
fn own_scores_of_the_library() {
    let check = |name: &str, model: &str, rows: &str| {
        crate::testing::check_margins(name, model.as_bytes(), rows);
    };
    let fixture = include_str!("../../fixtures/lightgbm_binary.txt");
    check("binary", fixture, include_str!("../../fixtures/lightgbm_binary.json"));
    let imported = crate::import(fixture.as_bytes()).unwrap();
    assert_eq!(imported.parts.calibration, Calibration::Platt { slope: 0.8, intercept: 0.0 });
    check(
        "multiclass",
        include_str!("../../fixtures/lightgbm_multiclass.txt"),
        include_str!("../../fixtures/lightgbm_multiclass.json"),
    );
    check(
        "poisson",
        include_str!("../../fixtures/lightgbm_poisson.txt"),
        include_str!("../../fixtures/lightgbm_poisson.json"),
    );
    check(
        "zero",
        include_str!("../../fixtures/lightgbm_zero.txt"),
        include_str!("../../fixtures/lightgbm_zero.json"),
    );
    check(
        "forest",
        include_str!("../../fixtures/lightgbm_forest.txt"),
        include_str!("../../fixtures/lightgbm_forest.json"),
    );
}

const BASE: &str = include_str!("../../fixtures/lightgbm_binary.txt");

#[test]
fn damaged_text_is_refused_with_its_place() {
    let check = |from: &str, to: &str, expected: &str| {
        let text = BASE.replacen(from, to, 1);
        assert!(text != BASE, "{from} is not in the fixture");
        let error = crate::import(text.as_bytes()).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(expected), "{from} -> {to}: {error}");
    };
    check("end of trees", "", "\"end of trees\" is missing");
    check("Tree=3", "Tree=4", "follows 3 trees");
    check("num_leaves=7", "num_leaves=8", "has 7 values, not 8");
    check("num_leaves=7", "num_leaves=18446744073709551615", "has 7 values");
    check("num_leaves=7", "num_leaves=0", "has 7 values, not 0");
    check("num_leaves=7", "num_leaves=x", "whole number");
    check("max_feature_idx=3", "max_feature_idx=18446744073709551615", "4 feature names for");
    check("feature_names=a b", "feature_names=b b", "appears twice");
    check("num_tree_per_iteration=1", "num_tree_per_iteration=0", "one tree for each class");
    check("num_tree_per_iteration=1", "num_tree_per_iteration=4000000000", "one tree for each class");
    check("objective=binary", "objective=cross_entropy_lambda", "does not have");
    check("objective=binary", "objective=multiclassova", "does not have");
    check("sigmoid:0.8", "sigmoid:-1", "a positive number");
    check("is_linear=0", "is_linear=1", "linear_tree");
    check("split_feature=", "split_feature=9999 ", "has 7 values, not 6");
    check("cat_boundaries=0 ", "cat_boundaries=0 99999999 ", "longer than the list");
    check("left_child=1", "left_child=0", "two parents");
    check("left_child=1", "left_child=-77", "does not exist");
    check("leaf_value=", "leaf_value=nan ", "has 8 values");
}

#[test]
fn every_cut_and_every_flipped_byte_ends_in_an_answer() {
    for cut in (0..BASE.len()).step_by(97) {
        if BASE.is_char_boundary(cut) {
            let _ = crate::import(&BASE.as_bytes()[..cut]);
        }
    }
    let mut bytes = BASE.as_bytes().to_vec();
    for at in (0..bytes.len()).step_by(11) {
        for flip in [1_u8, 16] {
            bytes[at] ^= flip;
            let _ = crate::import(&bytes);
            bytes[at] ^= flip;
        }
    }
}

#[test]
fn a_column_has_one_rule_for_zero() {
    let line = BASE.lines().find(|line| line.starts_with("decision_type=")).unwrap();
    let text = BASE.replacen(line, &line.replace("10", "6"), 1);
    assert!(text != BASE, "{line}");
    let error = crate::import(text.as_bytes()).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("zero_as_missing"), "{error}");
}

/// What comes in from LightGBM goes out to it as it was; other formats get their grid, and say so.
#[test]
fn an_imported_model_is_exported() {
    for (model, zero) in [
        (BASE, false),
        (include_str!("../../fixtures/lightgbm_forest.txt"), false),
        (include_str!("../../fixtures/lightgbm_zero.txt"), true),
    ] {
        let imported = crate::import(model.as_bytes()).unwrap();
        let facts = crate::ImportFacts {
            name: "m",
            file: "m.txt",
            at: "2024-01-01T00:00:00Z".to_owned(),
            written_by: "test".to_owned(),
        };
        let package = imported.to_package(&facts).unwrap();
        let text = crate::export(package.clone(), Format::LightGbm).unwrap();
        let again = crate::import(&text.files["model.txt"]).unwrap();
        let rows = include_str!("../../fixtures/lightgbm_binary.json");
        let rows: serde_json::Value = serde_json::from_str(rows).unwrap();
        let (ours, theirs) = (Scorer::new(&imported.parts).unwrap(), Scorer::new(&again.parts).unwrap());
        let ours_names: Vec<&str> = ours.input_names().collect();
        for row in rows["rows"].as_array().unwrap() {
            let row: Vec<f64> =
                ours_names.iter().map(|name| row[*name].as_f64().unwrap_or(f64::NAN)).collect();
            let row: Vec<FieldValue<'_>> = row.iter().map(|x| FieldValue::Number(*x)).collect();
            let (mut a, mut b) = (ours.scratch(), theirs.scratch());
            let expected = ours.score_row(&row, &mut a).unwrap().margins.to_vec();
            let got = theirs.score_row(&row, &mut b).unwrap().margins.to_vec();
            if imported.parts.calibration == Calibration::None {
                assert_eq!(got, expected);
            }
        }
        match crate::export(package, Format::C) {
            Ok(exported) => {
                assert!(!zero && exported.notes.iter().any(|note| note.contains("rounded to multiples")));
                let readme = String::from_utf8(exported.files["README.md"].clone()).unwrap();
                assert!(readme.contains("rounded to multiples"));
            }
            Err(error) => assert!(zero && error.to_string().contains("zeros"), "{error}"),
        }
    }
}
