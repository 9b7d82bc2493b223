//! Tests of the split: exact proportions, classes alike, whole groups, time order, split column.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests stop at the first surprise")]

use super::*;
use yard_types::{
    cell::CellRules,
    frame::Task,
    schema::{Field, FieldType, Role},
    table::TextColumn,
};

fn field(name: &str, field_type: FieldType) -> Field {
    Field { name: name.to_owned(), field_type, role: Role::Feature, rules: CellRules::default() }
}

fn text(words: impl IntoIterator<Item = String>) -> Column {
    let words: Vec<String> = words.into_iter().collect();
    Column::Text(TextColumn::from_cells(words.iter().map(|word| (!word.is_empty()).then_some(word.as_str()))))
}

/// `n` rows: class "a" for one row in ten, group of 7 rows, day in reverse order, split words.
fn data(n: u32) -> (Table, Schema) {
    let table = Table::new(vec![
        ("y".to_owned(), text((0..n).map(|row| if row % 10 == 0 { "a" } else { "b" }.to_owned()))),
        ("g".to_owned(), text((0..n).map(|row| format!("g{}", row / 7)))),
        ("t".to_owned(), Column::Number((0..n).map(|row| f64::from(n - row)).collect())),
        ("s".to_owned(), text((0..n).map(|row| if row % 4 == 0 { "Test" } else { "train" }.to_owned()))),
    ])
    .unwrap();
    let fields = vec![
        field("y", FieldType::Category),
        field("g", FieldType::Category),
        field("t", FieldType::Integer),
        field("s", FieldType::Category),
    ];
    (table, Schema { fields, ..Schema::default() })
}

fn frame(target: &str, task: Task) -> Frame {
    Frame {
        decision: String::new(),
        unit: String::new(),
        action: String::new(),
        cost_unit: String::new(),
        task,
        target: target.to_owned(),
        positive: None,
        classes: Vec::new(),
        costs: None,
        metric: "roc_auc".to_owned(),
        protected: Vec::new(),
        floors: Vec::new(),
        latency_budget_ms: None,
        size_budget_bytes: None,
    }
}

fn made(n: u32, spec: &SplitSpec) -> (Split, Vec<String>) {
    let (table, schema) = data(n);
    split(&table, &schema, &frame("y", Task::Binary), spec).unwrap()
}

fn sizes(split: &Split) -> [usize; 3] {
    [split.train.len(), split.validation.len(), split.test.len()]
}

#[test]
fn proportions_are_exact_and_classes_alike() {
    for n in [10, 37, 100, 1003] {
        let (made, _) = made(n, &SplitSpec::default());
        let share = (f64::from(n) * 0.2).round() as usize;
        assert_eq!(sizes(&made), [n as usize - 2 * share, share, share], "{n} rows");
    }
    let (made, notes) = made(1000, &SplitSpec::default());
    for part in [&made.train, &made.validation, &made.test] {
        let positives = part.iter().filter(|row| **row % 10 == 0).count();
        assert_eq!(positives * 10, part.len());
        assert!(part.windows(2).all(|pair| pair[0] < pair[1]), "ascending");
    }
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn the_seed_alone_decides() {
    let spec = |seed| SplitSpec { seed, ..SplitSpec::default() };
    assert_eq!(made(500, &spec(3)), made(500, &spec(3)));
    assert_ne!(made(500, &spec(3)).0, made(500, &spec(4)).0);
}

#[test]
fn rare_classes_follow_the_stated_rule() {
    let (_, schema) = data(3);
    let words = (0..100).map(|row| match row {
        0 => "one",
        1..=3 => "three",
        _ => "many",
    });
    let table = Table::new(vec![("y".to_owned(), text(words.map(str::to_owned)))]).unwrap();
    let (made, notes) = split(&table, &schema, &frame("y", Task::Multiclass), &SplitSpec::default()).unwrap();
    assert!(made.train.contains(&0));
    for part in [&made.train, &made.validation, &made.test] {
        assert_eq!(part.iter().filter(|row| (1..=3).contains(*row)).count(), 1, "three rows, one a part");
    }
    assert_eq!(sizes(&made), [60, 20, 20]);
    assert!(notes[0].contains("class \"one\" has 1 row only"), "{notes:?}");
}

#[test]
fn groups_stay_whole() {
    let spec = SplitSpec { group: Some("g".to_owned()), ..SplitSpec::default() };
    let (made, _) = made(700, &spec);
    let groups = |rows: &[u32]| rows.iter().map(|row| row / 7).collect::<std::collections::BTreeSet<u32>>();
    let (train, validation, test) = (groups(&made.train), groups(&made.validation), groups(&made.test));
    assert!(train.is_disjoint(&validation) && train.is_disjoint(&test) && validation.is_disjoint(&test));
    assert_eq!(sizes(&made), [420, 140, 140]);
}

#[test]
fn few_groups_still_fill_every_part() {
    let spec = SplitSpec { group: Some("g".to_owned()), ..SplitSpec::default() };
    assert_eq!(sizes(&made(21, &spec).0), [7, 7, 7]);
    let (table, schema) = data(14);
    let error = split(&table, &schema, &frame("y", Task::Binary), &spec).unwrap_err().to_string();
    assert!(error.contains("2 groups, expected at least 3"), "{error}");
}

#[test]
fn the_newest_rows_test() {
    let spec = SplitSpec { time: Some("t".to_owned()), ..SplitSpec::default() };
    let (made, _) = made(100, &spec);
    assert_eq!(made.test, (0..20).collect::<Vec<u32>>(), "t falls with the row number");
    assert_eq!(made.validation, (20..40).collect::<Vec<u32>>());
}

#[test]
fn rows_of_one_time_stay_together() {
    let (_, schema) = data(3);
    let table = Table::new(vec![
        ("y".to_owned(), text((0..100).map(|row| format!("c{}", row % 2)))),
        ("t".to_owned(), Column::Number((0..100).map(|row| f64::from(row / 15)).collect())),
    ])
    .unwrap();
    let spec = SplitSpec { time: Some("t".to_owned()), ..SplitSpec::default() };
    let (made, _) = split(&table, &schema, &frame("y", Task::Binary), &spec).unwrap();
    assert_eq!(made.test.first(), Some(&75));
    assert_eq!(made.validation.first(), Some(&60));
}

#[test]
fn a_split_column_decides_and_train_rows_are_divided() {
    let spec = SplitSpec { column: Some("s".to_owned()), ..SplitSpec::default() };
    let (made, notes) = made(400, &spec);
    assert_eq!(sizes(&made), [225, 75, 100]);
    assert!(made.test.iter().all(|row| row % 4 == 0));
    assert!(notes.iter().any(|note| note.contains("25 % of its train rows")), "{notes:?}");
    let spec = SplitSpec { column: Some("y".to_owned()), ..SplitSpec::default() };
    let (table, schema) = data(40);
    let error = split(&table, &schema, &frame("y", Task::Binary), &spec).unwrap_err().to_string();
    assert!(error.contains("\"a\", expected train, validation or test"), "{error}");
}

#[test]
fn rows_without_a_target_are_in_no_part() {
    let (_, schema) = data(3);
    let words = (0..50).map(|row| if row < 5 { String::new() } else { format!("c{}", row % 2) });
    let table = Table::new(vec![("y".to_owned(), text(words))]).unwrap();
    let (made, notes) = split(&table, &schema, &frame("y", Task::Binary), &SplitSpec::default()).unwrap();
    assert_eq!(sizes(&made), [27, 9, 9]);
    assert!(notes[0].starts_with("5 rows left out"), "{notes:?}");
}

#[test]
fn bad_shares_are_refused() {
    let (table, schema) = data(40);
    for (validation, test) in [(0.5, 0.5), (-0.1, 0.2), (f64::NAN, 0.2)] {
        let spec = SplitSpec { validation, test, ..SplitSpec::default() };
        assert!(split(&table, &schema, &frame("y", Task::Binary), &spec).is_err());
    }
}
