//! The training loop of a net: shuffled batches, loss and its derivative in f64 by the same function as
//! the linear models, early stopping with the weights of the best epoch.
//! Paper: Prechelt, 1998, "Early stopping - but when?", doi:10.1007/3-540-49430-8_3.

use super::{
    job::{NetJob, NetObserver, NetResult, NetRows},
    net::Net,
};
use crate::{TrainError, device::DeviceChoice, linear::loss, watch};
use candle_core::{Device, Tensor};
use yard_types::{event::Progress, rng::Rng, run::TrainPoint};

const SHUFFLE_STREAM: u64 = 0x7368_7566_0000_0000;
/// Rows of one forward pass on validation rows.
const FORWARD_ROWS: usize = 8192;

/// Trains a net on the device that the job names, in this process.
pub fn train_net(
    job: &NetJob,
    train: &NetRows,
    validation: &NetRows,
    observer: &dyn NetObserver,
) -> Result<NetResult, TrainError> {
    check_rows(job, train, "training")?;
    check_rows(job, validation, "validation")?;
    let device = DeviceChoice::parse(&job.device)?.open()?;
    let mut run = Run {
        net: Net::new(job, &device).map_err(|error| candle(job, &error))?,
        train: on_device(job, train, &device)?,
        validation: on_device(job, validation, &device)?,
        job,
        device,
        observer,
        steps: 0,
    };
    run.epochs()
}

/// Returns the margins of a net by candle's own forward pass on the CPU, `[rows, outputs]`.
#[cfg(test)]
pub(crate) fn candle_margins(net: &yard_score::model::DenseNet, x: &[f32]) -> candle_core::Result<Vec<f32>> {
    let width = net.layers[0].inputs as usize;
    let mut x = Tensor::from_slice(x, (x.len() / width, width), &Device::Cpu)?;
    for layer in &net.layers {
        let shape = (layer.bias.len(), layer.inputs as usize);
        let weight = Tensor::from_slice(&layer.weights, shape, &Device::Cpu)?;
        let bias = Tensor::from_slice(&layer.bias, shape.0, &Device::Cpu)?;
        x = x.matmul(&weight.t()?)?.broadcast_add(&bias)?;
        if layer.activation == yard_score::model::Activation::Relu {
            x = x.relu()?;
        }
    }
    ((x * f64::from(net.scale))? + f64::from(net.shift))?.flatten_all()?.to_vec1()
}

struct DeviceRows<'a> {
    x: Tensor,
    rows: &'a NetRows,
}

struct Run<'a> {
    job: &'a NetJob,
    net: Net,
    device: Device,
    train: DeviceRows<'a>,
    validation: DeviceRows<'a>,
    observer: &'a dyn NetObserver,
    /// Batches done.
    steps: u64,
}

impl Run<'_> {
    fn epochs(&mut self) -> Result<NetResult, TrainError> {
        let params = &self.job.params;
        let held_out = !self.validation.rows.y.is_empty();
        let (mut best, mut least, mut best_epoch) = (None, f64::INFINITY, 0);
        let mut curve = Vec::new();
        for epoch in 1..=self.job.stop_after.unwrap_or(params.epochs) {
            let train_loss = self.epoch(epoch)?;
            let margins = if held_out { Some(self.validation_margins()?) } else { None };
            let validation_loss = margins.as_ref().map(|margins| self.validation_loss(margins));
            let validation_metric =
                margins.filter(|_| watch::due(epoch)).and_then(|margins| self.metric(margins));
            let point = TrainPoint { step: epoch, train_loss, validation_loss, validation_metric };
            curve.push(point);
            self.observer.point(point);
            self.observer.progress(Progress {
                phase: "net".to_owned(),
                done: u64::from(epoch),
                total: Some(u64::from(params.epochs)),
                unit: "epochs".to_owned(),
            });
            if !train_loss.is_finite() || validation_loss.is_some_and(|loss| !loss.is_finite()) {
                let detail = format!("the loss of epoch {epoch} is not finite (lower learning_rate)");
                return Err(TrainError::Diverged { family: "mlp", detail });
            }
            // Without validation rows the last epoch is kept.
            let loss = validation_loss.unwrap_or(-f64::from(epoch));
            if best.is_none() || loss < least {
                (best, least, best_epoch) = (Some(self.weights()?), loss, epoch);
            } else if params.patience > 0 && epoch - best_epoch >= params.patience {
                break;
            }
        }
        let net = best.map_or_else(|| self.weights(), Ok)?;
        Ok(NetResult { net, steps: best_epoch, curve })
    }

    fn weights(&self) -> Result<yard_score::model::DenseNet, TrainError> {
        self.net.to_dense().map_err(|error| candle(self.job, &error))
    }

    /// Goes over all training rows once; returns their mean loss on the way.
    fn epoch(&mut self, epoch: u32) -> Result<f64, TrainError> {
        let rows = self.train.rows.y.len();
        let mut order: Vec<u32> = (0..rows as u32).collect();
        Rng::new(self.job.seed, SHUFFLE_STREAM + u64::from(epoch)).shuffle(&mut order);
        let (mut loss, mut weight) = (0.0, 0.0);
        for batch in order.chunks(self.job.params.batch as usize) {
            if self.observer.cancelled() {
                return Err(TrainError::Cancelled);
            }
            let sums = self.batch(batch).map_err(|error| candle(self.job, &error))?;
            loss += sums.0;
            weight += sums.1;
            self.steps += 1;
        }
        Ok(loss / weight)
    }

    /// Takes one step on some rows; returns the sums of weighted loss and of weights.
    fn batch(&mut self, batch: &[u32]) -> candle_core::Result<(f64, f64)> {
        let ids = Tensor::from_slice(batch, batch.len(), &self.device)?;
        let x = self.train.x.index_select(&ids, 0)?;
        let margins = self.net.forward(&x, Some(self.steps))?;
        let mut values: Vec<f32> = margins.detach().flatten_all()?.to_vec1()?;
        let outputs = self.job.outputs;
        let (mut sum, mut total) = (0.0, 0.0);
        let mut slopes = vec![0.0_f64; outputs];
        let scale = 1.0 / batch.len() as f64;
        for (row, values) in batch.iter().zip(values.chunks_exact_mut(outputs)) {
            let (y, weight) = target(self.train.rows, *row as usize);
            for (slope, value) in slopes.iter_mut().zip(values.iter()) {
                *slope = f64::from(*value);
            }
            sum += weight * loss(self.job.link, y, &mut slopes);
            total += weight;
            for (value, slope) in values.iter_mut().zip(&slopes) {
                *value = (weight * slope * scale) as f32;
            }
        }
        // The gradient of Σ margin × slope by the weights is that of the loss.
        let slopes = Tensor::from_vec(values, margins.shape(), &self.device)?;
        let gradients = (margins * slopes)?.sum_all()?.backward()?;
        let params = &self.job.params;
        let batches = self.train.rows.y.len().div_ceil(params.batch as usize) as f64;
        let done = self.steps as f64 / (batches * f64::from(params.epochs));
        self.net.step(&gradients, params.schedule.factor(done))?;
        Ok((sum, total))
    }

    fn validation_margins(&self) -> Result<Vec<f32>, TrainError> {
        let rows = self.validation.rows.y.len();
        let mut out = Vec::with_capacity(rows * self.job.outputs);
        for start in (0..rows).step_by(FORWARD_ROWS) {
            let length = FORWARD_ROWS.min(rows - start);
            let x = self.validation.x.narrow(0, start, length);
            let margins = x
                .and_then(|x| self.net.forward(&x, None))
                .and_then(|margins| margins.flatten_all()?.to_vec1::<f32>())
                .map_err(|error| candle(self.job, &error))?;
            out.extend(margins);
        }
        Ok(out)
    }

    fn validation_loss(&self, margins: &[f32]) -> f64 {
        let (mut sum, mut total) = (0.0, 0.0);
        for (row, margins) in margins.chunks_exact(self.job.outputs).enumerate() {
            let (y, weight) = target(self.validation.rows, row);
            let mut margins: Vec<f64> = margins.iter().map(|margin| f64::from(*margin)).collect();
            sum += weight * loss(self.job.link, y, &mut margins);
            total += weight;
        }
        sum / total
    }

    /// Returns the followed metric on validation rows, on the scale of the target.
    fn metric(&self, mut margins: Vec<f32>) -> Option<f64> {
        let (mean, sd) = self.job.target;
        let rows = self.validation.rows;
        for margin in &mut margins {
            *margin = (f64::from(*margin) * sd + mean) as f32;
        }
        let y: Vec<f64> = rows.y.iter().map(|y| f64::from(*y) * sd + mean).collect();
        let weights = rows.weights.as_ref().map(|all| all.iter().map(|w| f64::from(*w)).collect::<Vec<_>>());
        self.job.watch.as_ref()?.value(&y, weights.as_deref(), &margins)
    }
}

fn target(rows: &NetRows, row: usize) -> (f64, f64) {
    let weight = rows.weights.as_ref().map_or(1.0, |weights| f64::from(weights[row]));
    (f64::from(rows.y[row]), weight)
}

fn on_device<'a>(job: &NetJob, rows: &'a NetRows, device: &Device) -> Result<DeviceRows<'a>, TrainError> {
    let x = Tensor::from_slice(&rows.x, (rows.y.len(), job.features), device);
    Ok(DeviceRows { x: x.map_err(|error| candle(job, &error))?, rows })
}

fn check_rows(job: &NetJob, rows: &NetRows, part: &str) -> Result<(), TrainError> {
    let n = rows.y.len();
    let weights = rows.weights.as_ref().map_or(n, Vec::len);
    let classes = if job.link == yard_score::model::Link::Softmax { job.outputs as f32 } else { 2.0 };
    let coded = job.link == yard_score::model::Link::Identity
        || rows.y.iter().all(|y| *y >= 0.0 && *y < classes && y.fract() == 0.0);
    if rows.x.len() == n.saturating_mul(job.features) && weights == n && coded && job.outputs > 0 {
        return Ok(());
    }
    Err(TrainError::Part {
        part: "net",
        message: format!(
            "{part} rows don't fit: {} feature values, {n} targets, {weights} weights; expected {} features a row and class codes below {classes}",
            rows.x.len(),
            job.features
        ),
    })
}

/// Names candle's error; running out of memory comes with advice.
fn candle(job: &NetJob, error: &candle_core::Error) -> TrainError {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default().to_owned();
    if super::means_out_of_memory(&text) {
        return TrainError::Worker {
            reason: format!("{} is out of memory ({first})", job.device),
            advice: format!("lower batch (now {}) or layers, or use --device cpu", job.params.batch),
        };
    }
    TrainError::Part { part: "net", message: first }
}
