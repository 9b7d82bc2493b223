#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::testing::{self, FAMILIES, TASKS, parts, table};
use serde_json::{Map, Value, json};
use yard_types::{
    run::Family,
    table::{Column, TextColumn},
};

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn same(a: &Predictions, b: &Predictions, what: &str) {
    assert_eq!(bits(&a.margins), bits(&b.margins), "margins, {what}");
    assert_eq!(bits(&a.probabilities), bits(&b.probabilities), "probabilities, {what}");
}

/// The order of fields and the JSON of a row, as a client would send it.
fn json_row(scorer: &Scorer, table: &Table, row: usize) -> Map<String, Value> {
    let cell = |name: &str| match table.column(name).unwrap().value(row) {
        FieldValue::Missing => Value::Null,
        FieldValue::Number(number) if name == "yes" => json!(number == 1.0),
        FieldValue::Number(number) => json!(number),
        FieldValue::Text(text) => json!(text),
        FieldValue::Instant(micros) => json!(yard_types::date::format_iso(micros)),
    };
    scorer.input_names().map(|name| (name.to_owned(), cell(name))).collect()
}

#[test]
fn rows_batches_tables_and_json_have_the_same_bits() {
    let table = table(1, 10_000);
    for (family, task) in FAMILIES.into_iter().flat_map(|family| TASKS.map(|task| (family, task))) {
        let what = format!("{family:?} {task:?}");
        let scorer = Scorer::new(&parts(7, family, task)).unwrap();
        let whole = scorer.score_table(&table).unwrap();
        assert_eq!(whole.rows(), 10_000);
        for batch in [1, 7, 4096] {
            let mut joined = scorer.score_rows(&table, Rows::Range(0, 0)).unwrap();
            let bound = scorer.encoder().bind(&table).unwrap();
            for start in (0..10_000).step_by(batch) {
                let rows = Rows::Range(start, (start + batch).min(10_000));
                joined.append(scorer.score_bound(&bound, rows).unwrap());
            }
            same(&whole, &joined, &format!("{what}, batches of {batch}"));
        }
        let features = scorer.encoder().encode(&table, Rows::Range(0, 10_000)).unwrap();
        same(&whole, &scorer.score_features(&features).unwrap(), &format!("{what}, features"));
        let mut scratch = scorer.scratch();
        for row in 0..10_000 {
            let expected = whole.row(row).unwrap();
            let columns: Vec<&Column> =
                scorer.input_names().map(|name| table.column(name).unwrap()).collect();
            let values: Vec<FieldValue<'_>> = columns.iter().map(|column| column.value(row)).collect();
            let got = scorer.score_row(&values, &mut scratch).unwrap();
            assert_eq!(bits(got.margins), bits(expected.margins), "{what}, row {row}");
            assert_eq!(bits(got.probabilities), bits(expected.probabilities), "{what}, row {row}");
            if matches!(values[0], FieldValue::Number(a) if a.is_infinite()) {
                continue; // JSON has no infinity
            }
            let object = json_row(&scorer, &table, row);
            let text = serde_json::to_string(&object).unwrap();
            let object: Map<String, Value> = serde_json::from_str(&text).unwrap();
            let values = scorer.row_from_json(&object).unwrap();
            let got = scorer.score_row(&values, &mut scratch).unwrap();
            assert_eq!(bits(got.margins), bits(expected.margins), "{what}, JSON of row {row}");
        }
    }
}

#[test]
fn order_of_trees_and_rows_does_not_matter() {
    let table = table(2, 500);
    let mut parts = parts(9, Family::Boosting, Task::Binary);
    let forward = Scorer::new(&parts).unwrap().score_table(&table).unwrap();
    let Model::Trees(model) = &mut parts.model else { panic!("trees") };
    model.trees.reverse();
    let scorer = Scorer::new(&parts).unwrap();
    same(&forward, &scorer.score_table(&table).unwrap(), "trees reversed");
    let rows: Vec<u32> = (0..500).rev().collect();
    let mut backward = scorer.score_rows(&table, Rows::List(&rows)).unwrap();
    backward.margins.reverse();
    assert_eq!(bits(&forward.margins), bits(&backward.margins));
}

#[test]
fn columns_of_other_types_read_alike() {
    let scorer = Scorer::new(&parts(3, Family::Boosting, Task::Regression)).unwrap();
    let table = |a: Column, colour: Column, yes: Column, day: Column| {
        let empty = || Column::Number(vec![f64::NAN; 2]);
        let columns =
            [("a", a), ("colour", colour), ("yes", yes), ("day", day), ("b", empty()), ("count", empty())];
        Table::new(columns.map(|(name, column)| (name.to_owned(), column)).into()).unwrap()
    };
    let text = |a, b| Column::Text(TextColumn::from_cells([Some(a), Some(b)]));
    let typed = table(
        Column::Number(vec![0.5, f64::NAN]),
        text("10", "10"),
        Column::Number(vec![1.0, 0.0]),
        Column::Instant(vec![86_400_000_000, 0]),
    );
    let loose = table(
        text("0.5", "NA"),
        Column::Number(vec![10.0, 10.0]),
        text("true", "no"),
        text("1970-01-02", "1970-01-01T00:00:00Z"),
    );
    same(&scorer.score_table(&typed).unwrap(), &scorer.score_table(&loose).unwrap(), "typed and text");
}

#[test]
fn errors_name_field_row_and_value() {
    let scorer = Scorer::new(&parts(3, Family::Linear, Task::Binary)).unwrap();
    let table = Table::new(vec![("a".to_owned(), Column::Number(vec![1.0]))]).unwrap();
    let error = scorer.score_table(&table).unwrap_err();
    assert_eq!(error, ScoreError::MissingColumn { column: "colour".to_owned() });
    let whole = crate::testing::table(1, 3);
    let columns = whole.names().iter().zip(whole.columns()).map(|(name, column)| match name.as_str() {
        "count" => (name.clone(), Column::Text(TextColumn::from_cells([Some("1"), Some("x"), None]))),
        _ => (name.clone(), column.clone()),
    });
    let error = scorer.score_table(&Table::new(columns.collect()).unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "field \"count\", row 1: got \"x\"; expected a whole number; correct the value or leave it empty"
    );
    assert_eq!(
        scorer.score_rows(&whole, Rows::List(&[1, 3])).unwrap_err(),
        ScoreError::Row { row: 3, rows: 3 }
    );
    let error = scorer.score_row(&[FieldValue::Missing], &mut scorer.scratch()).unwrap_err();
    assert_eq!(error, ScoreError::InputCount { expected: 6, got: 1 });
}

#[test]
fn json_rows_are_checked() {
    let scorer = Scorer::new(&parts(3, Family::Boosting, Task::Binary)).unwrap();
    let read = |value: Value| scorer.row_from_json(value.as_object().unwrap()).map(|row| format!("{row:?}"));
    let refused = |value: Value, field: &str, got: &str| match read(value).unwrap_err() {
        ScoreError::Value { field: own, got: own_got, row: None, .. } => {
            assert_eq!((own.as_str(), own_got.as_str()), (field, got));
        }
        other => panic!("{other}"),
    };
    refused(json!({"a": true}), "a", "a boolean");
    refused(json!({"a": [1]}), "a", "an array");
    refused(json!({"colour": {}}), "colour", "an object");
    refused(json!({"count": "many"}), "count", "\"many\"");
    refused(json!({"yes": 2}), "yes", "2");
    refused(json!({"day": "tomorrow"}), "day", "\"tomorrow\"");
    assert!(read(json!({})).is_ok());
    assert!(read(json!({"customer": 1, "a": null})).is_ok());
    assert!(matches!(read(json!({"A": 1})), Err(ScoreError::NoKnownField { .. })));
    let expected = "[Number(1.5), Text(\"true\"), Missing, Text(\"7\"), Number(1.0), Number(0.0)]";
    assert_eq!(
        read(json!({"a": 1.5, "colour": true, "count": "7", "yes": true, "day": 0})).unwrap(),
        expected
    );
}

#[test]
fn probabilities_labels_and_decisions() {
    let table = table(4, 2_000);
    let binary = Scorer::new(&parts(5, Family::Mlp, Task::Binary)).unwrap();
    let scores = binary.score_table(&table).unwrap();
    for threshold in [0.0, 0.1, 0.25, 0.5, 0.9, 1.0] {
        let decisions = scores.decisions(threshold);
        for (row, decision) in decisions.iter().enumerate() {
            let p = crate::math::sigmoid(0.9 * f64::from(scores.margins[row]) + 0.2);
            assert_eq!(scores.decision(row, threshold), Some(*decision));
            if (p - threshold).abs() > 1e-12 {
                assert_eq!(*decision, p > threshold, "p {p}, threshold {threshold}");
            }
            assert_eq!(scores.probabilities[2 * row + 1], p as f32);
            assert_eq!(scores.probabilities[2 * row], (1.0 - p) as f32);
        }
        assert!(threshold > 0.0 || decisions.iter().all(|decision| *decision));
        assert!(threshold < 1.0 || !decisions.iter().any(|decision| *decision));
    }
    let several = Scorer::new(&parts(5, Family::Boosting, Task::Multiclass)).unwrap();
    let scores = several.score_table(&table).unwrap();
    for (row, label) in scores.label_indices().into_iter().enumerate() {
        let margins = &scores.margins[3 * row..3 * row + 3];
        assert!(margins.iter().all(|margin| *margin <= margins[label]));
        let sum: f32 = scores.probabilities[3 * row..3 * row + 3].iter().sum();
        assert!((sum - 1.0).abs() < 1e-6);
        assert_eq!(scores.decision(row, 0.5), None);
        assert_eq!(scores.label(row), several.classes().get(label).map(String::as_str));
    }
    assert_eq!(scores.class_probabilities(3), Vec::<f32>::new());
    assert_eq!(scores.row(2_000).map(|row| row.margins.len()), None);
}

#[test]
fn answers_as_json() {
    let scorer = Scorer::new(&parts(5, Family::Boosting, Task::Binary)).unwrap();
    let scores = scorer.score_table(&table(4, 1)).unwrap();
    let answer = scores.row(0).unwrap().to_json(Some(0.5));
    let yes = answer["probabilities"]["yes"].as_f64().unwrap();
    assert_eq!((yes as f32).to_bits(), scores.probabilities[1].to_bits());
    assert_eq!(answer["decision"], json!(scores.decision(0, 0.5)));
    assert_eq!(answer["prediction"], json!(scores.label(0)));
    let scorer = Scorer::new(&parts(5, Family::Linear, Task::Regression)).unwrap();
    let scores = scorer.score_table(&table(4, 1)).unwrap();
    let answer = scores.row(0).unwrap().to_json(Some(0.5));
    assert_eq!(answer, json!({"prediction": f64::from(scores.margins[0])}));
}

#[test]
fn a_log_link_answers_on_the_scale_of_the_target() {
    let mut parts = parts(5, Family::Boosting, Task::Regression);
    let table = table(4, 300);
    let plain = Scorer::new(&parts).unwrap().score_table(&table).unwrap();
    parts.link = Link::Log;
    let scorer = Scorer::new(&parts).unwrap();
    let scores = scorer.score_table(&table).unwrap();
    let explainer = crate::explain::Explainer::new(&parts, None).unwrap();
    for (row, (margin, got)) in plain.margins.iter().zip(&scores.margins).enumerate() {
        let want = f64::from(*margin).exp() as f32;
        assert!((got / want - 1.0).abs() < 1e-6 && *got > 0.0, "{got} {want}");
        let values: Vec<FieldValue<'_>> =
            scorer.input_names().map(|name| table.column(name).unwrap().value(row)).collect();
        let mut scratch = scorer.scratch();
        let alone = scorer.score_row(&values, &mut scratch).unwrap();
        assert_eq!(alone.margins[0].to_bits(), got.to_bits());
        assert_eq!(alone.to_json(None), json!({"prediction": f64::from(*got)}));
        let explanation = explainer.explain(&values).unwrap();
        assert_eq!(explanation.margins[0].to_bits(), margin.to_bits());
        assert!(explanation.residual[0].abs() < 1e-9);
    }
    parts.task = Task::Binary;
    assert!(Scorer::new(&parts).is_err());
    let mut huge = testing::parts(5, Family::Mlp, Task::Regression);
    huge.link = Link::Log;
    let Model::Net(net) = &mut huge.model else { panic!("net") };
    net.shift = 1000.0;
    let error = Scorer::new(&huge).unwrap().score_table(&table).unwrap_err();
    assert!(matches!(error, ScoreError::Overflow { row: 0 }), "{error}");
}

#[test]
fn an_overflow_is_an_error() {
    let mut parts = parts(5, Family::Mlp, Task::Regression);
    let Model::Net(net) = &mut parts.model else { panic!("net") };
    for layer in &mut net.layers {
        layer.weights.iter_mut().for_each(|weight| *weight = 1e30);
    }
    let scorer = Scorer::new(&parts).unwrap();
    assert!(matches!(scorer.score_table(&table(4, 3)), Err(ScoreError::Overflow { .. })));
}
