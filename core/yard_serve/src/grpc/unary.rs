//! The answer of a unary call as HTTP/2 takes it: one piece of data, then the status in the trailers.

use hyper::{
    HeaderMap, Response,
    body::{Body, Bytes, Frame},
    header::{self, HeaderValue},
};
use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

/// Bytes before a message: compression flag and length.
pub(super) const PREFIX: usize = 5;

/// Returns the only message of a call when it is whole and not compressed.
pub(super) fn message(body: &Bytes) -> Option<Bytes> {
    let (prefix, message) = body.split_at_checked(PREFIX)?;
    let length = u32::from_be_bytes([prefix[1], prefix[2], prefix[3], prefix[4]]) as usize;
    (prefix[0] == 0 && message.len() == length).then(|| body.slice(PREFIX..))
}

/// Makes the answer of a call that went well.
pub(super) fn response(message: &[u8]) -> Response<tonic::body::Body> {
    let mut data = Vec::with_capacity(PREFIX + message.len());
    data.push(0);
    data.extend_from_slice(&(message.len() as u32).to_be_bytes());
    data.extend_from_slice(message);
    let mut response = Response::new(tonic::body::Body::new(Answer::Data(data.into())));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

enum Answer {
    Data(Bytes),
    Trailers,
    Done,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(match std::mem::replace(&mut *self, Self::Done) {
            Self::Data(bytes) => {
                *self = Self::Trailers;
                Some(Ok(Frame::data(bytes)))
            }
            Self::Trailers => {
                let mut trailers = HeaderMap::with_capacity(1);
                trailers.insert("grpc-status", HeaderValue::from_static("0"));
                Some(Ok(Frame::trailers(trailers)))
            }
            Self::Done => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Done)
    }
}
