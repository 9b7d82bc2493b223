//! Refusals as gRPC statuses.

use crate::http::reply::Refusal;
use tonic::{
    Code, Status,
    metadata::{MetadataMap, MetadataValue},
};

/// Key of the machine-readable code in an answer's metadata, as the HTTP header.
const ERROR_KEY: &str = "modelyard-error";

/// Returns the status code of a refusal.
fn code_of(refusal: &Refusal) -> Code {
    match (refusal.status.as_u16(), refusal.code) {
        (503, "queue-full") | (413 | 429, _) => Code::ResourceExhausted,
        (400, _) => Code::InvalidArgument,
        (401, _) => Code::Unauthenticated,
        (403, _) => Code::PermissionDenied,
        (404, _) => Code::NotFound,
        (405 | 415 | 501, _) => Code::Unimplemented,
        (408 | 504, _) => Code::DeadlineExceeded,
        (409, _) => Code::FailedPrecondition,
        (503, _) => Code::Unavailable,
        _ => Code::Internal,
    }
}

/// Turns a refusal into a status with its message and its code for programs.
pub(super) fn status_of(refusal: Refusal) -> Status {
    let mut metadata = MetadataMap::new();
    metadata.insert(ERROR_KEY, MetadataValue::from_static(refusal.code));
    Status::with_metadata(code_of(&refusal), refusal.message, metadata)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::StatusCode;

    #[test]
    fn every_status_has_its_code() {
        for (status, code, expected) in [
            (400, "tensor", Code::InvalidArgument),
            (401, "token", Code::Unauthenticated),
            (403, "scope", Code::PermissionDenied),
            (404, "not-found", Code::NotFound),
            (408, "slow-body", Code::DeadlineExceeded),
            (413, "too-large", Code::ResourceExhausted),
            (501, "unsupported", Code::Unimplemented),
            (503, "unavailable", Code::Unavailable),
            (503, "queue-full", Code::ResourceExhausted),
            (500, "internal", Code::Internal),
            (504, "deadline", Code::DeadlineExceeded),
        ] {
            let status = StatusCode::from_u16(status).unwrap_or_default();
            assert_eq!(status_of(Refusal::new(status, code, "m")).code(), expected, "{status} {code}");
        }
    }
}
