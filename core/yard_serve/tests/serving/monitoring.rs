//! What is kept of requests: log, windows, sketches, labels, figures.

use crate::{
    client::TestServer,
    fixture::{churn, package, parts, requests},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use yard_metrics::sketch::{LatencyHistogram, SketchCounts};
use yard_score::scorer::Scorer;
use yard_types::serving::{LogReply, WindowsReply};

const PREDICT: &str = "/v1/models/churn:predict";

fn windows(server: &TestServer, query: &str) -> WindowsReply {
    let path = format!("/manage/models/churn/windows{query}");
    serde_json::from_slice(&server.client("observe").get(&path).good().body).unwrap()
}

fn log(server: &TestServer, query: &str) -> LogReply {
    let path = format!("/manage/models/churn/log{query}");
    serde_json::from_slice(&server.client("manage").get(&path).good().body).unwrap()
}

fn deployed(change: impl FnOnce(&mut yard_serve::Config)) -> TestServer {
    let server = TestServer::with(change);
    server.deploy("churn", &package(churn(1)));
    server
}

#[test]
fn the_log_holds_values_scores_and_failures() {
    let server = deployed(|_| {});
    let mut client = server.client("infer");
    let rows = requests(churn(1), 3, 8);
    let reply = client.post(PREDICT, &json!({"request_id": "r-1", "instances": rows})).good().json();
    client.post(PREDICT, &json!({"instances": [{"amount_0": "many"}]}));
    let page = log(&server, "");
    assert_eq!(page.entries.len(), 2);
    let entry = &page.entries[0];
    assert_eq!(
        (entry.request_id.as_str(), entry.version, entry.status, entry.route.as_str()),
        ("r-1", 1, 200, "predict")
    );
    assert!(entry.latency_ms > 0.0 && entry.at.ends_with('Z'));
    for (row, logged) in rows.iter().zip(&entry.rows) {
        let got: BTreeMap<String, Value> = serde_json::from_value(logged.fields.clone()).unwrap();
        let sent: BTreeMap<String, Value> = row.clone().into_iter().collect();
        assert_eq!(got, sent);
        assert_eq!(logged.margins.len(), 1);
    }
    for (row, logged) in reply["predictions"].as_array().unwrap().iter().zip(&entry.rows) {
        assert_eq!(row["probabilities"]["yes"].as_f64(), Some(logged.scores[1]));
        assert_eq!(row["decision"].as_bool(), logged.decision);
    }
    let failed = &page.entries[1];
    assert_eq!((failed.status, failed.rows.len()), (400, 0));
    assert!(failed.error.as_ref().unwrap().contains("amount_0"));
    let rest = log(&server, &format!("?after={}&limit=1", entry.seq));
    assert_eq!((rest.entries.len(), rest.last), (1, failed.seq));
    assert_eq!(log(&server, &format!("?after={}", failed.seq)).last, failed.seq);
}

#[test]
fn fields_can_be_left_out_of_the_log() {
    let server = deployed(|config| {
        config.log.drop_fields =
            ["plan".to_owned(), "churn.paid".to_owned(), "other.since".to_owned()].into();
    });
    let rows = requests(churn(1), 1, 8);
    server.client("infer").post(PREDICT, &json!({"instances": rows})).good();
    let fields = log(&server, "").entries[0].rows[0].fields.clone();
    let names: Vec<&String> = fields.as_object().unwrap().keys().collect();
    assert!(names.iter().all(|name| *name != "plan" && *name != "paid") && names.len() == 6, "{names:?}");
    assert_eq!(windows(&server, "").windows[0].fields.len(), 8, "sketches count every field");
}

fn counts(value: &Value) -> SketchCounts {
    serde_json::from_value(value.clone()).unwrap()
}

#[test]
fn windows_count_every_row() {
    let server = deployed(|config| config.log.window_rows = 100);
    let rows = requests(churn(1), 250, 21);
    let mut client = server.client("infer");
    for row in &rows {
        client.post(PREDICT, &json!({"instances": [row]})).good();
    }
    client.post(PREDICT, &json!({"instances": [{"amount_0": "many"}]}));
    let reply = windows(&server, "");
    assert_eq!((reply.size, reply.dropped), (100, 0));
    let sizes: Vec<(u64, u64, u64, u64, bool)> =
        reply.windows.iter().map(|w| (w.index, w.rows, w.requests, w.errors, w.open)).collect();
    assert_eq!(sizes, [(0, 100, 100, 0, false), (1, 100, 100, 0, false), (2, 50, 51, 1, true)]);
    let scorer = Scorer::new(&parts(churn(1))).unwrap();
    let mut scratch = scorer.scratch();
    for window in &reply.windows {
        let from = window.index as usize * 100;
        let own = &rows[from..(from + 100).min(250)];
        let missing = |name: &str| own.iter().filter(|row| row[name].is_null()).count() as u64;
        for name in ["amount_0", "plan", "since"] {
            let counts = counts(&window.fields[name]);
            assert_eq!((counts.rows(), counts.missing), (own.len() as u64, missing(name)), "{name}");
        }
        let unseen = own.iter().filter(|row| row["plan"] == "other\u{e9}").count() as u64;
        assert_eq!(counts(&window.fields["plan"]).unseen, 0, "known to the reference");
        assert!(unseen > 0);
        let mut sum = 0.0;
        for row in own {
            let row = scorer.row_from_json(row).unwrap();
            sum += f64::from(scorer.score_row(&row, &mut scratch).unwrap().probabilities[1]);
        }
        assert!((window.mean_score.unwrap() - sum / own.len() as f64).abs() < 1e-9);
        assert_eq!(counts(&window.score).rows(), own.len() as u64);
        let latency: LatencyHistogram = serde_json::from_value(window.latency.clone()).unwrap();
        assert_eq!(latency.count(), window.requests);
        assert!(window.p50_ms > 0.0 && window.p50_ms <= window.p99_ms);
    }
    let merged = windows(&server, "?size=150");
    let sizes: Vec<(u64, u64, bool)> = merged.windows.iter().map(|w| (w.index, w.rows, w.open)).collect();
    assert_eq!((merged.size, sizes), (200, vec![(0, 200, false), (1, 50, true)]));
    assert_eq!(windows(&server, "?size=100&last=1").windows.len(), 1);
}

#[test]
fn trials_of_a_version_without_traffic_are_logged_and_not_monitored() {
    let server = deployed(|_| {});
    server.client("manage").upload("churn", &package(churn(2))).good();
    let mut client = server.client("infer");
    let info = client.get("/v2/models/churn").good().json();
    let input = |field: &Value| json!({"name": field["name"], "shape": [1], "datatype": field["datatype"], "data": [null]});
    let inputs: Vec<Value> = info["inputs"].as_array().unwrap().iter().map(input).collect();
    for version in [1, 2] {
        let body = json!({"id": format!("v-{version}"), "inputs": inputs});
        client.post(&format!("/v2/models/churn/versions/{version}/infer"), &body).good();
        client
            .post(
                "/v1/models/churn:feedback",
                &json!([{"request_id": format!("v-{version}"), "label": "no"}]),
            )
            .good();
    }
    let versions: Vec<(u64, usize)> =
        windows(&server, "").windows.iter().map(|w| (w.version, w.labelled.len())).collect();
    assert_eq!(versions, [(1, 1)]);
    assert_eq!(log(&server, "").entries.len(), 2);
}

#[test]
fn windows_and_versions_survive_a_restart() {
    let store = tempfile::tempdir().unwrap();
    let mut config = yard_serve::Config::new(store.path());
    config.log_level = yard_serve::LogLevel::Off;
    config.log.window_rows = 100;
    let rows = requests(churn(1), 160, 22);
    for (round, part) in rows.chunks(80).enumerate() {
        let server =
            TestServer { running: yard_serve::start(&config).unwrap(), store: tempfile::tempdir().unwrap() };
        if round == 0 {
            server.deploy("churn", &package(churn(1)));
        }
        for chunk in part.chunks(20) {
            server.client("infer").post(PREDICT, &json!({"instances": chunk})).good();
        }
        let reply = windows(&server, "");
        let sizes: Vec<(u64, u64)> = reply.windows.iter().map(|w| (w.index, w.rows)).collect();
        assert_eq!(sizes, if round == 0 { vec![(0, 80)] } else { vec![(0, 100), (1, 60)] });
        assert_eq!(counts(&reply.windows[0].fields["plan"]).rows(), reply.windows[0].rows);
        assert_eq!(log(&server, "").entries.len(), 4 * (round + 1));
        server.running.shut_down();
        server.running.wait().unwrap();
    }
}

#[test]
fn labels_join_their_rows() {
    let server = deployed(|_| {});
    let mut client = server.client("infer");
    let rows = requests(churn(1), 3, 30);
    let reply = client.post(PREDICT, &json!({"request_id": "r-1", "instances": rows})).good().json();
    let labels = json!([
        {"request_id": "r-1", "label": "no"},
        {"request_id": "r-1", "index": 2, "label": "yes"},
        {"request_id": "r-1", "index": 0, "label": "yes"},
        {"request_id": "r-9", "label": true}
    ]);
    let answer = client.post("/v1/models/churn:feedback", &labels).good().json();
    assert_eq!(answer, json!({"accepted": 4, "unknown": 1}));
    let window = &windows(&server, "").windows[0];
    let joined: Vec<(u32, &Value)> = window.labelled.iter().map(|row| (row.index, &row.label)).collect();
    assert_eq!(joined, [(0, &json!("yes")), (2, &json!("yes"))], "the last label of a row counts");
    for row in &window.labelled {
        let own = &reply["predictions"][row.index as usize];
        assert_eq!(own["probabilities"]["yes"].as_f64(), Some(row.scores[1]));
        assert_eq!(own["decision"].as_bool(), row.decision);
    }
    assert_eq!(log(&server, "").entries[0].rows[2].label, Some(json!("yes")));
    for bad in [
        json!({"request_id": "r"}),
        json!([{"request_id": "r"}]),
        json!([{"request_id": "r", "label": null}]),
        json!([{"request_id": "", "label": 1}]),
    ] {
        assert_eq!(client.post("/v1/models/churn:feedback", &bad).status, 400, "{bad}");
    }
    assert_eq!(client.post("/v1/models/nothing:feedback", &json!([])).status, 404);
}

#[test]
fn old_rows_are_deleted_with_their_labels() {
    let server = deployed(|config| config.log.retain_rows = 50);
    let mut client = server.client("infer");
    for batch in 0..30 {
        let rows = requests(churn(1), 10, batch);
        client.post(PREDICT, &json!({"request_id": format!("r-{batch}"), "instances": rows})).good();
        client
            .post("/v1/models/churn:feedback", &json!([{"request_id": format!("r-{batch}"), "label": "no"}]))
            .good();
    }
    let page = log(&server, "");
    let kept: Vec<&str> = page.entries.iter().map(|entry| entry.request_id.as_str()).collect();
    assert_eq!(kept, ["r-25", "r-26", "r-27", "r-28", "r-29"]);
    let labelled: usize = windows(&server, "").windows.iter().map(|window| window.labelled.len()).sum();
    assert_eq!(labelled, 5);
}

#[test]
fn figures_in_the_prometheus_format() {
    let server = deployed(|_| {});
    let mut client = server.client("infer");
    for _ in 0..5 {
        client.post(PREDICT, &json!({"instances": requests(churn(1), 2, 1)})).good();
    }
    client.post(PREDICT, &json!({"instances": [{"amount_0": "many"}]}));
    let reply = server.client("observe").get("/metrics").good();
    assert_eq!(reply.headers["content-type"], "text/plain; version=0.0.4");
    let text = reply.text();
    let value = |series: &str| -> f64 {
        let line =
            text.lines().find(|line| line.strip_prefix(series).is_some_and(|rest| rest.starts_with(' ')));
        line.unwrap_or_else(|| panic!("{series} in {text}")).rsplit(' ').next().unwrap().parse().unwrap()
    };
    let own = "model=\"churn\",version=\"1\"";
    assert_eq!(
        value(&format!("modelyard_inference_requests_total{{{own},route=\"predict\",code=\"200\"}}")),
        5.0
    );
    assert_eq!(
        value(&format!("modelyard_inference_requests_total{{{own},route=\"predict\",code=\"400\"}}")),
        1.0
    );
    assert_eq!(value(&format!("modelyard_inference_rows_total{{{own}}}")), 10.0);
    assert_eq!(value(&format!("modelyard_inference_duration_seconds_count{{{own}}}")), 6.0);
    assert_eq!(value(&format!("modelyard_inference_duration_seconds_bucket{{{own},le=\"+Inf\"}}")), 6.0);
    assert!(value(&format!("modelyard_inference_duration_seconds_sum{{{own}}}")) > 0.0);
    assert!(text.contains(&format!("modelyard_model_info{{{own},sha256=\"")));
    assert_eq!(value("modelyard_queue_depth"), 0.0);
    assert_eq!(value("modelyard_log_dropped_total"), 0.0);
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        assert!(name.starts_with("modelyard_"), "{line}");
        let family = name.trim_end_matches("_bucket").trim_end_matches("_sum").trim_end_matches("_count");
        assert!(text.contains(&format!("# TYPE {family} ")), "{line}");
    }
    let shown = server.client("observe").get("/manage/models/churn").good().json();
    let stats = &shown["versions"][0]["stats"];
    assert_eq!((&stats["requests"], &stats["errors"]), (&json!(6), &json!(1)));
    assert!(stats["p50_ms"].as_f64().unwrap() > 0.0 && stats["mean_score"].as_f64().is_some());
}

#[test]
fn the_openapi_document_lists_every_route_and_field() {
    let server = deployed(|_| {});
    let document = server.client("infer").get("/openapi.json").good().json();
    for route in yard_serve::route_table() {
        let path = route.path.replace("{m}", "{model}").replace("{v}", "{version}");
        assert!(document["paths"][&path][route.method.to_ascii_lowercase()].is_object(), "{path}");
    }
    assert!(document["paths"]["/v1/models/churn:predict"]["post"]["requestBody"].is_object());
    let record = &document["components"]["schemas"]["churn-record"]["properties"];
    assert_eq!(record.as_object().unwrap().len(), 8);
    assert_eq!(record["paid"], json!({"type": "boolean", "nullable": true}));
    assert_eq!(record["plan"]["x-categories"][0], "basic");
}

#[test]
fn a_broken_log_stops_no_answer_and_no_label_is_lost_silently() {
    let server = deployed(|_| {});
    let other = rusqlite::Connection::open(server.store.path().join("store.sqlite")).unwrap();
    other.busy_timeout(std::time::Duration::from_secs(5)).unwrap();
    other.execute_batch("alter table request rename to hidden").unwrap();
    let mut client = server.client("infer");
    client.post(PREDICT, &json!({"request_id": "r-1", "instances": requests(churn(1), 2, 1)})).good();
    let label = json!([{"request_id": "r-1", "label": "no"}]);
    assert_eq!(client.post("/v1/models/churn:feedback", &label).status, 503);
    server.client("observe").get("/manage/models/churn").good();
    let metrics = server.client("observe").get("/metrics").good().text();
    assert!(!metrics.contains("modelyard_log_failures_total 0\n"), "{metrics}");
    other.execute_batch("alter table hidden rename to request").unwrap();
    client.post(PREDICT, &json!({"request_id": "r-2", "instances": requests(churn(1), 2, 1)})).good();
    assert_eq!(client.post("/v1/models/churn:feedback", &label).good().json()["accepted"], 1);
    let ids: Vec<String> = log(&server, "").entries.into_iter().map(|entry| entry.request_id).collect();
    assert_eq!(ids, ["r-2"]);
}
