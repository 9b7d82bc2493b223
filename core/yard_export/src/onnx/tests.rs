#![allow(clippy::unwrap_used, clippy::panic)]

use super::{
    Built, Layout,
    PortKind::{self, Bool, Float, Text},
    build,
};
use crate::{
    Format,
    subject::Subject,
    testing::{FAMILIES, TASKS, deep, package, parts, with_text_and_image},
};
use yard_types::{frame::Task, run::Family};

/// A field of a message: number and content.
fn fields(bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let (mut at, mut out) = (0, Vec::new());
    let varint = |at: &mut usize| {
        let (mut value, mut shift) = (0_u64, 0);
        loop {
            let byte = bytes[*at];
            *at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return value;
            }
        }
    };
    while at < bytes.len() {
        let tag = varint(&mut at);
        let content = match tag & 7 {
            0 => varint(&mut at).to_le_bytes().to_vec(),
            5 => {
                at += 4;
                bytes[at - 4..at].to_vec()
            }
            2 => {
                let length = varint(&mut at) as usize;
                at += length;
                bytes[at - length..at].to_vec()
            }
            other => panic!("wire type {other}"),
        };
        out.push((tag >> 3, content));
    }
    out
}

fn all(bytes: &[u8], field: u64) -> Vec<Vec<u8>> {
    fields(bytes).into_iter().filter(|(number, _)| *number == field).map(|(_, content)| content).collect()
}

fn text(bytes: &[u8], field: u64) -> String {
    String::from_utf8(all(bytes, field).remove(0)).unwrap()
}

/// Checks that every value is made before it is used and only once; returns the operators.
fn check_order(built: &Built) -> Vec<String> {
    let graph = all(&built.bytes, 7).remove(0);
    let mut known: Vec<String> = Vec::new();
    let mut operators = Vec::new();
    known.extend(all(&graph, 11).iter().map(|input| text(input, 1)));
    known.extend(all(&graph, 5).iter().map(|tensor| text(tensor, 8)));
    for node in all(&graph, 1) {
        for input in all(&node, 1) {
            let input = String::from_utf8(input).unwrap();
            assert!(known.contains(&input), "{input} is not made yet");
        }
        let output = text(&node, 2);
        assert!(!known.contains(&output), "{output} is made twice");
        known.push(output);
        operators.push(text(&node, 4));
    }
    for output in all(&graph, 12) {
        assert!(known.contains(&text(&output, 1)));
    }
    operators
}

#[test]
fn every_value_is_made_before_it_is_used_and_only_once() {
    for family in FAMILIES {
        for task in TASKS {
            for layout in [Layout::Matrix, Layout::Columns] {
                let package = package(parts(7, family, task));
                let built = build(&Subject::new(&package), layout).unwrap();
                check_order(&built);
                let names: Vec<String> = built.inputs.iter().map(|port| port.name.clone()).collect();
                assert_eq!(names, ["a b", "Farbe ü", "a_b", "count", "yes", "day"]);
            }
        }
    }
}

#[test]
fn deep_nets_are_graphs_of_their_operations() {
    let package = package(deep());
    let built = build(&Subject::new(&package), Layout::Matrix).unwrap();
    let operators = check_order(&built);
    for operator in ["LayerNormalization", "Softmax", "Conv", "MaxPool", "Gelu", "ReduceMax", "Where"] {
        assert!(operators.iter().any(|own| own == operator), "{operator} is absent");
    }
    let error = crate::export(package.bytes().to_vec(), Format::C).unwrap_err().to_string();
    assert!(error.contains("can't hold a deep net") && error.contains("export as onnx"), "{error}");
}

#[test]
fn texts_and_pixels_are_inputs_of_the_graph() {
    let package = package(with_text_and_image());
    let built = build(&Subject::new(&package), Layout::Matrix).unwrap();
    let operators = check_order(&built);
    for operator in ["Tokenizer", "TfIdfVectorizer", "StringNormalizer"] {
        assert!(operators.iter().any(|own| own == operator), "{operator} is absent");
    }
    let port = built.inputs.iter().find(|port| port.name == "photo").unwrap();
    assert_eq!((port.kind, port.width), (Float, 12));
    assert!(built.notes.iter().any(|note| note.contains("by channel, row and column")), "{:?}", built.notes);
    let error = build(&Subject::new(&package), Layout::Columns).unwrap_err().to_string();
    assert!(error.contains("no pixels"), "{error}");
}

#[test]
fn outputs_of_each_task() {
    let names = |task, layout| -> Vec<(String, PortKind, usize)> {
        let package = package(parts(7, Family::Boosting, task));
        let built = build(&Subject::new(&package), layout).unwrap();
        built.outputs.into_iter().map(|port| (port.name, port.kind, port.width)).collect()
    };
    let owned = |list: &[(&str, PortKind, usize)]| -> Vec<(String, PortKind, usize)> {
        list.iter().map(|(name, kind, width)| ((*name).to_owned(), *kind, *width)).collect()
    };
    assert_eq!(
        names(Task::Binary, Layout::Matrix),
        owned(&[
            ("label", Text, 1),
            ("probabilities", Float, 2),
            ("margin", Float, 1),
            ("decision", Bool, 1)
        ])
    );
    assert_eq!(names(Task::Regression, Layout::Matrix), owned(&[("prediction", Float, 1)]));
    assert_eq!(
        names(Task::Multiclass, Layout::Columns),
        owned(&[
            ("label", Text, 1),
            ("p_x", Float, 1),
            ("p_ÿ", Float, 1),
            ("p_z z", Float, 1),
            ("margin_x", Float, 1),
            ("margin_ÿ", Float, 1),
            ("margin_z z", Float, 1)
        ])
    );
}

#[test]
fn a_field_named_as_an_output_keeps_its_name() {
    let mut parts = parts(7, Family::Boosting, Task::Binary);
    parts.recipe.inputs[0].name = "label".to_owned();
    parts.recipe.inputs[2].name = "00_labelencoder".to_owned();
    let content = package(parts);
    let built = build(&Subject::new(&content), Layout::Matrix).unwrap();
    assert_eq!(built.inputs[0].name, "label");
    assert_eq!(built.outputs[0].name, "label_output");
    assert!(built.notes.iter().any(|note| note.contains("`label_output`")), "{:?}", built.notes);
}

#[test]
fn the_same_package_gives_the_same_bytes() {
    let package = package(parts(7, Family::Mlp, Task::Binary));
    let export = || crate::export(package.bytes().to_vec(), Format::Onnx).unwrap();
    let (one, two) = (export(), export());
    assert_eq!(one, two);
    let readme = String::from_utf8(one.files["README.md"].clone()).unwrap();
    assert!(readme.contains("| `Farbe ü` | string |") && readme.contains("microseconds"), "{readme}");
    assert!(readme.contains("from probability 0.25 on"), "{readme}");
}
