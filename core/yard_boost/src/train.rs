//! Boosting: the rounds, early stopping, and what comes out.
//!
//! Method: gradient boosting (Friedman, 2001, doi:10.1214/aos/1013203451) with second-order steps (Chen
//! and Guestrin, 2016, doi:10.1145/2939672.2939785), histograms and leaf-wise growth (Ke et al., 2017,
//! `LightGBM`, `NeurIPS` 30), on integer gradients.

use crate::{
    binned::Binners,
    class_weights,
    constraints::Constraints,
    data::{Features, Part},
    error::BoostError,
    loss::{Loss, Objective},
    math::pairwise,
    pace::Pace,
    params::BoostParams,
    start,
    trainer::{Ready, Setting, Trainer},
};
use yard_score::model::TreeEnsemble;

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
    /// Mean loss of the kept model on training rows (at most 16,384, evenly spaced).
    pub train_loss: f64,
    /// Mean loss of the kept model on the validation (of a forest: out-of-bag) rows.
    pub valid_loss: Option<f64>,
    /// Gain per feature, summed over the splits of the kept trees, `[features]`.
    pub importance: Vec<f64>,
    /// Scores on the rows that trees had not drawn; of a forest alone.
    pub out_of_bag: Option<OutOfBag>,
}

/// Scores of a forest on its training rows, each by the trees that had not drawn it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OutOfBag {
    /// Rows that at least one tree had not drawn.
    pub rows: usize,
    /// Weighted mean loss.
    pub loss: f64,
    /// Weighted accuracy of classes, R² of a number.
    pub score: f64,
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
/// stops when `early_stopping` rounds brought no lower one. Class weights count in both parts' losses.
pub fn train(
    train: TrainSet,
    valid: Option<TrainSet>,
    spec: &TrainSpec,
    observer: &mut dyn FnMut(Round) -> Control,
) -> Result<Trained, BoostError> {
    train_watched(train, valid, spec, &mut |round, _| observer(round))
}

/// Called after each round: with its losses and a function that copies the margins of the validation rows,
/// `[rows, outputs]` row-major, empty without a validation part.
pub type Watcher<'a> = dyn FnMut(Round, &dyn Fn() -> Vec<f32>) -> Control + 'a;

/// Trains as [`train()`] does, with an observer that can also read the margins of the validation rows.
pub fn train_watched(
    train: TrainSet,
    valid: Option<TrainSet>,
    spec: &TrainSpec,
    observer: &mut Watcher<'_>,
) -> Result<Trained, BoostError> {
    weighted(None, (train, valid), spec, observer)
}

/// Trains more trees on top of a model of the same features, as [`train()`] does otherwise. Rounds, the curve and
/// `best_round` count the new trees, at least one; the model holds all of them. Where the new trees outgrow the
/// grid, leaf values of the old ones are rounded to a coarser one too. On the rows and hyperparameters that the
/// model came from, the result is that of one longer training unless a grid was outgrown.
pub fn train_from(
    start: &TreeEnsemble,
    train: TrainSet,
    valid: Option<TrainSet>,
    spec: &TrainSpec,
    observer: &mut dyn FnMut(Round) -> Control,
) -> Result<Trained, BoostError> {
    weighted(Some(start), (train, valid), spec, &mut |round, _| observer(round))
}

/// Multiplies class weights into the rows' own and trains.
fn weighted(
    start: Option<&TreeEnsemble>,
    (train, valid): (TrainSet, Option<TrainSet>),
    spec: &TrainSpec,
    observer: &mut Watcher<'_>,
) -> Result<Trained, BoostError> {
    train.part().check("training")?;
    if let Some(valid) = valid {
        valid.part().check("validation")?;
    }
    let choice = &spec.params.class_weight;
    let Some(by_class) = class_weights::by_class(choice, spec.objective, train.y, train.weights)? else {
        let loss = spec.objective.for_target(train.y, train.weights).loss();
        let learning = Learning { loss: loss.as_ref(), params: &spec.params, threads: spec.threads, start };
        return rounds(train, valid, learning, observer);
    };
    let loss = spec.objective.loss();
    let own = class_weights::rows(&by_class, train.y, train.weights);
    let held = valid.map(|valid| class_weights::rows(&by_class, valid.y, valid.weights));
    let valid = valid.zip(held.as_deref()).map(|(valid, w)| TrainSet { weights: Some(w), ..valid });
    let train = TrainSet { weights: Some(&own), ..train };
    let learning = Learning { loss: loss.as_ref(), params: &spec.params, threads: spec.threads, start };
    rounds(train, valid, learning, observer)
}

/// Trains with a loss of the caller's own: loss, hyperparameters (their `objective` and `class_weight`
/// are not looked at) and threads. Else as [`train()`].
///
/// ```
/// use yard_boost::{Block, BoostError, BoostParams, Control, Features, Loss, TrainSet, train_with};
///
/// /// Squared error in which a prediction that is too low costs three times as much.
/// struct Shortage;
///
/// impl Loss for Shortage {
///     fn outputs(&self) -> usize {
///         1
///     }
///     fn check(&self, _y: &[f32]) -> Result<(), BoostError> {
///         Ok(())
///     }
///     fn base(&self, y: &[f32], _weights: Option<&[f32]>) -> Vec<f64> {
///         vec![y.iter().map(|y| f64::from(*y)).sum::<f64>() / y.len() as f64]
///     }
///     fn gradients(&self, block: &Block, gradient: &mut [f64], hessian: &mut [f64]) {
///         for (row, (m, y)) in block.margins.iter().zip(block.y).enumerate() {
///             let error = f64::from(*m) - f64::from(*y);
///             hessian[row] = if error < 0.0 { 3.0 } else { 1.0 };
///             gradient[row] = hessian[row] * error;
///         }
///     }
///     fn losses(&self, margins: &[&[f32]], y: &[f32], out: &mut [f64]) {
///         for ((m, y), loss) in margins[0].iter().zip(y).zip(out) {
///             let error = f64::from(*m) - f64::from(*y);
///             *loss = error * error * if error < 0.0 { 1.5 } else { 0.5 };
///         }
///     }
/// }
///
/// // Two rows of a kind, 0 and 1: the best prediction of each pair is 3 / 4.
/// let x: Vec<f32> = (0..400).map(|row| (row / 200) as f32).collect();
/// let y: Vec<f32> = (0..400).map(|row| (row % 2) as f32).collect();
/// let features = Features::new(vec![&x], vec![false])?;
/// let set = TrainSet { features: &features, y: &y, weights: None };
/// let params = BoostParams { trees: Some(200), l2: 0.0, ..BoostParams::default() };
/// let trained = train_with(set, None, (&Shortage, &params, 1), &mut |_round| Control::Continue)?;
/// assert!((trained.train_loss - 0.1875).abs() < 1e-3, "{}", trained.train_loss);
/// # Ok::<(), BoostError>(())
/// ```
pub fn train_with(
    train: TrainSet,
    valid: Option<TrainSet>,
    (loss, params, threads): (&dyn Loss, &BoostParams, usize),
    observer: &mut dyn FnMut(Round) -> Control,
) -> Result<Trained, BoostError> {
    let learning = Learning { loss, params, threads, start: None };
    rounds(train, valid, learning, &mut |round, _| observer(round))
}

/// What and how to learn.
#[derive(Clone, Copy)]
pub(crate) struct Learning<'a> {
    pub(crate) loss: &'a dyn Loss,
    pub(crate) params: &'a BoostParams,
    pub(crate) threads: usize,
    pub(crate) start: Option<&'a TreeEnsemble>,
}

fn rounds(
    train: TrainSet,
    valid: Option<TrainSet>,
    learning: Learning<'_>,
    observer: &mut Watcher<'_>,
) -> Result<Trained, BoostError> {
    let Learning { loss, params, threads, start } = learning;
    check(train, valid, loss)?;
    if let Some(start) = start {
        start::check(start, train.features, loss.outputs())?;
    }
    let params = &params.for_data(train.features.rows, train.features.columns.len());
    let constraints = Constraints::resolve(params, train.features)?;
    let pace = Pace::new(threads)?;
    let setting = Setting { loss, params, constraints: &constraints, start };
    let trainer = pace.all().install(|| {
        let binners = Binners::find(train.features, params.bins, params.seed);
        let own = Ready::new(train.part(), &binners);
        let held = valid.map(|valid| Ready::new(valid.part(), &binners));
        Trainer::new(binners, own, held, setting)
    })?;
    run(trainer, pace, params.rounds(valid.is_some()), (params.early_stopping, observer))
}

/// The rounds, until there are enough, the validation loss has stopped falling, or the observer says so.
pub(crate) fn run(
    mut trainer: Trainer<'_>,
    mut pace: Pace,
    rounds: u32,
    (early_stopping, observer): (u32, &mut Watcher<'_>),
) -> Result<Trained, BoostError> {
    let mut curve: Vec<Round> = Vec::new();
    let mut best = Best::default();
    for step in 1..=rounds {
        let pool = pace.pool();
        if !pool.install(|| trainer.round(step - 1)) {
            break;
        }
        let round = pool.install(|| trainer.losses(step));
        pace.round_done();
        curve.push(round);
        best.see(&round);
        let stop = observer(round, &|| trainer.valid_margins()) == Control::Stop;
        if stop || best.stale(step, early_stopping) {
            break;
        }
    }
    pace.all().install(|| trainer.finish(curve))
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
pub(crate) struct Best {
    pub(crate) step: u32,
    pub(crate) loss: Option<f64>,
}

impl Best {
    pub(crate) fn see(&mut self, round: &Round) {
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

#[cfg(test)]
#[path = "train_tests.rs"]
pub(crate) mod tests;
