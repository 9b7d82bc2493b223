//! Canonical JSON: object keys sorted by code point, no spaces, numbers in their shortest form that
//! parses back to the same bits. Equal values have equal bytes, so that they can be hashed.

use serde_json::Value;
use sha2::{Digest, Sha256 as Hasher};
use yard_types::ids::Sha256;

/// Writes a value canonically.
pub fn to_canonical(value: &Value) -> String {
    let mut out = String::new();
    write_value(value, &mut out);
    out
}

/// Returns the SHA-256 of several byte strings, one after the other.
pub fn sha256(parts: &[&[u8]]) -> Sha256 {
    let mut hasher = Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    Sha256(hasher.finalize().into())
}

fn write_value(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_value(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_unstable();
            out.push('{');
            for (index, key) in keys.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(key.clone()).to_string());
                out.push(':');
                write_value(&map[key], out);
            }
            out.push('}');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_sorted_at_every_level_and_numbers_keep_their_bits() {
        let value = json!({"b": [1, {"z": null, "a": "é\n"}], "a": 0.1, "c": 1e300});
        assert_eq!(to_canonical(&value), r#"{"a":0.1,"b":[1,{"a":"é\n","z":null}],"c":1e+300}"#);
    }

    #[test]
    fn hash_is_the_published_one() {
        // FIPS 180-2, appendix B.1.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(&[b"a", b"bc"]).to_hex(), expected);
    }
}
