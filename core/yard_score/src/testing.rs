//! Random models and tables for tests, drawn from counters: the same seed gives the same model.

#![allow(clippy::unwrap_used)]

use crate::model::{
    Activation, CATEGORY_SPLIT, Calibration, DenseLayer, DenseNet, LinearModel, Link, MISSING_LEFT, Model,
    ScorerParts, Tree, TreeEnsemble,
};
use yard_types::{
    cell::CellRules,
    frame::Task,
    recipe::{DatePart, Encoding, Feature, FeatureOp, FittedInput, FittedRecipe, Scale},
    rng::Rng,
    run::Family,
    schema::FieldType,
    table::{Column, MISSING_INSTANT, Table, TextColumn},
};

const WORDS: [&str; 6] = ["10", "blue", "green", "red", "white", "yellow"];
const UNSEEN: [&str; 3] = ["violet", "red ", "2"];

pub(crate) fn recipe(encoding: Encoding) -> FittedRecipe {
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
        input("a", FieldType::Number),
        input("colour", FieldType::Category),
        input("b", FieldType::Number),
        input("count", FieldType::Integer),
        input("yes", FieldType::Boolean),
        input("day", FieldType::Datetime),
    ];
    let mut features = Vec::new();
    let mut add = |input: u32, op| features.push(Feature { name: format!("f{}", features.len()), input, op });
    let dense = encoding == Encoding::Dense;
    let fill = dense.then_some(0.75);
    let scale = dense.then_some(Scale { mean: 0.3, inverse_sd: 1.7 });
    // Not in the order of inputs, so that the order of features is tested.
    for input in [2, 0, 3, 4] {
        add(input, FeatureOp::Number { fill, scale });
    }
    add(5, FeatureOp::Date { part: DatePart::Month, fill, scale });
    add(5, FeatureOp::Date { part: DatePart::Weekday, fill, scale: None });
    if dense {
        (0..=6).for_each(|code| add(1, FeatureOp::OneHot { code }));
        add(0, FeatureOp::MissingFlag);
    } else {
        add(1, FeatureOp::Code);
    }
    FittedRecipe { encoding, inputs, texts: Vec::new(), images: Vec::new(), pieces: Vec::new(), features }
}

/// Makes a tree of about `splits` splits over features, the last of which is a category code.
pub(crate) fn tree(rng: &mut Rng, splits: usize, n_features: usize, output: u32) -> Tree {
    let mut tree = Tree { output, ..Tree::default() };
    let cover = 1.0 + rng.below(1000) as f32;
    grow(&mut tree, rng, (splits, n_features), cover);
    tree
}

fn grow(tree: &mut Tree, rng: &mut Rng, (splits, n_features): (usize, usize), cover: f32) -> i32 {
    if splits == 0 {
        tree.leaf_value.push((rng.below(2049) as f32 - 1024.0) / 1024.0);
        tree.leaf_cover.push(cover);
        return -(tree.leaf_value.len() as i32);
    }
    let node = tree.feature.len();
    let feature = rng.below(n_features as u64) as u32;
    let mut flags = if rng.below(2) == 0 { MISSING_LEFT } else { 0 };
    let mut threshold = rng.normal() as f32;
    if feature as usize == n_features - 1 && rng.below(4) > 0 {
        flags |= CATEGORY_SPLIT;
        threshold = tree.category_words.len() as f32;
        tree.category_words.extend([1, rng.below(128) as u32]);
    }
    tree.feature.push(feature);
    tree.threshold.push(threshold);
    tree.flags.push(flags);
    tree.gain.push(1.0);
    tree.node_cover.push(cover);
    tree.left.push(0);
    tree.right.push(0);
    let share = (cover * rng.uniform() as f32).floor();
    let left = rng.below(splits as u64) as usize;
    tree.left[node] = grow(tree, rng, (left, n_features), share);
    tree.right[node] = grow(tree, rng, (splits - 1 - left, n_features), cover - share);
    node as i32
}

fn weights(rng: &mut Rng, n: usize) -> Vec<f32> {
    (0..n).map(|_| rng.normal() as f32).collect()
}

fn model(rng: &mut Rng, family: Family, n_features: usize, outputs: usize) -> Model {
    match family {
        Family::Linear => Model::Linear(LinearModel {
            n_features: n_features as u32,
            weights: weights(rng, n_features * outputs),
            bias: weights(rng, outputs),
        }),
        Family::Mlp => {
            let widths = [n_features, 19, 8, outputs];
            let layer = |pair: &[usize]| DenseLayer {
                inputs: pair[0] as u32,
                weights: weights(rng, pair[0] * pair[1]),
                bias: weights(rng, pair[1]),
                activation: if pair[1] == outputs { Activation::Identity } else { Activation::Relu },
            };
            Model::Net(DenseNet { layers: widths.windows(2).map(layer).collect(), scale: 1.0, shift: 0.0 })
        }
        _ => Model::Trees(TreeEnsemble {
            n_features: n_features as u32,
            base: (0..outputs).map(|output| output as f32 * 0.25).collect(),
            grid: 1.0 / 1024.0,
            sum: crate::model::Sum::Grid,
            trees: (0..40).map(|index| tree(rng, index % 17, n_features, (index % outputs) as u32)).collect(),
        }),
    }
}

pub(crate) fn parts(seed: u64, family: Family, task: Task) -> ScorerParts {
    let mut rng = Rng::new(seed, 1);
    let encoding = if family == Family::Boosting { Encoding::Trees } else { Encoding::Dense };
    let recipe = recipe(encoding);
    let (link, classes, calibration) = match task {
        Task::Binary => {
            (Link::Logistic, vec!["no", "yes"], Calibration::Platt { slope: 0.9, intercept: 0.2 })
        }
        Task::Multiclass => {
            (Link::Softmax, vec!["x", "y", "z"], Calibration::Platt { slope: 1.3, intercept: 0.0 })
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

pub(crate) fn table(seed: u64, rows: usize) -> Table {
    let mut rng = Rng::new(seed, 2);
    let mut numbers = |special: bool| -> Vec<f64> {
        let draw = |_| match rng.below(12) {
            0 => f64::NAN,
            1 if special => -0.0,
            2 if special => 1e300,
            3 if special => f64::NEG_INFINITY,
            _ => rng.normal(),
        };
        (0..rows).map(draw).collect()
    };
    let (a, b, rest) = (numbers(true), numbers(false), numbers(false));
    let count = rest.iter().map(|value| (value * 3.0).round()).collect();
    let yes =
        rest.iter().map(|value| if value.is_nan() { *value } else { f64::from(*value > 0.0) }).collect();
    let words = (0..rows).map(|_| match rng.below(11) {
        0 => None,
        draw @ 1..=6 => Some(WORDS[draw as usize - 1]),
        draw => Some(UNSEEN[draw as usize % 3]),
    });
    let colour = TextColumn::from_cells(words.collect::<Vec<_>>());
    let day = (0..rows).map(|_| match rng.below(9) {
        0 => MISSING_INSTANT,
        _ => rng.below(60_000) as i64 * 86_400_000_000 / 3,
    });
    let day = day.collect();
    Table::new(vec![
        ("day".to_owned(), Column::Instant(day)),
        ("unused".to_owned(), Column::Number(rest)),
        ("yes".to_owned(), Column::Number(yes)),
        ("a".to_owned(), Column::Number(a)),
        ("colour".to_owned(), Column::Text(colour)),
        ("b".to_owned(), Column::Number(b)),
        ("count".to_owned(), Column::Number(count)),
    ])
    .unwrap()
}

pub(crate) const FAMILIES: [Family; 3] = [Family::Linear, Family::Boosting, Family::Mlp];
pub(crate) const TASKS: [Task; 3] = [Task::Binary, Task::Multiclass, Task::Regression];
