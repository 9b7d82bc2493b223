//! The best split of a forest node on one feature.
//!
//! Score: `Σ_d S_d² / W` of both sides, with `S_d` the weighted sum of target `d` and `W` the sum of
//! weights: for class shares it is the Gini criterion, for a number the decrease of variance (Breiman,
//! 2001, doi:10.1023/A:1010933404324). Sums are integers, so ties and results do not depend on order.

use crate::{bins::Binner, split_find::LeftBins};
use yard_types::rng::Rng;

/// Rows up to which a node's bins are sorted instead of counted.
const SORTED_ROWS: usize = 96;

/// Targets as integers.
pub(crate) struct Targets {
    /// Target that a row adds to (its class, 0 if there is one target only).
    pub(crate) slot: Vec<u32>,
    /// What it adds, without the bootstrap count.
    pub(crate) value: Vec<i64>,
    /// Its weight, without the bootstrap count.
    pub(crate) weight: Vec<i64>,
    /// Targets.
    pub(crate) outputs: usize,
}

/// A node's rows by bin of one feature: one group for each bin with rows, ascending.
#[derive(Default)]
pub(crate) struct Groups {
    bins: Vec<u8>,
    rows: Vec<u32>,
    /// `[groups, outputs + 1]`: sums, then the weight.
    sums: Vec<i64>,
    order: Vec<u64>,
    dense: Vec<i64>,
}

/// A split of a node.
#[derive(Clone, Debug)]
pub(crate) struct ForestSplit {
    pub(crate) score: f64,
    pub(crate) left_bins: LeftBins,
    pub(crate) bin: u8,
}

/// A node: its rows, their bootstrap counts and sums.
pub(crate) struct ForestNode<'a> {
    pub(crate) rows: &'a [u32],
    pub(crate) counts: &'a [u16],
    pub(crate) targets: &'a Targets,
    /// `[outputs + 1]`: sums, then the weight.
    pub(crate) total: &'a [i64],
    pub(crate) min_leaf: u32,
}

/// `Σ_d S_d² / W`.
pub(crate) fn score(sums: &[i64]) -> f64 {
    let Some((&weight, values)) = sums.split_last() else { return 0.0 };
    if weight <= 0 {
        return 0.0;
    }
    values.iter().map(|&s| s as f64 * (s as f64)).sum::<f64>() / weight as f64
}

impl Targets {
    /// Adds a row to sums.
    #[inline]
    pub(crate) fn add(&self, row: usize, count: u16, sums: &mut [i64]) {
        sums[self.slot[row] as usize] += self.value[row] * i64::from(count);
        sums[self.outputs] += self.weight[row] * i64::from(count);
    }
}

impl Groups {
    /// Groups the rows of a node.
    pub(crate) fn fill(&mut self, node: &ForestNode, column: &[u8], slots: usize) {
        self.bins.clear();
        self.rows.clear();
        self.sums.clear();
        if node.rows.len() <= SORTED_ROWS {
            self.sort(node, column);
        } else {
            self.count(node, column, slots);
        }
    }

    fn sort(&mut self, node: &ForestNode, column: &[u8]) {
        let key = |&row: &u32| u64::from(column[row as usize]) << 32 | u64::from(row);
        self.order.clear();
        self.order.extend(node.rows.iter().map(key));
        self.order.sort_unstable();
        let width = node.targets.outputs + 1;
        for &key in &self.order {
            let (bin, row) = ((key >> 32) as u8, key as u32 as usize);
            if self.bins.last() != Some(&bin) {
                self.bins.push(bin);
                self.rows.push(0);
                self.sums.resize(self.sums.len() + width, 0);
            }
            if let Some(rows) = self.rows.last_mut() {
                *rows += 1;
            }
            let at = self.sums.len() - width;
            node.targets.add(row, node.counts[row], &mut self.sums[at..]);
        }
    }

    fn count(&mut self, node: &ForestNode, column: &[u8], slots: usize) {
        // Sums, weight and number of rows of each slot.
        let width = node.targets.outputs + 2;
        self.dense.clear();
        self.dense.resize(slots * width, 0);
        for &row in node.rows {
            let row = row as usize;
            let sums = &mut self.dense[column[row] as usize * width..][..width];
            node.targets.add(row, node.counts[row], sums);
            sums[width - 1] += 1;
        }
        for (bin, sums) in self.dense.chunks_exact(width).enumerate() {
            let Some((&rows, sums)) = sums.split_last() else { continue };
            if rows > 0 {
                self.bins.push(bin as u8);
                self.rows.push(rows as u32);
                self.sums.extend_from_slice(sums);
            }
        }
    }

    fn sums(&self, group: usize, width: usize) -> &[i64] {
        &self.sums[group * width..][..width]
    }

    /// Finds the best split of the groups.
    pub(crate) fn best(&self, node: &ForestNode, binner: &Binner) -> Option<ForestSplit> {
        let groups: Vec<usize> = (0..self.bins.len()).collect();
        match binner {
            Binner::Category(_) => self.sets(node, groups),
            // Never here: forests have at most 255 bins.
            Binner::Wide(_) => None,
            Binner::Number(_) => {
                let missing = usize::from(self.bins.first() == Some(&0));
                let (missing, values) = groups.split_at(missing);
                let inner = &values[..values.len().saturating_sub(1)];
                // All values against the missing ones, unless plus infinity is among them.
                let finite = self.bins.last().is_some_and(|&bin| (bin as usize) < binner.slots() - 1);
                let right = if missing.is_empty() || !finite { inner } else { values };
                let mut best = self.prefixes(node, &[], right);
                if !missing.is_empty() {
                    let other = self.prefixes(node, missing, inner);
                    if other.as_ref().map(|s| s.0) > best.as_ref().map(|s| s.0) {
                        best = other;
                    }
                }
                best.map(|(score, end, missing_left)| self.number(score, end, missing_left, values))
            }
        }
    }

    /// Draws one split of the groups: a threshold, or a set of categories (Geurts et al., 2006,
    /// doi:10.1007/s10994-006-6226-1); missing values go to the better side.
    pub(crate) fn random(&self, node: &ForestNode, binner: &Binner, rng: &mut Rng) -> Option<ForestSplit> {
        let groups: Vec<usize> = (0..self.bins.len()).collect();
        if matches!(binner, Binner::Category(_)) {
            let (left, right): (Vec<usize>, Vec<usize>) = groups.iter().partition(|_| rng.below(2) == 0);
            if left.is_empty() || right.is_empty() {
                return None;
            }
            let score = self.parted(node, &left)?;
            return Some(ForestSplit { score, left_bins: self.set(&left), bin: 0 });
        }
        let missing = usize::from(self.bins.first() == Some(&0));
        let (missing, values) = groups.split_at(missing);
        let inner = values.len().checked_sub(1).filter(|&inner| inner > 0)?;
        let end = rng.below(inner as u64) as usize;
        let right = self.parted(node, &values[..=end]).map(|score| (score, false));
        let left = (!missing.is_empty())
            .then(|| self.parted(node, &groups[..=missing.len() + end]))
            .flatten()
            .map(|score| (score, true));
        let (score, missing_left) = match (left, right) {
            (Some(left), Some(right)) if left.0 > right.0 => left,
            (left, right) => right.or(left)?,
        };
        Some(self.number(score, end, missing_left, values))
    }

    /// Score of some groups against the others; `None` when a side has too few rows.
    fn parted(&self, node: &ForestNode, chosen: &[usize]) -> Option<f64> {
        let width = node.targets.outputs + 1;
        let (mut left, mut right) = (vec![0; width], node.total.to_vec());
        for &group in chosen {
            for ((l, r), s) in left.iter_mut().zip(&mut right).zip(self.sums(group, width)) {
                *l += s;
                *r -= s;
            }
        }
        let rows: u32 = chosen.iter().map(|&group| self.rows[group]).sum();
        let enough = rows >= node.min_leaf && node.rows.len() as u32 - rows >= node.min_leaf;
        enough.then(|| score(&left) + score(&right))
    }

    /// Bins of groups as a set.
    fn set(&self, groups: &[usize]) -> LeftBins {
        let mut set = [0; 4];
        for &group in groups {
            let bin = self.bins[group];
            set[bin as usize >> 6] |= 1 << (bin & 63);
        }
        set
    }

    fn number(&self, score: f64, end: usize, missing_left: bool, values: &[usize]) -> ForestSplit {
        let last = self.bins[values[end]];
        // The middle of the gap up to the next bin with rows.
        let bin = values.get(end + 1).map_or(last, |&next| u8::midpoint(last, self.bins[next] - 1));
        let mut left_bins = [0; 4];
        for b in u8::from(!missing_left)..=bin {
            left_bins[b as usize >> 6] |= 1 << (b & 63);
        }
        ForestSplit { score, left_bins, bin }
    }

    /// Best number of `order`'s groups to join `before` on the left: score, index of the last group on
    /// the left, whether `before` is not empty.
    fn prefixes(&self, node: &ForestNode, before: &[usize], order: &[usize]) -> Option<(f64, usize, bool)> {
        let width = node.targets.outputs + 1;
        let mut left = vec![0; width];
        let mut right = node.total.to_vec();
        let mut rows = 0;
        let mut best: Option<(f64, usize, bool)> = None;
        let all = node.rows.len() as u32;
        for (step, &group) in before.iter().chain(order).enumerate() {
            for ((l, r), s) in left.iter_mut().zip(&mut right).zip(self.sums(group, width)) {
                *l += s;
                *r -= s;
            }
            rows += self.rows[group];
            let Some(end) = step.checked_sub(before.len()) else { continue };
            if rows >= node.min_leaf && all - rows >= node.min_leaf {
                let score = score(&left) + score(&right);
                if best.is_none_or(|(top, ..)| score > top) {
                    best = Some((score, end, !before.is_empty()));
                }
            }
        }
        best
    }

    /// Sorts the categories by the share of the most frequent class (the mean of a number) and takes
    /// the best prefix.
    fn sets(&self, node: &ForestNode, mut groups: Vec<usize>) -> Option<ForestSplit> {
        let width = node.targets.outputs + 1;
        let top = (0..width - 1).max_by_key(|&d| (node.total[d].abs(), std::cmp::Reverse(d)))?;
        let mean = |&group: &usize| {
            let sums = self.sums(group, width);
            sums[top] as f64 / (sums[width - 1].max(1)) as f64
        };
        groups.sort_by(|a, b| mean(a).total_cmp(&mean(b)).then(a.cmp(b)));
        let (score, end, _) = self.prefixes(node, &[], &groups[..groups.len().saturating_sub(1)])?;
        Some(ForestSplit { score, left_bins: self.set(&groups[..=end]), bin: 0 })
    }
}

#[cfg(test)]
#[path = "forest_tests.rs"]
mod tests;
