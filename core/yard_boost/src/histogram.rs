//! Histograms of a node: per bin of each feature the sum of gradients and hessians, as integers.
//!
//! Rows are added in blocks: the block's words are fetched into a small buffer (one cache line per
//! row), then eight features at a time are added to an accumulator that stays in the first-level cache.
//! Integer sums are the same in any order, so blocks may go to any thread; a node's larger child is its
//! parent minus its smaller child (sibling subtraction), exactly.

use crate::{
    binned::{Binned, ByRow, LANES},
    prefetch::prefetch,
    quant::{Entry, Quant, Sum},
};
use rayon::prelude::*;
use std::sync::{Mutex, PoisonError};

/// Rows of one fetch.
const BLOCK: usize = 1024;
/// Smallest number of rows that are worth a task of their own.
const TASK_ROWS: usize = 4096;

/// A histogram over all slots of all features, compact.
#[derive(Clone, Debug)]
pub(crate) enum Hist {
    /// At most [`Quant::chunk`] rows: words.
    Words(Vec<u64>),
    /// More rows.
    Sums(Vec<Sum>),
}

/// Accumulators of one thread; all zero between uses.
struct Local {
    lanes: Vec<[[u64; 256]; LANES]>,
    /// `[stride][BLOCK]`.
    rows: Vec<u64>,
    gradients: Vec<u64>,
}

/// Builds histograms of one tree.
pub(crate) struct Histograms<'a> {
    data: &'a Binned,
    /// First slot of each feature, total at the end.
    offsets: &'a [usize],
    /// Features in use, ascending.
    features: &'a [u32],
    words: Vec<usize>,
    /// Features in use with more bins than a byte holds.
    wide: Vec<u32>,
    threads: usize,
    /// Scales of the words.
    pub(crate) quant: Quant,
    pool: &'a Pool,
}

/// Buffers that live as long as the training.
#[derive(Default)]
pub(crate) struct Pool {
    locals: Mutex<Vec<Local>>,
    words: Mutex<Vec<Vec<u64>>>,
    sums: Mutex<Vec<Vec<Sum>>>,
}

fn take<T>(stack: &Mutex<Vec<T>>) -> Option<T> {
    stack.lock().unwrap_or_else(PoisonError::into_inner).pop()
}

fn give<T>(stack: &Mutex<Vec<T>>, value: T) {
    stack.lock().unwrap_or_else(PoisonError::into_inner).push(value);
}

impl Pool {
    /// Takes a histogram back.
    pub(crate) fn recycle(&self, hist: Hist) {
        match hist {
            Hist::Words(words) => give(&self.words, words),
            Hist::Sums(sums) => give(&self.sums, sums),
        }
    }

    fn words(&self, slots: usize) -> Vec<u64> {
        let mut words = take(&self.words).unwrap_or_default();
        words.clear();
        words.resize(slots, 0);
        words
    }

    fn sums(&self, slots: usize) -> Vec<Sum> {
        let mut sums = take(&self.sums).unwrap_or_default();
        sums.clear();
        sums.resize(slots, Sum::default());
        sums
    }

    fn local(&self, words: usize, stride: usize) -> Local {
        take(&self.locals).unwrap_or_else(|| Local {
            lanes: vec![[[0; 256]; LANES]; words],
            rows: vec![0; stride * BLOCK],
            gradients: vec![0; BLOCK],
        })
    }
}

/// What a tree's histograms are built from.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) data: &'a Binned,
    pub(crate) offsets: &'a [usize],
    pub(crate) features: &'a [u32],
    pub(crate) pool: &'a Pool,
}

impl<'a> Histograms<'a> {
    pub(crate) fn new(source: Source<'a>, quant: Quant) -> Self {
        let Source { data, offsets, features, pool } = source;
        let mut words: Vec<usize> = features.iter().map(|&f| f as usize / LANES).collect();
        words.dedup();
        let threads = rayon::current_num_threads();
        let wide = features.iter().copied().filter(|&feature| data.wide(feature).is_some()).collect();
        Self { data, offsets, features, words, wide, threads, quant, pool }
    }

    fn slots(&self) -> usize {
        self.offsets[self.offsets.len() - 1]
    }

    /// Builds the histogram of some rows.
    pub(crate) fn build(&self, rows: &[Entry]) -> Hist {
        if rows.len() <= self.quant.chunk {
            let out = Mutex::new(self.pool.words(self.slots()));
            self.run(rows, |local| {
                let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
                self.flush(local, |slot, word| out[slot] = out[slot].wrapping_add(word));
            });
            let mut out = out.into_inner().unwrap_or_else(PoisonError::into_inner);
            self.add_wide(rows, &mut out, |slot, word| *slot = slot.wrapping_add(word));
            Hist::Words(out)
        } else {
            let out = Mutex::new(self.pool.sums(self.slots()));
            self.run(rows, |local| {
                let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
                self.flush(local, |slot, word| out[slot] = out[slot] + self.quant.unpack(word));
            });
            let mut out = out.into_inner().unwrap_or_else(PoisonError::into_inner);
            self.add_wide(rows, &mut out, |slot, word| *slot = *slot + self.quant.unpack(word));
            Hist::Sums(out)
        }
    }

    /// Adds rows to the slots of wide features, each on a thread of its own.
    fn add_wide<T: Send>(&self, rows: &[Entry], out: &mut [T], add: impl Fn(&mut T, u64) + Sync) {
        let (mut rest, mut at, mut parts) = (out, 0, Vec::with_capacity(self.wide.len()));
        for &feature in &self.wide {
            let (from, to) = (self.offsets[feature as usize], self.offsets[feature as usize + 1]);
            let (_, own) = rest.split_at_mut(from - at);
            let (own, more) = own.split_at_mut(to - from);
            parts.extend(self.data.wide(feature).map(|column| (own, column)));
            (rest, at) = (more, to);
        }
        parts.into_par_iter().for_each(|(slots, column)| {
            for &entry in rows {
                add(&mut slots[column[entry.row()] as usize], self.quant.word(entry));
            }
        });
    }

    /// Adds rows to accumulators, at most a chunk at a time, and hands each to `flush`.
    fn run(&self, rows: &[Entry], flush: impl Fn(&mut Local) + Sync) {
        let tasks = self.threads * 4;
        let size = rows.len().div_ceil(tasks).clamp(TASK_ROWS, self.quant.chunk.max(TASK_ROWS));
        let one = |part: &[Entry]| {
            let mut local = self.pool.local(self.data.words, self.data.by_row.stride);
            for part in part.chunks(self.quant.chunk) {
                self.accumulate(&mut local, part);
                flush(&mut local);
            }
            give(&self.pool.locals, local);
        };
        if self.threads == 1 || rows.len() <= size {
            one(rows);
        } else {
            rows.par_chunks(size).with_max_len(1).for_each(one);
        }
    }

    fn accumulate(&self, local: &mut Local, rows: &[Entry]) {
        let by_row = &self.data.by_row;
        for (index, block) in rows.chunks(BLOCK).enumerate() {
            for (&entry, gradient) in block.iter().zip(&mut local.gradients) {
                *gradient = self.quant.word(entry);
            }
            fetch(by_row, block, &mut local.rows);
            let ahead = rows.get((index + 1) * BLOCK..).unwrap_or_default();
            let ahead = &ahead[..ahead.len().min(BLOCK)];
            for &word in &self.words {
                let records = &local.rows[word * BLOCK..][..block.len()];
                let ahead = Ahead::new(by_row, ahead, word);
                let lanes = (self.offsets.len() - 1 - word * LANES).min(LANES);
                add(&mut local.lanes[word], lanes, records, &local.gradients, &ahead);
            }
        }
    }

    /// Hands out all sums of the accumulators and clears them.
    fn flush(&self, local: &mut Local, mut put: impl FnMut(usize, u64)) {
        for &word in &self.words {
            let first = word * LANES;
            for (lane, sums) in local.lanes[word].iter_mut().enumerate() {
                let Some(&[from, to]) =
                    self.offsets.get(first + lane..first + lane + 2).and_then(|o| o.first_chunk())
                else {
                    break;
                };
                if self.data.wide((first + lane) as u32).is_some() {
                    // All its rows are in bin 0 here; see `add_wide`.
                    sums[0] = 0;
                    continue;
                }
                for (slot, sum) in (from..to).zip(sums.iter_mut()) {
                    put(slot, *sum);
                    *sum = 0;
                }
            }
        }
    }

    /// Turns a parent's histogram into that of the child with `rows` rows whose sibling is `other`.
    pub(crate) fn subtract(&self, parent: Hist, other: &Hist, rows: usize) -> Hist {
        match (parent, other) {
            (Hist::Words(mut words), Hist::Words(other)) => {
                for (word, other) in words.iter_mut().zip(other) {
                    *word = word.wrapping_sub(*other);
                }
                Hist::Words(words)
            }
            (Hist::Sums(mut sums), Hist::Words(other)) => {
                for (sum, &other) in sums.iter_mut().zip(other) {
                    *sum = *sum - self.quant.unpack(other);
                }
                self.shrink(sums, rows)
            }
            (Hist::Sums(mut sums), Hist::Sums(other)) => {
                for (sum, &other) in sums.iter_mut().zip(other) {
                    *sum = *sum - other;
                }
                self.shrink(sums, rows)
            }
            // A parent has more rows than its child, so words never hold fewer rows than sums.
            (parent @ Hist::Words(_), Hist::Sums(_)) => parent,
        }
    }

    fn shrink(&self, sums: Vec<Sum>, rows: usize) -> Hist {
        if rows > self.quant.chunk {
            return Hist::Sums(sums);
        }
        let mut words = self.pool.words(sums.len());
        for (word, &sum) in words.iter_mut().zip(&sums) {
            *word = self.quant.repack(sum);
        }
        give(&self.pool.sums, sums);
        Hist::Words(words)
    }

    /// Number of slots of a feature.
    pub(crate) fn slots_of(&self, feature: u32) -> usize {
        self.offsets[feature as usize + 1] - self.offsets[feature as usize]
    }

    /// Reads a feature's slots into `out`, which has as many places.
    pub(crate) fn read(&self, hist: &Hist, feature: u32, out: &mut [Sum]) {
        let (from, to) = (self.offsets[feature as usize], self.offsets[feature as usize + 1]);
        match hist {
            Hist::Words(words) => {
                for (sum, &word) in out.iter_mut().zip(&words[from..to]) {
                    *sum = self.quant.unpack(word);
                }
            }
            Hist::Sums(sums) => out.copy_from_slice(&sums[from..to]),
        }
    }

    /// Counts rows per slot of the features in use (other slots stay 0).
    pub(crate) fn counts(&self, rows: &[Entry]) -> Vec<u32> {
        let mut out = vec![0; self.slots()];
        for &feature in self.features {
            let column = self.data.column(feature);
            let wide = self.data.wide(feature);
            let slots = &mut out[self.offsets[feature as usize]..self.offsets[feature as usize + 1]];
            for &entry in rows {
                let row = entry.row();
                slots[wide.map_or(usize::from(column[row]), |wide| usize::from(wide[row]))] += 1;
            }
        }
        out
    }

    /// Bins of a feature by row.
    pub(crate) fn column(&self, feature: u32) -> &[u8] {
        self.data.column(feature)
    }

    /// Bins of a wide feature by row.
    pub(crate) fn wide(&self, feature: u32) -> Option<&[u16]> {
        self.data.wide(feature)
    }

    /// First slot of a feature.
    pub(crate) fn offset(&self, feature: u32) -> usize {
        self.offsets[feature as usize]
    }

    /// Features in use.
    pub(crate) fn features(&self) -> &[u32] {
        self.features
    }
}

/// Copies the words of a block's rows into `out`, `[words][BLOCK]`.
fn fetch(by_row: &ByRow, block: &[Entry], out: &mut [u64]) {
    match by_row.stride {
        1 => fetch_fixed::<1>(by_row, block, out),
        2 => fetch_fixed::<2>(by_row, block, out),
        4 => fetch_fixed::<4>(by_row, block, out),
        5 => fetch_fixed::<5>(by_row, block, out),
        6 => fetch_fixed::<6>(by_row, block, out),
        8 => fetch_fixed::<8>(by_row, block, out),
        stride => {
            for (slot, &entry) in block.iter().enumerate() {
                let record = &by_row.words()[entry.row() * stride..][..stride];
                for (word, &value) in record.iter().enumerate() {
                    out[word * BLOCK + slot] = value;
                }
            }
        }
    }
}

#[inline]
fn fetch_fixed<const N: usize>(by_row: &ByRow, block: &[Entry], out: &mut [u64]) {
    let (records, _) = by_row.words().as_chunks::<N>();
    let (columns, _) = out.as_chunks_mut::<BLOCK>();
    let Some(columns) = columns.first_chunk_mut::<N>() else { return };
    for (slot, &entry) in block.iter().enumerate().take(BLOCK) {
        let record = &records[entry.row()];
        for (column, &value) in columns.iter_mut().zip(record) {
            column[slot] = value;
        }
    }
}

/// Rows of the next block, whose lines are loaded while this block is added: each pass over a word
/// asks for its share, so that requests are spread evenly.
struct Ahead<'a> {
    words: &'a [u64],
    rows: &'a [Entry],
    stride: usize,
    /// Word within the row.
    word: usize,
    /// Rows added for each line asked for.
    every: usize,
}

impl<'a> Ahead<'a> {
    fn new(by_row: &'a ByRow, rows: &'a [Entry], word: usize) -> Self {
        let (stride, words) = (by_row.stride, by_row.words());
        let (rows, every) = match stride {
            1..=8 => {
                let share = BLOCK / stride;
                let from = (word * share).min(rows.len());
                (&rows[from..rows.len().min(from + share)], stride)
            }
            _ if word.is_multiple_of(8) => (rows, 1),
            _ => (&rows[..0], BLOCK),
        };
        Self { words, rows, stride, word, every }
    }

    #[inline]
    fn ask(&self, index: usize) {
        if let Some(entry) = self.rows.get(index) {
            prefetch(self.words, entry.row() * self.stride + if self.every == 1 { self.word } else { 0 });
        }
    }
}

/// Adds a block's rows to the accumulators of `lanes` features.
fn add(sums: &mut [[u64; 256]; LANES], lanes: usize, records: &[u64], gradients: &[u64], ahead: &Ahead) {
    match lanes {
        1 => add_lanes::<1>(sums, records, gradients, ahead),
        2 => add_lanes::<2>(sums, records, gradients, ahead),
        3 => add_lanes::<3>(sums, records, gradients, ahead),
        4 => add_lanes::<4>(sums, records, gradients, ahead),
        5 => add_lanes::<5>(sums, records, gradients, ahead),
        6 => add_lanes::<6>(sums, records, gradients, ahead),
        7 => add_lanes::<7>(sums, records, gradients, ahead),
        _ => add_lanes::<8>(sums, records, gradients, ahead),
    }
}

#[inline]
fn add_lanes<const N: usize>(
    sums: &mut [[u64; 256]; LANES],
    records: &[u64],
    gradients: &[u64],
    ahead: &Ahead,
) {
    let parts = records.chunks(ahead.every).zip(gradients.chunks(ahead.every));
    for (index, (records, gradients)) in parts.enumerate() {
        ahead.ask(index);
        for (&record, &gradient) in records.iter().zip(gradients) {
            for (bins, bin) in sums[..N].iter_mut().zip(record.to_le_bytes()) {
                let sum = &mut bins[bin as usize];
                *sum = sum.wrapping_add(gradient);
            }
        }
    }
}

#[cfg(test)]
#[path = "histogram_tests.rs"]
mod tests;
