//! Bins from a stream: rows arrive in chunks, twice, and no more than a chunk of them is in memory as numbers.
//!
//! The first pass finds where bins end, from the same sample of rows as [`crate::train()`] takes (all rows up
//! to 200,000, else 200,000 evenly spread ones; of categories all rows are counted); the second pass bins. So a
//! model is bit for bit the one that [`crate::train()`] gives on the whole matrix, however rows are divided
//! into chunks. Memory: features × rows bytes for columns, as much again (in words of eight features) for
//! rows, 16 bytes a row for gradients, 4 for each margin. Knows nothing of files.

use crate::{
    binned::{Binned, Binners},
    bins::{Binner, CategoryBins, NumberBins, sample_rows},
    class_weights,
    constraints::Constraints,
    data::{Features, MAX_ROWS, check_rows},
    error::BoostError,
    memory::zeroed,
    pace::Pace,
    params::BoostParams,
    train::{Control, Round, TrainSpec, Trained, run},
    trainer::{Ready, Setting, Trainer},
};
use rayon::prelude::*;

/// First pass: what the bins of each feature are found from.
#[derive(Clone, Debug)]
pub struct StreamLimits {
    header: Features<'static>,
    rows: usize,
    seen: usize,
    bins: usize,
    /// Rows to take, ascending; all when `None`.
    sample: Option<Vec<u32>>,
    /// Rows of the sample that were taken.
    taken: usize,
    /// Numbers of the sample, `[features]`; empty for categories.
    values: Vec<Vec<f32>>,
    /// Rows of each code, `[features]`; empty for numbers.
    counts: Vec<Vec<usize>>,
}

impl StreamLimits {
    /// Starts a pass over `rows` rows; `categorical` marks the code columns, `names` are for constraints and may
    /// be empty; of the hyperparameters `bins` and `seed` count.
    pub fn new(
        categorical: Vec<bool>,
        names: Vec<String>,
        rows: usize,
        params: &BoostParams,
    ) -> Result<Self, BoostError> {
        let features = categorical.len();
        if rows == 0 || features == 0 {
            return Err(BoostError::Empty { rows, features });
        }
        if rows > MAX_ROWS {
            return Err(BoostError::TooManyRows { rows, limit: MAX_ROWS });
        }
        let header = Features { columns: vec![&[]; features], categorical, rows: 0, names };
        Ok(Self {
            header,
            rows,
            seen: 0,
            bins: params.bins.clamp(2, 255) as usize,
            sample: sample_rows(rows, params.seed),
            taken: 0,
            values: vec![Vec::new(); features],
            counts: vec![Vec::new(); features],
        })
    }

    /// Takes the next rows.
    pub fn add(&mut self, chunk: &Features) -> Result<(), BoostError> {
        check_chunk(&self.header, chunk, (self.seen, self.rows))?;
        let (start, end) = (self.seen, self.seen + chunk.rows);
        let mut next = self.taken;
        if let Some(sample) = &self.sample {
            next = sample.partition_point(|&row| (row as usize) < end);
        }
        let picked = self.sample.as_ref().map(|sample| &sample[self.taken..next]);
        let columns = chunk.columns.par_iter().zip(&chunk.categorical);
        columns.zip(&mut self.values).zip(&mut self.counts).for_each(
            |(((column, &code), values), counts)| {
                if code {
                    CategoryBins::count(column, counts);
                } else if let Some(picked) = picked {
                    values.extend(picked.iter().map(|&row| column[row as usize - start]));
                } else {
                    values.extend_from_slice(column);
                }
            },
        );
        (self.seen, self.taken) = (end, next);
        Ok(())
    }

    /// Finds the bins; all rows must have come.
    pub fn finish(self) -> Result<StreamBins, BoostError> {
        check_end(self.seen, self.rows)?;
        let parts = self.values.par_iter().zip(&self.counts).zip(&self.header.categorical);
        let found: Vec<Binner> = parts
            .map(|((values, counts), &code)| {
                if code {
                    Binner::Category(CategoryBins::of_counts(counts, self.bins))
                } else {
                    Binner::Number(NumberBins::find(values, None, self.bins))
                }
            })
            .collect();
        Ok(StreamBins { binners: Binners::of(found), header: self.header })
    }
}

/// The bins of each feature.
#[derive(Clone, Debug)]
pub struct StreamBins {
    binners: Binners,
    header: Features<'static>,
}

impl StreamBins {
    /// Starts the second pass, or a pass over validation rows, of `rows` rows.
    pub fn matrix(&self, rows: usize) -> Result<StreamMatrix<'_>, BoostError> {
        let features = self.binners.features.len();
        if rows == 0 {
            return Err(BoostError::Empty { rows, features });
        }
        if rows > MAX_ROWS {
            return Err(BoostError::TooManyRows { rows, limit: MAX_ROWS });
        }
        Ok(StreamMatrix { bins: self, columns: zeroed(features * rows), rows, seen: 0 })
    }
}

/// Second pass: rows as bins.
#[derive(Debug)]
pub struct StreamMatrix<'a> {
    bins: &'a StreamBins,
    /// `[features, rows]`.
    columns: Vec<u8>,
    rows: usize,
    seen: usize,
}

impl StreamMatrix<'_> {
    /// Takes the next rows.
    pub fn add(&mut self, chunk: &Features) -> Result<(), BoostError> {
        check_chunk(&self.bins.header, chunk, (self.seen, self.rows))?;
        let range = self.seen..self.seen + chunk.rows;
        let parts = self.columns.par_chunks_mut(self.rows).zip(&self.bins.binners.features);
        parts.zip(&chunk.columns).for_each(|((out, binner), column)| {
            binner.map(column, &mut out[range.clone()]);
        });
        self.seen = range.end;
        Ok(())
    }

    /// Ends the pass; all rows must have come.
    pub fn finish(self) -> Result<BinnedMatrix, BoostError> {
        check_end(self.seen, self.rows)?;
        Ok(BinnedMatrix { data: Binned::of(self.columns, self.rows) })
    }
}

/// A matrix of bins.
#[derive(Debug)]
pub struct BinnedMatrix {
    data: Binned,
}

/// What to train on: bins with targets and weights as in [`crate::TrainSet`].
#[derive(Debug)]
pub struct BinnedSet<'a> {
    /// Features.
    pub matrix: BinnedMatrix,
    /// Targets, `[rows]`.
    pub y: &'a [f32],
    /// Sample weights, `[rows]`.
    pub weights: Option<&'a [f32]>,
}

impl<'a> BinnedSet<'a> {
    fn ready(self, own: Option<&'a [f32]>) -> Ready<'a> {
        Ready { data: self.matrix.data, y: self.y, weights: own.or(self.weights), raw: None }
    }
}

fn check_chunk(header: &Features, chunk: &Features, (seen, rows): (usize, usize)) -> Result<(), BoostError> {
    chunk.check()?;
    if chunk.categorical != header.categorical {
        let (got, expected) = (chunk.columns.len(), header.columns.len());
        let problem =
            format!("has {got} features or other category columns in rows from {seen} on, not {expected}");
        return Err(BoostError::Stream { problem });
    }
    if chunk.rows > rows - seen {
        return Err(BoostError::Stream { problem: format!("goes on beyond the {rows} rows announced") });
    }
    Ok(())
}

fn check_end(seen: usize, rows: usize) -> Result<(), BoostError> {
    if seen == rows {
        return Ok(());
    }
    Err(BoostError::Stream { problem: format!("ended after {seen} of {rows} rows") })
}

/// Trains on matrices that were binned from a stream; else as [`crate::train()`], with the same model.
pub fn train_binned(
    bins: &StreamBins,
    train: BinnedSet,
    valid: Option<BinnedSet>,
    spec: &TrainSpec,
    observer: &mut dyn FnMut(Round) -> Control,
) -> Result<Trained, BoostError> {
    let loss = spec.objective.for_target(train.y, train.weights).loss();
    let rows = train.matrix.data.rows;
    check_rows("training", train.y, train.weights, rows)?;
    loss.check(train.y)?;
    if let Some(valid) = &valid {
        check_rows("validation", valid.y, valid.weights, valid.matrix.data.rows)?;
        loss.check(valid.y)?;
    }
    let choice = &spec.params.class_weight;
    let by_class = class_weights::by_class(choice, spec.objective, train.y, train.weights)?;
    let weigh = |y, weights| by_class.as_ref().map(|by_class| class_weights::rows(by_class, y, weights));
    let own = weigh(train.y, train.weights);
    let held = valid.as_ref().and_then(|valid| weigh(valid.y, valid.weights));
    let params = &spec.params.for_data(rows, bins.header.columns.len());
    let constraints = Constraints::resolve(params, &bins.header)?;
    let setting = Setting { loss: loss.as_ref(), params, constraints: &constraints, start: None };
    let rounds = params.rounds(valid.is_some());
    let pace = Pace::new(spec.threads)?;
    let (train, valid) = (train.ready(own.as_deref()), valid.map(|valid| valid.ready(held.as_deref())));
    let trainer = pace.all().install(|| Trainer::new(bins.binners.clone(), train, valid, setting))?;
    run(trainer, pace, rounds, (params.early_stopping, &mut |round, _| observer(round)))
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
