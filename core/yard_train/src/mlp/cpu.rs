//! The net on the CPU: lanes of rows side by side, then one pass over the parameters.

use super::{
    adam::State,
    encode::Encoder,
    job::{NetJob, NetRows},
    lane::{BLOCK, Drop, Lane, Pass},
    layout::Layout,
    learner::{Learner, Step},
    pack::Packed,
    vector::Level,
};
use crate::TrainError;
use rayon::prelude::*;

/// Steps of less work (multiplications and additions) than this stay on one thread.
const WORTH_THREADS: usize = 8_000_000;
/// Parameters from which a pass over them is worth several threads.
const LARGE: usize = 500_000;
/// Most numbers in the gradients of all lanes together.
const MOST_ROOM: usize = 1 << 27;

/// A net under training on the CPU.
pub(super) struct CpuNet<'a> {
    job: &'a NetJob,
    train: &'a NetRows,
    validation: &'a NetRows,
    layout: Layout,
    encoder: Encoder,
    state: State,
    packed: Packed,
    /// Room for averaged weights.
    averaged: Option<Packed>,
    lanes: Vec<Lane>,
    total: Vec<f32>,
    level: Level,
    /// Whether the lanes of a step are worth several threads.
    parallel: bool,
    /// Whether a pass over the parameters is. Each join waits for the slowest thread, which on a busy machine
    /// takes longer than a small net's pass.
    large: bool,
}

impl<'a> CpuNet<'a> {
    pub(super) fn new(
        job: &'a NetJob,
        (train, validation): (&'a NetRows, &'a NetRows),
        level: Level,
    ) -> Self {
        let layout = Layout::new(job);
        let rows = job.params.step_rows().min(train.y.len()).max(1);
        let lanes = lanes(rows, layout.len());
        let averaged = job.params.ema > 0.0;
        let mut net = Self {
            job,
            train,
            validation,
            encoder: Encoder::new(&layout.plan),
            state: State::new(layout.initial(job.seed), averaged),
            packed: Packed::new(&layout),
            averaged: averaged.then(|| Packed::new(&layout)),
            lanes: (0..lanes).map(|_| Lane::new(&layout)).collect(),
            total: vec![0.0; layout.len()],
            level,
            parallel: rayon::current_num_threads() > 1
                && rows.saturating_mul(layout.len()).saturating_mul(6) > WORTH_THREADS,
            large: rayon::current_num_threads() > 1 && layout.len() > LARGE,
            layout,
        };
        net.packed.fill(&net.layout, &net.state.weights, net.large);
        net
    }
}

/// Returns the number of lanes of a step: by its rows alone, at least 64 rows each and at most 8, or one for
/// each 256 rows.
fn lanes(rows: usize, parameters: usize) -> usize {
    let lanes = rows.div_ceil(64).min(8).max(rows / 256);
    lanes.min((MOST_ROOM / parameters.max(1)).max(2))
}

/// Returns the embeddings of all groups.
fn embeddings<'a>(layout: &Layout, values: &'a [f32]) -> Vec<&'a [f32]> {
    (0..layout.plan.groups.len()).map(|group| &values[layout.embedding(group)]).collect()
}

impl Learner for CpuNet<'_> {
    fn step(&mut self, step: &Step<'_>) -> Result<(f64, f64), TrainError> {
        let params = &self.job.params;
        let embeddings = embeddings(&self.layout, &self.state.weights);
        let pass = Pass {
            level: self.level,
            layout: &self.layout,
            encoder: &self.encoder,
            packed: &self.packed,
            embeddings: &embeddings,
            rows: self.train,
            link: self.job.link,
            drop: (params.dropout > 0.0).then_some(Drop {
                seed: self.job.seed,
                step: step.number,
                share: params.dropout,
            }),
        };
        let scale = 1.0 / step.rows.len() as f64;
        let size = step.rows.len().div_ceil(lanes(step.rows.len(), self.layout.len()));
        let used = step.rows.len().div_ceil(size);
        let learn =
            |((at, lane), rows): ((usize, &mut Lane), &[u32])| lane.learn(&pass, rows, (at * size, scale));
        if self.parallel {
            let lanes = self.lanes[..used].par_iter_mut().enumerate().with_max_len(1);
            lanes.zip(step.rows.par_chunks(size)).for_each(learn);
        } else {
            self.lanes.iter_mut().enumerate().zip(step.rows.chunks(size)).for_each(learn);
        }
        let lanes = &self.lanes[..used];
        let gradients: Vec<&[f32]> = lanes.iter().map(|lane| lane.gradient.as_slice()).collect();
        let way = (self.level, self.large);
        self.state.step(&gradients, &mut self.total, (&step.rule, &self.layout.segments), way);
        self.packed.fill(&self.layout, &self.state.weights, self.large);
        let add = |sum: (f64, f64), lane: &Lane| (sum.0 + lane.sums.0, sum.1 + lane.sums.1);
        Ok(lanes.iter().fold((0.0, 0.0), add))
    }

    fn validation_margins(&mut self) -> Result<Vec<f32>, TrainError> {
        let kept = self.state.kept();
        if let Some(averaged) = &mut self.averaged {
            averaged.fill(&self.layout, kept, self.large);
        }
        let embeddings = embeddings(&self.layout, kept);
        let pass = Pass {
            level: self.level,
            layout: &self.layout,
            encoder: &self.encoder,
            packed: self.averaged.as_ref().unwrap_or(&self.packed),
            embeddings: &embeddings,
            rows: self.validation,
            link: self.job.link,
            drop: None,
        };
        let rows = self.validation.y.len();
        // Whole blocks per lane, so that each one's margins stand together.
        let share = rows.div_ceil(self.lanes.len()).next_multiple_of(BLOCK);
        let score = |(at, lane): (usize, &mut Lane)| {
            let (from, to) = ((at * share).min(rows), ((at + 1) * share).min(rows));
            let mut out = Vec::with_capacity((to - from) * self.job.outputs);
            for start in (from..to).step_by(BLOCK) {
                lane.margins(&pass, start..to.min(start + BLOCK), &mut out);
            }
            out
        };
        let parts: Vec<Vec<f32>> = if self.parallel {
            self.lanes.par_iter_mut().enumerate().with_max_len(1).map(score).collect()
        } else {
            self.lanes.iter_mut().enumerate().map(score).collect()
        };
        Ok(parts.concat())
    }

    fn state(&self) -> Result<State, TrainError> {
        Ok(self.state.clone())
    }

    fn restore(&mut self, state: &State) -> Result<(), TrainError> {
        self.state.clone_from(state);
        self.packed.fill(&self.layout, &self.state.weights, self.large);
        Ok(())
    }
}
