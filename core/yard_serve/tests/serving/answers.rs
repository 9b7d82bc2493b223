//! The server's answers have the bits of the scorer, in every dialect and batch size.

use crate::{
    client::TestServer,
    fixture::{Shape, churn, package, parts, requests, threshold},
};
use serde_json::{Map, Value, json};
use yard_score::{predictions::RowPrediction, scorer::Scorer};
use yard_types::frame::Task;

fn shapes() -> [Shape; 3] {
    let three = Shape { name: "grade", task: Task::Multiclass, trees: 30, ..churn(1) };
    [churn(1), three, Shape { name: "price", task: Task::Regression, ..churn(1) }]
}

/// Calls back with the scorer's own answer to each row.
fn each_answer(shape: Shape, rows: &[Map<String, Value>], mut check: impl FnMut(usize, RowPrediction<'_>)) {
    let scorer = Scorer::new(&parts(shape)).unwrap();
    let mut scratch = scorer.scratch();
    for (index, request) in rows.iter().enumerate() {
        let row = scorer.row_from_json(request).unwrap();
        check(index, scorer.score_row(&row, &mut scratch).unwrap());
    }
}

#[test]
fn predict_has_the_scorers_bits() {
    let server = TestServer::start();
    for shape in shapes() {
        server.deploy(shape.name, &package(shape));
        let mut client = server.client("infer");
        for (count, seed) in [(1, 5), (7, 6), (500, 7)] {
            let rows = requests(shape, count, seed);
            let path = format!("/v1/models/{}:predict", shape.name);
            let reply = client.post(&path, &json!({"instances": rows})).good().json();
            assert_eq!(reply["model"], shape.name);
            assert_eq!(reply["version"], 1);
            assert_eq!(reply["request_id"].as_str().map(str::len), Some(32));
            let predictions = reply["predictions"].as_array().unwrap();
            assert_eq!(predictions.len(), count);
            each_answer(shape, &rows, |index, own| {
                let expected = own.to_json(Some(threshold(shape)));
                assert_eq!(predictions[index], expected, "{} row {index}", shape.name);
            });
        }
    }
}

/// Turns rows into tensors, each field in the datatype of the metadata.
fn tensors(rows: &[Map<String, Value>], info: &Value) -> Value {
    let input = |input: &Value| {
        let name = input["name"].as_str().unwrap();
        let data: Vec<&Value> = rows.iter().map(|row| &row[name]).collect();
        json!({"name": name, "shape": [rows.len(), 1], "datatype": input["datatype"], "data": data})
    };
    Value::Array(info["inputs"].as_array().unwrap().iter().map(input).collect())
}

fn output<'a>(reply: &'a Value, name: &str) -> &'a Vec<Value> {
    let outputs = reply["outputs"].as_array().unwrap();
    outputs.iter().find(|output| output["name"] == name).unwrap()["data"].as_array().unwrap()
}

#[test]
fn infer_has_the_scorers_bits() {
    let server = TestServer::start();
    for shape in shapes() {
        server.deploy(shape.name, &package(shape));
        let mut client = server.client("infer");
        let info = client.get(&format!("/v2/models/{}", shape.name)).good().json();
        for (count, seed) in [(1, 15), (7, 16), (500, 17)] {
            let rows = requests(shape, count, seed);
            let body = json!({"id": "r-7", "inputs": tensors(&rows, &info)});
            let reply = client.post(&format!("/v2/models/{}/infer", shape.name), &body).good().json();
            assert_eq!((&reply["model_version"], &reply["id"]), (&json!("1"), &json!("r-7")));
            each_answer(shape, &rows, |index, own| check_tensors(shape, &reply, index, own));
        }
    }
}

fn check_tensors(shape: Shape, reply: &Value, index: usize, own: RowPrediction<'_>) {
    let same = |values: &[Value], floats: &[f32]| {
        for (value, float) in values[index * floats.len()..].iter().zip(floats) {
            assert_eq!((value.as_f64().unwrap() as f32).to_bits(), float.to_bits());
        }
    };
    if shape.task == Task::Regression {
        return same(output(reply, "prediction"), own.margins);
    }
    same(output(reply, "margin"), own.margins);
    same(output(reply, "probability"), own.probabilities);
    assert_eq!(output(reply, "label")[index].as_str(), own.label());
    if shape.task == Task::Binary {
        assert_eq!(output(reply, "decision")[index].as_bool(), own.decision(threshold(shape)));
    }
}

#[test]
fn infer_gives_the_outputs_asked_for() {
    let server = TestServer::start();
    server.deploy("churn", &package(churn(3)));
    let mut client = server.client("infer");
    let info = client.get("/v2/models/churn").good().json();
    assert_eq!(info["versions"], json!(["3"]));
    assert_eq!(info["inputs"][0], json!({"name": "amount_0", "datatype": "FP64", "shape": [-1, 1]}));
    let rows = requests(churn(3), 2, 1);
    let body =
        json!({"inputs": tensors(&rows, &info), "outputs": [{"name": "label"}, {"name": "probability"}]});
    for path in ["/v2/models/churn/infer", "/v2/models/churn/versions/3/infer"] {
        let reply = client.post(path, &body).good().json();
        let names: Vec<&Value> =
            reply["outputs"].as_array().unwrap().iter().map(|output| &output["name"]).collect();
        assert_eq!(names, ["label", "probability"]);
        assert_eq!(reply["outputs"][1]["shape"], json!([2, 2]));
    }
    let reply = client.post("/v2/models/churn/versions/4/infer", &body);
    assert_eq!(reply.status, 404);
    assert_eq!(
        client.get("/v2/models/churn/versions/3/ready").good().json(),
        json!({"name": "churn", "ready": true})
    );
    assert_eq!(client.get("/v2").good().json()["name"], "modelyard");
}

#[test]
fn reasons_add_up_to_the_margin() {
    let server = TestServer::start();
    for shape in shapes() {
        server.deploy(shape.name, &package(shape));
        let rows = requests(shape, 5, 3);
        let path = format!("/v1/models/{}:explain", shape.name);
        let reply = server.client("infer").post(&path, &json!({"instances": rows})).good().json();
        for explanation in reply["explanations"].as_array().unwrap() {
            let reasons = explanation["reasons"].as_array().unwrap();
            assert_eq!(reasons.len(), 8);
            let sum: f64 = reasons.iter().map(|reason| reason["contribution"].as_f64().unwrap()).sum();
            let number = |name: &str| explanation[name].as_f64().unwrap();
            let difference = number("base") + sum + number("residual") - number("margin");
            assert!(difference.abs() < 1e-6, "{explanation}");
        }
    }
}

#[test]
fn wrong_records_are_refused_with_their_place() {
    let server = TestServer::start();
    server.deploy("churn", &package(churn(1)));
    let mut client = server.client("infer");
    let mut check = |body: Value, part: &str| {
        let reply = client.post("/v1/models/churn:predict", &body);
        assert_eq!(reply.status, 400, "{}", reply.text());
        assert!(reply.error().contains(part), "{}", reply.error());
        assert!(reply.headers.contains_key("modelyard-error"));
    };
    check(
        json!({"instances": [{"amount_0": 1}, {"amount_0": "many"}]}),
        "instance 1, field \"amount_0\": expected a number, got \"many\"",
    );
    check(json!({"instances": [{"paid": 2}]}), "field \"paid\": expected true or false, got 2");
    check(json!({"instances": [{"since": "soon"}]}), "field \"since\": expected a date");
    check(json!({"instances": [{"plan": ["a"]}]}), "field \"plan\": expected text, got a list");
}

#[test]
fn extra_fields_are_ignored_and_named() {
    let server = TestServer::start();
    server.deploy("churn", &package(churn(1)));
    let mut client = server.client("infer");
    let body =
        json!({"instances": [{"amount_0": 1, "zip": 5, "customer": "c-1", "left": "no", "a b": null}]});
    let reply = client.post("/v1/models/churn:predict", &body).good();
    assert_eq!(reply.headers["modelyard-ignored-fields"], "a_b, zip");
    let metrics = server.client("observe").get("/metrics").good().text();
    assert!(
        metrics.contains("modelyard_ignored_fields_total{model=\"churn\",version=\"1\"} 1\n"),
        "{metrics}"
    );
}
