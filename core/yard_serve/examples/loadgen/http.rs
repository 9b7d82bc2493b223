//! HTTP/1.1 with keep-alive over one connection: as little work of its own as can be, so that the machine's
//! time goes to the server.

use crate::{Pace, Plan, tally::Tally};
use anyhow::{Context as _, bail};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Largest head of an answer.
const HEAD: usize = 16 << 10;

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
}

/// Where the parts of an answer lie in the buffer.
struct Answer {
    status: u16,
    body: std::ops::Range<usize>,
    close: bool,
}

/// Sends requests until the pace ends; a connection that the server ends is opened again.
pub(crate) async fn run(plan: &Plan, mut pace: Pace, tally: &mut Tally) -> anyhow::Result<()> {
    let requests: Vec<Vec<u8>> = plan.bodies.iter().map(|body| request(plan, body)).collect();
    let mut connection = Connection::open(&plan.arguments.addr).await?;
    while let Some(due) = pace.next().await {
        match connection.ask(&requests[due.body]).await {
            Ok(answer) => {
                let digest =
                    plan.arguments.digests.then(|| (due.body, &connection.buffer[answer.body.clone()]));
                tally.count(answer.status, due.at.elapsed(), digest);
                if answer.close {
                    connection = Connection::open(&plan.arguments.addr).await?;
                }
            }
            Err(error) => {
                tally.broken(&error.to_string());
                connection = Connection::open(&plan.arguments.addr).await?;
            }
        }
    }
    Ok(())
}

fn request(plan: &Plan, body: &[u8]) -> Vec<u8> {
    let arguments = &plan.arguments;
    let mut head = format!(
        "POST {} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {}\r\ncontent-length: {}\r\n",
        arguments.path,
        arguments.content_type,
        body.len()
    );
    if !arguments.token.is_empty() {
        for part in ["authorization: Bearer ", &arguments.token, "\r\n"] {
            head += part;
        }
    }
    head += "\r\n";
    let mut whole = head.into_bytes();
    whole.extend_from_slice(body);
    whole
}

impl Connection {
    async fn open(addr: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; 64 << 10], filled: 0 })
    }

    async fn ask(&mut self, request: &[u8]) -> anyhow::Result<Answer> {
        self.stream.write_all(request).await?;
        self.filled = 0;
        let head = loop {
            if let Some(at) = find(&self.buffer[..self.filled], b"\r\n\r\n") {
                break at + 4;
            }
            if self.filled > HEAD {
                bail!("a head larger than {HEAD} bytes");
            }
            self.fill().await?;
        };
        let text = std::str::from_utf8(&self.buffer[..head])?.to_ascii_lowercase();
        let status = text.split(' ').nth(1).context("no status")?.parse()?;
        let close = text.contains("\r\nconnection: close");
        let Some(length) = text.split("\r\ncontent-length:").nth(1) else {
            if !text.contains("transfer-encoding: chunked") {
                bail!("an answer without length");
            }
            while !self.buffer[head..self.filled].ends_with(b"0\r\n\r\n") {
                self.fill().await?;
            }
            return Ok(Answer { status, body: head..self.filled, close });
        };
        let length: usize = length.split("\r\n").next().unwrap_or_default().trim().parse()?;
        while self.filled < head + length {
            self.fill().await?;
        }
        Ok(Answer { status, body: head..head + length, close })
    }

    async fn fill(&mut self) -> anyhow::Result<()> {
        if self.filled == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        let read = self.stream.read(&mut self.buffer[self.filled..]).await?;
        if read == 0 {
            bail!("the server ended the connection");
        }
        self.filled += read;
        Ok(())
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
