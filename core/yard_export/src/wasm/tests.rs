#![allow(clippy::unwrap_used)]

use crate::{
    Format,
    testing::{TASKS, package, parts},
};
use std::process::Command;
use yard_types::run::Family;

#[test]
fn golden_examples_are_equal_under_node() {
    if Command::new("node").arg("--version").output().is_err() {
        return;
    }
    for family in [Family::Linear, Family::Boosting] {
        for task in TASKS {
            let package = package(parts(11, family, task));
            let exported = crate::export(package.bytes().to_vec(), Format::Wasm).unwrap();
            let folder = tempfile::tempdir().unwrap();
            for (name, bytes) in &exported.files {
                std::fs::write(folder.path().join(name), bytes).unwrap();
            }
            let done = Command::new("node").arg("golden.mjs").current_dir(folder.path()).output().unwrap();
            let said = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
            assert!(done.status.success(), "{family:?} {task:?}: {said}");
        }
    }
}

#[test]
fn nets_are_refused_with_the_way_out() {
    let package = package(parts(11, Family::Mlp, TASKS[0]));
    let error = crate::export(package.bytes().to_vec(), Format::Wasm).unwrap_err().to_string();
    assert!(error.contains("a net") && error.contains("export as onnx"), "{error}");
}
