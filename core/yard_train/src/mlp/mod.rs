//! Multi-layer perceptron, exported to the scorer's dense net.
//!
//! The same job runs in this process on the CPU, by kernels of our own ([`cpu`]), or in the worker
//! `yard-trainer` on a GPU (CUDA, Metal), in candle ([`candle_net`]). Numbers drawn come from the counter
//! generator and all sums have a fixed order, so on CPUs the same job gives the same bits, for any number of
//! threads and after a stop and a resume ([`checkpoint`]).

mod adam;
mod candle_input;
mod candle_net;
mod checkpoint;
mod cpu;
mod encode;
mod input;
mod job;
mod lane;
mod layout;
mod learner;
mod pack;
mod schedule;
#[cfg(test)]
mod tests;
mod tiles;
mod train;
mod vector;

pub(crate) use adam::State;
#[cfg(test)]
pub(crate) use candle_net::candle_margins;
pub(crate) use checkpoint::Place;
pub use checkpoint::kept_progress;
pub use input::{Group, Knots};
pub(crate) use job::read_schedule;
pub use job::{NetJob, NetObserver, NetParams, NetResult, NetRows, Precision};
pub(crate) use layout::Segment;
pub(crate) use learner::{Learner, Step};
pub use schedule::Schedule;
pub use train::train_net;
pub(crate) use train::{Course, End, Pace, target};
pub(crate) use vector::Level;

use crate::{
    Context, TrainError,
    device::{DeviceChoice, HOW_TO_GET_GPU},
    fit::{FitData, Fitted},
    target::Part,
    worker,
};
use std::cell::Cell;
use yard_score::{
    encode::DENSE_LIMIT,
    model::{Calibration, Link, Model},
};
use yard_types::{
    event::Progress,
    recipe::FeatureOp,
    run::{Params, TrainPoint},
};

/// Seconds between checkpoints.
const CHECKPOINT_SECS: f64 = 10.0;

/// Fits a net.
pub(crate) fn fit(data: &FitData<'_>, params: &Params) -> Result<Fitted, TrainError> {
    let params = NetParams::read(params, data.train.rows.len())?;
    let (mean, sd) = if data.link == Link::Identity { data.train.mean_and_sd() } else { (0.0, 1.0) };
    let sd = if sd > 0.0 { sd } else { 1.0 };
    let train = net_rows(data, data.train, (mean, sd))?;
    let validation = net_rows(data, data.validation, (mean, sd))?;
    let job = NetJob {
        features: data.encoder.n_features(),
        outputs: data.outputs,
        link: data.link,
        params: params.clone(),
        seed: data.seed,
        threads: data.context.threads,
        device: "cpu".to_owned(),
        watch: Some(data.watch.clone()),
        target: (mean, sd),
        knots: knots(data, &params, &train),
        groups: groups(data, &params),
        stop_after: data.stop_after,
        checkpoints: data.context.checkpoints.clone(),
    };
    let (result, device) = run(data, job, &train, &validation)?;
    let NetResult { mut net, steps, curve } = result;
    (net.scale, net.shift) = (sd as f32, mean as f32);
    let parameters = net.layers.iter().map(|layer| layer.weights.len() + layer.bias.len()).sum::<usize>();
    Ok(Fitted {
        model: Model::Net(net),
        link: data.link,
        notes: Vec::new(),
        calibration: Calibration::None,
        params: params.to_params(),
        curve,
        steps,
        parameters: parameters as u64,
        device,
    })
}

/// Columns beyond which numbers stay as they are: the layer that encodes them would be too large.
const MOST_FEATURES: usize = 400;
/// Categories of fewer values stay one-hot.
const FEWEST_VALUES: usize = 6;

/// Finds the bins of numbers in training rows.
fn knots(data: &FitData<'_>, params: &NetParams, train: &NetRows) -> Vec<Knots> {
    let features = data.encoder.n_features();
    let bins = (params.bins as usize).min(data.train.rows.len() / 40);
    if bins < 2 || features > MOST_FEATURES {
        return Vec::new();
    }
    let numbers = data
        .recipe
        .features
        .iter()
        .enumerate()
        .filter(|(_, feature)| matches!(feature.op, FeatureOp::Number { .. } | FeatureOp::Date { .. }));
    let column = |at: usize| train.x.iter().skip(at).step_by(features).copied().collect();
    numbers.filter_map(|(at, _)| Knots::of(at, column(at), bins)).collect()
}

/// Finds the one-hot features of each category.
fn groups(data: &FitData<'_>, params: &NetParams) -> Vec<Group> {
    let features = &data.recipe.features;
    let mut out: Vec<Group> = Vec::new();
    let mut at = 0;
    while at < features.len() {
        let input = features[at].input;
        let one = |feature: &&yard_types::recipe::Feature| {
            feature.input == input && matches!(feature.op, FeatureOp::OneHot { .. })
        };
        let len = features[at..].iter().take_while(one).count();
        // A rule of thumb: 1.6 × values^0.56, here by the square root.
        let width = (1.6 * (len as f64).sqrt()) as usize;
        let width = width.min(params.embedding as usize);
        if len >= FEWEST_VALUES && width > 0 {
            out.push(Group { first: at, len, width });
        }
        at += len.max(1);
    }
    out
}

/// Encodes rows for a net; the target of a regression is standardised, weights get mean 1.
fn net_rows(data: &FitData<'_>, part: &Part, (mean, sd): (f64, f64)) -> Result<NetRows, TrainError> {
    let x = data.encode(&part.rows)?.concat();
    let at_limit = |value: &f32| value.is_nan() || value.abs() >= DENSE_LIMIT;
    if let Some(at) = x.iter().position(at_limit) {
        let feature = at % data.encoder.n_features();
        let column = x.iter().skip(feature).step_by(data.encoder.n_features());
        let rows = column.filter(|value| at_limit(value)).count();
        return Err(TrainError::NotFinite { feature: data.feature_name(feature), rows, family: "mlp" });
    }
    Ok(NetRows { x, ..targets(part, (mean, sd)) })
}

/// Returns the target of rows, standardised, and their weights with mean 1.
pub(crate) fn targets(part: &Part, (mean, sd): (f64, f64)) -> NetRows {
    let mean_weight = part
        .weights
        .as_ref()
        .map_or(1.0, |weights| yard_metrics::sum::sum(weights) / weights.len().max(1) as f64);
    NetRows {
        x: Vec::new(),
        y: part.y.iter().map(|y| ((y - mean) / sd) as f32).collect(),
        weights: part
            .weights
            .as_ref()
            .map(|weights| weights.iter().map(|w| (w / mean_weight) as f32).collect()),
    }
}

/// Trains on the device asked for; returns the device used, with the reason for a fallback.
fn run(
    data: &FitData<'_>,
    mut job: NetJob,
    train: &NetRows,
    validation: &NetRows,
) -> Result<(NetResult, String), TrainError> {
    let choice = DeviceChoice::parse(data.device)?;
    let follower = Follower::new(data.context);
    let here = |job: &NetJob| train_net(job, train, validation, &follower);
    let here_with_gpu = cfg!(any(feature = "cuda", feature = "metal"));
    if choice == DeviceChoice::Cpu || (here_with_gpu && choice != DeviceChoice::Auto) {
        job.device = choice.word();
        return Ok((here(&job)?, choice.word()));
    }
    let reason = match gpu_of_worker(data, choice) {
        Ok((path, device)) => {
            job.device.clone_from(&device);
            let folder = data.context.work_dir.as_deref();
            match worker::run(path, &job, (train, validation), &follower, folder) {
                Ok(result) => return Ok((result, device)),
                Err(error) if choice == DeviceChoice::Auto && !matches!(error, TrainError::Cancelled) => {
                    error.to_string()
                }
                Err(error) => return Err(error),
            }
        }
        Err(reason) if choice == DeviceChoice::Auto => reason,
        Err(reason) => return Err(TrainError::Device { device: choice.word(), reason }),
    };
    "cpu".clone_into(&mut job.device);
    Ok((here(&job)?, format!("cpu (no GPU used: {reason})")))
}

/// Returns the worker and its device that fits the choice, or why there is none.
fn gpu_of_worker<'a>(
    data: &'a FitData<'_>,
    choice: DeviceChoice,
) -> Result<(&'a std::path::Path, String), String> {
    let Some(path) = data.context.worker.as_deref() else {
        return Err(format!("no worker yard-trainer beside the program; {HOW_TO_GET_GPU}"));
    };
    let probe = worker::probe(path).map_err(|error| error.to_string())?;
    let fits = |device: &&String| match choice {
        DeviceChoice::Auto => *device != "cpu",
        choice => **device == choice.word(),
    };
    match probe.devices.iter().find(fits) {
        Some(device) => Ok((path, device.clone())),
        None if probe.reason.is_empty() => Err(format!("the worker has {} only", probe.devices.join(", "))),
        None => Err(format!("{}; {HOW_TO_GET_GPU}", probe.reason)),
    }
}

/// Returns whether a message of the system or of a driver tells of exhausted memory.
pub(crate) fn means_out_of_memory(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["out of memory", "out_of_memory", "memory allocation", "alloc failed"]
        .iter()
        .any(|words| text.contains(words))
}

/// Passes news of a net on to the run's observer, and tells when a checkpoint is due.
pub(crate) struct Follower<'a> {
    context: &'a Context<'a>,
    /// When the last checkpoint was due.
    checked: Cell<f64>,
}

impl<'a> Follower<'a> {
    pub(crate) fn new(context: &'a Context<'a>) -> Self {
        Self { context, checked: Cell::new((context.clock)()) }
    }
}

impl NetObserver for Follower<'_> {
    fn progress(&self, progress: Progress) {
        self.context.observer.progress(progress);
    }

    fn point(&self, point: TrainPoint) {
        self.context.observer.point(point);
    }

    fn cancelled(&self) -> bool {
        self.context.observer.cancelled()
    }

    fn checkpoint_due(&self) -> bool {
        let now = (self.context.clock)();
        let due = self.context.checkpoints.is_some() && now - self.checked.get() >= CHECKPOINT_SECS;
        if due {
            self.checked.set(now);
        }
        due
    }

    fn warning(&self, message: &str) {
        self.context.observer.warning(message);
    }
}
