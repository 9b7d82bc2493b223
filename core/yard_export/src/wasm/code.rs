//! A WebAssembly module byte by byte: one function without arguments, one memory with its data. Knows nothing of models.
//! Format: W3C, "WebAssembly Core Specification" 1.0, chapter 5.

/// Types of locals.
pub(super) const I32: u8 = 0x7f;
pub(super) const F32: u8 = 0x7d;
pub(super) const F64: u8 = 0x7c;

const PAGE: usize = 65_536;

/// Instructions under construction.
#[derive(Clone, Debug, Default)]
pub(super) struct Code(Vec<u8>);

impl Code {
    /// Adds instructions without immediates.
    pub(super) fn ops(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(super) fn i32(&mut self, value: i32) -> &mut Self {
        self.0.push(0x41);
        signed(&mut self.0, value);
        self
    }

    pub(super) fn f32(&mut self, value: f32) -> &mut Self {
        self.0.push(0x43);
        self.0.extend(value.to_le_bytes());
        self
    }

    pub(super) fn f64(&mut self, value: f64) -> &mut Self {
        self.0.push(0x44);
        self.0.extend(value.to_le_bytes());
        self
    }

    pub(super) fn get(&mut self, local: u8) -> &mut Self {
        self.ops(&[0x20, local])
    }

    pub(super) fn set(&mut self, local: u8) -> &mut Self {
        self.ops(&[0x21, local])
    }

    pub(super) fn tee(&mut self, local: u8) -> &mut Self {
        self.ops(&[0x22, local])
    }

    /// Loads or stores four aligned bytes at the address on the stack plus `at`.
    pub(super) fn memory(&mut self, op: u8, at: usize) -> &mut Self {
        self.0.extend([op, 2]);
        unsigned(&mut self.0, at as u64);
        self
    }

    /// Pushes element `local` of an array of four-byte elements.
    pub(super) fn element(&mut self, op: u8, (array, local): (usize, u8)) -> &mut Self {
        self.get(local).i32(2).ops(&[op::SHL]).memory(op, array)
    }

    /// Jumps out of the n-th block around, if the stack says so.
    pub(super) fn jump_if(&mut self, depth: u8) -> &mut Self {
        self.ops(&[0x0d, depth])
    }

    /// Adds one to a local and goes back to the loop around while it is below `end`.
    pub(super) fn next_below(&mut self, local: u8, end: usize) -> &mut Self {
        self.get(local).i32(1).ops(&[op::ADD]).tee(local).i32(end as i32).ops(&[op::LT_U]).jump_if(0)
    }
}

/// Instructions by name.
pub(super) mod op {
    pub(crate) const BLOCK: u8 = 0x02;
    pub(crate) const LOOP: u8 = 0x03;
    pub(crate) const IF: u8 = 0x04;
    pub(crate) const ELSE: u8 = 0x05;
    pub(crate) const END: u8 = 0x0b;
    pub(crate) const BR: u8 = 0x0c;
    pub(crate) const SELECT: u8 = 0x1b;
    pub(crate) const VOID: u8 = 0x40;
    pub(crate) const I32_LOAD: u8 = 0x28;
    pub(crate) const F32_LOAD: u8 = 0x2a;
    pub(crate) const F32_STORE: u8 = 0x38;
    pub(crate) const LT_S: u8 = 0x48;
    pub(crate) const LT_U: u8 = 0x49;
    pub(crate) const F32_NE: u8 = 0x5c;
    pub(crate) const F32_LT: u8 = 0x5d;
    pub(crate) const F32_LE: u8 = 0x5f;
    pub(crate) const F32_GE: u8 = 0x60;
    pub(crate) const ADD: u8 = 0x6a;
    pub(crate) const SUB: u8 = 0x6b;
    pub(crate) const AND: u8 = 0x71;
    pub(crate) const OR: u8 = 0x72;
    pub(crate) const SHL: u8 = 0x74;
    pub(crate) const SHR_U: u8 = 0x76;
    pub(crate) const F32_ADD: u8 = 0x92;
    pub(crate) const F64_ADD: u8 = 0xa0;
    pub(crate) const F64_MUL: u8 = 0xa2;
    pub(crate) const F64_MIN: u8 = 0xa4;
    pub(crate) const F64_MAX: u8 = 0xa5;
    pub(crate) const TRUNC_F32_U: u8 = 0xa9;
    pub(crate) const DEMOTE: u8 = 0xb6;
    pub(crate) const PROMOTE: u8 = 0xbb;
}

/// Writes a module that exports the function as `score` and its memory as `memory`.
pub(super) fn module(locals: &[u8], code: Code, (start, data): (usize, &[u8])) -> Vec<u8> {
    let mut out = b"\0asm\x01\0\0\0".to_vec();
    section(&mut out, 1, &[1, 0x60, 0, 0]);
    section(&mut out, 3, &[1, 0]);
    let mut memory = vec![1, 0];
    unsigned(&mut memory, (start + data.len()).div_ceil(PAGE).max(1) as u64);
    section(&mut out, 5, &memory);
    let mut exports = vec![2];
    for (name, kind) in [("memory", 2), ("score", 0)] {
        exports.push(name.len() as u8);
        exports.extend(name.bytes());
        exports.extend([kind, 0]);
    }
    section(&mut out, 7, &exports);
    let mut body = vec![locals.len() as u8];
    body.extend(locals.iter().flat_map(|kind| [1, *kind]));
    body.extend(code.0);
    body.push(op::END);
    let mut functions = vec![1];
    unsigned(&mut functions, body.len() as u64);
    functions.extend(body);
    section(&mut out, 10, &functions);
    let mut segment = vec![1, 0, 0x41];
    signed(&mut segment, start as i32);
    segment.push(op::END);
    unsigned(&mut segment, data.len() as u64);
    segment.extend(data);
    section(&mut out, 11, &segment);
    out
}

fn section(out: &mut Vec<u8>, id: u8, content: &[u8]) {
    out.push(id);
    unsigned(out, content.len() as u64);
    out.extend(content);
}

fn unsigned(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn signed(out: &mut Vec<u8>, mut value: i32) {
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        let done = (value == 0 && byte & 0x40 == 0) || (value == -1 && byte & 0x40 != 0);
        out.push(if done { byte } else { byte | 0x80 });
        if done {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_format() {
        let bytes = |value| {
            let mut out = Vec::new();
            signed(&mut out, value);
            out
        };
        assert_eq!(bytes(-123_456), [0xc0, 0xbb, 0x78]);
        assert_eq!((bytes(63), bytes(64), bytes(-64)), (vec![63], vec![0xc0, 0], vec![0x40]));
    }
}
