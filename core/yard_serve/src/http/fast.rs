//! The short way of plain inference requests: head, token, body, answer, without a general HTTP stack
//! between. A request that is not plain, or may not be made, ends the short way, and hyper reads it.

use super::{
    head::{self, Head},
    reply::{ERROR_HEADER, JSON, Refusal},
    routes::{self, Action, Lookup},
};
use crate::{
    api::{infer, score},
    served::Dialect,
    server::Server,
    workers::Setting,
};
use hyper::{HeaderMap, Method, StatusCode, body::Bytes};
use std::{
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    time::{sleep, timeout},
};

/// How long a body may stay behind its head; after that it is a slow one, which takes a slot and has its own limit.
const BODY_WAIT: Duration = Duration::from_millis(20);
/// First size of a connection's buffer.
const BUFFER: usize = 2 << 10;

/// How the short way ended.
pub(crate) enum Left {
    /// The connection is at its end.
    Ended,
    /// These bytes were read and belong to a request that hyper must read.
    Bytes(Bytes),
}

/// Bytes read and not yet used.
struct Buffer {
    bytes: Vec<u8>,
    filled: usize,
}

/// What a wait for bytes ended with.
enum Waited {
    Bytes,
    /// The client ended its side, or the connection broke.
    Closed,
    /// The wait was too long.
    Late,
    /// The server ends.
    Stop,
}

/// What became of a request.
#[derive(PartialEq, Eq)]
enum Answered {
    /// Nothing: hyper must read it.
    Not,
    /// An answer is to be sent, and others may follow.
    Yes,
    /// An answer is to be sent, and the connection ends.
    Last,
}

/// Serves plain requests until one is not plain or the connection ends.
pub(crate) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, setting: &Setting) -> Left {
    let Setting { server, limits, .. } = setting;
    let mut ended = setting.ended.clone();
    let mut ended = std::pin::pin!(ended.wait_for(|ended| *ended));
    // One timer for many requests: it is looked at when it rings, and set to what is left then.
    let mut timer = std::pin::pin!(sleep(limits.header_timeout));
    let mut last = Instant::now();
    let mut buffer = Buffer { bytes: vec![0; BUFFER], filled: 0 };
    let mut out = Vec::new();
    loop {
        let head = match head::read(&buffer.bytes[..buffer.filled]) {
            head::Read::Other => return buffer.left(),
            head::Read::More => None,
            head::Read::Plain(head) => Some(head),
        };
        let head_whole = head.is_some();
        if let Some(head) = head
            && buffer.filled >= head.bytes + head.body
        {
            let used = head.bytes + head.body;
            out.clear();
            let answered = answer(server, &head, &buffer.bytes[head.bytes..used], &mut out);
            if answered == Answered::Not {
                return buffer.left();
            }
            let sent = stream.write_all(&out).await.is_ok() && stream.flush().await.is_ok();
            if !sent || answered == Answered::Last {
                return Left::Ended;
            }
            buffer.take(used);
            last = Instant::now();
            continue;
        }
        if head_whole {
            match timeout(BODY_WAIT, stream.read(buffer.room())).await {
                Ok(Ok(count)) if count > 0 => buffer.filled += count,
                _ => return buffer.left(),
            }
            continue;
        }
        let waited = loop {
            tokio::select! {
                biased;
                read = stream.read(buffer.room()) => break match read {
                    Ok(0) | Err(_) => Waited::Closed,
                    Ok(count) => { buffer.filled += count; Waited::Bytes }
                },
                _ = ended.as_mut() => break Waited::Stop,
                () = timer.as_mut() => match rest(limits.header_timeout, last) {
                    Some(rest) => timer.as_mut().set(sleep(rest)),
                    None => break Waited::Late,
                },
            }
        };
        match waited {
            Waited::Bytes => {}
            Waited::Late => return Left::Ended,
            Waited::Closed | Waited::Stop if buffer.filled == 0 => return Left::Ended,
            Waited::Closed | Waited::Stop => return buffer.left(),
        }
    }
}

fn rest(limit: Duration, since: Instant) -> Option<Duration> {
    limit.checked_sub(since.elapsed()).filter(|rest| !rest.is_zero())
}

impl Buffer {
    fn left(&self) -> Left {
        Left::Bytes(Bytes::copy_from_slice(&self.bytes[..self.filled]))
    }

    /// Returns where more bytes go; at least one.
    fn room(&mut self) -> &mut [u8] {
        if self.filled == self.bytes.len() {
            self.bytes.resize((self.bytes.len() * 2).min(2 * (head::MAX_HEAD + head::MAX_BODY)), 0);
        }
        &mut self.bytes[self.filled..]
    }

    /// Forgets the bytes of a request.
    fn take(&mut self, used: usize) {
        self.bytes.copy_within(used..self.filled, 0);
        self.filled -= used;
    }
}

/// Writes the answer to a request into `out`.
fn answer(server: &Server, head: &Head<'_>, body: &[u8], out: &mut Vec<u8>) -> Answered {
    let Lookup::Found(found) = routes::find(&Method::POST, head.path) else { return Answered::Not };
    let dialect = match found.route.action {
        Action::Predict => Dialect::Predict,
        Action::Infer => Dialect::Infer,
        _ => return Answered::Not,
    };
    if !server.guard.admits(head.host, head.token, found.route.scopes) {
        return Answered::Not;
    }
    let Some(_slot) = server.gate.try_enter() else { return Answered::Not };
    let Ok(body) = infer::Body::new(Bytes::copy_from_slice(body), None) else { return Answered::Not };
    let (headers, input) = (&HeaderMap::new(), score::Input::Http(body));
    let (model, version, start) = (found.model, found.version, Instant::now());
    let request = score::Request { dialect, model, version, headers, input, start };
    match score::answer(server, &request) {
        Ok(reply) => {
            write_head(server, out, (reply.status, reply.content_type, reply.body.len()));
            for (name, value) in &reply.headers {
                write_header(out, name.as_str(), value.as_bytes());
            }
            out.extend_from_slice(b"\r\n");
            out.extend_from_slice(&reply.body);
            Answered::Yes
        }
        Err(refusal) => {
            server.refused.fetch_add(1, Relaxed);
            write_refusal(server, &refusal, out);
            if refusal.close { Answered::Last } else { Answered::Yes }
        }
    }
}

fn write_refusal(server: &Server, refusal: &Refusal, out: &mut Vec<u8>) {
    let body = refusal.body();
    write_head(server, out, (refusal.status, JSON, body.len()));
    write_header(out, ERROR_HEADER, refusal.code.as_bytes());
    if refusal.status == StatusCode::SERVICE_UNAVAILABLE {
        write_header(out, "retry-after", b"1");
    }
    if refusal.close {
        write_header(out, "connection", b"close");
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(&body);
}

/// Status line and the headers of every answer: status, content type, bytes of the body.
fn write_head(server: &Server, out: &mut Vec<u8>, (status, content_type, length): (StatusCode, &str, usize)) {
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    out.extend_from_slice(b"\r\n");
    write_header(out, "content-type", content_type.as_bytes());
    out.extend_from_slice(b"content-length: ");
    crate::json::write_display(out, length);
    out.extend_from_slice(b"\r\ndate: ");
    super::date::write(out, server.clock.now_micros());
    out.extend_from_slice(b"\r\n");
}

fn write_header(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}
