#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::testing;
use yard_types::rng::Rng;

/// The definition, tree by tree.
fn margin(model: &TreeEnsemble, x: &[f32], output: usize) -> f32 {
    let mut sum = model.base[output];
    for tree in model.trees.iter().filter(|tree| tree.output as usize == output) {
        sum += tree.leaf_value[reached(tree, x)];
    }
    sum
}

fn reached(tree: &Tree, x: &[f32]) -> usize {
    let mut child = if tree.feature.is_empty() { -1 } else { 0 };
    while let Ok(node) = usize::try_from(child) {
        child = if goes_left(tree, node, x) { tree.left[node] } else { tree.right[node] };
    }
    -(child + 1) as usize
}

fn values(rng: &mut Rng, thresholds: &[f32]) -> f32 {
    match rng.below(9) {
        0 => f32::NAN,
        1 => -0.0,
        2 => f32::INFINITY,
        3 => f32::NEG_INFINITY,
        4 | 5 => thresholds[rng.below(thresholds.len() as u64) as usize],
        _ => rng.normal() as f32,
    }
}

/// Trees of all sizes, among them one leaf, 256 leaves and more than fit into a group.
fn model(rng: &mut Rng, splits: &[usize], outputs: usize) -> TreeEnsemble {
    let trees = splits.iter().enumerate().map(|(index, splits)| {
        let mut tree = testing::tree(rng, *splits, 5, (index % outputs) as u32);
        for value in &mut tree.leaf_value {
            *value /= 64.0;
        }
        for (threshold, flags) in tree.threshold.iter_mut().zip(&tree.flags) {
            if flags & CATEGORY_SPLIT == 0 && rng.below(8) == 0 {
                *threshold = if rng.below(2) == 0 { 0.0 } else { -0.0 };
            }
        }
        tree
    });
    let trees = trees.collect();
    TreeEnsemble {
        n_features: 5,
        base: vec![0.25; outputs],
        grid: 1.0 / 65_536.0,
        sum: crate::model::Sum::Grid,
        trees,
    }
}

#[test]
fn margins_equal_the_definition_for_every_block_and_instruction_set() {
    let mut rng = Rng::new(5, 0);
    let sizes: [&[usize]; 4] =
        [&[0, 1, 2, 7, 30, 31, 32, 63, 64, 127, 128, 254, 255], &[256, 700, 3, 0, 30], &[0], &[30; 40]];
    for (round, splits) in sizes.into_iter().enumerate() {
        let outputs = 1 + round % 3;
        let model = model(&mut rng, splits, outputs);
        let thresholds: Vec<f32> = model.trees.iter().flat_map(|tree| tree.threshold.clone()).collect();
        let thresholds = if thresholds.is_empty() { vec![0.0] } else { thresholds };
        let rows = 700;
        let mut features = Vec::new();
        for _ in 0..rows {
            features.extend((0..4).map(|_| values(&mut rng, &thresholds)));
            features.push(if rng.below(6) == 0 { f32::NAN } else { rng.below(40) as f32 });
        }
        let expected: Vec<f32> = features
            .chunks_exact(5)
            .flat_map(|x| (0..outputs).map(|output| margin(&model, x, output)).collect::<Vec<_>>())
            .collect();
        let mut trees = Trees::new(&model, &[false, false, false, false, true]).unwrap();
        for level in Level::all() {
            trees.level = level;
            (trees.row, trees.walk) = row::divide(&model.trees, trees.lanes, level);
            for block in [1, 5, 9, 16, 63, 64, 65, 100, 192, 200, 255, 256, 257, 700] {
                let mut work = trees.work(block);
                let mut got = vec![f32::NAN; expected.len()];
                for (features, got) in features.chunks(block * 5).zip(got.chunks_mut(block * outputs)) {
                    trees.run(features, &mut work, got);
                }
                assert_eq!(got, expected, "round {round}, {level:?}, blocks of {block}");
            }
        }
    }
}

#[test]
fn many_tests_make_several_groups() {
    let mut rng = Rng::new(6, 0);
    let model = model(&mut rng, &[255; 60], 1);
    let trees = Trees::new(&model, &[false, false, false, false, true]).unwrap();
    assert!(trees.groups.len() > 1, "{}", trees.groups.len());
    let plans: usize = trees.groups.iter().map(|group| group.plans.len()).sum();
    assert_eq!(plans, 60);
    let features: Vec<f32> = (0..300 * 5).map(|_| rng.normal() as f32).collect();
    let mut got = vec![0.0; 300];
    trees.run(&features, &mut trees.work(300), &mut got);
    let expected: Vec<f32> = features.chunks_exact(5).map(|x| margin(&model, x, 0)).collect();
    assert_eq!(got, expected);
}

/// Values off any grid are added in the order of the trees, whatever the batch.
#[test]
fn trees_of_other_libraries_add_in_order() {
    let mut rng = Rng::new(9, 0);
    let divide_by = 3.0;
    for sum in [Sum::OrderedF32 {}, Sum::OrderedF64 { divide_by }] {
        let mut model =
            model(&mut rng, &[30, 0, 300, 7, 31, 64, 30, 1, 12, 90, 5, 18, 30, 2, 44, 3, 9, 21], 2);
        (model.sum, model.grid) = (sum, 0.0);
        for tree in &mut model.trees {
            let exact: Vec<f64> = tree.leaf_value.iter().map(|_| rng.normal() / 7.0).collect();
            tree.leaf_value = exact.iter().map(|value| *value as f32).collect();
            tree.leaf_exact = if matches!(sum, Sum::OrderedF64 { .. }) { exact } else { vec![] };
        }
        let features: Vec<f32> = (0..700 * 5)
            .map(|at| if at % 5 == 4 { rng.below(40) as f32 } else { values(&mut rng, &[0.5, -0.25]) })
            .collect();
        let expected: Vec<f32> = features
            .chunks_exact(5)
            .flat_map(|x| {
                [0, 1].map(|output| {
                    if sum == (Sum::OrderedF32 {}) {
                        return margin(&model, x, output);
                    }
                    let own = model.trees.iter().filter(|tree| tree.output as usize == output);
                    let total = own
                        .fold(f64::from(model.base[output]), |sum, tree| sum + tree.leaf(reached(tree, x)));
                    (total / divide_by) as f32
                })
            })
            .collect();
        let trees = Trees::new(&model, &[false, false, false, false, true]).unwrap();
        for block in [1, 7, 9, 256, 700, 4_096] {
            let mut work = trees.work(block);
            let mut got = vec![f32::NAN; expected.len()];
            for (features, got) in features.chunks(block * 5).zip(got.chunks_mut(block * 2)) {
                trees.run(features, &mut work, got);
            }
            assert_eq!(got, expected, "{sum:?}, blocks of {block}");
        }
    }
}
