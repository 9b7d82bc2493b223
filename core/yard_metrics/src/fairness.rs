//! Rates per group of a protected column and the differences between groups.
//!
//! Hardt, Price and Srebro, 2016, "Equality of opportunity in supervised learning", arXiv:1610.02413.
//! Parity, equal odds and calibration can't all hold when base rates differ (Chouldechova, 2017,
//! doi:10.1089/big.2016.0047): the figures stand side by side, there is no single score. A rate with an
//! empty denominator is `None`, not 0.

use crate::{
    error::MetricsError,
    interval::{Z_95, wilson},
    rows::BinaryRows,
    special::chi2_sf,
};
use yard_types::evaluation::{Fairness, GroupRates};

/// Groups below this many rows are small.
pub const SMALL_ROWS: u64 = 30;
/// Groups below this many positives are small.
pub const SMALL_POSITIVES: u64 = 10;

/// A protected column as codes.
#[derive(Clone, Copy, Debug)]
pub struct GroupColumn<'a> {
    /// Column name.
    pub name: &'a str,
    /// Code of each row; a code outside of `labels` is the group `missing`.
    pub codes: &'a [u32],
    /// Group names by code.
    pub labels: &'a [String],
}

#[derive(Clone, Copy, Default)]
struct Counts {
    tp: u64,
    fp: u64,
    fn_: u64,
    tn: u64,
}

impl Counts {
    fn rates(&self, group: &str) -> GroupRates {
        let selected = self.tp + self.fp;
        let positives = self.tp + self.fn_;
        let rows = selected + self.fn_ + self.tn;
        GroupRates {
            group: group.to_owned(),
            rows,
            positives,
            selection_rate: rate(selected, rows),
            selection_interval: wilson(selected as f64, rows as f64, Z_95),
            tpr: rate(self.tp, positives),
            fpr: rate(self.fp, self.fp + self.tn),
            precision: rate(self.tp, selected),
            small: rows < SMALL_ROWS || positives < SMALL_POSITIVES,
        }
    }
}

fn rate(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Returns rates per group (groups without rows left out, `missing` last) and the differences over all
/// groups where the rate is defined; a difference of fewer than two groups is `None`. `p >= threshold`
/// means selected. Weights are ignored: the figures count people.
pub fn fairness(
    column: &GroupColumn<'_>,
    rows: &BinaryRows<'_>,
    threshold: f64,
) -> Result<Fairness, MetricsError> {
    if column.codes.len() != rows.len() {
        return Err(MetricsError::Length {
            what: "groups of a protected column",
            expected: rows.len(),
            got: column.codes.len(),
        });
    }
    let missing = column.labels.len();
    let mut counts = vec![Counts::default(); missing + 1];
    for ((code, y), p) in column.codes.iter().zip(rows.y()).zip(rows.p()) {
        let group = &mut counts[(*code as usize).min(missing)];
        match (f64::from(*p) >= threshold, *y == 1) {
            (true, true) => group.tp += 1,
            (true, false) => group.fp += 1,
            (false, true) => group.fn_ += 1,
            (false, false) => group.tn += 1,
        }
    }
    let names = column.labels.iter().map(String::as_str).chain(["missing"]);
    let groups: Vec<GroupRates> =
        names.zip(&counts).map(|(name, counts)| counts.rates(name)).filter(|group| group.rows > 0).collect();
    let selection = range(groups.iter().map(|group| group.selection_rate));
    let tpr = range(groups.iter().map(|group| group.tpr));
    let fpr = range(groups.iter().map(|group| group.fpr));
    let difference = |range: Option<(f64, f64)>| range.map(|(low, high)| high - low);
    Ok(Fairness {
        column: column.name.to_owned(),
        demographic_parity_difference: difference(selection),
        demographic_parity_ratio: selection.and_then(|(low, high)| (high > 0.0).then(|| low / high)),
        equalized_odds_difference: difference(tpr)
            .zip(difference(fpr))
            .map(|(tpr, fpr)| tpr.max(fpr))
            .or(difference(tpr))
            .or(difference(fpr)),
        equal_opportunity_difference: difference(tpr),
        groups,
    })
}

/// Returns (smallest, largest) of the defined values, `None` below two of them.
fn range(values: impl Iterator<Item = Option<f64>>) -> Option<(f64, f64)> {
    let values: Vec<f64> = values.flatten().collect();
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (values.len() >= 2).then_some((low, high))
}

/// Returns the p-value of the chi-square test that all groups have one selection rate; `None` when
/// nobody or everybody is selected or there are fewer than two groups. A four-fifths ratio below 0.8 with
/// a large p-value may be chance.
pub fn selection_p_value(groups: &[GroupRates]) -> Option<f64> {
    let selected = |group: &GroupRates| group.selection_rate.unwrap_or(0.0) * group.rows as f64;
    let rows: f64 = groups.iter().map(|group| group.rows as f64).sum();
    let rate = groups.iter().map(selected).sum::<f64>() / rows;
    if groups.len() < 2 || rate.is_nan() || rate <= 0.0 || rate >= 1.0 {
        return None;
    }
    let spread = rate * (1.0 - rate);
    let term = |group: &GroupRates| {
        let expected = group.rows as f64 * rate;
        (selected(group) - expected).powi(2) / (group.rows as f64 * spread)
    };
    Some(chi2_sf(groups.iter().map(term).sum(), groups.len() as f64 - 1.0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn labels() -> Vec<String> {
        ["a", "b", "empty"].map(str::to_owned).to_vec()
    }

    #[test]
    fn figures_by_hand() {
        // a: 2 of 4 selected, tpr 1/2, fpr 1/2; b: 1 of 4 selected, tpr 1/1, fpr 0/3.
        let codes = [0, 0, 0, 0, 1, 1, 1, 1];
        let y = [1, 1, 0, 0, 1, 0, 0, 0];
        let p = [0.9, 0.1, 0.9, 0.1, 0.9, 0.1, 0.1, 0.1];
        let labels = labels();
        let column = GroupColumn { name: "sex", codes: &codes, labels: &labels };
        let rows = BinaryRows::new(&y, &p).unwrap();
        let found = fairness(&column, &rows, 0.5).unwrap();
        assert_eq!(found.groups.len(), 2);
        assert!(found.groups.iter().all(|group| group.small));
        assert_eq!(found.demographic_parity_difference, Some(0.25));
        assert_eq!(found.demographic_parity_ratio, Some(0.5));
        assert_eq!(found.equalized_odds_difference, Some(0.5));
        assert_eq!(found.equal_opportunity_difference, Some(0.5));
    }

    #[test]
    fn empty_denominators_are_undefined_not_zero() {
        let codes = [0, 0, 1, 9];
        let labels = labels();
        let column = GroupColumn { name: "age", codes: &codes, labels: &labels };
        let rows = BinaryRows::new(&[0, 0, 0, 1], &[0.1, 0.1, 0.1, 0.1]).unwrap();
        let found = fairness(&column, &rows, 0.5).unwrap();
        assert_eq!(found.groups[0].tpr, None);
        assert_eq!(found.groups[0].precision, None);
        assert_eq!(found.groups[2].group, "missing");
        assert_eq!(found.groups[2].fpr, None);
        assert_eq!(found.demographic_parity_ratio, None, "nobody is selected");
        assert_eq!(found.equal_opportunity_difference, None, "one group has positives");
        assert_eq!(selection_p_value(&found.groups), None);
        let short = GroupColumn { codes: &codes[..2], ..column };
        assert!(fairness(&short, &rows, 0.5).is_err());
    }
}
