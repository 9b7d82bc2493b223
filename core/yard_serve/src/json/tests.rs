#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

fn refused(body: &str, part: &str) {
    let error = check(body.as_bytes()).expect_err(body).to_string();
    assert!(error.contains(part), "{body}: {error}");
}

#[test]
fn what_rfc_8259_allows() {
    for body in [
        "null",
        " true ",
        "[]",
        "{}",
        "[1,2.5,-0,1e3,1E-2,0.1]",
        r#"{"a":{"b":[null,"x"]},"c":"\u00e9\ud83d\ude00\n"}"#,
        "\"\"",
        "123456789012345678901234567890",
    ] {
        check(body.as_bytes()).expect(body);
        serde_json::from_str::<serde_json::Value>(body).expect(body);
    }
}

#[test]
fn what_is_refused() {
    refused("", "expected a value, got the end");
    refused("NaN", "expected a value");
    refused("[Infinity]", "expected a value");
    refused("[1,]", "expected a value");
    refused("{\"a\":1,}", "expected a key in quotes");
    refused("{\"a\":1,\"a\":2}", "key \"a\" appears twice");
    refused("[{\"x\":{\"a\":1,\"\\u0061\":2}}]", "key \"a\" appears twice");
    refused("[01]", "without leading zeros");
    refused("[1.]", "expected a digit");
    refused("[1e999]", "beyond the range");
    refused("\"\\ud800\"", "surrogate");
    refused("\"\\ud800\\u0041\"", "surrogate");
    refused("\"\\udc00\"", "surrogate");
    refused("\"\\u0000\"", "NUL");
    refused("\"a\nb\"", "control character");
    refused("\"a", "expected '\"', got the end");
    refused("\"\\x\"", "unknown escape");
    refused("1 2", "expected the end of the body, got '2'");
    refused("nul", "expected a value");
    refused("\u{feff}{}", "expected a value");
    refused(&"[".repeat(65), "nested deeper than 64");
    refused(&format!("\"{}\"", "x".repeat(MAX_STRING + 1)), "a string longer than");
    assert_eq!(check(b"\"\xff\"").expect_err("not UTF-8").at, 1);
    check(format!("{}{}", "[".repeat(64), "]".repeat(64)).as_bytes()).expect("64 deep");
}

#[test]
fn numbers_have_the_bits_that_the_standard_parser_gives() {
    let mut rng = yard_types::rng::Rng::new(7, 0);
    for _ in 0..20_000 {
        let value = f64::from_bits(rng.next_bits());
        if !value.is_finite() {
            continue;
        }
        let mut out = Vec::new();
        write_number(&mut out, value);
        let mut reader = Reader::new(&out).unwrap();
        assert_eq!(reader.number().unwrap().value.to_bits(), value.to_bits(), "{value}");
    }
    for text in ["0", "-0", "7", "-7", "123456789012345", "1234567890123456789", "-9007199254740993", "0.1"] {
        let got = Reader::new(text.as_bytes()).unwrap().number().unwrap().value;
        assert_eq!(got.to_bits(), text.parse::<f64>().unwrap().to_bits(), "{text}");
    }
}

#[test]
fn strings_read_and_written() {
    for text in ["", "plain", "q\"b\\s/", "line\nreturn\r\ttab\u{1}", "é😀", "a\u{7f}"] {
        let mut out = Vec::new();
        write_string(&mut out, text);
        assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        let mut reader = Reader::new(&out).unwrap();
        let span = reader.string().unwrap();
        assert_eq!(reader.get(span), text);
        assert_eq!(span.text(&out, &reader.take_scratch()), text);
    }
}

#[test]
fn random_bytes_never_panic_and_agree_with_serde_on_what_is_accepted() {
    let alphabet = "{}[]:,\"\\u0019eE.+-ntfrals a\u{e9} ".as_bytes();
    let mut rng = yard_types::rng::Rng::new(11, 0);
    for _ in 0..50_000 {
        let len = rng.below(24) as usize;
        let body: Vec<u8> = (0..len).map(|_| alphabet[rng.below(alphabet.len() as u64) as usize]).collect();
        if check(&body).is_ok() {
            serde_json::from_slice::<serde_json::Value>(&body).expect("accepted by both");
        }
    }
}
