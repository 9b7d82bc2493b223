//! Bins of a feature: neighbouring groups of values are joined until the bins are few, large enough, differ
//! beyond chance, and (where wanted) rise or fall. Groups are quantiles of numbers, or categories in the order of
//! their means. Missing values have a bin of their own.
//! Method: Kerber, 1992, "`ChiMerge`: discretization of numeric attributes", AAAI-92; for order Ayer, Brunk,
//! Ewing, Reid and Silverman, 1955, doi:10.1214/aoms/1177728423.

use super::Truth;
use yard_score::math::logit;

/// Groups that numbers start from.
const GROUPS: usize = 60;
/// Statistic of a difference between neighbours below which they are joined (5 %, one degree of freedom).
const CHANCE: f64 = 3.84;
/// Rows of the mean that each bin is mixed with.
const PRIOR: f64 = 2.0;

/// How bins may follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Free,
    Rising,
    Falling,
    /// Rising or falling, as the data say.
    Either,
}

/// How bins are made.
#[derive(Clone, Copy, Debug)]
pub(super) struct BinRule {
    /// Most bins, that of missing values apart.
    pub(super) most: usize,
    /// Least share of rows of a bin.
    pub(super) min_share: f64,
    pub(super) direction: Direction,
}

/// Weight and weighted sum of the target of some rows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    pub(super) weight: f64,
    target: f64,
}

/// What belongs to a bin.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cut {
    /// Numbers up to this one; the last bin has no bound.
    UpTo(Option<f32>),
    /// These category codes.
    Codes(Vec<u32>),
}

/// A bin.
#[derive(Clone, Debug)]
pub(super) struct Bin {
    pub(super) cut: Cut,
    pub(super) sums: Sums,
    /// Weight of evidence.
    pub(super) evidence: f64,
}

/// A binned feature.
#[derive(Clone, Debug)]
pub(super) struct Attribute {
    pub(super) feature: usize,
    pub(super) bins: Vec<Bin>,
    pub(super) missing: Sums,
    pub(super) missing_evidence: f64,
    /// Category codes, the unseen one apart; `None` for numbers.
    pub(super) categories: Option<usize>,
    /// Information value, or the share of the target's variance.
    pub(super) value: f64,
}

impl Sums {
    fn add(&mut self, weight: f64, y: f64) {
        self.weight += weight;
        self.target += weight * y;
    }

    fn with(self, other: Self) -> Self {
        Self { weight: self.weight + other.weight, target: self.target + other.target }
    }

    fn mean(self) -> f64 {
        self.target / self.weight.max(f64::MIN_POSITIVE)
    }

    fn evidence(self, truth: &Truth) -> f64 {
        if self.weight == 0.0 {
            return 0.0;
        }
        let mean = (self.target + PRIOR * truth.mean) / (self.weight + PRIOR);
        if truth.logistic { logit(mean) - logit(truth.mean) } else { mean - truth.mean }
    }

    /// Returns the bin's share of the information value.
    fn value(self, evidence: f64, truth: &Truth) -> f64 {
        if truth.logistic {
            let (events, others) = (truth.total * truth.mean, truth.total * (1.0 - truth.mean));
            (self.target / events - (self.weight - self.target) / others) * evidence
        } else {
            self.weight * evidence * evidence / (truth.total * truth.variance.max(f64::MIN_POSITIVE))
        }
    }
}

impl Attribute {
    /// Bins numbers; `None` when they make a single bin.
    pub(super) fn of_numbers(feature: usize, column: &[f32], truth: &Truth, rule: &BinRule) -> Option<Self> {
        let mut order: Vec<usize> = (0..column.len()).filter(|row| !column[*row].is_nan()).collect();
        order.sort_by(|a, b| column[*a].total_cmp(&column[*b]).then(a.cmp(b)));
        let share = truth.total / GROUPS as f64;
        let mut groups: Vec<(Cut, Sums)> = Vec::new();
        let mut sums = Sums::default();
        for same in order.chunk_by(|a, b| column[*a] == column[*b]) {
            for row in same {
                sums.add(truth.weights[*row], truth.y[*row]);
            }
            if sums.weight >= share {
                groups.push((Cut::UpTo(Some(column[same[0]])), std::mem::take(&mut sums)));
            }
        }
        if sums.weight > 0.0 {
            groups.push((Cut::UpTo(None), sums));
        }
        Self::of_groups((feature, None), groups, missing(column, truth), (truth, rule))
    }

    /// Bins categories by their codes below `categories`; `None` when they make a single bin.
    pub(super) fn of_categories(
        feature: usize,
        column: &[f32],
        (categories, truth): (usize, &Truth),
        rule: &BinRule,
    ) -> Option<Self> {
        let mut codes = vec![Sums::default(); categories + 1];
        for (row, code) in column.iter().enumerate().filter(|(_, code)| !code.is_nan()) {
            if let Some(sums) = codes.get_mut(*code as usize) {
                sums.add(truth.weights[row], truth.y[row]);
            }
        }
        let mut groups: Vec<(u32, Sums)> = (0..).zip(codes).filter(|(_, sums)| sums.weight > 0.0).collect();
        let mixed = |sums: &Sums| (sums.target + 10.0 * truth.mean) / (sums.weight + 10.0);
        groups.sort_by(|a, b| mixed(&a.1).total_cmp(&mixed(&b.1)).then(a.0.cmp(&b.0)));
        let groups = groups.into_iter().map(|(code, sums)| (Cut::Codes(vec![code]), sums)).collect();
        let rule = BinRule { direction: Direction::Free, ..*rule };
        Self::of_groups((feature, Some(categories)), groups, missing(column, truth), (truth, &rule))
    }

    fn of_groups(
        (feature, categories): (usize, Option<usize>),
        groups: Vec<(Cut, Sums)>,
        missing: Sums,
        (truth, rule): (&Truth, &BinRule),
    ) -> Option<Self> {
        let mut groups = joined(groups, truth, rule);
        if groups.len() + usize::from(missing.weight > 0.0) < 2 {
            return None;
        }
        if let Some((Cut::UpTo(bound), _)) = groups.last_mut() {
            *bound = None;
        }
        let bins: Vec<Bin> =
            groups.into_iter().map(|(cut, sums)| Bin { cut, sums, evidence: sums.evidence(truth) }).collect();
        let missing_evidence = missing.evidence(truth);
        let value = bins.iter().map(|bin| bin.sums.value(bin.evidence, truth)).sum::<f64>()
            + if missing.weight > 0.0 { missing.value(missing_evidence, truth) } else { 0.0 };
        Some(Self { feature, bins, missing, missing_evidence, categories, value })
    }

    /// Returns the bin of a value; `None` for a missing one and for categories without a bin.
    pub(super) fn bin(&self, x: f32) -> Option<usize> {
        if x.is_nan() {
            return None;
        }
        self.bins.iter().position(|bin| match &bin.cut {
            Cut::UpTo(bound) => bound.is_none_or(|bound| x <= bound),
            Cut::Codes(codes) => codes.contains(&(x as u32)),
        })
    }

    /// Returns the weight of evidence of a value.
    pub(super) fn evidence(&self, x: f32) -> f64 {
        match self.bin(x) {
            Some(bin) => self.bins[bin].evidence,
            None if x.is_nan() => self.missing_evidence,
            None => self.bins[self.neutral()].evidence,
        }
    }

    /// Returns the bin nearest to the mean of all rows, where categories that were never seen go.
    pub(super) fn neutral(&self) -> usize {
        let nearer = |a: usize, b: usize| self.bins[b].evidence.abs() < self.bins[a].evidence.abs();
        (0..self.bins.len()).fold(0, |best, at| if nearer(best, at) { at } else { best })
    }
}

fn missing(column: &[f32], truth: &Truth) -> Sums {
    let mut sums = Sums::default();
    for (row, _) in column.iter().enumerate().filter(|(_, value)| value.is_nan()) {
        sums.add(truth.weights[row], truth.y[row]);
    }
    sums
}

/// Joins neighbours until the rule is met.
fn joined(mut groups: Vec<(Cut, Sums)>, truth: &Truth, rule: &BinRule) -> Vec<(Cut, Sums)> {
    let least = rule.min_share * truth.total;
    let rising = match rule.direction {
        Direction::Free => None,
        Direction::Rising => Some(true),
        Direction::Falling => Some(false),
        Direction::Either => Some(rises(&groups)),
    };
    while groups.len() > 1 {
        let apart = |at: usize| difference(groups[at].1, groups[at + 1].1, truth);
        let small = |at: usize| groups[at].1.weight.min(groups[at + 1].1.weight) < least;
        let wrong = |at: usize| {
            let (a, b) = (groups[at].1.mean(), groups[at + 1].1.mean());
            rising.is_some_and(|rising| if rising { b < a } else { b > a })
        };
        // Small groups first, then those that break the order, then the most alike.
        let rank = |at: usize| {
            if small(at) {
                0
            } else if wrong(at) {
                1
            } else {
                2
            }
        };
        let pairs = 0..groups.len() - 1;
        let Some(at) = pairs.min_by(|a, b| rank(*a).cmp(&rank(*b)).then(apart(*a).total_cmp(&apart(*b))))
        else {
            break;
        };
        if rank(at) == 2 && groups.len() <= rule.most && apart(at) >= CHANCE {
            break;
        }
        let (cut, sums) = groups.remove(at + 1);
        let (own, own_sums) = &mut groups[at];
        *own_sums = own_sums.with(sums);
        match (own, cut) {
            (Cut::Codes(codes), Cut::Codes(more)) => codes.extend(more),
            (own, cut) => *own = cut,
        }
    }
    groups
}

/// Returns the statistic of the difference of two means.
fn difference(a: Sums, b: Sums, truth: &Truth) -> f64 {
    let pooled = a.with(b);
    let variance = if truth.logistic {
        let p = (pooled.target + 0.5) / (pooled.weight + 1.0);
        p * (1.0 - p)
    } else {
        truth.variance
    };
    let gap = a.mean() - b.mean();
    gap * gap * a.weight * b.weight / (pooled.weight * variance).max(f64::MIN_POSITIVE)
}

/// Returns whether the means rise with the order of the groups rather than fall.
fn rises(groups: &[(Cut, Sums)]) -> bool {
    let total: f64 = groups.iter().map(|(_, sums)| sums.weight).sum();
    let middle: f64 = groups.iter().zip(0_u32..).map(|((_, sums), at)| sums.weight * f64::from(at)).sum();
    let middle = middle / total.max(f64::MIN_POSITIVE);
    groups.iter().zip(0_u32..).map(|((_, sums), at)| sums.target * (f64::from(at) - middle)).sum::<f64>()
        >= 0.0
}
