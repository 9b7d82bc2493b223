//! Measures scoring on one core: 100 trees of 31 leaves over 28 numeric features (the size of the usual
//! benchmark on the Higgs data), as a table and row by row.
//! Run: `cargo run --release -p yard_score --example throughput [REPEATS]`

use std::{error::Error, io::Write as _, time::Instant};
use yard_score::{
    model::{Calibration, Link, MISSING_LEFT, Model, ScorerParts, Tree, TreeEnsemble},
    scorer::Scorer,
};
use yard_types::{
    cell::CellRules,
    frame::Task,
    recipe::{Encoding, Feature, FeatureOp, FittedInput, FittedRecipe},
    rng::Rng,
    schema::FieldType,
    table::{Column, FieldValue, Table},
};

const FEATURES: u64 = 28;
const TREES: usize = 100;
const LEAVES: usize = 31;
const ROWS: usize = 200_000;

/// Grows by splitting the leaf with the largest random priority, as leaf-wise boosting does by gain.
fn tree(rng: &mut Rng) -> Tree {
    let mut tree = Tree::default();
    let mut open: Vec<(usize, bool, f64)> = Vec::new();
    let mut add = |tree: &mut Tree, rng: &mut Rng, cover: f64| {
        let node = tree.feature.len();
        tree.feature.push(rng.below(FEATURES) as u32);
        tree.threshold.push(rng.normal() as f32 * 0.7);
        tree.flags.push(if rng.below(2) == 0 { MISSING_LEFT } else { 0 });
        tree.gain.push(1.0);
        tree.node_cover.push(cover as f32);
        tree.left.push(0);
        tree.right.push(0);
        open.push((node, true, cover * (0.3 + 0.4 * rng.uniform())));
        open.push((node, false, cover * (0.3 + 0.4 * rng.uniform())));
        let best = (0..open.len()).max_by(|a, b| open[*a].2.total_cmp(&open[*b].2)).unwrap_or(0);
        open.swap_remove(best)
    };
    let mut slots = Vec::new();
    let mut next = add(&mut tree, rng, 1.0);
    for _ in 2..LEAVES {
        let child = tree.feature.len() as i32;
        let (parent, left, cover) = next;
        if left {
            tree.left[parent] = child;
        } else {
            tree.right[parent] = child;
        }
        slots.push((parent, left));
        next = add(&mut tree, rng, cover);
    }
    for node in 0..tree.feature.len() {
        for left in [true, false] {
            if !slots.contains(&(node, left)) {
                tree.leaf_value.push((rng.below(2001) as f32 - 1000.0) / 16_384.0);
                tree.leaf_cover.push(1.0);
                let leaf = -(tree.leaf_value.len() as i32);
                if left { tree.left[node] = leaf } else { tree.right[node] = leaf }
            }
        }
    }
    tree
}

fn parts(rng: &mut Rng) -> ScorerParts {
    let input = |index: u64| FittedInput {
        name: format!("f{index}"),
        field_type: FieldType::Number,
        rules: CellRules::default(),
        categories: Vec::new(),
    };
    let feature = |index: u64| Feature {
        name: format!("f{index}"),
        input: index as u32,
        op: FeatureOp::Number { fill: None, scale: None },
    };
    ScorerParts {
        task: Task::Binary,
        classes: vec!["0".to_owned(), "1".to_owned()],
        recipe: FittedRecipe {
            encoding: Encoding::Trees,
            inputs: (0..FEATURES).map(input).collect(),
            features: (0..FEATURES).map(feature).collect(),
        },
        link: Link::Logistic,
        calibration: Calibration::None,
        model: Model::Trees(TreeEnsemble {
            n_features: FEATURES as u32,
            base: vec![0.0],
            grid: 1.0 / 16_384.0,
            trees: (0..TREES).map(|_| tree(rng)).collect(),
        }),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut rng = Rng::new(1, 1);
    let scorer = Scorer::new(&parts(&mut rng))?;
    let mut column = |index: u64| {
        let values = (0..ROWS).map(|_| if rng.below(100) == 0 { f64::NAN } else { rng.normal() });
        (format!("f{index}"), Column::Number(values.collect()))
    };
    let table = Table::new((0..FEATURES).map(&mut column).collect())?;
    let mut out = std::io::stdout();
    let repeats = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(3);
    for _ in 0..repeats {
        let start = Instant::now();
        let scores = scorer.score_table(&table)?;
        let rate = ROWS as f64 / start.elapsed().as_secs_f64();
        writeln!(out, "table: {rate:.0} rows per second, first probability {}", scores.probabilities[1])?;
    }
    let rows = 20_000;
    let mut scratch = scorer.scratch();
    let mut values: Vec<FieldValue<'_>> = Vec::new();
    let (mut times, start) = (Vec::with_capacity(rows), Instant::now());
    for row in 0..rows {
        values.clear();
        values.extend(table.columns().iter().map(|column| column.value(row)));
        let begin = Instant::now();
        std::hint::black_box(scorer.score_row(&values, &mut scratch)?);
        times.push(begin.elapsed());
    }
    let rate = rows as f64 / start.elapsed().as_secs_f64();
    times.sort_unstable();
    writeln!(
        out,
        "row by row: {rate:.0} rows per second, p50 {:?}, p99 {:?}",
        times[rows / 2],
        times[rows * 99 / 100]
    )?;
    Ok(())
}
