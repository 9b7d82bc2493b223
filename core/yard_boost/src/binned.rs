//! The binned matrix in two layouts: by columns, for deciding where a row goes, and by rows, eight
//! features to a 64-bit word, for adding rows to histograms with one fetch per row.
//!
//! Knows nothing of targets and gradients.

use crate::{
    bins::{Binner, CategoryBins, NumberBins, sample_rows},
    data::Features,
    memory::zeroed,
};
use rayon::prelude::*;

/// Features of one word of the row layout.
pub(crate) const LANES: usize = 8;

/// Bins of all features; found on training rows, applied to any.
#[derive(Clone, Debug)]
pub(crate) struct Binners {
    pub(crate) features: Vec<Binner>,
    /// First histogram slot of each feature, and their total at the end.
    pub(crate) offsets: Vec<usize>,
}

impl Binners {
    /// Finds the bins of each feature.
    pub(crate) fn find(features: &Features, bins: u32, seed: u64) -> Self {
        let bins = bins.clamp(2, 255);
        let sample = sample_rows(features.rows, seed);
        let found: Vec<Binner> = features
            .columns
            .par_iter()
            .zip(&features.categorical)
            .map(|(column, &categorical)| {
                if categorical {
                    Binner::Category(CategoryBins::find(column, bins as usize))
                } else {
                    Binner::Number(NumberBins::find(column, sample.as_deref(), bins as usize))
                }
            })
            .collect();
        Self::of(found)
    }

    /// Takes the bins of each feature.
    pub(crate) fn of(features: Vec<Binner>) -> Self {
        let mut offsets = vec![0];
        for binner in &features {
            offsets.push(offsets[offsets.len() - 1] + binner.slots());
        }
        Self { features, offsets }
    }

    /// Bins a matrix.
    pub(crate) fn apply(&self, features: &Features) -> Binned {
        let rows = features.rows;
        let mut columns: Vec<u8> = zeroed(self.features.len() * rows);
        let parts = columns.par_chunks_mut(rows).zip(&self.features).zip(&features.columns);
        parts.for_each(|((out, binner), column)| binner.map(column, out));
        Binned::of(columns, rows)
    }
}

/// A binned matrix.
#[derive(Debug)]
pub(crate) struct Binned {
    /// `[features, rows]`.
    columns: Vec<u8>,
    pub(crate) by_row: ByRow,
    /// Words of a row that hold features.
    pub(crate) words: usize,
    /// Rows.
    pub(crate) rows: usize,
}

/// `[rows, stride]`, row-major: byte `f % 8` of word `f / 8` is the bin of feature `f`. Rows start at a
/// cache line, and the stride is such that short rows lie within one.
#[derive(Debug)]
pub(crate) struct ByRow {
    words: Vec<u64>,
    start: usize,
    pub(crate) stride: usize,
}

/// Rows that are packed at once.
const BLOCK: usize = 1024;
/// Words of a cache line.
const LINE: usize = 8;

impl ByRow {
    fn pack(columns: &[u8], rows: usize) -> Self {
        let stride = match (columns.len() / rows).div_ceil(LANES) {
            3 => 4,
            7 => 8,
            words => words,
        };
        let mut words: Vec<u64> = zeroed(rows * stride + LINE - 1);
        let start = words.as_ptr().align_offset(LINE * size_of::<u64>()).min(LINE - 1);
        words[start..start + rows * stride].par_chunks_mut(BLOCK * stride).enumerate().for_each(
            |(block, out)| {
                let part = block * BLOCK..block * BLOCK + out.len() / stride;
                for (word, group) in columns.chunks(LANES * rows).enumerate() {
                    let group = group.chunks(rows).map(|column| &column[part.clone()]);
                    pack_word(group, out.iter_mut().skip(word).step_by(stride));
                }
            },
        );
        Self { words, start, stride }
    }

    /// All rows.
    #[inline]
    pub(crate) fn words(&self) -> &[u64] {
        &self.words[self.start..]
    }
}

/// Fills the same word of some rows from at most eight columns.
fn pack_word<'a, 'b>(group: impl Iterator<Item = &'b [u8]>, out: impl Iterator<Item = &'a mut u64>) {
    let mut bytes = [[0_u8; BLOCK]; LANES];
    for (lane, column) in bytes.iter_mut().zip(group) {
        lane[..column.len()].copy_from_slice(column);
    }
    for (row, word) in out.enumerate().take(BLOCK) {
        *word = u64::from_le_bytes(std::array::from_fn(|lane| bytes[lane][row]));
    }
}

impl Binned {
    /// Lays columns `[features, rows]`, of one row or more, out by rows too.
    pub(crate) fn of(columns: Vec<u8>, rows: usize) -> Self {
        let words = (columns.len() / rows).div_ceil(LANES);
        Self { by_row: ByRow::pack(&columns, rows), columns, words, rows }
    }

    /// Returns the bins of a feature by row.
    #[inline]
    pub(crate) fn column(&self, feature: u32) -> &[u8] {
        &self.columns[feature as usize * self.rows..][..self.rows]
    }

    /// Returns the bin of a row.
    #[inline]
    pub(crate) fn bin(&self, row: usize, feature: usize) -> u8 {
        (self.by_row.words()[row * self.by_row.stride + feature / LANES] >> (feature % LANES * 8)) as u8
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn both_layouts_hold_the_same_bins() {
        let columns: Vec<Vec<f32>> =
            (0..11).map(|f| (0..9000).map(|row| ((row * (f + 3)) % 97) as f32).collect()).collect();
        let features =
            Features::new(columns.iter().map(|c| c.as_slice()).collect(), vec![false; 11]).unwrap();
        let binners = Binners::find(&features, 255, 0);
        let binned = binners.apply(&features);
        assert_eq!(binned.words, 2);
        for row in (0..9000).step_by(37) {
            for feature in 0..11 {
                assert_eq!(binned.bin(row, feature), binned.column(feature as u32)[row]);
            }
        }
        assert_eq!(*binners.offsets.last().unwrap(), 11 * 99);
    }
}
