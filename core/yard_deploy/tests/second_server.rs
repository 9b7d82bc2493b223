//! A second server, reached over TLS by URL, token and pinned key: deployment, a bad canary that goes by
//! itself, the log pulled back; and every way in which the wrong server or a stranger is turned away.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code, reason = "shared with the server's own tests")]
#[path = "../../yard_serve/tests/serving/fixture.rs"]
mod fixture;

use fixture::{Shape, churn, package, requests};
use serde_json::json;
use std::path::Path;
use yard_deploy::{DeployError, ServerClient, Tokens};
use yard_serve::{Config, LogLevel, Running, TlsOptions, start};
use yard_types::{
    rollout::{FreezeRequest, WatchPlan},
    serving::{CanaryRoute, RouteRequest},
};

fn server(store: &Path, listen: &str) -> Running {
    let mut config = Config::new(store);
    config.log_level = LogLevel::Off;
    config.tls = Some(TlsOptions::SelfSigned);
    listen.clone_into(&mut config.listen);
    start(&config).unwrap()
}

fn pin(store: &Path) -> String {
    yard_serve::read_server_file(store).unwrap().pin.unwrap()
}

fn token(path: &str) -> String {
    std::fs::read_to_string(path).unwrap().trim().to_owned()
}

fn tokens(running: &Running) -> Tokens {
    let files = &running.tokens;
    Tokens { infer: token(&files.infer), observe: token(&files.observe), manage: token(&files.manage) }
}

fn client(running: &Running, store: &Path) -> ServerClient {
    ServerClient::new(&format!("{}#sha256={}", running.url, pin(store)), tokens(running)).unwrap()
}

#[test]
fn deploys_watches_and_pulls_the_log_over_tls() {
    let store = tempfile::tempdir().unwrap();
    let running = server(store.path(), "127.0.0.1:0");
    assert!(running.url.starts_with("https://127.0.0.1:"));
    let client = client(&running, store.path());
    assert!(!client.url().contains('#'));
    client.check().unwrap();
    let first = client.upload("churn", package(churn(1))).unwrap();
    client.route("churn", &RouteRequest { stable: Some(first.version), ..RouteRequest::default() }).unwrap();
    let second = client.upload("churn", package(Shape { strict: true, ..churn(2) })).unwrap();
    let canary = CanaryRoute { version: second.version, percent: 10.0, shadow: false };
    let route =
        RouteRequest { canary: Some(canary), watch: Some(WatchPlan::default()), ..Default::default() };
    client.route("churn", &route).unwrap();
    let frozen = FreezeRequest { frozen: true, reason: "the first hour".to_owned() };
    client.freeze("churn", &frozen).unwrap();
    client.freeze("churn", &FreezeRequest { frozen: false, reason: "it is over".to_owned() }).unwrap();
    let rows = requests(churn(1), 100, 5);
    let mut sent = 0_u64;
    while client.model("churn").unwrap().unwrap().canary.is_some() {
        let mut row = rows[sent as usize % rows.len()].clone();
        if sent.is_multiple_of(5) {
            row.remove("paid");
        }
        // The canary refuses some, which is what it is rolled back for.
        let _ = client.predict("churn", &json!({"request_id": format!("r-{sent}"), "instances": [row]}));
        sent += 1;
        assert!(sent < 5_000);
    }
    let rollout = client.rollout("churn").unwrap();
    assert!(rollout.events[0].automatic && rollout.events[0].kind == "rolled_back");
    assert!(rollout.evidence.unwrap().canary.requests <= 200);
    let log = client.log("churn", 0, 10_000).unwrap();
    assert_eq!(log.entries.len() as u64, sent);
    assert!(log.entries.iter().any(|entry| entry.version == second.version && entry.status == 400));
}

#[test]
fn the_wrong_key_and_no_tls_are_turned_away() {
    let (store, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let running = server(store.path(), "127.0.0.1:0");
    let stranger = server(other.path(), "127.0.0.1:0");
    let (own, foreign) = (pin(store.path()), pin(other.path()));
    assert_ne!(own, foreign);
    let wrong = ServerClient::new(&format!("{}#sha256={foreign}", running.url), tokens(&running)).unwrap();
    let refused = wrong.check().unwrap_err().to_string();
    assert!(refused.contains(&own) && refused.contains(&foreign), "{refused}");
    let plain = running.url.replace("https", "http");
    assert!(ServerClient::new(&plain, tokens(&running)).unwrap().check().is_err());
    assert!(ServerClient::new(&running.url, tokens(&running)).is_err(), "no pin");
    let url = format!("{}#sha256={own}", running.url);
    let nobody = ServerClient::new(&url, Tokens::one("0".repeat(64))).unwrap();
    assert!(matches!(nobody.check(), Err(DeployError::Refused { status: 401, .. })));
    drop((running, stranger));
    let again = server(store.path(), "127.0.0.1:0");
    assert_eq!(pin(store.path()), own, "the key stays");
    drop(again);
}

#[test]
fn other_addresses_need_tls() {
    let store = tempfile::tempdir().unwrap();
    let mut config = Config::new(store.path());
    (config.log_level, config.listen) = (LogLevel::Off, "0.0.0.0:0".to_owned());
    let refused = start(&config).unwrap_err().to_string();
    assert!(refused.contains("needs TLS"), "{refused}");
    let running = server(store.path(), "0.0.0.0:0");
    let url = format!("https://127.0.0.1:{}#sha256={}", running.addr.port(), pin(store.path()));
    ServerClient::new(&url, tokens(&running)).unwrap().check().unwrap();
    let named = format!("https://localhost:{}#sha256={}", running.addr.port(), pin(store.path()));
    ServerClient::new(&named, tokens(&running)).unwrap().check().unwrap();
}
