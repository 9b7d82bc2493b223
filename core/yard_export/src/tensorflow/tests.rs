#![allow(clippy::unwrap_used)]

use crate::{
    Format,
    testing::{FAMILIES, TASKS, deep, package, parts, with_text_and_image},
};

#[test]
fn every_model_without_text_is_one_file() {
    for family in FAMILIES {
        for task in TASKS {
            let package = package(parts(7, family, task));
            let exported = crate::export(package.bytes().to_vec(), Format::SavedModel).unwrap();
            let again = crate::export(package.bytes().to_vec(), Format::SavedModel).unwrap();
            assert_eq!(exported, again);
            let bytes = &exported.files["saved_model.pb"];
            let holds = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
            assert!(holds("serving_default") && holds("Farbe ü"), "{family:?} {task:?}");
        }
    }
    let exported = crate::export(package(deep()).bytes().to_vec(), Format::SavedModel).unwrap();
    assert!(exported.bytes() > 5_000);
}

#[test]
fn texts_are_refused_with_the_way_out() {
    let package = package(with_text_and_image());
    let error = crate::export(package.bytes().to_vec(), Format::SavedModel).unwrap_err().to_string();
    assert!(error.contains("free text") && error.contains("export as onnx"), "{error}");
}
