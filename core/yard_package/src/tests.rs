#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

//! A small package of each family, and what happens to damaged ones.

use crate::{
    archive,
    card::{self, CardFacts},
    content::{PackageContent, write},
    error::PackageError,
    golden, json,
    key::SigningKey,
    lineage::Lineage,
    package::Package,
    parts,
    verify::verify,
};
use std::collections::BTreeMap;
use yard_metrics::sketch::{ReferenceSet, ReferenceSketch};
use yard_score::{
    model::{
        Activation, CATEGORY_SPLIT, Calibration, DenseLayer, DenseNet, LinearModel, Link, MISSING_LEFT,
        Model, ScorerParts, Tree, TreeEnsemble,
    },
    scorer::Scorer,
};
use yard_types::{
    cell::CellRules,
    contract::{Contract, ContractField},
    evaluation::Evaluation,
    frame::{Costs, Frame, Task},
    ids::ModelId,
    metric::MetricValue,
    recipe::{Encoding, Feature, FeatureOp, FittedInput, FittedRecipe},
    rng::Rng,
    run::{Family, Params, RunSpec},
    schema::FieldType,
    table::{Column, Table, TextColumn},
};

fn recipe(encoding: Encoding) -> FittedRecipe {
    let input = |name: &str, field_type, categories: &[&str]| FittedInput {
        name: name.to_owned(),
        field_type,
        rules: CellRules::default(),
        categories: categories.iter().map(|word| (*word).to_owned()).collect(),
    };
    let feature = |name: &str, input, op| Feature { name: name.to_owned(), input, op };
    let features = match encoding {
        Encoding::Trees => vec![
            feature("age", 0, FeatureOp::Number { fill: None, scale: None }),
            feature("job", 1, FeatureOp::Code),
        ],
        Encoding::Dense => vec![
            feature("age", 0, FeatureOp::Number { fill: Some(40.0), scale: None }),
            feature("job = clerk", 1, FeatureOp::OneHot { code: 0 }),
        ],
    };
    FittedRecipe {
        encoding,
        inputs: vec![
            input("age", FieldType::Integer, &[]),
            input("job", FieldType::Category, &["clerk", "cook"]),
        ],
        features,
    }
}

fn trees() -> Model {
    let split = Tree {
        output: 0,
        feature: vec![0, 1],
        threshold: vec![40.5, 0.0],
        left: vec![1, -2],
        right: vec![-1, -3],
        flags: vec![MISSING_LEFT, CATEGORY_SPLIT],
        gain: vec![2.0, 1.0],
        node_cover: vec![10.0, 6.0],
        leaf_value: vec![-0.5, 0.25, 0.75],
        leaf_cover: vec![4.0, 2.0, 4.0],
        category_words: vec![1, 0b01],
    };
    let stump = Tree { leaf_value: vec![0.125], leaf_cover: vec![10.0], ..Tree::default() };
    Model::Trees(TreeEnsemble {
        n_features: 2,
        base: vec![-0.25],
        grid: 1.0 / 1024.0,
        trees: vec![split, stump],
    })
}

fn scorer_parts(family: Family) -> ScorerParts {
    let model = match family {
        Family::Linear => {
            Model::Linear(LinearModel { n_features: 2, weights: vec![0.03, -1.7], bias: vec![0.4] })
        }
        Family::Mlp => Model::Net(DenseNet {
            layers: vec![
                DenseLayer {
                    inputs: 2,
                    weights: vec![0.01, 0.5, -0.02, 0.25, 0.03, -0.75],
                    bias: vec![0.1, 0.2, 0.3],
                    activation: Activation::Relu,
                },
                DenseLayer {
                    inputs: 3,
                    weights: vec![0.6, -0.4, 0.9],
                    bias: vec![-0.3],
                    activation: Activation::Identity,
                },
            ],
            scale: 1.0,
            shift: 0.0,
        }),
        _ => trees(),
    };
    let encoding = if family == Family::Boosting { Encoding::Trees } else { Encoding::Dense };
    ScorerParts {
        task: Task::Binary,
        classes: vec!["no".to_owned(), "yes".to_owned()],
        recipe: recipe(encoding),
        link: Link::Logistic,
        calibration: Calibration::Platt { slope: 1.1, intercept: -0.05 },
        model,
    }
}

fn contract() -> Contract {
    let field = |name: &str, field_type, categories: &[&str]| ContractField {
        name: name.to_owned(),
        field_type,
        nullable: true,
        min: (field_type == FieldType::Integer).then_some(18.0),
        max: (field_type == FieldType::Integer).then_some(80.0),
        categories: categories.iter().map(|word| (*word).to_owned()).collect(),
        example: serde_json::Value::Null,
    };
    Contract {
        name: "offers".to_owned(),
        task: Task::Binary,
        fields: vec![
            field("age", FieldType::Integer, &[]),
            field("job", FieldType::Category, &["clerk", "cook"]),
        ],
        id_field: None,
        target: "bought".to_owned(),
        classes: vec!["no".to_owned(), "yes".to_owned()],
    }
}

fn frame() -> Frame {
    Frame {
        decision: "offer a discount".to_owned(),
        unit: "customer".to_owned(),
        action: "offer | discount".to_owned(),
        cost_unit: "EUR".to_owned(),
        task: Task::Binary,
        target: "bought".to_owned(),
        positive: Some("yes".to_owned()),
        classes: vec!["no".to_owned(), "yes".to_owned()],
        costs: Some(Costs { false_positive: 1.0, false_negative: 3.0, ..Costs::default() }),
        metric: "roc_auc".to_owned(),
        protected: Vec::new(),
        floors: Vec::new(),
        latency_budget_ms: None,
        size_budget_bytes: None,
    }
}

fn lineage(family: Family) -> Lineage {
    Lineage {
        project: "offers".to_owned(),
        dataset: "offers.csv".to_owned(),
        fingerprint: "00".repeat(32),
        rows: 100,
        split: "train 60, validation 20, test 20".to_owned(),
        run: RunSpec::new(family),
        params: Params::from([("trees".to_owned(), "2".to_owned())]),
        device: "cpu".to_owned(),
        trained_at: "2024-01-01T00:00:00Z".to_owned(),
        recipe: vec!["age as it is".to_owned()],
        more: BTreeMap::new(),
    }
}

fn sample_table(rows: usize) -> Table {
    let mut rng = Rng::new(5, 1);
    let ages = (0..rows).map(|_| if rng.below(5) == 0 { f64::NAN } else { (18 + rng.below(60)) as f64 });
    let ages = ages.collect();
    let words = [None, Some("clerk"), Some("cook"), Some("pilot")];
    let jobs = TextColumn::from_cells((0..rows).map(|_| words[rng.below(4) as usize]));
    Table::new(vec![("age".to_owned(), Column::Number(ages)), ("job".to_owned(), Column::Text(jobs))])
        .unwrap()
}

fn evaluation() -> Evaluation {
    let value = serde_json::json!({
        "model": 1, "split": "test", "rows": 20, "positives": 8,
        "metrics": {"roc_auc": {"value": 0.8125, "low": 0.7, "high": 0.9}},
        "threshold": 0.25, "size_bytes": 1000,
    });
    serde_json::from_value(value).unwrap()
}

pub(crate) fn content(family: Family) -> PackageContent {
    let parts = scorer_parts(family);
    let scorer = Scorer::new(&parts).unwrap();
    let (contract, frame, lineage) = (contract(), frame(), lineage(family));
    let evaluations = vec![evaluation()];
    let table = sample_table(50);
    let card = card::render(&CardFacts {
        contract: &contract,
        frame: &frame,
        evaluations: &evaluations,
        lineage: &lineage,
        version: 3,
        model_sha256: parts::model_hash(&parts).unwrap(),
    });
    let ages: Vec<f64> = (18..80).map(f64::from).collect();
    let words = ["clerk", "cook", "cook"].map(Some);
    PackageContent {
        version: 3,
        written_by: "test".to_owned(),
        golden: golden::make(&scorer, &contract, &table, Some(frame.threshold())).unwrap(),
        reference: ReferenceSet {
            rows: 62,
            fields: vec![
                ReferenceSketch::from_values("age", &ages),
                ReferenceSketch::from_categories("job", words.into_iter()),
            ],
            score: ReferenceSketch::from_values("score", &[0.1, 0.2, 0.3]),
        },
        feature_means: (family != Family::Boosting).then(|| vec![40.0, 0.5]),
        parts,
        contract,
        frame,
        evaluations,
        card,
        lineage,
    }
}

const FAMILIES: [Family; 3] = [Family::Linear, Family::Boosting, Family::Mlp];

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

#[test]
fn hostile_packages_are_refused_with_their_own_code() {
    macro_rules! refused {
        ($relist:expr, $change:expr, $pattern:pat) => {
            let error = Package::read(rebuilt($change, $relist)).unwrap_err();
            assert!(matches!(error, $pattern), "{error:?}");
        };
    }
    refused!(
        true,
        |e| {
            e.insert("extra.bin".to_owned(), vec![1]);
        },
        PackageError::UnknownEntry { .. }
    );
    refused!(
        false,
        |e| {
            e.remove("card.md");
        },
        PackageError::MissingEntry { .. }
    );
    refused!(
        true,
        |e| {
            e.remove("golden.jsonl");
        },
        PackageError::MissingEntry { .. }
    );
    refused!(
        false,
        |e| {
            e.remove("manifest.json");
        },
        PackageError::MissingEntry { .. }
    );
    refused!(false, |e| replace(e, "card.md", "Limits", "limits"), PackageError::Hash { .. });
    refused!(false, |e| replace(e, "card.md", "Limits", "Limit"), PackageError::Size { .. });
    refused!(
        false,
        |e| replace(e, "manifest.json", "\"version\":3", "\"version\":0"),
        PackageError::Manifest { .. }
    );
    refused!(false, |e| replace(e, "manifest.json", "{", "{ "), PackageError::Manifest { .. });
    refused!(
        false,
        |e| replace(e, "manifest.json", "_version\":1", "_version\":2"),
        PackageError::Version { got: 2 }
    );
    refused!(
        false,
        |e| {
            e.insert("signature".to_owned(), b"{}".to_vec());
        },
        PackageError::SignatureFormat { .. }
    );
    refused!(
        true,
        |e| replace(e, "recipe.json", "\"op\":\"code\"", "\"op\":\"exec\""),
        PackageError::Json { .. }
    );
    refused!(true, |e| replace(e, "model.json", "\"trees\"", "\"pickle\""), PackageError::Json { .. });
    refused!(true, |e| replace(e, "frame.json", "{", "{\"unit\":\"x\","), PackageError::Json { .. });
    refused!(
        true,
        |e| replace(e, "model.json", "\"n_features\":2", "\"n_features\":3"),
        PackageError::Model(_)
    );
    refused!(true, |e| replace(e, "recipe.json", "\"input\":1", "\"input\":7"), PackageError::Model(_));
    refused!(true, |e| replace(e, "calibration.json", "1.1", "-1.1"), PackageError::Model(_));
    refused!(true, |e| replace(e, "contract.json", "\"clerk\"", "\"cleric\""), PackageError::Mismatch { .. });
    refused!(true, |e| replace(e, "frame.json", "bought", "sold"), PackageError::Mismatch { .. });
    refused!(
        true,
        |e| {
            e.insert("card.md".to_owned(), vec![0xff]);
        },
        PackageError::Text { .. }
    );
    refused!(
        true,
        |e| {
            e.get_mut("weights.safetensors").unwrap().pop();
        },
        PackageError::Weights { .. }
    );
    refused!(true, |e| e.get_mut("weights.safetensors").unwrap()[7] = 0x7f, PackageError::Weights { .. });
    refused!(
        true,
        |e| {
            e.insert("frame.json".to_owned(), vec![b'['; 100_000]);
        },
        PackageError::Json { .. }
    );
    refused!(
        false,
        |e| replace(e, "manifest.json", "\"model_sha256\":\"", "\"model_sha256\":\"z"),
        PackageError::Manifest { .. }
    );
    let error = Package::read(vec![0; (crate::error::MAX_BYTES + 1) as usize]).unwrap_err();
    assert!(matches!(error, PackageError::TooLarge { .. }));
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
