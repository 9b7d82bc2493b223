//! Splits of category features: which set of categories goes left.
//!
//! Categories are sorted by `G / (H + smooth)`, which contains the best two-set split of a convex loss
//! (Fisher, 1958, doi:10.1080/01621459.1958.10501479), and prefixes of both ends are tried as in
//! `LightGBM` (Ke et al., 2017); few categories are also tried one against the rest. Missing values are a
//! category of their own; rare and unseen codes go right. Categories with fewer than `min_cat_rows`
//! rows (estimated by their hessian) stay right, as their mean gradient says little.

use crate::{
    bins::CategoryBins,
    constraints::Penalty,
    quant::Sum,
    split_find::{Found, LeftBins, Rules, Scan},
};

/// Finds the best set of categories to send left.
pub(crate) fn best(scan: &Scan, bins: &CategoryBins, rules: &Rules) -> Option<Found> {
    let params = rules.params;
    let unit = rules.units.1;
    let per_row = scan.total.h as f64 / scan.rows as f64;
    let least = f64::from(params.min_cat_rows) * per_row;
    let usable = |bin: u8| {
        let sum = scan.sums[bin as usize];
        sum.h > 0 && sum.h as f64 >= least
    };
    let mut order: Vec<u8> = (0..bins.rare).filter(|&bin| usable(bin)).collect();
    let mut best = None;
    singles(scan, &order, &mut best);
    let smooth = params.cat_smooth / unit;
    let mean = |bin: u8| {
        let sum = scan.sums[bin as usize];
        sum.g as f64 / (sum.h as f64 + smooth)
    };
    order.sort_by(|&a, &b| mean(a).total_cmp(&mean(b)).then(a.cmp(&b)));
    let longest = (params.max_cat_threshold as usize).min(order.len().div_ceil(2));
    let penalty = Penalty { l2: scan.penalty.l2 + params.cat_l2 / unit, ..scan.penalty };
    prefixes(scan, order.iter().copied().take(longest), penalty, &mut best);
    prefixes(scan, order.iter().rev().copied().take(longest), penalty, &mut best);
    best
}

fn add_bin(set: &mut LeftBins, bin: u8) {
    set[bin as usize >> 6] |= 1 << (bin & 63);
}

fn offer(scan: &Scan, left: Sum, left_bins: LeftBins, penalty: Penalty) -> Found {
    let score = penalty.both(left, scan.total - left);
    Found { score, left, left_bins, bin: 0 }
}

/// Tries each category against the rest, without the extra penalty, when there are at most four.
fn singles(scan: &Scan, usable: &[u8], best: &mut Option<Found>) {
    if usable.len() > 4 {
        return;
    }
    for &bin in usable {
        let left = scan.sums[bin as usize];
        let rows = scan.counts.map_or(0, |counts| counts[bin as usize]);
        if scan.allowed(left, rows) {
            let mut set = [0; 4];
            add_bin(&mut set, bin);
            keep(best, offer(scan, left, set, scan.penalty));
        }
    }
}

fn prefixes(scan: &Scan, order: impl Iterator<Item = u8>, penalty: Penalty, best: &mut Option<Found>) {
    let (mut left, mut rows, mut set) = (Sum::default(), 0, [0; 4]);
    for bin in order {
        left = left + scan.sums[bin as usize];
        rows += scan.counts.map_or(0, |counts| counts[bin as usize]);
        add_bin(&mut set, bin);
        if scan.allowed(left, rows) {
            keep(best, offer(scan, left, set, penalty));
        }
    }
}

fn keep(best: &mut Option<Found>, found: Found) {
    if best.as_ref().is_none_or(|best| found.score > best.score) {
        *best = Some(found);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{bins::Binner, params::BoostParams};

    fn bins(codes: usize) -> CategoryBins {
        CategoryBins::find(&(0..codes).map(|code| code as f32).collect::<Vec<_>>(), 255)
    }

    fn find(sums: &[Sum], params: &BoostParams) -> Option<Found> {
        let bins = bins(sums.len() - 2);
        let binners = [Binner::Category(bins.clone())];
        let constraints = crate::constraints::Constraints::default();
        let rules = Rules { params, binners: &binners, constraints: &constraints, units: (1.0, 1.0) };
        let total = sums.iter().fold(Sum::default(), |a, &b| a + b);
        let scan = Scan {
            sums,
            counts: None,
            total,
            rows: total.h as usize,
            penalty: Penalty::plain(params.l2),
            least: 1,
            least_rows: 1,
        };
        best(&scan, &bins, &rules)
    }

    /// All subsets, by definition.
    fn slow(sums: &[Sum], l2: f64) -> f64 {
        let total = sums.iter().fold(Sum::default(), |a, &b| a + b);
        let n = sums.len() - 1;
        let score = |set: usize| {
            let left = (0..n).filter(|b| set >> b & 1 == 1).fold(Sum::default(), |a, b| a + sums[b]);
            Penalty::plain(l2).both(left, total - left)
        };
        (1..(1 << n) - 1).map(score).fold(0.0, f64::max)
    }

    #[test]
    fn sorted_prefixes_hold_the_best_of_all_subsets() {
        let g = [0, 40, -90, 12, 77, -30, 5, -60, 33, 0];
        let h = [0, 100, 80, 60, 90, 70, 50, 100, 100, 0];
        let sums: Vec<Sum> = g.iter().zip(h).map(|(&g, h)| Sum { g, h }).collect();
        let params =
            BoostParams { l2: 0.0, cat_l2: 0.0, cat_smooth: 0.0, min_cat_rows: 0, ..BoostParams::plain() };
        let found = find(&sums, &params).unwrap();
        assert!((found.score - slow(&sums, 0.0)).abs() < 1e-9, "{}", found.score);
    }

    #[test]
    fn missing_values_are_a_category_and_small_categories_stay_right() {
        let sums = [(-500, 100), (10, 100), (20, 100), (90, 3), (0, 0)].map(|(g, h)| Sum { g, h });
        let params = BoostParams { min_cat_rows: 10, ..BoostParams::plain() };
        let found = find(&sums, &params).unwrap();
        assert_eq!(found.left_bins[0] & 1, 1);
        assert_eq!(found.left_bins[0] >> 3 & 1, 0);
        assert_eq!(found.left, Sum { g: -500, h: 100 });
    }
}
