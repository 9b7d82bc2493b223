//! The files of a `TorchScript` archive: pickles of data only (a module without code of its own, tensors by reference)
//! and a ZIP of stored entries. Nothing is ever unpickled here.
//! Formats: Python, "pickletools", protocol 2; PKWARE, "APPNOTE.TXT" 6.3.10.

use crate::{
    archive::crc32,
    onnx::graph::{Constant, Kind, Tensor},
};

fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b'X');
    out.extend((text.len() as u32).to_le_bytes());
    out.extend(text.bytes());
}

fn global(out: &mut Vec<u8>, module: &str, name: &str) {
    out.push(b'c');
    out.extend(format!("{module}\n{name}\n").bytes());
}

fn whole(out: &mut Vec<u8>, value: i64) {
    out.push(b'J');
    out.extend((value as i32).to_le_bytes());
}

fn sizes(out: &mut Vec<u8>, values: &[i64]) {
    out.push(b'(');
    for value in values {
        whole(out, *value);
    }
    out.push(b't');
}

/// Pickles the module: an object of the class `Model` in the code.
pub(super) fn module() -> Vec<u8> {
    let mut out = vec![0x80, 2];
    global(&mut out, "__torch__", "Model");
    out.extend(b")\x81}(");
    text(&mut out, "training");
    out.push(0x89);
    out.extend(b"ub.");
    out
}

/// Pickles the constants: tensors whose numbers lie in files of their own.
pub(super) fn constants(constants: &[Constant]) -> Vec<u8> {
    let mut out = vec![0x80, 2, b'('];
    for (index, own) in constants.iter().enumerate() {
        let storage = match own.tensor.kind() {
            Kind::Double => "DoubleStorage",
            Kind::Int64 => "LongStorage",
            Kind::Uint8 => "ByteStorage",
            Kind::Bool => "BoolStorage",
            Kind::Float | Kind::Text => "FloatStorage",
        };
        global(&mut out, "torch._utils", "_rebuild_tensor_v2");
        out.extend(b"((");
        text(&mut out, "storage");
        global(&mut out, "torch", storage);
        text(&mut out, &index.to_string());
        text(&mut out, "cpu");
        whole(&mut out, own.shape.iter().product());
        out.extend(b"tQ");
        whole(&mut out, 0);
        sizes(&mut out, &own.shape);
        let mut step = 1;
        let mut steps = Vec::with_capacity(own.shape.len());
        for size in own.shape.iter().rev() {
            steps.push(step);
            step *= size;
        }
        steps.reverse();
        sizes(&mut out, &steps);
        out.push(0x89);
        global(&mut out, "collections", "OrderedDict");
        out.extend(b")RtR");
    }
    out.extend(b"t.");
    out
}

/// Returns the numbers of a constant as they lie in its file.
pub(super) fn numbers(tensor: &Tensor) -> Vec<u8> {
    tensor.raw()
}

/// Writes a ZIP of stored entries with a fixed date.
pub(super) fn zip(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in entries {
        let mut common = Vec::new();
        for field in [20_u16, 0, 0, 0, 0x21] {
            common.extend(field.to_le_bytes());
        }
        for field in [crc32(bytes), bytes.len() as u32, bytes.len() as u32] {
            common.extend(field.to_le_bytes());
        }
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend((out.len() as u32).to_le_bytes());
        directory.extend(name.bytes());
        out.extend(b"PK\x03\x04");
        out.extend(&common);
        out.extend(name.bytes());
        out.extend(bytes);
    }
    let at = out.len() as u32;
    let size = directory.len() as u32;
    out.extend(directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    for _ in 0..2 {
        out.extend((entries.len() as u16).to_le_bytes());
    }
    out.extend(size.to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend([0, 0]);
    out
}
