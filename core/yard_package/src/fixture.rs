#![allow(clippy::unwrap_used)]

//! A small package of each family, for tests.

use crate::{
    card::{self, CardFacts},
    content::PackageContent,
    golden,
    lineage::Lineage,
    parts,
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
        texts: vec![],
        images: vec![],
        pieces: vec![],
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
        leaf_exact: vec![],
        leaf_cover: vec![4.0, 2.0, 4.0],
        category_words: vec![1, 0b01],
    };
    let stump = Tree { leaf_value: vec![0.125], leaf_cover: vec![10.0], ..Tree::default() };
    Model::Trees(TreeEnsemble {
        n_features: 2,
        base: vec![-0.25],
        grid: 1.0 / 1024.0,
        sum: yard_score::model::Sum::Grid,
        trees: vec![split, stump],
    })
}

pub(crate) fn scorer_parts(family: Family) -> ScorerParts {
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

pub(crate) fn contract() -> Contract {
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

pub(crate) fn sample_table(rows: usize) -> Table {
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

pub(crate) const FAMILIES: [Family; 3] = [Family::Linear, Family::Boosting, Family::Mlp];
