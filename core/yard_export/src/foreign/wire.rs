//! Fields of a Protocol Buffers message, read without trust: every length is checked against the bytes that
//! are there, and no more is made than the bytes can hold. Knows nothing of ONNX.
//! Format: Protocol Buffers, "Encoding".

/// A field's content.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Field<'a> {
    Int(u64),
    Fixed(u64),
    Single(u32),
    Bytes(&'a [u8]),
}

/// What is wrong with a message.
pub(super) type Problem = String;

/// Splits a message into its fields.
pub(super) fn fields(bytes: &[u8]) -> Result<Vec<(u32, Field<'_>)>, Problem> {
    let (mut at, mut out) = (0, Vec::new());
    while at < bytes.len() {
        let tag = varint(bytes, &mut at)?;
        let number = u32::try_from(tag >> 3).map_err(|_| format!("a field has the number {}", tag >> 3))?;
        if number == 0 {
            return Err("a field has the number 0".to_owned());
        }
        let field = match tag & 7 {
            0 => Field::Int(varint(bytes, &mut at)?),
            1 => Field::Fixed(u64::from_le_bytes(take(bytes, &mut at)?)),
            5 => Field::Single(u32::from_le_bytes(take(bytes, &mut at)?)),
            2 => {
                let length = varint(bytes, &mut at)?;
                let end = usize::try_from(length).ok().and_then(|length| at.checked_add(length));
                let own = end.and_then(|end| bytes.get(at..end));
                let own = own.ok_or_else(|| {
                    format!("field {number} says {length} bytes where {} are left", bytes.len() - at)
                })?;
                at += own.len();
                Field::Bytes(own)
            }
            other => return Err(format!("field {number} has the wire type {other}")),
        };
        out.push((number, field));
    }
    Ok(out)
}

fn take<const N: usize>(bytes: &[u8], at: &mut usize) -> Result<[u8; N], Problem> {
    let own = bytes.get(*at..).and_then(|rest| rest.first_chunk::<N>());
    *at += N;
    own.copied().ok_or_else(|| format!("it ends within a number of {N} bytes"))
}

/// Reads a number of at most ten bytes.
fn varint(bytes: &[u8], at: &mut usize) -> Result<u64, Problem> {
    let mut value = 0_u64;
    for shift in (0..70).step_by(7) {
        let byte = *bytes.get(*at).ok_or_else(|| "it ends within a number".to_owned())?;
        *at += 1;
        if shift == 63 && byte > 1 {
            break;
        }
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err("a number has more than 64 bits".to_owned())
}

/// Reads packed numbers.
pub(super) fn packed(bytes: &[u8]) -> Result<Vec<u64>, Problem> {
    let (mut at, mut out) = (0, Vec::new());
    while at < bytes.len() {
        out.push(varint(bytes, &mut at)?);
    }
    Ok(out)
}
