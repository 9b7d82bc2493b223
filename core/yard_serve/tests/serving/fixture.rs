//! Model packages with random trees, rows for them, and a scorer to compare with.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use yard_metrics::sketch::{ReferenceSet, ReferenceSketch};
use yard_package::{Lineage, PackageContent, golden};
use yard_score::{
    model::{Calibration, Link, MISSING_LEFT, Model, ScorerParts, Tree, TreeEnsemble},
    scorer::Scorer,
};
use yard_types::{
    cell::CellRules,
    contract::{Contract, ContractField},
    frame::{Costs, Frame, Task},
    recipe::{DatePart, Encoding, Feature, FeatureOp, FittedInput, FittedRecipe},
    rng::Rng,
    run::{Family, Params, RunSpec},
    schema::FieldType,
    table::{Column, Table, TextColumn},
};

const PLANS: [&str; 4] = ["basic", "family", "pro", "student"];
const GRID: f32 = 1.0 / 65_536.0;

/// What a model looks like.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    pub(crate) version: u64,
    pub(crate) task: Task,
    /// Number fields beside the category, the boolean and the datetime.
    pub(crate) numbers: usize,
    pub(crate) trees: usize,
    pub(crate) leaves: usize,
    pub(crate) seed: u64,
    /// Whether the field `paid` must be given.
    pub(crate) strict: bool,
}

/// A small binary model named `churn`.
pub(crate) fn churn(version: u64) -> Shape {
    Shape {
        name: "churn",
        version,
        task: Task::Binary,
        numbers: 5,
        trees: 20,
        leaves: 8,
        seed: version,
        strict: false,
    }
}

fn classes(task: Task) -> Vec<String> {
    let names: &[&str] = match task {
        Task::Binary => &["no", "yes"],
        Task::Multiclass => &["high", "low", "mid \"quoted\""],
        Task::Regression => &[],
    };
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn fields(shape: Shape) -> Vec<(String, FieldType)> {
    let mut fields: Vec<(String, FieldType)> =
        (0..shape.numbers).map(|index| (format!("amount_{index}"), FieldType::Number)).collect();
    fields.push(("plan".to_owned(), FieldType::Category));
    fields.push(("paid".to_owned(), FieldType::Boolean));
    fields.push(("since".to_owned(), FieldType::Datetime));
    fields
}

fn recipe(shape: Shape) -> FittedRecipe {
    let fields = fields(shape);
    let inputs: Vec<FittedInput> = fields
        .iter()
        .map(|(name, field_type)| FittedInput {
            name: name.clone(),
            field_type: *field_type,
            rules: CellRules::default(),
            categories: match field_type {
                FieldType::Category => PLANS.map(str::to_owned).to_vec(),
                _ => Vec::new(),
            },
        })
        .collect();
    let op = |field_type| match field_type {
        FieldType::Category => FeatureOp::Code,
        FieldType::Datetime => FeatureOp::Date { part: DatePart::Month, fill: None, scale: None },
        _ => FeatureOp::Number { fill: None, scale: None },
    };
    let features = fields
        .iter()
        .enumerate()
        .map(|(index, (name, field_type))| Feature {
            name: name.clone(),
            input: index as u32,
            op: op(*field_type),
        })
        .collect();
    FittedRecipe {
        encoding: Encoding::Trees,
        inputs,
        texts: Vec::new(),
        images: Vec::new(),
        pieces: Vec::new(),
        features,
    }
}

/// Grows a tree by splitting random leaves.
fn tree(rng: &mut Rng, shape: Shape, output: u32) -> Tree {
    let mut tree = Tree { output, leaf_value: vec![0.0], ..Tree::default() };
    let mut parents: Vec<Option<(usize, bool)>> = vec![None];
    for _ in 1..shape.leaves {
        let leaf = rng.below(tree.leaf_value.len() as u64) as usize;
        let node = tree.feature.len();
        let feature = rng.below(shape.numbers as u64 + 3) as usize;
        let threshold =
            if feature < shape.numbers { rng.uniform() * 200.0 - 100.0 } else { rng.below(4) as f64 };
        if let Some((parent, left)) = parents[leaf] {
            *(if left { &mut tree.left[parent] } else { &mut tree.right[parent] }) = node as i32;
        }
        tree.feature.push(feature as u32);
        tree.threshold.push(threshold as f32);
        tree.flags.push(if rng.below(2) == 0 { MISSING_LEFT } else { 0 });
        tree.gain.push(1.0);
        tree.left.push(-(leaf as i32) - 1);
        tree.right.push(-(tree.leaf_value.len() as i32) - 1);
        parents[leaf] = Some((node, true));
        parents.push(Some((node, false)));
        tree.leaf_value.push(0.0);
    }
    for value in &mut tree.leaf_value {
        *value = (rng.below(8_192) as f32 - 4_096.0) * GRID;
    }
    tree.leaf_cover = vec![10.0; tree.leaf_value.len()];
    tree.node_cover = node_cover(&tree);
    tree
}

/// Covers that add up, as explanations need them.
fn node_cover(tree: &Tree) -> Vec<f32> {
    let mut cover = vec![0.0; tree.feature.len()];
    for node in (0..cover.len()).rev() {
        let of = |child: i32| if child >= 0 { cover[child as usize] } else { 10.0 };
        cover[node] = of(tree.left[node]) + of(tree.right[node]);
    }
    cover
}

/// The model as data.
pub(crate) fn parts(shape: Shape) -> ScorerParts {
    let mut rng = Rng::new(shape.seed, 17);
    let outputs = if shape.task == Task::Multiclass { 3 } else { 1 };
    let trees = (0..shape.trees).map(|index| tree(&mut rng, shape, (index % outputs) as u32)).collect();
    ScorerParts {
        task: shape.task,
        classes: classes(shape.task),
        recipe: recipe(shape),
        link: match shape.task {
            Task::Binary => Link::Logistic,
            Task::Multiclass => Link::Softmax,
            Task::Regression => Link::Identity,
        },
        calibration: Calibration::None,
        model: Model::Trees(TreeEnsemble {
            n_features: shape.numbers as u32 + 3,
            base: vec![0.125; outputs],
            grid: GRID,
            sum: yard_score::model::Sum::Grid,
            trees,
        }),
    }
}

/// A table of random rows, missing values among them.
pub(crate) fn table(shape: Shape, rows: usize, seed: u64) -> Table {
    let mut rng = Rng::new(seed, 3);
    let columns = fields(shape).into_iter().map(|(name, field_type)| {
        let mut number =
            |most: f64| if rng.below(10) == 0 { f64::NAN } else { rng.uniform() * 2.0 * most - most };
        let column = match field_type {
            FieldType::Category => {
                let words: Vec<Option<&str>> = (0..rows)
                    .map(|_| [Some("basic"), Some("pro"), Some("other\u{e9}"), None][rng.below(4) as usize])
                    .collect();
                Column::Text(TextColumn::from_cells(words))
            }
            FieldType::Boolean => Column::Number((0..rows).map(|_| rng.below(2) as f64).collect()),
            FieldType::Datetime => {
                Column::Instant((0..rows).map(|_| rng.below(1_600_000_000) as i64 * 1_000_000).collect())
            }
            _ => Column::Number((0..rows).map(|_| number(120.0)).collect()),
        };
        (name, column)
    });
    Table::new(columns.collect()).unwrap()
}

fn contract(shape: Shape) -> Contract {
    let field = |(name, field_type): (String, FieldType)| ContractField {
        nullable: !(shape.strict && name == "paid"),
        name,
        field_type,
        min: None,
        max: None,
        categories: if field_type == FieldType::Category {
            PLANS.map(str::to_owned).to_vec()
        } else {
            Vec::new()
        },
        example: Value::Null,
    };
    Contract {
        name: shape.name.to_owned(),
        task: shape.task,
        fields: fields(shape).into_iter().map(field).collect(),
        id_field: Some("customer".to_owned()),
        target: "left".to_owned(),
        classes: classes(shape.task),
    }
}

fn frame(shape: Shape) -> Frame {
    Frame {
        decision: "offer".to_owned(),
        unit: "customer".to_owned(),
        action: "offer".to_owned(),
        cost_unit: "EUR".to_owned(),
        task: shape.task,
        target: "left".to_owned(),
        positive: (shape.task == Task::Binary).then(|| "yes".to_owned()),
        classes: classes(shape.task),
        costs: Some(Costs { false_positive: 1.0, false_negative: 2.0, ..Costs::default() }),
        metric: "roc_auc".to_owned(),
        protected: Vec::new(),
        floors: Vec::new(),
        latency_budget_ms: None,
        size_budget_bytes: None,
    }
}

fn reference(shape: Shape, sample: &Table, scorer: &Scorer) -> ReferenceSet {
    let fields = sample.names().iter().zip(sample.columns()).map(|(name, column)| match column {
        Column::Number(values) => ReferenceSketch::from_values(name, values),
        Column::Instant(values) => {
            ReferenceSketch::from_values(name, &values.iter().map(|value| *value as f64).collect::<Vec<_>>())
        }
        Column::Text(text) => {
            ReferenceSketch::from_categories(name, (0..text.codes.len()).map(|row| text.get(row)))
        }
    });
    let scored = scorer.score_table(sample).unwrap();
    let score = match shape.task {
        Task::Multiclass => {
            ReferenceSketch::from_categories("prediction", (0..sample.rows()).map(|row| scored.label(row)))
        }
        Task::Binary => {
            let p: Vec<f64> = scored.class_probabilities(1).into_iter().map(f64::from).collect();
            ReferenceSketch::from_values("prediction", &p)
        }
        Task::Regression => {
            let p: Vec<f64> = scored.margins.iter().map(|margin| f64::from(*margin)).collect();
            ReferenceSketch::from_values("prediction", &p)
        }
    };
    ReferenceSet { rows: sample.rows() as u64, fields: fields.collect(), score }
}

/// The package of a model.
pub(crate) fn package(shape: Shape) -> Vec<u8> {
    let parts = parts(shape);
    let scorer = Scorer::new(&parts).unwrap();
    let sample = table(shape, 500, shape.seed + 1_000);
    let contract = contract(shape);
    let threshold = (shape.task == Task::Binary).then(|| frame(shape).threshold());
    let content = PackageContent {
        version: shape.version,
        written_by: "0.0.0".to_owned(),
        golden: golden::make(&scorer, &contract, &sample, threshold).unwrap(),
        reference: reference(shape, &sample, &scorer),
        contract,
        frame: frame(shape),
        evaluations: vec![
            serde_json::from_value(json!({
                "model": 1, "split": "test", "rows": 20, "positives": 8, "metrics": {}, "threshold": 0.25,
                "size_bytes": 1000
            }))
            .unwrap(),
        ],
        card: "# Card\n".to_owned(),
        lineage: Lineage {
            project: "p".to_owned(),
            dataset: "d.csv".to_owned(),
            fingerprint: "00".repeat(32),
            rows: 500,
            split: "none".to_owned(),
            run: RunSpec::new(Family::Boosting),
            params: Params::new(),
            device: "cpu".to_owned(),
            trained_at: "2024-01-01T00:00:00Z".to_owned(),
            recipe: Vec::new(),
            more: BTreeMap::new(),
        },
        feature_means: None,
        parts,
    };
    yard_package::write(&content, None).unwrap()
}

/// Rows as requests, in the form in which a client sends them.
pub(crate) fn requests(shape: Shape, rows: usize, seed: u64) -> Vec<Map<String, Value>> {
    let (contract, table) = (contract(shape), table(shape, rows, seed));
    (0..rows).map(|row| golden::request(&contract, &table, row)).collect()
}

/// The probability threshold of the decision.
pub(crate) fn threshold(shape: Shape) -> f64 {
    frame(shape).threshold()
}
