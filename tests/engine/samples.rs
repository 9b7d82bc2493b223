//! Each sample becomes a project with a frame, a split and a first model.

use crate::open::{create, import_command, kinds, must, training};
use serde_json::Value;
use yard_tests::{place::Place, repository, rows::sample_path};
use yard_types::{
    command::{Command, ModelChoice, NewProject},
    frame::Task,
    run::Family,
    schema::Role,
};

/// Facts of `sample.json`.
fn facts(name: &str) -> NewProject {
    let path = repository().join("sample-data").join(name).join("sample.json");
    let value: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let text = |key: &str| value[key].as_str().map(str::to_owned);
    NewProject {
        target: text("target"),
        positive: text("positive"),
        id: text("id"),
        cost_fp: value["cost_fp"].as_f64(),
        cost_fn: value["cost_fn"].as_f64(),
        metric: text("metric"),
        decision: text("decision"),
        latency_budget_ms: value["latency_budget_ms"].as_f64(),
        sensitive: value["protected"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        ..NewProject::default()
    }
}

fn check(name: &str, task: Task, rows: u64, columns: usize) {
    let place = Place::new();
    let engine = create(&place, "p.modelyard");
    let profile = must(&engine, import_command(&sample_path(name), facts(name)));
    assert_eq!(profile["rows"], rows);
    assert_eq!(profile["columns"].as_array().map(Vec::len), Some(columns));
    assert_eq!(kinds(&engine), ["project_created", "dataset_imported", "frame_set", "split_set"]);

    let state = engine.state();
    let frame = state.frame.clone().unwrap();
    assert_eq!((frame.task, Some(&frame.target)), (task, facts(name).target.as_ref()));
    let counts = state.splits.values().next().unwrap().counts;
    let all = counts.train + counts.validation + counts.test;
    let target =
        profile["columns"].as_array().unwrap().iter().find(|own| own["name"] == frame.target.as_str());
    assert_eq!(
        all,
        rows - target.unwrap()["missing"].as_u64().unwrap(),
        "every row with a target is in a part"
    );
    let share = |part: u64, expected: f64| {
        assert!((part as f64 / all as f64 - expected).abs() < 0.02, "{part} of {all}, expected {expected}");
    };
    share(counts.train, 0.6);
    share(counts.validation, 0.2);
    share(counts.test, 0.2);
    let schema = &state.dataset().unwrap().schema;
    assert_eq!(schema.with_role(Role::Id).map(|field| field.name.clone()), facts(name).id);
    for column in facts(name).sensitive {
        assert_eq!(schema.field(&column).unwrap().role, Role::Sensitive, "{column} is no input");
    }

    let trained = must(&engine, training(Family::Linear, &[]));
    let evaluation = must(&engine, Command::Evaluate { model: ModelChoice::Best, data: None });
    let metric = frame.metric.as_str();
    let test = trained["metrics"]["test"][metric]["value"].as_f64().unwrap();
    let evaluated = &evaluation["metrics"][metric];
    assert_eq!(evaluated["value"].as_f64(), Some(test), "training and evaluation report one {metric}");
    let bound = |key: &str| evaluated[key].as_f64().unwrap();
    assert!(bound("low") <= test && test <= bound("high"), "{evaluated}");
}

#[test]
fn churn_has_costs_and_protected_columns() {
    check("telco-churn", Task::Binary, 7_043, 21);
}

#[test]
fn abalone_is_a_regression() {
    check("abalone", Task::Regression, 4_177, 9);
}

#[test]
fn penguins_have_three_classes() {
    check("penguins", Task::Multiclass, 344, 8);
}

/// What the sample READMEs state of the churn data is what the profile finds.
#[test]
fn the_profile_of_churn_has_the_stated_figures() {
    let place = Place::new();
    let engine = create(&place, "p.modelyard");
    let profile = must(&engine, import_command(&sample_path("telco-churn"), facts("telco-churn")));
    let columns = profile["columns"].as_array().unwrap();
    let column = |name: &str| columns.iter().find(|own| own["name"] == name).unwrap();
    // Figures by pandas 3.0: read_csv, describe, isna (TotalCharges has 11 blank cells).
    assert_eq!(column("TotalCharges")["missing"], 11);
    assert_eq!(column("tenure")["median"], 29.0);
    assert_eq!(column("tenure")["max"], 72.0);
    let near = |value: &Value, expected: f64| {
        assert!((value.as_f64().unwrap() - expected).abs() < 1e-9 * expected, "{value} and {expected}");
    };
    near(&column("MonthlyCharges")["mean"], 64.761_692_460_598_8);
    near(&column("MonthlyCharges")["sd"], 30.090_047_097_678_5);
    assert_eq!(column("Churn")["top"][0], serde_json::json!({"value": "No", "count": 5174}));
}
