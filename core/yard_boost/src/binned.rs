//! The binned matrix in two layouts: by columns, for deciding where a row goes, and by rows, eight
//! features to a 64-bit word, for adding rows to histograms with one fetch per row.
//!
//! Knows nothing of targets and gradients.

use crate::{
    bins::{Binner, CategoryBins, NumberBins, sample_rows},
    data::Features,
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
        let mut offsets = vec![0];
        for binner in &found {
            offsets.push(offsets[offsets.len() - 1] + binner.slots());
        }
        Self { features: found, offsets }
    }

    /// Bins a matrix.
    pub(crate) fn apply(&self, features: &Features) -> Binned {
        let columns: Vec<Vec<u8>> = self
            .features
            .par_iter()
            .zip(&features.columns)
            .map(|(binner, column)| {
                let mut out = vec![0; column.len()];
                binner.map(column, &mut out);
                out
            })
            .collect();
        let words = columns.len().div_ceil(LANES);
        let words_by_row = pack_rows(&columns, words, features.rows);
        Binned { columns, by_row: words_by_row, words, rows: features.rows }
    }
}

/// A binned matrix.
#[derive(Clone, Debug)]
pub(crate) struct Binned {
    /// `[features][rows]`.
    pub(crate) columns: Vec<Vec<u8>>,
    /// `[rows, words]`, row-major: byte `f % 8` of word `f / 8` is the bin of feature `f`.
    pub(crate) by_row: Vec<u64>,
    /// Words of a row.
    pub(crate) words: usize,
    /// Rows.
    pub(crate) rows: usize,
}

impl Binned {
    /// Returns the bin of a row.
    #[inline]
    pub(crate) fn bin(&self, row: usize, feature: usize) -> u8 {
        (self.by_row[row * self.words + feature / LANES] >> (feature % LANES * 8)) as u8
    }
}

fn pack_rows(columns: &[Vec<u8>], words: usize, rows: usize) -> Vec<u64> {
    const BLOCK: usize = 4096;
    let mut out = vec![0; rows * words];
    out.par_chunks_mut(BLOCK * words).enumerate().for_each(|(block, out)| {
        let start = block * BLOCK;
        let rows = out.len() / words;
        for (word, group) in columns.chunks(LANES).enumerate() {
            for (lane, column) in group.iter().enumerate() {
                let column = &column[start..start + rows];
                for (record, &bin) in out.chunks_exact_mut(words).zip(column) {
                    record[word] |= u64::from(bin) << (lane * 8);
                }
            }
        }
    });
    out
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
                assert_eq!(binned.bin(row, feature), binned.columns[feature][row]);
            }
        }
        assert_eq!(*binners.offsets.last().unwrap(), 11 * 99);
    }
}
