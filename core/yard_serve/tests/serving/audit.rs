//! The request log as evidence: a tampered record is named, a cut-off end is found, retention moves the beginning,
//! and erased values leave their digests.

use crate::{
    client::{Client, TestServer},
    fixture::{churn, package, requests},
};
use serde_json::{Value, json};

const VERIFY: &str = "/manage/log/verify";

fn send(server: &TestServer, count: usize) {
    let rows = requests(churn(1), count, 3);
    let mut client = server.client("infer");
    for (index, row) in rows.iter().enumerate() {
        let body = json!({"request_id": format!("r-{index}"), "instances": [row]});
        client.post("/v1/models/churn:predict", &body).good();
    }
    // One that is refused is logged too.
    client.post("/v1/models/churn:predict", &json!({"instances": [{"amount_0": []}]}));
}

fn database(server: &TestServer) -> rusqlite::Connection {
    rusqlite::Connection::open(server.store.path().join("store.sqlite")).unwrap()
}

fn verify(client: &mut Client) -> Value {
    client.get(VERIFY).good().json()
}

#[test]
fn a_tampered_record_is_named() {
    let server = TestServer::start();
    server.deploy("churn", &package(churn(1)));
    send(&server, 50);
    let mut client = server.client("manage");
    let whole = verify(&mut client);
    assert_eq!(
        (&whole["ok"], &whole["records"], &whole["first_bad"]),
        (&json!(true), &json!(51), &Value::Null)
    );
    let database = database(&server);
    for (change, back, first_bad) in [
        ("update request set fields = replace(fields, 'null', '1') where seq = 17", "", 17),
        (
            "update request set at_us = at_us + 1 where seq = 30",
            "update request set at_us = at_us - 1 where seq = 30",
            30,
        ),
        ("update request set id = 'x' where seq = 5", "update request set id = 'r-4' where seq = 5", 5),
        ("update request set error = '' where seq = 51", "", 51),
    ] {
        let before: String =
            database.query_row("select fields from request where seq = 17", [], |row| row.get(0)).unwrap();
        let error: Option<String> =
            database.query_row("select error from request where seq = 51", [], |row| row.get(0)).unwrap();
        // A text without null is changed in another way.
        database.execute_batch(change).unwrap();
        if first_bad == 17 {
            database.execute("update request set fields = fields || ' ' where seq = 17", []).unwrap();
        }
        assert_eq!(verify(&mut client)["first_bad"], first_bad, "{change}");
        database.execute_batch(back).unwrap();
        database.execute("update request set fields = ?1 where seq = 17", [before]).unwrap();
        database.execute("update request set error = ?1 where seq = 51", [error]).unwrap();
        assert_eq!(verify(&mut client)["ok"], true, "after {back}");
    }
    database.execute_batch("update request set seq = -1 where seq = 8; update request set seq = 8 where seq = 9; update request set seq = 9 where seq = -1").unwrap();
    assert_eq!(verify(&mut client)["first_bad"], 8, "swapped");
    database.execute_batch("update request set seq = -1 where seq = 8; update request set seq = 8 where seq = 9; update request set seq = 9 where seq = -1").unwrap();
    assert_eq!(verify(&mut client)["ok"], true);
    database.execute_batch("delete from request where seq = 51").unwrap();
    let cut = verify(&mut client);
    assert_eq!((&cut["ok"], &cut["cut_off"]), (&json!(false), &json!(true)));
    database.execute_batch("delete from request where seq = 40").unwrap();
    assert_eq!(verify(&mut client)["first_bad"], 41, "the record after the deleted one");
}

#[test]
fn erased_values_leave_their_digests_and_the_chain_holds() {
    let server = TestServer::start();
    server.deploy("churn", &package(churn(1)));
    send(&server, 5);
    let mut client = server.client("manage");
    let path = "/manage/models/churn/erase";
    let reply = client.post(path, &json!({"request_ids": ["r-2", "nobody"]})).good().json();
    assert_eq!(reply["unknown"], json!(["nobody"]));
    let erased = &reply["erased"][0];
    assert_eq!((&erased["request_id"], &erased["seq"]), (&json!("r-2"), &json!(3)));
    let again = client.post(path, &json!({"request_ids": ["r-2"]})).good().json();
    assert_eq!(again["erased"][0]["fields_sha256"], erased["fields_sha256"], "the proof stays the same");
    assert_eq!(verify(&mut client)["ok"], true);
    let log = client.get("/manage/models/churn/log?limit=10").good().json();
    let entry = &log["entries"][2];
    assert_eq!((&entry["request_id"], &entry["rows"][0]["fields"]), (&json!("r-2"), &Value::Null));
    assert!(entry["rows"][0]["scores"].is_array(), "what was answered stays");
    assert_eq!(client.post(path, &json!({"request_ids": []})).status, 400);
    assert_eq!(server.client("infer").post(path, &json!({"request_ids": ["r-2"]})).status, 403);
}

#[test]
fn the_chain_goes_on_after_a_restart_and_begins_later_after_retention() {
    let server = TestServer::with(|config| config.log.retain_rows = 40);
    server.deploy("churn", &package(churn(1)));
    send(&server, 60);
    let mut client = server.client("manage");
    send(&server, 60);
    let first = verify(&mut client);
    assert_eq!(first["ok"], true, "{first}");
    assert!(first["records"].as_u64().unwrap() < 122, "{first}");
    let TestServer { running, store } = server;
    running.shut_down();
    running.wait().unwrap();
    let mut config = yard_serve::Config::new(store.path());
    config.log_level = yard_serve::LogLevel::Off;
    let server = TestServer { running: yard_serve::start(&config).unwrap(), store };
    send(&server, 3);
    let mut client = server.client("manage");
    let second = verify(&mut client);
    assert_eq!(second["ok"], true, "{second}");
    assert_ne!(second["head"], first["head"]);
}

#[test]
fn fields_are_kept_as_values_as_digests_or_not_at_all() {
    let server = TestServer::with(|config| {
        config.log.drop_fields = ["churn.amount_1".to_owned()].into();
        config.log.hash_fields = ["plan".to_owned()].into();
    });
    server.deploy("churn", &package(churn(1)));
    let body = json!({"instances": [{"plan": "pro", "amount_1": 5}, {"plan": "pro"}, {"plan": "basic"}]});
    server.client("infer").post("/v1/models/churn:predict", &body).good();
    let mut client = server.client("manage");
    let log = client.get("/manage/models/churn/log").good().json();
    let fields: Vec<&Value> = (0..3).map(|row| &log["entries"][0]["rows"][row]["fields"]).collect();
    let plan = fields[0]["plan"].as_str().unwrap();
    assert!(plan.starts_with("sha256:") && plan.len() == 71, "{plan}");
    assert_eq!(fields[0]["plan"], fields[1]["plan"]);
    assert_ne!(fields[0]["plan"], fields[2]["plan"]);
    assert!(fields[0].get("amount_1").is_none() && fields[0].get("amount_0").is_some());
    let stored: String = database(&server)
        .query_row("select group_concat(fields) from request", [], |row| row.get(0))
        .unwrap();
    assert!(!stored.contains("pro") && !stored.contains("basic"));
    assert_eq!(verify(&mut client)["ok"], true);
}
