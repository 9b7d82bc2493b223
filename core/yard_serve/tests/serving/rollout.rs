//! Versions: upload, route, canary, shadow, promotion, rollback, stop, and swaps under load.

use crate::{
    client::{Client, TestServer},
    fixture::{churn, package, parts, requests, threshold},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    time::Duration,
};
use yard_score::scorer::Scorer;

const PREDICT: &str = "/v1/models/churn:predict";
const ROUTE: &str = "/manage/models/churn/route";

fn two_versions() -> TestServer {
    let server = TestServer::start();
    server.deploy("churn", &package(churn(1)));
    server.client("manage").upload("churn", &package(churn(2))).good();
    server
}

fn version_for(client: &mut Client, id: &str) -> u64 {
    let body = json!({"request_id": id, "instances": [{"amount_0": 1}]});
    let reply = client.post(PREDICT, &body).good().json();
    assert_eq!(reply["request_id"], id);
    reply["version"].as_u64().unwrap()
}

fn states(server: &TestServer) -> Vec<(u64, String)> {
    let shown = server.client("observe").get("/manage/models/churn").good().json();
    let versions = shown["versions"].as_array().unwrap();
    versions
        .iter()
        .map(|version| (version["version"].as_u64().unwrap(), version["state"].as_str().unwrap().to_owned()))
        .collect()
}

#[test]
fn uploads_are_checked_numbered_and_kept() {
    let server = TestServer::start();
    let mut client = server.client("manage");
    let first = client.upload("churn", &package(churn(3))).good().json();
    assert_eq!((&first["version"], &first["state"]), (&json!(3), &json!("ready")));
    let again = client.upload("churn", &package(churn(3))).good().json();
    assert_eq!(again, first, "the same package keeps its number");
    let other = crate::fixture::Shape { seed: 99, ..churn(3) };
    let next = client.upload("churn", &package(other)).good().json();
    assert_eq!(next["version"], json!(4), "a taken number gives the next free one");
    let wrong = client.upload("other", &package(churn(3)));
    assert_eq!(wrong.status, 400);
    assert!(wrong.error().contains("package of model \"churn\" sent to model \"other\""));
    assert_eq!(client.upload("Bad_Name", &package(churn(3))).status, 404);
    assert_eq!(server.client("infer").post(PREDICT, &json!({"instances": [{"amount_0": 1}]})).status, 503);
}

#[test]
fn damaged_packages_are_refused_by_entry() {
    let server = TestServer::start();
    server.deploy("churn", &package(churn(1)));
    let whole = package(churn(2));
    let mut client = server.client("manage");
    let cases =
        [("card.md", &b"# Card"[..]), ("contract.json", b"customer"), ("golden.jsonl", b"unseen category")];
    for (entry, mark) in cases {
        let mut damaged = whole.clone();
        let found = damaged.windows(mark.len()).position(|window| window == mark).expect(entry);
        damaged[found] ^= 1;
        let reply = client.upload("churn", &damaged);
        assert_eq!(reply.status, 400);
        assert!(reply.error().contains("package refused"), "{}", reply.error());
        assert!(reply.error().contains(entry), "{entry}: {}", reply.error());
    }
    for cut in [0, 10, whole.len() / 2, whole.len() - 1] {
        assert_eq!(client.upload("churn", &whole[..cut]).status, 400, "cut at {cut}");
    }
    // Any byte: spread over the file, so that the test stays short.
    for at in (0..whole.len()).step_by(whole.len() / 150) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x40;
        assert_eq!(client.upload("churn", &damaged).status, 400, "byte {at}");
    }
    let files = std::fs::read_dir(server.store.path().join("packages")).unwrap().count();
    assert_eq!(files, 1, "nothing of a refused package stays");
    assert_eq!(version_for(&mut server.client("infer"), "a"), 1);
}

#[test]
fn a_canary_gets_its_share_and_keeps_its_keys() {
    let server = two_versions();
    let mut manage = server.client("manage");
    let mut client = server.client("infer");
    let mut share = |percent: f64| -> BTreeMap<String, u64> {
        let route = json!({"stable": 1, "canary": {"version": 2, "percent": percent}});
        manage.post(ROUTE, &route).good();
        (0..2_000).map(|n| (format!("id-{n}"), version_for(&mut client, &format!("id-{n}")))).collect()
    };
    let ten = share(10.0);
    let got = ten.values().filter(|version| **version == 2).count() as f64;
    let sigma = (2_000.0_f64 * 0.1 * 0.9).sqrt();
    assert!((got - 200.0).abs() <= 3.0 * sigma, "{got} of 2000");
    let again = share(10.0);
    assert_eq!(ten, again, "a swap moves no key");
    let fifty = share(50.0);
    assert!(
        ten.iter().all(|(id, version)| *version == 1 || fifty[id] == 2),
        "a larger share keeps the smaller"
    );
}

#[test]
fn a_key_decides_over_the_request_id() {
    let server = two_versions();
    let route = json!({"stable": 1, "canary": {"version": 2, "percent": 50.0}});
    server.client("manage").post(ROUTE, &route).good();
    let mut client = server.client("infer");
    let mut by_key: BTreeMap<u32, u64> = BTreeMap::new();
    for round in 0..5 {
        for key in 0..50_u32 {
            let body =
                json!({"request_id": format!("r-{round}-{key}"), "instances": [{"amount_0": 1}]}).to_string();
            let more = format!("content-type: application/json\r\nmodelyard-key: customer-{key}\r\n");
            let version = client.call("POST", PREDICT, body.as_bytes(), &more).good().json()["version"]
                .as_u64()
                .unwrap();
            assert_eq!(*by_key.entry(key).or_insert(version), version, "key {key}");
        }
    }
    let canary = by_key.values().filter(|version| **version == 2).count();
    assert!((10..=40).contains(&canary), "{canary} of 50 keys");
}

#[test]
fn a_shadow_scores_without_answering() {
    let server = two_versions();
    let route = json!({"stable": 1, "canary": {"version": 2, "percent": 0, "shadow": true}});
    server.client("manage").post(ROUTE, &route).good();
    let rows = requests(churn(1), 300, 9);
    let decide = |version: u64| -> Vec<(usize, Option<bool>)> {
        let scorer = Scorer::new(&parts(churn(version))).unwrap();
        let mut scratch = scorer.scratch();
        rows.iter()
            .map(|row| {
                let row = scorer.row_from_json(row).unwrap();
                let answer = scorer.score_row(&row, &mut scratch).unwrap();
                (answer.label_index(), answer.decision(threshold(churn(version))))
            })
            .collect()
    };
    let expected = decide(1).iter().zip(decide(2)).filter(|(one, two)| **one != *two).count();
    let mut client = server.client("infer");
    for chunk in rows.chunks(30) {
        let reply = client.post(PREDICT, &json!({"instances": chunk})).good().json();
        assert_eq!(reply["version"], 1);
    }
    let shown = server.client("observe").get("/manage/models/churn").good().json();
    assert!(expected > 0);
    assert_eq!(shown["shadow"], json!({"rows": 300, "disagreements": expected, "errors": 0, "skipped": 0}));
    let metrics = server.client("observe").get("/metrics").good().text();
    assert!(metrics.contains("modelyard_shadow_disagreement_ratio{model=\"churn\"}"), "{metrics}");
}

#[test]
fn promote_roll_back_stop_and_start_again() {
    let server = two_versions();
    let mut manage = server.client("manage");
    let mut client = server.client("infer");
    assert_eq!(manage.post("/manage/models/churn/promote", &json!({})).status, 400, "no canary");
    assert_eq!(manage.post("/manage/models/churn/rollback", &json!({})).status, 400, "nothing before");
    manage.post(ROUTE, &json!({"canary": {"version": 2, "percent": 100}})).good();
    assert_eq!(version_for(&mut client, "a"), 2);
    let shown = manage.post("/manage/models/churn/promote", &json!({})).good().json();
    assert_eq!(
        (&shown["stable"], &shown["previous"], &shown["canary"]),
        (&json!(2), &json!(1), &Value::Null)
    );
    let shown = manage.post("/manage/models/churn/rollback", &json!({})).good().json();
    assert_eq!((&shown["stable"], &shown["previous"]), (&json!(1), &json!(2)));
    assert_eq!(version_for(&mut client, "a"), 1);
    let refused = manage.post("/manage/models/churn/stop", &json!({"version": 1}));
    assert!(refused.error().contains("is in use"), "{}", refused.text());
    manage.post("/manage/models/churn/stop", &json!({})).good();
    let reply = client.post(PREDICT, &json!({"instances": [{"amount_0": 1}]}));
    assert_eq!(reply.status, 503);
    assert!(reply.error().contains("is stopped"), "{}", reply.error());
    let unloaded = [(1, "unloaded".to_owned()), (2, "unloaded".to_owned())];
    assert!((0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(5));
        states(&server) == unloaded
    }));
    manage.post(ROUTE, &json!({"stable": 2})).good();
    assert_eq!(version_for(&mut client, "a"), 2);
    assert_eq!(manage.post(ROUTE, &json!({"stable": 7})).status, 404);
    assert_eq!(
        manage.post(ROUTE, &json!({"stable": 2, "canary": {"version": 1, "percent": 101}})).status,
        400
    );
    assert_eq!(manage.post(ROUTE, &json!({"stabel": 2})).status, 400);
    assert_eq!(version_for(&mut client, "a"), 2, "a refused change changes nothing");
}

/// Each version's own prediction of one record, to see that an answer belongs to the version it names.
fn expected(version: u64, row: &serde_json::Map<String, Value>) -> Value {
    let scorer = Scorer::new(&parts(churn(version))).unwrap();
    let mut scratch = scorer.scratch();
    let row = scorer.row_from_json(row).unwrap();
    scorer.score_row(&row, &mut scratch).unwrap().to_json(Some(threshold(churn(version))))
}

#[test]
fn swaps_under_load_fail_no_request() {
    let server = two_versions();
    let (done, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    let row = requests(churn(1), 1, 4).remove(0);
    let answers = [expected(1, &row), expected(2, &row)];
    let body = json!({"instances": [row]});
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut client = server.client("infer");
                while !done.load(Relaxed) {
                    let reply = client.post(PREDICT, &body).good().json();
                    let version = reply["version"].as_u64().unwrap() as usize;
                    assert_eq!(reply["predictions"][0], answers[version - 1], "version {version}");
                    sent.fetch_add(1, Relaxed);
                }
            });
        }
        let mut manage = server.client("manage");
        for swap in 0..100_u64 {
            let route = match swap % 4 {
                0 => json!({"stable": 2}),
                1 => json!({"stable": 2, "canary": {"version": 1, "percent": 30}}),
                2 => json!({"stable": 1}),
                _ => json!({"stable": 1, "canary": {"version": 2, "percent": 0, "shadow": true}}),
            };
            manage.post(ROUTE, &route).good();
            std::thread::sleep(Duration::from_millis(5));
        }
        done.store(true, Relaxed);
    });
    assert!(sent.load(Relaxed) > 500, "{} requests", sent.load(Relaxed));
    let shown = server.client("observe").get("/manage/models/churn").good().json();
    assert!(shown["versions"].as_array().unwrap().iter().all(|version| version["stats"]["errors"] == 0));
}
