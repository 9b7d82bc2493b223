//! Rows of the samples as text, and fresh rows made of them: drawn again, with empty cells, unseen words
//! and unusual numbers at places that a seed decides.

use crate::repository;
use std::path::PathBuf;
use yard_types::rng::Rng;

/// Words that no sample has, hard for readers and writers.
const UNSEEN: [&str; 4] = ["never seen", "a \"quoted\", word", "\u{dc}n\u{ef}c\u{f6}de \u{2603}", "0x1F"];

/// Rows of cells; an empty cell is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cells {
    /// Column names.
    pub header: Vec<String>,
    /// Cells by row.
    pub rows: Vec<Vec<String>>,
}

/// Returns the data file of a sample: `telco-churn`, `abalone`, `penguins`.
pub fn sample_path(name: &str) -> PathBuf {
    let folder = repository().join("sample-data").join(name);
    folder.join(format!("{}.csv", name.replace('-', "_")))
}

impl Cells {
    /// Reads a sample. Its cells hold no quotes and no commas.
    pub fn sample(name: &str) -> Self {
        let text = std::fs::read_to_string(sample_path(name)).expect("the sample is in the repository");
        assert!(!text.contains('"'), "{name}: a quote");
        let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect());
        Self { header: lines.next().expect("a header"), rows: lines.collect() }
    }

    /// Returns the position of a column.
    pub fn column(&self, name: &str) -> usize {
        self.header.iter().position(|own| own == name).unwrap_or_else(|| panic!("no column \"{name}\""))
    }

    /// Draws rows and changes about one cell in ten: to an empty cell, to an unseen word or an unusual
    /// number. Columns in `keep` are not changed.
    #[must_use]
    pub fn drawn(&self, rows: usize, seed: u64, keep: &[&str]) -> Self {
        let numbers: Vec<bool> = (0..self.header.len()).map(|at| self.is_number(at)).collect();
        let mut rng = Rng::new(seed, 41);
        let drawn = (0..rows).map(|_| {
            let row = &self.rows[rng.below(self.rows.len() as u64) as usize];
            let change = |(at, cell): (usize, &String)| {
                let draw = rng.below(100);
                if keep.contains(&self.header[at].as_str()) || draw > 9 {
                    return cell.clone();
                }
                match (draw, numbers[at]) {
                    (0..5, _) => String::new(),
                    (_, false) => UNSEEN[rng.below(UNSEEN.len() as u64) as usize].to_owned(),
                    (_, true) => unusual(cell, &mut rng),
                }
            };
            row.iter().enumerate().map(change).collect()
        });
        Self { header: self.header.clone(), rows: drawn.collect() }
    }

    fn is_number(&self, at: usize) -> bool {
        let mut cells = self.rows.iter().map(|row| row[at].trim()).filter(|cell| !cell.is_empty());
        cells.all(|cell| cell == "NA" || cell.parse::<f64>().is_ok())
    }

    /// Keeps the rows for which a test holds.
    #[must_use]
    pub fn filtered(mut self, mut keep: impl FnMut(&[String]) -> bool) -> Self {
        self.rows.retain(|row| keep(row));
        self
    }

    /// Returns the rows as CSV.
    pub fn to_csv(&self) -> String {
        let line = |cells: &Vec<String>| {
            let cells: Vec<String> = cells
                .iter()
                .map(|cell| {
                    let plain = !cell.contains([',', '"', '\n']);
                    if plain { cell.clone() } else { format!("\"{}\"", cell.replace('"', "\"\"")) }
                })
                .collect();
            cells.join(",")
        };
        std::iter::once(&self.header).chain(&self.rows).map(line).map(|line| line + "\n").collect()
    }
}

/// A number that training data don't have: many digits, large, tiny, negative, minus zero.
fn unusual(cell: &str, rng: &mut Rng) -> String {
    let value = cell.trim().parse::<f64>().unwrap_or(1.0);
    match rng.below(6) {
        0 => format!("{}", value * (0.5 + rng.uniform())),
        1 => format!("{}", value + 1.0 / 3.0),
        2 => "1e12".to_owned(),
        3 => "-0.0".to_owned(),
        4 => format!("{}", -value),
        _ => "1.5e-7".to_owned(),
    }
}
