//! House rules over the sources: file sizes, no file access where it doesn't belong, module docs.

use std::path::Path;
use yard_tests::{repository, sources};

const CRATES: &[&str] = &[
    "app/modelyard",
    "app/yard_state",
    "app/yard_ui",
    "app/yard_views",
    "core/yard_boost",
    "core/yard_data",
    "core/yard_deploy",
    "core/yard_engine",
    "core/yard_export",
    "core/yard_metrics",
    "core/yard_monitor",
    "core/yard_package",
    "core/yard_score",
    "core/yard_serve",
    "core/yard_train",
    "core/yard_types",
    "tests",
];

/// Longest file, tests counted.
const FILE_LINES: usize = 600;
/// Longest function.
const FUNCTION_LINES: usize = 80;

fn all_sources() -> Vec<(String, String)> {
    let root = repository();
    CRATES
        .iter()
        .flat_map(|folder| sources(&root.join(folder)))
        .map(|(path, text)| (short(&path, &root), text))
        .collect()
}

fn short(path: &Path, root: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}

#[test]
fn files_are_short() {
    let long: Vec<String> = all_sources()
        .iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > FILE_LINES)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    assert!(long.is_empty(), "split these by subject (limit {FILE_LINES}): {long:#?}");
}

/// Lines of each function, told by indentation: from the line with `fn` to the line that closes it at
/// the same depth (the sources are formatted).
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let trimmed = line.trim_start();
        let is_fn = trimmed.starts_with("fn ")
            || (trimmed.starts_with("pub")
                || trimmed.starts_with("const fn")
                || trimmed.starts_with("async fn"))
                && trimmed.contains("fn ")
                && trimmed.contains('(');
        if !is_fn || trimmed.ends_with(';') {
            continue;
        }
        let indent = line.len() - trimmed.len();
        let close = format!("{}}}", " ".repeat(indent));
        if let Some(length) = lines[at..].iter().position(|end| *end == close) {
            found.push((trimmed.chars().take(60).collect(), length + 1));
        }
    }
    found
}

#[test]
fn functions_are_short() {
    let mut long = Vec::new();
    for (path, text) in all_sources() {
        for (name, lines) in functions(&text) {
            if lines > FUNCTION_LINES {
                long.push(format!("{path}: {name}: {lines} lines"));
            }
        }
    }
    assert!(long.is_empty(), "split these (limit {FUNCTION_LINES}): {long:#?}");
}

#[test]
fn every_module_says_what_it_is_for() {
    let bare: Vec<String> = all_sources()
        .into_iter()
        // Tests that lie beside a module are documented by it.
        .filter(|(path, _)| path.contains("/src/") && !path.ends_with("tests.rs"))
        .filter(|(_, text)| !text.lines().any(|line| line.starts_with("//!")))
        .map(|(path, _)| path)
        .collect();
    assert!(bare.is_empty(), "these files need a `//!` header: {bare:#?}");
}

#[test]
fn no_file_access_outside_its_crates() {
    let root = repository();
    for folder in
        ["app/yard_state", "app/yard_views", "core/yard_metrics", "core/yard_score", "core/yard_types"]
    {
        for (path, text) in sources(&root.join(folder).join("src")) {
            for (number, line) in text.lines().enumerate() {
                let bad =
                    line.contains("std::fs") || line.contains("File::open") || line.contains("SystemTime");
                assert!(
                    !bad,
                    "{}:{}: this crate does no I/O and reads no clock",
                    short(&path, &root),
                    number + 1
                );
            }
        }
    }
}

#[test]
fn no_stub_is_left() {
    // The words are put together here so that this file does not hold them.
    let words = [["todo", "!("].concat(), ["unimplemented", "!("].concat(), ["#[", "ignore"].concat()];
    for (path, text) in all_sources() {
        for word in &words {
            assert!(!text.contains(word.as_str()), "{path} holds `{word}`");
        }
    }
}
