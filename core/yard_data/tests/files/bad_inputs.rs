//! Bad and messy files: each gives a stated error or a stated repair; nothing panics, no row or column is
//! lost in silence.

use crate::common::{Folder, finding, frame_error, numbers, opened, packed, plain, refused, types};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use yard_data::{DataError, OutColumn, OutKind, ReadOptions, TableWriter, infer_frame, open, profile, split};
use yard_types::{
    command::NewProject,
    schema::{FieldType, Role},
    table::{Column, FieldValue, Table},
};

#[test]
fn what_is_no_table_is_refused_with_a_reason() {
    assert!(refused("a.csv", "").contains("the file is empty (0 bytes"));
    assert!(refused("a.csv", "\n \n\n").contains("the file is empty"));
    assert!(refused("a.csv", b"PK\x03\x04zip").contains("an Excel workbook; expected CSV"));
    assert!(refused("a.csv", [1_u8, 2, 3, 4, 5, 6].repeat(50)).contains("control characters"));
    assert!(refused("a.parquet", "x,y\n1,2\n").contains("does not start with PAR1"));
    assert!(refused("a.json", "[{\"a\":1}]").contains("JSON array"));
    assert!(refused("a.ndjson", "{\"a\":1}\n{\"a\":2\n").contains("line 2 is not a JSON object"));
    let folder = Folder::new();
    let inner = folder.path("folder.csv");
    std::fs::create_dir(&inner).unwrap();
    assert!(matches!(open(&inner, &ReadOptions::default()), Err(DataError::Folder { .. })));
    assert!(matches!(
        open(Path::new("/no/such.csv"), &ReadOptions::default()),
        Err(DataError::NotFound { .. })
    ));
}

#[test]
fn a_cut_parquet_file_is_refused() {
    let folder = Folder::new();
    let path = folder.path("a.parquet");
    let column = OutColumn { name: "x".to_owned(), kind: OutKind::Number };
    let mut writer = TableWriter::create(&path, &[column]).unwrap();
    let values = Column::Number((0..100).map(f64::from).collect());
    writer.write(&Table::new(vec![("x".to_owned(), values)]).unwrap()).unwrap();
    writer.finish().unwrap();
    let whole = std::fs::read(&path).unwrap();
    assert_eq!(open(&path, &ReadOptions::default()).unwrap().table.rows(), 100);
    for cut in [whole.len() - 1, whole.len() - 40, 50, 8, 4] {
        let error = refused("cut.parquet", &whole[..cut]);
        assert!(error.contains("Parquet file can't be read: the footer is missing"), "{error}");
    }
}

#[test]
fn a_header_alone_opens_and_training_is_refused() {
    let mut dataset = opened("a.csv", "a,b,target");
    assert_eq!((dataset.schema.fields.len(), dataset.table.rows()), (3, 0));
    finding(&dataset.findings, "no_rows");
    assert!(frame_error(&mut dataset, "target").contains("no rows"));
    assert_eq!(profile(&dataset, None).columns.len(), 3);
}

#[test]
fn ragged_rows_are_repaired_and_nothing_is_lost() {
    let text = "x,age,color,target\n1,2,red,no\n3,4,red,no,\n1,2\n5,6,blue,yes,more,cells\n";
    let dataset = opened("a.csv", text);
    assert_eq!(dataset.table.rows(), 4);
    let stated: Vec<&str> =
        dataset.findings.iter().filter(|f| f.code == "ragged_rows").map(|f| f.message.as_str()).collect();
    assert_eq!(stated.len(), 3);
    assert!(stated[0].contains("fewer cells than the 4 columns (line 4)"), "{stated:?}");
    assert!(stated[1].contains("more cells than the 4 columns (line 5)"), "{stated:?}");
    assert!(stated[2].contains("line 3"), "{stated:?}");
    assert_eq!(dataset.table.column("target").unwrap().value(2), FieldValue::Missing);
    assert_eq!(dataset.schema.field("extra cells").unwrap().role, Role::Dropped);
    assert_eq!(dataset.table.column("extra cells").unwrap().value(3), FieldValue::Text("more,cells"));
}

#[test]
fn nul_bytes_and_open_quotes_are_stated() {
    let dataset = opened("a.csv", plain().replacen("red", "r\0ed", 1));
    assert_eq!(dataset.table.rows(), 40);
    assert!(finding(&dataset.findings, "nul_bytes").message.contains("1 NUL byte in line 3"));
    assert_eq!(dataset.table.column("color").unwrap().value(1), FieldValue::Text("red"));
    let dataset = opened("a.csv", "a,b,target\n1,\"two,0\n3,four,1\n5,six,0\n");
    assert_eq!(dataset.table.rows(), 3);
    assert!(finding(&dataset.findings, "open_quote").message.contains("line 2"));
    assert_eq!(dataset.table.column("b").unwrap().value(0), FieldValue::Text("\"two"));
}

#[test]
fn encodings_are_read_and_stated() {
    let text = plain().replace("red", "rosé");
    let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let utf16: Vec<u8> = format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, word) in [(latin, "windows-1252"), (utf16, "utf-16le"), (text.clone().into_bytes(), "utf-8")]
    {
        let dataset = opened("a.csv", bytes);
        assert_eq!((dataset.table.rows(), dataset.schema.fields.len()), (40, 4), "{word}");
        assert_eq!(dataset.schema.format.encoding, word);
        assert_eq!(dataset.table.column("color").unwrap().value(1), FieldValue::Text("rosé"), "{word}");
        assert_eq!(dataset.findings.iter().any(|f| f.code == "encoding"), word != "utf-8");
    }
}

#[test]
fn european_files_are_read_by_their_own_rules() {
    let text = "\u{feff}x;y;p;d;who;who;;\r\n1,5;1.234,50;9,9 %;10.07.2023;Ja;\"a; \"\"b\"\"\nc\";;\r\n\
                2,25;99,00;12,1 %;16.01.2022;ja;z;;\r\n-;12.000,10;1,0 %;30.05.2023; Nein;z;;\r\n;;;;;;;\r\n";
    let dataset = opened("a.csv", text);
    assert_eq!(dataset.table.rows(), 3);
    assert_eq!(dataset.table.names(), ["x", "y", "p", "d", "who", "who_2"]);
    assert_eq!(numbers(&dataset.table, "y"), [1234.5, 99.0, 12_000.1]);
    assert_eq!(numbers(&dataset.table, "p"), [9.9, 12.1, 1.0]);
    assert_eq!(numbers(&dataset.table, "x")[..2], [1.5, 2.25]);
    assert!(numbers(&dataset.table, "x")[2].is_nan());
    assert_eq!(dataset.table.column("d").unwrap().value(0), FieldValue::Instant(1_688_947_200_000_000));
    assert_eq!(dataset.table.column("who").unwrap().value(0), FieldValue::Text("ja"));
    assert_eq!(dataset.table.column("who_2").unwrap().value(0), FieldValue::Text("a; \"b\"\nc"));
    for code in
        ["number_format", "renamed", "unit", "null_words", "case_variants", "blank_rows", "empty_column"]
    {
        finding(&dataset.findings, code);
    }
}

#[test]
fn mixed_dates_are_never_guessed() {
    let text =
        "d,x,target\n2024-01-05,1,a\n05/01/2024,2,b\n01/13/2024,3,a\nJan 9 2024,4,b\n,5,a\n2024-02-30,6,b\n";
    let dataset = opened("a.csv", text);
    assert_eq!(types(&dataset)[0], FieldType::Text);
    let message = &finding(&dataset.findings, "mixed_types").message;
    assert!(message.contains("mixed date formats: 1 as year-month-day"), "{message}");
    assert!(message.contains("first \"2024-02-30\" in row 6") && message.contains("1 missing"), "{message}");
    let dataset = opened("a.csv", "d,x\n05/01/2024,1\n06/02/2024,2\n");
    assert!(finding(&dataset.findings, "date_order").message.contains("read month first"));
}

#[test]
fn infinities_and_sentinels_are_counted() {
    let text = plain().replacen("0.25,20", "Inf,20", 1).replacen("7.25,21", "nan,21", 1);
    let dataset = opened("a.csv", text.replacen("1.25,22", "1e999,22", 1));
    assert_eq!(types(&dataset)[0], FieldType::Number);
    assert_eq!(finding(&dataset.findings, "infinities").count, 2);
    let found = profile(&dataset, None);
    assert_eq!(found.columns[0].missing, 1);
    assert!(found.columns[0].max.unwrap().is_finite());
    let mut text = "a,b,c,d\n".to_owned();
    for row in 0..60 {
        let gap = row % 10 == 0;
        let cell = |value: i32| if gap { -200 } else { value };
        writeln!(text, "{},{},{},{}", cell(row), cell(row * 3), cell(7), if gap { -999 } else { row })
            .unwrap();
    }
    let dataset = opened("a.csv", text);
    assert_eq!(numbers(&dataset.table, "b").iter().filter(|value| value.is_nan()).count(), 6);
    assert_eq!(numbers(&dataset.table, "d")[0], -999.0, "one column alone is only noted");
    assert!(finding(&dataset.findings, "sentinel").message.contains("read as missing"));
}

#[test]
fn codes_and_long_integers_keep_their_digits() {
    let dataset = opened("a.csv", "zip,id,n\n00123,12345678901234567890,1\n10115,12345678901234567891,2\n");
    assert_eq!(types(&dataset), [FieldType::Category, FieldType::Text, FieldType::Integer]);
    assert_eq!(dataset.table.column("zip").unwrap().value(0), FieldValue::Text("00123"));
    assert_eq!(dataset.table.column("id").unwrap().value(1), FieldValue::Text("12345678901234567891"));
}

#[test]
fn stray_words_among_numbers_are_stated() {
    let mut text = "x\n".to_owned();
    for row in 0..200 {
        writeln!(text, "{}", if row == 17 { "oops".to_owned() } else { format!("{row}.5") }).unwrap();
    }
    let dataset = opened("a.csv", &text);
    let message = &finding(&dataset.findings, "mixed_types").message;
    assert!(message.contains("1 of 200 values are not numbers (first: \"oops\", row 18)"), "{message}");
    assert!(numbers(&dataset.table, "x")[17].is_nan());
    let dataset = opened("a.csv", text.replace(".5", "x"));
    assert_eq!(types(&dataset)[0], FieldType::Text);
}

#[test]
fn targets_that_can_not_be_learnt_are_refused() {
    let error = frame_error(&mut opened("a.csv", plain().replace(",yes\n", ",no\n")), "target");
    assert!(error.contains("one class only (\"no\", 40 rows)"), "{error}");
    let error = frame_error(&mut opened("a.csv", "target\nyes\nno\nyes\n"), "target");
    assert!(error.contains("no features are left"), "{error}");
    let error = frame_error(&mut opened("a.csv", plain()), "Target");
    assert!(error.contains("did you mean \"target\"?"), "{error}");
    let mut dataset = opened("a.csv", plain());
    let mut facts = NewProject { target: Some("target".to_owned()), ..NewProject::default() };
    facts.positive = Some("maybe".to_owned());
    let error = infer_frame(&mut dataset, &facts).unwrap_err().to_string();
    assert!(error.contains("positive class \"maybe\" does not occur"), "{error}");
    facts.positive = Some("YES".to_owned());
    facts.drop = vec!["target".to_owned()];
    let error = infer_frame(&mut dataset, &facts).unwrap_err().to_string();
    assert!(error.contains("named both as target and as dropped"), "{error}");
    facts.drop.clear();
    let framed = infer_frame(&mut dataset, &facts).unwrap().unwrap();
    assert_eq!(framed.frame.classes, ["no", "yes"]);
    assert_eq!(dataset.schema.with_role(Role::Target).unwrap().name, "target");
}

#[test]
fn a_class_with_one_row_splits_by_the_stated_rule() {
    let mut dataset = opened("a.csv", plain().replacen(",no\n", ",maybe\n", 1));
    let facts = NewProject { target: Some("target".to_owned()), ..NewProject::default() };
    let framed = infer_frame(&mut dataset, &facts).unwrap().unwrap();
    let (made, notes) = split(&dataset.table, &dataset.schema, &framed.frame, &framed.split).unwrap();
    assert!(made.train.contains(&0));
    assert!(notes[0].contains("class \"maybe\" has 1 row only: all in training"), "{notes:?}");
}

#[test]
fn an_empty_column_is_kept_but_left_out_of_training() {
    let text: String = plain().lines().enumerate().fold(String::new(), |mut out, (at, line)| {
        writeln!(out, "{line},{}", if at == 0 { "none" } else { "" }).unwrap();
        out
    });
    let dataset = opened("a.csv", text);
    assert_eq!(dataset.schema.field("none").unwrap().role, Role::Dropped);
    assert_eq!(finding(&dataset.findings, "empty_column").column.as_deref(), Some("none"));
}

#[test]
fn wide_files_open() {
    let header: Vec<String> = (0..3001).map(|at| format!("c{at}")).collect();
    let row: Vec<String> = (0..3001).map(|at| (at % 7).to_string()).collect();
    let rows = format!("{}\n", row.join(",")).repeat(20);
    let dataset = opened("a.csv", format!("{}\n{rows}", header.join(",")));
    assert_eq!((dataset.table.rows(), dataset.schema.fields.len()), (20, 3001));
    assert_eq!(profile(&dataset, None).columns.len(), 3001);
}

#[test]
fn gzip_streams_within_a_limit_and_can_be_stopped() {
    let dataset = opened("a.csv.gz", packed(&plain()));
    assert_eq!((dataset.table.rows(), dataset.schema.format.compression.as_deref()), (40, Some("gzip")));
    let folder = Folder::new();
    let bomb = folder.file("bomb.csv.gz", packed(&format!("a,b,target\n{}", "1,2,0\n".repeat(400_000))));
    let options = ReadOptions { max_unpacked_bytes: Some(1 << 20), ..ReadOptions::default() };
    let error = open(&bomb, &options).unwrap_err().to_string();
    assert!(error.contains("unpacks to more than 1048576 bytes"), "{error}");
    let stop = ReadOptions { watch: Some(Arc::new(|progress| progress.done < 1)), ..ReadOptions::default() };
    assert!(matches!(open(&bomb, &stop), Err(DataError::Cancelled)));
    let cut = folder.file("cut.csv.gz", &packed(&plain())[..60]);
    assert!(matches!(open(&cut, &ReadOptions::default()), Err(DataError::Io { .. })));
}
