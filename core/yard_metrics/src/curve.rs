//! Curves ready to draw: ROC, precision-recall, calibration and cost over thresholds.
//!
//! ROC: Fawcett, 2006, "An introduction to ROC analysis", doi:10.1016/j.patrec.2005.10.010.
//! Precision-recall: Davis and Goadrich, 2006, doi:10.1145/1143844.1143874 (no interpolation between
//! points).

use crate::{
    bootstrap::{Bootstrap, percentiles},
    interval::{Z_95, wilson},
    ranked::{Outcomes, Ranked},
    rows::BinaryRows,
    sum::Accumulator,
};
use yard_types::{
    evaluation::{CalibrationBin, CostPoint, CurvePoint},
    frame::Costs,
};

/// Largest number of points of a thinned curve.
pub const MAX_POINTS: usize = 400;

/// Intervals between the thresholds of the cost curve (0, 0.01, .. 1).
const COST_STEPS: usize = 100;

struct Sorted {
    ranked: Ranked,
    weights: Vec<f64>,
}

fn sorted(rows: &BinaryRows<'_>) -> Sorted {
    let ranked = Ranked::new(rows.len(), |row| rows.p()[row], |row| rows.y()[row] == 1);
    let mut weights = Vec::with_capacity(rows.len());
    ranked.gather(&rows.weights(), &mut weights);
    Sorted { ranked, weights }
}

impl Sorted {
    /// Calls `visit(threshold, true positives, false positives)` per distinct score, highest first.
    fn thresholds(&self, mut visit: impl FnMut(f64, f64, f64)) {
        let (mut tp, mut fp) = (0.0, 0.0);
        self.ranked.groups(&self.weights, |end, wp, wn| {
            tp += wp;
            fp += wn;
            visit(self.ranked.p[end - 1], tp, fp);
        });
    }

    fn class_weights(&self) -> (f64, f64) {
        let all = self.ranked.outcomes(&self.weights, self.ranked.len());
        (all.tp, all.fp)
    }

    /// A threshold that no score reaches (1 above the largest score).
    fn above_all(&self) -> f64 {
        self.ranked.p.first().map_or(1.0, |largest| largest + 1.0)
    }
}

/// Returns the ROC curve from (0, 0) to (1, 1), x the false and y the true positive rate, thinned to at
/// most [`MAX_POINTS`]; empty unless both classes have rows.
pub fn roc(rows: &BinaryRows<'_>) -> Vec<CurvePoint> {
    let sorted = sorted(rows);
    let (positives, negatives) = sorted.class_weights();
    if positives <= 0.0 || negatives <= 0.0 {
        return Vec::new();
    }
    let mut points = vec![CurvePoint { x: 0.0, y: 0.0, threshold: sorted.above_all() }];
    sorted.thresholds(|threshold, tp, fp| {
        points.push(CurvePoint { x: fp / negatives, y: tp / positives, threshold });
    });
    thin(points)
}

/// Returns the precision-recall curve from recall 0 (precision 1, no row called positive) to recall 1,
/// x the recall and y the precision, thinned to at most [`MAX_POINTS`]; empty without positives.
pub fn precision_recall(rows: &BinaryRows<'_>) -> Vec<CurvePoint> {
    let sorted = sorted(rows);
    let (positives, _) = sorted.class_weights();
    if positives <= 0.0 {
        return Vec::new();
    }
    let mut points = vec![CurvePoint { x: 0.0, y: 1.0, threshold: sorted.above_all() }];
    sorted.thresholds(|threshold, tp, fp| {
        if tp + fp > 0.0 {
            points.push(CurvePoint { x: tp / positives, y: tp / (tp + fp), threshold });
        }
    });
    thin(points)
}

/// Thins a curve to at most [`MAX_POINTS`], equally spaced along its length; the first and last point
/// and the points of largest and smallest ordinate stay.
fn thin(points: Vec<CurvePoint>) -> Vec<CurvePoint> {
    if points.len() <= MAX_POINTS {
        return points;
    }
    let by_y = |a: &usize, b: &usize| points[*a].y.total_cmp(&points[*b].y);
    let highest = (0..points.len()).max_by(by_y);
    let lowest = (0..points.len()).min_by(by_y);
    let step = |pair: &[CurvePoint]| (pair[1].x - pair[0].x).abs() + (pair[1].y - pair[0].y).abs();
    let length: f64 = points.windows(2).map(step).sum();
    let spacing = length / (MAX_POINTS - 4) as f64;
    let mut kept = Vec::with_capacity(MAX_POINTS);
    let (mut walked, mut next) = (0.0, 0.0);
    for index in 0..points.len() {
        if index > 0 {
            walked += step(&points[index - 1..=index]);
        }
        let extreme = index + 1 == points.len() || Some(index) == highest || Some(index) == lowest;
        if walked >= next && kept.len() < MAX_POINTS - 3 {
            next = (walked / spacing).floor() * spacing + spacing;
            kept.push(points[index]);
        } else if extreme {
            kept.push(points[index]);
        }
    }
    kept
}

/// Returns the calibration over `bins` bins of equal mass, lowest scores first, with the Wilson 95 %
/// interval of the observed rate (under weights: of the effective number of rows, (Σw)²/Σw²). Rows of
/// equal score share a bin, so that fewer bins may result.
pub fn calibration(rows: &BinaryRows<'_>, bins: usize) -> Vec<CalibrationBin> {
    let sorted = sorted(rows);
    let counts = sorted.ranked.mass_bins(&vec![1.0; rows.len()], bins);
    let weighted = sorted.ranked.mass_bins(&sorted.weights, bins);
    let unweighted = sorted.weights.iter().all(|weight| *weight == 1.0);
    weighted
        .iter()
        .zip(&counts)
        .filter(|(bin, _)| bin[0] > 0.0)
        .filter_map(|(bin, count)| {
            let observed = bin[2] / bin[0];
            let effective = bin[0] * bin[0] / bin[3];
            let (low, high) = wilson(observed * effective, effective, Z_95)?;
            let rows = if unweighted { count[0] } else { effective }.round() as u64;
            Some(CalibrationBin { predicted: bin[1] / bin[0], observed, low, high, rows })
        })
        .collect()
}

/// Returns the mean cost per row at thresholds 0, 0.01, .. 1 with a pointwise 95 % bootstrap band; empty
/// without rows.
pub fn cost_curve(rows: &BinaryRows<'_>, costs: &Costs, bootstrap: &Bootstrap) -> Vec<CostPoint> {
    let sorted = sorted(rows);
    let thresholds: Vec<f64> = (0..=COST_STEPS).map(|step| step as f64 / COST_STEPS as f64).collect();
    let cuts: Vec<usize> = thresholds.iter().map(|threshold| sorted.ranked.cut(*threshold)).collect();
    let Some(costs_at) = costs_at_cuts(&sorted.ranked, &sorted.weights, &cuts, costs) else {
        return Vec::new();
    };
    // Rows are exchangeable, so the resample's counts may be drawn over ranks.
    let mut draws: Vec<Vec<f64>> = vec![Vec::new(); cuts.len()];
    let mut weights = Vec::new();
    for index in 0..bootstrap.resamples {
        bootstrap.weights(index, &sorted.weights, &mut weights);
        let values = costs_at_cuts(&sorted.ranked, &weights, &cuts, costs).unwrap_or_default();
        for (list, value) in draws.iter_mut().zip(values) {
            list.push(value);
        }
    }
    let bands = draws.into_iter().map(|list| percentiles(list, bootstrap.resamples));
    thresholds
        .into_iter()
        .zip(costs_at)
        .zip(bands)
        .map(|((threshold, cost), (low, high))| CostPoint {
            threshold,
            cost,
            low: low.unwrap_or(cost),
            high: high.unwrap_or(cost),
        })
        .collect()
}

/// Returns the mean cost when the first `cut` ranks are called positive, for cuts that fall along the
/// slice; `None` without weight.
fn costs_at_cuts(ranked: &Ranked, w: &[f64], cuts: &[usize], costs: &Costs) -> Option<Vec<f64>> {
    let all = ranked.outcomes(w, ranked.len());
    if all.total() <= 0.0 {
        return None;
    }
    let (mut tp, mut fp) = (Accumulator::default(), Accumulator::default());
    let mut rank = 0;
    let mut values = vec![0.0; cuts.len()];
    for (value, cut) in values.iter_mut().zip(cuts).rev() {
        while rank < *cut {
            if ranked.positive[rank] {
                tp.push(w[rank]);
            } else {
                fp.push(w[rank]);
            }
            rank += 1;
        }
        let (tp, fp) = (tp.total(), fp.total());
        let outcomes = Outcomes { tp, fp, fn_: all.tp - tp, tn: all.fp - fp };
        *value = outcomes.mean_cost(costs)?;
    }
    Some(values)
}

/// A threshold with its mean cost per row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BestThreshold {
    /// Probability at or above which one acts.
    pub threshold: f64,
    /// Mean cost per row.
    pub cost: f64,
}

/// Returns the threshold of least mean cost among all distinct scores and "never" (1 above the largest
/// score); of equal ones the highest. `None` without rows.
pub fn best_threshold(rows: &BinaryRows<'_>, costs: &Costs) -> Option<BestThreshold> {
    let sorted = sorted(rows);
    let (positives, negatives) = sorted.class_weights();
    let never = Outcomes { tp: 0.0, fp: 0.0, fn_: positives, tn: negatives };
    let mut best = BestThreshold { threshold: sorted.above_all(), cost: never.mean_cost(costs)? };
    sorted.thresholds(|threshold, tp, fp| {
        let outcomes = Outcomes { tp, fp, fn_: positives - tp, tn: negatives - fp };
        match outcomes.mean_cost(costs) {
            Some(cost) if cost < best.cost => best = BestThreshold { threshold, cost },
            _ => {}
        }
    });
    Some(best)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::classification::{average_precision, roc_auc};
    use yard_types::rng::Rng;

    fn sample(n: usize) -> (Vec<u8>, Vec<f32>) {
        let mut rng = Rng::new(5, 0);
        let p: Vec<f32> = (0..n).map(|_| rng.uniform() as f32).collect();
        (p.iter().map(|p| u8::from(rng.uniform() < f64::from(*p))).collect(), p)
    }

    #[test]
    fn thinned_roc_keeps_the_area_and_the_ends() {
        let (y, p) = sample(20_000);
        let rows = BinaryRows::new(&y, &p).unwrap();
        let points = roc(&rows);
        assert!(points.len() <= MAX_POINTS && points.len() > 300, "{} points", points.len());
        let area: f64 =
            points.windows(2).map(|pair| (pair[1].x - pair[0].x) * 0.5 * (pair[0].y + pair[1].y)).sum();
        assert!((area - roc_auc(&rows).unwrap()).abs() < 1e-4);
        assert_eq!((points[0].x, points[0].y), (0.0, 0.0));
        let last = points.last().unwrap();
        assert_eq!((last.x, last.y), (1.0, 1.0));
        assert!(points.iter().all(|point| point.threshold.is_finite()));
    }

    #[test]
    fn unthinned_precision_recall_sums_to_average_precision() {
        let (y, p) = sample(300);
        let rows = BinaryRows::new(&y, &p).unwrap();
        let points = precision_recall(&rows);
        let area: f64 = points.windows(2).map(|pair| (pair[1].x - pair[0].x) * pair[1].y).sum();
        assert!((area - average_precision(&rows).unwrap()).abs() < 1e-12);
        assert!(precision_recall(&BinaryRows::new(&[0, 0], &[0.1, 0.2]).unwrap()).is_empty());
        let (y, p) = sample(20_000);
        let many = precision_recall(&BinaryRows::new(&y, &p).unwrap());
        assert!(many.len() <= MAX_POINTS, "{} points", many.len());
        assert_eq!(many.last().unwrap().x, 1.0);
    }

    #[test]
    fn cost_curve_meets_the_expected_cost_and_its_minimum_the_brute_force_one() {
        let (y, p) = sample(4_000);
        let rows = BinaryRows::new(&y, &p).unwrap();
        let costs = Costs { false_positive: 1.0, false_negative: 9.0, ..Costs::default() };
        let curve = cost_curve(&rows, &costs, &Bootstrap { resamples: 100, seed: 1 });
        assert_eq!(curve.len(), 101);
        for point in &curve {
            let direct = crate::cost::expected_cost(&rows, point.threshold, &costs).unwrap();
            assert!((direct - point.cost).abs() < 1e-12);
            assert!(point.low <= point.cost && point.cost <= point.high);
        }
        let best = best_threshold(&rows, &costs).unwrap();
        assert!(curve.iter().all(|point| point.cost >= best.cost - 1e-12));
        // The scores are calibrated, so Elkan's threshold 0.1 must be near the best one.
        assert!((best.threshold - 0.1).abs() < 0.05, "{best:?}");
    }

    #[test]
    fn calibration_of_calibrated_scores_holds_the_prediction_inside() {
        let (y, p) = sample(5_000);
        let bins = calibration(&BinaryRows::new(&y, &p).unwrap(), 10);
        assert_eq!(bins.len(), 10);
        assert_eq!(bins.iter().map(|bin| bin.rows).sum::<u64>(), 5_000);
        let inside = bins.iter().filter(|bin| bin.low <= bin.predicted && bin.predicted <= bin.high).count();
        assert!(inside >= 8, "{inside} of 10 inside");
        assert!(bins.windows(2).all(|pair| pair[0].predicted < pair[1].predicted));
    }

    #[test]
    fn no_rows_give_no_curves() {
        let rows = BinaryRows::new(&[], &[]).unwrap();
        assert!(roc(&rows).is_empty() && precision_recall(&rows).is_empty());
        assert!(calibration(&rows, 10).is_empty());
        assert!(cost_curve(&rows, &Costs::default(), &Bootstrap::default()).is_empty());
        assert_eq!(best_threshold(&rows, &Costs::default()), None);
    }
}
