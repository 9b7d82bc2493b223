//! The training loop of a deep net: shuffled batches, loss and its derivative in f64 by the same function as
//! the linear models, early stopping with the weights of the best epoch. Validation rows are scored by the
//! scorer. Paper: Prechelt, 1998, "Early stopping - but when?", doi:10.1007/3-540-49430-8_3.

use super::{net::Net, optim, optim::Rule, params::DeepParams};
use crate::{TrainError, fit::FitData, linear::loss, target::Part, watch};
use candle_core::{Device, Tensor};
use rayon::prelude::*;
use yard_score::{
    deep::DeepNet,
    model::{Link, Model},
};
use yard_types::{event::Progress, rng::Rng, run::TrainPoint};

const SHUFFLE_STREAM: u64 = 0x6465_7368_0000_0000;
/// Rows that one thread scores at a time.
const SCORE_ROWS: usize = 256;

/// A trained net.
pub(super) struct Learnt {
    pub(super) net: DeepNet,
    pub(super) steps: u32,
    pub(super) curve: Vec<TrainPoint>,
}

/// What a training needs beside the net.
pub(super) struct Job<'a> {
    pub(super) data: &'a FitData<'a>,
    pub(super) params: &'a DeepParams,
    /// Features of training rows, `[rows, features]`.
    pub(super) train: &'a [f32],
    /// Features of validation rows.
    pub(super) validation: &'a [f32],
    /// Mean and deviation of a regression's target.
    pub(super) target: (f64, f64),
}

impl Job<'_> {
    pub(super) fn run(&self, net: &mut Net) -> Result<Learnt, TrainError> {
        let params = self.params;
        let (mut best, mut least, mut best_epoch) = (None, f64::INFINITY, 0);
        let (mut curve, mut steps) = (Vec::new(), 0);
        for epoch in 1..=self.data.stop_after.unwrap_or(params.epochs) {
            let train_loss = self.epoch(net, epoch, &mut steps)?;
            let now = self.weights(net)?;
            let margins = if self.validation.is_empty() { None } else { Some(self.margins(&now)?) };
            let validation_loss = margins.as_ref().map(|margins| self.validation_loss(margins));
            let due = margins.filter(|_| watch::due(epoch));
            let validation_metric = due.and_then(|margins| self.data.validation_metric(&margins));
            let point = TrainPoint { step: epoch, train_loss, validation_loss, validation_metric };
            curve.push(point);
            self.tell(point);
            if !train_loss.is_finite() || validation_loss.is_some_and(|loss| !loss.is_finite()) {
                let detail = format!("the loss of epoch {epoch} is not finite (lower learning_rate)");
                return Err(TrainError::Diverged { family: params.kind.word(), detail });
            }
            // Without validation rows the last epoch is kept.
            let loss = validation_loss.unwrap_or(-f64::from(epoch));
            if best.is_none() || loss < least {
                (best, least, best_epoch) = (Some(now), loss, epoch);
            } else if params.patience > 0 && epoch - best_epoch >= params.patience {
                break;
            }
        }
        let net = best.map_or_else(|| self.weights(net), Ok)?;
        Ok(Learnt { net, steps: best_epoch, curve })
    }

    /// Returns the net as it is, with the scale of the target.
    fn weights(&self, net: &Net) -> Result<DeepNet, TrainError> {
        let mut net = net.to_deep().map_err(|error| candle(&error))?;
        if self.data.link == Link::Identity {
            (net.scale, net.shift) = (self.target.1 as f32, self.target.0 as f32);
        }
        Ok(net)
    }

    fn tell(&self, point: TrainPoint) {
        let observer = self.data.context.observer;
        observer.point(point);
        observer.progress(Progress {
            phase: self.params.kind.word().to_owned(),
            done: u64::from(point.step),
            total: Some(u64::from(self.params.epochs)),
            unit: "epochs".to_owned(),
        });
    }

    /// Goes over all training rows once; returns their mean loss on the way.
    fn epoch(&self, net: &mut Net, epoch: u32, steps: &mut u64) -> Result<f64, TrainError> {
        let mut order: Vec<u32> = (0..self.data.train.rows.len() as u32).collect();
        Rng::new(self.data.seed, SHUFFLE_STREAM + u64::from(epoch)).shuffle(&mut order);
        let (mut loss, mut weight) = (0.0, 0.0);
        for batch in order.chunks(self.params.batch as usize) {
            self.data.proceed()?;
            let sums = self.batch(net, batch, *steps).map_err(|error| candle(&error))?;
            loss += sums.0;
            weight += sums.1;
            *steps += 1;
        }
        Ok(loss / weight)
    }

    /// Takes one step on some rows; returns the sums of weighted loss and of weights.
    fn batch(&self, net: &mut Net, rows: &[u32], step: u64) -> candle_core::Result<(f64, f64)> {
        let width = self.data.encoder.n_features();
        let lines = rows.iter().flat_map(|row| &self.train[*row as usize * width..][..width]);
        let features: Vec<f32> = lines.copied().collect();
        let margins = net.forward(&features, Some(step))?;
        let mut values: Vec<f32> = margins.detach().flatten_all()?.to_vec1()?;
        let (mut sum, mut total) = (0.0, 0.0);
        let mut slopes = vec![0.0_f64; self.data.outputs];
        for (row, values) in rows.iter().zip(values.chunks_exact_mut(self.data.outputs)) {
            let (y, weight) = self.target_of(self.data.train, *row as usize);
            for (slope, value) in slopes.iter_mut().zip(values.iter()) {
                *slope = f64::from(*value);
            }
            sum += weight * loss(self.data.link, y, &mut slopes);
            total += weight;
            for (value, slope) in values.iter_mut().zip(&slopes) {
                *value = (weight * slope / rows.len() as f64) as f32;
            }
        }
        // The gradient of Σ margin × slope by the weights is that of the loss.
        let slopes = Tensor::from_vec(values, margins.shape(), &Device::Cpu)?;
        let gradients = (margins * slopes)?.sum_all()?.backward()?;
        let batches = self.data.train.rows.len().div_ceil(self.params.batch as usize) as f64;
        let done = step as f64 / (batches * f64::from(self.params.epochs));
        let rate = self.params.learning_rate * optim::factor(done);
        net.step(&gradients, Rule { step: step + 1, rate, decay: self.params.l2, clip: self.params.clip })?;
        Ok((sum, total))
    }

    /// Returns target and weight of a row, the target of a regression standardised, weights of mean 1.
    fn target_of(&self, part: &Part, row: usize) -> (f64, f64) {
        let weight = part.weights.as_ref().map_or(1.0, |weights| weights[row]);
        let (mean, sd) = self.target;
        ((part.y[row] - mean) / sd, weight)
    }

    /// Returns the scorer's margins of validation rows, `[rows, outputs]`.
    pub(super) fn margins(&self, net: &DeepNet) -> Result<Vec<f32>, TrainError> {
        let scorer = self.data.scorer(Model::Deep(net.clone()))?;
        let blocks = self.validation.par_chunks(SCORE_ROWS * self.data.encoder.n_features());
        let scored = blocks.map(|features| scorer.score_features(features).map(|found| found.margins));
        let scored: Vec<Vec<f32>> =
            scored.collect::<Result<_, _>>().map_err(|error| TrainError::part("scorer", &error))?;
        Ok(scored.concat())
    }

    fn validation_loss(&self, margins: &[f32]) -> f64 {
        let (mean, sd) = if self.data.link == Link::Identity { self.target } else { (0.0, 1.0) };
        let (mut sum, mut total) = (0.0, 0.0);
        for (row, margins) in margins.chunks_exact(self.data.outputs).enumerate() {
            let (y, weight) = self.target_of(self.data.validation, row);
            let mut margins: Vec<f64> =
                margins.iter().map(|margin| (f64::from(*margin) - mean) / sd).collect();
            sum += weight * loss(self.data.link, y, &mut margins);
            total += weight;
        }
        sum / total
    }
}

/// Names candle's error.
pub(super) fn candle(error: &candle_core::Error) -> TrainError {
    let message = error.to_string().lines().next().unwrap_or_default().to_owned();
    TrainError::Part { part: "deep net", message }
}
