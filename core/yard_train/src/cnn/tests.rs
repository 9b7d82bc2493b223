//! Nets of convolutions on the bundled digits: learning, the scorer's answers against candle's, the same
//! bits, weights to start from, and what is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::{
    augment,
    net::{Batch, Mode, Net},
    params::CnnParams,
    plan::Plan,
};
use crate::{
    Context, TrainError, TrainInput, TrainOutput, images,
    test_data::{Data, Signal, context, spec, ticking},
    train,
    train_tests::Stopper,
};
use candle_core::{Device, Tensor};
use std::{path::Path, sync::atomic::AtomicU32};
use yard_score::{
    encode::{Encoder, Rows},
    model::{Calibration, Link, Model, ScorerParts},
    scorer::Scorer,
};
use yard_types::{
    command::NewProject,
    frame::{Frame, Task},
    image::ImageSpec,
    recipe::{Encoding, RecipeSpec},
    run::{Family, Params, RunSpec},
    schema::Schema,
    split::Split,
    table::Table,
};

struct Digits {
    table: Table,
    schema: Schema,
    frame: Frame,
    split: Split,
}

impl Digits {
    fn new() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sample-data/digits/images");
        let mut opened = yard_data::open(&path, &yard_data::ReadOptions::default()).unwrap();
        let facts = NewProject {
            target: Some("label".to_owned()),
            metric: Some("accuracy".to_owned()),
            ..NewProject::default()
        };
        let framed = yard_data::infer_frame(&mut opened, &facts).unwrap().unwrap();
        let (split, _) =
            yard_data::split(&opened.table, &opened.schema, &framed.frame, &framed.split).unwrap();
        Self { table: opened.table, schema: opened.schema, frame: framed.frame, split }
    }

    fn train(&self, spec: &RunSpec) -> TrainOutput {
        let Self { table, schema, frame, split } = self;
        let clock = ticking();
        train(&TrainInput { table, schema, frame, split }, spec, &context(2, &clock)).unwrap()
    }
}

const QUICK: [(&str, &str); 4] =
    [("epochs", "12"), ("channels", "8"), ("hidden", "32"), ("learning_rate", "0.01")];

fn with(more: &[(&str, &str)]) -> RunSpec {
    spec(Family::Cnn, &[&QUICK[..], more].concat())
}

fn accuracy(output: &TrainOutput) -> f64 {
    output.metrics["test"]["accuracy"].value
}

#[test]
fn digits_are_learnt_with_the_same_bits_each_time() {
    let digits = Digits::new();
    assert_eq!((digits.table.rows(), digits.frame.classes.len()), (300, 10));
    let output = digits.train(&with(&[]));
    assert!(accuracy(&output) > 0.85, "{}", accuracy(&output));
    assert!(
        output.recipe_lines[0].starts_with("image: image, 8 × 8 pixels, grey"),
        "{:?}",
        output.recipe_lines
    );
    assert_eq!(output.params["rotate"], "8");
    assert_eq!(digits.train(&with(&[])).parts, output.parts);
    let other = RunSpec { seed: 5, ..with(&[]) };
    assert_ne!(digits.train(&other).parts, output.parts);
    // Rows don't depend on the batch that they are scored in.
    let scorer = Scorer::new(&output.parts).unwrap();
    let all = scorer.score_table(&digits.table).unwrap().margins;
    for size in [1, 7, 300] {
        let mut margins = Vec::new();
        for from in (0..300).step_by(size) {
            let rows = Rows::Range(from, (from + size).min(300));
            margins.extend(scorer.score_rows(&digits.table, rows).unwrap().margins);
        }
        assert_eq!(margins, all, "{size}");
    }
}

#[test]
fn every_family_of_auto_learns_from_images() {
    let digits = Digits::new();
    let auto = digits.train(&RunSpec { device: "cpu".to_owned(), ..RunSpec::new(Family::Auto) });
    let tried: Vec<Family> = auto.trials.iter().map(|trial| trial.family).collect();
    assert!(tried.contains(&Family::Cnn), "{tried:?}");
    for trial in &auto.trials {
        let accuracy = trial.validation.get("accuracy").map_or(0.0, |metric| metric.value);
        assert!(accuracy > 0.6, "{}: {accuracy} {}", trial.family.word(), trial.note);
    }
    assert!(auto.parts.recipe.images[0].pixels() == 64);
}

/// Running means that moved, images and other features: candle's margins are the scorer's.
#[test]
fn candle_and_the_scorer_agree() {
    let digits = Digits::new();
    let rows: Vec<u32> = (0..60).collect();
    let fit =
        yard_data::fit_recipe(&digits.table, &rows, &digits.schema, &RecipeSpec::default(), Encoding::Dense);
    for side in [4, 8] {
        let mut recipe = fit.as_ref().unwrap().recipe.clone();
        let spec = ImageSpec { net_side: side, ..ImageSpec::default() };
        images::complete(&mut recipe, (&digits.table, &rows), (Family::Cnn, &spec)).unwrap();
        let params = CnnParams::read(&Params::new(), 60).unwrap();
        let plan = Plan::new(&recipe, &params, 10).unwrap();
        assert_eq!((plan.plain, plan.features()), (1, recipe.features.len()));
        let features = Encoder::new(&recipe).unwrap().encode(&digits.table, Rows::List(&rows)).unwrap();
        let batch = batch_of(&plan, &features);
        let mut net = Net::new(plan, (3, 0.3)).unwrap();
        for step in 0..6 {
            net.forward(&batch, Mode::Train(step)).unwrap();
        }
        let own: Vec<f32> =
            net.forward(&batch, Mode::Evaluate).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        let parts = ScorerParts {
            task: Task::Multiclass,
            classes: digits.frame.classes.clone(),
            recipe,
            link: Link::Softmax,
            calibration: Calibration::None,
            model: Model::Deep(net.to_deep().unwrap()),
        };
        let scored = Scorer::new(&parts).unwrap().score_features(&features).unwrap().margins;
        let gap = own.iter().zip(&scored).map(|(a, b)| (a - b).abs() / (1.0 + a.abs())).fold(0.0, f32::max);
        assert!(gap < 1e-5 && own.iter().any(|margin| margin.abs() > 0.05), "side {side}: {gap}");
    }
}

fn batch_of(plan: &Plan, features: &[f32]) -> Batch {
    let rows = features.len() / plan.features();
    let lines = || features.chunks_exact(plan.features());
    let images = plan.towers.iter().map(|tower| {
        let mut values = Vec::new();
        for line in lines() {
            augment::plain(tower, &line[tower.first..tower.first + tower.pixels()], &mut values);
        }
        let shape = (rows, tower.height, tower.width, tower.channels);
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    });
    let plain: Vec<f32> = lines().flat_map(|line| line[..plan.plain].to_vec()).collect();
    Batch {
        images: images.collect(),
        plain: Tensor::from_vec(plain, (rows, plan.plain), &Device::Cpu).unwrap(),
    }
}

#[test]
fn weights_of_a_file_are_a_better_start() {
    let digits = Digits::new();
    let first = digits.train(&with(&[]));
    let Model::Deep(net) = &first.parts.model else { panic!("a deep net") };
    let mut arrays = std::collections::HashMap::new();
    for (at, op) in net.ops.iter().enumerate() {
        for (name, values) in op.arrays() {
            let tensor = Tensor::from_slice(values, values.len(), &Device::Cpu).unwrap();
            arrays.insert(format!("op.{at}.{name}"), tensor);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    candle_core::safetensors::save(&arrays, &path).unwrap();
    let path = path.to_str().unwrap();
    let again = digits.train(&with(&[("weights", path), ("epochs", "1"), ("learning_rate", "0.001")]));
    assert!(again.notes.iter().any(|note| note.starts_with("6 layers start")), "{:?}", again.notes);
    let (from, to) = (first.curve[0].train_loss, again.curve[0].train_loss);
    assert!(to < 0.7 * from, "{from} {to}");
    let error = |weights: &str| {
        let Digits { table, schema, frame, split } = &digits;
        let (clock, spec) = (ticking(), with(&[("weights", weights)]));
        let input = TrainInput { table, schema, frame, split };
        train(&input, &spec, &context(2, &clock)).unwrap_err().to_string()
    };
    assert!(error("/no/such.safetensors").contains("weights=\"/no/such.safetensors\""));
    std::fs::write(folder.path().join("bad.safetensors"), b"hello").unwrap();
    assert!(error(folder.path().join("bad.safetensors").to_str().unwrap()).contains("op.N.weights"));
}

#[test]
fn a_net_stops_when_told() {
    let Digits { table, schema, frame, split } = &Digits::new();
    let clock = ticking();
    for after in [1, 2, 4] {
        let stopper = Stopper(AtomicU32::new(after));
        let context = Context::new(2, &stopper, &clock);
        let ended = train(&TrainInput { table, schema, frame, split }, &with(&[]), &context);
        assert!(matches!(ended, Err(TrainError::Cancelled)), "after {after}");
    }
}

#[test]
fn tables_without_images_and_folders_without_any_readable_are_refused() {
    let data = Data::new(Task::Binary, Signal::Sum, 60);
    let clock = ticking();
    let error = train(&data.input(), &spec(Family::Cnn, &[]), &context(1, &clock)).unwrap_err().to_string();
    assert!(error.contains("needs a column of images"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    for class in ["a", "b"] {
        std::fs::create_dir(folder.path().join(class)).unwrap();
        for at in 0..20 {
            std::fs::write(folder.path().join(class).join(format!("{at}.png")), b"no image").unwrap();
        }
    }
    let mut opened = yard_data::open(folder.path(), &yard_data::ReadOptions::default()).unwrap();
    let facts = NewProject { target: Some("label".to_owned()), ..NewProject::default() };
    let framed = yard_data::infer_frame(&mut opened, &facts).unwrap().unwrap();
    let (split, _) = yard_data::split(&opened.table, &opened.schema, &framed.frame, &framed.split).unwrap();
    let input =
        TrainInput { table: &opened.table, schema: &opened.schema, frame: &framed.frame, split: &split };
    let error = train(&input, &spec(Family::Cnn, &[]), &context(1, &clock)).unwrap_err().to_string();
    assert!(error.contains("can be read") && error.contains("PNG or JPEG"), "{error}");
}

/// Stopped again and again with a checkpoint, until it ends by itself.
#[test]
fn a_stopped_net_goes_on_and_ends_with_the_same_bits() {
    let digits = Digits::new();
    let Digits { table, schema, frame, split } = &digits;
    let spec = with(&[("epochs", "2"), ("checkpoint", "2"), ("ema", "0.5"), ("accumulate", "2")]);
    let whole = digits.train(&spec);
    let (folder, clock) = (tempfile::tempdir().unwrap(), ticking());
    let mut stops = 0;
    let ended = loop {
        let stopper = Stopper(AtomicU32::new(8));
        let checkpoints = Some(folder.path().to_path_buf());
        let context = Context { checkpoints, ..Context::new(2, &stopper, &clock) };
        match train(&TrainInput { table, schema, frame, split }, &spec, &context) {
            Ok(output) => break output,
            Err(TrainError::Cancelled) => stops += 1,
            Err(error) => panic!("{error}"),
        }
        assert!(stops < 100, "it gets no further");
    };
    assert!(stops > 0);
    assert_eq!(ended.parts, whole.parts);
    assert_eq!(ended.curve, whole.curve);
}
