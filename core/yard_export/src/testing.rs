//! Small models of each family and task for tests, drawn from counters: the same seed, the same model.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use yard_metrics::sketch::{ReferenceSet, ReferenceSketch};
use yard_package::{Lineage, Package, PackageContent, golden};
use yard_score::{
    deep::{DeepNet, DeepOp, Pointwise, TokenPart},
    model::{
        Activation, CATEGORY_SPLIT, Calibration, DenseLayer, DenseNet, LinearModel, Link, MISSING_LEFT,
        Model, ScorerParts, Tree, TreeEnsemble,
    },
    scorer::Scorer,
};
use yard_types::{
    cell::CellRules,
    contract::{Contract, ContractField},
    frame::{Costs, Frame, Task},
    image::FittedImage,
    recipe::{DatePart, Encoding, Feature, FeatureOp, FittedInput, FittedRecipe, FittedText, Scale},
    rng::Rng,
    run::{Family, Params, RunSpec},
    schema::FieldType,
    table::{Column, MISSING_INSTANT, Table, TextColumn},
    text::{TermRule, Unit},
};

const WORDS: [&str; 6] = ["10", "blue", "grün", "red", "white \"x\"", "yellow, or | not"];
const UNSEEN: [&str; 3] = ["violet", "grun", "—"];
pub(crate) const FAMILIES: [Family; 3] = [Family::Linear, Family::Boosting, Family::Mlp];
pub(crate) const TASKS: [Task; 3] = [Task::Binary, Task::Multiclass, Task::Regression];

fn recipe(encoding: Encoding) -> FittedRecipe {
    let input = |name: &str, field_type| FittedInput {
        name: name.to_owned(),
        field_type,
        rules: CellRules::default(),
        categories: if field_type == FieldType::Category {
            WORDS.map(str::to_owned).to_vec()
        } else {
            vec![]
        },
    };
    let inputs = vec![
        input("a b", FieldType::Number),
        input("Farbe ü", FieldType::Category),
        input("a_b", FieldType::Number),
        input("count", FieldType::Integer),
        input("yes", FieldType::Boolean),
        input("day", FieldType::Datetime),
    ];
    let mut features = Vec::new();
    let mut add =
        |input: u32, op| features.push(Feature { name: format!("f {}", features.len()), input, op });
    let dense = encoding == Encoding::Dense;
    let fill = dense.then_some(0.75);
    let scale = dense.then_some(Scale { mean: 0.3, inverse_sd: 1.7 });
    for input in [2, 0, 3, 4] {
        add(input, FeatureOp::Number { fill, scale });
    }
    for part in [DatePart::Year, DatePart::Month, DatePart::Day, DatePart::Hour, DatePart::DayOfYear] {
        add(5, FeatureOp::Date { part, fill, scale });
    }
    add(5, FeatureOp::Date { part: DatePart::Weekday, fill, scale: None });
    if dense {
        (0..=6).for_each(|code| add(1, FeatureOp::OneHot { code }));
        add(0, FeatureOp::MissingFlag);
        add(1, FeatureOp::MissingFlag);
        add(3, FeatureOp::Number { fill, scale: Some(Scale { mean: 1.0, inverse_sd: 0.0 }) });
    } else {
        add(1, FeatureOp::Code);
    }
    FittedRecipe { encoding, inputs, texts: Vec::new(), images: Vec::new(), pieces: Vec::new(), features }
}

fn grow(tree: &mut Tree, rng: &mut Rng, (splits, n_features): (usize, usize)) -> i32 {
    if splits == 0 {
        tree.leaf_value.push((rng.below(2049) as f32 - 1024.0) / 1024.0);
        tree.leaf_cover.push(1.0);
        return -(tree.leaf_value.len() as i32);
    }
    let node = tree.feature.len();
    let draw = rng.below(n_features as u64 + 4) as usize;
    let feature = draw.min(n_features - 1);
    let mut flags = if rng.below(2) == 0 { MISSING_LEFT } else { 0 };
    let mut threshold = rng.normal() as f32;
    if feature == n_features - 1 {
        flags |= CATEGORY_SPLIT;
        threshold = tree.category_words.len() as f32;
        tree.category_words.extend([1, rng.below(128) as u32]);
    } else if (4..10).contains(&feature) {
        threshold = [1990.0, 6.5, 15.0, 11.5, 180.0, 2.5][feature - 4];
    }
    tree.feature.push(feature as u32);
    tree.threshold.push(threshold);
    tree.flags.push(flags);
    tree.gain.push(1.0);
    tree.node_cover.push(1.0);
    tree.left.push(0);
    tree.right.push(0);
    let left = rng.below(splits as u64) as usize;
    tree.left[node] = grow(tree, rng, (left, n_features));
    tree.right[node] = grow(tree, rng, (splits - 1 - left, n_features));
    node as i32
}

fn tree(rng: &mut Rng, splits: usize, n_features: usize, output: usize) -> Tree {
    let mut tree = Tree { output: output as u32, ..Tree::default() };
    grow(&mut tree, rng, (splits, n_features));
    tree
}

fn model(rng: &mut Rng, family: Family, n_features: usize, outputs: usize) -> Model {
    let mut weights = |n: usize| -> Vec<f32> { (0..n).map(|_| rng.normal() as f32).collect() };
    match family {
        Family::Linear => Model::Linear(LinearModel {
            n_features: n_features as u32,
            weights: weights(n_features * outputs),
            bias: weights(outputs),
        }),
        Family::Mlp => {
            let widths = [n_features, 19, 8, outputs];
            let layer = |pair: &[usize]| DenseLayer {
                inputs: pair[0] as u32,
                weights: weights(pair[0] * pair[1]),
                bias: weights(pair[1]),
                activation: if pair[1] == outputs { Activation::Identity } else { Activation::Relu },
            };
            Model::Net(DenseNet { layers: widths.windows(2).map(layer).collect(), scale: 1.0, shift: 0.0 })
        }
        _ => Model::Trees(TreeEnsemble {
            n_features: n_features as u32,
            base: (0..outputs).map(|output| 0.125 + output as f32 * 0.25).collect(),
            grid: 1.0 / 1024.0,
            sum: yard_score::model::Sum::Grid,
            trees: (0..40).map(|index| tree(rng, index % 17, n_features, index % outputs)).collect(),
        }),
    }
}

pub(crate) fn parts(seed: u64, family: Family, task: Task) -> ScorerParts {
    let mut rng = Rng::new(seed, 1);
    let recipe = recipe(if family == Family::Boosting { Encoding::Trees } else { Encoding::Dense });
    let (link, classes, calibration) = match task {
        Task::Binary => {
            (Link::Logistic, vec!["no", "yes"], Calibration::Platt { slope: 0.9, intercept: 0.2 })
        }
        Task::Multiclass => {
            (Link::Softmax, vec!["x", "ÿ", "z z"], Calibration::Platt { slope: 1.3, intercept: 0.0 })
        }
        Task::Regression => (Link::Identity, vec![], Calibration::None),
    };
    let outputs = if task == Task::Multiclass { 3 } else { 1 };
    ScorerParts {
        task,
        classes: classes.into_iter().map(str::to_owned).collect(),
        model: model(&mut rng, family, recipe.features.len(), outputs),
        recipe,
        link,
        calibration,
    }
}

/// A net of tokens, a sequence and an image side by side.
pub(crate) fn deep() -> ScorerParts {
    let mut rng = Rng::new(9, 1);
    let mut draw = |count: usize| -> Vec<f32> { (0..count).map(|_| rng.normal() as f32 * 0.3).collect() };
    let part = |(first, count)| TokenPart { first, count };
    let mut dense = |inputs: usize, outputs: usize, activation| DeepOp::Dense {
        inputs: inputs as u32,
        weights: draw(inputs * outputs),
        bias: draw(outputs),
        activation,
    };
    let (wide, out) = (dense(4, 12, Pointwise::Gelu), dense(10, 1, Pointwise::Identity));
    let ops = vec![
        DeepOp::Input { first: 0, count: 9 },
        DeepOp::FeatureTokens {
            width: 4,
            parts: [(0, 0), (0, 1), (1, 1), (2, 3)].map(part).to_vec(),
            weights: draw(20),
            bias: draw(16),
        },
        wide.clone(),
        DeepOp::Attention { heads: 2 },
        DeepOp::LayerNorm { scale: draw(4), shift: draw(4), epsilon: 1e-5 },
        DeepOp::TakeFirst,
        DeepOp::Save { slot: 0 },
        DeepOp::Input { first: 9, count: 5 },
        DeepOp::Embed { width: 4, tokens: draw(12), positions: draw(20) },
        wide,
        DeepOp::Attention { heads: 1 },
        DeepOp::MeanPool,
        DeepOp::Concat { slot: 0 },
        DeepOp::Save { slot: 1 },
        DeepOp::Input { first: 0, count: 16 },
        DeepOp::Image { channels: 1, height: 4, width: 4 },
        DeepOp::Conv {
            channels: 1,
            kernel: 3,
            weights: draw(18),
            bias: draw(2),
            activation: Pointwise::Relu,
        },
        DeepOp::MaxPool { size: 2 },
        DeepOp::PlaneMeans,
        DeepOp::Concat { slot: 1 },
        out,
    ];
    let parts = parts(7, Family::Mlp, Task::Binary);
    let n_features = parts.recipe.features.len() as u32;
    let model = Model::Deep(DeepNet { n_features, outputs: 1, ops, scale: 1.0, shift: 0.0 });
    ScorerParts { model, ..parts }
}

/// A linear model of a text and an image.
pub(crate) fn with_text_and_image() -> ScorerParts {
    let mut parts = parts(7, Family::Linear, Task::Binary);
    let input = |name: &str, field_type| FittedInput {
        name: name.to_owned(),
        field_type,
        rules: CellRules::default(),
        categories: Vec::new(),
    };
    parts.recipe.inputs = vec![input("note", FieldType::Text), input("photo", FieldType::Image)];
    parts.recipe.features.clear();
    for (unit, terms) in [(Unit::Words, ["free", "free entry"]), (Unit::WordChars, [" fr", "ee "])] {
        let longest = if unit == Unit::Words { 2 } else { 3 };
        parts.recipe.add_text(FittedText {
            input: 0,
            first: 0,
            rule: TermRule { unit, shortest: if unit == Unit::Words { 1 } else { 3 }, longest },
            sublinear: true,
            rows: 10,
            terms: terms.map(str::to_owned).to_vec(),
            counts: vec![2, 3],
        });
    }
    let scale = vec![Scale { mean: 0.5, inverse_sd: 2.0 }; 3];
    parts.recipe.add_image(FittedImage { input: 1, first: 0, channels: 3, height: 2, width: 2, scale });
    let flag = Feature { name: "photo missing".to_owned(), input: 1, op: FeatureOp::MissingFlag };
    parts.recipe.features.push(flag);
    let n_features = parts.recipe.features.len();
    let weights = (0..n_features).map(|at| at as f32 * 0.1 - 0.7).collect();
    parts.model = Model::Linear(LinearModel { n_features: n_features as u32, weights, bias: vec![0.1] });
    parts
}

pub(crate) fn table(seed: u64, rows: usize) -> Table {
    let mut rng = Rng::new(seed, 2);
    let mut numbers = || -> Vec<f64> {
        (0..rows).map(|_| if rng.below(9) == 0 { f64::NAN } else { rng.normal() * 2.0 }).collect()
    };
    let (a, b, rest) = (numbers(), numbers(), numbers());
    let count = rest.iter().map(|value| (value * 3.0).round()).collect();
    let yes =
        rest.iter().map(|value| if value.is_nan() { *value } else { f64::from(*value > 0.0) }).collect();
    let words: Vec<Option<&str>> = (0..rows)
        .map(|_| match rng.below(11) {
            0 => None,
            draw @ 1..=6 => Some(WORDS[draw as usize - 1]),
            draw => Some(UNSEEN[draw as usize % 3]),
        })
        .collect();
    let day = (0..rows).map(|_| match rng.below(9) {
        0 => MISSING_INSTANT,
        _ => (rng.below(90_000) as i64 - 30_000) * 86_400_000_000 / 3 + 7,
    });
    let day = day.collect();
    Table::new(vec![
        ("day".to_owned(), Column::Instant(day)),
        ("yes".to_owned(), Column::Number(yes)),
        ("a b".to_owned(), Column::Number(a)),
        ("Farbe ü".to_owned(), Column::Text(TextColumn::from_cells(words))),
        ("a_b".to_owned(), Column::Number(b)),
        ("count".to_owned(), Column::Number(count)),
    ])
    .unwrap()
}

/// Rows for golden examples, with the names that the fields have.
fn sample(parts: &ScorerParts) -> Table {
    let own = table(3, 50);
    let standard = recipe(Encoding::Trees).inputs;
    let column = |(now, then): (&FittedInput, &FittedInput)| {
        let own = match now.field_type {
            FieldType::Text => {
                let cell = |row: usize| ["Free entry, now!", "the fee", ""].get(row % 4).copied();
                Column::Text(TextColumn::from_cells((0..50).map(cell).collect::<Vec<_>>()))
            }
            FieldType::Image => Column::Text(TextColumn::from_cells(vec![None; 50])),
            _ => own.column(&then.name).unwrap().clone(),
        };
        (now.name.clone(), own)
    };
    Table::new(parts.recipe.inputs.iter().zip(&standard).map(column).collect()).unwrap()
}

/// Makes a package of parts.
pub(crate) fn package(parts: ScorerParts) -> Package {
    let scorer = Scorer::new(&parts).unwrap();
    let field = |input: &FittedInput| ContractField {
        name: input.name.clone(),
        field_type: input.field_type,
        nullable: true,
        min: None,
        max: None,
        categories: input.categories.clone(),
        example: serde_json::Value::Null,
    };
    let contract = Contract {
        name: "offers".to_owned(),
        task: parts.task,
        fields: parts.recipe.inputs.iter().map(field).collect(),
        id_field: None,
        target: "bought".to_owned(),
        classes: parts.classes.clone(),
    };
    let frame = Frame {
        decision: String::new(),
        unit: "customer".to_owned(),
        action: String::new(),
        cost_unit: String::new(),
        task: parts.task,
        target: "bought".to_owned(),
        positive: parts.classes.get(1).cloned(),
        classes: parts.classes.clone(),
        costs: Some(Costs { false_positive: 1.0, false_negative: 3.0, ..Costs::default() }),
        metric: "roc_auc".to_owned(),
        protected: Vec::new(),
        floors: Vec::new(),
        latency_budget_ms: None,
        size_budget_bytes: None,
    };
    let threshold = (parts.task == Task::Binary).then(|| frame.threshold());
    let content = PackageContent {
        version: 3,
        written_by: "test".to_owned(),
        golden: golden::make(&scorer, &contract, &sample(&parts), threshold).unwrap(),
        reference: ReferenceSet {
            rows: 3,
            fields: vec![],
            score: ReferenceSketch::from_values("score", &[0.1, 0.2, 0.3]),
        },
        feature_means: None,
        parts,
        contract,
        frame,
        evaluations: Vec::new(),
        card: "# offers\n".to_owned(),
        lineage: Lineage {
            project: "offers".to_owned(),
            dataset: "offers.csv".to_owned(),
            fingerprint: "00".repeat(32),
            rows: 100,
            split: String::new(),
            run: RunSpec::new(Family::Boosting),
            params: Params::new(),
            device: "cpu".to_owned(),
            trained_at: "2024-01-01T00:00:00Z".to_owned(),
            recipe: Vec::new(),
            more: BTreeMap::new(),
        },
    };
    Package::read(yard_package::write(&content, None).unwrap()).unwrap()
}

/// Checks a model of another library against that library's own raw scores: the same bits, or of a log link
/// its predictions to f32 rounding.
pub(crate) fn check_margins(name: &str, model: &[u8], rows: &str) {
    let imported = crate::import(model).unwrap();
    let scorer = Scorer::new(&imported.parts).unwrap();
    let fixture: serde_json::Value = serde_json::from_str(rows).unwrap();
    let mut scratch = scorer.scratch();
    let log = imported.parts.link == yard_score::model::Link::Log;
    let mut features: Vec<f32> = Vec::new();
    let mut one_by_one: Vec<f32> = Vec::new();
    let pairs = fixture["rows"].as_array().unwrap().iter().zip(fixture["margins"].as_array().unwrap());
    for (row, expected) in pairs {
        let row = scorer.row_from_json(row.as_object().unwrap()).unwrap();
        let mut encoded = vec![0.0; scorer.encoder().n_features()];
        scorer.encoder().encode_row(&row, &mut encoded).unwrap();
        features.extend(encoded);
        let answer = scorer.score_row(&row, &mut scratch).unwrap();
        for (got, expected) in answer.margins.iter().zip(expected.as_array().unwrap()) {
            let expected = expected.as_f64().unwrap();
            if log {
                let apart = (f64::from(*got) / expected - 1.0).abs();
                assert!(apart < 1e-6, "{name}: {got} instead of {expected}");
            } else {
                assert_eq!(got.to_bits(), (expected as f32).to_bits(), "{name}: {got} instead of {expected}");
            }
        }
        one_by_one.extend(answer.margins);
    }
    let together = scorer.score_features(&features).unwrap().margins;
    assert_eq!(together, one_by_one, "{name}: a block of rows");
    let facts = crate::ImportFacts {
        name: "From Elsewhere",
        file: "m.txt",
        at: "2024-01-01T00:00:00Z".to_owned(),
        written_by: "test".to_owned(),
    };
    let bytes = imported.to_package(&facts).unwrap();
    let report = yard_package::verify(&bytes);
    assert!(report.golden.total >= 20 && report.golden.equal == report.golden.total, "{name}: {report:?}");
    let failed: Vec<&str> = report.claims.iter().filter(|claim| !claim.ok).map(|c| c.name.as_str()).collect();
    assert_eq!(failed, ["evaluation is present"], "{name}");
}
