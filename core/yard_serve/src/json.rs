//! A pull reader of JSON for request bodies: linear in the input, no allocation for plain strings, and
//! with the limits of a server that reads what strangers send.
//!
//! RFC 8259 exactly: no comments, no trailing commas, no `NaN` or `Infinity`; on top of it duplicate keys,
//! lone surrogates, NUL in strings, numbers beyond f64 and nesting over the limit are refused. Knows
//! nothing about requests and models.

mod write;

use std::collections::BTreeSet;

pub(crate) use write::{write_display, write_number, write_real, write_string};

/// Deepest nesting.
pub(crate) const MAX_DEPTH: u32 = 64;
/// Longest string, bytes after unescaping.
pub(crate) const MAX_STRING: usize = 1 << 20;

/// Where and why a body is not the JSON that was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JsonError {
    /// Byte offset in the body.
    pub(crate) at: usize,
    /// What is wrong, with what was expected.
    pub(crate) problem: String,
}

impl std::fmt::Display for JsonError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "body, byte {}: {}", self.at, self.problem)
    }
}

/// A string in the body, or in the scratch text when it had escapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    len: u32,
    scratch: bool,
}

impl Span {
    /// Returns the span of bytes of the body, which must be UTF-8; `None` beyond 4 GiB.
    pub(crate) fn of_body(range: std::ops::Range<usize>) -> Option<Self> {
        let len = u32::try_from(range.len()).ok()?;
        Some(Self { start: u32::try_from(range.start).ok()?, len, scratch: false })
    }

    /// Returns the text, given the body and the scratch text that it was read from.
    pub(crate) fn text<'a>(&self, body: &'a [u8], scratch: &'a str) -> &'a str {
        let range = self.start as usize..self.start as usize + self.len as usize;
        if self.scratch {
            return scratch.get(range).unwrap_or_default();
        }
        body.get(range).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

/// A number: its text is kept so that integers beyond 2^53 can be told from their neighbours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number<'a> {
    /// Nearest f64.
    pub(crate) value: f64,
    /// As written.
    pub(crate) text: &'a str,
}

/// The kind of the next value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    True,
    False,
    Number,
    String,
    Array,
    Object,
}

impl Kind {
    /// Returns the word for messages.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::True => "true",
            Self::False => "false",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "a list",
            Self::Object => "an object",
        }
    }
}

type Result<T> = std::result::Result<T, JsonError>;

/// The reader.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth: u32,
    scratch: String,
}

impl<'a> Reader<'a> {
    /// Checks that the body is UTF-8 without a byte order mark and stands before the first value.
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self> {
        let text = std::str::from_utf8(bytes).map_err(|error| JsonError {
            at: error.valid_up_to(),
            problem: "not UTF-8; expected JSON in UTF-8".to_owned(),
        })?;
        Ok(Self { text, bytes, at: 0, depth: 0, scratch: String::new() })
    }

    /// Returns the text that spans with escapes refer to, and leaves the reader without it.
    pub(crate) fn take_scratch(&mut self) -> String {
        std::mem::take(&mut self.scratch)
    }

    /// Returns the text of a span.
    pub(crate) fn get(&self, span: Span) -> &str {
        span.text(self.bytes, &self.scratch)
    }

    /// Returns the byte offset.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Goes to a byte offset at the same depth and returns the offset left.
    pub(crate) fn jump(&mut self, at: usize) -> usize {
        std::mem::replace(&mut self.at, at)
    }

    /// Builds an error at the present place.
    pub(crate) fn error<T>(&self, problem: impl Into<String>) -> Result<T> {
        Err(JsonError { at: self.at, problem: problem.into() })
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    fn next_byte(&mut self) -> Option<u8> {
        self.skip_space();
        self.bytes.get(self.at).copied()
    }

    fn found(&mut self) -> String {
        match self.next_byte() {
            None => "the end".to_owned(),
            Some(_) => match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
                Some(c) if !c.is_control() => format!("'{c}'"),
                Some(c) => format!("character {:#06x}", c as u32),
                None => "part of a character".to_owned(),
            },
        }
    }

    fn expected<T>(&mut self, what: &str) -> Result<T> {
        let found = self.found();
        self.error(format!("expected {what}, got {found}"))
    }

    /// Returns the kind of the next value without reading it.
    pub(crate) fn kind(&mut self) -> Result<Kind> {
        Ok(match self.next_byte() {
            Some(b'n') => Kind::Null,
            Some(b't') => Kind::True,
            Some(b'f') => Kind::False,
            Some(b'"') => Kind::String,
            Some(b'[') => Kind::Array,
            Some(b'{') => Kind::Object,
            Some(b'-' | b'0'..=b'9') => Kind::Number,
            _ => return self.expected("a value"),
        })
    }

    fn open(&mut self, byte: u8, what: &str) -> Result<()> {
        if self.next_byte() != Some(byte) {
            return self.expected(what);
        }
        self.at += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.error(format!("nested deeper than {MAX_DEPTH}; flatten the value"));
        }
        Ok(())
    }

    /// Steps to the next element after an opening bracket or an element; `false` at the end.
    fn more(&mut self, close: u8, first: bool) -> Result<bool> {
        match self.next_byte() {
            Some(byte) if byte == close => {
                self.at += 1;
                self.depth -= 1;
                Ok(false)
            }
            Some(b',') if !first => {
                self.at += 1;
                Ok(true)
            }
            Some(_) if first => Ok(true),
            _ if close == b']' => self.expected("',' or ']'"),
            _ => self.expected("',' or '}'"),
        }
    }

    /// Enters a list.
    pub(crate) fn open_list(&mut self) -> Result<()> {
        self.open(b'[', "a list")
    }

    /// Returns whether another element follows; leaves the list when not.
    pub(crate) fn next_item(&mut self, first: &mut bool) -> Result<bool> {
        self.more(b']', std::mem::replace(first, false))
    }

    /// Enters an object.
    pub(crate) fn open_object(&mut self) -> Result<()> {
        self.open(b'{', "an object")
    }

    /// Returns the next key and stands before its value; `None` at the end of the object. The caller
    /// checks for duplicates.
    pub(crate) fn next_key(&mut self, first: &mut bool) -> Result<Option<Span>> {
        if !self.more(b'}', std::mem::replace(first, false))? {
            return Ok(None);
        }
        if self.next_byte() != Some(b'"') {
            return self.expected("a key in quotes");
        }
        let key = self.string()?;
        if self.next_byte() != Some(b':') {
            return self.expected("':'");
        }
        self.at += 1;
        Ok(Some(key))
    }

    /// Reads `null`, `true` or `false`, as [`Self::kind`] said.
    pub(crate) fn word(&mut self, kind: Kind) -> Result<()> {
        let word = kind.word();
        if !self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            return self.expected("a value");
        }
        self.at += word.len();
        Ok(())
    }

    /// Reads a string.
    pub(crate) fn string(&mut self) -> Result<Span> {
        if self.next_byte() != Some(b'"') {
            return self.expected("a string");
        }
        self.at += 1;
        let start = self.at;
        let stop = self
            .bytes
            .get(start..)
            .and_then(|rest| rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)));
        let Some(len) = stop else {
            self.at = self.bytes.len();
            return self.expected("'\"'");
        };
        self.at = start + len;
        match self.bytes.get(self.at) {
            Some(b'"') if len <= MAX_STRING => {
                self.at += 1;
                Ok(Span { start: start as u32, len: len as u32, scratch: false })
            }
            _ => self.string_with_escapes(start),
        }
    }

    fn string_with_escapes(&mut self, start: usize) -> Result<Span> {
        let from = self.scratch.len();
        self.scratch.push_str(self.text.get(start..self.at).unwrap_or_default());
        loop {
            if self.scratch.len() - from > MAX_STRING {
                return self.error(format!("a string longer than {MAX_STRING} bytes; shorten it"));
            }
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    let len = self.scratch.len() - from;
                    return Ok(Span { start: from as u32, len: len as u32, scratch: true });
                }
                Some(b'\\') => self.escape()?,
                Some(0..=0x1f) => return self.error("a control character in a string; escape it"),
                Some(_) => self.plain_run(),
                None => return self.expected("'\"'"),
            }
        }
    }

    fn plain_run(&mut self) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let len = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)).unwrap_or(rest.len());
        self.scratch.push_str(self.text.get(self.at..self.at + len).unwrap_or_default());
        self.at += len;
    }

    fn escape(&mut self) -> Result<()> {
        let plain = match self.bytes.get(self.at + 1) {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(*byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return self.error("an unknown escape in a string"),
        };
        self.scratch.push(plain);
        self.at += 2;
        Ok(())
    }

    fn unicode_escape(&mut self) -> Result<()> {
        let high = self.hex(self.at + 2)?;
        let (code, len) = if (0xd800..0xdc00).contains(&high) {
            if self.bytes.get(self.at + 6..self.at + 8) != Some(b"\\u") {
                return self.error("half of a surrogate pair in a string");
            }
            let low = self.hex(self.at + 8)?;
            if !(0xdc00..0xe000).contains(&low) {
                return self.error("half of a surrogate pair in a string");
            }
            (0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00), 12)
        } else {
            (high, 6)
        };
        match char::from_u32(code) {
            None => self.error("half of a surrogate pair in a string"),
            Some('\0') => self.error("a NUL character in a string; remove it"),
            Some(c) => {
                self.scratch.push(c);
                self.at += len;
                Ok(())
            }
        }
    }

    fn hex(&self, at: usize) -> Result<u32> {
        let digits = self.text.get(at..at + 4).filter(|four| four.bytes().all(|b| b.is_ascii_hexdigit()));
        match digits.and_then(|four| u32::from_str_radix(four, 16).ok()) {
            Some(code) => Ok(code),
            None => self.error("expected four hexadecimal digits after \\u"),
        }
    }

    /// Reads a number.
    pub(crate) fn number(&mut self) -> Result<Number<'a>> {
        self.skip_space();
        let start = self.at;
        if self.bytes.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        let whole = self.digits();
        if whole == 0 || (whole > 1 && self.bytes.get(self.at - whole) == Some(&b'0')) {
            self.at = start;
            return self.expected("a number without leading zeros");
        }
        let mut integral = true;
        if self.bytes.get(self.at) == Some(&b'.') {
            integral = false;
            self.at += 1;
            if self.digits() == 0 {
                return self.expected("a digit");
            }
        }
        if let Some(b'e' | b'E') = self.bytes.get(self.at) {
            integral = false;
            self.at += 1;
            if let Some(b'+' | b'-') = self.bytes.get(self.at) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return self.expected("a digit");
            }
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        let value = match (integral && text.len() <= 15, text.as_bytes()) {
            (true, [b'-', digits @ ..]) => -small_integer(digits),
            (true, digits) => small_integer(digits),
            _ => text.parse().unwrap_or(f64::INFINITY),
        };
        if !value.is_finite() {
            self.at = start;
            return self.error(format!("number {} is beyond the range of f64", shortened(text)));
        }
        Ok(Number { value, text })
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.bytes.get(self.at) {
            self.at += 1;
        }
        self.at - start
    }

    /// Reads a value of any kind and forgets it; duplicate keys in it are refused too.
    pub(crate) fn skip_value(&mut self) -> Result<()> {
        match self.kind()? {
            kind @ (Kind::Null | Kind::True | Kind::False) => self.word(kind),
            Kind::Number => self.number().map(|_| ()),
            Kind::String => self.string().map(|_| ()),
            Kind::Array => {
                self.open_list()?;
                let mut first = true;
                while self.next_item(&mut first)? {
                    self.skip_value()?;
                }
                Ok(())
            }
            Kind::Object => {
                self.open_object()?;
                let (mut first, mut seen) = (true, BTreeSet::new());
                while let Some(key) = self.next_key(&mut first)? {
                    let key = self.get(key).to_owned();
                    if seen.contains(&key) {
                        return self.duplicate(&key);
                    }
                    seen.insert(key);
                    self.skip_value()?;
                }
                Ok(())
            }
        }
    }

    /// Builds the error for a key that appears twice.
    pub(crate) fn duplicate<T>(&self, key: &str) -> Result<T> {
        self.error(format!("key \"{}\" appears twice in one object", shortened(key)))
    }

    /// Checks that nothing but space follows.
    pub(crate) fn end(&mut self) -> Result<()> {
        match self.next_byte() {
            None => Ok(()),
            Some(_) => self.expected("the end of the body"),
        }
    }
}

fn small_integer(digits: &[u8]) -> f64 {
    digits.iter().fold(0_u64, |sum, digit| sum * 10 + u64::from(digit - b'0')) as f64
}

/// Shortens a text of the client for a message.
pub(crate) fn shortened(text: &str) -> String {
    if text.chars().count() <= 40 {
        return text.to_owned();
    }
    text.chars().take(40).chain(['…']).collect()
}

/// Checks a whole body by the rules of this module, for routes that then read it with serde.
pub(crate) fn check(body: &[u8]) -> Result<()> {
    let mut reader = Reader::new(body)?;
    reader.skip_value()?;
    reader.end()
}

#[cfg(test)]
mod tests;
