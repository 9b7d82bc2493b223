//! The loop on the other two kinds of question, shorter; searches and folds.

use crate::shapes::{deployed, has, list, metric, new_penguins, trained};
use serde_json::json;
use yard_tests::{http::Client, place::Place, rows::sample_path};

#[test]
fn regression() {
    let place = Place::new();
    place.json(&format!("new p.modelyard --data {} --target rings", sample_path("abalone").display()));
    let names = ["rmse", "mae", "r2"];
    trained(&place.json("train p.modelyard --family boosting --param trees=100"), &names);
    let evaluation = place.json("evaluate p.modelyard");
    for name in names {
        metric(&evaluation["metrics"][name], name);
    }
    // scikit-learn's HistGradientBoostingRegressor has about 2.2 rings here.
    assert!(
        evaluation["metrics"]["rmse"]["value"].as_f64().unwrap() < 2.4,
        "{}",
        evaluation["metrics"]["rmse"]
    );
    let status = place.json("deploy p.modelyard");
    deployed(&status);
    let token = std::fs::read_to_string(status["token_file"].as_str().unwrap()).unwrap();
    let mut client = Client::connect(status["url"].as_str().unwrap(), &token).unwrap();
    let path = format!("/v1/models/{}:predict", status["deployment"].as_str().unwrap());
    let reply = client.post(&path, &json!({"instances": [{"sex": "M", "length": 0.4}]})).good().json();
    let prediction = &reply["predictions"][0];
    assert!(prediction["prediction"].as_f64().is_some_and(f64::is_finite), "{reply}");
    assert_eq!(prediction.as_object().map(serde_json::Map::len), Some(1), "a number alone: {reply}");
    place.json("package p.modelyard --out p.modelpack");
    let scored =
        place.json(&format!("score p.modelpack --in {} --out s.ndjson", sample_path("abalone").display()));
    assert_eq!(scored["rows"], 4_177);
    place.json("stop p.modelyard");
    assert!(place.servers().is_empty());
}

#[test]
fn several_classes() {
    let place = Place::new();
    new_penguins(&place, "p.modelyard");
    trained(&place.json("train p.modelyard --family mlp --param epochs=40"), &["log_loss", "accuracy"]);
    let evaluation = place.json("evaluate p.modelyard");
    assert!(evaluation["metrics"]["accuracy"]["value"].as_f64().unwrap() > 0.9, "{}", evaluation["metrics"]);
    place.json("package p.modelyard --out p.modelpack");
    place.json(&format!("score p.modelpack --in {} --out s.csv", sample_path("penguins").display()));
    let text = std::fs::read_to_string(place.path("s.csv")).unwrap();
    assert_eq!(text.lines().next(), Some("prediction,p_Adelie,p_Chinstrap,p_Gentoo"));
    for line in text.lines().skip(1) {
        let sum: f32 = line.split(',').skip(1).map(|cell| cell.parse::<f32>().unwrap()).sum();
        assert!((sum - 1.0).abs() < 1e-5, "{line}");
    }
}

#[test]
fn auto_keeps_one_of_all_and_a_search_keeps_one_of_its_trials() {
    let place = Place::new();
    new_penguins(&place, "p.modelyard");
    let auto = place.json("train p.modelyard --family auto");
    let trials = list(&auto["trials"], "trials");
    let families: std::collections::BTreeSet<&str> =
        trials.iter().map(|own| own["family"].as_str().unwrap()).collect();
    assert_eq!(families, ["boosting", "forest", "linear", "mlp"].into());
    assert_eq!(trials.iter().filter(|own| own["kept"] == true).count(), 1);
    let search = place.json("train p.modelyard --family boosting --trials 4 --param trees=20 --folds 3");
    assert_eq!(list(&search["trials"], "trials").len(), 4);
    for trial in list(&search["trials"], "trials") {
        has(trial, &["family", "params", "validation", "kept", "note"], "trial");
    }
    let again = place.json(&format!("reproduce p.modelyard --model {}", search["model"]));
    assert_eq!(again["equal"], true, "{again}");
}
