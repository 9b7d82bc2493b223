//! Bins of one feature: where they end, which values and categories fall into which.
//!
//! Bin 0 holds missing values. A number `x` falls into bin `1 + #{edges < x}`, so "bin at most `b`"
//! and "`x <= edges[b - 1]`" are the same question for every f32, seen in training or not. The last
//! edge is the largest finite f32, so plus infinity has a bin of its own behind it. Edges lie between
//! neighbouring training values; with more distinct values than bins they follow the quantiles, and a
//! value heavier than a bin's share gets its own bin, and negative values are parted from others, as in `LightGBM` (Ke et al., 2017, "`LightGBM`: A
//! Highly Efficient Gradient Boosting Decision Tree", `NeurIPS` 30).
//!
//! Knows nothing of targets, gradients and trees.

use yard_types::rng;

/// Rows that the edges are found on; larger inputs are sampled, evenly by position.
pub(crate) const SAMPLE_ROWS: usize = 200_000;
/// Largest number of bins with values: missing and plus infinity take two of 256.
const MAX_VALUE_BINS: usize = 254;
const STREAM_SAMPLE: u64 = 0x0062_696e_735f_0000;
const CELLS: usize = 2048;

/// How the values of one feature map to bins.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Binner {
    /// Ascending edges; the last is `f32::MAX`.
    Number(NumberBins),
    /// `bin_of_code[code]`, 0 for a code that shares the last bin of rare ones; `codes[bin]`.
    Category(CategoryBins),
}

/// Bins of a numeric feature.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NumberBins {
    pub(crate) edges: Vec<f32>,
    /// First candidate bin of each cell of an even grid over the edges.
    cells: Vec<u8>,
    low: f32,
    per_width: f32,
}

/// Bins of a category feature: the frequent codes have a bin each, the others share [`CategoryBins::rare`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CategoryBins {
    /// Bin of a code; codes beyond fall into `rare`.
    bin_of_code: Vec<u8>,
    /// Code of bin `1..`; entry 0 stands for missing and is unused.
    pub(crate) codes: Vec<u32>,
    /// Bin of rare and unseen codes: always goes right.
    pub(crate) rare: u8,
}

impl Binner {
    /// Returns the number of bins, the missing one included: bins are `0..slots`.
    pub(crate) fn slots(&self) -> usize {
        match self {
            Self::Number(bins) => bins.edges.len() + 2,
            Self::Category(bins) => bins.rare as usize + 1,
        }
    }

    /// Largest number of words that a set of codes of this feature takes, 0 for numbers.
    pub(crate) fn set_words(&self) -> usize {
        match self {
            Self::Number(_) => 0,
            Self::Category(bins) => bins.codes.last().map_or(0, |&code| code as usize / 32 + 2),
        }
    }

    /// Maps a column to bins.
    pub(crate) fn map(&self, column: &[f32], out: &mut [u8]) {
        match self {
            Self::Number(bins) => bins.map(column, out),
            Self::Category(bins) => {
                for (bin, &value) in out.iter_mut().zip(column) {
                    *bin = bins.bin(value);
                }
            }
        }
    }
}

/// Rows that the edges of all features are found on, ascending.
pub(crate) fn sample_rows(rows: usize, seed: u64) -> Option<Vec<u32>> {
    if rows <= SAMPLE_ROWS {
        return None;
    }
    let row = |slot: usize| {
        let at = (slot as f64 + rng::uniform(seed, STREAM_SAMPLE, slot as u64)) / SAMPLE_ROWS as f64;
        ((at * rows as f64) as usize).min(rows - 1) as u32
    };
    Some((0..SAMPLE_ROWS).map(row).collect())
}

impl NumberBins {
    /// Finds edges on the sampled rows (all rows when `None`), at most `bins` bins with the missing one.
    pub(crate) fn find(column: &[f32], sample: Option<&[u32]>, bins: usize) -> Self {
        let mut keys: Vec<u32> = match sample {
            Some(rows) => rows.iter().map(|&row| key(column[row as usize])).collect(),
            None => column.iter().map(|&value| key(value)).collect(),
        };
        keys.retain(|&k| k < key(f32::INFINITY));
        keys.sort_unstable();
        Self::new(edges(&keys, (bins - 1).min(MAX_VALUE_BINS)))
    }

    fn new(edges: Vec<f32>) -> Self {
        let inner = &edges[..edges.len() - 1];
        let (low, high) = match inner {
            [] => (0.0, 1.0),
            [first, .., last] => (*first, *last),
            [only] => (*only, *only),
        };
        // Positive and finite, so that no difference times it is NaN.
        let per_width = ((CELLS - 2) as f32 / (high - low)).clamp(f32::MIN_POSITIVE, f32::MAX);
        let mut bins = Self { edges, cells: vec![0; CELLS + 1], low, per_width };
        let starts: Vec<u8> = (0..=CELLS)
            .map(|cell| 1 + bins.edges.partition_point(|&edge| bins.cell(edge) < cell) as u8)
            .collect();
        bins.cells = starts;
        bins
    }

    /// Cell of a number: not descending in `x`, so `x <= edge` implies `cell(x) <= cell(edge)`.
    #[inline]
    fn cell(&self, x: f32) -> usize {
        // The cast saturates; the last cell also takes all that lies beyond the grid.
        (((x - self.low) * self.per_width + 1.0) as usize).min(CELLS - 1)
    }

    /// Returns the bin of a value.
    #[inline]
    fn bin(&self, x: f32) -> u8 {
        if x.is_nan() {
            return 0;
        }
        let cell = self.cell(x);
        let (mut from, to) = (self.cells[cell], self.cells[cell + 1]);
        if to - from > 8 {
            let inside = &self.edges[from as usize - 1..to as usize - 1];
            return from + inside.partition_point(|&edge| edge < x) as u8;
        }
        while from < to && x > self.edges[from as usize - 1] {
            from += 1;
        }
        from
    }

    fn map(&self, column: &[f32], out: &mut [u8]) {
        for (bin, &value) in out.iter_mut().zip(column) {
            *bin = self.bin(value);
        }
    }
}

/// Key whose integer order is the order of numbers; NaN is above all, −0 equals 0.
fn key(value: f32) -> u32 {
    if value.is_nan() {
        return u32::MAX;
    }
    let bits = (value + 0.0).to_bits();
    if bits >> 31 == 0 { bits | 1 << 31 } else { !bits }
}

fn value(key: u32) -> f32 {
    f32::from_bits(if key >> 31 == 1 { key & !(1 << 31) } else { !key })
}

/// A finite number `t` with `low <= t < high`, the middle where f32 has one.
fn between(low: f32, high: f32) -> f32 {
    let middle = f64::midpoint(f64::from(low.max(f32::MIN)), f64::from(high)) as f32;
    if middle >= low && middle < high { middle } else { low.max(f32::MIN) }
}

/// Distinct values of sorted keys, ascending, with the number of rows that hold each.
fn distinct(keys: &[u32]) -> impl Iterator<Item = (f32, usize)> + Clone {
    keys.chunk_by(|a, b| a == b).map(|group| (value(group[0]), group.len()))
}

/// Edges of at most `limit` bins over sorted keys.
fn edges(keys: &[u32], limit: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(limit);
    if distinct(keys).take(limit + 1).count() <= limit {
        let values = distinct(keys).map(|value| value.0);
        out.extend(values.clone().zip(values.skip(1)).map(|(low, high)| between(low, high)));
    } else {
        quantile_edges(keys, limit - 1, &mut out);
        part_signs(keys, &mut out);
    }
    // Two values that differ only below `f32::MIN` (minus infinity next to it) give one edge.
    out.dedup();
    out.push(f32::MAX);
    out
}

/// Adds an edge between negative and other values: columns often change their meaning there.
fn part_signs(keys: &[u32], out: &mut Vec<f32>) {
    let first = keys.partition_point(|&key| value(key) < 0.0);
    if first == 0 || first == keys.len() {
        return;
    }
    let (below, above) = (value(keys[first - 1]), value(keys[first]));
    let edge = if above > 0.0 { 0.0 } else { between(below, above) };
    let at = out.partition_point(|&e| e < below);
    match out.get_mut(at) {
        Some(near) if *near < above => *near = edge,
        _ => out.insert(at, edge),
    }
}

fn quantile_edges(keys: &[u32], limit: usize, out: &mut Vec<f32>) {
    let share = keys.len() as f64 / limit as f64;
    let heavy = |count: usize| count as f64 >= share;
    let heavy_counts = || distinct(keys).map(|value| value.1).filter(|&count| heavy(count));
    let mut light_bins = limit - heavy_counts().count().min(limit);
    let mut light_rows = keys.len() - heavy_counts().sum::<usize>();
    let mut target = light_rows as f64 / light_bins.max(1) as f64;
    let mut count = 0;
    for ((value, rows), (next, next_rows)) in distinct(keys).zip(distinct(keys).skip(1)) {
        count += rows;
        if !heavy(rows) {
            light_rows -= rows;
        }
        let full = heavy(rows) || count as f64 >= target;
        let before_heavy = heavy(next_rows) && count as f64 >= (target * 0.5).max(1.0);
        if full || before_heavy {
            out.push(between(value, next));
            if out.len() + 1 >= limit {
                return;
            }
            count = 0;
            if !heavy(rows) {
                light_bins = light_bins.saturating_sub(1);
                target = light_rows as f64 / light_bins.max(1) as f64;
            }
        }
    }
}

impl CategoryBins {
    /// Gives the most frequent codes a bin each (ties by code), at most `bins` with the missing one and
    /// the rare one.
    pub(crate) fn find(column: &[f32], bins: usize) -> Self {
        let mut counts = Vec::new();
        Self::count(column, &mut counts);
        Self::of_counts(&counts, bins)
    }

    /// Adds the rows of each code.
    pub(crate) fn count(column: &[f32], counts: &mut Vec<usize>) {
        let top = column.iter().filter(|v| !v.is_nan()).map(|&v| v as usize + 1).max().unwrap_or(0);
        counts.resize(top.max(counts.len()), 0);
        for value in column.iter().filter(|v| !v.is_nan()) {
            counts[*value as usize] += 1;
        }
    }

    /// As [`Self::find`], from the rows of each code.
    pub(crate) fn of_counts(counts: &[usize], bins: usize) -> Self {
        let top = counts.len();
        let mut order: Vec<u32> = (0..top as u32).filter(|&code| counts[code as usize] > 0).collect();
        order.sort_by_key(|&code| (std::cmp::Reverse(counts[code as usize]), code));
        order.truncate((bins - 2).clamp(1, MAX_VALUE_BINS));
        order.sort_unstable();
        let rare = order.len() as u8 + 1;
        let mut bin_of_code = vec![rare; top];
        for (index, &code) in order.iter().enumerate() {
            bin_of_code[code as usize] = index as u8 + 1;
        }
        let codes = std::iter::once(0).chain(order).collect();
        Self { bin_of_code, codes, rare }
    }

    fn bin(&self, value: f32) -> u8 {
        if value.is_nan() {
            return 0;
        }
        self.bin_of_code.get(value as usize).copied().unwrap_or(self.rare)
    }
}

#[cfg(test)]
#[path = "bins_tests.rs"]
mod tests;
