#![allow(clippy::unwrap_used)]

use crate::{
    Format,
    testing::{FAMILIES, TASKS, deep, package, parts, with_text_and_image},
};

#[test]
fn every_model_without_text_is_one_archive() {
    for family in FAMILIES {
        for task in TASKS {
            let package = package(parts(7, family, task));
            let export = || crate::export(package.bytes().to_vec(), Format::TorchScript).unwrap();
            let bytes = export().files["model.pt"].clone();
            assert_eq!(bytes, export().files["model.pt"]);
            let holds = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
            assert!(holds("class Model(Module)") && holds("model/constants.pkl"), "{family:?} {task:?}");
        }
    }
    assert!(crate::export(package(deep()).bytes().to_vec(), Format::TorchScript).unwrap().bytes() > 5_000);
}

#[test]
fn texts_are_refused_with_the_way_out() {
    let package = package(with_text_and_image());
    let error = crate::export(package.bytes().to_vec(), Format::TorchScript).unwrap_err().to_string();
    assert!(error.contains("free text") && error.contains("export as onnx"), "{error}");
}
