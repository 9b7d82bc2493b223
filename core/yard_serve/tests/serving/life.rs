//! Start and end: one server for a store, clear refusals, and no accepted request lost at the end.

use crate::{
    client::{Client, TestServer},
    fixture::{churn, package, requests},
};
use serde_json::json;
use std::{
    io::Read as _,
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use yard_serve::{Config, LogLevel, ServeError, read_server_file, start};

/// The stand-alone server in a process of its own.
pub(crate) struct Process {
    pub(crate) child: Child,
    pub(crate) addr: SocketAddr,
    pub(crate) manage: String,
    pub(crate) infer: String,
}

impl Process {
    /// Starts the binary on a store and waits until it is ready.
    pub(crate) fn start(store: &Path, arguments: &[&str]) -> Self {
        #[allow(clippy::zombie_processes, reason = "waited for when dropped; a panic ends the test")]
        let child = Command::new(env!("CARGO_BIN_EXE_yard-serve"))
            .arg("--store")
            .arg(store)
            .args(arguments)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let start = Instant::now();
        loop {
            assert!(start.elapsed() < Duration::from_secs(20), "the server is not ready");
            std::thread::sleep(Duration::from_millis(5));
            let Some(file) = read_server_file(store).filter(|file| file.pid == child.id()) else { continue };
            let addr: SocketAddr = file.url.strip_prefix("http://").unwrap().parse().unwrap();
            let Ok(mut client) = Client::connect(addr, "") else { continue };
            if client.try_call("GET", "/v2/health/ready", b"", "").is_ok_and(|answer| answer.status == 200) {
                let read = |path: &str| std::fs::read_to_string(path).unwrap().trim().to_owned();
                let (manage, infer) = (read(&file.tokens.manage), read(&file.tokens.infer));
                return Self { child, addr, manage, infer };
            }
        }
    }

    pub(crate) fn client(&self, token: &str) -> Client {
        Client::connect(self.addr, token).unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Ended already in most tests.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn config(store: &Path) -> Config {
    Config { log_level: LogLevel::Off, ..Config::new(store) }
}

#[test]
fn a_store_has_one_server() {
    let server = TestServer::start();
    let error = start(&config(server.store.path())).unwrap_err();
    let pid = std::process::id();
    assert!(matches!(error, ServeError::StoreInUse { .. }));
    assert!(error.to_string().contains(&format!("process {pid} at {}", server.running.url)), "{error}");
}

#[test]
fn busy_ports_and_open_addresses_are_refused() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let store = tempfile::tempdir().unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let busy = start(&Config { listen: address.clone(), ..config(store.path()) }).unwrap_err();
    assert!(busy.to_string().contains(&format!("port of {address} is in use")), "{busy}");
    let open = start(&Config { listen: "0.0.0.0:0".to_owned(), ..config(store.path()) }).unwrap_err();
    assert!(open.to_string().contains("needs TLS"), "{open}");
    let wrong = start(&Config { listen: "here".to_owned(), ..config(store.path()) }).unwrap_err();
    assert!(wrong.to_string().contains("HOST:PORT"), "{wrong}");
}

#[test]
fn packages_named_at_the_start_are_served() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.modelpack");
    std::fs::write(&file, package(churn(4))).unwrap();
    let store = tempfile::tempdir().unwrap();
    let running = start(&Config { packages: vec![file.clone()], ..config(store.path()) }).unwrap();
    let token = std::fs::read_to_string(&running.tokens.infer).unwrap();
    let mut client = Client::connect(running.addr, token.trim()).unwrap();
    let reply =
        client.post("/v1/models/churn:predict", &json!({"instances": [{"amount_0": 1}]})).good().json();
    assert_eq!(reply["version"], 4);
    drop((client, running));
    std::fs::write(&file, b"nonsense").unwrap();
    let error = start(&Config { packages: vec![file], ..config(store.path()) }).unwrap_err().to_string();
    assert!(error.contains("package refused") && error.contains("a.modelpack"), "{error}");
    assert!(read_server_file(store.path()).is_none(), "a failed start leaves nothing behind");
}

fn terminate(process: &Process) {
    let done = Command::new("kill").arg("-TERM").arg(process.child.id().to_string()).status().unwrap();
    assert!(done.success());
}

#[test]
fn the_signal_to_end_drops_no_accepted_request() {
    for round in 0..5 {
        let store = tempfile::tempdir().unwrap();
        let mut process = Process::start(store.path(), &["--drain-delay", "200"]);
        let mut manage = process.client(&process.manage);
        manage.upload("churn", &package(churn(1))).good();
        manage.post("/manage/models/churn/route", &json!({"stable": 1})).good();
        let body = json!({"instances": requests(churn(1), 20, 1)});
        let answered = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    let mut client = process.client(&process.infer);
                    let body = &body;
                    scope.spawn(move || {
                        let mut answered = 0_u64;
                        // Until the server closes the connection between two requests.
                        loop {
                            match client.try_call(
                                "POST",
                                "/v1/models/churn:predict",
                                body.to_string().as_bytes(),
                                "",
                            ) {
                                Ok(answer) => {
                                    assert_eq!(answer.status, 200, "{}", answer.text());
                                    answered += 1;
                                    if answer.headers.get("connection").is_some_and(|value| value == "close")
                                    {
                                        return answered;
                                    }
                                }
                                Err(_) => return answered,
                            }
                        }
                    })
                })
                .collect();
            std::thread::sleep(Duration::from_millis(100 + 30 * round));
            let mut probe = process.client("");
            probe.get("/v2/health/ready").good();
            terminate(&process);
            let start = Instant::now();
            while probe.get("/v2/health/ready").status == 200 {
                assert!(start.elapsed() < Duration::from_millis(150), "still ready");
            }
            threads.into_iter().map(|thread| thread.join().unwrap()).sum::<u64>()
        });
        assert_eq!(process.child.wait().unwrap().code(), Some(0));
        assert!(read_server_file(store.path()).is_none());
        let again = Process::start(store.path(), &[]);
        let page = again.client(&again.manage).get("/manage/models/churn/log?limit=10000").good().json();
        let logged = page["entries"].as_array().unwrap().len() as u64;
        assert!(answered > 0);
        assert!((answered..=answered + 4).contains(&logged), "{answered} answered, {logged} logged");
    }
}

#[test]
fn the_shutdown_route_ends_the_process() {
    let store = tempfile::tempdir().unwrap();
    let mut process = Process::start(store.path(), &[]);
    let reply = process.client(&process.manage).post("/manage/shutdown", &json!({})).good();
    assert_eq!(reply.json(), json!({"state": "draining"}));
    assert_eq!(process.child.wait().unwrap().code(), Some(0));
    // A connection that is still open is ended, not kept.
    assert!(Client::connect(process.addr, "").is_err());
}

#[test]
fn the_binary_says_its_version_and_its_errors() {
    let output = Command::new(env!("CARGO_BIN_EXE_yard-serve")).arg("--version").output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("yard-serve "));
    let store = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_yard-serve"))
        .args(["--listen", "0.0.0.0:1", "--store"])
        .arg(store.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut text = String::new();
    child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(text.contains("needs TLS"), "{text}");
}
