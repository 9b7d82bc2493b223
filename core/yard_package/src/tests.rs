#![allow(clippy::unwrap_used, clippy::panic)]

//! Packages come back as they were written; damaged and hostile ones are refused.

use crate::{
    archive,
    content::write,
    error::PackageError,
    fixture::{FAMILIES, content, contract, sample_table, scorer_parts},
    golden, json,
    key::SigningKey,
    package::Package,
    parts,
    verify::verify,
};
use std::collections::BTreeMap;
use yard_score::{model::Calibration, scorer::Scorer};
use yard_types::{frame::Costs, ids::ModelId, metric::MetricValue, rng::Rng, run::Family};

fn key() -> SigningKey {
    SigningKey::from_seed(&[3; 32]).unwrap()
}

#[test]
fn content_comes_back_and_bytes_are_equal() {
    for family in FAMILIES {
        for key in [None, Some(key())] {
            let content = content(family);
            let bytes = write(&content, key.as_ref()).unwrap();
            assert_eq!(bytes, write(&content.clone(), key.as_ref()).unwrap());
            let package = Package::read(bytes.clone()).unwrap();
            assert_eq!(package.content, content);
            assert_eq!(package.manifest.model_sha256, parts::model_hash(&content.parts).unwrap());
            assert_eq!(package.signed_by, key.map(|key| key.public_hex()));
            assert_eq!(package.sha256, parts::sha256(&bytes));
            assert_eq!(package.entry("card.md"), Some(content.card.as_bytes()));
        }
    }
}

#[test]
fn models_come_back_from_the_object_store() {
    for family in FAMILIES {
        let model = scorer_parts(family);
        let bytes = parts::parts_to_bytes(&model).unwrap();
        assert_eq!(parts::sha256(&bytes), parts::model_hash(&model).unwrap());
        assert_eq!(parts::parts_from_bytes(&bytes).unwrap(), model);
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 4;
            assert!(parts::parts_from_bytes(&changed).is_err(), "{family:?} byte {at}");
        }
    }
    let mut other = scorer_parts(Family::Linear);
    other.calibration = Calibration::None;
    assert_ne!(parts::model_hash(&other).unwrap(), parts::model_hash(&scorer_parts(Family::Linear)).unwrap());
}

#[test]
fn verification_holds() {
    for family in FAMILIES {
        let content = content(family);
        let report = verify(&write(&content, Some(&key())).unwrap());
        assert!(report.ok, "{report:?}");
        assert_eq!(report.golden.total, report.golden.equal);
        assert!(report.golden.total >= 20);
        assert_eq!(report.signed_by, Some(key().public_hex()));
    }
}

/// Every byte of a signed package, four kinds of change: refused, and the message names where.
#[test]
fn every_changed_byte_is_refused() {
    let bytes = write(&content(Family::Boosting), Some(&key())).unwrap();
    let entries = archive::read(&bytes).unwrap();
    for at in 0..bytes.len() {
        for flip in [0x01, 0x20, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[at] ^= flip;
            let Err(error) = Package::read(changed) else { panic!("byte {at} xor {flip:#x} was accepted") };
            let text = error.to_string();
            if let Some(entry) = entries.iter().find(|entry| entry.range.contains(&at)) {
                assert!(text.contains(&format!("entry \"{}\"", entry.name)), "byte {at}: {text}");
            } else {
                assert!(text.contains("entry \"") || text.contains("archive structure"), "byte {at}: {text}");
            }
        }
    }
}

#[test]
fn ensembles_are_written_and_read_to_the_bit() {
    let members = FAMILIES.map(scorer_parts);
    let pairs: Vec<_> = members.iter().map(|parts| (parts, 0.25)).collect();
    let joined = yard_score::ensemble::join(&pairs).unwrap();
    let bytes = parts::parts_to_bytes(&joined).unwrap();
    let read = parts::parts_from_bytes(&bytes).unwrap();
    assert_eq!(read, joined);
    assert_eq!(parts::model_hash(&read).unwrap(), parts::model_hash(&joined).unwrap());
    let other = yard_score::ensemble::join(&pairs[..2]).unwrap();
    assert_ne!(parts::model_hash(&other).unwrap(), parts::model_hash(&joined).unwrap());
}

#[test]
fn random_damage_never_panics_and_is_refused() {
    let bytes = write(&content(Family::Mlp), Some(&key())).unwrap();
    let mut rng = Rng::new(11, 0);
    for round in 0..3_000 {
        let mut changed = bytes.clone();
        for _ in 0..=rng.below(8) {
            let at = rng.below(changed.len() as u64) as usize;
            match rng.below(4) {
                0 => changed[at] = rng.below(256) as u8,
                1 => changed.truncate(at.max(1)),
                2 => changed.insert(at, rng.below(256) as u8),
                _ => {
                    let end = (at + 1 + rng.below(40) as usize).min(changed.len());
                    let piece = changed[at..end].to_vec();
                    let to = rng.below(changed.len() as u64 + 1) as usize;
                    changed.splice(to..to, piece);
                }
            }
        }
        let same = changed == bytes;
        assert_eq!(Package::read(changed).is_ok(), same, "round {round}");
    }
}

/// Entries are changed and everything that protects them is made anew, so that the checks behind the
/// hashes are reached: the reader must refuse or accept, never panic.
#[test]
fn consistent_but_damaged_entries_never_panic() {
    let mut rng = Rng::new(12, 0);
    let mut refused = 0;
    for round in 0..1_500 {
        let family = FAMILIES[round % 3];
        let bytes = parts::parts_to_bytes(&scorer_parts(family)).unwrap();
        let entries = archive::read(&bytes).unwrap();
        let mut data: Vec<Vec<u8>> =
            entries.iter().map(|entry| bytes[entry.range.clone()].to_vec()).collect();
        for _ in 0..=rng.below(3) {
            let entry = rng.below(data.len() as u64) as usize;
            let at = rng.below(data[entry].len() as u64) as usize;
            match rng.below(3) {
                0 => data[entry][at] = rng.below(256) as u8,
                1 => data[entry][at] = b'0' + rng.below(10) as u8,
                _ => data[entry].truncate(at),
            }
            if data[entry].is_empty() {
                data[entry].push(b' ');
            }
        }
        let named: Vec<(&str, &[u8])> =
            entries.iter().zip(&data).map(|(entry, data)| (entry.name.as_str(), data.as_slice())).collect();
        let changed = archive::write(&named).unwrap();
        match parts::parts_from_bytes(&changed).map(|parts| Scorer::new(&parts)) {
            Ok(Ok(scorer)) => {
                let answers = scorer.score_table(&sample_table(20));
                assert!(answers.is_err() || answers.is_ok_and(|answers| answers.rows() == 20));
            }
            _ => refused += 1,
        }
    }
    assert!(refused > 500, "{refused}");
}

/// Rebuilds a package after `change` edited the raw entries; the manifest is made anew when `relist`.
fn rebuilt(change: impl FnOnce(&mut BTreeMap<String, Vec<u8>>), relist: bool) -> Vec<u8> {
    let bytes = write(&content(Family::Boosting), None).unwrap();
    let read = archive::read(&bytes).unwrap();
    let mut entries: BTreeMap<String, Vec<u8>> =
        read.into_iter().map(|entry| (entry.name, bytes[entry.range].to_vec())).collect();
    change(&mut entries);
    if relist {
        let mut manifest: serde_json::Value = json::parse(&entries["manifest.json"]).unwrap();
        let listed =
            entries.iter().filter(|(name, _)| !["manifest.json", "signature"].contains(&name.as_str()));
        let listed = listed.map(|(name, bytes)| {
            serde_json::json!({"name": name, "bytes": bytes.len(), "sha256": parts::sha256(bytes).to_hex()})
        });
        manifest["entries"] = listed.collect();
        let model = ["calibration.json", "model.json", "recipe.json", "weights.safetensors"];
        let model: Vec<(&str, &[u8])> =
            model.iter().filter_map(|name| Some((*name, entries.get(*name)?.as_slice()))).collect();
        manifest["model_sha256"] = parts::sha256(&archive::write(&model).unwrap()).to_hex().into();
        entries.insert("manifest.json".to_owned(), json::to_canonical(&manifest).unwrap());
    }
    let entries: Vec<(&str, &[u8])> =
        entries.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    archive::write(&entries).unwrap()
}

fn replace(entries: &mut BTreeMap<String, Vec<u8>>, name: &str, from: &str, to: &str) {
    let text = String::from_utf8(entries[name].clone()).unwrap();
    assert!(text.contains(from), "{name}: {from} not in {text}");
    entries.insert(name.to_owned(), text.replacen(from, to, 1).into_bytes());
}

/// Rebuilds a package with a change and checks how it is refused.
macro_rules! refused {
    ($relist:expr, $change:expr, $pattern:pat) => {
        let error = Package::read(rebuilt($change, $relist)).unwrap_err();
        assert!(matches!(error, $pattern), "{error:?}");
    };
}

type Raw = BTreeMap<String, Vec<u8>>;

fn put(name: &str, bytes: &[u8]) -> impl FnOnce(&mut Raw) {
    move |entries| {
        entries.insert(name.to_owned(), bytes.to_vec());
    }
}

fn remove(name: &str) -> impl FnOnce(&mut Raw) {
    move |entries| {
        entries.remove(name);
    }
}

fn swap(name: &str, from: &str, to: &str) -> impl FnOnce(&mut Raw) {
    move |entries| replace(entries, name, from, to)
}

#[test]
fn entries_that_the_manifest_does_not_hold_to_are_refused() {
    refused!(true, put("extra.bin", &[1]), PackageError::UnknownEntry { .. });
    refused!(false, put("explain.json", b"{}"), PackageError::Manifest { .. });
    refused!(false, remove("card.md"), PackageError::MissingEntry { .. });
    refused!(true, remove("golden.jsonl"), PackageError::MissingEntry { .. });
    refused!(false, remove("manifest.json"), PackageError::MissingEntry { .. });
    refused!(false, swap("card.md", "Limits", "limits"), PackageError::Hash { .. });
    refused!(false, swap("card.md", "Limits", "Limit"), PackageError::Size { .. });
    let manifest = |from, to| swap("manifest.json", from, to);
    refused!(false, manifest("\"version\":3", "\"version\":0"), PackageError::Manifest { .. });
    refused!(false, manifest("{", "{ "), PackageError::Manifest { .. });
    refused!(false, manifest("_version\":1", "_version\":2"), PackageError::Version { got: 2 });
    refused!(false, manifest("_sha256\":\"", "_sha256\":\"z"), PackageError::Manifest { .. });
    refused!(false, put("signature", b"{}"), PackageError::SignatureFormat { .. });
    let error = Package::read(vec![0; (crate::error::MAX_BYTES + 1) as usize]).unwrap_err();
    assert!(matches!(error, PackageError::TooLarge { .. }));
}

#[test]
fn hostile_contents_are_refused() {
    refused!(true, swap("recipe.json", "\"op\":\"code\"", "\"op\":\"exec\""), PackageError::Json { .. });
    refused!(true, swap("model.json", "\"trees\"", "\"pickle\""), PackageError::Json { .. });
    refused!(true, swap("frame.json", "{", "{\"unit\":\"x\","), PackageError::Json { .. });
    refused!(true, put("frame.json", &[b'['; 10_000]), PackageError::Json { .. });
    refused!(true, put("card.md", &[0xff]), PackageError::Text { .. });
    refused!(true, swap("model.json", "\"n_features\":2", "\"n_features\":3"), PackageError::Model(_));
    refused!(true, swap("recipe.json", "\"input\":1", "\"input\":7"), PackageError::Model(_));
    refused!(true, swap("calibration.json", "1.1", "-1.1"), PackageError::Model(_));
    refused!(true, swap("contract.json", "\"clerk\"", "\"cleric\""), PackageError::Mismatch { .. });
    refused!(true, swap("frame.json", "bought", "sold"), PackageError::Mismatch { .. });
    let weights = |change: fn(&mut Vec<u8>)| {
        move |entries: &mut Raw| change(entries.entry("weights.safetensors".to_owned()).or_default())
    };
    refused!(true, weights(|bytes| bytes.truncate(bytes.len() - 1)), PackageError::Weights { .. });
    refused!(true, weights(|bytes| bytes[7] = 0x7f), PackageError::Weights { .. });
    refused!(true, weights(|bytes| bytes.truncate(5)), PackageError::Weights { .. });
}

#[test]
fn a_signature_of_another_manifest_is_refused() {
    let signed = write(&content(Family::Linear), Some(&key())).unwrap();
    let package = Package::read(signed).unwrap();
    let signature = package.entry("signature").unwrap().to_vec();
    let bytes = rebuilt(
        |entries| {
            entries.insert("signature".to_owned(), signature);
        },
        true,
    );
    assert!(matches!(Package::read(bytes), Err(PackageError::Signature { .. })));
}

#[test]
fn wrong_claims_are_reported() {
    let verdict = |bytes: &[u8], name: &str| {
        let report = verify(bytes);
        assert!(!report.ok);
        let claim = report.claims.iter().find(|claim| !claim.ok).unwrap();
        assert!(claim.name.contains(name), "{claim:?}");
        report
    };
    let bytes = rebuilt(|entries| replace(entries, "card.md", "0.8125", "0.9125"), true);
    verdict(&bytes, "card");
    let bytes =
        rebuilt(|entries| replace(entries, "golden.jsonl", "\"decision\":true", "\"decision\":false"), true);
    let report = verdict(&bytes, "golden examples give");
    assert_eq!(report.golden.equal + 1, report.golden.total);
    let short = |entries: &mut BTreeMap<String, Vec<u8>>| {
        let text = String::from_utf8(entries["golden.jsonl"].clone()).unwrap();
        let line = text.lines().next().unwrap();
        entries.insert("golden.jsonl".to_owned(), format!("{line}\n").into_bytes());
    };
    verdict(&rebuilt(short, true), "at least 20");
    verdict(b"no package", "whole model package");
}

#[test]
fn undefined_metrics_are_left_out_and_other_nans_refused() {
    let mut content = content(Family::Linear);
    content.evaluations[0].metrics.insert("f1".to_owned(), MetricValue::point(f64::NAN));
    let package = Package::read(write(&content, None).unwrap()).unwrap();
    assert_eq!(package.content.evaluations[0].metrics.len(), 1);
    assert_eq!(package.content.evaluations[0].model, ModelId(1));
    content.frame.costs = Some(Costs { false_positive: f64::NAN, ..Costs::default() });
    assert!(matches!(write(&content, None), Err(PackageError::Unwritable { .. })));
}

#[test]
fn golden_examples_of_small_and_empty_samples() {
    let scorer = Scorer::new(&scorer_parts(Family::Boosting)).unwrap();
    for rows in [0, 1, 3, 1_000] {
        let golden = golden::make(&scorer, &contract(), &sample_table(rows), Some(0.25)).unwrap();
        assert!(golden.len() >= golden::MIN_EXAMPLES, "{rows} rows: {}", golden.len());
        assert!(golden::covers_edges(&golden, &contract()));
        let check = golden::check(&scorer, &golden, Some(0.25));
        assert_eq!((check.total, check.equal), (golden.len() as u64, golden.len() as u64));
    }
}
