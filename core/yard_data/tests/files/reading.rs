//! Reading further files by the rules of training: types, misfits, absent columns, portions.

use crate::common::{Folder, finding, numbers, opened, packed};
use std::fmt::Write as _;
use yard_data::{ChunkReader, ReadOptions, Wanted, column_names, read_table};
use yard_types::table::{FieldValue, Table};

#[test]
fn a_new_file_is_read_by_the_rules_of_training() {
    let trained = opened("a.csv", "x;c;n\n1,5;Ja;1\n2,5;nein;2\n3,5;JA;3\n");
    let wanted: Vec<Wanted> = trained.schema.fields.iter().map(Wanted::from).collect();
    let folder = Folder::new();
    let path = folder.file("b.csv", "c,n,x,other\nJA,4,\"7,5\",q\nnew,five,,q\n");
    assert_eq!(column_names(&path, &ReadOptions::default()).unwrap(), ["c", "n", "x", "other"]);
    let read = read_table(&path, &wanted, &ReadOptions::default()).unwrap();
    assert_eq!(read.table.names(), ["x", "c", "n"]);
    assert_eq!(numbers(&read.table, "x")[0], 7.5);
    assert_eq!(read.table.column("c").unwrap().value(0), FieldValue::Text("ja"));
    let misfit = finding(&read.findings, "misfit");
    assert_eq!((misfit.count, misfit.column.as_deref()), (1, Some("n")));
    assert!(misfit.message.contains("row 2: \"five\""), "{}", misfit.message);
}

#[test]
fn absent_columns_are_named() {
    let trained = opened("a.csv", "x,c,n\n1,a,1\n2,b,2\n");
    let wanted: Vec<Wanted> = trained.schema.fields.iter().map(Wanted::from).collect();
    let folder = Folder::new();
    let path = folder.file("c.csv", "c,N\na,4\n");
    let error = read_table(&path, &wanted, &ReadOptions::default()).unwrap_err().to_string();
    assert!(error.contains("column \"x\", \"n\" is missing"), "{error}");
    let optional: Vec<Wanted> = wanted.into_iter().map(Wanted::optional).collect();
    let read = read_table(&path, &optional, &ReadOptions::default()).unwrap();
    assert_eq!(read.table.names(), ["c"]);
}

#[test]
fn json_values_are_read_by_the_same_rules() {
    let trained = opened("a.csv", "x;c;n\n1,5;Ja;1\n2,5;nein;2\n3,5;JA;3\n");
    let wanted: Vec<Wanted> = trained.schema.fields.iter().map(Wanted::from).collect();
    let folder = Folder::new();
    let path = folder.file("d.ndjson", "{\"x\":1.25,\"c\":\"JA\",\"n\":\"3\"}\n\n{\"n\":null,\"c\":true}\n");
    let read = read_table(&path, &wanted, &ReadOptions::default()).unwrap();
    assert_eq!(read.table.rows(), 2);
    assert_eq!(numbers(&read.table, "x")[0], 1.25);
    assert!(numbers(&read.table, "x")[1].is_nan(), "an absent key is missing");
    assert_eq!(numbers(&read.table, "n")[0], 3.0);
    assert_eq!(read.table.column("c").unwrap().value(0), FieldValue::Text("ja"));
    assert_eq!(read.table.column("c").unwrap().value(1), FieldValue::Text("true"));
}

#[test]
fn portions_are_the_whole_file() {
    let mut text = "id,x,when\n".to_owned();
    for row in 0..1000 {
        writeln!(text, "{row:05},{}.5,2024-01-{:02}", row % 17, row % 28 + 1).unwrap();
    }
    text.push_str(",,\n");
    let folder = Folder::new();
    let mut wanted: Vec<Wanted> = opened("a.csv", &text).schema.fields.iter().map(Wanted::from).collect();
    wanted[0] = Wanted::verbatim("id");
    for path in [folder.file("a.csv", &text), folder.file("b.csv.gz", packed(&text))] {
        let whole = read_table(&path, &wanted, &ReadOptions::default()).unwrap().table;
        let keep = ReadOptions { keep_empty_rows: true, ..ReadOptions::default() };
        let portions: Vec<Table> =
            ChunkReader::open(&path, &wanted, 300, &keep).unwrap().map(Result::unwrap).collect();
        assert_eq!(portions.iter().map(Table::rows).collect::<Vec<_>>(), [300, 300, 300, 101]);
        assert_eq!(whole.rows(), 1000, "the empty row is left out unless kept");
        assert_eq!(portions[1].column("id").unwrap().value(0), FieldValue::Text("00300"));
        for row in 0..1000 {
            for name in ["id", "x", "when"] {
                let part = portions[row / 300].column(name).unwrap().value(row % 300);
                assert_eq!(part, whole.column(name).unwrap().value(row), "{name} {row}");
            }
        }
    }
}
