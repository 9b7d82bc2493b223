//! Tensors as bytes: little-endian, row-major, without padding, as the binary tensor data extension and
//! gRPC's raw contents have them. A `BYTES` element is its length (u32, little-endian) and its bytes.

use crate::{
    api::tensor::{Datatype, Header, Output, Tensors, Wanted, bad},
    http::reply::Refusal,
    json::{self, Span},
    rows::{Cell, bool_cell},
    served::{Answers, Served},
};
use std::ops::Range;

/// Reads the elements of an input from `body[range]`.
pub(crate) fn read_raw(
    tensors: &mut Tensors<'_>,
    header: &Header,
    body: &[u8],
    range: Range<usize>,
) -> Result<(), Refusal> {
    let Some(bytes) = body.get(range.clone()) else {
        return Err(bad(format!("input '{}': its data lies beyond the body", header.name)));
    };
    let Some(size) = header.datatype.size() else {
        return read_texts(tensors, header, body, range);
    };
    let expected = header.rows.checked_mul(size);
    if expected != Some(bytes.len()) {
        let expected = expected.unwrap_or(usize::MAX);
        return Err(bad(format!(
            "input '{}': expected {expected} bytes for {} elements of {}, got {}",
            header.name,
            header.rows,
            header.datatype.name(),
            bytes.len()
        )));
    }
    for (row, element) in bytes.chunks_exact(size).enumerate() {
        let cell = match header.datatype {
            Datatype::Bool => bool_element(header, row, element)?,
            datatype => Cell::Number(number(datatype, element)),
        };
        tensors.set(header, row, cell);
    }
    Ok(())
}

fn bool_element(header: &Header, row: usize, element: &[u8]) -> Result<Cell, Refusal> {
    match element {
        [0 | 1] => bool_cell(element == [1], header.field_type)
            .map_err(|got| header.wrong(row, &format!("{got} for this field"))),
        other => Err(header.wrong(row, &format!("the byte {}", other.first().copied().unwrap_or(0)))),
    }
}

fn number(datatype: Datatype, element: &[u8]) -> f64 {
    let mut wide = [0_u8; 8];
    let size = element.len().min(8);
    wide[..size].copy_from_slice(&element[..size]);
    let bits = u64::from_le_bytes(wide);
    match datatype {
        Datatype::Int(width) => ((bits << (64 - width)) as i64 >> (64 - width)) as f64,
        Datatype::Fp64 => f64::from_bits(bits),
        Datatype::Fp32 => f64::from(f32::from_bits(bits as u32)),
        Datatype::Bf16 => f64::from(f32::from_bits((bits as u32) << 16)),
        Datatype::Fp16 => half(bits as u16),
        Datatype::Uint(_) | Datatype::Bool | Datatype::Bytes => bits as f64,
    }
}

/// Converts IEEE 754 binary16; exact.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    sign * match exponent {
        0 => fraction * f64::powi(2.0, -24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * f64::powi(2.0, exponent - 25),
    }
}

fn read_texts(
    tensors: &mut Tensors<'_>,
    header: &Header,
    body: &[u8],
    range: Range<usize>,
) -> Result<(), Refusal> {
    let (mut at, end) = (range.start, range.end);
    for row in 0..header.rows {
        let Some(length) = body[at..end].first_chunk::<4>().map(|four| u32::from_le_bytes(*four)) else {
            return Err(header.miscounted(row));
        };
        at += 4;
        let next = usize::try_from(length).ok().and_then(|length| at.checked_add(length));
        let Some(next) = next.filter(|next| *next <= end) else {
            return Err(header.wrong(row, "a length beyond the data"));
        };
        tensors.set(header, row, text_cell(header, row, body, at..next)?);
        at = next;
    }
    if at == end { Ok(()) } else { Err(header.miscounted(header.rows + 1)) }
}

/// Makes a cell of text in the body: UTF-8 without NUL, within the limit of a string; empty is missing.
pub(crate) fn text_cell(
    header: &Header,
    row: usize,
    body: &[u8],
    range: Range<usize>,
) -> Result<Cell, Refusal> {
    let bytes = body.get(range.clone()).unwrap_or_default();
    if bytes.is_empty() {
        return Ok(Cell::Missing);
    }
    if bytes.len() > json::MAX_STRING {
        return Err(header.wrong(row, &format!("a string longer than {} bytes", json::MAX_STRING)));
    }
    if std::str::from_utf8(bytes).is_err() {
        return Err(header.wrong(row, "bytes that are not UTF-8"));
    }
    if bytes.contains(&0) {
        return Err(header.wrong(row, "a string with NUL"));
    }
    Span::of_body(range)
        .map(Cell::Text)
        .ok_or_else(|| header.wrong(row, "text beyond the first 4 GiB of the body"))
}

/// Writes the elements of an output.
pub(crate) fn write_raw(out: &mut Vec<u8>, served: &Served, answers: &Answers, output: Output) {
    let floats = |out: &mut Vec<u8>, values: &[f32]| {
        out.reserve(values.len() * 4);
        for value in values {
            out.extend_from_slice(&value.to_le_bytes());
        }
    };
    match output {
        Output::Probability => floats(out, &answers.probabilities),
        Output::Margin | Output::Prediction => floats(out, &answers.margins),
        Output::Decision => out.extend(answers.decisions.iter().map(|yes| u8::from(*yes))),
        Output::Label => {
            for label in &answers.labels {
                let class = served.scorer().classes().get(*label as usize).map_or("", String::as_str);
                out.extend_from_slice(&(class.len() as u32).to_le_bytes());
                out.extend_from_slice(class.as_bytes());
            }
        }
    }
}

/// Returns whether any output is sent as bytes.
pub(crate) fn any_binary(wanted: &[Wanted]) -> bool {
    wanted.iter().any(|own| own.binary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_type() {
        let check = |datatype, bytes: &[u8], expected: f64| {
            assert_eq!(number(datatype, bytes).to_bits(), expected.to_bits(), "{datatype:?} {bytes:?}");
        };
        check(Datatype::Int(8), &[0xff], -1.0);
        check(Datatype::Int(16), &[0, 0x80], -32_768.0);
        check(Datatype::Int(32), &(-7_i32).to_le_bytes(), -7.0);
        check(Datatype::Int(64), &i64::MIN.to_le_bytes(), -9_223_372_036_854_775_808.0);
        check(Datatype::Uint(8), &[0xff], 255.0);
        check(Datatype::Uint(64), &u64::MAX.to_le_bytes(), 18_446_744_073_709_551_615.0);
        check(Datatype::Fp32, &1.5_f32.to_le_bytes(), 1.5);
        check(Datatype::Fp64, &(-0.1_f64).to_le_bytes(), -0.1);
        check(Datatype::Bf16, &[0xc0, 0x3f], 1.5);
        check(Datatype::Fp16, &[0x00, 0x3e], 1.5);
        check(Datatype::Fp16, &[0x01, 0x80], -f64::powi(2.0, -24));
        check(Datatype::Fp16, &[0xff, 0x7b], 65_504.0);
        check(Datatype::Fp16, &[0x00, 0xfc], f64::NEG_INFINITY);
    }
}
