//! Writing JSON without a tree of values.

/// Appends a JSON string.
pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)) {
        let (plain, tail) = rest.split_at(at);
        out.extend_from_slice(plain);
        match tail[0] {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            byte => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
        }
        rest = &tail[1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Appends a finite number with the fewest digits that parse back to the same f64; a whole number
/// without a fraction. Anything else becomes `null`.
pub(crate) fn write_number(out: &mut Vec<u8>, value: f64) {
    if value.fract() == 0.0 && value.abs() < 1e15 && (value != 0.0 || value.is_sign_positive()) {
        // A whole number below 10^15 is exact in i64.
        write_display(out, value as i64);
    } else {
        write_real(out, value);
    }
}

/// Appends a number with the fewest digits that parse back to the same f64, always as a real number.
pub(crate) fn write_real(out: &mut Vec<u8>, value: f64) {
    // Writing to a Vec can't fail; NaN and infinities become null.
    let _ = serde_json::to_writer(out, &value);
}

/// Appends the display form of a value.
pub(crate) fn write_display(out: &mut Vec<u8>, value: impl std::fmt::Display) {
    use std::io::Write as _;
    let _ = write!(out, "{value}");
}
