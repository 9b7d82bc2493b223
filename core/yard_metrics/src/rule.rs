//! The best rule on a single column: what a spreadsheet filter would reach at these costs. A model that
//! doesn't beat it earns nothing (Holte, 1993, "Very simple classification rules perform well on most
//! commonly used datasets", doi:10.1023/A:1022631118932).

use crate::{cost::cost_of_acts, error::MetricsError, rows::BinaryRows, sum::Accumulator};
use yard_types::{evaluation::SingleRule, frame::Costs};

/// A column that a rule may use, one value per row.
#[derive(Clone, Copy, Debug)]
pub enum RuleColumn<'a> {
    /// Numbers; NaN is missing and fulfils no condition.
    Number {
        /// Column name.
        name: &'a str,
        /// Values.
        values: &'a [f64],
    },
    /// Categories as codes into `labels`; a code outside of the labels is missing and fulfils no condition.
    Category {
        /// Column name.
        name: &'a str,
        /// Codes.
        codes: &'a [u32],
        /// Labels by code.
        labels: &'a [String],
    },
}

impl RuleColumn<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Number { name, .. } | Self::Category { name, .. } => name,
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Number { values, .. } => values.len(),
            Self::Category { codes, .. } => codes.len(),
        }
    }
}

/// When one acts.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// The number is at most this.
    AtMost(f64),
    /// The number is above this.
    Above(f64),
    /// The category is this.
    Is(String),
    /// The category is known and another one.
    IsNot(String),
}

/// A rule found on training rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Column name.
    pub column: String,
    /// Condition.
    pub condition: Condition,
    /// Mean cost per row on the rows where it was found.
    pub cost: f64,
}

impl Rule {
    /// Returns the rule in words: `tenure ≤ 12`, `Contract = Month-to-month`.
    pub fn text(&self) -> String {
        match &self.condition {
            Condition::AtMost(value) => format!("{} ≤ {value}", self.column),
            Condition::Above(value) => format!("{} > {value}", self.column),
            Condition::Is(label) => format!("{} = {label}", self.column),
            Condition::IsNot(label) => format!("{} ≠ {label}", self.column),
        }
    }

    /// Returns whether the rule acts on a row of its column; a column of the other kind never acts.
    fn acts(&self, column: &RuleColumn<'_>, row: usize) -> bool {
        let label = |codes: &[u32]| codes.get(row).copied().unwrap_or(u32::MAX) as usize;
        match (&self.condition, column) {
            (Condition::AtMost(limit), RuleColumn::Number { values, .. }) => {
                values.get(row).is_some_and(|value| value <= limit)
            }
            (Condition::Above(limit), RuleColumn::Number { values, .. }) => {
                values.get(row).is_some_and(|value| value > limit)
            }
            (Condition::Is(wanted), RuleColumn::Category { codes, labels, .. }) => {
                labels.get(label(codes)).is_some_and(|label| label == wanted)
            }
            (Condition::IsNot(wanted), RuleColumn::Category { codes, labels, .. }) => {
                labels.get(label(codes)).is_some_and(|label| label != wanted)
            }
            _ => false,
        }
    }

    /// Applies the rule to the rows of its column and returns it with its mean cost there; `None` without
    /// rows.
    pub fn evaluate(
        &self,
        column: &RuleColumn<'_>,
        rows: &BinaryRows<'_>,
        costs: &Costs,
    ) -> Option<SingleRule> {
        let cost = cost_of_acts(rows, costs, |row| self.acts(column, row))?;
        Some(SingleRule { rule: self.text(), cost })
    }
}

/// Returns the rule on one column with the least mean cost (of equal ones the first); `None` without rows
/// or columns. Scores of `rows` are not looked at. Cost: one sort per number column.
pub fn best_rule(
    columns: &[RuleColumn<'_>],
    rows: &BinaryRows<'_>,
    costs: &Costs,
) -> Result<Option<Rule>, MetricsError> {
    let Some(base) = cost_of_acts(rows, costs, |_| false) else { return Ok(None) };
    let weights = rows.weights();
    let total = crate::sum::sum(&weights);
    // What acting on a row adds to the mean cost.
    let gains: Vec<f64> = rows
        .y()
        .iter()
        .zip(&weights)
        .map(|(y, w)| {
            let positive = costs.true_positive - costs.false_negative;
            let negative = costs.false_positive - costs.true_negative;
            w / total * if *y == 1 { positive } else { negative }
        })
        .collect();
    let mut best: Option<Rule> = None;
    for column in columns {
        if column.len() != rows.len() {
            return Err(MetricsError::Length {
                what: "column of a rule",
                expected: rows.len(),
                got: column.len(),
            });
        }
        let found = match column {
            RuleColumn::Number { values, .. } => best_number(values, &gains),
            RuleColumn::Category { codes, labels, .. } => best_category(codes, labels, &gains),
        };
        if let Some((condition, gain)) = found
            && best.as_ref().is_none_or(|best| base + gain < best.cost)
        {
            best = Some(Rule { column: column.name().to_owned(), condition, cost: base + gain });
        }
    }
    Ok(best)
}

type Found = Option<(Condition, f64)>;

fn keep_lower(best: &mut Found, condition: Condition, gain: f64) {
    if best.as_ref().is_none_or(|(_, least)| gain < *least) {
        *best = Some((condition, gain));
    }
}

fn best_number(values: &[f64], gains: &[f64]) -> Found {
    let mut order: Vec<usize> = (0..values.len()).filter(|row| !values[*row].is_nan()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut all = Accumulator::default();
    for row in &order {
        all.push(gains[*row]);
    }
    let mut below = Accumulator::default();
    let mut best = None;
    for (rank, row) in order.iter().enumerate() {
        below.push(gains[*row]);
        let last_of_value = order.get(rank + 1).is_none_or(|next| values[*next] != values[*row]);
        if last_of_value {
            keep_lower(&mut best, Condition::AtMost(values[*row]), below.total());
            keep_lower(&mut best, Condition::Above(values[*row]), all.total() - below.total());
        }
    }
    best
}

fn best_category(codes: &[u32], labels: &[String], gains: &[f64]) -> Found {
    let mut sums = vec![Accumulator::default(); labels.len()];
    let mut all = Accumulator::default();
    for (code, gain) in codes.iter().zip(gains) {
        if let Some(sum) = sums.get_mut(*code as usize) {
            sum.push(*gain);
            all.push(*gain);
        }
    }
    let mut best = None;
    for (label, sum) in labels.iter().zip(&sums) {
        keep_lower(&mut best, Condition::Is(label.clone()), sum.total());
        keep_lower(&mut best, Condition::IsNot(label.clone()), all.total() - sum.total());
    }
    best
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const COSTS: Costs =
        Costs { false_positive: 1.0, false_negative: 5.0, true_positive: 0.0, true_negative: 0.0 };

    #[test]
    fn finds_the_threshold_that_separates() {
        let y = [1, 1, 1, 0, 0, 0, 0, 0];
        let p = [0.5; 8];
        let tenure = [1.0, 2.0, 3.0, 10.0, 11.0, 12.0, 13.0, f64::NAN];
        let contract = [0, 0, 1, 0, 1, 1, 1, 1];
        let labels = ["month".to_owned(), "year".to_owned()];
        let columns = [
            RuleColumn::Category { name: "contract", codes: &contract, labels: &labels },
            RuleColumn::Number { name: "tenure", values: &tenure },
        ];
        let rows = BinaryRows::new(&y, &p).unwrap();
        let rule = best_rule(&columns, &rows, &COSTS).unwrap().unwrap();
        assert_eq!(rule.text(), "tenure ≤ 3");
        assert!(rule.cost.abs() < 1e-12);
        let evaluated = rule.evaluate(&columns[1], &rows, &COSTS).unwrap();
        assert!((evaluated.cost - rule.cost).abs() < 1e-12);
        let only_contract = best_rule(&columns[..1], &rows, &COSTS).unwrap().unwrap();
        // "month" acts on 3 rows: 1 false positive, 1 missed positive.
        assert_eq!((only_contract.text().as_str(), only_contract.cost), ("contract = month", 6.0 / 8.0));
    }

    #[test]
    fn cost_of_every_rule_agrees_with_counting() {
        let mut rng = yard_types::rng::Rng::new(2, 2);
        let values: Vec<f64> = (0..300).map(|_| (rng.uniform() * 20.0).floor()).collect();
        let y: Vec<u8> = values.iter().map(|v| u8::from(rng.uniform() * 20.0 < *v)).collect();
        let p = vec![0.0; 300];
        let rows = BinaryRows::new(&y, &p).unwrap();
        let column = RuleColumn::Number { name: "x", values: &values };
        let rule = best_rule(&[column], &rows, &COSTS).unwrap().unwrap();
        let brute = (-1..20)
            .flat_map(|t| [Condition::AtMost(f64::from(t)), Condition::Above(f64::from(t))])
            .filter_map(|condition| {
                let rule = Rule { column: "x".into(), condition, cost: 0.0 };
                rule.evaluate(&column, &rows, &COSTS).map(|rule| rule.cost)
            })
            .fold(f64::INFINITY, f64::min);
        assert!((rule.cost - brute).abs() < 1e-12, "{rule:?} against {brute}");
    }

    #[test]
    fn wrong_length_is_an_error_and_no_rows_give_none() {
        let rows = BinaryRows::new(&[0, 1], &[0.1, 0.2]).unwrap();
        let column = RuleColumn::Number { name: "x", values: &[1.0] };
        assert!(best_rule(&[column], &rows, &COSTS).is_err());
        assert_eq!(best_rule(&[], &BinaryRows::new(&[], &[]).unwrap(), &COSTS), Ok(None));
    }
}
