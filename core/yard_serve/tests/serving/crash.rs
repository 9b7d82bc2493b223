//! Killed at any moment, the server comes back with the old version or the new one.

use crate::{
    fixture::{churn, package, requests},
    life::Process,
};
use serde_json::json;
use std::{
    process::Command,
    time::{Duration, Instant},
};
use yard_types::rng::Rng;

/// Kills the process without warning after a time.
fn kill_after(process: &Process, delay: Duration) -> std::thread::JoinHandle<()> {
    let pid = process.child.id().to_string();
    std::thread::spawn(move || {
        std::thread::sleep(delay);
        // The process may be gone already.
        let _ = Command::new("kill").args(["-KILL", &pid]).status();
    })
}

#[test]
fn kills_during_upload_and_switch() {
    let store = tempfile::tempdir().unwrap();
    let packages = [package(churn(1)), package(churn(2)), package(churn(3))];
    let mut rng = Rng::new(99, 0);
    let first = Process::start(store.path(), &["--log-level", "off"]);
    let mut manage = first.client(&first.manage);
    manage.upload("churn", &packages[0]).good();
    manage.post("/manage/models/churn/route", &json!({"stable": 1})).good();
    drop(first);
    let mut acknowledged = 1_u64;
    for round in 0..40_u64 {
        let start = Instant::now();
        let mut process = Process::start(store.path(), &["--log-level", "off"]);
        assert!(start.elapsed() < Duration::from_secs(10), "ready after {:?}", start.elapsed());
        let body = json!({"instances": requests(churn(1), 1, round)});
        let reply = process.client(&process.infer).post("/v1/models/churn:predict", &body).good().json();
        let version = reply["version"].as_u64().unwrap();
        let wanted = round % 3 + 1;
        let before = (round + 2) % 3 + 1;
        assert!(
            version == acknowledged || version == before,
            "round {round}: {version}, acknowledged {acknowledged}"
        );
        acknowledged = version;
        let killer = kill_after(&process, Duration::from_micros(rng.below(60_000)));
        let mut manage = process.client(&process.manage);
        loop {
            let uploaded = manage.try_call(
                "POST",
                "/manage/models/churn/versions",
                &packages[wanted as usize - 1],
                "content-type: application/octet-stream\r\n",
            );
            if uploaded.is_err() {
                break;
            }
            let route = json!({"stable": wanted}).to_string();
            match manage.try_call("POST", "/manage/models/churn/route", route.as_bytes(), "") {
                Ok(answer) => {
                    answer.good();
                    acknowledged = wanted;
                }
                Err(_) => break,
            }
        }
        killer.join().unwrap();
        process.child.wait().unwrap();
    }
}

#[test]
fn what_feedback_acknowledged_is_on_disk() {
    let store = tempfile::tempdir().unwrap();
    let mut process = Process::start(store.path(), &["--log-level", "off"]);
    let mut manage = process.client(&process.manage);
    manage.upload("churn", &package(churn(1))).good();
    manage.post("/manage/models/churn/route", &json!({"stable": 1})).good();
    let mut client = process.client(&process.infer);
    for id in 0..20 {
        let body = json!({"request_id": format!("r-{id}"), "instances": requests(churn(1), 2, id)});
        client.post("/v1/models/churn:predict", &body).good();
        let label = json!([{"request_id": format!("r-{id}"), "index": 1, "label": "yes"}]);
        assert_eq!(client.post("/v1/models/churn:feedback", &label).good().json()["unknown"], 0);
    }
    process.child.kill().unwrap();
    process.child.wait().unwrap();
    let again = Process::start(store.path(), &["--log-level", "off"]);
    let reply = again.client(&again.manage).get("/manage/models/churn/windows").good().json();
    let labelled: usize = reply["windows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|window| window["labelled"].as_array().unwrap().len())
        .sum();
    assert_eq!(labelled, 20);
}
