//! A small HTTP client over one connection, and a server for a test.

use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};
use yard_serve::{Config, LogLevel, Running, start};

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The message of a refusal.
    pub(crate) fn error(&self) -> String {
        self.json()["error"].as_str().unwrap_or_else(|| panic!("no error: {}", self.text())).to_owned()
    }

    /// Fails unless the status is 200.
    pub(crate) fn good(self) -> Self {
        assert_eq!(self.status, 200, "{}", self.text());
        self
    }
}

/// A connection.
pub(crate) struct Client {
    reader: BufReader<TcpStream>,
    token: String,
}

impl Client {
    pub(crate) fn connect(addr: SocketAddr, token: &str) -> std::io::Result<Self> {
        let stream = TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_mins(1)))?;
        Ok(Self { reader: BufReader::with_capacity(1 << 16, stream), token: token.to_owned() })
    }

    /// Sends a request as its bytes and reads the answer.
    pub(crate) fn raw(&mut self, request: &[u8]) -> std::io::Result<Answer> {
        self.reader.get_mut().write_all(request)?;
        self.read()
    }

    pub(crate) fn head(&self, method: &str, path: &str, length: usize, more: &str) -> String {
        let token = if self.token.is_empty() {
            String::new()
        } else {
            format!("authorization: Bearer {}\r\n", self.token)
        };
        format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\n{token}content-length: {length}\r\n{more}\r\n"
        )
    }

    pub(crate) fn try_call(
        &mut self,
        method: &str,
        path: &str,
        body: &[u8],
        more: &str,
    ) -> std::io::Result<Answer> {
        let mut request = self.head(method, path, body.len(), more).into_bytes();
        request.extend_from_slice(body);
        self.raw(&request)
    }

    pub(crate) fn call(&mut self, method: &str, path: &str, body: &[u8], more: &str) -> Answer {
        self.try_call(method, path, body, more).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.call("GET", path, b"", "")
    }

    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, body.to_string().as_bytes(), "content-type: application/json\r\n")
    }

    pub(crate) fn upload(&mut self, model: &str, package: &[u8]) -> Answer {
        let path = format!("/manage/models/{model}/versions");
        self.call("POST", &path, package, "content-type: application/octet-stream\r\n")
    }

    pub(crate) fn read(&mut self) -> std::io::Result<Answer> {
        let gone = || std::io::Error::other("the connection ended");
        let mut line = String::new();
        if self.reader.read_line(&mut line)? == 0 {
            return Err(gone());
        }
        let status = line.split(' ').nth(1).and_then(|text| text.parse().ok()).ok_or_else(gone)?;
        let mut headers = BTreeMap::new();
        loop {
            line.clear();
            if self.reader.read_line(&mut line)? == 0 {
                return Err(gone());
            }
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body)?;
        Ok(Answer { status, headers, body })
    }
}

/// A server in this process with a store of its own.
pub(crate) struct TestServer {
    pub(crate) running: Running,
    #[allow(dead_code, reason = "deleted when the test ends")]
    pub(crate) store: tempfile::TempDir,
}

impl TestServer {
    pub(crate) fn start() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let store = tempfile::tempdir().unwrap();
        let mut config = Config::new(store.path());
        config.log_level = LogLevel::Off;
        config.threads = Some(2);
        change(&mut config);
        Self { running: start(&config).unwrap(), store }
    }

    pub(crate) fn token(&self, scope: &str) -> String {
        let files = &self.running.tokens;
        let file = match scope {
            "infer" => &files.infer,
            "observe" => &files.observe,
            "" => return String::new(),
            _ => &files.manage,
        };
        std::fs::read_to_string(file).unwrap().trim().to_owned()
    }

    pub(crate) fn client(&self, scope: &str) -> Client {
        Client::connect(self.running.addr, &self.token(scope)).unwrap()
    }

    /// Uploads a package and makes it stable; returns its version.
    pub(crate) fn deploy(&self, model: &str, package: &[u8]) -> u64 {
        let mut client = self.client("manage");
        let version = client.upload(model, package).good().json()["version"].as_u64().unwrap();
        client.post(&format!("/manage/models/{model}/route"), &json!({"stable": version})).good();
        version
    }
}

impl Client {
    /// Sends no token from now on.
    pub(crate) fn forget_token(&mut self) {
        self.token.clear();
    }

    /// The connection itself, for requests that are not sent whole.
    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        self.reader.get_mut()
    }
}
