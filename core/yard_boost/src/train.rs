//! Boosting: the rounds, early stopping, and what comes out.
//!
//! Method: gradient boosting (Friedman, 2001, doi:10.1214/aos/1013203451) with second-order steps (Chen
//! and Guestrin, 2016, doi:10.1145/2939672.2939785), histograms and leaf-wise growth (Ke et al., 2017,
//! `LightGBM`, `NeurIPS` 30), on integer gradients.

use crate::{
    binned::{Binned, Binners},
    data::{Features, Part},
    ensemble::Ensemble,
    error::BoostError,
    gradient::{self, Inputs},
    grow::{GrownLeaf, Rows, grow},
    histogram::{Histograms, Pool, Source},
    loss::{Loss, Objective},
    margins::{Margins, Target},
    math::pairwise,
    memory::zeroed,
    params::BoostParams,
    quant::{Entry, Quant},
    sample,
    split_find::Rules,
    tree::BinTree,
};
use yard_score::model::TreeEnsemble;

/// Rows that the training loss of a round is computed on; the last one is computed on all.
const CURVE_ROWS: usize = 16_384;

/// Losses after a number of rounds (trees of a forest).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Round {
    /// Rounds done, from 1.
    pub step: u32,
    /// Mean loss on training rows (at most 16,384, evenly spaced).
    pub train_loss: f64,
    /// Mean loss on validation rows; of a forest on the out-of-bag rows.
    pub valid_loss: Option<f64>,
}

/// What the observer of a training wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Go on.
    Continue,
    /// Stop and keep the best rounds so far.
    Stop,
}

/// A trained model.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// The model: the trees of the best round, on the grid.
    pub model: TreeEnsemble,
    /// Rounds kept.
    pub best_round: u32,
    /// All rounds done, in order.
    pub curve: Vec<Round>,
    /// Mean loss of the kept model on all training rows.
    pub train_loss: f64,
    /// Mean loss of the kept model on the validation (of a forest: out-of-bag) rows.
    pub valid_loss: Option<f64>,
    /// Gain per feature, summed over the splits of the kept trees, `[features]`.
    pub importance: Vec<f64>,
}

/// What to train on.
#[derive(Clone, Copy, Debug)]
pub struct TrainSet<'a> {
    /// Features.
    pub features: &'a Features<'a>,
    /// Targets as the objective wants them, `[rows]`.
    pub y: &'a [f32],
    /// Sample weights, `[rows]`, finite and not negative.
    pub weights: Option<&'a [f32]>,
}

impl<'a> TrainSet<'a> {
    pub(crate) fn part(&self) -> Part<'a> {
        Part { features: self.features, y: self.y, weights: self.weights }
    }
}

/// How to train.
#[derive(Clone, Debug)]
pub struct TrainSpec {
    /// Objective.
    pub objective: Objective,
    /// Hyperparameters.
    pub params: BoostParams,
    /// Worker threads, at least 1; the model does not depend on it.
    pub threads: usize,
}

/// Trains a boosted ensemble. `observer` is called after each round on the calling thread.
///
/// With a validation part the trees of the round with the lowest validation loss are kept, and training
/// stops when `early_stopping` rounds brought no lower one.
pub fn train(
    train: TrainSet,
    valid: Option<TrainSet>,
    spec: &TrainSpec,
    observer: &mut dyn FnMut(Round) -> Control,
) -> Result<Trained, BoostError> {
    let loss = spec.objective.loss();
    check(train, valid, loss.as_ref())?;
    let workers = workers(spec.threads)?;
    let mut trainer =
        workers.install(|| Trainer::new(train.part(), valid.map(|v| v.part()), loss.as_ref(), spec));
    let rounds = spec.params.rounds(valid.is_some());
    let mut curve: Vec<Round> = Vec::new();
    let mut best = Best::default();
    for step in 1..=rounds {
        if !workers.install(|| trainer.round(step - 1)) {
            break;
        }
        let round = workers.install(|| trainer.losses(step));
        curve.push(round);
        best.see(&round);
        let stop = observer(round) == Control::Stop;
        if stop || best.stale(step, spec.params.early_stopping) {
            break;
        }
    }
    Ok(workers.install(|| trainer.finish(curve)))
}

/// Checks the parts against each other and the objective.
pub(crate) fn check(train: TrainSet, valid: Option<TrainSet>, loss: &dyn Loss) -> Result<(), BoostError> {
    train.part().check("training")?;
    loss.check(train.y)?;
    if let Some(valid) = valid {
        valid.part().check("validation")?;
        loss.check(valid.y)?;
        let (got, expected) = (valid.features.columns.len(), train.features.columns.len());
        if got != expected {
            return Err(BoostError::FeatureCount { got, expected });
        }
    }
    Ok(())
}

/// Starts the worker threads.
pub(crate) fn workers(threads: usize) -> Result<rayon::ThreadPool, BoostError> {
    let threads = threads.max(1);
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|index| format!("boost {index}"))
        .build()
        .map_err(|error| BoostError::Threads { threads, reason: error.to_string() })
}

/// Weighted mean loss of margins, `[outputs][rows]`.
pub(crate) fn mean_loss(loss: &dyn Loss, margins: &[&[f32]], y: &[f32], weights: &[f64]) -> f64 {
    let mut losses = vec![0.0; y.len()];
    loss.losses(margins, y, &mut losses);
    losses.iter_mut().zip(weights).for_each(|(loss, w)| *loss *= w);
    let total = pairwise(weights);
    if total > 0.0 { pairwise(&losses) / total } else { 0.0 }
}

/// The round with the lowest validation loss.
#[derive(Default)]
struct Best {
    step: u32,
    loss: Option<f64>,
}

impl Best {
    fn see(&mut self, round: &Round) {
        if let Some(loss) = round.valid_loss
            && self.loss.is_none_or(|best| loss < best)
        {
            self.loss = Some(loss);
            self.step = round.step;
        }
    }

    fn stale(&self, step: u32, patience: u32) -> bool {
        self.loss.is_some() && patience > 0 && step - self.step >= patience
    }
}

/// A part with its bins and margins.
struct Scored<'a> {
    part: Part<'a>,
    data: Binned,
    margins: Margins,
}

impl<'a> Scored<'a> {
    fn target(&self) -> Target<'a> {
        Target { y: self.part.y, weights: self.part.weights }
    }
}

struct Trainer<'a> {
    loss: &'a dyn Loss,
    params: &'a BoostParams,
    binners: Binners,
    train: Scored<'a>,
    valid: Option<Scored<'a>>,
    ensemble: Ensemble,
    pool: Pool,
    rows: Vec<Entry>,
    prepared: Vec<f64>,
    spare: Vec<Entry>,
    top_weight: f64,
}

impl<'a> Trainer<'a> {
    fn new(train: Part<'a>, valid: Option<Part<'a>>, loss: &'a dyn Loss, spec: &'a TrainSpec) -> Self {
        let params = &spec.params;
        let binners = Binners::find(train.features, params.bins, params.seed);
        let base = loss.base(train.y, train.weights);
        let ensemble = Ensemble::new(&base, loss.span(train.y, &base));
        let scored = |part: Part<'a>| Scored {
            part,
            data: binners.apply(part.features),
            margins: Margins::new(&ensemble.base, part.features.rows),
        };
        let rows = train.features.rows;
        Self {
            loss,
            params,
            train: scored(train),
            valid: valid.map(scored),
            binners,
            ensemble,
            pool: Pool::default(),
            rows: zeroed(rows),
            prepared: if loss.needs_prepare() { vec![0.0; rows] } else { Vec::new() },
            spare: zeroed(rows),
            top_weight: train.weights.map_or(1.0, |w| f64::from(w.iter().fold(0.0_f32, |a, &b| a.max(b)))),
        }
    }

    /// Grows the trees of one round; false when none of them has a split.
    fn round(&mut self, round: u32) -> bool {
        let outputs = self.loss.outputs() as u32;
        let mut prepared = std::mem::take(&mut self.prepared);
        if self.loss.needs_prepare() {
            gradient::prepare(self.inputs(&[]), &mut prepared);
        }
        let kept = self.ensemble.trees.len();
        let mut splits = 0;
        for output in 0..outputs {
            let mut rows = std::mem::take(&mut self.rows);
            let quant = gradient::entries(self.inputs(&prepared), output, &mut rows);
            let bag = self.bag(round, &mut rows);
            let draw = u64::from(round) * u64::from(outputs) + u64::from(output);
            let (tree, leaves) = self.tree(output, quant, draw, &mut rows[..bag]);
            splits += tree.nodes.len();
            self.add(tree, &leaves, rows.split_at(bag));
            self.rows = rows;
        }
        self.prepared = prepared;
        if splits == 0 {
            self.ensemble.truncate(kept);
            self.rescore();
        }
        splits > 0
    }

    /// Moves the rows of the round's sample to the front, order kept, and returns their number.
    fn bag(&mut self, round: u32, rows: &mut [Entry]) -> usize {
        let params = self.params;
        if params.bagging_fraction >= 1.0 {
            return rows.len();
        }
        let drawn = sample::bag(params.bagging_fraction, params.seed, round);
        let (mut inside, mut outside) = (0, 0);
        for at in 0..rows.len() {
            let entry = rows[at];
            if drawn(entry.row()) {
                rows[inside] = entry;
                inside += 1;
            } else {
                self.spare[outside] = entry;
                outside += 1;
            }
        }
        rows[inside..].copy_from_slice(&self.spare[..outside]);
        if inside == 0 { rows.len() } else { inside }
    }

    fn inputs<'s>(&'s self, prepared: &'s [f64]) -> Inputs<'s> {
        Inputs {
            loss: self.loss,
            target: self.train.target(),
            margins: &self.train.margins,
            prepared,
            top_weight: self.top_weight,
        }
    }

    fn tree(
        &mut self,
        output: u32,
        quant: Quant,
        draw: u64,
        rows: &mut [Entry],
    ) -> (BinTree, Vec<GrownLeaf>) {
        let params = self.params;
        let count = self.binners.features.len();
        let features = sample::features(count, params.feature_fraction, params.seed, draw);
        let source = Source {
            data: &self.train.data,
            offsets: &self.binners.offsets,
            features: &features,
            pool: &self.pool,
        };
        let histograms = Histograms::new(source, quant);
        let rules = Rules { params, binners: &self.binners.features, units: quant.units() };
        let spare = &mut self.spare[..rows.len()];
        let grown = grow(&histograms, &rules, &self.pool, Rows { rows, spare });
        let (gu, hu) = quant.units();
        let value = |leaf: &GrownLeaf| {
            let (g, h) = (leaf.sum.g as f64 * gu, leaf.sum.h as f64 * hu);
            if h > 0.0 { -params.learning_rate * g / (h + params.l2) } else { 0.0 }
        };
        let values: Vec<f64> = grown.leaves.iter().map(value).collect();
        let covers = self.covers(&grown.leaves, rows);
        let tree = BinTree { output, nodes: grown.nodes, values: self.ensemble.round(&values), covers };
        (tree, grown.leaves)
    }

    /// Sum of weights per leaf.
    fn covers(&self, leaves: &[GrownLeaf], rows: &[Entry]) -> Vec<f64> {
        let cover = |leaf: &GrownLeaf| match self.train.part.weights {
            None => leaf.range.len() as f64,
            Some(weights) => {
                rows[leaf.range.clone()].iter().map(|entry| f64::from(weights[entry.row()])).sum()
            }
        };
        leaves.iter().map(cover).collect()
    }

    /// Adds a tree to the ensemble and to all margins; `rows` are those in its leaves and the others.
    fn add(&mut self, tree: BinTree, leaves: &[GrownLeaf], rows: (&[Entry], &[Entry])) {
        if !self.ensemble.push(tree) {
            return self.rescore();
        }
        let Some(tree) = self.ensemble.trees.last() else { return };
        self.train.margins.add_leaves(tree, leaves, rows.0);
        self.train.margins.add_rows(tree, &self.train.data, rows.1);
        if let Some(valid) = &self.valid {
            valid.margins.add_tree(tree, &valid.data);
        }
    }

    /// Computes all margins afresh.
    fn rescore(&mut self) {
        self.train.margins = self.ensemble.margins(&self.train.data);
        if let Some(valid) = &mut self.valid {
            valid.margins = self.ensemble.margins(&valid.data);
        }
    }

    fn losses(&self, step: u32) -> Round {
        let stride = self.train.data.rows.div_ceil(CURVE_ROWS);
        Round {
            step,
            train_loss: self.train.margins.loss(self.loss, self.train.target(), stride),
            valid_loss: self.valid.as_ref().map(|v| v.margins.loss(self.loss, v.target(), 1)),
        }
    }

    /// The losses of each round once more, with the values as they are now.
    fn replay(&mut self) -> Vec<Round> {
        let outputs = self.loss.outputs();
        self.train.margins = Margins::new(&self.ensemble.base, self.train.data.rows);
        if let Some(valid) = &mut self.valid {
            valid.margins = Margins::new(&self.ensemble.base, valid.data.rows);
        }
        let mut curve = Vec::new();
        for (index, trees) in self.ensemble.trees.chunks(outputs).enumerate() {
            for tree in trees {
                self.train.margins.add_tree(tree, &self.train.data);
                if let Some(valid) = &self.valid {
                    valid.margins.add_tree(tree, &valid.data);
                }
            }
            curve.push(self.losses(index as u32 + 1));
        }
        curve
    }

    /// Keeps the best round and reports the losses of exactly that model.
    fn finish(mut self, mut curve: Vec<Round>) -> Trained {
        if self.ensemble.coarsened {
            curve = self.replay();
        }
        let mut best = Best { step: curve.len() as u32, loss: None };
        for round in &curve {
            best.see(round);
        }
        if best.step < curve.len() as u32 {
            self.ensemble.truncate(best.step as usize * self.loss.outputs());
            self.rescore();
        }
        Trained {
            model: self.ensemble.to_model(&self.binners),
            best_round: best.step,
            train_loss: self.train.margins.loss(self.loss, self.train.target(), 1),
            valid_loss: self.valid.as_ref().map(|v| v.margins.loss(self.loss, v.target(), 1)),
            importance: self.ensemble.importance(self.binners.features.len()),
            curve,
        }
    }
}

#[cfg(test)]
#[path = "train_tests.rs"]
pub(crate) mod tests;
