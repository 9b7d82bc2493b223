//! The JSON shapes on which scripts may rely.

use serde_json::Value;
use yard_tests::{place::Place, rows::sample_path};

/// Fails unless the object has these keys (more may follow).
pub(crate) fn has(value: &Value, keys: &[&str], what: &str) {
    let object = value.as_object().unwrap_or_else(|| panic!("{what} is no object: {value}"));
    for key in keys {
        assert!(object.contains_key(*key), "{what} lacks \"{key}\": {value:#}");
    }
}

/// Returns a list; fails when it is none.
pub(crate) fn list<'a>(value: &'a Value, what: &str) -> &'a Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("{what} is no list: {value}"))
}

/// Fails unless this is a metric with an interval around it.
pub(crate) fn metric(value: &Value, what: &str) -> f64 {
    has(value, &["value", "low", "high"], what);
    let number = |key: &str| value[key].as_f64().unwrap_or_else(|| panic!("{what}.{key}: {value}"));
    let (low, own, high) = (number("low"), number("value"), number("high"));
    assert!(low <= own && own <= high, "{what}: {value}");
    own
}

/// Fails unless this is 64 hexadecimal digits.
pub(crate) fn sha(value: &Value) -> String {
    let text = value.as_str().unwrap_or_default();
    assert!(yard_types::ids::Sha256::from_hex(text).is_some(), "no SHA-256: {value}");
    text.to_owned()
}

/// Makes a project of the churn sample with costs and protected columns.
pub(crate) fn new_churn(place: &Place, project: &str) -> Value {
    let data = sample_path("telco-churn");
    place.json(&format!(
        "new {project} --data {} --target Churn --positive Yes --id customerID --sensitive gender,SeniorCitizen \
         --cost-fp 1 --cost-fn 5 --seed 7",
        data.display()
    ))
}

/// Makes a project of the penguins.
pub(crate) fn new_penguins(place: &Place, project: &str) -> Value {
    place.json(&format!("new {project} --data {} --target species", sample_path("penguins").display()))
}

/// Checks what `train` prints and returns the model's number.
pub(crate) fn trained(value: &Value, metrics: &[&str]) -> u64 {
    has(value, &["run", "model", "family", "seconds", "metrics", "model_sha256"], "train");
    sha(&value["model_sha256"]);
    for part in ["validation", "test"] {
        has(&value["metrics"][part], metrics, part);
        for name in metrics {
            metric(&value["metrics"][part][name], name);
        }
    }
    assert!(value["seconds"].as_f64().is_some_and(|seconds| seconds > 0.0), "{value}");
    value["model"].as_u64().expect("a model's number")
}

/// Checks what `deploy` and `status` print.
pub(crate) fn deployed(value: &Value) {
    let keys = ["deployment", "target", "url", "grpc", "stable", "canary", "state", "token_file"];
    has(value, &keys, "deployment");
    assert_eq!(value["target"], "local");
    has(&value["stable"], &["model", "sha256"], "stable");
    sha(&value["stable"]["sha256"]);
    if !value["canary"].is_null() {
        has(&value["canary"], &["model", "percent"], "canary");
    }
}
