//! The training loop of every net, whatever computes its steps ([`Learner`]): shuffled batches, loss and its derivative in f64 by the same function as
//! the linear models, early stopping with the weights of the best epoch, checkpoints.
//! Paper: Prechelt, 1998, "Early stopping - but when?", doi:10.1007/3-540-49430-8_3.

use super::{
    adam::Rule,
    candle_net::CandleNet,
    checkpoint::{Place, Position},
    cpu::CpuNet,
    job::{NetJob, NetObserver, NetParams, NetResult, NetRows, Precision},
    layout::Layout,
    learner::{Learner, Step},
    schedule::Schedule,
    vector::Level,
};
use crate::{
    TrainError,
    device::DeviceChoice,
    linear::loss,
    watch::{self, Watch},
};
use candle_core::Device;
use yard_score::model::Link;
use yard_types::{event::Progress, rng::Rng, run::TrainPoint};

const SHUFFLE_STREAM: u64 = 0x7368_7566_0000_0000;
/// Steps between two reports of progress within an epoch, at least.
const REPORT_STEPS: usize = 64;
/// Reports of progress in an epoch, at most.
const REPORTS: usize = 20;

/// Trains a net on the device that the job names, in this process. When the job names a folder for
/// checkpoints, the training goes on from the one that the same job left there, if any.
pub fn train_net(
    job: &NetJob,
    train: &NetRows,
    validation: &NetRows,
    observer: &dyn NetObserver,
) -> Result<NetResult, TrainError> {
    check(job, train, validation)?;
    let rows = (train, validation);
    let device = DeviceChoice::parse(&job.device)?.open()?;
    if !matches!(device, Device::Cpu) {
        return train_with(job, rows, observer, &mut CandleNet::new(job, rows, &device)?);
    }
    if job.params.precision == Precision::Bf16 {
        return Err(TrainError::Settings {
            what: "precision=bf16 needs a GPU, and this net trains on the CPU, whose products are f32"
                .to_owned(),
            advice: "leave precision out, or use --device cuda:0 or metal".to_owned(),
        });
    }
    train_with(job, rows, observer, &mut CpuNet::new(job, rows, Level::of_processor()))
}

/// Checks a job and its rows.
pub(super) fn check(job: &NetJob, train: &NetRows, validation: &NetRows) -> Result<(), TrainError> {
    check_rows(job, train, "training")?;
    check_rows(job, validation, "validation")
}

/// Trains a net by a learner that was made for the same job and rows.
pub(super) fn train_with(
    job: &NetJob,
    (train, validation): (&NetRows, &NetRows),
    observer: &dyn NetObserver,
    learner: &mut dyn Learner,
) -> Result<NetResult, TrainError> {
    let layout = Layout::new(job);
    let course = Course {
        family: "mlp",
        parameters: layout.len(),
        link: job.link,
        outputs: job.outputs,
        target: job.target,
        watch: job.watch.as_ref(),
        rows: train.y.len(),
        validation,
        pace: Pace::of(job),
        place: Place::of(job, [train, validation]),
        observer,
    };
    let End { kept, steps, curve } = course.run(learner)?;
    Ok(NetResult { net: layout.to_dense(&kept), steps, curve })
}

/// How fast and how long a net is trained.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    pub(crate) seed: u64,
    /// Epochs of the schedule.
    pub(crate) epochs: u32,
    /// Epochs after which training ends all the same.
    pub(crate) stop_after: Option<u32>,
    pub(crate) step_rows: usize,
    pub(crate) learning_rate: f64,
    pub(crate) schedule: Schedule,
    /// Decoupled weight decay.
    pub(crate) l2: f64,
    pub(crate) clip: f64,
    pub(crate) ema: f64,
    /// Steps between checkpoints; 0 leaves them to time alone.
    pub(crate) checkpoint: u32,
    pub(crate) patience: u32,
}

impl Pace {
    fn of(job: &NetJob) -> Self {
        let NetParams { epochs, learning_rate, schedule, l2, clip, ema, checkpoint, patience, .. } =
            job.params;
        let (seed, stop_after, step_rows) = (job.seed, job.stop_after, job.params.step_rows());
        Self {
            seed,
            epochs,
            stop_after,
            step_rows,
            learning_rate,
            schedule,
            l2,
            clip,
            ema,
            checkpoint,
            patience,
        }
    }

    pub(crate) fn last(&self) -> u32 {
        self.stop_after.unwrap_or(self.epochs)
    }
}

/// A training: what is followed and kept, apart from the net.
pub(crate) struct Course<'a> {
    pub(crate) family: &'static str,
    /// Numbers in the state of the net.
    pub(crate) parameters: usize,
    pub(crate) link: Link,
    pub(crate) outputs: usize,
    /// Mean and deviation of a regression's target.
    pub(crate) target: (f64, f64),
    pub(crate) watch: Option<&'a Watch>,
    /// Training rows.
    pub(crate) rows: usize,
    /// Target and weights of validation rows; features are not looked at.
    pub(crate) validation: &'a NetRows,
    pub(crate) pace: Pace,
    pub(crate) place: Option<Place>,
    pub(crate) observer: &'a dyn NetObserver,
}

/// What a training leaves.
pub(crate) struct End {
    /// Weights of the best epoch.
    pub(crate) kept: Vec<f32>,
    /// Its number.
    pub(crate) steps: u32,
    pub(crate) curve: Vec<TrainPoint>,
}

impl Course<'_> {
    /// Trains a net from its state on, or from the checkpoint of the same job.
    pub(crate) fn run(&self, learner: &mut dyn Learner) -> Result<End, TrainError> {
        let mut run = Run { course: self, learner, at: Position::default(), best: Vec::new(), saved: false };
        run.restore()?;
        run.epochs()?;
        let kept = if run.best.is_empty() { run.learner.state()?.kept().to_vec() } else { run.best };
        Ok(End { kept, steps: run.at.best_epoch, curve: run.at.curve })
    }
}

struct Run<'a> {
    course: &'a Course<'a>,
    learner: &'a mut dyn Learner,
    at: Position,
    /// Weights of the best epoch.
    best: Vec<f32>,
    /// Whether a checkpoint was written or read.
    saved: bool,
}

impl Run<'_> {
    /// Goes on from the job's checkpoint, if there is one.
    fn restore(&mut self) -> Result<(), TrainError> {
        let loaded = self.course.place.as_ref().and_then(|place| place.load(self.course.parameters));
        let averaged = self.course.pace.ema > 0.0;
        let Some(loaded) = loaded.filter(|own| own.state.average.is_empty() != averaged) else {
            return Ok(());
        };
        self.learner.restore(&loaded.state)?;
        (self.at, self.best, self.saved) = (loaded.position, loaded.best, true);
        for point in &self.at.curve {
            self.course.observer.point(*point);
        }
        Ok(())
    }

    fn save(&mut self) -> Result<(), TrainError> {
        let Some(place) = &self.course.place else { return Ok(()) };
        match place.save(&self.at, &self.learner.state()?, &self.best) {
            Ok(()) => self.saved = true,
            Err(error) => self.course.observer.warning(&format!(
                "the checkpoint can't be written ({error}); training goes on, and a stop would lose what it \
                 did since the last one; free space or check the folder: {}",
                place.path().display()
            )),
        }
        Ok(())
    }

    fn epochs(&mut self) -> Result<(), TrainError> {
        let last = self.course.pace.last();
        while !self.at.ended && self.at.epochs < last {
            self.epoch()?;
            self.judge()?;
        }
        if self.saved && !self.at.ended {
            self.at.ended = true;
            self.save()?;
        }
        Ok(())
    }

    /// Goes over the training rows that are left in this epoch.
    fn epoch(&mut self) -> Result<(), TrainError> {
        let params = &self.course.pace;
        let rows = self.course.rows;
        let mut order: Vec<u32> = (0..rows as u32).collect();
        Rng::new(params.seed, SHUFFLE_STREAM + u64::from(self.at.epochs + 1)).shuffle(&mut order);
        let steps = rows.div_ceil(params.step_rows);
        let every = REPORT_STEPS.max(steps.div_ceil(REPORTS));
        let batches: Vec<&[u32]> = order.chunks(params.step_rows).collect();
        for (at, rows) in batches.iter().enumerate().skip(self.at.in_epoch) {
            self.pause()?;
            let done = self.at.steps as f64 / (steps as f64 * f64::from(params.epochs));
            let rule = Rule {
                rate: params.learning_rate * params.schedule.factor(done),
                decay: params.l2,
                clip: params.clip,
                ema: (params.ema > 0.0).then_some(params.ema),
                steps: self.at.steps,
            };
            let next = batches.get(at + 1).copied().unwrap_or_default();
            let (epoch, number) = (self.at.epochs + 1, self.at.steps);
            let sums = self.learner.step(&Step { rows, next, epoch, number, rule })?;
            self.at.sums = (self.at.sums.0 + sums.0, self.at.sums.1 + sums.1);
            self.at.steps += 1;
            self.at.in_epoch += 1;
            if self.at.in_epoch.is_multiple_of(every) || self.at.in_epoch == steps {
                self.report(steps);
            }
        }
        Ok(())
    }

    /// Stops when that was asked for, and keeps a checkpoint when one is due.
    fn pause(&mut self) -> Result<(), TrainError> {
        if self.course.observer.cancelled() {
            self.save()?;
            return Err(TrainError::Cancelled);
        }
        let every = u64::from(self.course.pace.checkpoint);
        let by_steps = every > 0 && self.at.steps > 0 && self.at.steps.is_multiple_of(every);
        if self.course.observer.checkpoint_due() || by_steps {
            self.save()?;
        }
        Ok(())
    }

    fn report(&self, steps: usize) {
        let epochs = u64::from(self.course.pace.last());
        self.course.observer.progress(Progress {
            phase: "net".to_owned(),
            done: self.at.steps,
            total: Some(epochs * steps as u64),
            unit: "steps".to_owned(),
        });
    }

    /// Ends an epoch: measures it and keeps its weights if they are the best.
    fn judge(&mut self) -> Result<(), TrainError> {
        let epoch = self.at.epochs + 1;
        let train_loss = self.at.sums.0 / self.at.sums.1;
        let held_out = !self.course.validation.y.is_empty();
        let margins = if held_out { Some(self.learner.validation_margins()?) } else { None };
        let validation_loss = margins.as_ref().map(|margins| self.validation_loss(margins));
        let validation_metric =
            margins.filter(|_| watch::due(epoch)).and_then(|margins| self.metric(margins));
        let point = TrainPoint { step: epoch, train_loss, validation_loss, validation_metric };
        self.at.curve.push(point);
        self.course.observer.point(point);
        if !train_loss.is_finite() || validation_loss.is_some_and(|loss| !loss.is_finite()) {
            let detail = format!("the loss of epoch {epoch} is not finite (lower learning_rate)");
            return Err(TrainError::Diverged { family: self.course.family, detail });
        }
        // Without validation rows the last epoch is kept.
        let loss = validation_loss.unwrap_or(-f64::from(epoch));
        if self.at.least.is_none_or(|least| loss < least) {
            self.best.clear();
            self.best.extend_from_slice(self.learner.state()?.kept());
            (self.at.least, self.at.best_epoch) = (Some(loss), epoch);
        }
        let patience = self.course.pace.patience;
        let tired = patience > 0 && epoch - self.at.best_epoch >= patience;
        (self.at.epochs, self.at.in_epoch, self.at.sums) = (epoch, 0, (0.0, 0.0));
        if tired {
            self.at.ended = true;
            if self.saved {
                self.save()?;
            }
        }
        Ok(())
    }

    fn validation_loss(&self, margins: &[f32]) -> f64 {
        let (mut sum, mut total) = (0.0, 0.0);
        for (row, margins) in margins.chunks_exact(self.course.outputs).enumerate() {
            let (y, weight) = target(self.course.validation, row);
            let mut margins: Vec<f64> = margins.iter().map(|margin| f64::from(*margin)).collect();
            sum += weight * loss(self.course.link, y, &mut margins);
            total += weight;
        }
        sum / total
    }

    /// Returns the followed metric on validation rows, on the scale of the target.
    fn metric(&self, mut margins: Vec<f32>) -> Option<f64> {
        let (mean, sd) = self.course.target;
        let rows = self.course.validation;
        for margin in &mut margins {
            *margin = (f64::from(*margin) * sd + mean) as f32;
        }
        let y: Vec<f64> = rows.y.iter().map(|y| f64::from(*y) * sd + mean).collect();
        let weights = rows.weights.as_ref().map(|all| all.iter().map(|w| f64::from(*w)).collect::<Vec<_>>());
        self.course.watch?.value(&y, weights.as_deref(), &margins)
    }
}

/// Returns target and weight of a row.
pub(crate) fn target(rows: &NetRows, row: usize) -> (f64, f64) {
    let weight = rows.weights.as_ref().map_or(1.0, |weights| f64::from(weights[row]));
    (f64::from(rows.y[row]), weight)
}

fn check_rows(job: &NetJob, rows: &NetRows, part: &str) -> Result<(), TrainError> {
    let n = rows.y.len();
    let weights = rows.weights.as_ref().map_or(n, Vec::len);
    let classes = if job.link == Link::Softmax { job.outputs as f32 } else { 2.0 };
    let coded =
        job.link == Link::Identity || rows.y.iter().all(|y| *y >= 0.0 && *y < classes && y.fract() == 0.0);
    let fits = rows.x.len() == n.saturating_mul(job.features) && weights == n;
    if fits && coded && job.outputs > 0 && job.features > 0 {
        return Ok(());
    }
    Err(TrainError::Part {
        part: "net",
        message: format!(
            "{part} rows don't fit: {} feature values, {n} targets, {weights} weights; expected {} features a row (at least 1) and class codes below {classes}",
            rows.x.len(),
            job.features
        ),
    })
}
