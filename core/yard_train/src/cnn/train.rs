//! The training loop of a net of convolutions: shuffled batches of changed images, loss and its derivative
//! by the same function as the linear models, early stopping with the weights of the best epoch.

use super::{
    augment::Augment,
    feed::{Feed, Prepared},
    net::{Mode, Net},
    optim::one_cycle,
    params::CnnParams,
};
use crate::{TrainError, fit::FitData, linear::loss, target::Part, watch};
use candle_core::Tensor;
use yard_score::deep::DeepNet;
use yard_types::{event::Progress, rng::Rng, run::TrainPoint};

const SHUFFLE_STREAM: u64 = 0x636e_6e73_0000_0000;
/// Rows of one forward pass on validation rows.
const FORWARD_ROWS: usize = 256;

/// A trained net.
pub(super) struct Learnt {
    pub(super) net: DeepNet,
    pub(super) steps: u32,
    pub(super) curve: Vec<TrainPoint>,
}

/// What a training needs beside the net.
pub(super) struct Job<'a> {
    pub(super) data: &'a FitData<'a>,
    pub(super) params: &'a CnnParams,
    pub(super) train: Feed<'a>,
    pub(super) validation: Feed<'a>,
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
            let margins = if self.validation.len() > 0 { Some(self.margins(net)?) } else { None };
            let validation_loss = margins.as_ref().map(|margins| self.validation_loss(margins));
            let due = margins.filter(|_| watch::due(epoch));
            let validation_metric = due.and_then(|margins| self.metric(margins));
            let point = TrainPoint { step: epoch, train_loss, validation_loss, validation_metric };
            curve.push(point);
            self.data.context.observer.point(point);
            self.tell(u64::from(epoch));
            if !train_loss.is_finite() || validation_loss.is_some_and(|loss| !loss.is_finite()) {
                let detail = format!("the loss of epoch {epoch} is not finite (lower learning_rate)");
                return Err(TrainError::Diverged { family: "cnn", detail });
            }
            // Without validation rows the last epoch is kept.
            let loss = validation_loss.unwrap_or(-f64::from(epoch));
            if best.is_none() || loss < least {
                (best, least, best_epoch) =
                    (Some(net.to_deep().map_err(|error| candle(&error))?), loss, epoch);
            } else if params.patience > 0 && epoch - best_epoch >= params.patience {
                break;
            }
        }
        let net = match best {
            Some(net) => net,
            None => net.to_deep().map_err(|error| candle(&error))?,
        };
        Ok(Learnt { net, steps: best_epoch, curve })
    }

    fn tell(&self, done: u64) {
        self.data.context.observer.progress(Progress {
            phase: "cnn".to_owned(),
            done,
            total: Some(u64::from(self.params.epochs)),
            unit: "epochs".to_owned(),
        });
    }

    /// Goes over all training rows once; returns their mean loss on the way.
    fn epoch(&self, net: &mut Net, epoch: u32, steps: &mut u64) -> Result<f64, TrainError> {
        let mut order: Vec<u32> = (0..self.train.len() as u32).collect();
        Rng::new(self.data.seed, SHUFFLE_STREAM + u64::from(epoch)).shuffle(&mut order);
        let augment = Augment::new(self.params, self.data.seed);
        let (mut loss, mut weight) = (0.0, 0.0);
        let batches = (order.as_slice(), self.params.batch as usize);
        self.train.each(batches, Some((&augment, epoch)), |prepared| {
            self.data.proceed()?;
            let sums = self.step(net, prepared, *steps).map_err(|error| candle(&error))?;
            loss += sums.0;
            weight += sums.1;
            *steps += 1;
            Ok(())
        })?;
        Ok(loss / weight)
    }

    /// Takes one step; returns the sums of weighted loss and of weights.
    fn step(&self, net: &mut Net, prepared: Prepared, step: u64) -> candle_core::Result<(f64, f64)> {
        let rows = prepared.rows.clone();
        let batch = prepared.batch(&net.plan)?;
        let margins = net.forward(&batch, Mode::Train(step))?;
        let mut values: Vec<f32> = margins.detach().flatten_all()?.to_vec1()?;
        let (mut sum, mut total) = (0.0, 0.0);
        let mut slopes = vec![0.0_f64; self.data.outputs];
        let scale = 1.0 / rows.len() as f64;
        for (row, values) in rows.iter().zip(values.chunks_exact_mut(self.data.outputs)) {
            let (y, weight) = self.target_of(self.data.train, *row as usize);
            for (slope, value) in slopes.iter_mut().zip(values.iter()) {
                *slope = f64::from(*value);
            }
            sum += weight * loss(self.data.link, y, &mut slopes);
            total += weight;
            for (value, slope) in values.iter_mut().zip(&slopes) {
                *value = (weight * slope * scale) as f32;
            }
        }
        // The gradient of Σ margin × slope by the weights is that of the loss.
        let slopes = Tensor::from_vec(values, margins.shape(), margins.device())?;
        let gradients = (margins * slopes)?.sum_all()?.backward()?;
        let batches = self.train.len().div_ceil(self.params.batch as usize) as f64;
        let done = step as f64 / (batches * f64::from(self.params.epochs));
        let rate = self.params.learning_rate * one_cycle(done);
        let number = i32::try_from(step + 1).unwrap_or(i32::MAX);
        net.step(&gradients, (number, rate, self.params.l2))?;
        Ok((sum, total))
    }

    /// Returns target and weight of a row, the target of a regression standardised.
    fn target_of(&self, part: &Part, row: usize) -> (f64, f64) {
        let weight = part.weights.as_ref().map_or(1.0, |weights| weights[row]);
        let (mean, sd) = self.target;
        ((part.y[row] - mean) / sd, weight)
    }

    /// Returns the margins of validation rows, `[rows, outputs]`.
    pub(super) fn margins(&self, net: &mut Net) -> Result<Vec<f32>, TrainError> {
        let order: Vec<u32> = (0..self.validation.len() as u32).collect();
        let mut out = Vec::with_capacity(order.len() * self.data.outputs);
        self.validation.each((&order, FORWARD_ROWS), None, |prepared| {
            self.data.proceed()?;
            let batch = prepared.batch(&net.plan).map_err(|error| candle(&error))?;
            let margins = net.forward(&batch, Mode::Evaluate);
            let margins = margins.and_then(|margins| margins.flatten_all()?.to_vec1::<f32>());
            out.extend(margins.map_err(|error| candle(&error))?);
            Ok(())
        })?;
        Ok(out)
    }

    fn validation_loss(&self, margins: &[f32]) -> f64 {
        let (mut sum, mut total) = (0.0, 0.0);
        for (row, margins) in margins.chunks_exact(self.data.outputs).enumerate() {
            let (y, weight) = self.target_of(self.data.validation, row);
            let mut margins: Vec<f64> = margins.iter().map(|margin| f64::from(*margin)).collect();
            sum += weight * loss(self.data.link, y, &mut margins);
            total += weight;
        }
        sum / total
    }

    /// Returns the followed metric on validation rows, on the scale of the target.
    fn metric(&self, mut margins: Vec<f32>) -> Option<f64> {
        let (mean, sd) = self.target;
        for margin in &mut margins {
            *margin = (f64::from(*margin) * sd + mean) as f32;
        }
        self.data.validation_metric(&margins)
    }
}

/// Names candle's error; running out of memory comes with advice.
pub(super) fn candle(error: &candle_core::Error) -> TrainError {
    let text = error.to_string();
    let message = text.lines().next().unwrap_or_default().to_owned();
    TrainError::Part { part: "net of convolutions", message }
}
