//! A pull reader of protobuf's wire format, for messages that strangers send: nothing is allocated, so that
//! a small message can't grow in memory. Knows nothing of any message.

use crate::http::reply::Refusal;
use std::ops::Range;

/// A field's value; lengths are checked against the message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    /// Bytes, text, a message or packed numbers, as their place in the whole body.
    Bytes(Range<usize>),
}

/// Reads the fields of one message, which lies in a larger body.
#[derive(Debug)]
pub(crate) struct Wire<'a> {
    body: &'a [u8],
    at: usize,
    end: usize,
}

pub(crate) fn malformed(what: &str) -> Refusal {
    Refusal::bad("protobuf", format!("the message is not valid protobuf: {what}"))
}

impl<'a> Wire<'a> {
    /// Starts at a message in a body.
    pub(crate) fn new(body: &'a [u8], range: Range<usize>) -> Self {
        let end = range.end.min(body.len());
        Self { body, at: range.start.min(end), end }
    }

    /// Returns the next field's number and value.
    pub(crate) fn next(&mut self) -> Result<Option<(u32, Value)>, Refusal> {
        if self.at == self.end {
            return Ok(None);
        }
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).ok().filter(|number| (1..1 << 29).contains(number));
        let number = number.ok_or_else(|| malformed("a field number is out of range"))?;
        let value = match key & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(u64::from_le_bytes(self.fixed()?)),
            5 => Value::Fixed32(u32::from_le_bytes(self.fixed()?)),
            2 => {
                let length = self.varint()?;
                let next = usize::try_from(length).ok().and_then(|length| self.at.checked_add(length));
                let next = next.filter(|next| *next <= self.end);
                let next = next.ok_or_else(|| malformed("a length reaches beyond the message"))?;
                Value::Bytes(std::mem::replace(&mut self.at, next)..next)
            }
            _ => return Err(malformed("an unknown wire type")),
        };
        Ok(Some((number, value)))
    }

    /// Returns whether everything was read.
    pub(crate) fn at_end(&self) -> bool {
        self.at == self.end
    }

    /// Reads a number of variable length.
    pub(crate) fn varint(&mut self) -> Result<u64, Refusal> {
        let mut value = 0_u64;
        for shift in (0..70).step_by(7) {
            let byte = *self.body[..self.end].get(self.at).ok_or_else(|| malformed("it ends too early"))?;
            self.at += 1;
            if shift == 63 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Ok(value);
            }
        }
        Err(malformed("a number is longer than 64 bits"))
    }

    /// Reads a number of fixed length.
    pub(crate) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Refusal> {
        let found = self.body[self.at..self.end].first_chunk::<N>();
        let bytes = *found.ok_or_else(|| malformed("it ends too early"))?;
        self.at += N;
        Ok(bytes)
    }
}

/// Returns the text of a field.
pub(crate) fn text<'a>(body: &'a [u8], value: &Value, name: &str) -> Result<&'a str, Refusal> {
    let Value::Bytes(range) = value else { return Err(malformed(&format!("{name} is not text"))) };
    std::str::from_utf8(body.get(range.clone()).unwrap_or_default())
        .map_err(|_| malformed(&format!("{name} is not UTF-8")))
}

/// Returns the place of a field that is a message or bytes.
pub(crate) fn place(value: Value, name: &str) -> Result<Range<usize>, Refusal> {
    match value {
        Value::Bytes(range) => Ok(range),
        _ => Err(malformed(&format!("{name} has another wire type"))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn fields_of_every_wire_type() {
        let body = [0x08, 0x96, 0x01, 0x12, 0x02, b'h', b'i', 0x1d, 1, 0, 0, 0, 0x21, 2, 0, 0, 0, 0, 0, 0, 0];
        let mut wire = Wire::new(&body, 0..body.len());
        assert_eq!(wire.next().unwrap(), Some((1, Value::Varint(150))));
        assert_eq!(wire.next().unwrap(), Some((2, Value::Bytes(5..7))));
        assert_eq!(wire.next().unwrap(), Some((3, Value::Fixed32(1))));
        assert_eq!(wire.next().unwrap(), Some((4, Value::Fixed64(2))));
        assert_eq!(wire.next().unwrap(), None);
    }

    #[test]
    fn damaged_messages_are_refused() {
        for body in [
            &[0x08][..],
            &[0x08, 0x80],
            &[0x12, 0x05, b'h'],
            &[0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
            &[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02],
            &[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0x1d, 1, 0],
            &[0x21, 1, 0],
            &[0x0b],
            &[0x00, 0x00],
        ] {
            let mut wire = Wire::new(body, 0..body.len());
            let refusal = loop {
                match wire.next() {
                    Ok(Some(_)) => {}
                    Ok(None) => unreachable!("{body:?} was read"),
                    Err(refusal) => break refusal,
                }
            };
            assert!(refusal.message.contains("not valid protobuf"), "{}", refusal.message);
        }
    }
}
