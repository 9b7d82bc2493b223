//! One connection until its end: gRPC over HTTP/2, or HTTP/1.1, whose plainest requests take a short way
//! (`http::fast`) and all others hyper's. When the server ends, requests in flight are answered first.

use crate::{
    http::fast::{self, Left},
    server::{Server, handle},
    workers::Setting,
};
use hyper::{
    body::{Bytes, Incoming},
    rt::{Read, ReadBufCursor, Write},
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::{
    convert::Infallible,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};

/// Calls at a time on one gRPC connection.
const MAX_STREAMS: u32 = 128;
/// Streams that a client may reset before its connection ends.
const MAX_RESETS: usize = 64;

/// Serves one gRPC connection.
pub(crate) async fn grpc<S: AsyncRead + AsyncWrite + Unpin + 'static>(stream: S, setting: Setting) {
    let Setting { server, limits, mut ended, .. } = setting;
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let server = server.clone();
        async move { Ok::<_, Infallible>(crate::grpc::handle(server, request).await) }
    });
    let served = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_header_list_size(limits.header_bytes as u32)
        .max_concurrent_streams(MAX_STREAMS)
        .max_pending_accept_reset_streams(MAX_RESETS)
        .max_local_error_reset_streams(MAX_RESETS)
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(1 << 20)
        .keep_alive_interval(limits.header_timeout)
        .keep_alive_timeout(limits.header_timeout)
        .serve_connection(TokioIo::new(stream), service);
    let mut served = std::pin::pin!(served);
    tokio::select! {
        // A broken connection is the client's affair.
        _ = served.as_mut() => return,
        _ = ended.wait_for(|ended| *ended) => {}
    }
    served.as_mut().graceful_shutdown();
    let _ = served.await;
}

/// Serves one HTTP connection.
pub(crate) async fn http<S: AsyncRead + AsyncWrite + Unpin + 'static>(mut stream: S, setting: Setting) {
    match fast::serve(&mut stream, &setting).await {
        // The client may be gone already.
        Left::Ended => drop(stream.shutdown().await),
        // In a box, so that the many connections that stay on the short way are small.
        Left::Bytes(read) => {
            Box::pin(http_by_hyper(Rewound { read, io: TokioIo::new(stream) }, setting)).await;
        }
    }
}

/// Serves a connection, or what is left of it.
async fn http_by_hyper<I: Read + Write + Unpin>(io: I, setting: Setting) {
    let Setting { server, limits, mut ended, .. } = setting;
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let server: Arc<Server> = server.clone();
        async move { Ok::<_, Infallible>(handle(server, request).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_header_size(limits.header_bytes)
        .max_buf_size((limits.header_bytes * 2).max(64 << 10))
        .serve_connection(io, service);
    let mut served = std::pin::pin!(served);
    tokio::select! {
        // A broken connection is the client's affair.
        _ = served.as_mut() => return,
        _ = ended.wait_for(|ended| *ended) => {}
    }
    served.as_mut().graceful_shutdown();
    let _ = served.await;
}

/// A connection whose first bytes were read already.
struct Rewound<I> {
    read: Bytes,
    io: I,
}

impl<I: Read + Unpin> Read for Rewound<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut out: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read.is_empty() {
            return Pin::new(&mut self.io).poll_read(cx, out);
        }
        let most = self.read.len().min(out.remaining());
        out.put_slice(&self.read.split_to(most));
        Poll::Ready(Ok(()))
    }
}

impl<I: Write + Unpin> Write for Rewound<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }
}
