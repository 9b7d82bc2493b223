//! Rollouts on evidence: a bad canary goes by itself, a good one stays or is promoted, and a person may freeze,
//! override and say why.

use crate::{
    client::TestServer,
    fixture::{Shape, churn, package, requests},
};
use serde_json::{Value, json};

const PREDICT: &str = "/v1/models/churn:predict";
const ROUTE: &str = "/manage/models/churn/route";
const ROLLOUT: &str = "/manage/models/churn/rollout";

/// A server with version 1 stable and version 2 as canary at 10 %; a strict canary refuses requests without `paid`.
fn server(strict: bool, watch: &Value) -> TestServer {
    let server = TestServer::start();
    server.deploy("churn", &package(churn(1)));
    let mut manage = server.client("manage");
    manage.upload("churn", &package(Shape { strict, ..churn(2) })).good();
    let route = json!({"stable": 1, "canary": {"version": 2, "percent": 10}, "watch": watch});
    manage.post(ROUTE, &route).good();
    server
}

/// Sends requests, a fifth of them without `paid`, until `done` says so.
fn send(server: &TestServer, most: usize, mut done: impl FnMut(&TestServer) -> bool) -> usize {
    let rows = requests(churn(1), 200, 5);
    let mut client = server.client("infer");
    for index in 0..most {
        let mut row = rows[index % rows.len()].clone();
        if index % 5 == 0 {
            row.remove("paid");
        }
        client.post(PREDICT, &json!({"request_id": format!("r-{index}"), "instances": [row]}));
        if index % 20 == 19 && done(server) {
            return index + 1;
        }
    }
    most
}

fn no_canary(server: &TestServer) -> bool {
    server.client("observe").get("/manage/models/churn").good().json()["canary"].is_null()
}

fn rollout(server: &TestServer) -> Value {
    server.client("observe").get(ROLLOUT).good().json()
}

#[test]
fn a_bad_canary_is_rolled_back_by_itself_with_a_reason() {
    let server = server(true, &json!({}));
    send(&server, 5_000, no_canary);
    let shown = rollout(&server);
    let canary = shown["evidence"]["canary"]["requests"].as_u64().unwrap();
    assert!(no_canary(&server) && (3..=200).contains(&canary), "{canary} requests of the canary");
    assert_eq!(shown["evidence"]["verdict"], "roll_back");
    assert_eq!(shown["evidence"]["stable"]["errors"], 0);
    let event = &shown["events"][0];
    assert_eq!((&event["kind"], &event["version"]), (&json!("rolled_back"), &json!(2)));
    assert_eq!(event["automatic"], true);
    assert!(event["reason"].as_str().unwrap().contains("fails more often"), "{event}");
    assert_eq!(shown["events"][1]["kind"], "canary");
    let body = json!({"instances": [{"amount_0": 1}]});
    assert_eq!(server.client("infer").post(PREDICT, &body).good().json()["version"], 1);
}

#[test]
fn a_frozen_rollout_waits_and_needs_a_reason() {
    let server = server(true, &json!({"frozen": true}));
    let mut manage = server.client("manage");
    send(&server, 2_000, |_| false);
    assert_eq!(rollout(&server)["evidence"]["verdict"], "roll_back");
    assert!(!no_canary(&server));
    let path = "/manage/models/churn/watch";
    assert_eq!(manage.post(path, &json!({"frozen": false})).status, 400);
    assert_eq!(manage.post(path, &json!({"frozen": false, "reason": " "})).status, 400);
    manage.post(path, &json!({"frozen": false, "reason": "the outage is over"})).good();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while !no_canary(&server) {
        assert!(std::time::Instant::now() < until, "the verdict that was held back is carried out");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let kinds: Vec<String> = rollout(&server)["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["kind"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds.last().unwrap(), "canary");
    assert!(kinds.contains(&"resumed".to_owned()), "{kinds:?}");
}

#[test]
fn an_override_keeps_the_evidence_of_its_moment() {
    let server = server(false, &json!({}));
    send(&server, 200, |_| false);
    let mut manage = server.client("manage");
    assert_eq!(manage.post("/manage/models/churn/promote", &json!({"reason": ""})).status, 400);
    manage.post("/manage/models/churn/promote", &json!({"reason": "the campaign starts today"})).good();
    let event = &rollout(&server)["events"][0];
    let reason = event["reason"].as_str().unwrap();
    assert_eq!((&event["kind"], &event["automatic"]), (&json!("promoted"), &json!(false)));
    assert!(reason.starts_with("the campaign starts today") && reason.contains("watching"), "{reason}");
}

#[test]
fn a_good_canary_is_promoted_when_asked_and_plans_are_checked() {
    let plan = json!({"promote": true, "at_least": 50, "margin": 0.9, "score_margin": 0.99});
    let server = server(false, &plan);
    send(&server, 20_000, no_canary);
    let shown = server.client("observe").get("/manage/models/churn").good().json();
    assert_eq!((&shown["stable"], &shown["previous"]), (&json!(2), &json!(1)));
    let event = &rollout(&server)["events"][0];
    assert_eq!((&event["kind"], &event["automatic"]), (&json!("promoted"), &json!(true)));
    let mut manage = server.client("manage");
    for (plan, part) in [(json!({"alpha": 0}), "alpha is 0"), (json!({"slow": 0.5}), "slow is 0.5")] {
        let route = json!({"canary": {"version": 1, "percent": 5}, "watch": plan});
        let reply = manage.post(ROUTE, &route);
        assert_eq!(reply.status, 400);
        assert!(reply.error().contains(part), "{}", reply.error());
    }
}
