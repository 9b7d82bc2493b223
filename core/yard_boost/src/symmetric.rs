//! Grows a symmetric tree: all leaves of a level are divided by one question, the one whose gain over all of
//! them is largest. Such trees fit less closely than those grown leaf by leaf, and so tell signal from noise
//! better where rows are few or a trend has to hold beyond them.
//!
//! Methods: Kohavi, 1994, "Bottom-up induction of oblivious read-once decision graphs",
//! doi:10.1007/3-540-57868-4_56; Prokhorenkova et al., 2018, `CatBoost`, arXiv:1706.09516.
//!
//! A leaf that the question would leave empty, with fewer than `min_leaf` rows, or against a constraint, stays
//! as it is. Ties go to the lower feature, then the lower bin, then to missing values on the right.

use crate::{
    bins::{Binner, CategoryBins},
    constraints::Penalty,
    grow::{Grower, Grown, Open},
    histogram::{Hist, Histograms, Pool},
    quant::Sum,
    split_find::{LeftBins, Rules, Scan, Split, goes_left, goes_left_wide, up_to},
};

/// Depth without a given one, and the largest.
const DEPTH: u32 = 6;
const DEEPEST: u32 = 12;

/// A leaf of the level that is to be divided.
struct Place {
    leaf: u32,
    hist: Hist,
}

/// What all leaves of a level are asked.
#[derive(Clone, Debug, PartialEq)]
struct Question {
    feature: u32,
    left_bins: LeftBins,
    /// Last bin on the left of a number; 0 for categories.
    bin: u16,
}

/// The best question so far, with its gain over all leaves.
struct Best {
    gain: f64,
    question: Option<Question>,
}

impl Best {
    fn offer(&mut self, gain: f64, question: impl FnOnce() -> Question) {
        if gain > self.gain {
            *self = Self { gain, question: Some(question()) };
        }
    }
}

/// Grows a tree.
pub(crate) fn grow_symmetric(
    histograms: &Histograms,
    rules: &Rules,
    pool: &Pool,
    rows: crate::grow::Rows,
) -> Grown {
    let depth = if rules.params.depth == 0 { DEPTH } else { rules.params.depth.min(DEEPEST) };
    let mut grower = Grower::new(histograms, rules, pool, rows);
    let mut level = Vec::new();
    if grower.len(0) >= 2 {
        level.push(Place { leaf: 0, hist: histograms.build(grower.rows.rows) });
    }
    for left in (0..depth).rev() {
        let Some(question) = question(&grower, &level) else { break };
        let mut next = Vec::with_capacity(2 * level.len());
        for place in level.drain(..) {
            answer(&mut grower, &question, place, (left == 0, &mut next));
        }
        level = next;
    }
    for place in level {
        pool.recycle(place.hist);
    }
    Grown { nodes: grower.nodes, leaves: grower.leaves }
}

/// Finds the question that gains most over all leaves of a level.
fn question(grower: &Grower, level: &[Place]) -> Option<Question> {
    let (rules, histograms) = (grower.rules, grower.histograms);
    let parents: f64 = level.iter().map(|place| parent(grower, place)).sum();
    let floor = rules.params.min_gain / rules.units.0 * (rules.units.1 / rules.units.0) + parents * 1e-12;
    let mut best = Best { gain: floor, question: None };
    for &feature in histograms.features() {
        let leaves = leaves(grower, level, feature);
        match &rules.binners[feature as usize] {
            Binner::Category(bins) => categories(rules, (feature, bins), &leaves, &mut best),
            Binner::Number(_) | Binner::Wide(_) => thresholds(feature, &leaves, &mut best),
        }
    }
    best.question
}

fn parent(grower: &Grower, place: &Place) -> f64 {
    let leaf = &grower.leaves[place.leaf as usize];
    grower.rules.penalty(&leaf.inherited).half(leaf.sum)
}

/// A leaf's slots of one feature, with what its parts must respect.
struct Slots {
    sums: Vec<Sum>,
    total: Sum,
    rows: usize,
    penalty: Penalty,
    parent: f64,
    least: i64,
}

impl Slots {
    fn scan(&self) -> Scan<'_> {
        let Self { sums, total, rows, penalty, least, .. } = self;
        Scan {
            sums,
            counts: None,
            total: *total,
            rows: *rows,
            penalty: *penalty,
            least: *least,
            least_rows: 1,
        }
    }

    /// Gain of a division, 0 where the leaf would stay as it is.
    fn gain(&self, left: Sum, penalty: Penalty) -> f64 {
        let right = self.total - left;
        if left.h < self.least || right.h < self.least {
            return 0.0;
        }
        gain_of(penalty.both(left, right), self.parent)
    }
}

/// Gain of a score, 0 where the division is not allowed.
fn gain_of(score: f64, parent: f64) -> f64 {
    if score == f64::NEG_INFINITY { 0.0 } else { score - parent }
}

/// Reads the slots of all leaves that may be divided by a feature.
fn leaves(grower: &Grower, level: &[Place], feature: u32) -> Vec<Slots> {
    let allowed = |place: &&Place| grower.leaves[place.leaf as usize].inherited.allows(feature);
    level.iter().filter(allowed).map(|place| slots(grower, place, feature)).collect()
}

fn slots(grower: &Grower, place: &Place, feature: u32) -> Slots {
    let (rules, histograms) = (grower.rules, grower.histograms);
    let leaf = &grower.leaves[place.leaf as usize];
    let mut sums = vec![Sum::default(); histograms.slots_of(feature)];
    histograms.read(&place.hist, feature, &mut sums);
    let penalty = rules.penalty(&leaf.inherited);
    let penalty = Penalty { direction: rules.constraints.direction(feature), ..penalty };
    let view = grower.view(place.leaf, &place.hist);
    let least = rules.scan(view, &[], None, penalty).least;
    Slots { parent: penalty.half(leaf.sum), total: leaf.sum, rows: leaf.range.len(), sums, penalty, least }
}

/// Tries all thresholds of a number, missing values on either side.
fn thresholds(feature: u32, leaves: &[Slots], best: &mut Best) {
    let Some(slots) = leaves.first().map(|leaf| leaf.sums.len()) else { return };
    let missing = leaves.iter().any(|leaf| leaf.sums[0] != Sum::default());
    for missing_left in [false, true] {
        if missing_left && !missing {
            break;
        }
        let mut gains = vec![0.0; slots.max(256)];
        for leaf in leaves {
            if slots <= 256 {
                narrow(leaf, missing_left, &mut gains);
            } else {
                wide(leaf, missing_left, &mut gains);
            }
        }
        for (bin, &gain) in gains.iter().enumerate().take(slots - 1) {
            best.offer(gain, || Question {
                feature,
                left_bins: if slots <= 256 {
                    up_to(bin as u8, missing_left)
                } else {
                    [u64::from(missing_left), 0, 0, 0]
                },
                bin: bin as u16,
            });
        }
    }
}

/// Adds the gains of a leaf's thresholds, with at most 256 slots.
fn narrow(leaf: &Slots, missing_left: bool, gains: &mut [f64]) {
    let first = if missing_left { leaf.sums[0] } else { Sum::default() };
    let mut scores = [f64::NEG_INFINITY; 256];
    leaf.scan().all_scores(first, &mut scores);
    for (gain, score) in gains.iter_mut().zip(scores) {
        *gain += gain_of(score, leaf.parent);
    }
}

/// The same with more slots.
fn wide(leaf: &Slots, missing_left: bool, gains: &mut [f64]) {
    let mut left = if missing_left { leaf.sums[0] } else { Sum::default() };
    for (bin, gain) in gains.iter_mut().enumerate().take(leaf.sums.len() - 1).skip(1) {
        left = left + leaf.sums[bin];
        *gain += leaf.gain(left, leaf.penalty);
    }
}

/// Tries sets of categories: prefixes of their order by mean gradient over all leaves, from both ends.
fn categories(rules: &Rules, (feature, bins): (u32, &CategoryBins), leaves: &[Slots], best: &mut Best) {
    let Some(first) = leaves.first() else { return };
    let add = |bin: usize| leaves.iter().fold(Sum::default(), |sum, leaf| sum + leaf.sums[bin]);
    let sums: Vec<Sum> = (0..first.sums.len()).map(add).collect();
    let unit = rules.units.1;
    let rows: usize = leaves.iter().map(|leaf| leaf.rows).sum();
    let hessian: f64 = leaves.iter().map(|leaf| leaf.total.h as f64).sum();
    let least = f64::from(rules.params.min_cat_rows) * hessian / rows.max(1) as f64;
    let usable = |bin: &u8| sums[*bin as usize].h > 0 && sums[*bin as usize].h as f64 >= least;
    let mut order: Vec<u8> = (0..bins.rare).filter(usable).collect();
    let smooth = rules.params.cat_smooth / unit;
    let mean = |bin: u8| sums[bin as usize].g as f64 / (sums[bin as usize].h as f64 + smooth);
    order.sort_by(|&a, &b| mean(a).total_cmp(&mean(b)).then(a.cmp(&b)));
    let longest = (rules.params.max_cat_threshold as usize).min(order.len().div_ceil(2));
    let extra = rules.params.cat_l2 / unit;
    for backwards in [false, true] {
        let order: Vec<u8> = if backwards {
            order.iter().rev().take(longest).copied().collect()
        } else {
            order.iter().take(longest).copied().collect()
        };
        let mut lefts = vec![Sum::default(); leaves.len()];
        let mut left_bins = [0; 4];
        for bin in order {
            left_bins[bin as usize >> 6] |= 1 << (bin & 63);
            let mut gain = 0.0;
            for (left, leaf) in lefts.iter_mut().zip(leaves) {
                *left = *left + leaf.sums[bin as usize];
                gain += leaf.gain(*left, Penalty { l2: leaf.penalty.l2 + extra, ..leaf.penalty });
            }
            best.offer(gain, || Question { feature, left_bins, bin: 0 });
        }
    }
}

/// Returns the division of a leaf by the question; `None` where it is not allowed.
fn division(grower: &Grower, question: &Question, place: &Place) -> Option<Split> {
    let Question { feature, left_bins, bin } = *question;
    if !grower.leaves[place.leaf as usize].inherited.allows(feature) {
        return None;
    }
    let slots = slots(grower, place, feature);
    let wide = slots.sums.len() > 256;
    let goes = |at: usize| {
        if wide { goes_left_wide(&left_bins, bin, at as u16) } else { goes_left(&left_bins, at as u8) }
    };
    let lefts = slots.sums.iter().enumerate().filter(|(at, _)| goes(*at));
    let left = lefts.fold(Sum::default(), |sum, (_, &next)| sum + next);
    let right = slots.total - left;
    let score = slots.penalty.both(left, right);
    if left.h < slots.least || right.h < slots.least || score == f64::NEG_INFINITY {
        return None;
    }
    let (gradient, hessian) = grower.rules.units;
    let gain = (score - slots.parent).max(0.0) * gradient * (gradient / hessian);
    let missing_seen = slots.sums[0] != Sum::default();
    Some(Split { feature, gain, left_bins, bin, left, missing_seen })
}

/// Divides a leaf by the question where that is allowed, and lists its children for the next level.
fn answer(grower: &mut Grower, question: &Question, place: Place, (last, next): (bool, &mut Vec<Place>)) {
    let Some(split) = division(grower, question, &place) else { return grower.pool.recycle(place.hist) };
    let Place { leaf: left, hist } = place;
    let mut open = Open { leaf: left, depth: 0, hist, split, counted: false };
    let Some(right) = grower.divide(&mut open) else { return grower.pool.recycle(open.hist) };
    if last {
        return grower.pool.recycle(open.hist);
    }
    let (small, large) = if grower.len(left) <= grower.len(right) { (left, right) } else { (right, left) };
    let range = grower.leaves[small as usize].range.clone();
    let hist = grower.histograms.build(&grower.rows.rows[range]);
    let other = grower.histograms.subtract(open.hist, &hist, grower.len(large));
    let (first, second) = if small == left { (hist, other) } else { (other, hist) };
    for (leaf, hist) in [(left, first), (right, second)] {
        if grower.len(leaf) >= 2 {
            next.push(Place { leaf, hist });
        } else {
            grower.pool.recycle(hist);
        }
    }
}

#[cfg(test)]
#[path = "symmetric_tests.rs"]
mod tests;
