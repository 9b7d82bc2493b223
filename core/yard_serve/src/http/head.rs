//! Reads the heads of the plainest inference requests: one exact form, a short list of headers. Whatever
//! differs in anything is not read here but by hyper, so that there is one reading of odd requests (RFC 9112).

/// Largest body that is read here.
pub(crate) const MAX_BODY: usize = 16 << 10;
/// Largest head that is read here.
pub(crate) const MAX_HEAD: usize = 4 << 10;

/// The head of a plain request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head<'a> {
    pub(crate) path: &'a str,
    pub(crate) host: &'a str,
    pub(crate) token: &'a str,
    /// Bytes of the head, with the empty line.
    pub(crate) bytes: usize,
    /// Bytes of the body.
    pub(crate) body: usize,
}

/// What the first bytes of a request are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read<'a> {
    Plain(Head<'a>),
    /// The head is not whole yet.
    More,
    /// Not for here.
    Other,
}

/// Reads a head.
pub(crate) fn read(bytes: &[u8]) -> Read<'_> {
    let start = &bytes[..bytes.len().min(5)];
    if *start != b"POST "[..start.len()] {
        return Read::Other;
    }
    let window = &bytes[..bytes.len().min(MAX_HEAD)];
    let Some(end) = window.windows(4).position(|four| four == b"\r\n\r\n") else {
        return if bytes.len() < MAX_HEAD { Read::More } else { Read::Other };
    };
    parse(&bytes[..end + 4]).map_or(Read::Other, Read::Plain)
}

fn parse(head: &[u8]) -> Option<Head<'_>> {
    // Printable ASCII and CR LF alone; a CR or LF apart is found when lines are taken.
    if !head.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\r' | b'\n')) {
        return None;
    }
    let text = std::str::from_utf8(head).ok()?;
    let mut lines = text.strip_suffix("\r\n\r\n")?.split("\r\n");
    let path = lines.next()?.strip_prefix("POST ")?.strip_suffix(" HTTP/1.1")?;
    if !path.starts_with('/') || path.contains([' ', '\r', '\n']) {
        return None;
    }
    let (mut host, mut token, mut length, mut json) = (None, None, None, false);
    for line in lines {
        let (name, value) = line.split_once(": ")?;
        if value.contains(['\r', '\n']) || value.starts_with(' ') || value.ends_with(' ') {
            return None;
        }
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted);
        if is("host") {
            once(&mut host, value)?;
        } else if is("authorization") {
            once(&mut token, value.strip_prefix("Bearer ")?)?;
        } else if is("content-length") {
            once(&mut length, value)?;
        } else if is("content-type") && value == "application/json" && !json {
            json = true;
        } else if is("connection") {
            value.eq_ignore_ascii_case("keep-alive").then_some(())?;
        } else if !(is("accept") || is("accept-encoding") || is("user-agent")) {
            return None;
        }
    }
    Some(Head { path, host: host?, token: token?, bytes: head.len(), body: body_length(length?)? })
}

fn once<'a>(slot: &mut Option<&'a str>, value: &'a str) -> Option<()> {
    slot.replace(value).is_none().then_some(())
}

fn body_length(text: &str) -> Option<usize> {
    let plain = (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let length: usize = if plain { text.parse().ok()? } else { return None };
    (1..=MAX_BODY).contains(&length).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "POST /v1/models/m:predict HTTP/1.1\r\nHost: localhost:8000\r\n\
        Authorization: Bearer abc\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n";

    #[test]
    fn a_plain_head_is_read() {
        let head = Head {
            path: "/v1/models/m:predict",
            host: "localhost:8000",
            token: "abc",
            bytes: GOOD.len(),
            body: 12,
        };
        assert_eq!(read((GOOD.to_owned() + "{\"more\": 1}").as_bytes()), Read::Plain(head));
        for cut in 0..GOOD.len() {
            assert_eq!(read(&GOOD.as_bytes()[..cut]), Read::More, "cut at {cut}");
        }
    }

    #[test]
    fn whatever_differs_is_left_to_others() {
        for (from, to) in [
            ("POST", "PUT"),
            ("HTTP/1.1", "HTTP/1.0"),
            (" HTTP/1.1", "  HTTP/1.1"),
            ("Content-Length: 12", "Content-Length: +12"),
            ("Content-Length: 12", "Content-Length: 99999"),
            ("Content-Length: 12", "Content-Length: 12\r\nContent-Length: 12"),
            ("Content-Length: 12", "Transfer-Encoding: chunked"),
            ("Content-Length: 12", "Content-Length: 12\r\nTransfer-Encoding: chunked"),
            ("Content-Length: 12", "Content-Length : 12"),
            ("Content-Length: 12", "Content-Length:\u{b}12"),
            ("application/json\r\n", "application/json\n"),
            ("Host: localhost:8000", "Host: localhost\r\nHost: evil"),
            ("Host: localhost:8000\r\n", ""),
            ("Host: localhost:8000", " folded: x\r\nHost: localhost"),
            ("Bearer abc", "Basic abc"),
            ("application/json", "text/plain"),
            ("Content-Type", "Origin: http://evil\r\nContent-Type"),
            ("Content-Type", "Expect: 100-continue\r\nContent-Type"),
            ("Content-Type", "Connection: close\r\nContent-Type"),
            ("Content-Type", "Modelyard-Key: k\r\nContent-Type"),
            ("Content-Type", "Content-Encoding: gzip\r\nContent-Type"),
            ("Bearer abc", "Bearer a\u{0}c"),
            ("Bearer abc", "Bearer a\rc"),
        ] {
            let odd = GOOD.replacen(from, to, 1);
            assert_ne!(odd, GOOD);
            assert_eq!(read(odd.as_bytes()), Read::Other, "{odd:?}");
        }
        let long =
            GOOD.replacen("Content-Type", &format!("User-Agent: {}\r\nContent-Type", "x".repeat(5_000)), 1);
        assert_eq!(read(long.as_bytes()), Read::Other);
    }
}
