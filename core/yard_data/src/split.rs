//! Divides rows into train, validation and test: by a hash of (seed, row number), so that the same data,
//! seed and shares give the same parts on any machine; exact in proportion, alike per class, by whole
//! groups, by time, or by a column of the data.

use crate::error::DataError;
use crate::findings::counted;
use crate::target::{NO_CLASS, Target, column_of, target};
use crate::text::Labels;
use yard_types::{
    frame::Frame,
    rng,
    schema::Schema,
    split::{Split, SplitPart, SplitSpec},
    table::{Column, FieldValue, Table},
};

/// Stream of the random numbers used here.
const STREAM: u64 = 0x0073_706c_6974;
/// A class with fewer rows than this goes to training whole.
const RARE: usize = 3;

/// Makes the split and says what was done about rare classes, missing values and the like. Rows without a
/// usable target are in no part (stated). With fewer than 3 usable rows, or a part that would be empty,
/// it is an error.
pub fn split(
    table: &Table,
    schema: &Schema,
    frame: &Frame,
    spec: &SplitSpec,
) -> Result<(Split, Vec<String>), DataError> {
    check(spec)?;
    let target = target(table, schema, frame)?;
    let rows = target.rows();
    let mut notes = target.notes.clone();
    if rows.len() < 3 {
        return Err(DataError::Split {
            reason: format!(
                "{} with a target, expected at least 3",
                counted(rows.len() as u64, "row", "rows")
            ),
            advice: "add rows",
        });
    }
    let job = Job { table, schema, spec, target: &target, rows };
    let split = match (&spec.column, &spec.time, &spec.group) {
        (Some(column), _, _) => job.by_column(column, &mut notes)?,
        (None, Some(time), _) => job.by_time(time, &mut notes)?,
        (None, None, Some(group)) => job.by_group(group, &mut notes)?,
        (None, None, None) => job.by_hash(&mut notes),
    };
    check_parts(&split, spec)?;
    job.note_classes(&split, &mut notes);
    Ok((split, notes))
}

/// Returns whether the data themselves mark validation rows: a split column that names some.
pub fn marks_validation(table: &Table, schema: &Schema, spec: &SplitSpec) -> bool {
    let Some(name) = &spec.column else { return false };
    let Ok((field, column)) = column_of(table, schema, name, "split") else { return false };
    Labels::of(field, column).labels.iter().any(|label| part_of(label) == Some(SplitPart::Validation))
}

fn check(spec: &SplitSpec) -> Result<(), DataError> {
    let share = |value: f64| (0.0..1.0).contains(&value);
    if share(spec.validation) && share(spec.test) && spec.validation + spec.test < 1.0 {
        return Ok(());
    }
    Err(DataError::Argument {
        what: "shares of the split",
        got: format!("validation {} and test {}", spec.validation, spec.test),
        expected: "shares from 0 that leave rows for training (together below 1)".to_owned(),
    })
}

fn check_parts(split: &Split, spec: &SplitSpec) -> Result<(), DataError> {
    let needed = [
        (SplitPart::Train, true),
        (SplitPart::Validation, spec.validation > 0.0),
        (SplitPart::Test, spec.test > 0.0),
    ];
    for (part, wanted) in needed {
        if wanted && split.rows(part).is_empty() {
            return Err(DataError::Split {
                reason: format!("the {} part is empty, expected at least one row", part.word()),
                advice: "add rows or change the way of splitting",
            });
        }
    }
    Ok(())
}

struct Job<'a> {
    table: &'a Table,
    schema: &'a Schema,
    spec: &'a SplitSpec,
    target: &'a Target,
    rows: Vec<u32>,
}

impl Job<'_> {
    fn key(&self, row: u32) -> (u64, u32) {
        (rng::bits(self.spec.seed, STREAM, u64::from(row)), row)
    }

    fn classes(&self) -> bool {
        self.spec.stratify && !self.target.codes.is_empty()
    }

    fn by_hash(&self, notes: &mut Vec<String>) -> Split {
        let mut parts = Parts::new(self.table.rows());
        let shares = [self.spec.validation, self.spec.test];
        self.divide(&self.rows, shares, &mut parts, notes);
        parts.split(&self.rows)
    }

    /// Divides rows by hash, alike per class when asked for.
    fn divide(&self, rows: &[u32], shares: [f64; 2], parts: &mut Parts, notes: &mut Vec<String>) {
        let groups = if self.classes() { self.strata(rows) } else { vec![rows.to_vec()] };
        let sizes: Vec<usize> = groups.iter().map(Vec::len).collect();
        let validation = quotas(&sizes, shares[0], self.classes());
        let test = quotas(&sizes, shares[1], self.classes());
        for (class, mut group) in groups.into_iter().enumerate() {
            group.sort_by_key(|row| self.key(*row));
            let (from_test, rest) = group.split_at(test[class].min(group.len()));
            let (from_validation, _) = rest.split_at(validation[class].min(rest.len()));
            parts.put(from_test, SplitPart::Test);
            parts.put(from_validation, SplitPart::Validation);
        }
        if self.classes() {
            for (class, size) in sizes.iter().enumerate().filter(|(_, size)| (1..RARE).contains(*size)) {
                notes.push(format!(
                    "class \"{}\" has {} only: all in training, so its quality can't be measured",
                    self.target.classes.get(class).map_or("", String::as_str),
                    counted(*size as u64, "row", "rows")
                ));
            }
        }
    }

    fn strata(&self, rows: &[u32]) -> Vec<Vec<u32>> {
        let mut strata = vec![Vec::new(); self.target.classes.len()];
        for row in rows {
            let code = self.target.codes.get(*row as usize).copied().unwrap_or(NO_CLASS);
            if let Some(stratum) = strata.get_mut(code as usize) {
                stratum.push(*row);
            }
        }
        strata
    }

    fn by_group(&self, name: &str, notes: &mut Vec<String>) -> Result<Split, DataError> {
        let (field, column) = column_of(self.table, self.schema, name, "group")?;
        let labels = Labels::of(field, column);
        let mut groups: Vec<Vec<u32>> = vec![Vec::new(); labels.labels.len()];
        let mut alone = Vec::new();
        for row in &self.rows {
            match groups.get_mut(labels.codes[*row as usize] as usize) {
                Some(group) => group.push(*row),
                None => alone.push(*row),
            }
        }
        if !alone.is_empty() {
            notes.push(format!(
                "{} without a value in group column \"{name}\": each is a group of its own",
                counted(alone.len() as u64, "row is", "rows are")
            ));
        }
        let keyed = |key: u64, group: Vec<u32>| ((rng::bits(self.spec.seed, STREAM, key), group[0]), group);
        let named = labels.labels.iter().zip(groups).filter(|(_, group)| !group.is_empty());
        let mut units: Vec<((u64, u32), Vec<u32>)> =
            named.map(|(label, group)| keyed(text_hash(label), group)).collect();
        units.extend(alone.into_iter().map(|row| keyed(u64::from(row), vec![row])));
        if units.len() < 3 {
            return Err(DataError::Split {
                reason: format!(
                    "group column \"{name}\" has {}, expected at least 3",
                    counted(units.len() as u64, "group", "groups")
                ),
                advice: "choose another group column or none",
            });
        }
        units.sort();
        let groups: Vec<Vec<u32>> = units.into_iter().map(|(_, group)| group).collect();
        Ok(self.whole_groups(&groups))
    }

    /// Fills test, then validation, with whole groups in order; a group that would move a part further
    /// from its size than it is stays in training.
    fn whole_groups(&self, groups: &[Vec<u32>]) -> Split {
        let total = self.rows.len() as f64;
        let wanted = [self.spec.test * total, self.spec.validation * total];
        let places = [SplitPart::Test, SplitPart::Validation];
        let mut sizes = [0.0_f64; 2];
        let mut parts = Parts::new(self.table.rows());
        let mut left = groups.len();
        for group in groups {
            let size = group.len() as f64;
            let empty = (0..2).filter(|at| wanted[*at] > 0.0 && sizes[*at] == 0.0).count();
            let fits = |at: &usize| {
                let closer = (sizes[*at] + size - wanted[*at]).abs() < (sizes[*at] - wanted[*at]).abs();
                wanted[*at] > 0.0 && (closer || (sizes[*at] == 0.0 && left <= empty))
            };
            if let Some(at) = (0..2).find(fits) {
                sizes[at] += size;
                parts.put(group, places[at]);
            }
            left -= 1;
        }
        parts.split(&self.rows)
    }

    fn by_time(&self, name: &str, notes: &mut Vec<String>) -> Result<Split, DataError> {
        let (field, column) = column_of(self.table, self.schema, name, "time")?;
        if matches!(column, Column::Text(_)) {
            return Err(DataError::Split {
                reason: format!(
                    "time column \"{name}\" holds {} values, expected dates or numbers",
                    field.field_type.word()
                ),
                advice: "write its dates as 2024-01-31 or choose another column",
            });
        }
        let time = |row: u32| match column.value(row as usize) {
            FieldValue::Number(number) => number,
            FieldValue::Instant(micros) => micros as f64,
            _ => f64::NEG_INFINITY,
        };
        let missing =
            self.rows.iter().filter(|row| column.value(**row as usize) == FieldValue::Missing).count();
        if missing > 0 {
            notes.push(format!(
                "{} no value in time column \"{name}\" and counted as the oldest",
                counted(missing as u64, "row has", "rows have")
            ));
        }
        let mut order: Vec<(f64, u32)> = self.rows.iter().map(|row| (time(*row), *row)).collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let total = order.len();
        let test = total - (self.spec.test * total as f64).round() as usize;
        let validation = test - ((self.spec.validation * total as f64).round() as usize).min(test);
        let (test, validation) = (not_within_ties(&order, test), not_within_ties(&order, validation));
        let mut parts = Parts::new(self.table.rows());
        let rows: Vec<u32> = order.iter().map(|(_, row)| *row).collect();
        parts.put(&rows[validation..test], SplitPart::Validation);
        parts.put(&rows[test..], SplitPart::Test);
        notes.push(format!(
            "split by \"{name}\": the oldest rows train, the newest test; rows of one time stay together"
        ));
        Ok(parts.split(&self.rows))
    }

    fn by_column(&self, name: &str, notes: &mut Vec<String>) -> Result<Split, DataError> {
        let (field, column) = column_of(self.table, self.schema, name, "split")?;
        let labels = Labels::of(field, column);
        let places: Vec<Option<SplitPart>> = labels.labels.iter().map(|label| part_of(label)).collect();
        let strange: Vec<&str> = labels
            .labels
            .iter()
            .zip(&places)
            .filter(|(_, place)| place.is_none())
            .map(|(label, _)| label.as_str())
            .collect();
        if let Some(first) = strange.first() {
            return Err(DataError::Split {
                reason: format!(
                    "split column \"{name}\" holds \"{first}\", expected train, validation or test"
                ),
                advice: "mend the column or choose another",
            });
        }
        let place = |row: &u32| places.get(labels.codes[*row as usize] as usize).copied().flatten();
        let mut parts = Parts::new(self.table.rows());
        let rows: Vec<u32> = self.rows.iter().copied().filter(|row| place(row).is_some()).collect();
        let of = |part| rows.iter().copied().filter(|row| place(row) == Some(part)).collect::<Vec<u32>>();
        parts.put(&of(SplitPart::Test), SplitPart::Test);
        parts.put(&of(SplitPart::Validation), SplitPart::Validation);
        if rows.len() < self.rows.len() {
            notes.push(format!(
                "{} without a value in split column \"{name}\" left out",
                counted((self.rows.len() - rows.len()) as u64, "row", "rows")
            ));
        }
        if of(SplitPart::Validation).is_empty() && self.spec.validation > 0.0 {
            let share = self.spec.validation / (1.0 - self.spec.test);
            self.divide(&of(SplitPart::Train), [share, 0.0], &mut parts, notes);
            notes.push(format!(
                "split column \"{name}\" marks no validation rows: {} % of its train rows were taken by hash",
                (share * 1000.0).round() / 10.0
            ));
        }
        Ok(parts.split(&rows))
    }

    /// States classes that a part lacks.
    fn note_classes(&self, split: &Split, notes: &mut Vec<String>) {
        for part in [SplitPart::Train, SplitPart::Validation, SplitPart::Test] {
            let strata = self.strata(split.rows(part));
            let lacking: Vec<String> = strata
                .iter()
                .zip(&self.target.classes)
                .filter(|(rows, _)| rows.is_empty())
                .map(|(_, class)| format!("\"{class}\""))
                .collect();
            if !lacking.is_empty() && !split.rows(part).is_empty() {
                notes.push(format!("the {} part has no row of class {}", part.word(), lacking.join(", ")));
            }
        }
    }
}

/// Moves a cut down to the first row of the same time, unless that would empty what is below.
fn not_within_ties(order: &[(f64, u32)], cut: usize) -> usize {
    let Some((time, _)) = order.get(cut) else { return cut };
    let first = order.partition_point(|(own, _)| own.total_cmp(time).is_lt());
    if first == 0 { cut } else { first }
}

fn part_of(label: &str) -> Option<SplitPart> {
    match label.trim().to_lowercase().as_str() {
        "train" | "training" => Some(SplitPart::Train),
        "validation" | "valid" | "val" | "dev" => Some(SplitPart::Validation),
        "test" | "testing" | "holdout" => Some(SplitPart::Test),
        _ => None,
    }
}

/// Rows that each group gives: in all exactly the share of all rows (rounded), by largest remainder
/// (Hamilton's method); with `fair`, groups of fewer than 3 rows give none and larger ones at least one
/// while the total allows it.
fn quotas(sizes: &[usize], share: f64, fair: bool) -> Vec<usize> {
    let able: Vec<usize> = sizes.iter().map(|size| if fair && *size < RARE { 0 } else { *size }).collect();
    let total = (able.iter().sum::<usize>() as f64 * share).round() as usize;
    let mut out: Vec<usize> = able.iter().map(|size| (*size as f64 * share).floor() as usize).collect();
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    let remainder = |at: usize| able[at] as f64 * share - (able[at] as f64 * share).floor();
    order.sort_by(|a, b| remainder(*b).total_cmp(&remainder(*a)).then(a.cmp(b)));
    let mut left = total.saturating_sub(out.iter().sum());
    for at in order.iter().filter(|at| able[**at] > 0) {
        if left > 0 {
            out[*at] += 1;
            left -= 1;
        }
    }
    if fair && share > 0.0 {
        for at in 0..out.len() {
            if able[at] > 0 && out[at] == 0 {
                out[at] = 1;
                let richest = (0..out.len()).max_by_key(|other| (out[*other], std::cmp::Reverse(*other)));
                if let Some(richest) = richest.filter(|richest| out[*richest] > 1) {
                    out[richest] -= 1;
                }
            }
        }
    }
    out
}

fn text_hash(text: &str) -> u64 {
    // FNV-1a (Fowler, Noll and Vo); the draw after it mixes the bits.
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Part of each row while the split is made; rows not put anywhere train.
struct Parts(Vec<SplitPart>);

impl Parts {
    fn new(rows: usize) -> Self {
        Self(vec![SplitPart::Train; rows])
    }

    fn put(&mut self, rows: &[u32], part: SplitPart) {
        for row in rows {
            if let Some(slot) = self.0.get_mut(*row as usize) {
                *slot = part;
            }
        }
    }

    fn split(&self, rows: &[u32]) -> Split {
        let mut split = Split::default();
        for row in rows {
            match self.0.get(*row as usize) {
                Some(SplitPart::Train) => split.train.push(*row),
                Some(SplitPart::Validation) => split.validation.push(*row),
                Some(SplitPart::Test) => split.test.push(*row),
                None => {}
            }
        }
        split
    }
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;
