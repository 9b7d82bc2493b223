//! The text encoder in training: bits, resumption, and encoders from folders (`tests/fixtures/tiny_bert`,
//! made and computed by `tiny_bert.py` there).
#![allow(clippy::unwrap_used, clippy::panic)]

use super::{
    net::{Net, Plan},
    ops::list,
};
use crate::{
    Context, Observer, TrainError, TrainOutput, encoder,
    test_data::{Data, Signal, spec, ticking},
    train,
};
use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};
use yard_score::{
    deep::{DeepNet, DeepOp},
    model::{Calibration, Link, Model, ScorerParts},
    scorer::Scorer,
};
use yard_types::{
    cell::CellRules,
    frame::Task,
    pieces::FittedPieces,
    recipe::{Encoding, FittedInput, FittedRecipe},
    rng::Rng,
    run::{Family, Params},
    schema::{FieldType, Role},
    table::{Column, TextColumn},
};

/// "not" before "good" tells the class, which the words alone don't.
fn data(rows: usize) -> Data {
    let mut data = Data::new(Task::Binary, Signal::Noise, rows);
    let Column::Text(target) = data.table.column("y").unwrap().clone() else { panic!("classes") };
    let mut rng = Rng::new(2, 2);
    let mut word = || ["film", "soup", "very", "a"][rng.below(4) as usize];
    let texts: Vec<String> = (0..rows)
        .map(|row| {
            let told = if target.get(row) == Some("yes") { "not good" } else { "good not" };
            format!("{} {} {told} {} {} in the long evening of that day", word(), word(), word(), row % 97)
        })
        .collect();
    let column = Column::Text(TextColumn::from_cells(texts.iter().map(|text| Some(text.as_str()))));
    data.set("colour", &column);
    let field = data.schema.fields.iter_mut().find(|field| field.name == "colour").unwrap();
    (field.field_type, field.role) = (FieldType::Text, Role::Feature);
    data.frame.protected.clear();
    data
}

/// Stops after so many questions.
struct Stopper(AtomicU32);

impl Observer for Stopper {
    fn cancelled(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) == 0
    }
}

fn run(data: &Data, family: Family, params: &[(&str, &str)], threads: usize) -> TrainOutput {
    try_run((data, family), params, (threads, u32::MAX), None).unwrap()
}

fn try_run(
    (data, family): (&Data, Family),
    params: &[(&str, &str)],
    (threads, after): (usize, u32),
    folder: Option<PathBuf>,
) -> Result<TrainOutput, TrainError> {
    let (clock, stopper) = (ticking(), Stopper(AtomicU32::new(after)));
    let context = Context { checkpoints: folder, ..Context::new(threads, &stopper, &clock) };
    train(&data.input(), &spec(family, params), &context)
}

const QUICK: [(&str, &str); 7] = [
    ("width", "16"),
    ("blocks", "1"),
    ("epochs", "8"),
    ("pieces", "100"),
    ("max_pieces", "12"),
    ("learning_rate", "0.005"),
    ("dropout", "0.1"),
];

#[test]
fn the_order_of_words_is_learnt_with_the_same_bits_for_any_threads() {
    let data = data(600);
    let output = run(&data, Family::Text, &QUICK, 1);
    let auc = output.metrics["test"]["roc_auc"].value;
    assert!(auc > 0.95, "{auc}");
    assert_eq!(run(&data, Family::Text, &QUICK, 2).parts, output.parts);
    let more = [&QUICK[..], &[("accumulate", "2"), ("batch", "16"), ("ema", "0.9")]].concat();
    assert!(run(&data, Family::Text, &more, 2).metrics["test"]["roc_auc"].value > 0.9);
}

/// Stopped at one step after another, each time with a checkpoint, until it ends by itself.
#[test]
fn stopped_nets_go_on_and_end_with_the_same_bits() {
    let data = data(300);
    let short = [("epochs", "3"), ("checkpoint", "3"), ("batch", "16")];
    let table = [
        ("width", "16"),
        ("blocks", "1"),
        ("epochs", "3"),
        ("checkpoint", "3"),
        ("ema", "0.5"),
        ("batch", "16"),
    ];
    let text = [&QUICK[..2], &QUICK[3..], &short].concat();
    let numbers = Data::new(Task::Binary, Signal::Sum, 300);
    for (family, data, params) in [
        (Family::Text, &data, &text[..]),
        (Family::Transformer, &numbers, &table[..]),
        (Family::Resnet, &numbers, &table[..]),
    ] {
        let whole = run(data, family, params, 2);
        let folder = tempfile::tempdir().unwrap();
        let place = || Some(folder.path().to_path_buf());
        let mut stops = 0;
        let ended = loop {
            match try_run((data, family), params, (2, 12), place()) {
                Ok(output) => break output,
                Err(TrainError::Cancelled) => stops += 1,
                Err(error) => panic!("{error}"),
            }
            assert!(stops < 100, "{family:?} gets no further");
        };
        assert!(stops > 1, "{family:?}");
        assert_eq!(ended.parts, whole.parts, "{family:?}");
        assert_eq!(ended.curve, whole.curve, "{family:?}");
    }
}

fn tiny() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny_bert")
}

/// Mean of the last hidden states as margins.
fn tiny_net() -> (FittedRecipe, DeepNet) {
    let folder = tiny();
    let folder = folder.to_str().unwrap();
    let tokenizer = encoder::tokenizer(folder, ["Not good!", "filmly ünb"].into_iter()).unwrap();
    let pretrained = encoder::pretrained(folder, 24).unwrap();
    let input = FittedInput {
        name: "note".to_owned(),
        field_type: FieldType::Text,
        rules: CellRules::default(),
        categories: Vec::new(),
    };
    let mut recipe = FittedRecipe {
        encoding: Encoding::Dense,
        inputs: vec![input],
        texts: Vec::new(),
        images: Vec::new(),
        pieces: Vec::new(),
        features: Vec::new(),
    };
    recipe.add_pieces(FittedPieces { input: 0, first: 0, length: 24, tokenizer });
    let mut ops = vec![DeepOp::Input { first: 0, count: 24 }];
    ops.extend(pretrained.ops);
    ops.push(DeepOp::MeanPool);
    (recipe, DeepNet { n_features: 24, outputs: 32, ops, scale: 1.0, shift: 0.0 })
}

#[derive(serde::Deserialize)]
struct Reference {
    ids: Vec<u32>,
    mean: Vec<f64>,
}

#[test]
fn an_encoder_from_a_folder_gives_the_reference_numbers_in_training_and_scoring() {
    let (recipe, net) = tiny_net();
    let text = std::fs::read_to_string(tiny().join("reference.json")).unwrap();
    let reference: Vec<Reference> = serde_json::from_str(&text).unwrap();
    let mut x = vec![0.0_f32; 24 * reference.len()];
    for (row, own) in x.chunks_exact_mut(24).zip(&reference) {
        row.iter_mut().zip(&own.ids).for_each(|(slot, id)| *slot = (id + 1) as f32);
    }
    let parts = ScorerParts {
        task: Task::Multiclass,
        classes: (0..32).map(|class| format!("{class:02}")).collect(),
        recipe,
        link: Link::Softmax,
        calibration: Calibration::None,
        model: Model::Deep(net.clone()),
    };
    let scored = Scorer::new(&parts).unwrap().score_features(&x).unwrap().margins;
    let ops = net.ops.len();
    let plan = Plan { net, drops: vec![0.0; ops], fixed: 0..ops, adapters: (4, 8.0) };
    let trained = list(&Net::new(plan, 3).unwrap().forward(&x, None).unwrap()).unwrap();
    for (at, expected) in reference.iter().flat_map(|own| &own.mean).enumerate() {
        for own in [scored[at], trained[at]] {
            assert!((f64::from(own) - expected).abs() < 1e-4, "{at}: {own} {expected}");
        }
    }
}

/// Changes of low rank that are not zero: merged, they give the margins of training.
#[test]
fn merged_changes_give_the_same_margins() {
    let (_, net) = tiny_net();
    let ops = net.ops.len();
    let plan = Plan { net, drops: vec![0.0; ops], fixed: 0..ops, adapters: (3, 6.0) };
    let net = Net::new(plan, 3).unwrap();
    let (mut weights, segments) = net.weights().unwrap();
    assert_eq!(segments.len(), 2 * 8, "two arrays for each of the dense layers");
    let mut rng = Rng::new(1, 1);
    for weight in &mut weights {
        *weight += (rng.normal() * 0.05) as f32;
    }
    net.set_weights(&weights).unwrap();
    let x: Vec<f32> = (0..24).map(|at| if at < 9 { (at * 5 % 60 + 3) as f32 } else { 0.0 }).collect();
    let before = list(&net.forward(&x, None).unwrap()).unwrap();
    let merged = net.to_deep().unwrap();
    let plan = Plan { net: merged, drops: vec![0.0; ops], fixed: 0..ops, adapters: (0, 1.0) };
    let after = list(&Net::new(plan, 3).unwrap().forward(&x, None).unwrap()).unwrap();
    let (_, start) = tiny_net();
    let plan = Plan { net: start, drops: vec![0.0; ops], fixed: 0..ops, adapters: (0, 1.0) };
    let start = list(&Net::new(plan, 3).unwrap().forward(&x, None).unwrap()).unwrap();
    let apart = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(apart(&before, &after) < 1e-5 && apart(&before, &start) > 1e-3);
}

#[test]
fn fine_tuning_lowers_the_loss_and_leaves_a_plain_net() {
    let data = data(400);
    let folder = tiny();
    let given = [("weights", folder.to_str().unwrap()), ("epochs", "10"), ("learning_rate", "0.005")];
    for rank in ["4", "0"] {
        let output = run(&data, Family::Text, &[&given[..], &[("rank", rank)]].concat(), 2);
        let (first, last) = (&output.curve[0], output.curve.last().unwrap());
        assert!(last.train_loss < 0.8 * first.train_loss, "{rank}: {:?}", output.curve);
        let note = output.notes.iter().find(|note| note.starts_with("starts from Bert, 2 layers"));
        assert!(note.is_some(), "{:?}", output.notes);
        assert_eq!(output.parts.recipe.pieces[0].length, 24, "no more than the positions");
        let Model::Deep(net) = &output.parts.model else { panic!("a deep net") };
        let dense = net.ops.iter().filter(|op| matches!(op, DeepOp::Dense { .. })).count();
        assert_eq!(dense, 2 * 4 + 2);
    }
}

/// Copies the folder with one file changed; returns what training says.
fn said(change: impl Fn(&Path)) -> String {
    let folder = tempfile::tempdir().unwrap();
    for name in ["config.json", "tokenizer.json", "model.safetensors"] {
        std::fs::copy(tiny().join(name), folder.path().join(name)).unwrap();
    }
    change(folder.path());
    let weights = folder.path().to_str().unwrap().to_owned();
    let given = Params::from([("weights".to_owned(), weights), ("epochs".to_owned(), "1".to_owned())]);
    let given: Vec<(&str, &str)> =
        given.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    try_run((&data(300), Family::Text), &given, (1, u32::MAX), None).unwrap_err().to_string()
}

fn edit(folder: &Path, name: &str, from: &str, to: &str) {
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    assert!(text.contains(from), "{name}: {from}");
    std::fs::write(folder.join(name), text.replacen(from, to, 1)).unwrap();
}

/// Writes weights whose only array has 2^64 values.
fn write_endless(folder: &Path) {
    let header = "{\"embeddings.word_embeddings.weight\":{\"dtype\":\"F32\",\
                  \"shape\":[9223372036854775808,2],\"data_offsets\":[0,8]}}";
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend([0; 8]);
    std::fs::write(folder.join("model.safetensors"), bytes).unwrap();
}

/// What is done to a folder.
type Change = Box<dyn Fn(&Path)>;

fn remove(folder: &Path, name: &str) {
    std::fs::remove_file(folder.join(name)).unwrap();
}

#[test]
fn hostile_folders_are_refused_by_name() {
    let checks: Vec<(&str, Change)> = vec![
        ("config.json: ", Box::new(|folder| remove(folder, "config.json"))),
        ("tokenizer.json: ", Box::new(|folder| remove(folder, "tokenizer.json"))),
        ("model.safetensors is not there", Box::new(|folder| remove(folder, "model.safetensors"))),
        (
            "pytorch_model.bin is a pickled file",
            Box::new(|folder| {
                std::fs::rename(folder.join("model.safetensors"), folder.join("pytorch_model.bin")).unwrap();
            }),
        ),
        ("config.json is no JSON", Box::new(|folder| edit(folder, "config.json", "{", "["))),
        ("model_type \"gpt2\"", Box::new(|folder| edit(folder, "config.json", "\"bert\"", "\"gpt2\""))),
        (
            "hidden_size is 9223372036854775807",
            Box::new(|folder| {
                edit(folder, "config.json", "\"hidden_size\": 32", "\"hidden_size\": 9223372036854775807");
            }),
        ),
        (
            "expected [68, 36]",
            Box::new(|folder| {
                edit(folder, "config.json", "\"hidden_size\": 32", "\"hidden_size\": 36");
            }),
        ),
        ("activation \"relu\"", Box::new(|folder| edit(folder, "config.json", "\"gelu\"", "\"relu\""))),
        (
            "can't do the normaliser",
            Box::new(|folder| {
                edit(folder, "tokenizer.json", "BertNormalizer", "Precompiled");
            }),
        ),
        (
            "a vocabulary of 67",
            Box::new(|folder| {
                edit(folder, "config.json", "\"vocab_size\": 68", "\"vocab_size\": 67");
            }),
        ),
        ("model.safetensors: ", Box::new(write_endless)),
        (
            "model.safetensors: ",
            Box::new(|folder| {
                std::fs::write(folder.join("model.safetensors"), [255; 40]).unwrap();
            }),
        ),
        (
            "has NaN at position",
            Box::new(|folder| {
                let path = folder.join("model.safetensors");
                let mut bytes = std::fs::read(&path).unwrap();
                let end = bytes.len();
                bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
                std::fs::write(path, bytes).unwrap();
            }),
        ),
    ];
    for (word, change) in checks {
        let text = said(change);
        assert!(text.contains(word) && text.contains("weights=\""), "{word}: {text}");
    }
}
