//! Measures the server with a closed loop: a number of connections, each sending one record at a time as
//! soon as the answer to the last is there. The model has 100 trees of 31 leaves and 28 fields; request log
//! and sketches are on. The server runs in a process of its own, so that its processor time is its own.
//!
//! `cargo build --release -p yard_serve --bin yard-serve && cargo run --release -p yard_serve --example load -- 16 10`
//! (connections, seconds)
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, dead_code)]

#[path = "../tests/serving/client.rs"]
mod client;
#[path = "../tests/serving/fixture.rs"]
mod fixture;

use client::Client;
use fixture::{Shape, churn, package, requests};
use serde_json::json;
use std::{
    path::PathBuf,
    process::{Child, Command},
    time::{Duration, Instant},
};

fn server(store: &std::path::Path) -> Child {
    let binary: PathBuf = std::env::current_exe().unwrap().parent().unwrap().join("../yard-serve");
    Command::new(binary).arg("--store").arg(store).args(["--log-level", "error"]).spawn().unwrap()
}

/// User and system time of a process in seconds, and its resident memory in MB, as Linux counts them.
fn usage(pid: u32) -> (f64, f64) {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let number = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or(f64::NAN);
    ((number(11) + number(12)) / 100.0, number(21) * 4096.0 / 1e6)
}

fn main() {
    let arguments: Vec<u64> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let (connections, seconds) =
        (arguments.first().copied().unwrap_or(16), arguments.get(1).copied().unwrap_or(10));
    let shape = Shape { numbers: 25, trees: 100, leaves: 31, ..churn(1) };
    let store = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let mut child = server(store.path());
    let file = loop {
        match yard_serve::read_server_file(store.path()) {
            Some(file) => break file,
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    };
    let addr = file.url.strip_prefix("http://").unwrap().parse().unwrap();
    let token = |path: &str| std::fs::read_to_string(path).unwrap().trim().to_owned();
    let mut manage = Client::connect(addr, &token(&file.tokens.manage)).unwrap();
    manage.get("/v2/health/ready").good();
    println!("process to ready: {:.1} ms", began.elapsed().as_secs_f64() * 1e3);
    manage.upload("churn", &package(shape)).good();
    manage.post("/manage/models/churn/route", &json!({"stable": 1})).good();
    let infer = token(&file.tokens.infer);
    let rows = requests(shape, 64, 1);
    let before = usage(child.id());
    let until = Instant::now() + Duration::from_secs(seconds);
    let start = Instant::now();
    let mut latencies: Vec<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..connections)
            .map(|connection| {
                let (infer, rows) = (&infer, &rows);
                scope.spawn(move || {
                    let mut client = Client::connect(addr, infer).unwrap();
                    let bodies: Vec<Vec<u8>> = rows
                        .iter()
                        .map(|row| {
                            let body = json!({"instances": [row]}).to_string();
                            let head = client.head("POST", "/v1/models/churn:predict", body.len(), "");
                            (head + &body).into_bytes()
                        })
                        .collect();
                    let mut latencies = Vec::new();
                    let mut next = connection as usize;
                    while Instant::now() < until {
                        let sent = Instant::now();
                        let answer = client.raw(&bodies[next % bodies.len()]).unwrap();
                        latencies.push(sent.elapsed().as_nanos() as u64);
                        assert_eq!(answer.status, 200);
                        next += 1;
                    }
                    latencies
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let elapsed = start.elapsed().as_secs_f64();
    manage.get("/manage/models/churn").good();
    let after = usage(child.id());
    latencies.sort_unstable();
    let at = |q: f64| latencies[((latencies.len() - 1) as f64 * q) as usize] as f64 / 1e6;
    let (count, cpu) = (latencies.len() as f64, after.0 - before.0);
    println!("{connections} connections, {elapsed:.1} s: {:.0} requests/s", count / elapsed);
    println!("server: {:.0} requests per processor second, {:.1} MB resident", count / cpu, after.1);
    println!(
        "latency at the client: p50 {:.3} ms, p99 {:.3} ms, p99.9 {:.3} ms",
        at(0.5),
        at(0.99),
        at(0.999)
    );
    let metrics = manage.get("/metrics").good().text();
    for line in metrics.lines().filter(|line| line.starts_with("modelyard_log_")) {
        println!("{line}");
    }
    manage.post("/manage/shutdown", &json!({})).good();
    child.wait().unwrap();
}
