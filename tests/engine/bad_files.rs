//! Bad data files end in a stated error or a stated repair; the project is usable after each.

use crate::open::{create, import_command, kinds, must, run, target, training};
use serde_json::Value;
use std::io::Write as _;
use yard_data::{OutColumn, OutKind, TableWriter};
use yard_engine::Engine;
use yard_tests::{
    bad::{BadFile, Outcome, bad_files},
    place::Place,
    rows::{Cells, sample_path},
};
use yard_types::{
    command::NewProject,
    run::Family,
    table::{Column, Table},
};

fn check(engine: &Engine, place: &Place, bad: &BadFile) {
    let path = place.file(bad.name, &bad.bytes);
    let before = kinds(engine).len();
    let (result, notices) = run(engine, import_command(&path, target("target")));
    crate::log::assert_in_order(&notices);
    match (bad.outcome, result) {
        (Outcome::Refused(words), Err(error)) => {
            let text = error.to_string();
            for word in words {
                assert!(text.contains(word), "{}: \"{text}\" should say \"{word}\"", bad.name);
            }
            assert_eq!(kinds(engine).len(), before, "{}: a refusal leaves no event", bad.name);
        }
        (Outcome::Stated(code, words, size), Ok(profile)) => {
            check_profile(bad.name, &profile, (code, words, size));
        }
        (outcome, result) => panic!("{}: expected {outcome:?}, got {result:?}", bad.name),
    }
    assert_eq!(engine.pending(), 0, "{}", bad.name);
}

type Expected = (&'static str, &'static [&'static str], (u64, usize));

fn check_profile(name: &str, profile: &Value, (code, words, (rows, columns)): Expected) {
    let findings = profile["findings"].as_array().unwrap();
    let told: Vec<(&str, &str)> = findings
        .iter()
        .map(|finding| (finding["code"].as_str().unwrap(), finding["message"].as_str().unwrap()))
        .collect();
    let of_code: Vec<&str> =
        told.iter().filter(|(own, _)| *own == code).map(|(_, message)| *message).collect();
    for word in words {
        let said = of_code.iter().any(|message| message.contains(word))
            || findings.iter().any(|own| own["code"] == code && own["column"] == *word);
        assert!(said, "{name}: no \"{code}\" that says \"{word}\" in {told:#?}");
    }
    assert_eq!(profile["rows"], rows, "{name}: no silent loss of rows");
    assert_eq!(profile["columns"].as_array().map(Vec::len), Some(columns), "{name}: columns");
}

#[test]
fn every_bad_file_is_stated() {
    let place = Place::new();
    let engine = create(&place, "p.modelyard");
    for bad in bad_files() {
        check(&engine, &place, &bad);
    }
    // The same project still takes a good file and trains on it.
    must(&engine, import_command(&sample_path("penguins"), target("species")));
    must(&engine, training(Family::Linear, &[]));
    assert!(engine.verify_log().is_ok());
}

#[test]
fn a_cut_parquet_file_is_refused() {
    let place = Place::new();
    let path = place.path("cut.parquet");
    let columns = ["x", "target"].map(|name| OutColumn { name: name.to_owned(), kind: OutKind::Number });
    let numbers = |step: f64| Column::Number((0..500).map(|at| f64::from(at) * step).collect());
    let table =
        Table::new(vec![("x".to_owned(), numbers(0.5)), ("target".to_owned(), numbers(2.0))]).unwrap();
    let mut writer = TableWriter::create(&path, &columns).unwrap();
    writer.write(&table).unwrap();
    writer.finish().unwrap();
    let engine = create(&place, "p.modelyard");
    let profile = must(&engine, import_command(&path, target("target")));
    assert_eq!(profile["rows"], 500);
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 40]).unwrap();
    let error = run(&engine, import_command(&path, target("target"))).0.unwrap_err().to_string();
    assert!(error.contains("Parquet") && error.contains("cut.parquet"), "{error}");
}

#[test]
fn a_file_that_unpacks_to_far_more_is_stopped_at_the_limit() {
    let place = Place::new();
    let path = place.path("bomb.csv.gz");
    let file = std::fs::File::create(&path).unwrap();
    let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::best());
    packed.write_all(b"x,target\n").unwrap();
    let line = "1,yes\n2,no\n".repeat(100_000);
    for _ in 0..220 {
        packed.write_all(line.as_bytes()).unwrap();
    }
    packed.finish().unwrap();
    let engine = create(&place, "p.modelyard");
    let error = run(&engine, import_command(&path, target("target"))).0.unwrap_err().to_string();
    assert!(error.contains("unpack") && error.contains("limit"), "{error}");
}

#[test]
fn folders_and_absent_files_are_named() {
    let place = Place::new();
    let engine = create(&place, "p.modelyard");
    std::fs::create_dir(place.path("folder.csv")).unwrap();
    for (name, word) in [("folder.csv", "folder"), ("absent.csv", "absent.csv")] {
        let error = run(&engine, import_command(&place.path(name), target("target"))).0.unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn facts_that_do_not_fit_the_data_are_refused_with_a_way_out() {
    let place = Place::new();
    let engine = create(&place, "p.modelyard");
    let churn = |facts| run(&engine, import_command(&sample_path("telco-churn"), facts)).0;
    let check = |facts: NewProject, words: &[&str]| {
        let Err(error) = churn(facts.clone()) else { panic!("{facts:?} is taken") };
        let error = error.to_string();
        for word in words {
            assert!(error.contains(word), "\"{error}\" should say \"{word}\"");
        }
    };
    let text = |word: &str| Some(word.to_owned());
    check(target("Chrun"), &["\"Chrun\"", "did you mean", "Churn"]);
    check(NewProject { positive: text("maybe"), ..target("Churn") }, &["\"maybe\"", "Yes"]);
    check(NewProject { id: text("customerId"), ..target("Churn") }, &["customerId", "customerID"]);
    check(NewProject { weight: text("gender"), ..target("Churn") }, &["gender", "number"]);
    check(NewProject { metric: text("auc"), ..target("Churn") }, &["auc", "roc_auc"]);
    check(NewProject { drop: vec!["Churn".to_owned()], ..target("Churn") }, &["Churn"]);
    let regression = Some(yard_types::frame::Task::Regression);
    check(NewProject { task: regression, ..target("Contract") }, &["Contract", "numbers"]);
    check(target("customerID"), &["customerID"]);
    assert_eq!(kinds(&engine), ["project_created"]);
    churn(target("Churn")).unwrap();
}

/// Rows with a missing target are left out of every part and counted.
#[test]
fn rows_without_a_target_are_counted() {
    let place = Place::new();
    let mut cells = Cells::sample("penguins");
    let at = cells.column("species");
    for row in cells.rows.iter_mut().step_by(10) {
        row[at].clear();
    }
    let path = place.file("gaps.csv", cells.to_csv());
    let engine = create(&place, "p.modelyard");
    let profile = must(&engine, import_command(&path, target("species")));
    check_profile("gaps.csv", &profile, ("target_missing", &["35"], (344, 8)));
    let state = engine.state();
    let counts = state.splits.values().next().unwrap().counts;
    assert_eq!(counts.train + counts.validation + counts.test, 344 - 35);
}
