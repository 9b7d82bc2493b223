//! The bundled sample projects, and "next month's" data with a stated drift made from them.
//!
//! The data are compiled into the program, so that Start and `demo` work anywhere. Next month's rows are
//! made up, for demonstrations only: the same seed gives the same bytes.

use crate::{
    error::EngineError,
    home::{self, SHARED},
};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use yard_types::{command::NewProject, frame::Frame, rng};

/// A sample with its frame.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Sample {
    /// Name of its folder: `telco-churn`, ...
    #[serde(skip)]
    pub name: String,
    /// Title.
    pub title: String,
    /// File name of its data.
    pub file: String,
    /// The decision in words.
    pub decision: String,
    /// What one row is.
    pub unit: String,
    /// What acting means.
    pub action: String,
    /// Unit of the costs.
    pub cost_unit: String,
    /// Target column.
    pub target: String,
    /// Positive class.
    pub positive: Option<String>,
    /// Identifier column.
    pub id: Option<String>,
    /// Protected columns.
    pub protected: Vec<String>,
    /// Cost of a false positive.
    pub cost_fp: Option<f64>,
    /// Cost of a false negative.
    pub cost_fn: Option<f64>,
    /// Metric.
    pub metric: String,
    /// Latency budget.
    pub latency_budget_ms: Option<f64>,
    #[serde(skip)]
    csv: &'static str,
}

/// Data of a later month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextMonth {
    /// CSV with the columns of the sample.
    pub csv: String,
    /// What differs, in words.
    pub drift: String,
}

const BUNDLED: [(&str, &str, &str); 3] = [
    (
        "telco-churn",
        include_str!("../../../sample-data/telco-churn/sample.json"),
        include_str!("../../../sample-data/telco-churn/telco_churn.csv"),
    ),
    (
        "abalone",
        include_str!("../../../sample-data/abalone/sample.json"),
        include_str!("../../../sample-data/abalone/abalone.csv"),
    ),
    (
        "penguins",
        include_str!("../../../sample-data/penguins/sample.json"),
        include_str!("../../../sample-data/penguins/penguins.csv"),
    ),
];

/// Returns all samples, the most telling one first.
pub fn samples() -> Vec<Sample> {
    BUNDLED.iter().filter_map(|(name, json, csv)| parse(name, json, csv)).collect()
}

/// Returns a sample by its name.
pub fn find(name: &str) -> Result<Sample, EngineError> {
    let all = samples();
    let names: Vec<String> = all.iter().map(|sample| sample.name.clone()).collect();
    all.into_iter().find(|sample| sample.name == name).ok_or_else(|| {
        EngineError::refused(format!("sample \"{name}\" is unknown; expected one of {}", names.join(", ")))
    })
}

fn parse(name: &str, json: &str, csv: &'static str) -> Option<Sample> {
    let sample: Sample = serde_json::from_str(json).ok()?;
    Some(Sample { name: name.to_owned(), csv, ..sample })
}

impl Sample {
    /// Writes the data into a folder and returns the path of the file.
    pub fn write_data(&self, folder: &Path) -> Result<PathBuf, EngineError> {
        let path = folder.join(&self.file);
        home::write_atomic(&path, self.csv.as_bytes(), SHARED)?;
        Ok(path)
    }

    /// Returns the options that make the sample's project from its data at `data`.
    pub fn project(&self, data: &Path) -> NewProject {
        NewProject {
            data: data.to_string_lossy().into_owned(),
            target: Some(self.target.clone()),
            positive: self.positive.clone(),
            id: self.id.clone(),
            sensitive: self.protected.clone(),
            cost_fp: self.cost_fp,
            cost_fn: self.cost_fn,
            metric: Some(self.metric.clone()),
            latency_budget_ms: self.latency_budget_ms,
            decision: Some(self.decision.clone()),
            ..NewProject::default()
        }
    }

    /// Returns the frame with the sample's own words: the decision, its unit, who acts on it, the cost's unit.
    pub fn worded(&self, frame: Frame) -> Frame {
        Frame {
            decision: self.decision.clone(),
            unit: self.unit.clone(),
            action: self.action.clone(),
            cost_unit: self.cost_unit.clone(),
            protected: self.protected.clone(),
            latency_budget_ms: self.latency_budget_ms,
            ..frame
        }
    }

    /// Makes next month's data: the same subjects in another order, changed. Each appears once, so that no
    /// row of a later split is a copy of a training row.
    pub fn next_month(&self, seed: u64) -> NextMonth {
        let mut lines = self.csv.lines();
        let head = lines.next().unwrap_or_default();
        let names: Vec<&str> = head.split(',').collect();
        let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
        let mut order: Vec<usize> = (0..rows.len()).collect();
        rng::Rng::new(seed, 1).shuffle(&mut order);
        let drawn: Vec<Vec<String>> = order
            .into_iter()
            .filter_map(|row| rows.get(row))
            .map(|row| row.iter().map(|cell| (*cell).to_owned()).collect())
            .collect();
        let month = Month { names: &names, rows: drawn, seed };
        let (rows, drift) =
            if self.name == "telco-churn" { churn(month) } else { scaled(month, &self.target) };
        let mut csv = format!("{head}\n");
        for row in rows {
            csv.push_str(&row.join(","));
            csv.push('\n');
        }
        NextMonth { csv, drift }
    }
}

struct Month<'a> {
    names: &'a [&'a str],
    rows: Vec<Vec<String>>,
    seed: u64,
}

impl Month<'_> {
    fn at(&self, name: &str) -> usize {
        self.names.iter().position(|own| *own == name).unwrap_or(0)
    }

    fn chance(&self, stream: u64, row: usize) -> f64 {
        rng::uniform(self.seed, stream, row as u64)
    }
}

/// Charges rise, more customers have fibre and monthly contracts; the outcome of those who changed is
/// drawn anew at twice the odds that customers with that contract and service had before.
fn churn(mut month: Month<'_>) -> (Vec<Vec<String>>, String) {
    let [contract, internet, charges, churn, id] =
        ["Contract", "InternetService", "MonthlyCharges", "Churn", "customerID"].map(|name| month.at(name));
    let mut rates: BTreeMap<(String, String), (f64, f64)> = BTreeMap::new();
    for row in &month.rows {
        let entry = rates.entry((row[contract].clone(), row[internet].clone())).or_default();
        entry.0 += 1.0;
        entry.1 += f64::from(row[churn] == "Yes");
    }
    let mut rows = std::mem::take(&mut month.rows);
    for (index, row) in rows.iter_mut().enumerate() {
        let fibre = row[internet] == "DSL" && month.chance(2, index) < 0.35;
        let monthly = row[contract] != "Month-to-month" && month.chance(3, index) < 0.25;
        if fibre {
            "Fiber optic".clone_into(&mut row[internet]);
        }
        if monthly {
            "Month-to-month".clone_into(&mut row[contract]);
        }
        if let Ok(charge) = row[charges].parse::<f64>() {
            row[charges] = format!("{:.2}", charge * 1.11);
        }
        if fibre || monthly {
            let (all, yes) =
                rates.get(&(row[contract].clone(), row[internet].clone())).copied().unwrap_or((1.0, 0.5));
            let odds = 2.0 * yes / (all - yes).max(1.0);
            let leaves = month.chance(4, index) < odds / (1.0 + odds);
            (if leaves { "Yes" } else { "No" }).clone_into(&mut row[churn]);
        }
        row[id] = format!("N{:04}-{}", index, row[id]);
    }
    let drift = "monthly charges +11 %, 35 % of the DSL customers now on fibre, 25 % of the longer contracts now \
                 month-to-month; the outcome of those who changed is drawn anew at twice the former odds";
    (rows, drift.to_owned())
}

/// Decimal measures read 15 % higher, as from an instrument that went out of adjustment.
fn scaled(mut month: Month<'_>, target: &str) -> (Vec<Vec<String>>, String) {
    let target = month.at(target);
    let mut rows = std::mem::take(&mut month.rows);
    for row in &mut rows {
        for (column, cell) in row.iter_mut().enumerate() {
            if column != target
                && cell.contains('.')
                && let Ok(value) = cell.parse::<f64>()
            {
                *cell = format!("{:.4}", value * 1.15);
            }
        }
    }
    (rows, "every decimal measure reads 15 % higher".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn samples_are_whole_and_their_columns_exist() {
        let all = samples();
        assert_eq!(all.len(), BUNDLED.len());
        for sample in all {
            let head: Vec<&str> = sample.csv.lines().next().unwrap().split(',').collect();
            for column in
                [Some(&sample.target), sample.id.as_ref()].into_iter().flatten().chain(&sample.protected)
            {
                assert!(head.contains(&column.as_str()), "{column} in {}", sample.name);
            }
            assert!(!sample.csv.contains('"'), "cells are split at commas here");
        }
    }

    #[test]
    fn next_month_is_the_same_for_a_seed_and_differs_as_stated() {
        let sample = find("telco-churn").unwrap();
        let month = sample.next_month(1);
        assert_eq!(month, sample.next_month(1));
        assert_ne!(month.csv, sample.next_month(2).csv);
        assert_eq!(month.csv.lines().count(), sample.csv.lines().count());
        let share = |csv: &str, word: &str| {
            csv.lines().filter(|line| line.contains(word)).count() as f64 / csv.lines().count() as f64
        };
        for word in ["Fiber optic", "Month-to-month", ",Yes"] {
            assert!(share(&month.csv, word) >= share(sample.csv, word), "{word}");
        }
        let fibre = share(&month.csv, "Fiber optic") - share(sample.csv, "Fiber optic");
        assert!((0.08..0.16).contains(&fibre), "{fibre}");
        assert!(find("none").is_err());
    }
}
