//! What decisions cost, with and without the model.
//!
//! Elkan, 2001, "The foundations of cost-sensitive learning", IJCAI 17, 973-978. Probabilities must be
//! calibrated for a threshold from costs to be the best one.

use crate::{
    ranked::{Outcomes, Ranked},
    rows::BinaryRows,
    sum::sum_by,
};
use yard_types::frame::Costs;

/// Returns the mean cost per row when `p >= threshold` means acting; `None` without rows.
pub fn expected_cost(rows: &BinaryRows<'_>, threshold: f64, costs: &Costs) -> Option<f64> {
    let ranked = Ranked::new(rows.len(), |row| rows.p()[row], |row| rows.y()[row] == 1);
    let mut weights = Vec::with_capacity(rows.len());
    ranked.gather(&rows.weights(), &mut weights);
    ranked.outcomes(&weights, ranked.cut(threshold)).mean_cost(costs)
}

/// Returns the mean cost per row of never acting; `None` without rows.
pub fn do_nothing(rows: &BinaryRows<'_>, costs: &Costs) -> Option<f64> {
    cost_of_acts(rows, costs, |_| false)
}

/// Returns the mean cost per row of always acting; `None` without rows.
pub fn always(rows: &BinaryRows<'_>, costs: &Costs) -> Option<f64> {
    cost_of_acts(rows, costs, |_| true)
}

/// Returns the mean cost per row when `acts(row)` says whether one acts; `None` without rows.
pub fn cost_of_acts(rows: &BinaryRows<'_>, costs: &Costs, acts: impl Fn(usize) -> bool) -> Option<f64> {
    let weights = rows.weights();
    let part = |act: bool, positive: bool| {
        sum_by(rows.len(), |row| {
            if acts(row) == act && (rows.y()[row] == 1) == positive { weights[row] } else { 0.0 }
        })
    };
    Outcomes { tp: part(true, true), fp: part(true, false), fn_: part(false, true), tn: part(false, false) }
        .mean_cost(costs)
}

/// Returns the factor on the number of negatives that makes a learner that cuts at `trained_threshold`
/// act as if it cut at `threshold`: `t/(1−t) · (1−t0)/t0`; `None` unless both lie inside 0..1.
pub fn negative_weight(threshold: f64, trained_threshold: f64) -> Option<f64> {
    let inside = |t: f64| t > 0.0 && t < 1.0;
    (inside(threshold) && inside(trained_threshold))
        .then(|| threshold / (1.0 - threshold) * ((1.0 - trained_threshold) / trained_threshold))
}

/// Returns the probability after a change of the base rate from `base` to `new_base`:
/// `b' (p − p b) / (b − p b + b' p − b b')`; `None` when the rates lie outside of 0..1.
pub fn at_base_rate(p: f64, base: f64, new_base: f64) -> Option<f64> {
    let denominator = base - p * base + new_base * p - base * new_base;
    let inside = |rate: f64| rate > 0.0 && rate < 1.0;
    let fits = inside(base) && inside(new_base) && (0.0..=1.0).contains(&p) && denominator > 0.0;
    fits.then(|| new_base * (p - p * base) / denominator)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const COSTS: Costs =
        Costs { false_positive: 1.0, false_negative: 9.0, true_positive: 0.0, true_negative: 0.0 };

    #[test]
    fn elkan_threshold_of_one_and_nine_is_a_tenth() {
        assert!((COSTS.threshold().unwrap() - 0.1).abs() < 1e-15);
    }

    #[test]
    fn costs_by_hand() {
        let rows = BinaryRows::new(&[1, 0, 1, 0], &[0.9, 0.8, 0.05, 0.01]).unwrap();
        assert_eq!(expected_cost(&rows, 0.1, &COSTS), Some(10.0 / 4.0));
        assert_eq!(do_nothing(&rows, &COSTS), Some(18.0 / 4.0));
        assert_eq!(always(&rows, &COSTS), Some(2.0 / 4.0));
        let weights = [1.0, 3.0, 0.0, 1.0];
        assert_eq!(expected_cost(&rows.with_weights(&weights).unwrap(), 0.1, &COSTS), Some(3.0 / 5.0));
        assert_eq!(do_nothing(&BinaryRows::new(&[], &[]).unwrap(), &COSTS), None);
    }

    #[test]
    fn base_rate_change_is_bayes_rule() {
        // Odds are multiplied by the ratio of prior odds.
        let (p, b, b2) = (0.3, 0.2, 0.05);
        let odds = p / (1.0 - p) * (b2 / (1.0 - b2)) / (b / (1.0 - b));
        assert!((at_base_rate(p, b, b2).unwrap() - odds / (1.0 + odds)).abs() < 1e-15);
        assert!((at_base_rate(p, b, b).unwrap() - p).abs() < 1e-15);
        assert_eq!(at_base_rate(0.3, 0.0, 0.1), None);
        assert!((negative_weight(0.1, 0.5).unwrap() - 1.0 / 9.0).abs() < 1e-15);
        assert_eq!(negative_weight(1.0, 0.5), None);
    }
}
