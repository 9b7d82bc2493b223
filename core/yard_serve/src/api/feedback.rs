//! `POST /v1/models/{m}:feedback`: labels of past predictions, joined with the log by request id.

use crate::{
    http::reply::Refusal,
    json,
    log::{note::Note, writer::Log},
};
use serde_json::Value;
use tokio::sync::oneshot;
use yard_types::serving::{FeedbackItem, FeedbackReply};

/// Reads the labels of a request.
pub(crate) fn read_labels(body: &[u8], limit: usize) -> Result<Vec<FeedbackItem>, Refusal> {
    json::check(body)?;
    let items: Vec<FeedbackItem> = serde_json::from_slice(body).map_err(|error| {
        let expected = "expected a list of {\"request_id\", \"index\"?, \"label\"}";
        Refusal::bad("labels", format!("labels: {error}; {expected}"))
    })?;
    if items.len() > limit {
        return Err(Refusal::bad(
            "too-many-labels",
            format!("more than {limit} labels; send fewer at a time"),
        ));
    }
    for (index, item) in items.iter().enumerate() {
        crate::rows::request_id_of(&item.request_id)?;
        if !matches!(item.label, Value::String(_) | Value::Number(_) | Value::Bool(_)) {
            let message = format!("label {index}: expected a class, a number or a boolean");
            return Err(Refusal::bad("labels", message));
        }
    }
    Ok(items)
}

/// Stores labels; returns when they are on disk.
pub(crate) async fn store(
    log: &Log,
    model: &str,
    items: Vec<FeedbackItem>,
    at_us: i64,
) -> Result<FeedbackReply, Refusal> {
    let (done, stored) = oneshot::channel();
    log.inbox.push(Note::Labels { model: model.to_owned(), items, at_us, done });
    match stored.await {
        Ok(Some(reply)) => Ok(reply),
        _ => Err(Refusal::unavailable("the labels could not be stored; send them again later")),
    }
}
