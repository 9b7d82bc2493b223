#![allow(clippy::unwrap_used)]
use super::*;
use crate::{
    binned::Binners, constraints::Constraints, data::Features, histogram::Source, params::BoostParams,
    quant::Quant, quant::Range as Scale, split_find::goes_left,
};
use yard_types::rng;

struct World {
    columns: Vec<Vec<f32>>,
    gradients: Vec<f64>,
    hessians: Vec<f64>,
}

fn world(rows: usize, features: usize) -> World {
    let draw = |stream: u64, row: usize| rng::uniform(9, stream, row as u64);
    let columns: Vec<Vec<f32>> = (0..features)
        .map(|f| (0..rows).map(|row| (draw(f as u64, row) * 40.0).floor() as f32).collect())
        .collect();
    let gradients = (0..rows).map(|row| draw(100, row) - f64::from(columns[0][row]) / 50.0).collect();
    let hessians = (0..rows).map(|row| 0.01 + 0.2 * draw(101, row)).collect();
    World { columns, gradients, hessians }
}

/// Grows a tree and gives it with its row ranges and the counts per leaf.
fn tree(world: &World, params: &BoostParams) -> (Grown, Vec<u32>, Binners) {
    let rows = world.gradients.len();
    let flags = vec![false; world.columns.len()];
    let features = Features::new(world.columns.iter().map(|c| c.as_slice()).collect(), flags).unwrap();
    let binners = Binners::find(&features, 255, 0);
    let data = binners.apply(&features);
    let quant = Quant::new(rows, Scale { gradient: 1.0, hessian: 0.25, constant: false });
    let pairs = world.gradients.iter().zip(&world.hessians).map(|(&g, &h)| quant.pair(g, h));
    let mut order: Vec<Entry> = pairs.zip(0..).map(|(pair, row)| Entry::new(row, pair)).collect();
    let used: Vec<u32> = (0..world.columns.len() as u32).collect();
    let pool = crate::histogram::Pool::default();
    let source = Source { data: &data, offsets: &binners.offsets, features: &used, pool: &pool };
    let histograms = Histograms::new(source, quant);
    let constraints = Constraints::resolve(params, &features).unwrap();
    let rules = Rules { params, binners: &binners.features, constraints: &constraints, units: quant.units() };
    let mut spare = order.clone();
    let grown = grow(&histograms, &rules, &pool, Rows { rows: &mut order, spare: &mut spare });
    for node in &grown.nodes {
        let bin = node.bin as u8;
        assert!(goes_left(&node.left_bins, bin) && !goes_left(&node.left_bins, bin + 1));
    }
    (grown, order.iter().map(|entry| entry.row() as u32).collect(), binners)
}

/// Best first split by trying all thresholds in f64 on the raw values.
fn slow_root(world: &World, params: &BoostParams) -> (u32, f32, f64) {
    let rows = world.gradients.len();
    let score = |set: &[usize]| {
        let g: f64 = set.iter().map(|&row| world.gradients[row]).sum();
        let h: f64 = set.iter().map(|&row| world.hessians[row]).sum();
        g * g / (h + params.l2)
    };
    let all: Vec<usize> = (0..rows).collect();
    let mut best = (0, 0.0, 0.0);
    for (feature, column) in world.columns.iter().enumerate() {
        for cut in 0..40 {
            let t = cut as f32 + 0.5;
            let (left, right): (Vec<usize>, Vec<usize>) = all.iter().partition(|&&row| column[row] <= t);
            if left.len() < params.min_leaf as usize || right.len() < params.min_leaf as usize {
                continue;
            }
            let gain = score(&left) + score(&right) - score(&all);
            if gain > best.2 {
                best = (feature as u32, t, gain);
            }
        }
    }
    best
}

#[test]
fn the_first_split_is_the_best_of_all() {
    let world = world(3000, 5);
    let params = BoostParams { leaves: 2, ..BoostParams::plain() };
    let (grown, order, binners) = tree(&world, &params);
    let (feature, threshold, gain) = slow_root(&world, &params);
    let node = &grown.nodes[0];
    let crate::bins::Binner::Number(bins) = &binners.features[feature as usize] else { unreachable!() };
    assert_eq!((node.feature, bins.edges[node.bin as usize - 1]), (feature, threshold));
    assert!((node.gain / gain - 1.0).abs() < 1e-4, "{} {gain}", node.gain);
    let column = &world.columns[feature as usize];
    let left = &order[grown.leaves[0].range.clone()];
    assert!(left.iter().all(|&row| column[row as usize] <= threshold));
    assert_eq!(left.len(), column.iter().filter(|&&x| x <= threshold).count());
}

#[test]
fn leaves_hold_enough_rows_although_hessians_differ() {
    for min_leaf in [1, 20, 100, 700] {
        let world = world(2500, 6);
        let params = BoostParams { min_leaf, leaves: 64, min_hessian: 0.0, ..BoostParams::plain() };
        let (grown, order, _) = tree(&world, &params);
        let smallest = grown.leaves.iter().map(|leaf| leaf.range.len()).min().unwrap();
        assert!(smallest >= min_leaf as usize, "{smallest} {min_leaf}");
        assert!(grown.leaves.len() > 1);
        assert_eq!(grown.leaves.len(), grown.nodes.len() + 1);
        let mut seen = order;
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..2500));
    }
}

#[test]
fn depth_and_leaves_are_limits() {
    let world = world(4000, 4);
    let shape = |params: BoostParams| tree(&world, &params).0;
    assert_eq!(shape(BoostParams { leaves: 9, ..BoostParams::plain() }).leaves.len(), 9);
    let deep = shape(BoostParams { leaves: 1000, depth: 3, ..BoostParams::plain() });
    assert_eq!(deep.leaves.len(), 8);
    let none = shape(BoostParams { min_gain: 1e9, ..BoostParams::plain() });
    assert!(none.nodes.is_empty() && none.leaves.len() == 1);
}
