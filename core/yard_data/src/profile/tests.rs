//! Tests of the profile against numpy, scipy and scikit-learn figures, and of each finding.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests stop at the first surprise")]

use super::*;
use crate::ReadOptions;
use std::fmt::Write as _;
use yard_types::{command::NewProject, profile::Severity};

fn opened(text: &str) -> Dataset {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.csv");
    std::fs::write(&path, text).unwrap();
    crate::open(&path, &ReadOptions::default()).unwrap()
}

fn framed(text: &str, target: &str) -> Profile {
    let mut dataset = opened(text);
    let facts = NewProject { target: Some(target.to_owned()), ..NewProject::default() };
    let framed = crate::infer_frame(&mut dataset, &facts).unwrap().unwrap();
    profile(&dataset, Some(&framed.frame))
}

fn codes<'a>(profile: &'a Profile, column: &str) -> Vec<&'a str> {
    let of = profile.findings.iter().filter(|found| found.column.as_deref() == Some(column));
    of.map(|found| found.code.as_str()).collect()
}

#[test]
fn figures_are_those_of_numpy() {
    let profile = profile(&opened("x,c\n3.5,b\n-1,a\n,b\n10,a\n2,\n2,b\ninf,c\n"), None);
    let x = &profile.columns[0];
    assert_eq!((x.missing, x.distinct), (1, 5));
    // numpy on [3.5, -1, 10, 2, 2]: mean 3.3, std(ddof=1), quantile(.25, .5, .75).
    let close = |own: Option<f64>, expected: f64| {
        assert!((own.unwrap() - expected).abs() < 1e-12, "{own:?} {expected}");
    };
    close(x.mean, 3.3);
    close(x.sd, 4.086_563_348_340_51);
    close(x.min, -1.0);
    close(x.q25, 2.0);
    close(x.median, 2.0);
    close(x.q75, 3.5);
    close(x.max, 10.0);
    assert_eq!((x.top[0].value.as_str(), x.top[0].count), ("2", 2));
    assert_eq!(x.histogram.as_ref().unwrap().counts.iter().sum::<u64>(), 5);
    let c = &profile.columns[1];
    let top: Vec<(&str, u64)> = c.top.iter().map(|top| (top.value.as_str(), top.count)).collect();
    assert_eq!(top, [("b", 3), ("a", 2), ("c", 1)]);
    assert_eq!((c.mean, c.missing), (None, 1));
}

#[test]
fn a_column_alone_is_measured_as_by_scikit_learn() {
    let mut text = "x,w,y\n".to_owned();
    let x = [0.1, 0.4, 0.35, 0.8, 0.4, 0.9, 0.2, 0.6, 0.7, 0.5, 0.3, 0.4];
    let y = [0, 0, 1, 1, 1, 1, 0, 0, 1, 1, 0, 0];
    for (x, y) in x.iter().zip(y) {
        writeln!(text, "{x},w,{}", if y == 1 { "yes" } else { "no" }).unwrap();
    }
    let found = framed(&text, "y");
    // sklearn.metrics.roc_auc_score(y, x) = 0.8333333333333333.
    assert!((found.columns[0].alone.unwrap() - 0.833_333_333_333_333_3).abs() < 1e-12);
    assert_eq!(found.columns[2].alone, None, "the target is not compared with itself");
    let positive: u64 = found.columns[0].histogram.as_ref().unwrap().positive.iter().sum();
    assert_eq!(positive, 6);
}

#[test]
fn rank_correlation_is_spearmans() {
    let mut text = "x,y\n".to_owned();
    for (x, y) in [
        (1, 10.5),
        (2, 8.0),
        (3, 9.5),
        (4, 7.25),
        (5, 7.5),
        (5, 3.0),
        (7, 4.5),
        (8, 1.0),
        (9, 2.0),
        (9, 0.5),
        (11, 3.5),
    ] {
        writeln!(text, "{x},{y}").unwrap();
    }
    // scipy.stats.spearmanr: -0.8401914075580906, absolute value taken.
    let found = framed(&text, "y").columns[0].alone.unwrap();
    assert!((found - 0.840_191_407_558_090_6).abs() < 1e-12, "{found}");
}

/// 200 rows with one of each problem.
fn troubled() -> String {
    let mut text = "id,flat,gap,leak,far,name,y,copy,word\n".to_owned();
    for row in 0..200 {
        let y = if row % 12 == 0 { "bad" } else { "good" };
        let gap = if row % 3 == 0 { "1" } else { "" };
        let far = if row == 7 { 10_000 } else { row * 37 % 11 };
        let leak = if row % 12 == 0 { 50 + row % 5 } else { row % 5 };
        writeln!(text, "{},7,{gap},{leak},{far},n{},{y},{far},w{}", row + 1, row * 7, row % 4).unwrap();
    }
    text.push_str("200,7,,4,9,n1393,good,9,w3\n");
    text
}

#[test]
fn each_problem_is_found() {
    let found = framed(&troubled(), "y");
    assert_eq!(codes(&found, "flat"), ["constant"]);
    assert_eq!(codes(&found, "gap"), ["missing", "constant"]);
    assert!(codes(&found, "leak").contains(&"leak_suspect"));
    assert!(codes(&found, "far").contains(&"outliers"));
    assert!(codes(&found, "copy").contains(&"duplicate_column"));
    assert_eq!(codes(&found, "word"), Vec::<&str>::new());
    assert_eq!(codes(&found, "y"), ["class_imbalance"]);
    let rows = found.findings.iter().find(|found| found.code == "duplicate_rows");
    assert_eq!(rows.map(|found| found.count), None, "row 201 differs in far");
    let order: Vec<Severity> = found.findings.iter().map(|found| found.severity).collect();
    assert!(order.is_sorted(), "most severe first");
}

#[test]
fn identifiers_and_duplicates() {
    let mut text = "n,name,x,y\n".to_owned();
    for row in 0..40 {
        writeln!(text, "{},name {row},{},{}", 100 + row, row % 6, row % 2).unwrap();
    }
    let found = framed(&text, "y");
    assert_eq!(codes(&found, "n"), ["identifier"]);
    assert_eq!(codes(&found, "name"), ["identifier"]);
    text.push_str("139,name 39,3,1\n139,name 39,3,1\n");
    let found = framed(&text, "y");
    let rows = found.findings.iter().find(|found| found.code == "duplicate_rows").unwrap();
    assert_eq!((rows.count, rows.examples.first().map(String::as_str)), (2, Some("rows 40 and 41")));
}

#[test]
fn unique_words_are_no_leak() {
    let mut text = "name,x,y\n".to_owned();
    for row in 0..300 {
        writeln!(text, "w{row},{},{}", row % 5, row * 7 % 2).unwrap();
    }
    let alone = framed(&format!("{text}w0,1,0\n"), "y").columns[0].alone.unwrap();
    assert!(alone < 0.7, "{alone}");
}

#[test]
fn words_are_counted_by_class_in_the_order_of_the_most_frequent() {
    let found = framed("plan,x,y\na,1,0\nb,2,1\nb,3,1\nb,4,0\n,5,1\nc,6,0\nc,7,0\n", "y");
    let plan = &found.columns[0];
    assert_eq!(plan.top.iter().map(|top| top.value.as_str()).collect::<Vec<_>>(), ["b", "c", "a"]);
    let histogram = plan.histogram.as_ref().unwrap();
    assert!(histogram.edges.is_empty());
    assert_eq!(
        (histogram.counts.as_slice(), histogram.positive.as_slice()),
        (&[3, 2, 1][..], &[2, 0, 0][..])
    );
}
