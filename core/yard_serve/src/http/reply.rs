//! Answers: a body in one piece, and refusals with status, code and message.

use hyper::{
    Response, StatusCode,
    body::{Body, Bytes, Frame, SizeHint},
    header::{self, HeaderName, HeaderValue},
};
use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

/// Content type of JSON answers.
pub(crate) const JSON: &str = "application/json";

/// Header that holds the machine-readable code of a refusal.
pub(crate) const ERROR_HEADER: &str = "modelyard-error";

/// A body in one piece.
#[derive(Debug, Default)]
pub(crate) struct Once(Option<Bytes>);

impl Once {
    pub(crate) fn new(bytes: Bytes) -> Self {
        Self((!bytes.is_empty()).then_some(bytes))
    }
}

impl Body for Once {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

/// A good answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Reply {
    /// JSON bytes with status 200.
    pub(crate) fn json(body: Vec<u8>) -> Self {
        Self { status: StatusCode::OK, content_type: JSON, body, headers: Vec::new() }
    }

    /// A value as JSON with status 200.
    pub(crate) fn of(value: &impl serde::Serialize) -> Result<Self, Refusal> {
        serde_json::to_vec(value)
            .map(Self::json)
            .map_err(|error| Refusal::internal(format!("the answer can't be written: {error}")))
    }

    /// Adds a header; a value that is not printable ASCII is left out.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((HeaderName::from_static(name), value));
        }
        self
    }

    pub(crate) fn into_response(self) -> Response<Once> {
        let mut response = Response::new(Once::new(self.body.into()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.extend(
            self.headers
                .into_iter()
                .map(|(name, value)| (Some(name), value))
                .filter_map(|(name, value)| name.map(|name| (name, value))),
        );
        response
    }
}

/// A request that is not answered, and why. The message never holds paths, hosts or internals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    /// Short code for programs, sent in the header `modelyard-error`.
    pub(crate) code: &'static str,
    /// Message for people.
    pub(crate) message: String,
    /// Methods that the path does allow, for 405.
    pub(crate) allow: Option<String>,
    /// Whether the connection must end because the body was not read.
    pub(crate) close: bool,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), allow: None, close: false }
    }

    pub(crate) fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", message)
    }

    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }

    /// Ends the connection after the answer.
    pub(crate) fn closing(mut self) -> Self {
        self.close = true;
        self
    }

    /// Returns the body: `{"error": message}`.
    pub(crate) fn body(&self) -> Vec<u8> {
        let mut body = b"{\"error\":".to_vec();
        crate::json::write_string(&mut body, &self.message);
        body.push(b'}');
        body
    }

    pub(crate) fn into_response(self) -> Response<Once> {
        let mut response = Response::new(Once::new(self.body().into()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
        headers.insert(HeaderName::from_static(ERROR_HEADER), HeaderValue::from_static(self.code));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if let Some(allow) = self.allow.and_then(|allow| HeaderValue::from_str(&allow).ok()) {
            headers.insert(header::ALLOW, allow);
        }
        if self.close {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

impl From<crate::json::JsonError> for Refusal {
    fn from(error: crate::json::JsonError) -> Self {
        Self::bad("json", error.to_string())
    }
}

impl From<crate::error::ServeError> for Refusal {
    /// The cause may name files of the server: it goes to the console, not to the client.
    fn from(_: crate::error::ServeError) -> Self {
        Self::internal("the server's store failed; see the messages of the server")
    }
}
