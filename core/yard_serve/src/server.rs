//! The server's shared state, and what each action of the route table does.

use crate::{
    api::{feedback, infer, invocations, manage, openapi, prometheus, repository, score, tensors},
    clock::Clock,
    config::{Console, Limits},
    http::{
        guard::Guard,
        intake::{BodyLimits, Gate, each_piece, read_body},
        reply::{ERROR_HEADER, JSON, Once, Refusal, Reply},
        routes::{Action, Found},
        trace,
    },
    ids::Ids,
    log::{note::Note, writer::Log},
    registry::Registry,
    rollout::{Order, watch::Verdict},
    served::Dialect,
};
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    header::{self},
    http::request::Parts,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
        mpsc::SyncSender,
    },
    time::Instant,
};
use tokio::sync::watch;
use yard_types::{
    audit::EraseRequest,
    rollout::{FreezeRequest, ReasonRequest},
    serving::{RouteRequest, StopRequest},
};

/// Bodies above this size, bytes, are worked on beside the event loop.
pub(crate) const LONG_BODY: usize = 16 << 10;
/// Header that names the model of a path that names none.
const MODEL_HEADER: &str = "modelyard-model";
/// Rows of the log in one answer, at most.
const MAX_LOG_PAGE: u64 = 10_000;

/// Everything that requests share.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) guard: Guard,
    pub(crate) gate: Gate,
    pub(crate) limits: Limits,
    pub(crate) registry: Registry,
    pub(crate) log: Arc<Log>,
    pub(crate) reader: manage::LogReader,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Ids,
    pub(crate) console: Console,
    /// Requests refused before a version was known.
    pub(crate) refused: AtomicU64,
    /// Set when the server begins to end.
    pub(crate) draining: AtomicBool,
    /// Verdicts about canaries, to the thread that carries them out.
    pub(crate) orders: SyncSender<Order>,
    /// Tells the accept loop to end.
    pub(crate) stop: watch::Sender<bool>,
}

/// Answers one request.
pub(crate) async fn handle(server: Arc<Server>, request: Request<Incoming>) -> Response<Once> {
    let start = Instant::now();
    let (parts, body) = request.into_parts();
    let done = match server.guard.admit(&parts) {
        Ok(found) => server.clone().act(&parts, found, body, start).await,
        Err(refusal) => Err(refusal),
    };
    let mut response = match done {
        Ok(reply) => reply.into_response(),
        Err(refusal) => {
            server.refused.fetch_add(1, Relaxed);
            refusal.into_response()
        }
    };
    trace::add(response.headers_mut(), trace::answer(&parts.headers, &server.ids, server.clock.now_micros()));
    response
}

impl Server {
    /// Begins to end: not ready from now on.
    pub(crate) fn shut_down(&self) {
        self.draining.store(true, Relaxed);
        self.stop.send_replace(true);
    }

    /// Hands a verdict on; when too many wait, which takes hundreds of rollouts at once, it is said and left.
    pub(crate) fn order(&self, model: &str, version: u64, verdict: Verdict) {
        if self.orders.try_send(Order::Act { model: model.to_owned(), version, verdict }).is_err() {
            self.console.error(format!("{model}: the verdict on version {version} could not be carried out"));
        }
    }

    async fn act(
        self: Arc<Self>,
        parts: &Parts,
        found: Found<'_>,
        body: Incoming,
        start: Instant,
    ) -> Result<Reply, Refusal> {
        let (model, version) = (found.model, found.version);
        match found.route.action {
            Action::Predict => self.infer(Dialect::Predict, parts, (model, version), body, start).await,
            Action::Infer => self.infer(Dialect::Infer, parts, (model, version), body, start).await,
            Action::Explain => self.infer(Dialect::Explain, parts, (model, version), body, start).await,
            Action::Invocations => {
                Ok(self.invocations(parts, body, start).await.unwrap_or_else(|refusal| as_mlflow(&refusal)))
            }
            Action::Ping => self.ping(),
            Action::Version => Ok(Reply {
                content_type: "text/plain",
                ..Reply::json(format!("{}\n", env!("CARGO_PKG_VERSION")).into_bytes())
            }),
            Action::Feedback => self.feedback(parts, model, body).await,
            Action::Live => Ok(Reply::json(b"{\"live\":true}".to_vec())),
            Action::Ready => self.ready(),
            Action::ServerInfo => Ok(Reply::json(tensors::write_server_info())),
            Action::ModelInfo => self.model_info(model, version),
            Action::ModelReady => self.model_ready(model, version),
            Action::Metrics => {
                let body = prometheus::write(&self).into_bytes();
                Ok(Reply { content_type: prometheus::CONTENT_TYPE, ..Reply::json(body) })
            }
            Action::OpenApi => Reply::of(&openapi::document(&self.registry.table())),
            Action::Models => Reply::of(&self.registry.shown_all()),
            Action::Model => {
                manage::flush(&self.log).await;
                Reply::of(&self.registry.shown(model)?)
            }
            Action::Windows => self.windows(model, parts.uri.query()).await,
            Action::Log => self.log_page(model, parts.uri.query()).await,
            Action::Verify => {
                manage::flush(&self.log).await;
                let server = self.clone();
                blocking(move || Reply::of(&server.reader.verify()?)).await
            }
            Action::Erase => self.erase(parts, model, body).await,
            Action::Upload => self.upload(parts, model, body).await,
            Action::Statistics => repository::write_statistics(&self.statistics(model, version)?),
            Action::Index => self.index(parts, body).await,
            Action::Load | Action::Unload => self.load(found.route.action, model, parts, body).await,
            Action::Rollout => {
                let (server, model) = (self.clone(), model.to_owned());
                blocking(move || Reply::of(&server.registry.rollout(&model)?)).await
            }
            Action::Route | Action::Promote | Action::Rollback | Action::Stop | Action::Watch => {
                self.change(found.route.action, model, parts, body).await
            }
            Action::Shutdown => {
                self.console.info("asked to shut down");
                self.shut_down();
                Ok(Reply::json(b"{\"state\":\"draining\"}".to_vec()))
            }
        }
    }

    async fn infer(
        self: Arc<Self>,
        dialect: Dialect,
        parts: &Parts,
        (model, version): (&str, Option<u64>),
        body: Incoming,
        start: Instant,
    ) -> Result<Reply, Refusal> {
        let length = if dialect == Dialect::Infer { json_length(parts)? } else { None };
        check_type(parts, if length.is_some() { &[JSON, tensors::BINARY] } else { &[JSON] }, true)?;
        let _slot = self.gate.enter().await?;
        let body = read_body(body, BodyLimits::of(&self.limits)).await?;
        let long = body.len() > LONG_BODY || dialect == Dialect::Explain;
        let input = score::Input::Http(infer::Body::new(body, length)?);
        if !long {
            let headers = &parts.headers;
            return score::answer(&self, &score::Request { dialect, model, version, headers, input, start });
        }
        let (server, model, headers) = (self.clone(), model.to_owned(), parts.headers.clone());
        blocking(move || {
            let (model, headers) = (model.as_str(), &headers);
            score::answer(&server, &score::Request { dialect, model, version, headers, input, start })
        })
        .await
    }

    async fn invocations(
        self: Arc<Self>,
        parts: &Parts,
        body: Incoming,
        start: Instant,
    ) -> Result<Reply, Refusal> {
        check_type(parts, &[JSON, "text/csv"], false)?;
        let kind = parts.headers.get(header::CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
        let is_csv = kind.to_ascii_lowercase().starts_with(b"text/csv");
        let _slot = self.gate.enter().await?;
        let body = read_body(body, BodyLimits::of(&self.limits)).await?;
        let (server, headers) = (self.clone(), parts.headers.clone());
        let work = move || {
            let table = server.registry.table();
            let routed = table.only(headers.get(MODEL_HEADER).map(|value| value.as_bytes()))?;
            let served = routed.choose(None, b"")?.served;
            let names: Vec<String> = served.contract.fields.iter().map(|field| field.name.clone()).collect();
            let model = routed.name.clone();
            drop(table);
            let body = invocations::to_instances(&body, is_csv, &names)?;
            let input = score::Input::Http(infer::Body::new(body.into(), None)?);
            let (dialect, version, headers, model) = (Dialect::Invocations, None, &headers, model.as_str());
            score::answer(&server, &score::Request { dialect, model, version, headers, input, start })
        };
        blocking(work).await
    }

    /// Answers with an empty line when some model answers, as MLflow and `SageMaker` ask.
    fn ping(&self) -> Result<Reply, Refusal> {
        self.check_ready()?;
        if self.registry.table().sorted().iter().all(|model| model.stable.is_none()) {
            return Err(Refusal::not_found("no model answers yet"));
        }
        Ok(Reply { content_type: "text/plain", ..Reply::json(b"\n".to_vec()) })
    }

    async fn feedback(&self, parts: &Parts, model: &str, body: Incoming) -> Result<Reply, Refusal> {
        check_json(parts)?;
        self.registry.table().model(model)?;
        let body = read_body(body, BodyLimits::of(&self.limits)).await?;
        let items = feedback::read_labels(&body, self.limits.labels)?;
        Reply::of(&feedback::store(&self.log, model, items, self.clock.now_micros()).await?)
    }

    async fn index(&self, parts: &Parts, body: Incoming) -> Result<Reply, Refusal> {
        check_json(parts)?;
        let body = read_body(body, BodyLimits::of(&self.limits)).await?;
        let asked: repository::IndexRequest = manage::read_json(&body, "{\"ready\"?: bool}")?;
        Reply::of(&self.repository_index(asked.ready))
    }

    /// The body may hold parameters; none of them is needed here.
    async fn load(
        self: Arc<Self>,
        action: Action,
        model: &str,
        parts: &Parts,
        body: Incoming,
    ) -> Result<Reply, Refusal> {
        check_json(parts)?;
        let body = read_body(body, BodyLimits::of(&self.limits)).await?;
        manage::read_json::<serde_json::Map<String, serde_json::Value>>(&body, "{\"parameters\"?: {}}")?;
        let (server, model) = (self.clone(), model.to_owned());
        blocking(move || {
            server.set_loaded(&model, action == Action::Load)?;
            Ok(Reply::json(b"{}".to_vec()))
        })
        .await
    }

    fn ready(&self) -> Result<Reply, Refusal> {
        self.check_ready()?;
        Ok(Reply::json(b"{\"ready\":true,\"live\":true}".to_vec()))
    }

    /// Refuses unless every routed version is ready and the server goes on.
    pub(crate) fn check_ready(&self) -> Result<(), Refusal> {
        if self.draining.load(Relaxed) {
            return Err(Refusal::unavailable("the server is shutting down"));
        }
        if !self.registry.ready() {
            return Err(Refusal::unavailable("not every routed version is ready"));
        }
        Ok(())
    }

    fn model_info(&self, model: &str, version: Option<u64>) -> Result<Reply, Refusal> {
        let table = self.registry.table();
        let routed = table.model(model)?;
        let served = routed.choose(version, b"")?.served;
        let versions: Vec<u64> = routed.versions.keys().copied().collect();
        Ok(Reply::json(tensors::write_model_info(&served, &versions)))
    }

    fn model_ready(&self, model: &str, version: Option<u64>) -> Result<Reply, Refusal> {
        self.check_model_ready(model, version)?;
        Ok(Reply::json(format!("{{\"name\":\"{model}\",\"ready\":true}}").into_bytes()))
    }

    /// Refuses unless a model, or one version of it, answers.
    pub(crate) fn check_model_ready(&self, model: &str, version: Option<u64>) -> Result<(), Refusal> {
        let table = self.registry.table();
        let routed = table.model(model)?;
        routed.choose(version, b"").map_err(|refusal| Refusal::unavailable(refusal.message))?;
        if self.draining.load(Relaxed) {
            return Err(Refusal::unavailable("the server is shutting down"));
        }
        Ok(())
    }

    async fn windows(self: Arc<Self>, model: &str, query: Option<&str>) -> Result<Reply, Refusal> {
        let [size, last] = manage::read_query(query, [("size", 1), ("last", 200)])?;
        self.registry.shown(model)?;
        manage::flush(&self.log).await;
        let dropped = self.log.inbox.dropped_rows.load(Relaxed);
        let (server, model) = (self.clone(), model.to_owned());
        blocking(move || Reply::of(&server.reader.windows(&model, size, last, dropped)?)).await
    }

    async fn log_page(self: Arc<Self>, model: &str, query: Option<&str>) -> Result<Reply, Refusal> {
        let [after, limit] = manage::read_query(query, [("after", 0), ("limit", 100)])?;
        self.registry.shown(model)?;
        manage::flush(&self.log).await;
        let (server, model) = (self.clone(), model.to_owned());
        let limit = limit.clamp(1, MAX_LOG_PAGE) as usize;
        blocking(move || Reply::of(&server.reader.log(&model, after.min(i64::MAX as u64), limit)?)).await
    }

    async fn erase(&self, parts: &Parts, model: &str, body: Incoming) -> Result<Reply, Refusal> {
        check_json(parts)?;
        self.registry.shown(model)?;
        let body = read_body(body, BodyLimits::of(&self.limits)).await?;
        let asked: EraseRequest = manage::read_json(&body, "{\"request_ids\": [text, ..]}")?;
        if asked.request_ids.is_empty() || asked.request_ids.len() > self.limits.labels {
            let message = format!("expected 1 to {} request ids", self.limits.labels);
            return Err(Refusal::bad("request-ids", message));
        }
        let (done, erased) = tokio::sync::oneshot::channel();
        self.log.inbox.push(Note::Erase { model: model.to_owned(), ids: asked.request_ids, done });
        match erased.await {
            Ok(Some(reply)) => Reply::of(&reply),
            _ => Err(Refusal::unavailable("the log could not be written; nothing was erased")),
        }
    }

    async fn upload(self: Arc<Self>, parts: &Parts, model: &str, body: Incoming) -> Result<Reply, Refusal> {
        check_type(parts, &["application/octet-stream", "application/zip"], false)?;
        let failed = |error: crate::error::ServeError| {
            self.console.error(&error);
            Refusal::from(error)
        };
        let mut upload = self.registry.begin_upload().map_err(failed)?;
        let limits = BodyLimits {
            bytes: self.limits.package_bytes,
            chunks: usize::MAX,
            timeout: self.limits.upload_timeout,
        };
        each_piece(body, limits, |piece| upload.write(&piece).map_err(failed)).await?;
        let (server, model) = (self.clone(), model.to_owned());
        blocking(move || {
            let done = server.registry.admit(Some(&model), &upload);
            if let Err(refusal) = &done {
                server.console.warn(format!("{model}: {}", refusal.message));
            }
            Reply::of(&done?)
        })
        .await
    }

    async fn change(
        self: Arc<Self>,
        action: Action,
        model: &str,
        parts: &Parts,
        body: Incoming,
    ) -> Result<Reply, Refusal> {
        check_json(parts)?;
        let body = read_body(body, BodyLimits::of(&self.limits)).await?;
        let (server, model) = (self.clone(), model.to_owned());
        blocking(move || {
            let registry = &server.registry;
            let shown = match action {
                Action::Promote => registry.promote(&model, read_reason(&body)?.as_deref())?,
                Action::Rollback => registry.rollback(&model, read_reason(&body)?.as_deref())?,
                Action::Watch => {
                    let request: FreezeRequest =
                        manage::read_json(&body, "{\"frozen\": bool, \"reason\": text}")?;
                    if let Some((version, verdict)) = registry.freeze(&model, &request)? {
                        server.order(&model, version, verdict);
                    }
                    registry.shown(&model)?
                }
                Action::Stop => {
                    let expected = "{\"version\"?: number}";
                    registry.stop(&model, manage::read_json::<StopRequest>(&body, expected)?)?
                }
                _ => {
                    let expected =
                        "{\"stable\"?, \"canary\"?: {\"version\", \"percent\", \"shadow\"?}, \"watch\"?: {}}";
                    registry.route(&model, &manage::read_json::<RouteRequest>(&body, expected)?)?
                }
            };
            Reply::of(&shown)
        })
        .await
    }
}

fn read_reason(body: &[u8]) -> Result<Option<String>, Refusal> {
    let request: ReasonRequest = manage::read_json(body, "{\"reason\"?: text}")?;
    match request.reason {
        Some(reason) if reason.trim().is_empty() || reason.len() > 1_000 => {
            Err(Refusal::bad("reason", "expected a reason of 1 to 1000 characters"))
        }
        reason => Ok(reason),
    }
}

/// Turns a refusal into the form of MLflow's clients; our own key stays for others.
fn as_mlflow(refusal: &Refusal) -> Reply {
    let code = match refusal.status.as_u16() {
        400 => "BAD_REQUEST",
        404 => "RESOURCE_DOES_NOT_EXIST",
        503 => "TEMPORARILY_UNAVAILABLE",
        415 => "INVALID_PARAMETER_VALUE",
        _ => "INTERNAL_ERROR",
    };
    let body = serde_json::json!({"error_code": code, "message": refusal.message, "error": refusal.message});
    let reply = Reply { status: refusal.status, ..Reply::json(body.to_string().into_bytes()) };
    let reply = reply.header(ERROR_HEADER, refusal.code);
    let reply = if refusal.close { reply.header("connection", "close") } else { reply };
    if refusal.status == StatusCode::SERVICE_UNAVAILABLE { reply.header("retry-after", "1") } else { reply }
}

/// Runs work that may block on a thread where it may; a panic is an internal error of this request.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(Refusal::internal("the server failed on this request")))
}

/// Returns the header that says where the JSON of a body ends, at most once.
fn json_length(parts: &Parts) -> Result<Option<&str>, Refusal> {
    let mut values = parts.headers.get_all(tensors::LENGTH_HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    match (value.to_str(), values.next()) {
        (Ok(text), None) => Ok(Some(text)),
        _ => Err(Refusal::bad("header", "header Inference-Header-Content-Length: expected one number")),
    }
}

fn check_json(parts: &Parts) -> Result<(), Refusal> {
    check_type(parts, &[JSON], true)
}

/// Checks content type and encoding against what the route reads. No content type counts as the route's
/// own when `optional`.
fn check_type(parts: &Parts, allowed: &[&str], optional: bool) -> Result<(), Refusal> {
    let unsupported =
        |message: String| Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type", message).closing();
    if let Some(encoding) = parts.headers.get(header::CONTENT_ENCODING)
        && encoding.as_bytes() != b"identity"
    {
        return Err(unsupported("compressed bodies are not read; send the body as it is".to_owned()));
    }
    let Some(value) = parts.headers.get(header::CONTENT_TYPE) else {
        return if optional {
            Ok(())
        } else {
            Err(unsupported(format!("expected content type {}", allowed[0])))
        };
    };
    let text = value.to_str().unwrap_or_default();
    let (kind, parameters) = text.split_once(';').map_or((text, ""), |(kind, rest)| (kind, rest.trim()));
    let utf8 = parameters.is_empty()
        || parameters.eq_ignore_ascii_case("charset=utf-8")
        || parameters.eq_ignore_ascii_case("charset=\"utf-8\"");
    if utf8 && allowed.iter().any(|own| own.eq_ignore_ascii_case(kind.trim())) {
        return Ok(());
    }
    Err(unsupported(format!("expected content type {}", allowed.join(" or "))))
}
