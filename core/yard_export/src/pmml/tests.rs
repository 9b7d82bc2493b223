#![allow(clippy::unwrap_used)]

use crate::{
    Format,
    testing::{TASKS, package, parts},
};
use yard_types::run::Family;

#[test]
fn documents_are_well_formed_and_escaped() {
    for family in [Family::Linear, Family::Boosting] {
        for task in TASKS {
            let package = package(parts(7, family, task));
            let exported = crate::export(package.bytes().to_vec(), Format::Pmml).unwrap();
            let text = String::from_utf8(exported.files["model.pmml"].clone()).unwrap();
            let mut open = Vec::new();
            for tag in text.split('<').skip(2).map(|part| part.split('>').next().unwrap()) {
                if let Some(name) = tag.strip_prefix('/') {
                    assert_eq!(open.pop(), Some(name));
                } else if !tag.ends_with('/') {
                    open.push(tag.split(' ').next().unwrap());
                }
            }
            assert!(open.is_empty(), "{open:?}");
            assert!(!text.contains("white \"x\"") && text.contains("PMML-4_4"), "{family:?} {task:?}");
        }
    }
}

#[test]
fn nets_are_refused_with_the_way_out() {
    let package = package(parts(7, Family::Mlp, TASKS[0]));
    let error = crate::export(package.bytes().to_vec(), Format::Pmml).unwrap_err().to_string();
    assert!(error.contains("a net") && error.contains("export as onnx"), "{error}");
}
