//! Random forests (Breiman, 2001, doi:10.1023/A:1010933404324) on the same bins, with out-of-bag scores.
//!
//! The scorer adds margins, while a forest averages. For a number the margin is the mean of the trees'
//! leaf means. For classes the trees' leaves hold class shares; their average is turned into log-odds by
//! a line fitted on the out-of-bag averages (Platt, 1999; several classes share one slope), and the line
//! is folded into leaf values and base. So the order of rows is that of the averaged shares, and the
//! probabilities are calibrated on rows that the trees have not seen.
//!
//! Trees are grown on one thread each; every draw is by counter and every sum over trees is in tree
//! order, so the model does not depend on the number of threads.

use crate::{
    binned::{Binned, Binners},
    class_weights,
    data::Part,
    error::BoostError,
    forest_split::Targets,
    forest_tree::{Forest, ForestTree},
    grid::Grid,
    loss::{Loss, Objective},
    math::{BLOCK, pairwise},
    params::ForestParams,
    platt::{self, Line},
    train::{Control, OutOfBag, Round, TrainSet, Trained, check, mean_loss, workers},
    tree::BinTree,
};
use rayon::prelude::*;
use yard_score::model::{Sum, TreeEnsemble};

/// Trees grown between two reports; fixed, so that it can't depend on the machine.
const BATCH: u32 = 16;
/// Unit of weights and centred targets.
const UNIT: f64 = (1_u64 << 28) as f64;

/// How to train a forest.
#[derive(Clone, Debug)]
pub struct ForestSpec {
    /// Objective: classes, or a number's mean, which any other objective stands for.
    pub objective: Objective,
    /// Hyperparameters.
    pub params: ForestParams,
    /// Worker threads, at least 1; the model does not depend on it.
    pub threads: usize,
}

/// Trains a random forest. `observer` is called on the calling thread after every 16 trees; losses are
/// those of the out-of-bag rows, which both `train_loss` and `valid_loss` report. When the observer
/// stops, the trees so far are kept.
pub fn train_forest(
    train: TrainSet,
    spec: &ForestSpec,
    observer: &mut dyn FnMut(Round) -> Control,
) -> Result<Trained, BoostError> {
    let objective = spec.objective.classes().map_or(Objective::Regression, |_| spec.objective);
    let loss = objective.loss();
    check(train, None, loss.as_ref())?;
    let by_class = class_weights::by_class(&spec.params.class_weight, objective, train.y, train.weights)?;
    let own = by_class.map(|by_class| class_weights::rows(&by_class, train.y, train.weights));
    let train = TrainSet { weights: own.as_deref().or(train.weights), ..train };
    let workers = workers(spec.threads)?;
    let mut state = workers.install(|| State::new(train.part(), (objective, loss.as_ref()), &spec.params));
    let mut curve = Vec::new();
    while (state.trees.len() as u32) < spec.params.trees {
        let round = workers.install(|| state.batch());
        curve.push(round);
        if observer(round) == Control::Stop {
            break;
        }
    }
    Ok(workers.install(|| state.finish(curve)))
}

struct State<'a> {
    part: Part<'a>,
    loss: &'a dyn Loss,
    params: &'a ForestParams,
    objective: Objective,
    binners: Binners,
    data: Binned,
    targets: Targets,
    /// Value of a whole-number sum divided by its weight: `sum / weight × scale + base`.
    scale: f64,
    base: f64,
    trees: Vec<ForestTree>,
    /// Out-of-bag sums of leaf means, `[rows, outputs]`, and the number of trees.
    oob: Vec<f64>,
    oob_trees: Vec<u32>,
}

/// Integer targets, with the scale and base that turn means back.
fn targets(part: Part, objective: Objective, base: f64) -> (Targets, f64) {
    let rows = part.y.len();
    let top = part.weights.map_or(1.0, |w| f64::from(w.iter().fold(0.0_f32, |a, &b| a.max(b))));
    let weight = |row: usize| part.weights.map_or(1.0, |w| f64::from(w[row]) / top);
    let whole = |x: f64| (x * UNIT).round_ties_even() as i64;
    let weights: Vec<i64> = (0..rows).map(|row| whole(weight(row))).collect();
    let zeros = || vec![0; rows];
    match objective {
        Objective::Multiclass(classes) => {
            let slot = part.y.iter().map(|&y| y as u32).collect();
            let outputs = classes as usize;
            (Targets { slot, value: weights.clone(), weight: weights, outputs }, 1.0)
        }
        Objective::Binary => {
            let value = part.y.iter().zip(&weights).map(|(&y, &w)| if y > 0.5 { w } else { 0 }).collect();
            (Targets { slot: zeros(), value, weight: weights, outputs: 1 }, 1.0)
        }
        _ => {
            let centred = |y: f32| f64::from(y) - base;
            let largest = part.y.iter().fold(0.0_f64, |a, &y| a.max(centred(y).abs()));
            let scale = if largest > 0.0 { largest } else { 1.0 };
            let value = |(row, &y): (usize, &f32)| whole(weight(row) * (centred(y) / scale));
            let value = part.y.iter().enumerate().map(value).collect();
            (Targets { slot: zeros(), value, weight: weights, outputs: 1 }, scale)
        }
    }
}

impl<'a> State<'a> {
    fn new(part: Part<'a>, (objective, loss): (Objective, &'a dyn Loss), params: &'a ForestParams) -> Self {
        let binners = Binners::find(part.features, params.bins, params.seed);
        let base = match objective {
            Objective::Binary | Objective::Multiclass(_) => 0.0,
            _ => loss.base(part.y, part.weights).first().copied().unwrap_or(0.0),
        };
        let (targets, scale) = targets(part, objective, base);
        let rows = part.y.len();
        Self {
            part,
            loss,
            params,
            objective,
            data: binners.apply(part.features),
            binners,
            scale,
            base,
            trees: Vec::new(),
            oob: vec![0.0; rows * targets.outputs],
            oob_trees: vec![0; rows],
            targets,
        }
    }

    /// Features tried at each node.
    fn tries(&self) -> usize {
        let count = self.binners.features.len();
        let share = match (self.params.feature_fraction, self.objective) {
            (share, _) if share > 0.0 => share * count as f64,
            (_, Objective::Binary | Objective::Multiclass(_)) => (count as f64).sqrt(),
            _ => count as f64 / 3.0,
        };
        (share.ceil() as usize).clamp(1, count)
    }

    /// Leaf means of a tree, `[leaves, outputs]`.
    fn means(&self, tree: &ForestTree) -> Vec<f64> {
        let width = self.targets.outputs + 1;
        let mean = |sums: &[i64]| -> Vec<f64> {
            let weight = sums[width - 1].max(1) as f64;
            sums[..width - 1].iter().map(|&s| s as f64 / weight * self.scale).collect()
        };
        tree.sums.chunks_exact(width).flat_map(mean).collect()
    }

    fn batch(&mut self) -> Round {
        let done = self.trees.len() as u32;
        let count = BATCH.min(self.params.trees - done);
        let forest = Forest {
            data: &self.data,
            binners: &self.binners,
            targets: &self.targets,
            params: self.params,
            tries: self.tries(),
        };
        let grown: Vec<ForestTree> = (done..done + count)
            .into_par_iter()
            .with_max_len(1)
            .map(|index| forest.grow(index.into()))
            .collect();
        let means: Vec<Vec<f64>> = grown.iter().map(|tree| self.means(tree)).collect();
        let outputs = self.targets.outputs;
        let blocks = self.oob.par_chunks_mut(BLOCK * outputs).zip(self.oob_trees.par_chunks_mut(BLOCK));
        let data = &self.data;
        blocks.enumerate().for_each(|(block, (sums, trees))| {
            for (offset, (sums, trees)) in sums.chunks_exact_mut(outputs).zip(trees).enumerate() {
                let row = block * BLOCK + offset;
                for (tree, means) in grown.iter().zip(&means).filter(|(tree, _)| tree.counts[row] == 0) {
                    let leaf = tree.leaf_of(data, row);
                    sums.iter_mut().zip(&means[leaf * outputs..]).for_each(|(sum, mean)| *sum += mean);
                    *trees += 1;
                }
            }
        });
        for mut tree in grown {
            tree.counts = Vec::new();
            self.trees.push(tree);
        }
        let loss = self.oob_loss(self.line());
        Round { step: done + count, train_loss: loss, valid_loss: Some(loss) }
    }

    /// Rows that some tree did not see: their averages `[rows, outputs]`, targets and weights.
    fn oob_rows(&self) -> (Vec<f64>, Vec<f32>, Vec<f64>) {
        let (mut means, mut y, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        for (row, sums) in self.oob.chunks_exact(self.targets.outputs).enumerate() {
            let trees = self.oob_trees[row];
            if trees > 0 {
                means.extend(sums.iter().map(|sum| sum / f64::from(trees)));
                y.push(self.part.y[row]);
                weights.push(self.part.weights.map_or(1.0, |w| f64::from(w[row])));
            }
        }
        (means, y, weights)
    }

    /// The line from averaged shares to margins.
    fn line(&self) -> Line {
        let (means, y, weights) = self.oob_rows();
        match self.objective {
            Objective::Binary => platt::fit_binary(&means, &y, &weights),
            Objective::Multiclass(classes) => platt::fit_slope(&means, classes as usize, &y, &weights),
            _ => Line { slope: 1.0, intercept: self.base },
        }
    }

    fn oob_loss(&self, line: Line) -> f64 {
        let (means, y, weights) = self.oob_rows();
        let outputs = self.targets.outputs;
        let margins: Vec<Vec<f32>> = (0..outputs)
            .map(|output| {
                let column = means.iter().skip(output).step_by(outputs);
                column.map(|mean| (line.slope * mean + line.intercept) as f32).collect()
            })
            .collect();
        let margins: Vec<&[f32]> = margins.iter().map(|m| m.as_slice()).collect();
        mean_loss(self.loss, &margins, &y, &weights)
    }

    /// Accuracy or R² of the out-of-bag margins.
    fn out_of_bag(&self, line: Line, loss: f64) -> OutOfBag {
        let (means, y, weights) = self.oob_rows();
        let outputs = self.targets.outputs;
        let total = pairwise(&weights);
        let mean_of = |value: &dyn Fn(usize) -> f64| {
            let parts: Vec<f64> = weights.iter().enumerate().map(|(row, w)| w * value(row)).collect();
            if total > 0.0 { pairwise(&parts) / total } else { 0.0 }
        };
        let score = if self.objective.classes().is_some() {
            mean_of(&|row| {
                let shares = &means[row * outputs..][..outputs];
                let class = if outputs == 1 {
                    usize::from(line.slope * shares[0] + line.intercept >= 0.0)
                } else {
                    (0..outputs).fold(0, |best, k| if shares[k] > shares[best] { k } else { best })
                };
                f64::from(u8::from(class == y[row] as usize))
            })
        } else {
            let centre = mean_of(&|row| f64::from(y[row]));
            let spread = mean_of(&|row| (f64::from(y[row]) - centre) * (f64::from(y[row]) - centre));
            if spread > 0.0 { 1.0 - loss / spread } else { 0.0 }
        };
        OutOfBag { rows: y.len(), loss, score }
    }

    fn finish(self, curve: Vec<Round>) -> Trained {
        let line = self.line();
        let outputs = self.targets.outputs;
        let share = line.slope / self.trees.len().max(1) as f64;
        let values: Vec<Vec<f64>> = self
            .trees
            .iter()
            .map(|tree| self.means(tree).iter().map(|mean| mean * share).collect())
            .collect();
        let largest = |values: &Vec<f64>| values.iter().fold(0.0_f64, |top, value| top.max(value.abs()));
        let bound = line.intercept.abs() + values.iter().map(largest).sum::<f64>();
        // Rounding may lift each value by half a step.
        let grid = Grid::for_bound(bound * (1.0 + 1e-4));
        let mut importance = vec![0.0; self.binners.features.len()];
        let mut trees = Vec::with_capacity(self.trees.len() * outputs);
        for (tree, values) in self.trees.iter().zip(&values) {
            for node in &tree.nodes {
                importance[node.feature as usize] += node.gain;
            }
            for output in 0..outputs {
                let values = values.iter().skip(output).step_by(outputs).map(|&v| grid.round(v)).collect();
                let covers = tree.sums.chunks_exact(outputs + 1).map(|s| s[outputs] as f64 / UNIT).collect();
                let nodes = tree.nodes.clone();
                trees.push(BinTree { output: output as u32, nodes, values, covers }.to_tree(&self.binners));
            }
        }
        let loss = self.oob_loss(line);
        Trained {
            model: TreeEnsemble {
                n_features: self.binners.features.len() as u32,
                base: vec![grid.round(line.intercept); outputs],
                grid: grid.step(),
                sum: Sum::Grid,
                trees,
            },
            best_round: self.trees.len() as u32,
            curve,
            train_loss: loss,
            valid_loss: Some(loss),
            importance,
            out_of_bag: Some(self.out_of_bag(line, loss)),
        }
    }
}
