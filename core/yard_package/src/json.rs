//! JSON in one form, and JSON read without mercy.
//!
//! Canonical: keys sorted by their bytes, no spaces, floats in the shortest text that gives the same f64
//! back (plain from 1e-5 up to below 1e16, else with an exponent), whole floats with `.0`, so that the
//! same value has the same bytes whatever library wrote it.
//! Strict: at most 64 levels, no duplicate keys, no NaN or infinity, nothing after the value.

use serde::{
    Serialize,
    de::{DeserializeOwned, DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

/// Deepest nesting that is read.
pub const MAX_DEPTH: usize = 64;

/// Why a value can't be written or a text can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JsonProblem(pub String);

impl From<serde_json::Error> for JsonProblem {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

/// Writes any serialisable value in canonical form. NaN and infinities become null.
pub fn to_canonical<T: Serialize>(value: &T) -> Result<Vec<u8>, JsonProblem> {
    let mut out = String::new();
    write_value(&serde_json::to_value(value)?, &mut out)?;
    Ok(out.into_bytes())
}

/// Parses strictly into a value.
pub fn parse(bytes: &[u8]) -> Result<Value, JsonProblem> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { depth: 0 }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Parses strictly into a type.
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonProblem> {
    Ok(serde_json::from_value(parse(bytes)?)?)
}

fn write_value(value: &Value, out: &mut String) -> Result<(), JsonProblem> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(yes) => out.push_str(if *yes { "true" } else { "false" }),
        Value::Number(number) => write_number(number, out),
        Value::String(text) => out.push_str(&serde_json::to_string(text)?),
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                out.push(if index == 0 { '[' } else { ',' });
                write_value(value, out)?;
            }
            out.push_str(if values.is_empty() { "[]" } else { "]" });
        }
        Value::Object(object) => {
            let mut pairs: Vec<(&String, &Value)> = object.iter().collect();
            pairs.sort_by_key(|(key, _)| *key);
            for (index, (key, value)) in pairs.into_iter().enumerate() {
                out.push(if index == 0 { '{' } else { ',' });
                out.push_str(&serde_json::to_string(key)?);
                out.push(':');
                write_value(value, out)?;
            }
            out.push_str(if object.is_empty() { "{}" } else { "}" });
        }
    }
    Ok(())
}

fn write_number(number: &Number, out: &mut String) {
    if let Some(whole) = number.as_u64() {
        out.push_str(&whole.to_string());
    } else if let Some(whole) = number.as_i64() {
        out.push_str(&whole.to_string());
    } else {
        let value = number.as_f64().unwrap_or(0.0);
        let size = value.abs();
        let text = if size == 0.0 || (1e-5..1e16).contains(&size) {
            format!("{value}")
        } else {
            format!("{value:e}")
        };
        out.push_str(&text);
        if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
            out.push_str(".0");
        }
    }
}

/// Builds a [`Value`], refusing deep nesting and duplicate keys.
#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom("nested deeper than 64 levels"));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("a number beyond the range of f64"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut values = Vec::new();
        while let Some(value) = access.next_element_seed(inner)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let value = access.next_value_seed(inner)?;
            if object.contains_key(&key) {
                let shown: String = key.chars().take(40).collect();
                return Err(A::Error::custom(format!("the key {shown:?} appears twice")));
            }
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use yard_types::rng::Rng;

    #[test]
    fn canonical_form() {
        let check = |text: &str, expected: &str| {
            let value: Value = serde_json::from_str(text).unwrap();
            assert_eq!(String::from_utf8(to_canonical(&value).unwrap()).unwrap(), expected);
        };
        check(r#"{ "b" : [ ] , "a" : { } , "B" : null }"#, r#"{"B":null,"a":{},"b":[]}"#);
        check("[1.0, -0.0, 1e20, 1e-7, 0.1, 123456.75]", "[1.0,-0.0,1e20,1e-7,0.1,123456.75]");
        check("[18446744073709551615, -9223372036854775808]", "[18446744073709551615,-9223372036854775808]");
        check(r#""a\"\\\n\u0001é""#, r#""a\"\\\n\u0001é""#);
    }

    #[test]
    fn floats_come_back_with_the_same_bits() {
        let mut rng = Rng::new(1, 1);
        for _ in 0..20_000 {
            let value = f64::from_bits(rng.next_bits());
            if !value.is_finite() {
                continue;
            }
            let bytes = to_canonical(&value).unwrap();
            let back: f64 = from_slice(&bytes).unwrap();
            assert_eq!(back.to_bits(), value.to_bits(), "{value:e}");
            let single = value as f32;
            if single.is_finite() {
                let back: f32 = from_slice(&to_canonical(&single).unwrap()).unwrap();
                assert_eq!(back.to_bits(), single.to_bits());
            }
        }
    }

    #[test]
    fn strict_reading() {
        let refused = |text: &str, word: &str| {
            let problem = parse(text.as_bytes()).unwrap_err().0;
            assert!(problem.contains(word), "{text}: {problem}");
        };
        refused(r#"{"a":1,"a":2}"#, "twice");
        refused(r#"{"x":{"a":1,"a":2}}"#, "twice");
        refused("NaN", "expected");
        refused("[1e999]", "range");
        refused("1 2", "trailing");
        refused(r#""\ud800""#, "hex escape");
        refused(&"[".repeat(65), "64 levels");
        refused(&"{\"a\":".repeat(100_000), "64 levels");
        assert!(parse(format!("{}{}", "[".repeat(64), "]".repeat(64)).as_bytes()).is_ok());
    }
}
