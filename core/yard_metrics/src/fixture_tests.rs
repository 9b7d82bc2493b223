//! Agreement with scikit-learn, scipy and numpy to 1e-9 (script and values: `fixtures/`).
#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::{
    BinaryRows, Decision, MulticlassRows, RegressionRows, Rows, classification, curve, drift,
    interval::{Z_95, binomial_quantile, wilson},
    metric_set, special,
};
use serde_json::Value;
use std::collections::BTreeMap;
use yard_types::frame::Costs;

fn load(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn floats(value: &Value) -> Vec<f32> {
    numbers(value).into_iter().map(|v| v as f32).collect()
}

fn codes(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as usize).collect()
}

fn close(got: f64, expected: f64, what: &str) {
    let tolerance = 1e-9 * expected.abs().max(1.0);
    assert!((got - expected).abs() <= tolerance, "{what}: got {got}, expected {expected}");
}

/// Small values must agree relatively.
fn close_relative(got: f64, expected: f64, what: &str) {
    assert!((got - expected).abs() <= 1e-9 * expected.abs(), "{what}: got {got}, expected {expected}");
}

fn check_metrics(got: &BTreeMap<String, f64>, case: &Value) {
    let expected = case["metrics"].as_object().unwrap();
    assert_eq!(got.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, value) in expected {
        close(got[name], value.as_f64().unwrap(), &format!("{} {name}", case["name"]));
    }
}

#[test]
fn binary_metrics_are_scikit_learns() {
    for case in load(include_str!("../fixtures/binary.json"))["cases"].as_array().unwrap() {
        let y: Vec<u8> = codes(&case["y"]).into_iter().map(|c| c as u8).collect();
        let p = floats(&case["p"]);
        let weights = case["w"].is_array().then(|| numbers(&case["w"]));
        let mut rows = BinaryRows::new(&y, &p).unwrap();
        if let Some(weights) = &weights {
            rows = rows.with_weights(weights).unwrap();
        }
        let costs = numbers(&case["costs"]);
        let costs = Costs {
            false_positive: costs[0],
            false_negative: costs[1],
            true_positive: costs[2],
            true_negative: costs[3],
        };
        let threshold = case["threshold"].as_f64().unwrap();
        let set = metric_set(Rows::Binary(rows), &Decision { threshold, costs });
        check_metrics(&set, case);
        let (precision, recall, f1) = classification::precision_recall_f1(&rows, threshold).unwrap();
        let single = [
            ("roc_auc", classification::roc_auc(&rows).unwrap()),
            ("average_precision", classification::average_precision(&rows).unwrap()),
            ("log_loss", classification::log_loss(&rows).unwrap()),
            ("brier", classification::brier(&rows).unwrap()),
            ("accuracy", classification::accuracy(&rows, threshold).unwrap()),
            ("balanced_accuracy", classification::balanced_accuracy(&rows, threshold).unwrap()),
            ("ece", classification::ece(&rows).unwrap()),
            ("precision", precision),
            ("recall", recall),
            ("f1", f1),
        ];
        for (name, value) in single {
            close(value, set[name], name);
        }
        let confusion = classification::confusion(&rows, threshold, ["no", "yes"]);
        assert_eq!(serde_json::to_value(&confusion.counts).unwrap(), case["confusion"]);
        check_curves(&rows, case);
    }
}

fn check_curves(rows: &BinaryRows<'_>, case: &Value) {
    let roc = curve::roc(rows);
    let (fpr, tpr) = (numbers(&case["roc"][0]), numbers(&case["roc"][1]));
    assert_eq!(roc.len(), fpr.len());
    for ((point, x), y) in roc.iter().zip(&fpr).zip(&tpr) {
        close(point.x, *x, "false positive rate");
        close(point.y, *y, "true positive rate");
    }
    // scikit-learn goes from recall 1 down and ends with the point (0, 1), which is our first one.
    let points = curve::precision_recall(rows);
    let expected = [0, 1, 2].map(|part| numbers(&case["precision_recall"][part]));
    let found: Vec<_> = points[1..].iter().rev().collect();
    for (index, point) in found.iter().enumerate() {
        close(point.y, expected[0][index], "precision");
        close(point.x, expected[1][index], "recall");
        close(point.threshold, expected[2][index], "threshold");
    }
    assert_eq!(found.len(), expected[0].len());
}

#[test]
fn multiclass_metrics_are_scikit_learns() {
    for case in load(include_str!("../fixtures/multiclass.json"))["cases"].as_array().unwrap() {
        let (y, p) = (codes(&case["y"]), floats(&case["p"]));
        let classes = case["classes"].as_u64().unwrap() as usize;
        let weights = case["w"].is_array().then(|| numbers(&case["w"]));
        let mut rows = MulticlassRows::new(&y, &p, classes).unwrap();
        if let Some(weights) = &weights {
            rows = rows.with_weights(weights).unwrap();
        }
        check_metrics(&metric_set(Rows::Multiclass(rows), &Decision::default()), case);
        close(
            classification::roc_auc_ovr(&rows).unwrap(),
            case["metrics"]["roc_auc"].as_f64().unwrap(),
            "roc_auc_ovr",
        );
        let confusion = classification::confusion_multiclass(&rows, &[]);
        assert_eq!(serde_json::to_value(&confusion.counts).unwrap(), case["confusion"]);
    }
}

#[test]
fn regression_metrics_are_scikit_learns() {
    for case in load(include_str!("../fixtures/regression.json"))["cases"].as_array().unwrap() {
        let (truth, prediction) = (numbers(&case["truth"]), floats(&case["prediction"]));
        let weights = case["w"].is_array().then(|| numbers(&case["w"]));
        let mut rows = RegressionRows::new(&truth, &prediction).unwrap();
        if let Some(weights) = &weights {
            rows = rows.with_weights(weights).unwrap();
        }
        check_metrics(&metric_set(Rows::Regression(rows), &Decision::default()), case);
    }
}

#[test]
fn drift_figures_are_scipys() {
    let fixture = load(include_str!("../fixtures/drift.json"));
    for case in fixture["samples"].as_array().unwrap() {
        let (x, y) = (numbers(&case["x"]), numbers(&case["y"]));
        let ks = drift::ks(&x, &y).unwrap();
        close(ks.statistic, case["ks"].as_f64().unwrap(), "ks");
        close_relative(ks.p_value, case["ks_p"].as_f64().unwrap(), "ks p");
        close(drift::wasserstein(&x, &y).unwrap(), case["wasserstein"].as_f64().unwrap(), "wasserstein");
        let normed = case["normed_wasserstein"].as_f64().unwrap();
        close(drift::normed_wasserstein(&x, &y).unwrap(), normed, "normed wasserstein");
    }
    for case in fixture["counts"].as_array().unwrap() {
        let (a, b) = (numbers(&case["p"]), numbers(&case["q"]));
        let (p, q) = (drift::shares(&a).unwrap(), drift::shares(&b).unwrap());
        close(drift::psi(&p, &q), case["psi"].as_f64().unwrap(), "psi");
        close(drift::jensen_shannon(&p, &q), case["jensen_shannon"].as_f64().unwrap(), "js");
        close(drift::hellinger(&p, &q), case["hellinger"].as_f64().unwrap(), "hellinger");
        close(drift::l_infinity(&p, &q), case["l_infinity"].as_f64().unwrap(), "l infinity");
        if case["chi_square"].is_array() {
            let test = drift::chi_square(&a, &b).unwrap();
            let expected = numbers(&case["chi_square"]);
            close(test.statistic, expected[0], "chi-square");
            assert_eq!(test.df as f64, expected[1]);
            close_relative(test.p_value, expected[2], "chi-square p");
            let rows = (a.iter().sum::<f64>() + b.iter().sum::<f64>()) as u64;
            close(drift::cramers_v(&test, rows), case["cramers_v"].as_f64().unwrap(), "cramers v");
        }
    }
    let deciles = &fixture["normal_deciles"];
    let psi = drift::psi(&numbers(&deciles["p"]), &numbers(&deciles["q"]));
    close(psi, deciles["psi"].as_f64().unwrap(), "psi of shifted normals");
    assert!((psi - 0.9261).abs() < 5e-5);
    let fdr = &fixture["benjamini_hochberg"];
    for (got, expected) in
        drift::benjamini_hochberg(&numbers(&fdr["p"])).iter().zip(numbers(&fdr["adjusted"]))
    {
        close(*got, expected, "benjamini-hochberg");
    }
}

#[test]
fn hellinger_of_shifted_normals() {
    // Closed form sqrt(1 - exp(-1/8)) = 0.3428, approached by fine bins of the exact shares.
    let density = |x: f64| (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt();
    let grid = || (0..4000).map(|i| f64::from(i) * 0.005 - 10.0);
    let p: Vec<f64> = grid().map(|x| density(x) * 0.005).collect();
    let q: Vec<f64> = grid().map(|x| density(x - 1.0) * 0.005).collect();
    assert!((drift::hellinger(&p, &q) - (1.0 - (-0.125_f64).exp()).sqrt()).abs() < 1e-6);
    // The index tends to 1 as the bins shrink (its continuous form is the squared shift).
    assert!((drift::psi(&p, &q) - 1.0).abs() < 1e-6);
}

#[test]
fn special_functions_are_scipys() {
    let fixture = load(include_str!("../fixtures/drift.json"));
    let rows =
        |name: &str| -> Vec<Vec<f64>> { fixture[name].as_array().unwrap().iter().map(numbers).collect() };
    for row in rows("chi2_quantile") {
        close_relative(special::chi2_quantile(row[0], row[1]), row[2], &format!("quantile {row:?}"));
    }
    for row in rows("chi2_sf") {
        close_relative(special::chi2_sf(row[0], row[1]), row[2], &format!("survival {row:?}"));
    }
    for row in rows("kolmogorov") {
        close_relative(special::kolmogorov_sf(row[0]), row[1], &format!("kolmogorov {row:?}"));
    }
    for row in rows("ln_gamma") {
        close(special::ln_gamma(row[0]), row[1], &format!("ln gamma {row:?}"));
    }
    for row in rows("wilson") {
        let (low, high) = wilson(row[0], row[1], Z_95).unwrap();
        close(low, row[2], "wilson low");
        close(high, row[3], "wilson high");
    }
    for row in rows("binomial_quantile") {
        assert_eq!(binomial_quantile(row[0] as u64, row[1], row[2]), row[3] as u64, "{row:?}");
    }
}
