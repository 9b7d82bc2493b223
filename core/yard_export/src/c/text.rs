//! Numbers and text as C99 writes them: floats in hexadecimal, so that no bit is lost; strings in ASCII with
//! octal escapes.

use crate::subject::add;

/// Returns an f64 as a constant expression.
pub(super) fn c_double(value: f64) -> String {
    if value.is_nan() {
        return "NAN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "INFINITY" } else { "-INFINITY" }.to_owned();
    }
    if value == 0.0 {
        return if value.is_sign_negative() { "-0.0" } else { "0.0" }.to_owned();
    }
    let bits = value.to_bits();
    let sign = if bits >> 63 == 1 { "-" } else { "" };
    let (exponent, mantissa) = ((bits >> 52 & 0x7ff) as i64, bits & 0x000f_ffff_ffff_ffff);
    let (lead, exponent) = if exponent == 0 { (0, -1022) } else { (1, exponent - 1023) };
    let digits = format!("{mantissa:013x}");
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() {
        format!("{sign}0x{lead}p{exponent}")
    } else {
        format!("{sign}0x{lead}.{digits}p{exponent}")
    }
}

/// Returns an f32 as a constant expression.
pub(super) fn c_float(value: f32) -> String {
    let text = c_double(f64::from(value));
    if value.is_finite() { text + "f" } else { text }
}

/// Returns an i64 as a constant expression.
pub(super) fn c_int64(value: i64) -> String {
    if value == i64::MIN { "INT64_MIN".to_owned() } else { format!("INT64_C({value})") }
}

/// Returns text as a string literal.
pub(super) fn c_string(text: &str) -> String {
    let mut out = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' | b'?' => {
                out.push('\\');
                out.push(char::from(byte));
            }
            0x20..=0x7e => out.push(char::from(byte)),
            _ => add(&mut out, format_args!("\\{byte:03o}")),
        }
    }
    out.push('"');
    out
}

/// Returns text that can't end a comment.
pub(super) fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || c == '*' || c == '\\' || c == '?' { '_' } else { c }).collect()
}

/// Returns an identifier made of text: ASCII letters, digits and `_`, not beginning with a digit.
pub(super) fn identifier(text: &str) -> String {
    let plain: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    if plain.starts_with(|c: char| c.is_ascii_lowercase()) { plain } else { format!("m_{plain}") }
}

/// Writes an array of constants, wrapped. An empty one gets `filler`, as C has no empty arrays.
pub(super) fn array(out: &mut String, kind: &str, name: &str, values: &[String], filler: &str) {
    let own = [filler.to_owned()];
    let values = if values.is_empty() { &own[..] } else { values };
    add(out, format_args!("static const {kind} {name}[{}] = {{\n", values.len()));
    for line in values.chunks(10) {
        add(out, format_args!("    {},\n", line.join(", ")));
    }
    out.push_str("};\n\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants() {
        assert_eq!(c_double(1.0), "0x1p0");
        assert_eq!(c_double(-0.1), "-0x1.999999999999ap-4");
        assert_eq!(c_double(f64::MIN_POSITIVE / 2.0), "0x0.8p-1022");
        assert_eq!((c_double(-0.0), c_double(f64::NAN)), ("-0.0".to_owned(), "NAN".to_owned()));
        assert_eq!(c_float(0.5), "0x1p-1f");
        assert_eq!(c_float(1e-45), "0x1p-149f");
        assert_eq!(c_string("a\"ü?\n"), "\"a\\\"\\303\\274\\?\\012\"");
        assert_eq!(comment("a */ b"), "a _/ b");
        assert_eq!((identifier("Über-1"), identifier("9x")), ("m__ber_1".to_owned(), "m_9x".to_owned()));
        assert_eq!(c_int64(i64::MIN), "INT64_MIN");
    }
}
