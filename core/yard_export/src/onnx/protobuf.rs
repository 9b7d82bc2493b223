//! The wire format of Protocol Buffers, as far as a writer of ONNX needs it: varints, bytes, messages.
//! Fields are written in the order of the calls and all numbers of a list packed, so that the same graph
//! has the same bytes. Knows nothing of ONNX.
//! Format: Protocol Buffers, "Encoding".

/// A message under construction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message {
    bytes: Vec<u8>,
}

impl Message {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Appends an integer field; negative numbers take ten bytes, as the format says.
    pub(crate) fn int(mut self, field: u32, value: i64) -> Self {
        self.tag(field, 0);
        varint(&mut self.bytes, value as u64);
        self
    }

    pub(crate) fn float(mut self, field: u32, value: f32) -> Self {
        self.tag(field, 5);
        self.bytes.extend(value.to_le_bytes());
        self
    }

    pub(crate) fn bytes(mut self, field: u32, value: &[u8]) -> Self {
        self.tag(field, 2);
        varint(&mut self.bytes, value.len() as u64);
        self.bytes.extend_from_slice(value);
        self
    }

    pub(crate) fn text(self, field: u32, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    pub(crate) fn message(self, field: u32, value: &Self) -> Self {
        self.bytes(field, &value.bytes)
    }

    pub(crate) fn messages(self, field: u32, values: impl IntoIterator<Item = Self>) -> Self {
        values.into_iter().fold(self, |out, value| out.message(field, &value))
    }

    /// Appends a packed list of integers.
    pub(crate) fn ints(self, field: u32, values: &[i64]) -> Self {
        let mut packed = Vec::with_capacity(values.len());
        for value in values {
            varint(&mut packed, *value as u64);
        }
        self.bytes(field, &packed)
    }

    /// Appends a packed list of floats.
    pub(crate) fn floats(self, field: u32, values: &[f32]) -> Self {
        let packed: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.bytes(field, &packed)
    }

    fn tag(&mut self, field: u32, wire: u32) {
        varint(&mut self.bytes, u64::from(field << 3 | wire));
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_of_the_specification() {
        assert_eq!(Message::new().int(1, 150).into_bytes(), [0x08, 0x96, 0x01]);
        assert_eq!(Message::new().text(2, "testing").into_bytes(), b"\x12\x07testing");
        assert_eq!(
            Message::new().message(3, &Message::new().int(1, 150)).into_bytes(),
            [0x1a, 0x03, 0x08, 0x96, 0x01]
        );
        assert_eq!(
            Message::new().ints(6, &[3, 270, 86942]).into_bytes(),
            b"\x32\x06\x03\x8e\x02\x9e\xa7\x05"
        );
        assert_eq!(Message::new().int(1, -1).into_bytes().len(), 11);
        assert_eq!(Message::new().float(2, 1.0).into_bytes(), [0x15, 0, 0, 0x80, 0x3f]);
    }
}
