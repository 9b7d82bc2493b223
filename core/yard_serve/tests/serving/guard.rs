//! Who may do what: every cell of the route table, and the forms in which a web page would try.

use crate::{
    client::{Client, TestServer},
    fixture::{churn, package},
};
use serde_json::json;
use std::collections::BTreeSet;
use yard_serve::{Scope, route_table};

/// The table as it is meant to be: a new route fails here until it is listed.
const EXPECTED: &[&str] = &[
    "GET /health",
    "GET /manage/log/verify manage",
    "GET /manage/models observe",
    "GET /manage/models/{m} observe",
    "GET /manage/models/{m}/log manage",
    "GET /manage/models/{m}/rollout observe",
    "GET /manage/models/{m}/windows observe",
    "GET /metrics observe",
    "GET /openapi.json infer observe",
    "GET /ping",
    "GET /v2 infer observe",
    "GET /v2/health/live",
    "GET /v2/health/ready",
    "GET /v2/models/stats observe",
    "GET /v2/models/{m} infer observe",
    "GET /v2/models/{m}/ready infer observe",
    "GET /v2/models/{m}/stats observe",
    "GET /v2/models/{m}/versions/{v} infer observe",
    "GET /v2/models/{m}/versions/{v}/ready infer observe",
    "GET /v2/models/{m}/versions/{v}/stats observe",
    "GET /version infer observe",
    "POST /invocations infer",
    "POST /manage/models/{m}/erase manage",
    "POST /manage/models/{m}/promote manage",
    "POST /manage/models/{m}/rollback manage",
    "POST /manage/models/{m}/route manage",
    "POST /manage/models/{m}/stop manage",
    "POST /manage/models/{m}/versions manage",
    "POST /manage/models/{m}/watch manage",
    "POST /manage/shutdown manage",
    "POST /v1/models/{m}:explain infer",
    "POST /v1/models/{m}:feedback infer",
    "POST /v1/models/{m}:predict infer",
    "POST /v2/models/{m}/infer infer",
    "POST /v2/models/{m}/versions/{v}/infer infer",
    "POST /v2/repository/index manage",
    "POST /v2/repository/models/{m}/load manage",
    "POST /v2/repository/models/{m}/unload manage",
];

fn words(scopes: &[Scope]) -> String {
    scopes.iter().flat_map(|scope| [" ", scope.word()]).collect()
}

#[test]
fn the_table_is_as_listed() {
    let mut got: Vec<String> = route_table()
        .iter()
        .map(|route| format!("{} {}{}", route.method, route.path, words(route.scopes)))
        .collect();
    got.sort();
    assert_eq!(got, EXPECTED);
}

#[test]
fn every_cell_of_route_method_and_scope() {
    let server = TestServer::start();
    let table = route_table();
    let paths: BTreeSet<&str> = table.iter().map(|route| route.path).collect();
    let tokens = [
        (None, String::new()),
        (None, "0".repeat(64)),
        (Some(Scope::Infer), server.token("infer")),
        (Some(Scope::Observe), server.token("observe")),
        (Some(Scope::Manage), server.token("manage")),
    ];
    let mut cells = 0;
    for path in paths {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            let route = table.iter().find(|route| route.path == path && route.method == method);
            for (scope, token) in &tokens {
                let target = path.replace("{m}", "churn").replace("{v}", "1");
                if target == "/manage/shutdown" && method == "POST" && *scope == Some(Scope::Manage) {
                    continue;
                }
                let mut client = Client::connect(server.running.addr, token).unwrap();
                let status = client.call(method, &target, b"", "").status;
                let cell = format!("{method} {path} {scope:?}: {status}");
                match (route, scope) {
                    // Nothing is deployed, which these two say.
                    (Some(_), _) if ["/ping", "/health"].contains(&path) => assert_eq!(status, 404, "{cell}"),
                    (Some(route), _) if route.scopes.is_empty() => assert_eq!(status, 200, "{cell}"),
                    (_, None) => assert_eq!(status, 401, "{cell}"),
                    (None, Some(_)) => assert_eq!(status, 405, "{cell}"),
                    (Some(route), Some(scope)) if scope.opens(route.scopes) => {
                        assert!(![401, 403, 405].contains(&status), "{cell}");
                    }
                    (Some(_), Some(_)) => assert_eq!(status, 403, "{cell}"),
                }
                cells += 1;
            }
        }
    }
    assert!(cells >= 24 * 6 * 5 - 1, "{cells} cells");
}

#[test]
fn unknown_paths_ask_for_a_token_too() {
    let server = TestServer::start();
    for path in [
        "/",
        "/v3",
        "/v2/models/../x/infer",
        "/v2/models/%2e%2e/infer",
        "/v2//health/live",
        "/v2/health/live/",
    ] {
        let mut stranger = Client::connect(server.running.addr, "").unwrap();
        assert_eq!(stranger.get(path).status, 401, "{path}");
        assert_eq!(server.client("infer").get(path).status, 404, "{path}");
    }
}

#[test]
fn only_own_names_and_no_web_pages() {
    let server = TestServer::start();
    let addr = server.running.addr;
    let token = server.token("manage");
    let ask = |lines: &str| {
        let request = format!("GET /v2/health/live HTTP/1.1\r\n{lines}\r\n");
        Client::connect(addr, "").unwrap().raw(request.as_bytes()).map_or(0, |answer| answer.status)
    };
    for host in ["localhost", "LOCALHOST:9", "127.0.0.1", &format!("127.0.0.1:{}", addr.port()), "[::1]:80"] {
        assert_eq!(ask(&format!("host: {host}\r\n")), 200, "{host}");
    }
    for host in [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:80",
        "0.0.0.0",
        "",
        "localhost@evil",
    ] {
        assert_eq!(ask(&format!("host: {host}\r\n")), 403, "{host}");
    }
    assert_eq!(ask(""), 403, "no host");
    assert_eq!(ask("host: localhost\r\nhost: evil.example\r\n"), 403, "two hosts");
    for origin in ["http://evil.example", "null", "http://localhost"] {
        assert_eq!(ask(&format!("host: localhost\r\norigin: {origin}\r\n")), 403, "{origin}");
    }
    let absolute = format!(
        "GET http://evil.example/metrics HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n"
    );
    assert_eq!(Client::connect(addr, "").unwrap().raw(absolute.as_bytes()).unwrap().status, 403);
    let twice = format!(
        "GET /metrics HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\nauthorization: Bearer x\r\n\r\n"
    );
    assert_eq!(Client::connect(addr, "").unwrap().raw(twice.as_bytes()).unwrap().status, 401);
    for scheme in ["Basic", "Bearer  x", ""] {
        let wrong =
            format!("GET /metrics HTTP/1.1\r\nhost: localhost\r\nauthorization: {scheme}{token}\r\n\r\n");
        assert_eq!(Client::connect(addr, "").unwrap().raw(wrong.as_bytes()).unwrap().status, 401, "{scheme}");
    }
}

#[test]
fn tokens_and_paths_are_in_no_answer() {
    let server = TestServer::start();
    server.deploy("churn", &package(churn(1)));
    let store = server.store.path().display().to_string();
    let secrets = [server.token("infer"), server.token("observe"), server.token("manage"), store];
    let mut client = server.client("manage");
    for path in [
        "/metrics",
        "/openapi.json",
        "/manage/models",
        "/manage/models/churn",
        "/manage/models/churn/log",
        "/v2",
    ] {
        let text = client.get(path).good().text();
        assert!(secrets.iter().all(|secret| !text.contains(secret)), "{path}");
    }
    let text = client.post("/manage/models/churn/route", &json!({"stable": 9})).text();
    assert!(secrets.iter().all(|secret| !text.contains(secret)), "{text}");
}
