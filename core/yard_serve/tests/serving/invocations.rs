//! The scoring protocol of MLflow: four forms and CSV give the bits of `:predict`, errors have its shape, and a
//! client without a token is answered where the server was started so.

use crate::{
    client::{Answer, TestServer},
    fixture::{Shape, churn, package, requests},
};
use serde_json::{Map, Value, json};
use yard_types::frame::Task;

fn post(server: &TestServer, body: &str, kind: &str) -> Answer {
    let more = format!("content-type: {kind}\r\n");
    server.client("infer").call("POST", "/invocations", body.as_bytes(), &more)
}

fn csv(names: &[String], rows: &[Map<String, Value>]) -> String {
    let cell = |value: Option<&Value>| match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => format!("\"{}\"", text.replace('"', "\"\"")),
        Some(other) => other.to_string(),
    };
    let mut text = names.join(",") + "\n";
    for row in rows {
        let cells: Vec<String> = names.iter().map(|name| cell(row.get(name))).collect();
        text += &(cells.join(",") + "\n");
    }
    text
}

#[test]
fn ten_thousand_rows_have_the_same_bits_in_every_form() {
    let server = TestServer::start();
    let shape = churn(1);
    server.deploy("churn", &package(shape));
    let rows = requests(shape, 10_000, 11);
    let all = server.client("infer").post("/v1/models/churn:predict", &json!({"instances": rows})).good();
    let expected = all.json()["predictions"].clone();
    let names: Vec<String> =
        ["amount_0", "amount_1", "amount_2", "amount_3", "amount_4", "plan", "paid", "since"]
            .map(str::to_owned)
            .to_vec();
    let matrix: Vec<Vec<Value>> = rows
        .iter()
        .map(|row| names.iter().map(|name| row.get(name).cloned().unwrap_or_default()).collect())
        .collect();
    let columns: Map<String, Value> = names
        .iter()
        .enumerate()
        .map(|(at, name)| (name.clone(), matrix.iter().map(|row| row[at].clone()).collect()))
        .collect();
    let forms = [
        ("split", json!({"dataframe_split": {"columns": names, "data": matrix}}).to_string()),
        ("records", json!({"dataframe_records": rows}).to_string()),
        ("instances", json!({"instances": matrix}).to_string()),
        ("columns", json!({"inputs": columns}).to_string()),
        ("list", json!({"inputs": matrix}).to_string()),
    ];
    for (name, body) in forms {
        let answer = post(&server, &body, "application/json").good();
        assert_eq!(answer.json(), json!({"predictions": expected}), "{name}");
        assert!(answer.headers.contains_key("modelyard-request-id"));
    }
    let answer = post(&server, &csv(&names, &rows), "text/csv").good();
    assert_eq!(answer.json()["predictions"], expected, "CSV");
}

#[test]
fn errors_have_the_shape_of_the_protocol() {
    let server = TestServer::start();
    assert_eq!(server.client("infer").get("/ping").status, 404, "no model yet");
    server.deploy("churn", &package(churn(1)));
    assert_eq!(server.client("").get("/ping").good().body, b"\n");
    server.client("").get("/health").good();
    assert!(server.client("infer").get("/version").good().text().starts_with(env!("CARGO_PKG_VERSION")));
    for (body, kind, status, part) in [
        ("[]", "application/json", 400, "expected an object"),
        (r#"{"inputs":{"amount_0":["x"]}}"#, "application/json", 400, "expected a number"),
        ("amount_0,amount_0\n1,2", "text/csv", 400, "appears twice"),
        ("{}", "text/plain", 415, "content type"),
        ("{}", "application/json; charset=latin1", 415, "content type"),
    ] {
        let answer = post(&server, body, kind);
        assert_eq!(answer.status, status, "{}", answer.text());
        let json = answer.json();
        assert!(json["message"].as_str().unwrap().contains(part), "{json}");
        assert!(json["error_code"].is_string() && json.get("stack_trace").is_none());
    }
    server.deploy("price", &package(Shape { name: "price", task: Task::Regression, ..churn(1) }));
    let body = r#"{"inputs":{"amount_0":[1]}}"#;
    assert!(post(&server, body, "application/json").error().contains("several models"));
    let more = "content-type: application/json\r\nmodelyard-model: price\r\n";
    server.client("infer").call("POST", "/invocations", body.as_bytes(), more).good();
}

#[test]
fn no_token_is_needed_where_the_server_was_started_so() {
    let server = TestServer::with(|config| config.open = true);
    server.deploy("churn", &package(churn(1)));
    let mut stranger = server.client("infer");
    stranger.forget_token();
    let more = "content-type: application/json\r\n";
    let body = br#"{"inputs":{"amount_0":[1]}}"#;
    stranger.call("POST", "/invocations", body, more).good();
    let origin = format!("{more}origin: http://evil\r\n");
    assert_eq!(stranger.call("POST", "/invocations", body, &origin).status, 403);
    let mut stranger = server.client("infer");
    stranger.forget_token();
    assert_eq!(stranger.get("/manage/models").status, 401);
}
