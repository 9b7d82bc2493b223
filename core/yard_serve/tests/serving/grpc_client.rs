//! A small gRPC client over one connection, and the request message, written apart from the server's own
//! reader.

use crate::{
    client::TestServer,
    proto::{self, Parameter},
};
use hyper::{
    Request,
    body::{Body, Bytes, Frame, Incoming},
    client::conn::http2::{self, SendRequest},
    header::HeaderMap,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use std::{
    collections::BTreeMap,
    convert::Infallible,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::runtime::Runtime;

pub(crate) const SERVICE: &str = "/inference.GRPCInferenceService/";

/// `ModelInferRequest`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct InferRequest {
    #[prost(string, tag = "1")]
    pub(crate) model_name: String,
    #[prost(string, tag = "2")]
    pub(crate) model_version: String,
    #[prost(string, tag = "3")]
    pub(crate) id: String,
    #[prost(btree_map = "string, message", tag = "4")]
    pub(crate) parameters: BTreeMap<String, Parameter>,
    #[prost(message, repeated, tag = "5")]
    pub(crate) inputs: Vec<proto::Tensor>,
    #[prost(message, repeated, tag = "6")]
    pub(crate) outputs: Vec<Requested>,
    #[prost(bytes = "bytes", repeated, tag = "7")]
    pub(crate) raw_input_contents: Vec<Bytes>,
}

/// `InferRequestedOutputTensor`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Requested {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
}

/// A body in one piece.
pub(crate) struct Whole(Option<Bytes>);

impl Body for Whole {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// An answer: status code, message, and the answer's own message.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) code: u32,
    pub(crate) message: String,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn read<T: Message + Default>(&self) -> T {
        assert_eq!(self.code, 0, "{}", self.message);
        T::decode(self.body.clone()).unwrap()
    }
}

/// A connection.
pub(crate) struct Grpc {
    runtime: Runtime,
    sender: SendRequest<Whole>,
    pub(crate) token: String,
    /// More headers of each call.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) authority: String,
    /// First byte of a message.
    pub(crate) compressed: u8,
}

impl Grpc {
    pub(crate) fn connect(server: &TestServer, scope: &str) -> Self {
        let authority = server.running.grpc.clone().unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let sender = runtime.block_on(async {
            let stream = tokio::net::TcpStream::connect(&authority).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let (sender, connection) =
                http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
            tokio::spawn(async {
                if let Err(error) = connection.await {
                    eprintln!("the connection ended: {error:?}");
                }
            });
            sender
        });
        let token = if scope.is_empty() { String::new() } else { server.token(scope) };
        Self { runtime, sender, token, headers: Vec::new(), authority, compressed: 0 }
    }

    /// Calls a method with a message as its bytes.
    pub(crate) fn raw(&mut self, path: &str, message: &[u8]) -> Reply {
        let mut body = vec![self.compressed];
        body.extend_from_slice(&(message.len() as u32).to_be_bytes());
        body.extend_from_slice(message);
        let mut request = Request::builder()
            .method("POST")
            .uri(format!("http://{}{path}", self.authority))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let request = request.body(Whole(Some(body.into()))).unwrap();
        let sender = &mut self.sender;
        self.runtime.block_on(async {
            sender.ready().await.unwrap();
            let response = sender.send_request(request).await.unwrap();
            assert_eq!(response.status(), 200);
            let (parts, body) = response.into_parts();
            read(parts.headers, body).await
        })
    }

    pub(crate) fn call(&mut self, method: &str, message: &impl Message) -> Reply {
        self.raw(&format!("{SERVICE}{method}"), &message.encode_to_vec())
    }

    pub(crate) fn infer(&mut self, request: &InferRequest) -> Reply {
        self.call("ModelInfer", request)
    }
}

async fn read(headers: HeaderMap, mut body: Incoming) -> Reply {
    let (mut bytes, mut trailers) = (Vec::new(), headers);
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let frame = frame.unwrap();
        if frame.is_trailers() {
            trailers = frame.into_trailers().unwrap();
        } else if let Ok(piece) = frame.into_data() {
            bytes.extend_from_slice(&piece);
        }
    }
    let text = |name: &str| trailers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let code = text("grpc-status").expect("a status").parse().unwrap();
    if code == 0 {
        assert_eq!(bytes[0], 0);
        assert_eq!(bytes[1..5], ((bytes.len() - 5) as u32).to_be_bytes());
    }
    let body = Bytes::from(bytes).slice(if code == 0 { 5.. } else { 0.. });
    Reply { code, message: percent_decoded(&text("grpc-message").unwrap_or_default()), body }
}

fn percent_decoded(text: &str) -> String {
    let (mut out, mut bytes) = (Vec::new(), text.bytes());
    while let Some(byte) = bytes.next() {
        let escape = (byte == b'%').then(|| [bytes.next(), bytes.next()].map(Option::unwrap));
        out.push(
            escape.map_or(byte, |hex| u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap()),
        );
    }
    String::from_utf8(out).unwrap()
}
