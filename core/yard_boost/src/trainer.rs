//! The state of boosting between rounds: one round's gradients, sample, trees and margins, and the
//! model of the best round at the end.

use crate::{
    binned::{Binned, Binners},
    constraints::Constraints,
    data::{Features, Part},
    ensemble::Ensemble,
    error::BoostError,
    gradient::{self, Inputs},
    grow::{Grown, GrownLeaf, Rows, grow},
    histogram::{Histograms, Pool, Source},
    loss::Loss,
    margins::{Margins, Target},
    memory::zeroed,
    params::{BoostParams, Growth},
    partition::{divide, spare_len},
    quant::{Entry, Quant},
    sample::{self, Sample},
    split_find::Rules,
    symmetric::grow_symmetric,
    train::{Best, Round, Trained},
    tree::BinTree,
};
use rayon::prelude::*;
use yard_score::model::TreeEnsemble;

/// Training rows that a loss is computed on.
const CURVE_ROWS: usize = 16_384;
const STREAM_ROUNDING: u64 = 5 << 32;

/// A part with its bins.
pub(crate) struct Ready<'a> {
    pub(crate) data: Binned,
    pub(crate) y: &'a [f32],
    pub(crate) weights: Option<&'a [f32]>,
    /// Features as they are; absent when the bins come from a stream.
    pub(crate) raw: Option<&'a Features<'a>>,
}

impl<'a> Ready<'a> {
    /// Bins a part.
    pub(crate) fn new(part: Part<'a>, binners: &Binners) -> Self {
        let Part { features, y, weights } = part;
        Self { data: binners.apply(features), y, weights, raw: Some(features) }
    }

    /// Adds the margins before the first tree.
    fn scored(self, ensemble: &Ensemble) -> Result<Scored<'a>, BoostError> {
        let margins = ensemble.initial(self.data.rows, self.raw)?;
        Ok(Scored {
            data: self.data,
            target: Target { y: self.y, weights: self.weights },
            raw: self.raw,
            margins,
        })
    }
}

/// A part with its bins and margins.
struct Scored<'a> {
    data: Binned,
    target: Target<'a>,
    raw: Option<&'a Features<'a>>,
    margins: Margins,
}

/// A grown tree with its rows: those in leaf order and the others.
struct Leaves<'a> {
    grown: Grown,
    rows: (&'a [Entry], &'a [Entry]),
    units: (f64, f64),
    sample: &'a Sample,
}

/// What a training follows.
#[derive(Clone, Copy)]
pub(crate) struct Setting<'a> {
    pub(crate) loss: &'a dyn Loss,
    pub(crate) params: &'a BoostParams,
    pub(crate) constraints: &'a Constraints,
    /// Model to go on from.
    pub(crate) start: Option<&'a TreeEnsemble>,
}

/// State of a training between rounds.
pub(crate) struct Trainer<'a> {
    loss: &'a dyn Loss,
    params: &'a BoostParams,
    constraints: &'a Constraints,
    binners: Binners,
    train: Scored<'a>,
    valid: Option<Scored<'a>>,
    ensemble: Ensemble,
    pool: Pool,
    rows: Vec<Entry>,
    prepared: Vec<f64>,
    /// Gradients and hessians of a joint loss.
    joint: Vec<(f64, f64)>,
    spare: Vec<Entry>,
    top_weight: f64,
}

impl<'a> Trainer<'a> {
    pub(crate) fn new(
        binners: Binners,
        train: Ready<'a>,
        valid: Option<Ready<'a>>,
        setting: Setting<'a>,
    ) -> Result<Self, BoostError> {
        let Setting { loss, params, constraints, start } = setting;
        let base = match start {
            None => loss.base(train.y, train.weights),
            Some(start) => start.base.iter().map(|base| f64::from(*base)).collect(),
        };
        let ensemble = Ensemble::new(&base, loss.span(train.y, &base), start);
        let (rows, weights) = (train.data.rows, train.weights);
        Ok(Self {
            loss,
            params,
            constraints,
            train: train.scored(&ensemble)?,
            valid: valid.map(|valid| valid.scored(&ensemble)).transpose()?,
            binners,
            ensemble,
            pool: Pool::default(),
            rows: zeroed(rows),
            prepared: if loss.needs_prepare() { vec![0.0; rows] } else { Vec::new() },
            joint: if loss.is_joint() { vec![(0.0, 0.0); rows] } else { Vec::new() },
            spare: zeroed(spare_len(rows)),
            top_weight: weights.map_or(1.0, |w| f64::from(w.iter().fold(0.0_f32, |a, &b| a.max(b)))),
        })
    }

    /// Lets leaf values keep all bits of f32.
    #[cfg(test)]
    pub(crate) fn free(&mut self) {
        self.ensemble.free();
    }

    /// Grows the trees of one round; false when none of them has a split.
    pub(crate) fn round(&mut self, round: u32) -> bool {
        let round = round + self.ensemble.rounds_before();
        let outputs = self.loss.outputs() as u32;
        let mut prepared = std::mem::take(&mut self.prepared);
        if self.loss.needs_prepare() {
            gradient::prepare(self.inputs(&[], &Sample::All, 0), &mut prepared);
        }
        if self.loss.is_joint() {
            let mut joint = std::mem::take(&mut self.joint);
            let margins = self.train.margins.read_all(0, self.train.data.rows);
            self.loss.joint(&margins[0], self.train.target.y, &mut joint);
            self.joint = joint;
        }
        let sample = self.sample(round, &prepared);
        let kept = self.ensemble.trees.len();
        let mut splits = 0;
        for output in 0..outputs {
            let draw = u64::from(round) * u64::from(outputs) + u64::from(output);
            let mut rows = std::mem::take(&mut self.rows);
            let quant = gradient::entries(self.inputs(&prepared, &sample, draw), output, &mut rows);
            let bag = self.bag(&sample, &mut rows);
            let grown = self.grow(quant, draw, &mut rows[..bag]);
            let grown = Leaves { grown, rows: rows.split_at(bag), units: quant.units(), sample: &sample };
            splits += grown.grown.nodes.len();
            self.add(output, grown);
            self.rows = rows;
        }
        self.prepared = prepared;
        if splits == 0 {
            self.ensemble.truncate(kept);
        }
        splits > 0
    }

    /// The rows of a round. One-side sampling starts when the first trees have been learnt, as before
    /// that gradients say nothing about which rows are hard.
    fn sample(&self, round: u32, prepared: &[f64]) -> Sample {
        let params = self.params;
        let learnt = f64::from(round) * params.learning_rate >= 1.0;
        match params.goss {
            Some(goss) if learnt => {
                let inputs = self.inputs(prepared, &Sample::All, 0);
                let importance = gradient::importance(inputs, self.train.data.rows);
                Sample::goss(goss, &importance, params.seed, round)
            }
            None if params.bagging_fraction < 1.0 => {
                Sample::Bag { fraction: params.bagging_fraction, seed: params.seed, round }
            }
            _ => Sample::All,
        }
    }

    /// Moves the rows of the round's sample to the front, order kept, and returns their number.
    fn bag(&mut self, sample: &Sample, rows: &mut [Entry]) -> usize {
        if matches!(sample, Sample::All) {
            return rows.len();
        }
        let inside = divide(rows, &mut self.spare, |entry: Entry| usize::from(sample.has(entry.row())));
        if inside == 0 { rows.len() } else { inside }
    }

    fn inputs<'s>(&'s self, prepared: &'s [f64], sample: &'s Sample, draw: u64) -> Inputs<'s> {
        Inputs {
            loss: self.loss,
            target: self.train.target,
            margins: &self.train.margins,
            prepared,
            joint: &self.joint,
            top_weight: self.top_weight,
            sample,
            rounding: (self.params.seed, STREAM_ROUNDING + draw),
        }
    }

    fn rules(&self, units: (f64, f64)) -> Rules<'_> {
        Rules { params: self.params, binners: &self.binners.features, constraints: self.constraints, units }
    }

    fn grow(&mut self, quant: Quant, draw: u64, rows: &mut [Entry]) -> Grown {
        let params = self.params;
        let count = self.binners.features.len();
        let features = sample::features(count, params.feature_fraction, params.seed, draw);
        let mut spare = std::mem::take(&mut self.spare);
        let source = Source {
            data: &self.train.data,
            offsets: &self.binners.offsets,
            features: &features,
            pool: &self.pool,
        };
        let histograms = Histograms::new(source, quant);
        let rules = self.rules(quant.units());
        let rows = Rows { spare: &mut spare, rows };
        let grown = match params.growth {
            Growth::Symmetric => grow_symmetric(&histograms, &rules, &self.pool, rows),
            Growth::Auto | Growth::Leafwise => grow(&histograms, &rules, &self.pool, rows),
        };
        self.spare = spare;
        grown
    }

    /// Values of leaves, not yet on the grid.
    fn values(&self, leaves: &Leaves) -> Vec<f64> {
        let params = self.params;
        if self.loss.renews() && !self.constraints.monotone() {
            let value =
                |leaf: &GrownLeaf| params.learning_rate * self.loss.leaf(&mut self.residuals(leaves, leaf));
            return leaves.grown.leaves.par_iter().map(value).collect();
        }
        let (gu, hu) = leaves.units;
        let rules = self.rules(leaves.units);
        let value = |leaf: &GrownLeaf| {
            params.learning_rate * rules.penalty(&leaf.inherited).value(leaf.sum) * (gu / hu)
        };
        leaves.grown.leaves.iter().map(value).collect()
    }

    /// Target − margin and weight of a leaf's rows.
    fn residuals(&self, leaves: &Leaves, leaf: &GrownLeaf) -> Vec<(f64, f64)> {
        let Target { y, weights } = self.train.target;
        let pair = |entry: &Entry| {
            let row = entry.row();
            let weight = weights.map_or(1.0, |weights| f64::from(weights[row])) * leaves.sample.factor(row);
            (f64::from(y[row]) - f64::from(self.train.margins.get(0, row)), weight)
        };
        leaves.rows.0[leaf.range.clone()].iter().map(pair).collect()
    }

    /// Sum of weights per leaf.
    fn covers(&self, leaves: &Leaves) -> Vec<f64> {
        let cover = |leaf: &GrownLeaf| match self.train.target.weights {
            None => leaf.range.len() as f64,
            Some(weights) => {
                let rows = &leaves.rows.0[leaf.range.clone()];
                rows.iter().map(|entry| f64::from(weights[entry.row()])).sum()
            }
        };
        leaves.grown.leaves.iter().map(cover).collect()
    }

    /// Adds a tree to the ensemble and to all margins.
    fn add(&mut self, output: u32, leaves: Leaves) {
        let (values, covers) = (self.ensemble.round(&self.values(&leaves)), self.covers(&leaves));
        let Leaves { grown: Grown { nodes, leaves }, rows, .. } = leaves;
        self.ensemble.push(BinTree { output, nodes, values, covers });
        let Some(tree) = self.ensemble.trees.last() else { return };
        self.train.margins.add_leaves(tree, &leaves, rows.0);
        self.train.margins.add_rows(tree, &self.train.data, rows.1);
        if let Some(valid) = &self.valid {
            valid.margins.add_tree(tree, &valid.data, 1);
        }
    }

    /// Copies the margins of the validation rows, `[rows, outputs]` row-major.
    pub(crate) fn valid_margins(&self) -> Vec<f32> {
        let Some(valid) = &self.valid else { return Vec::new() };
        let columns = valid.margins.read_all(0, valid.data.rows);
        (0..valid.data.rows).flat_map(|row| columns.iter().map(move |column| column[row])).collect()
    }

    /// Every how manieth training row the loss is computed on; each for a joint loss.
    fn stride(&self) -> usize {
        if self.loss.is_joint() {
            return 1;
        }
        self.train.data.rows.div_ceil(CURVE_ROWS)
    }

    pub(crate) fn losses(&self, step: u32) -> Round {
        Round {
            step,
            train_loss: self.part_loss(&self.train, false, self.stride()),
            valid_loss: self.valid_loss(),
        }
    }

    fn valid_loss(&self) -> Option<f64> {
        self.valid.as_ref().map(|valid| self.part_loss(valid, true, 1))
    }

    fn part_loss(&self, part: &Scored, validation: bool, stride: usize) -> f64 {
        if self.loss.is_joint() {
            let margins = part.margins.read_all(0, part.data.rows);
            return self.loss.joint_loss(validation, &margins[0], part.target.y);
        }
        part.margins.loss(self.loss, part.target, stride)
    }

    /// The losses of each round once more, with the values as they are now.
    fn replay(&mut self) -> Result<Vec<Round>, BoostError> {
        let (outputs, stride) = (self.loss.outputs(), self.stride());
        self.train.margins = self.ensemble.initial(self.train.data.rows, self.train.raw)?;
        if let Some(valid) = &mut self.valid {
            valid.margins = self.ensemble.initial(valid.data.rows, valid.raw)?;
        }
        let mut curve = Vec::new();
        for (index, trees) in self.ensemble.trees.chunks(outputs).enumerate() {
            for tree in trees {
                self.train.margins.add_tree(tree, &self.train.data, stride);
                if let Some(valid) = &self.valid {
                    valid.margins.add_tree(tree, &valid.data, 1);
                }
            }
            curve.push(self.losses(index as u32 + 1));
        }
        Ok(curve)
    }

    /// Keeps the best round and reports the losses of exactly that model.
    pub(crate) fn finish(mut self, mut curve: Vec<Round>) -> Result<Trained, BoostError> {
        if self.ensemble.coarsened {
            curve = self.replay()?;
        }
        let mut best = Best { step: curve.len() as u32, loss: None };
        for round in &curve {
            best.see(round);
        }
        self.ensemble.truncate(best.step as usize * self.loss.outputs());
        let last = (best.step as usize).checked_sub(1).and_then(|last| curve.get(last)).copied();
        let kept = if let Some(round) = last {
            round
        } else {
            // No new tree: what training began with.
            self.replay()?;
            self.losses(0)
        };
        Ok(Trained {
            model: self.ensemble.to_model(&self.binners),
            best_round: best.step,
            train_loss: kept.train_loss,
            valid_loss: kept.valid_loss,
            importance: self.ensemble.importance(self.binners.features.len()),
            out_of_bag: None,
            curve,
        })
    }
}
