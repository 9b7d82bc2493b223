#![allow(clippy::unwrap_used)]

use crate::testing::check_margins;

const BINARY: &str = include_str!("../../fixtures/xgboost_binary.model.json");

#[test]
fn own_scores_of_the_library() {
    check_margins("binary", BINARY.as_bytes(), include_str!("../../fixtures/xgboost_binary.json"));
    check_margins(
        "multiclass",
        include_bytes!("../../fixtures/xgboost_multiclass.model.json"),
        include_str!("../../fixtures/xgboost_multiclass.json"),
    );
    check_margins(
        "gamma",
        include_bytes!("../../fixtures/xgboost_gamma.model.json"),
        include_str!("../../fixtures/xgboost_gamma.json"),
    );
    check_margins(
        "dart",
        include_bytes!("../../fixtures/xgboost_dart.model.json"),
        include_str!("../../fixtures/xgboost_dart.json"),
    );
}

#[test]
fn damaged_files_are_refused_with_their_place() {
    let check = |from: &str, to: &str, expected: &str| {
        let text = BINARY.replacen(from, to, 1);
        assert!(text != BINARY, "{from} is not in the fixture");
        let error = crate::import(text.as_bytes()).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(expected), "{from} -> {to}: {error}");
    };
    check("\"left_children\":[1", "\"left_children\":[0", "two parents");
    check("\"left_children\":[1", "\"left_children\":[9999999999", "does not exist");
    check("\"left_children\":[1", "\"left_children\":[-2", "does not exist");
    check("\"split_indices\":[", "\"split_indices\":[4000000000,", "one value for each node");
    check("\"tree_info\":[0", "\"tree_info\":[7", "adds to class 7");
    check("\"tree_info\":[0,", "\"tree_info\":[", "one class for each tree");
    check(
        "\"num_feature\":\"4\",\"num_target\"",
        "\"num_feature\":\"99999999999\",\"num_target\"",
        "at most",
    );
    check("\"num_feature\":\"4\",\"num_target\"", "\"num_feature\":\"-1\",\"num_target\"", "whole number");
    check("\"size_leaf_vector\":\"1\"", "\"size_leaf_vector\":\"3\"", "multi_output_tree");
    check("binary:logistic", "survival:cox", "does not have");
    check("\"name\":\"gbtree\"", "\"name\":\"gblinear\"", "linear model");
    check("\"base_score\":\"[", "\"base_score\":\"[x", "a number or one for each class");
    check("\"categories\":[", "\"categories\":[4000000000,", "at most");
    check("\"categories_sizes\":[", "\"categories_sizes\":[18446744073709551615,", "unequal length");
    check("{\"learner\"", "{\"learners\"", "missing field");
    check("\"split_conditions\":[", "\"split_conditions\":[NaN,", "JSON");
}

#[test]
fn every_flipped_byte_ends_in_an_answer() {
    let mut bytes = BINARY.as_bytes().to_vec();
    for at in (0..bytes.len()).step_by(7) {
        bytes[at] ^= 1;
        let _ = crate::import(&bytes);
        bytes[at] ^= 1;
    }
    for cut in (0..BINARY.len()).step_by(997) {
        assert!(crate::import(&BINARY.as_bytes()[..cut]).is_err(), "{cut}");
    }
}

#[test]
fn other_kinds_are_named_and_refused() {
    let check = |bytes: &[u8], expected: &str| {
        let error = crate::import(bytes).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("save_model"), "{error}");
    };
    check(b"", "empty");
    check(b"\x80\x04\x95\x00", "pickle");
    check(b"PK\x03\x04....", "ZIP");
    check(b"\x89HDF\r\n", "HDF5");
    check(b"\x1f\x8b\x08", "gzip");
    check(b"{L\x00\x00", "UBJSON");
    check(b"\xff\xfe\x00", "binary");
    check(b"hello", "another kind");
    let deep = "{\"a\":".repeat(100_000);
    assert!(crate::import(deep.as_bytes()).is_err());
}
