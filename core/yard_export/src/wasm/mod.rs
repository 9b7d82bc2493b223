//! A WebAssembly module that turns features into margins, with the JavaScript that makes features of a record and
//! an answer of margins: for trees and linear models, in browsers and under node. Sums are in the scorer's order
//! and the exponential is the scorer's, so that answers have the same bits.

mod code;
#[cfg(test)]
mod tests;

use crate::{error::ExportError, exported::Exported, subject::Subject};
use code::{Code, F32, F64, I32, module, op};
use serde_json::json;
use std::collections::BTreeMap;
use yard_score::model::{CATEGORY_SPLIT, LinearModel, Model, TreeEnsemble};
use yard_types::recipe::{Encoding, FeatureOp};

const LOADER: &str = include_str!("../../templates/model.mjs");
const GOLDEN: &str = include_str!("../../templates/golden.mjs");
const PAGE: &str = include_str!("../../templates/index.html");
/// Largest memory of a module here.
const MOST_BYTES: usize = 1 << 30;

const USAGE: &str = "\
`node golden.mjs` re-computes the golden examples bit by bit. Serve this folder with any web server and open
`index.html`: everything is computed in the page. In a program of your own: `import { load } from \"./model.mjs\"`.
";

/// Exports the module with its JavaScript.
pub(crate) fn export(subject: &Subject<'_>) -> Result<Exported, ExportError> {
    let refuse = |what: String, lost| {
        Err(ExportError::Unsupported { format: "WebAssembly", what, lost, instead: "onnx" })
    };
    let known = |op: &FeatureOp| {
        matches!(
            op,
            FeatureOp::Number { .. }
                | FeatureOp::MissingFlag
                | FeatureOp::Code
                | FeatureOp::OneHot { .. }
                | FeatureOp::Date { .. }
        )
    };
    if let Some(feature) = subject.parts.recipe.features.iter().find(|feature| !known(&feature.op)) {
        return refuse(format!("the feature `{}`", feature.name), "its computation");
    }
    let n_features = subject.parts.recipe.features.len();
    let outputs = subject.parts.model.outputs();
    let mut data = Data { start: (n_features + outputs) * 4, bytes: Vec::new() };
    let margins_at = n_features * 4;
    let (locals, code) = match &subject.parts.model {
        Model::Trees(model) => trees(model, margins_at, &mut data),
        Model::Linear(model) => linear(model, margins_at, &mut data),
        _ => return refuse(subject.family().to_owned(), "it holds trees and linear models"),
    };
    if data.bytes.len() > MOST_BYTES {
        return refuse(format!("a model of {} bytes", data.bytes.len()), "its memory has 1 GiB at most");
    }
    let bytes = module(&locals, code, (data.start, &data.bytes));
    let notes = vec![
        "Dates are read by the browser: give them as ISO 8601 with a time zone, or as microseconds since 1970."
            .to_owned(),
    ];
    let mut golden = Vec::new();
    for example in subject.golden {
        golden.extend(serde_json::to_vec(example).unwrap_or_default());
        golden.push(b'\n');
    }
    let usage = format!("{USAGE}\n{}", subject.field_table().replace("NaN", "null"));
    let readme = subject.readme("WebAssembly module", &usage, &notes);
    let facts = serde_json::to_vec(&facts(subject, margins_at)).unwrap_or_default();
    let files = BTreeMap::from([
        ("model.wasm".to_owned(), bytes),
        ("model.json".to_owned(), facts),
        ("model.mjs".to_owned(), LOADER.as_bytes().to_vec()),
        ("golden.mjs".to_owned(), GOLDEN.as_bytes().to_vec()),
        ("golden.jsonl".to_owned(), golden),
        ("index.html".to_owned(), PAGE.as_bytes().to_vec()),
        ("README.md".to_owned(), readme.into_bytes()),
    ]);
    Ok(Exported { files, main: None, notes })
}

/// What the JavaScript needs to know.
fn facts(subject: &Subject<'_>, margins_at: usize) -> serde_json::Value {
    let recipe = &subject.parts.recipe;
    let (slope, intercept) = subject.calibration();
    let fields: Vec<_> = recipe
        .inputs
        .iter()
        .map(|input| {
            json!({
                "name": input.name,
                "categories": input.categories,
                "null_words": input.rules.null_words,
                "fold_case": input.rules.fold_case,
            })
        })
        .collect();
    json!({
        "name": subject.name(),
        "version": subject.version,
        "model_sha256": subject.model_sha256.to_string(),
        "classes": subject.parts.classes,
        "link": subject.parts.link,
        "calibration": {"slope": slope, "intercept": intercept},
        "label_threshold": subject.label_threshold,
        "margin_threshold": subject.margin_threshold,
        "dense": recipe.encoding == Encoding::Dense,
        "features": recipe.features,
        "fields": fields,
        "features_at": 0,
        "margins_at": margins_at,
        "outputs": subject.parts.model.outputs(),
    })
}

/// The memory behind features and margins.
struct Data {
    start: usize,
    bytes: Vec<u8>,
}

impl Data {
    /// Adds an array of four-byte elements; returns its address.
    fn put(&mut self, values: impl IntoIterator<Item = [u8; 4]>) -> usize {
        let at = self.start + self.bytes.len();
        self.bytes.extend(values.into_iter().flatten());
        at
    }

    fn floats(&mut self, values: &[f32]) -> usize {
        self.put(values.iter().map(|value| value.to_le_bytes()))
    }

    fn whole(&mut self, values: &[i32]) -> usize {
        self.put(values.iter().map(|value| value.to_le_bytes()))
    }
}

/// Copies an array to the margins: local 0 counts.
fn start(code: &mut Code, (from, to): (usize, usize), outputs: usize) {
    code.i32(0).set(0).ops(&[op::LOOP, op::VOID]);
    code.get(0).i32(2).ops(&[op::SHL]).element(op::F32_LOAD, (from, 0)).memory(op::F32_STORE, to);
    code.next_below(0, outputs).ops(&[op::END]);
}

/// The arrays of all trees.
#[derive(Default)]
struct Arrays {
    feature: Vec<i32>,
    threshold: Vec<f32>,
    set: Vec<i32>,
    flags: Vec<i32>,
    left: Vec<i32>,
    right: Vec<i32>,
    leaves: Vec<f32>,
    words: Vec<i32>,
    roots: Vec<i32>,
    outputs: Vec<i32>,
}

impl Arrays {
    fn of(model: &TreeEnsemble) -> Self {
        let mut out = Self::default();
        for tree in &model.trees {
            let (first, first_leaf) = (out.feature.len() as i32, out.leaves.len() as i32);
            let place = |child: i32| if child >= 0 { child + first } else { child - first_leaf };
            out.roots.push(place(if tree.feature.is_empty() { -1 } else { 0 }));
            out.outputs.push(tree.output as i32);
            for node in 0..tree.feature.len() {
                let by_set = tree.flags[node] & CATEGORY_SPLIT != 0;
                out.feature.push(tree.feature[node] as i32);
                out.threshold.push(if by_set { 0.0 } else { tree.threshold[node] });
                let set = if by_set { tree.threshold[node] as i32 + out.words.len() as i32 } else { 0 };
                out.set.push(set);
                out.flags.push(i32::from(tree.flags[node]));
                out.left.push(place(tree.left[node]));
                out.right.push(place(tree.right[node]));
            }
            out.leaves.extend(&tree.leaf_value);
            out.words.extend(tree.category_words.iter().map(|word| *word as i32));
        }
        out
    }
}

/// Locals: 0 counts trees, 1 the place, 2 whether left, 3 a code, 4 a set, 5 the value.
fn trees(model: &TreeEnsemble, margins: usize, data: &mut Data) -> (Vec<u8>, Code) {
    let arrays = Arrays::of(model);
    let mut code = Code::default();
    let base = data.floats(&model.base);
    start(&mut code, (base, margins), model.base.len());
    if arrays.roots.is_empty() {
        return (vec![I32, I32, I32, I32, I32, F32], code);
    }
    let (feature, threshold) = (data.whole(&arrays.feature), data.floats(&arrays.threshold));
    let (set, flags) = (data.whole(&arrays.set), data.whole(&arrays.flags));
    let (left, right) = (data.whole(&arrays.left), data.whole(&arrays.right));
    let (leaves, words) = (data.floats(&arrays.leaves), data.whole(&arrays.words));
    let (roots, outputs) = (data.whole(&arrays.roots), data.whole(&arrays.outputs));
    code.i32(0).set(0).ops(&[op::LOOP, op::VOID]);
    code.element(op::I32_LOAD, (roots, 0)).set(1);
    code.ops(&[op::BLOCK, op::VOID, op::LOOP, op::VOID]);
    code.get(1).i32(0).ops(&[op::LT_S]).jump_if(1);
    code.element(op::I32_LOAD, (feature, 1)).i32(2).ops(&[op::SHL]).memory(op::F32_LOAD, 0).set(5);
    code.get(5).get(5).ops(&[op::F32_NE, op::IF, op::VOID]);
    code.element(op::I32_LOAD, (flags, 1)).i32(1).ops(&[op::AND]).set(2);
    code.ops(&[op::ELSE]);
    code.element(op::I32_LOAD, (flags, 1)).i32(2).ops(&[op::AND, op::IF, op::VOID]);
    member(&mut code, set, words);
    code.ops(&[op::ELSE]);
    code.get(5).element(op::F32_LOAD, (threshold, 1)).ops(&[op::F32_LE]).set(2);
    code.ops(&[op::END, op::END]);
    code.element(op::I32_LOAD, (left, 1)).element(op::I32_LOAD, (right, 1)).get(2).ops(&[op::SELECT]).set(1);
    code.ops(&[op::BR, 0, op::END, op::END]);
    // margins[output] += leaves[-(at + 1)]
    code.element(op::I32_LOAD, (outputs, 0)).i32(2).ops(&[op::SHL]).tee(3);
    code.get(3).memory(op::F32_LOAD, margins);
    code.i32(-1).get(1).ops(&[op::SUB]).i32(2).ops(&[op::SHL]).memory(op::F32_LOAD, leaves);
    code.ops(&[op::F32_ADD]).memory(op::F32_STORE, margins);
    code.next_below(0, arrays.roots.len()).ops(&[op::END]);
    (vec![I32, I32, I32, I32, I32, F32], code)
}

/// Whether the code in local 5 is in the set of the place, into local 2.
fn member(code: &mut Code, set: usize, words: usize) {
    code.i32(0).set(2);
    code.get(5).f32(0.0).ops(&[op::F32_LT]).get(5).f32(4_294_967_296.0).ops(&[op::F32_GE, op::OR]);
    code.ops(&[op::IF, op::VOID, op::ELSE]);
    code.get(5).ops(&[op::TRUNC_F32_U]).set(3);
    code.element(op::I32_LOAD, (set, 1)).set(4);
    code.get(3).i32(5).ops(&[op::SHR_U]).element(op::I32_LOAD, (words, 4)).ops(&[op::LT_U, op::IF, op::VOID]);
    code.get(4).i32(1).ops(&[op::ADD]).get(3).i32(5).ops(&[op::SHR_U, op::ADD]).set(4);
    code.element(op::I32_LOAD, (words, 4)).get(3).i32(31).ops(&[op::AND, op::SHR_U]).i32(1).ops(&[op::AND]);
    code.set(2).ops(&[op::END, op::END]);
}

/// Locals: 0 counts outputs, 1 features, 2 weights, 3 the sum.
fn linear(model: &LinearModel, margins: usize, data: &mut Data) -> (Vec<u8>, Code) {
    let (weights, bias) = (data.floats(&model.weights), data.floats(&model.bias));
    let most = f64::from(f32::MAX);
    let mut code = Code::default();
    code.i32(0).set(0).i32(0).set(2).ops(&[op::LOOP, op::VOID]);
    code.element(op::F32_LOAD, (bias, 0)).ops(&[op::PROMOTE]).set(3);
    code.i32(0).set(1).ops(&[op::LOOP, op::VOID]);
    code.get(3).element(op::F32_LOAD, (weights, 2)).ops(&[op::PROMOTE]);
    code.element(op::F32_LOAD, (0, 1)).ops(&[op::PROMOTE, op::F64_MUL, op::F64_ADD]).set(3);
    code.get(2).i32(1).ops(&[op::ADD]).set(2);
    code.next_below(1, model.n_features as usize).ops(&[op::END]);
    code.get(0).i32(2).ops(&[op::SHL]);
    code.get(3).f64(most).ops(&[op::F64_MIN]).f64(-most).ops(&[op::F64_MAX, op::DEMOTE]);
    code.memory(op::F32_STORE, margins);
    code.next_below(0, model.bias.len()).ops(&[op::END]);
    (vec![I32, I32, I32, F64], code)
}
