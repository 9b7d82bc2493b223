//! Unary gRPC calls over one HTTP/2 connection, one at a time.

use crate::{Pace, Plan, tally::Tally};
use anyhow::bail;
use hyper::{
    Request,
    body::{Body, Bytes, Frame, Incoming},
    client::conn::http2::{self, SendRequest},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::{
    convert::Infallible,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::net::TcpStream;

/// A body in one piece.
struct Whole(Option<Bytes>);

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

/// Calls until the pace ends. The gRPC status stands in the place of the HTTP status: 200 for OK.
pub(crate) async fn run(plan: &Plan, mut pace: Pace, tally: &mut Tally) -> anyhow::Result<()> {
    let stream = TcpStream::connect(&plan.arguments.addr).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    // Its end shows at the next call.
    tokio::spawn(connection);
    let messages: Vec<Bytes> = plan.bodies.iter().map(|body| frame(body)).collect();
    while let Some(due) = pace.next().await {
        let (status, answer) = ask(plan, &mut sender, messages[due.body].clone()).await?;
        let digest = plan.arguments.digests.then_some((due.body, answer.as_slice()));
        tally.count(if status == 0 { 200 } else { status }, due.at.elapsed(), digest);
    }
    Ok(())
}

/// Puts a message behind its flag and length.
fn frame(body: &[u8]) -> Bytes {
    let mut framed = vec![0];
    framed.extend_from_slice(&(body.len() as u32).to_be_bytes());
    framed.extend_from_slice(body);
    framed.into()
}

async fn ask(plan: &Plan, sender: &mut SendRequest<Whole>, message: Bytes) -> anyhow::Result<(u16, Vec<u8>)> {
    sender.ready().await?;
    let arguments = &plan.arguments;
    let mut request = Request::post(format!("http://{}{}", arguments.addr, arguments.path))
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    if !arguments.token.is_empty() {
        request = request.header("authorization", format!("Bearer {}", arguments.token));
    }
    let response = sender.send_request(request.body(Whole(Some(message)))?).await?;
    let mut status = code(response.headers());
    let mut body: Incoming = response.into_body();
    let mut answer = Vec::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        match frame?.into_data() {
            Ok(piece) => answer.extend_from_slice(&piece),
            Err(frame) => {
                if let Ok(trailers) = frame.into_trailers() {
                    status = status.or(code(&trailers));
                }
            }
        }
    }
    match status {
        Some(status) => Ok((status, answer)),
        None => bail!("an answer without status"),
    }
}

fn code(headers: &hyper::HeaderMap) -> Option<u16> {
    headers.get("grpc-status")?.to_str().ok()?.parse().ok()
}
