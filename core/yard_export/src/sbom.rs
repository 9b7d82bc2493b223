//! A bill of materials of an export: the model, and for a program the crates that it is built of, as the lock
//! file lists them. Knows nothing of formats.
//! Format: ECMA-424, "`CycloneDX` Bill of materials specification" (1.5).

use crate::subject::Subject;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const LOCK: &str = include_str!("../../../Cargo.lock");

/// A crate of the lock file.
#[derive(Default)]
struct Crate<'a> {
    name: &'a str,
    version: &'a str,
    checksum: Option<&'a str>,
    dependencies: Vec<&'a str>,
}

/// Returns the bill of an export; with `program` the crates that a crate is built of are listed.
pub(crate) fn bill(subject: &Subject<'_>, program: Option<&str>) -> Vec<u8> {
    let model = json!({
        "type": "machine-learning-model",
        "bom-ref": "model",
        "name": subject.name(),
        "version": subject.version.to_string(),
        "hashes": [{"alg": "SHA-256", "content": subject.model_sha256.to_string()}],
    });
    let mut components = Vec::new();
    if let Some(program) = program {
        components.extend(closure(program).into_iter().map(component));
    }
    let bill = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": model,
            "tools": {"components": [
                {"type": "application", "name": "modelyard", "version": env!("CARGO_PKG_VERSION")}
            ]},
        },
        "components": components,
    });
    serde_json::to_vec_pretty(&bill).unwrap_or_default()
}

fn component(own: &Crate<'_>) -> Value {
    let mut out = json!({
        "type": "library",
        "name": own.name,
        "version": own.version,
        "purl": format!("pkg:cargo/{}@{}", own.name, own.version),
    });
    if let (Some(checksum), Some(map)) = (own.checksum, out.as_object_mut()) {
        map.insert("hashes".to_owned(), json!([{"alg": "SHA-256", "content": checksum}]));
    }
    out
}

/// Returns a crate and all that it needs, by name and version.
fn closure(root: &str) -> Vec<&'static Crate<'static>> {
    static CRATES: std::sync::OnceLock<Vec<Crate<'static>>> = std::sync::OnceLock::new();
    let crates = CRATES.get_or_init(|| parse(LOCK));
    let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, own) in crates.iter().enumerate() {
        by_name.entry(own.name).or_default().push(index);
    }
    let find = |dependency: &str| -> Vec<usize> {
        let mut words = dependency.split(' ');
        let (name, version) = (words.next().unwrap_or_default(), words.next());
        let all = by_name.get(name).cloned().unwrap_or_default();
        all.into_iter()
            .filter(|index| version.is_none_or(|version| crates[*index].version == version))
            .collect()
    };
    let mut open = find(root);
    let mut found = BTreeSet::new();
    while let Some(index) = open.pop() {
        if found.insert(index) {
            open.extend(crates[index].dependencies.iter().flat_map(|dependency| find(dependency)));
        }
    }
    found.into_iter().map(|index| &crates[index]).collect()
}

fn parse(lock: &str) -> Vec<Crate<'_>> {
    let mut out: Vec<Crate<'_>> = Vec::new();
    for line in lock.lines() {
        if line == "[[package]]" {
            out.push(Crate::default());
            continue;
        }
        let Some(own) = out.last_mut() else { continue };
        let value = |key: &str| line.strip_prefix(key).map(|text| text.trim_matches('"'));
        if let Some(name) = value("name = ") {
            own.name = name;
        } else if let Some(version) = value("version = ") {
            own.version = version;
        } else if let Some(checksum) = value("checksum = ") {
            own.checksum = Some(checksum);
        } else if let Some(dependency) = line.strip_prefix(" \"") {
            own.dependencies.push(dependency.trim_end_matches(',').trim_matches('"'));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_built_of_the_island_and_no_more() {
        let names: Vec<&str> = closure("yard_serve").iter().map(|own| own.name).collect();
        for name in ["yard_serve", "yard_score", "yard_package", "yard_types", "sha2", "tokio"] {
            assert!(names.contains(&name), "{name}");
        }
        for name in ["polars", "candle-core", "egui", "yard_engine"] {
            assert!(!names.contains(&name), "{name}");
        }
        assert!(closure("no such crate").is_empty());
    }
}
