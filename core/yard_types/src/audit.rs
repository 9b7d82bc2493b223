//! What is said about the request log as evidence: whether its chain holds, and what was erased. Knows nothing
//! of how the log is stored.

use serde::{Deserialize, Serialize};

/// Reply of `GET /manage/log/verify`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainReply {
    /// Whether every record is as it was written, and the last one is there.
    pub ok: bool,
    /// Records looked at.
    pub records: u64,
    /// Position of the first record that was edited, put in or moved, or before which one is missing.
    pub first_bad: Option<u64>,
    /// Whether records are missing at the end.
    pub cut_off: bool,
    /// Hash of the last record, hexadecimal.
    pub head: String,
}

/// Body of `POST /manage/models/{m}/erase`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EraseRequest {
    /// Requests whose field values are to be erased.
    pub request_ids: Vec<String>,
}

/// A record whose field values are gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// Request.
    pub request_id: String,
    /// Position in the log.
    pub seq: u64,
    /// SHA-256 of the values that were there, as the chain covers them.
    pub fields_sha256: String,
}

/// Reply of an erasure, on disk when it is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EraseReply {
    /// Records, those erased before among them.
    pub erased: Vec<Erased>,
    /// Requests that the log does not hold.
    pub unknown: Vec<String>,
}
