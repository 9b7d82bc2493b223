//! Taking requests in: the bound on requests in flight, and bodies with limits on bytes, pieces and time.

use crate::{config::Limits, http::reply::Refusal};
use hyper::{
    StatusCode,
    body::{Body as _, Bytes, Incoming},
};
use std::{
    future::poll_fn,
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Bodies up to this size are copied, so that the connection can use its buffer again.
const SMALL: usize = 16 << 10;
/// Largest first allocation for a body, whatever its declared length.
const FIRST: usize = 64 << 10;

/// Bounds how many inference requests are worked on and how many wait.
#[derive(Debug)]
pub(crate) struct Gate {
    slots: Semaphore,
    waiting: AtomicUsize,
    queue: usize,
    wait: Duration,
}

impl Gate {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            slots: Semaphore::new(limits.in_flight),
            waiting: AtomicUsize::new(0),
            queue: limits.queue,
            wait: limits.queue_timeout,
        }
    }

    /// Returns how many requests wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Relaxed)
    }

    /// Takes a slot when one is free.
    pub(crate) fn try_enter(&self) -> Option<SemaphorePermit<'_>> {
        self.slots.try_acquire().ok()
    }

    /// Waits for a slot; refuses when too many wait already or the wait is too long.
    pub(crate) async fn enter(&self) -> Result<SemaphorePermit<'_>, Refusal> {
        if let Ok(permit) = self.slots.try_acquire() {
            return Ok(permit);
        }
        if self.waiting.fetch_add(1, Relaxed) >= self.queue {
            self.waiting.fetch_sub(1, Relaxed);
            return Err(full("too many requests wait already; try again later"));
        }
        let _leave = Leave(&self.waiting);
        match tokio::time::timeout(self.wait, self.slots.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(full("the request waited too long for its turn; try again later")),
        }
    }
}

fn full(message: &str) -> Refusal {
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "queue-full", message).closing()
}

/// Leaves the queue also when the client goes away.
struct Leave<'a>(&'a AtomicUsize);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// Limits of one body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyLimits {
    pub(crate) bytes: u64,
    pub(crate) chunks: usize,
    pub(crate) timeout: Duration,
}

impl BodyLimits {
    pub(crate) fn of(limits: &Limits) -> Self {
        Self { bytes: limits.body_bytes as u64, chunks: limits.body_chunks, timeout: limits.body_timeout }
    }
}

/// Reads a whole body into memory.
pub(crate) async fn read_body(body: Incoming, limits: BodyLimits) -> Result<Bytes, Refusal> {
    let declared = body.size_hint().upper();
    let mut first: Option<Bytes> = None;
    let mut whole: Vec<u8> = Vec::new();
    each_piece(body, limits, |piece| {
        if let Some(before) = first.take() {
            whole.reserve(declared.map_or(before.len() * 2, |bytes| (bytes as usize).min(FIRST)));
            whole.extend_from_slice(&before);
            whole.extend_from_slice(&piece);
        } else if whole.is_empty() {
            first = Some(piece);
        } else {
            whole.extend_from_slice(&piece);
        }
        Ok(())
    })
    .await?;
    Ok(match first {
        Some(piece) if piece.len() <= SMALL => Bytes::copy_from_slice(&piece),
        Some(piece) => piece,
        None => whole.into(),
    })
}

/// Hands each piece of a body on, within the limits.
pub(crate) async fn each_piece(
    mut body: Incoming,
    limits: BodyLimits,
    mut take: impl FnMut(Bytes) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    if body.size_hint().lower() > limits.bytes {
        return Err(too_large(limits.bytes));
    }
    let read = async {
        let (mut bytes, mut pieces) = (0_u64, 0_usize);
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            let frame =
                frame.map_err(|_| Refusal::bad("body", "the body ended before its length").closing())?;
            let Ok(piece) = frame.into_data() else { continue };
            bytes += piece.len() as u64;
            pieces += 1;
            if bytes > limits.bytes {
                return Err(too_large(limits.bytes));
            }
            if pieces > limits.chunks {
                let message =
                    format!("the body came in more than {} pieces; send larger ones", limits.chunks);
                return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "chunks", message).closing());
            }
            take(piece)?;
        }
        Ok(())
    };
    match tokio::time::timeout(limits.timeout, read).await {
        Ok(done) => done,
        Err(_) => Err(Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            "slow-body",
            format!("the body did not arrive within {} s", limits.timeout.as_secs()),
        )
        .closing()),
    }
}

fn too_large(limit: u64) -> Refusal {
    let message = format!("the body is larger than the limit of {limit} bytes; send fewer rows at a time");
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", message).closing()
}
