//! A column's distribution as bins of two series: rows of the positive class and the rest.
//!
//! Numbers and times have edges; categories, texts and booleans have one bin a value. A category's
//! histogram without edges holds counts and positives in the order of its most frequent values.

use super::words;
use yard_types::{
    cell::CellRules,
    profile::{ColumnProfile, Histogram, TopValue},
    schema::FieldType,
};
use yard_ui::{fmt, marks};

/// Most values that a mini histogram shows.
const MOST_VALUES: usize = 12;

/// The bins of a column.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Bins {
    /// One more than the bins; empty for values.
    pub(super) edges: Vec<f64>,
    /// Names of the bins; empty for numbers.
    pub(super) values: Vec<String>,
    /// Rows that are not of the positive class.
    pub(super) rest: Vec<f64>,
    /// Rows of the positive class; empty when no class is counted.
    pub(super) positive: Vec<f64>,
}

impl Bins {
    /// Rows in all bins.
    pub(super) fn total(&self) -> f64 {
        self.rest.iter().sum::<f64>() + self.positive.iter().sum::<f64>()
    }

    /// The mini histogram of a table cell.
    pub(super) fn mini(&self) -> marks::Histogram {
        let most = if self.edges.is_empty() { MOST_VALUES } else { usize::MAX };
        let cut = |heights: &[f64]| heights.iter().take(most).copied().collect::<Vec<f64>>();
        let mut series = vec![cut(&self.rest)];
        if !self.positive.is_empty() {
            series.push(cut(&self.positive));
        }
        marks::Histogram::new(marks::Bars::Stacked, series)
    }

    /// Where a bin lies, in words: "Contract = Two year", "tenure 0–3.6".
    pub(super) fn place(&self, at: usize, column: &ColumnProfile) -> String {
        if let Some(value) = self.values.get(at) {
            return format!("{} = {value}", column.name);
        }
        let (Some(low), Some(high)) = (self.edges.get(at), self.edges.get(at + 1)) else {
            return String::new();
        };
        let text = |value: f64| match column.field_type {
            FieldType::Datetime => words::day(value),
            _ => fmt::significant(value, 3),
        };
        format!("{} from {} to {}", column.name, text(*low), text(*high))
    }

    /// Range moved out to whole bins, with the rows and positives inside; `None` for values or an empty
    /// range.
    pub(super) fn brushed(&self, (low, high): (f64, f64)) -> Option<Brushed> {
        let bins = self.edges.len().checked_sub(1)?;
        let inside = |at: &usize| self.edges[*at + 1] > low && self.edges[*at] < high;
        let first = (0..bins).find(inside)?;
        let last = (0..bins).rev().find(inside)?;
        let sum = |heights: &[f64]| heights.iter().skip(first).take(last + 1 - first).sum::<f64>();
        let positives = sum(&self.positive);
        Some(Brushed {
            low: self.edges[first],
            high: self.edges[last + 1],
            rows: sum(&self.rest) + positives,
            positives: (!self.positive.is_empty()).then_some(positives),
        })
    }
}

/// A brushed range in whole bins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Brushed {
    /// Lower end.
    pub(super) low: f64,
    /// Upper end.
    pub(super) high: f64,
    /// Rows inside.
    pub(super) rows: f64,
    /// Rows of the positive class inside, when counted.
    pub(super) positives: Option<f64>,
}

/// Returns the bins of a column; `None` when it holds nothing to count.
pub(super) fn bins(column: &ColumnProfile) -> Option<Bins> {
    let histogram = column.histogram.as_ref();
    let numeric = matches!(column.field_type, FieldType::Number | FieldType::Integer | FieldType::Datetime);
    match histogram.filter(|histogram| histogram.edges.len() > 1) {
        Some(histogram) if numeric && column.distinct > 2 => Some(numbers(histogram)),
        Some(histogram) if column.distinct == 2 => Some(two_values(column, histogram)),
        _ if column.top.is_empty() => None,
        _ => Some(values(&column.top, histogram)),
    }
}

fn split(counts: &[u64], positive: &[u64]) -> (Vec<f64>, Vec<f64>) {
    if positive.len() != counts.len() {
        return (counts.iter().map(|count| *count as f64).collect(), Vec::new());
    }
    let rest = counts.iter().zip(positive).map(|(all, own)| all.saturating_sub(*own) as f64).collect();
    (rest, positive.iter().map(|own| *own as f64).collect())
}

fn numbers(histogram: &Histogram) -> Bins {
    let (rest, positive) = split(&histogram.counts, &histogram.positive);
    Bins { edges: histogram.edges.clone(), values: Vec::new(), rest, positive }
}

fn values(top: &[TopValue], histogram: Option<&Histogram>) -> Bins {
    let counts: Vec<u64> = top.iter().map(|own| own.count).collect();
    let positive = histogram.filter(|own| own.edges.is_empty()).map_or(&[][..], |own| &own.positive);
    let (rest, positive) = split(&counts, positive);
    Bins { edges: Vec::new(), values: top.iter().map(|own| own.value.clone()).collect(), rest, positive }
}

/// Two values of a number or boolean lie in the first and the last bin.
fn two_values(column: &ColumnProfile, histogram: &Histogram) -> Bins {
    let ends = |heights: &[u64]| match (heights.first(), heights.last()) {
        (Some(first), Some(last)) => vec![*first, *last],
        _ => Vec::new(),
    };
    let (rest, positive) = split(&ends(&histogram.counts), &ends(&histogram.positive));
    let rank = |own: &&TopValue| {
        let text = own.value.as_str();
        match CellRules::boolean(text) {
            Some(truth) => f64::from(u8::from(truth)),
            None => text.parse().unwrap_or(f64::INFINITY),
        }
    };
    let mut named: Vec<&TopValue> = column.top.iter().take(2).collect();
    named.sort_by(|a, b| rank(a).total_cmp(&rank(b)));
    let values = named.into_iter().map(|own| own.value.clone()).collect();
    Bins { edges: Vec::new(), values, rest, positive }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn column(
        field_type: FieldType,
        distinct: u64,
        histogram: Option<Histogram>,
        top: &[(&str, u64)],
    ) -> ColumnProfile {
        let top = top.iter().map(|(value, count)| TopValue { value: (*value).to_owned(), count: *count });
        ColumnProfile {
            name: "c".to_owned(),
            field_type,
            missing: 0,
            distinct,
            mean: None,
            sd: None,
            min: None,
            q25: None,
            median: None,
            q75: None,
            max: None,
            top: top.collect(),
            histogram,
            alone: None,
        }
    }

    #[test]
    fn numbers_keep_their_bins_and_are_brushed_by_whole_ones() {
        let histogram =
            Histogram { edges: vec![0.0, 1.0, 2.0, 3.0], counts: vec![5, 7, 1], positive: vec![1, 7, 0] };
        let bins = bins(&column(FieldType::Number, 9, Some(histogram), &[])).unwrap();
        assert_eq!((bins.rest.clone(), bins.positive.clone()), (vec![4.0, 0.0, 1.0], vec![1.0, 7.0, 0.0]));
        let brushed = bins.brushed((0.5, 1.5)).unwrap();
        assert_eq!((brushed.low, brushed.high, brushed.rows, brushed.positives), (0.0, 2.0, 12.0, Some(8.0)));
        assert_eq!(bins.brushed((4.0, 5.0)), None);
    }

    #[test]
    fn two_values_are_two_bins_in_order() {
        let histogram = Histogram { edges: vec![0.0, 0.5, 1.0], counts: vec![90, 10], positive: vec![9, 5] };
        let bins = bins(&column(FieldType::Boolean, 2, Some(histogram), &[("No", 90), ("Yes", 10)])).unwrap();
        assert_eq!(bins.values, ["No", "Yes"]);
        assert_eq!((bins.rest, bins.positive), (vec![81.0, 5.0], vec![9.0, 5.0]));
    }

    #[test]
    fn categories_without_classes_are_one_series() {
        let bins = bins(&column(FieldType::Category, 2, None, &[("a", 3), ("b", 1)])).unwrap();
        assert_eq!(bins.mini().series, vec![vec![3.0, 1.0]]);
        assert!(super::bins(&column(FieldType::Text, 0, None, &[])).is_none());
    }
}
