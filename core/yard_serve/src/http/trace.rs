//! W3C Trace Context (2021): a client's `traceparent` comes back with a span of the server's own, so that client
//! and server are one trace. One that can't be read begins a new trace and is never an error.

use crate::ids::Ids;
use hyper::{HeaderMap, header::HeaderValue};

/// Header of the trace.
const TRACEPARENT: &str = "traceparent";

/// A trace as its client wrote it.
struct Trace<'a> {
    id: &'a str,
    flags: &'a str,
}

/// Returns the header of the answer; `None` when the client sent none.
pub(crate) fn answer(headers: &HeaderMap<HeaderValue>, ids: &Ids, now_us: i64) -> Option<HeaderValue> {
    let sent = headers.get(TRACEPARENT)?;
    let own = ids.next(now_us);
    // The counter and the random part of an id: 16 digits, never all zero but once in 2^64.
    let span = own.get(12..28).unwrap_or("0000000000000001");
    let text = match sent.to_str().ok().and_then(read) {
        Some(trace) => format!("00-{}-{span}-{}", trace.id, trace.flags),
        None => format!("00-{own}-{span}-00"),
    };
    HeaderValue::from_str(&text).ok()
}

/// Adds the header to an answer.
pub(crate) fn add(headers: &mut HeaderMap<HeaderValue>, trace: Option<HeaderValue>) {
    if let Some(trace) = trace {
        headers.insert(TRACEPARENT, trace);
    }
}

/// Reads `00-<32 hex>-<16 hex>-<2 hex>`; a later version may have more behind it.
fn read(text: &str) -> Option<Trace<'_>> {
    let hex = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let zero = |part: &str| part.bytes().all(|byte| byte == b'0');
    let mut parts = text.splitn(5, '-');
    let (version, id, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let lengths = (version.len(), id.len(), parent.len(), flags.len()) == (2, 32, 16, 2);
    let known = version != "ff" && (version != "00" || parts.next().is_none());
    let digits = hex(version) && hex(id) && hex(parent) && hex(flags);
    (lengths && known && digits && !zero(id) && !zero(parent)).then_some(Trace { id, flags })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn ask(sent: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(TRACEPARENT, HeaderValue::from_str(sent).unwrap());
        let made = answer(&headers, &Ids::new().unwrap(), 1_700_000_000_000_000).unwrap();
        made.to_str().unwrap().to_owned()
    }

    #[test]
    fn a_trace_goes_on_and_a_wrong_one_begins_anew() {
        let sent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let got = ask(sent);
        assert!(got.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && got.ends_with("-01"), "{got}");
        assert_ne!(got, sent, "the span is the server's own");
        assert!(read(&got).is_some());
        assert!(ask("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more").contains("0af76519"));
        for wrong in [
            "",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        ] {
            let got = ask(wrong);
            assert!(read(&got).is_some() && !got.contains("0af76519"), "{wrong}: {got}");
        }
        assert!(answer(&HeaderMap::new(), &Ids::new().unwrap(), 0).is_none());
    }
}
