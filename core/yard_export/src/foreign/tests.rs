#![allow(clippy::unwrap_used, clippy::expect_used)]
//! Models written here, message by message, and what is refused of them.

use crate::onnx::protobuf::Message;
use std::collections::BTreeSet;
use yard_score::{model::Model, scorer::Scorer};

fn tensor(name: &str, sizes: &[i64], values: &[f32]) -> Message {
    let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    Message::new().ints(1, sizes).int(2, 1).text(8, name).bytes(9, &raw)
}

fn ints(name: &str, values: &[i64]) -> Message {
    Message::new().text(1, name).ints(8, values).int(20, 7)
}

fn floats(name: &str, values: &[f32]) -> Message {
    Message::new().text(1, name).floats(7, values).int(20, 6)
}

fn texts(name: &str, values: &[&str]) -> Message {
    values.iter().fold(Message::new().text(1, name), |out, value| out.text(9, value)).int(20, 8)
}

fn text(name: &str, value: &str) -> Message {
    Message::new().text(1, name).text(4, value).int(20, 3)
}

fn node(operator: &str, inputs: &[&str], output: &str, attributes: Vec<Message>) -> Message {
    let out = inputs.iter().fold(Message::new(), |out, input| out.text(1, input));
    out.text(2, output).text(4, operator).messages(5, attributes)
}

fn input(kind: i64, sizes: &[i64]) -> Message {
    let size =
        |size: &i64| if *size == 0 { Message::new().text(2, "N") } else { Message::new().int(1, *size) };
    let shape = Message::new().messages(1, sizes.iter().map(size));
    let tensor = Message::new().int(1, kind).message(2, &shape);
    Message::new().text(1, "x").message(2, &Message::new().message(1, &tensor))
}

fn model(nodes: Vec<Message>, constants: Vec<Message>) -> Vec<u8> {
    with_input(&input(1, &[0, 2]), nodes, constants)
}

fn with_input(input: &Message, nodes: Vec<Message>, constants: Vec<Message>) -> Vec<u8> {
    let graph = Message::new().messages(1, nodes).messages(5, constants).message(11, input);
    Message::new().int(1, 8).text(2, "test").message(7, &graph).into_bytes()
}

fn margins(bytes: &[u8], row: &[f32]) -> Vec<f32> {
    let imported = crate::import(bytes).unwrap();
    let scorer = Scorer::new(&imported.parts).unwrap();
    scorer.score_features(row).unwrap().margins
}

/// A tree of one split, with attributes replaced by name.
fn stump(replace: Vec<(&str, Message)>) -> Vec<u8> {
    let mut attributes = vec![
        ("nodes_treeids", ints("nodes_treeids", &[0, 0, 0])),
        ("nodes_nodeids", ints("nodes_nodeids", &[0, 1, 2])),
        ("nodes_featureids", ints("nodes_featureids", &[1, 0, 0])),
        ("nodes_modes", texts("nodes_modes", &["BRANCH_LT", "LEAF", "LEAF"])),
        ("nodes_values", floats("nodes_values", &[0.5, 0.0, 0.0])),
        ("nodes_truenodeids", ints("nodes_truenodeids", &[1, 0, 0])),
        ("nodes_falsenodeids", ints("nodes_falsenodeids", &[2, 0, 0])),
        ("target_treeids", ints("target_treeids", &[0, 0])),
        ("target_nodeids", ints("target_nodeids", &[1, 2])),
        ("target_ids", ints("target_ids", &[0, 0])),
        ("target_weights", floats("target_weights", &[-1.5, 2.0])),
    ];
    for (name, value) in replace {
        attributes.retain(|(own, _)| *own != name);
        attributes.push((name, value));
    }
    let attributes = attributes.into_iter().map(|(_, value)| value).collect();
    model(vec![node("TreeEnsembleRegressor", &["x"], "y", attributes)], vec![])
}

#[test]
fn trees_compare_as_they_say() {
    let tree = |mode: &str| stump(vec![("nodes_modes", texts("nodes_modes", &[mode, "LEAF", "LEAF"]))]);
    for (mode, at, below, above) in [
        ("BRANCH_LT", 2.0, -1.5, 2.0),
        ("BRANCH_LEQ", -1.5, -1.5, 2.0),
        ("BRANCH_GT", 2.0, 2.0, -1.5),
        ("BRANCH_GTE", -1.5, 2.0, -1.5),
    ] {
        let bytes = tree(mode);
        let score = |x| margins(&bytes, &[0.0, x])[0];
        assert_eq!((score(0.5), score(0.25), score(0.75)), (at, below, above), "{mode}");
        assert_eq!(score(f32::NAN), 2.0, "{mode}: nothing is true of a missing value");
    }
}

#[test]
fn layers_are_a_net() {
    let nodes = vec![
        node("Gemm", &["x", "w", "b"], "h", vec![]),
        node("Relu", &["h"], "r", vec![]),
        node("MatMul", &["r", "v"], "o", vec![]),
        node("Add", &["o", "c"], "s", vec![]),
        node("Softmax", &["s"], "p", vec![]),
    ];
    let constants = vec![
        tensor("w", &[2, 2], &[1.0, -1.0, 2.0, 0.5]),
        tensor("b", &[2], &[0.5, 0.0]),
        tensor("v", &[2, 3], &[1.0, 0.0, 2.0, 0.0, 1.0, -1.0]),
        tensor("c", &[3], &[0.0, 0.25, 0.0]),
    ];
    let bytes = model(nodes, constants);
    // h = [1 + 6 + 0.5, -1 + 1.5] = [7.5, 0.5]
    assert_eq!(margins(&bytes, &[1.0, 3.0]), [7.5, 0.75, 14.5]);
    let imported = crate::import(&bytes).unwrap();
    assert!(matches!(imported.parts.model, Model::Deep(_)));
    let facts = crate::ImportFacts {
        name: "net",
        file: "m.onnx",
        at: "2024-01-01T00:00:00Z".into(),
        written_by: "test".into(),
    };
    let report = yard_package::verify(&imported.to_package(&facts).unwrap());
    assert_eq!((report.golden.equal, report.golden.total >= 20), (report.golden.total, true));
}

#[test]
fn linear_models_keep_their_weights() {
    let attributes = |post: &str| {
        vec![
            floats("coefficients", &[-0.5, 1.0, 0.5, -1.0]),
            floats("intercepts", &[-0.25, 0.25]),
            texts("classlabels_strings", &["no", "yes"]),
            text("post_transform", post),
        ]
    };
    let scaler =
        node("Scaler", &["x"], "z", vec![floats("offset", &[1.0, 0.0]), floats("scale", &[2.0, 1.0])]);
    let bytes = model(vec![scaler, node("LinearClassifier", &["z"], "l", attributes("LOGISTIC"))], vec![]);
    let imported = crate::import(&bytes).unwrap();
    assert_eq!(imported.parts.classes, ["no", "yes"]);
    let scorer = Scorer::new(&imported.parts).unwrap();
    let request = serde_json::json!({"x0": 3.0, "x1": 2.0});
    let row = scorer.row_from_json(request.as_object().unwrap()).unwrap();
    let mut scratch = scorer.scratch();
    assert_eq!(scorer.score_row(&row, &mut scratch).unwrap().margins, [0.5 * 4.0 - 2.0 + 0.25]);
    let error =
        crate::import(&model(vec![node("LinearClassifier", &["x"], "l", attributes("PROBIT"))], vec![]));
    assert!(error.unwrap_err().to_string().contains("PROBIT"));
}

/// Files that must be refused, each for a reason of its own.
fn hostile() -> Vec<Vec<u8>> {
    let constant = |tensor: Message| model(vec![node("MatMul", &["x", "w"], "y", vec![])], vec![tensor]);
    let graph = |graph: Message| Message::new().int(1, 8).message(7, &graph).into_bytes();
    let external = |place: &str| {
        let entry = Message::new().text(1, "location").text(2, place);
        constant(Message::new().ints(1, &[2, 1]).int(2, 1).text(8, "w").message(13, &entry).int(14, 1))
    };
    let whole = constant(tensor("w", &[2, 1], &[1.0, 2.0]));
    let mut list = vec![
        b"".to_vec(),
        b"\x80\x04\x95 a pickle".to_vec(),
        b"PK\x03\x04 keras".to_vec(),
        b"\x89HDF".to_vec(),
        b"\x1f\x8b gzip".to_vec(),
        b"\x1c\0\0\0TFL3".to_vec(),
        b"{L ubjson".to_vec(),
        b"\xff\xfe binary".to_vec(),
        b"plain text".to_vec(),
        // The wire.
        b"\x08".to_vec(),
        b"\x08\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01".to_vec(),
        b"\x08\x08\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f".to_vec(),
        b"\x08\x08\x3a\x05ab".to_vec(),
        b"\x08\x08\x0f".to_vec(),
        b"\x08\x08\x02\x00".to_vec(),
        b"\x08\x08\x3d\x01".to_vec(),
        b"\x08\x08\x39\x01".to_vec(),
        b"\x08\x08\xf8\xff\xff\xff\xff\x7f\x00".to_vec(),
        b"\x08\x08".to_vec(),
        whole[..whole.len() - 9].to_vec(),
        // The model around the graph.
        [whole.clone(), Message::new().message(7, &Message::new()).into_bytes()].concat(),
        [whole.clone(), Message::new().text(25, "f").into_bytes()].concat(),
        [whole.clone(), Message::new().text(20, "t").into_bytes()].concat(),
        [whole.clone(), Message::new().message(8, &Message::new().int(2, 99)).into_bytes()].concat(),
        [whole, Message::new().message(8, &Message::new().text(1, "ai.onnx.ml").int(2, 77)).into_bytes()]
            .concat(),
        // Inputs.
        graph(Message::new()),
        with_input(&input(11, &[0, 2]), vec![], vec![]),
        with_input(&input(1, &[0]), vec![], vec![]),
        with_input(&input(1, &[0, i64::MAX, i64::MAX]), vec![], vec![]),
        with_input(&input(1, &[0, -5]), vec![], vec![]),
        model(vec![], vec![]),
        graph(Message::new().bytes(15, b"")),
        graph(Message::new().message(1, &Message::new().bytes(4, b"\xff\xfe"))),
        graph(Message::new().message(1, &Message::new().text(4, &"n".repeat(5000)))),
        graph(Message::new().messages(1, vec![Message::new(); 10_001])),
        // Constants.
        constant(tensor("w", &[2, 1], &[1.0])),
        constant(tensor("w", &[-2, 1], &[1.0, 2.0])),
        constant(tensor("w", &[i64::MAX, i64::MAX], &[1.0])),
        constant(tensor("w", &[2, 1], &[1.0, f32::NAN])),
        constant(tensor("w", &[2, 1], &[f32::INFINITY, 1.0])),
        constant(tensor("w", &[3, 1], &[1.0, 2.0, 3.0])),
        constant(tensor("w", &[2], &[1.0, 2.0])),
        constant(tensor("other", &[2, 1], &[1.0, 2.0])),
        constant(Message::new().ints(1, &[2, 1]).int(2, 1).text(8, "w").bytes(9, b"abc")),
        constant(Message::new().ints(1, &[2, 1]).int(2, 1).text(8, "w").bytes(4, b"abcde")),
        constant(Message::new().int(2, 1).text(8, "w").bytes(1, b"\xff")),
        constant(Message::new().ints(1, &[2, 1]).int(2, 1).text(8, "w").int(14, 1)),
        model(vec![], vec![tensor("w", &[1], &[1.0]), tensor("w", &[1], &[1.0])]),
        external("../../etc/passwd"),
        external("/etc/passwd"),
        external("a/../../b"),
        external("C:\\weights.bin"),
        external("file:///weights"),
    ];
    list.extend(hostile_operators());
    list.extend(hostile_trees());
    list
}

fn hostile_operators() -> Vec<Vec<u8>> {
    let one = |operator: &str| model(vec![node(operator, &["x"], "y", vec![])], vec![]);
    vec![
        one("If"),
        one("Loop"),
        one("Einsum"),
        one("StringNormalizer"),
        model(vec![node("Python", &["x"], "y", vec![]).text(7, "evil.domain")], vec![]),
        model(vec![node("If", &["x"], "y", vec![Message::new().text(1, "then").bytes(6, b"")])], vec![]),
        model(vec![node("Add", &["x", "x"], "y", vec![])], vec![]),
        model(vec![node("Relu", &["nothing"], "y", vec![]), node("Relu", &["z"], "q", vec![])], vec![]),
        one("Relu"),
        one("Conv"),
        one("LinearRegressor"),
    ]
}

fn hostile_trees() -> Vec<Vec<u8>> {
    let change = |name: &'static str, value: Message| stump(vec![(name, value)]);
    let whole = |name: &'static str, values: &[i64]| change(name, ints(name, values));
    vec![
        whole("nodes_truenodeids", &[9, 0, 0]),
        whole("nodes_truenodeids", &[0, 0, 0]),
        whole("nodes_falsenodeids", &[1, 0, 0]),
        whole("nodes_featureids", &[7, 0, 0]),
        whole("nodes_featureids", &[-1, 0, 0]),
        whole("nodes_nodeids", &[0, 1, 1]),
        whole("nodes_treeids", &[0, 0]),
        whole("target_nodeids", &[1, 5]),
        whole("target_ids", &[0, 1_000_000]),
        whole("target_ids", &[0]),
        change("nodes_values", floats("nodes_values", &[f32::NAN, 0.0, 0.0])),
        change("target_weights", floats("target_weights", &[f32::INFINITY, 0.0])),
        change("base_values", floats("base_values", &[1.0, 2.0, 3.0])),
        change("nodes_modes", texts("nodes_modes", &["BRANCH_NEQ", "LEAF", "LEAF"])),
        change("post_transform", text("post_transform", "PROBIT")),
        change("n_targets", Message::new().text(1, "n_targets").int(3, 4)),
        change("nodes_values_as_tensor", Message::new().text(1, "nodes_values_as_tensor")),
    ]
}

#[test]
fn hostile_files_are_refused_each_for_its_own_reason() {
    let mut said = BTreeSet::new();
    let files = hostile();
    for (index, file) in files.iter().enumerate() {
        let error = crate::import(file).map(|_| ()).expect_err(&format!("file {index}")).to_string();
        assert!(!error.is_empty() && error.chars().count() < 700, "{error}");
        said.insert(error);
    }
    assert!(files.len() >= 75 && said.len() >= 60, "{} reasons for {} files", said.len(), files.len());
}

#[test]
fn changed_bytes_never_panic() {
    let good = [
        stump(vec![]),
        model(vec![node("MatMul", &["x", "w"], "y", vec![])], vec![tensor("w", &[2, 1], &[1.0, 2.0])]),
    ];
    for file in good {
        assert!(crate::import(&file).is_ok());
        for at in 0..file.len() {
            for change in [1_u8, 0x80, 0xff] {
                let mut bytes = file.clone();
                bytes[at] ^= change;
                let _ = crate::import(&bytes);
            }
            let _ = crate::import(&file[..at]);
        }
    }
}
