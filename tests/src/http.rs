//! A small HTTP/1.1 client over one connection that is kept open. Knows no route.

use serde_json::Value;
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Body.
    pub body: Vec<u8>,
}

impl Answer {
    /// Returns the body as JSON; fails when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// Returns the body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Fails unless the status is 200.
    #[must_use]
    pub fn good(self) -> Self {
        assert_eq!(self.status, 200, "{}", self.text());
        self
    }
}

/// A connection with a token.
#[derive(Debug)]
pub struct Client {
    reader: BufReader<TcpStream>,
    token: String,
}

impl Client {
    /// Connects to a base URL such as `http://127.0.0.1:40123`.
    pub fn connect(url: &str, token: &str) -> std::io::Result<Self> {
        let stream = TcpStream::connect(url.trim_start_matches("http://").trim_end_matches('/'))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_mins(2)))?;
        Ok(Self { reader: BufReader::with_capacity(1 << 16, stream), token: token.trim().to_owned() })
    }

    /// Sends a request and reads the answer.
    pub fn try_call(&mut self, method: &str, path: &str, body: &[u8]) -> std::io::Result<Answer> {
        let kind = if path.ends_with("/versions") { "application/octet-stream" } else { "application/json" };
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
             content-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            self.token,
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        self.reader.get_mut().write_all(&request)?;
        self.read()
    }

    /// Gets a path.
    pub fn get(&mut self, path: &str) -> Answer {
        self.try_call("GET", path, b"").unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    /// Posts JSON.
    pub fn post(&mut self, path: &str, body: &Value) -> Answer {
        self.post_bytes(path, body.to_string().as_bytes())
    }

    /// Posts bytes: a package to a path that ends with `/versions`, JSON otherwise.
    pub fn post_bytes(&mut self, path: &str, body: &[u8]) -> Answer {
        self.try_call("POST", path, body).unwrap_or_else(|error| panic!("POST {path}: {error}"))
    }

    fn read(&mut self) -> std::io::Result<Answer> {
        let gone = || std::io::Error::other("the connection ended");
        let mut line = String::new();
        if self.reader.read_line(&mut line)? == 0 {
            return Err(gone());
        }
        let status = line.split(' ').nth(1).and_then(|text| text.parse().ok()).ok_or_else(gone)?;
        let mut length = 0;
        loop {
            line.clear();
            if self.reader.read_line(&mut line)? == 0 {
                return Err(gone());
            }
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().map_err(|_| gone())?;
            }
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body)?;
        Ok(Answer { status, body })
    }
}
