//! One pass over a column: counts of what its cells could be, its words while they are few, and what
//! does not fit. `infer` decides on type and rules from this.

use crate::raw::{CellSink, Raw};
use crate::words::{BITS, Judged, Mask, judge};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Most distinct words kept of a column.
pub(crate) const MOST_WORDS: usize = 2_000;
const MOST_MISFITS: usize = 64;

/// Values that often stand for "not measured".
pub(crate) const SENTINELS: [f64; 5] = [-99.0, -200.0, -999.0, -9999.0, -99999.0];

/// A distinct word of a column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word {
    judged: Judged,
    pub(crate) count: u64,
}

/// Cells of one kind: how many, and the first row (from 1).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) count: u64,
    pub(crate) first_row: u64,
}

/// Words that do not fit a kind; given up when there are too many.
#[derive(Clone, Debug, Default)]
pub(crate) struct Misfits {
    pub(crate) words: BTreeMap<String, Seen>,
    pub(crate) too_many: bool,
}

/// Scan of one column.
#[derive(Debug)]
pub(crate) struct ColumnScan {
    null_words: Arc<Vec<String>>,
    rows: u64,
    pub(crate) missing: u64,
    /// Cells that are not empty and no usual null word.
    pub(crate) filled: u64,
    counts: [u64; BITS],
    words: HashMap<Box<str>, Word>,
    pub(crate) many_words: bool,
    pub(crate) not_numbers: Misfits,
    pub(crate) not_dates: Misfits,
    pub(crate) unit: Option<&'static str>,
    pub(crate) units_differ: bool,
    pub(crate) sentinels: [u64; SENTINELS.len()],
    pub(crate) sentinel_words: BTreeMap<String, usize>,
    pub(crate) rest_min: f64,
    pub(crate) rest_max: f64,
    pub(crate) texts: u64,
    pub(crate) typed_numbers: u64,
    pub(crate) typed_booleans: u64,
    pub(crate) typed_instants: u64,
    pub(crate) long_integers: u64,
    pub(crate) padded: u64,
    pub(crate) characters: u64,
    pub(crate) boolean_words: [Option<String>; 2],
}

impl ColumnScan {
    /// Starts a scan; `null_words` mean missing in every column.
    pub(crate) fn new(null_words: Arc<Vec<String>>) -> Self {
        Self {
            null_words,
            rows: 0,
            missing: 0,
            filled: 0,
            counts: [0; BITS],
            words: HashMap::new(),
            many_words: false,
            not_numbers: Misfits::default(),
            not_dates: Misfits::default(),
            unit: None,
            units_differ: false,
            sentinels: [0; SENTINELS.len()],
            sentinel_words: BTreeMap::new(),
            rest_min: f64::INFINITY,
            rest_max: f64::NEG_INFINITY,
            texts: 0,
            typed_numbers: 0,
            typed_booleans: 0,
            typed_instants: 0,
            long_integers: 0,
            padded: 0,
            characters: 0,
            boolean_words: [None, None],
        }
    }

    /// Returns the number of cells that could be something.
    pub(crate) fn count(&self, what: Mask) -> u64 {
        self.counts[what.0.trailing_zeros() as usize]
    }

    /// Returns the words with their counts, sorted, while they are few.
    pub(crate) fn words(&self) -> BTreeMap<&str, u64> {
        let pairs = self.words.iter().map(|(word, seen)| (&**word, seen.count));
        pairs.collect()
    }

    /// Returns the number of distinct words, at least; exact while they are few.
    pub(crate) fn distinct(&self) -> usize {
        self.words.len()
    }

    fn push_text(&mut self, cell: &str) {
        let text = cell.trim();
        if text.is_empty() || self.null_words.iter().any(|word| word == text) {
            self.missing += 1;
            return;
        }
        self.filled += 1;
        self.texts += 1;
        self.padded += u64::from(text.len() != cell.len());
        self.characters += text.len() as u64;
        let judged = self.lookup(text);
        self.count_bits(judged.mask);
        self.count_unit(judged.unit);
        if judged.value.is_nan() {
            self.not_numbers.add(text, self.rows);
            if judged.mask.has(Mask::BOOLEAN) {
                let slot = &mut self.boolean_words[usize::from(text.starts_with(['t', 'T']))];
                slot.get_or_insert_with(|| text.to_owned());
            }
        } else {
            self.count_value(judged.value, Some(text));
        }
        if judged.mask.0 >> Mask::date(0).0.trailing_zeros() == 0 {
            self.not_dates.add(text, self.rows);
        }
    }

    fn lookup(&mut self, text: &str) -> Judged {
        if self.many_words {
            return judge(text);
        }
        if let Some(word) = self.words.get_mut(text) {
            word.count += 1;
            return word.judged;
        }
        let judged = judge(text);
        if self.words.len() == MOST_WORDS {
            self.many_words = true;
        } else {
            self.words.insert(text.into(), Word { judged, count: 1 });
        }
        judged
    }

    fn count_bits(&mut self, mask: Mask) {
        let mut left = mask.0;
        while left != 0 {
            self.counts[left.trailing_zeros() as usize] += 1;
            left &= left - 1;
        }
    }

    fn count_unit(&mut self, unit: Option<&'static str>) {
        match (self.unit, unit) {
            (None, Some(_)) => self.unit = unit,
            (Some(own), Some(other)) if own != other => self.units_differ = true,
            _ => {}
        }
    }

    fn count_value(&mut self, value: f64, text: Option<&str>) {
        if let Some(at) = SENTINELS.iter().position(|sentinel| *sentinel == value) {
            self.sentinels[at] += 1;
            if let Some(text) = text
                && self.sentinel_words.len() < MOST_MISFITS
                && !self.sentinel_words.contains_key(text)
            {
                self.sentinel_words.insert(text.to_owned(), at);
            }
        } else {
            self.rest_min = self.rest_min.min(value);
            self.rest_max = self.rest_max.max(value);
        }
    }

    fn push_number(&mut self, value: f64, integer: bool) {
        if value.is_nan() {
            self.missing += 1;
            return;
        }
        self.filled += 1;
        self.typed_numbers += 1;
        self.count_bits(Mask::typed_number(integer));
        if value.is_infinite() {
            self.count_bits(Mask::INFINITE);
        }
        self.count_value(value, None);
    }
}

impl Misfits {
    fn add(&mut self, text: &str, row: u64) {
        if self.too_many {
            return;
        }
        if let Some(seen) = self.words.get_mut(text) {
            seen.count += 1;
        } else if self.words.len() == MOST_MISFITS {
            self.too_many = true;
        } else {
            self.words.insert(text.to_owned(), Seen { count: 1, first_row: row });
        }
    }

    /// Returns the word that came first, with its row.
    pub(crate) fn first(&self) -> Option<(&str, u64)> {
        let first = self.words.iter().min_by_key(|(_, seen)| seen.first_row)?;
        Some((first.0, first.1.first_row))
    }

    /// Returns the cells counted.
    pub(crate) fn cells(&self) -> u64 {
        self.words.values().map(|seen| seen.count).sum()
    }
}

impl CellSink for ColumnScan {
    fn push(&mut self, cell: Raw<'_>) {
        self.rows += 1;
        match cell {
            Raw::Missing => self.missing += 1,
            Raw::Text(text) => self.push_text(text),
            Raw::Number(value) => self.push_number(value, false),
            Raw::Integer(value) => {
                if value.unsigned_abs() > crate::ndjson::EXACT {
                    self.long_integers += 1;
                }
                self.push_number(value as f64, true);
            }
            Raw::Boolean(_) => {
                self.filled += 1;
                self.typed_booleans += 1;
            }
            Raw::Instant(_) => {
                self.filled += 1;
                self.typed_instants += 1;
            }
        }
    }
}
