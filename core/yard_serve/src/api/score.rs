//! The way of an inference request: read, choose a version, score, write, hand over to the log.

use crate::{
    api::{
        explain, infer, predict,
        tensor::{Output, Wanted},
        tensors,
    },
    grpc,
    http::reply::{Refusal, Reply},
    json::Reader,
    log::note::{Asked, Note, Outcome},
    registry::table::Choice,
    rollout::watch::{Seen, Watch},
    rows::{Rows, read_instances, request_id_of},
    served::{Answers, Dialect, Served},
    server::Server,
};
use hyper::{HeaderMap, header::HeaderValue};
use std::{collections::BTreeSet, sync::Arc, time::Instant};

/// Header by which a client keeps to one side of a canary.
const KEY_HEADER: &str = "modelyard-key";
/// Header that gives the request id, in requests and answers.
const ID_HEADER: &str = "modelyard-request-id";
/// Header that lists fields which the contract does not have.
const IGNORED_HEADER: &str = "modelyard-ignored-fields";

/// A request that has been read as far as its body.
pub(crate) struct Request<'a> {
    pub(crate) dialect: Dialect,
    pub(crate) model: &'a str,
    pub(crate) version: Option<u64>,
    pub(crate) headers: &'a HeaderMap<HeaderValue>,
    pub(crate) input: Input,
    /// When the head was read.
    pub(crate) start: Instant,
}

/// The body of a request.
pub(crate) enum Input {
    /// JSON, with the bytes of tensors behind it or not.
    Http(infer::Body),
    /// A message.
    Grpc(grpc::request::Message),
}

impl Input {
    /// Finds the request id in a body that has not been read; `None` also when the body is damaged, which
    /// reading it says.
    fn peek_id(&self, dialect: Dialect) -> Option<String> {
        match self {
            Self::Http(body) => peek_id(body.json(), dialect),
            Self::Grpc(message) => message.id.clone(),
        }
    }
}

/// A request as its dialect wrote it.
struct Parsed {
    rows: Rows,
    outputs: Vec<Wanted>,
}

/// Answers an inference request. Long ones and explanations take long: their caller is not an event loop.
pub(crate) fn answer(server: &Server, request: &Request<'_>) -> Result<Reply, Refusal> {
    let table = server.registry.table();
    let routed = table.model(request.model)?;
    let header_id = header_text(request.headers, ID_HEADER)?.map(request_id_of).transpose()?;
    let key = header_text(request.headers, KEY_HEADER)?;
    // Only while traffic is split must an id in the body be known before a version is chosen, since the
    // version says how the body is read.
    let peek = routed.splits() && key.is_none() && header_id.is_none();
    let body_id = if peek { request.input.peek_id(request.dialect) } else { None };
    let request_id = body_id.or(header_id).unwrap_or_else(|| server.ids.next(server.clock.now_micros()));
    let choice = routed.choose(request.version, key.unwrap_or(&request_id).as_bytes())?;
    drop(table);
    let done = read(server, request, &choice.served).and_then(|parsed| {
        let answers = choice.served.score(&parsed.rows)?;
        Ok((parsed, answers))
    });
    let (parsed, answers) = match done {
        Ok(done) => done,
        Err(refusal) => {
            note_refused(server, request, &choice, request_id, &refusal);
            return Err(refusal);
        }
    };
    finish(server, request, choice, request_id, (parsed, answers))
}

fn peek_id(body: &[u8], dialect: Dialect) -> Option<String> {
    let name = if dialect == Dialect::Infer { "id" } else { "request_id" };
    let mut reader = Reader::new(body).ok()?;
    let mut first = true;
    reader.open_object().ok()?;
    while let Some(key) = reader.next_key(&mut first).ok()? {
        if reader.get(key) == name {
            let span = reader.string().ok()?;
            return request_id_of(reader.get(span)).ok();
        }
        reader.skip_value().ok()?;
    }
    None
}

fn read(server: &Server, request: &Request<'_>, served: &Served) -> Result<Parsed, Refusal> {
    let (inputs, limit) = (&served.inputs, server.limits.rows);
    let outputs = Output::of(served.scorer().task());
    let body = match &request.input {
        Input::Grpc(message) => {
            let read = message.read(inputs, outputs, limit)?;
            return Ok(Parsed { rows: read.rows, outputs: read.outputs });
        }
        Input::Http(body) => body,
    };
    if request.dialect == Dialect::Infer {
        let read = infer::read_infer(body, inputs, outputs, limit)?;
        return Ok(Parsed { rows: read.rows, outputs: read.outputs });
    }
    let limit = if request.dialect == Dialect::Explain { limit.min(explain::MAX_ROWS) } else { limit };
    Ok(Parsed { rows: read_instances(body.bytes.clone(), inputs, limit)?, outputs: Vec::new() })
}

fn finish(
    server: &Server,
    request: &Request<'_>,
    choice: Choice,
    made_id: String,
    (mut parsed, answers): (Parsed, Answers),
) -> Result<Reply, Refusal> {
    let served = choice.served;
    let request_id = parsed.rows.request_id.take().unwrap_or(made_id);
    let mut reply = match request.dialect {
        Dialect::Infer => {
            let (body, json) = tensors::write_tensors(&served, &request_id, &answers, &parsed.outputs);
            match json {
                None => Reply::json(body),
                Some(json) => Reply { content_type: tensors::BINARY, ..Reply::json(body) }
                    .header(tensors::LENGTH_HEADER, &json.to_string()),
            }
        }
        Dialect::Grpc => Reply::json(grpc::write_infer(&served, &request_id, &answers, &parsed.outputs)),
        Dialect::Explain => {
            Reply::json(explain::write_explanations(&served, &request_id, &parsed.rows, &answers)?)
        }
        Dialect::Invocations => {
            Reply::json(predict::write_bare(&served, &answers)).header(ID_HEADER, &request_id)
        }
        _ => Reply::json(predict::write_predictions(&served, &request_id, &answers)),
    };
    if !parsed.rows.ignored.is_empty() {
        served.figures.ignored_fields.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        reply = reply.header(IGNORED_HEADER, &ignored_text(&parsed.rows.ignored));
    }
    let nanos = request.start.elapsed().as_nanos() as u64;
    served.figures.count(request.dialect, 200, nanos);
    let score = (answers.classes == 2 && answers.rows > 0).then(|| answers.score(0));
    watch(server, choice.watch.as_ref(), &served.identity.model, (false, nanos, score));
    served.figures.rows.fetch_add(answers.rows as u64, std::sync::atomic::Ordering::Relaxed);
    server.log.inbox.push(Note::Asked(Box::new(Asked {
        at_us: server.clock.now_micros(),
        nanos,
        dialect: request.dialect,
        traffic: choice.traffic,
        request_id,
        outcome: Outcome::Answered { rows: Box::new(parsed.rows), answers, shadow: choice.shadow },
        served,
    })));
    Ok(reply)
}

fn note_refused(
    server: &Server,
    request: &Request<'_>,
    choice: &Choice,
    request_id: String,
    refusal: &Refusal,
) {
    let nanos = request.start.elapsed().as_nanos() as u64;
    let status = refusal.status.as_u16();
    choice.served.figures.count(request.dialect, status, nanos);
    watch(server, choice.watch.as_ref(), &choice.served.identity.model, (true, nanos, None));
    server.log.inbox.push(Note::Asked(Box::new(Asked {
        served: choice.served.clone(),
        traffic: choice.traffic,
        request_id,
        at_us: server.clock.now_micros(),
        nanos,
        dialect: request.dialect,
        outcome: Outcome::Refused { status, message: refusal.message.clone() },
    })));
}

/// Counts a request, by whether it failed, its time and its score, in the watch over the canary.
fn watch(
    server: &Server,
    watch: Option<&(Arc<Watch>, bool)>,
    model: &str,
    (failed, nanos, score): (bool, u64, Option<f64>),
) {
    let Some((watch, canary)) = watch else { return };
    let seen = Seen { canary: *canary, failed, nanos, score };
    if let Some(verdict) = watch.count(seen) {
        server.order(model, watch.version, verdict);
    }
}

fn header_text<'a>(headers: &'a HeaderMap<HeaderValue>, name: &str) -> Result<Option<&'a str>, Refusal> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    match value.to_str() {
        Ok(text) if text.len() <= 256 => Ok(Some(text)),
        _ => Err(Refusal::bad(
            "header",
            format!("header {name}: expected at most 256 printable ASCII characters"),
        )),
    }
}

/// Lists at most 20 names, without characters that a header can't hold.
fn ignored_text(ignored: &BTreeSet<String>) -> String {
    let mut text = String::new();
    for name in ignored.iter().take(20) {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.extend(name.chars().take(64).map(|c| if c.is_ascii_graphic() && c != ',' { c } else { '_' }));
    }
    if ignored.len() > 20 {
        text.push_str(", ...");
    }
    text
}
