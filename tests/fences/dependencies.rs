//! Walks `cargo tree` and fails on a forbidden edge: siblings never import each other, the island stays
//! free of polars, candle and egui, and the window's state knows no toolkit.

use std::{collections::BTreeSet, process::Command};

/// Normal dependencies (no dev, no build) of a package, all levels, by name.
fn tree(package: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--offline",
            "-p",
            package,
            "-e",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .current_dir(yard_tests::repository())
        .output()
        .expect("cargo tree must start");
    assert!(output.status.success(), "cargo tree failed: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != package)
        .map(str::to_owned)
        .collect()
}

fn own(names: &BTreeSet<String>) -> BTreeSet<String> {
    names.iter().filter(|name| name.starts_with("yard_")).cloned().collect()
}

fn check_only(package: &str, allowed: &[&str]) {
    let allowed: BTreeSet<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
    let found = own(&tree(package));
    let extra: Vec<_> = found.difference(&allowed).collect();
    assert!(extra.is_empty(), "{package} must not depend on {extra:?}");
}

fn check_none(package: &str, forbidden: &[&str]) {
    let found = tree(package);
    let bad: Vec<_> = found
        .iter()
        .filter(|name| forbidden.iter().any(|no| *name == no || name.starts_with(&format!("{no}-"))))
        .collect();
    assert!(bad.is_empty(), "{package} must not reach {bad:?}");
}

#[test]
fn own_crates_point_one_way() {
    check_only("yard_types", &[]);
    check_only("yard_metrics", &["yard_types"]);
    check_only("yard_score", &["yard_types", "yard_metrics"]);
    check_only("yard_package", &["yard_types", "yard_metrics", "yard_score"]);
    check_only("yard_serve", &["yard_types", "yard_metrics", "yard_score", "yard_package"]);
    check_only("yard_export", &["yard_types", "yard_metrics", "yard_score", "yard_package"]);
    check_only("yard_data", &["yard_types", "yard_metrics"]);
    check_only("yard_boost", &["yard_types", "yard_metrics", "yard_score"]);
    check_only("yard_train", &["yard_types", "yard_metrics", "yard_score", "yard_data", "yard_boost"]);
    check_only("yard_monitor", &["yard_types", "yard_metrics", "yard_score", "yard_package"]);
    check_only("yard_deploy", &["yard_types", "yard_metrics", "yard_score", "yard_package"]);
    check_only("yard_state", &["yard_types"]);
    check_only("yard_ui", &[]);
    check_only("yard_views", &["yard_types", "yard_state", "yard_ui"]);
}

#[test]
fn the_island_stays_small() {
    for package in ["yard_types", "yard_metrics", "yard_score", "yard_package", "yard_serve"] {
        check_none(package, &["polars", "candle", "egui", "eframe"]);
    }
    for package in ["yard_types", "yard_metrics", "yard_score"] {
        check_none(package, &["tokio", "rusqlite", "axum"]);
    }
}

#[test]
fn heavy_libraries_stay_behind_their_fence() {
    check_none("yard_boost", &["polars", "candle", "egui"]);
    check_none("yard_export", &["polars", "candle", "egui", "tokio"]);
    check_none("yard_data", &["candle", "egui"]);
    check_none("yard_train", &["egui", "axum"]);
    check_none("yard_engine", &["egui", "eframe"]);
    check_none("yard_state", &["egui", "polars", "candle", "tokio", "rusqlite"]);
    check_none("yard_views", &["polars", "candle", "rusqlite", "eframe"]);
    check_none("yard_ui", &["polars", "candle", "rusqlite"]);
}

#[test]
fn one_crypto_provider() {
    check_none("modelyard", &["aws-lc-sys", "aws-lc-rs"]);
}
