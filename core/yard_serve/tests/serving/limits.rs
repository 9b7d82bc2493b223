//! What is too large, too slow, too deep or too much is refused with its own status, and the server goes
//! on.

use crate::{
    client::TestServer,
    fixture::{churn, package, requests},
};
use serde_json::json;
use std::{
    io::Write as _,
    net::TcpStream,
    time::{Duration, Instant},
};

const PREDICT: &str = "/v1/models/churn:predict";
const JSON: &str = "content-type: application/json\r\n";

fn small() -> TestServer {
    let server = TestServer::with(|config| {
        config.limits.body_bytes = 100_000;
        config.limits.body_chunks = 50;
        config.limits.body_timeout = Duration::from_millis(300);
        config.limits.header_timeout = Duration::from_millis(500);
        config.limits.rows = 10;
        config.limits.in_flight = 2;
        config.limits.queue = 1;
        config.limits.queue_timeout = Duration::from_secs(5);
    });
    server.deploy("churn", &package(churn(1)));
    server
}

fn works(server: &TestServer) {
    let body = json!({"instances": requests(churn(1), 2, 1)});
    server.client("infer").post(PREDICT, &body).good();
}

#[test]
fn bodies() {
    let server = small();
    let check = |status: u16, body: &[u8], more: &str, part: &str| {
        let reply = server.client("infer").call("POST", PREDICT, body, more);
        assert_eq!(reply.status, status, "{}", reply.text());
        assert!(reply.error().contains(part), "{}", reply.error());
    };
    check(413, &vec![b' '; 100_001], JSON, "larger than the limit of 100000 bytes");
    check(400, "[".repeat(5_000).as_bytes(), JSON, "expected an object");
    let deep = format!("{{\"instances\":[{{\"x\":{}1{}}}]}}", "[".repeat(70), "]".repeat(70));
    check(400, deep.as_bytes(), JSON, "nested deeper than 64");
    check(400, b"{\"instances\":[{\"plan\":\"a\",\"plan\":\"b\"}]}", JSON, "appears twice");
    check(400, b"{\"instances\":[{\"amount_0\":NaN}]}", JSON, "expected a value");
    check(400, b"\xff\xfe", JSON, "not UTF-8");
    check(400, b"", JSON, "expected an object, got the end");
    let many = json!({"instances": requests(churn(1), 11, 1)}).to_string();
    check(400, many.as_bytes(), JSON, "more than 10 instances");
    check(415, b"{}", "content-type: text/csv\r\n", "expected content type application/json");
    check(415, b"{}", "content-type: application/json; charset=latin1\r\n", "content type");
    check(415, b"{}", "content-type: application/json\r\ncontent-encoding: gzip\r\n", "compressed");
    works(&server);
}

#[test]
fn long_strings() {
    let server = TestServer::start();
    server.deploy("churn", &package(churn(1)));
    let body = json!({"instances": [{"plan": "x".repeat((1 << 20) + 1)}]});
    let reply = server.client("infer").post(PREDICT, &body);
    assert!(
        (reply.status, reply.error().contains("a string longer than")) == (400, true),
        "{}",
        reply.text()
    );
}

#[test]
fn chunked_bodies() {
    let server = small();
    let chunked = "transfer-encoding: chunked\r\n";
    let head = |client: &crate::client::Client| {
        client.head("POST", PREDICT, 0, JSON).replace("content-length: 0\r\n", chunked)
    };
    let mut client = server.client("infer");
    let body = json!({"instances": requests(churn(1), 1, 1)}).to_string();
    let half = body.len() / 2;
    let (one, two) = body.split_at(half);
    let chunks = format!("{half:x}\r\n{one}\r\n{:x}\r\n{two}\r\n0\r\n\r\n", two.len());
    let request = head(&client) + &chunks;
    client.raw(request.as_bytes()).unwrap().good();

    let mut client = server.client("infer");
    let mut request = head(&client).into_bytes();
    for _ in 0..20 {
        request.extend_from_slice(b"2710\r\n");
        request.extend_from_slice(&[b' '; 10_000]);
        request.extend_from_slice(b"\r\n");
    }
    assert_eq!(client.raw(&request).unwrap().status, 413, "more bytes than declared anywhere");

    let mut client = server.client("infer");
    let mut request = head(&client).into_bytes();
    request.extend_from_slice(&b"1\r\n \r\n".repeat(2_000));
    assert_eq!(client.raw(&request).unwrap().status, 413, "too many pieces");
    works(&server);
}

#[test]
fn heads() {
    let server = small();
    let more = format!("x-filler: {}\r\n", "y".repeat(17_000));
    assert_eq!(server.client("infer").call("GET", "/v2", b"", &more).status, 431);
    let reply = server.client("infer").raw(b"GET /v2 HTTP/1.1\r\nhost localhost\r\n\r\n").unwrap();
    assert_eq!(reply.status, 400);
    let both = "POST /v1/models/churn:predict HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    let status = server.client("infer").raw(both.as_bytes()).map_or(400, |answer| answer.status);
    assert!((400..500).contains(&status), "a length and chunks at once: {status}");
    // A head that never ends.
    let start = Instant::now();
    let mut stream = TcpStream::connect(server.running.addr).unwrap();
    stream.write_all(b"GET /v2 HTTP/1.1\r\n").unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let end = std::io::Read::read(&mut stream, &mut [0; 64]);
    assert!(
        start.elapsed() < Duration::from_secs(10)
            && !matches!(end, Err(ref e) if e.kind() == std::io::ErrorKind::WouldBlock)
    );
    works(&server);
}

#[test]
fn slow_bodies() {
    let server = small();
    let mut client = server.client("infer");
    let request = client.head("POST", PREDICT, 100, JSON) + "{\"instances\"";
    let start = Instant::now();
    let reply = client.raw(request.as_bytes()).unwrap();
    assert_eq!(reply.status, 408);
    assert!(start.elapsed() < Duration::from_secs(5));
    works(&server);
}

#[test]
fn too_many_at_once_are_sent_away() {
    let server = TestServer::with(|config| {
        config.limits.in_flight = 2;
        config.limits.queue = 1;
        config.limits.body_timeout = Duration::from_secs(2);
    });
    server.deploy("churn", &package(churn(1)));
    // Two requests whose bodies do not come hold both slots; the third waits; the fourth is sent away.
    let mut held: Vec<_> = (0..3).map(|_| server.client("infer")).collect();
    for client in &mut held {
        let head = client.head("POST", PREDICT, 100, JSON);
        client.try_call("GET", "/v2", b"", "").unwrap().good();
        let stream = client.stream();
        stream.write_all(head.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(100));
    }
    let reply = server.client("infer").post(PREDICT, &json!({"instances": [{"amount_0": 1}]}));
    assert_eq!((reply.status, reply.headers["retry-after"].as_str()), (503, "1"));
    server.client("observe").get("/v2/health/live").good();
    for client in &mut held {
        assert_eq!(client.read().unwrap().status, 408);
    }
    works(&server);
}
