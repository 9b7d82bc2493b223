//! A package of a model that was read. It has no data of its own: its golden examples are rows at the
//! thresholds and categories of the trees, its reference sketches are empty, and the card says so.

use super::Imported;
use crate::error::ImportError;
use std::collections::BTreeMap;
use yard_metrics::sketch::{ReferenceSet, ReferenceSketch};
use yard_package::{
    Lineage, PackageContent,
    card::{self, CardFacts},
    golden, parts,
};
use yard_score::{model::Model, scorer::Scorer};
use yard_types::{
    contract::{Contract, ContractField},
    frame::{Frame, Task},
    recipe::{FeatureOp, FittedInput},
    rng::Rng,
    run::{Family, Params, RunSpec},
    schema::FieldType,
    table::{Column, Table, TextColumn},
};

/// Rows from which golden examples are made.
const ROWS: usize = 64;

/// What a package of an imported model is told by the caller.
#[derive(Clone, Debug)]
pub struct ImportFacts<'a> {
    /// Model name; made valid by [`yard_types::contract::name_from_text`].
    pub name: &'a str,
    /// File name of the model, without folders.
    pub file: &'a str,
    /// Now, RFC 3339.
    pub at: String,
    /// Version of the program.
    pub written_by: String,
}

impl Imported {
    /// Makes an unsigned package; `verify` says of it that it was not evaluated.
    pub fn to_package(&self, facts: &ImportFacts<'_>) -> Result<Vec<u8>, ImportError> {
        let scorer = Scorer::new(&self.parts)?;
        let name = yard_types::contract::name_from_text(facts.name);
        let contract = self.contract(&name);
        let frame = self.frame();
        let threshold = (self.parts.task == Task::Binary).then(|| frame.threshold());
        let examples = golden::make(&scorer, &contract, &self.rows()?, threshold)?;
        let lineage = self.lineage(facts);
        let mut card = card::render(&CardFacts {
            contract: &contract,
            frame: &frame,
            evaluations: &[],
            lineage: &lineage,
            version: 1,
            model_sha256: parts::model_hash(&self.parts)?,
        });
        card.push_str("\n## Read from another library\n\n");
        for note in &self.notes {
            crate::subject::add(&mut card, format_args!("- {note}\n"));
        }
        let scores: Vec<f64> =
            examples.iter().flat_map(|golden| &golden.margins).map(|m| f64::from(*m)).collect();
        let content = PackageContent {
            version: 1,
            written_by: facts.written_by.clone(),
            parts: self.parts.clone(),
            golden: examples,
            reference: ReferenceSet {
                rows: 0,
                fields: Vec::new(),
                score: ReferenceSketch::from_values("score", &scores),
            },
            evaluations: Vec::new(),
            feature_means: None,
            contract,
            frame,
            card,
            lineage,
        };
        Ok(yard_package::write(&content, None)?)
    }

    fn contract(&self, name: &str) -> Contract {
        let field = |input: &FittedInput| ContractField {
            name: input.name.clone(),
            field_type: input.field_type,
            nullable: true,
            min: None,
            max: None,
            categories: input.categories.clone(),
            example: serde_json::Value::Null,
        };
        Contract {
            name: name.to_owned(),
            task: self.parts.task,
            fields: self.parts.recipe.inputs.iter().map(field).collect(),
            id_field: None,
            target: "target".to_owned(),
            classes: self.parts.classes.clone(),
        }
    }

    fn frame(&self) -> Frame {
        let metric = match self.parts.task {
            Task::Binary => "roc_auc",
            Task::Multiclass => "log_loss",
            Task::Regression => "rmse",
        };
        Frame {
            decision: String::new(),
            unit: "row".to_owned(),
            action: String::new(),
            cost_unit: String::new(),
            task: self.parts.task,
            target: "target".to_owned(),
            positive: (self.parts.task == Task::Binary).then(|| "1".to_owned()),
            classes: self.parts.classes.clone(),
            costs: None,
            metric: metric.to_owned(),
            protected: Vec::new(),
            floors: Vec::new(),
            latency_budget_ms: None,
            size_budget_bytes: None,
        }
    }

    fn lineage(&self, facts: &ImportFacts<'_>) -> Lineage {
        Lineage {
            project: "import".to_owned(),
            dataset: facts.file.to_owned(),
            fingerprint: self.sha256.to_string(),
            rows: 0,
            split: "none: the model was trained elsewhere".to_owned(),
            run: RunSpec::new(Family::Boosting),
            params: Params::from([("objective".to_owned(), self.objective.clone())]),
            device: "elsewhere".to_owned(),
            trained_at: facts.at.clone(),
            recipe: Vec::new(),
            more: BTreeMap::from([("format".to_owned(), self.format.to_owned())]),
        }
    }

    /// Rows at the thresholds of the trees and at their categories, with missing and unseen values.
    fn rows(&self) -> Result<Table, ImportError> {
        let inputs = &self.parts.recipe.inputs;
        let mut thresholds: Vec<Vec<f64>> = vec![Vec::new(); inputs.len()];
        if let Model::Trees(ensemble) = &self.parts.model {
            for tree in &ensemble.trees {
                for (feature, threshold) in tree.feature.iter().zip(&tree.threshold) {
                    thresholds[*feature as usize].push(f64::from(*threshold));
                }
            }
        }
        for (thresholds, feature) in thresholds.iter_mut().zip(&self.parts.recipe.features) {
            if let FeatureOp::Rank { cuts, .. } = &feature.op {
                thresholds.clone_from(cuts);
            }
        }
        let mut rng = Rng::new(0, 1);
        let mut columns = Vec::with_capacity(inputs.len());
        for (index, input) in inputs.iter().enumerate() {
            let category = self.parts.recipe.features.get(index).is_some_and(|f| f.op == FeatureOp::Code);
            let column = if category || input.field_type == FieldType::Category {
                let words = &input.categories;
                let cells = (0..ROWS).map(|_| match rng.below(words.len() as u64 + 2) as usize {
                    0 => None,
                    draw => Some(words.get(draw - 1).map_or("(unseen)", String::as_str)),
                });
                Column::Text(TextColumn::from_cells(cells.collect::<Vec<_>>()))
            } else {
                Column::Number((0..ROWS).map(|_| near(&mut rng, &thresholds[index])).collect())
            };
            columns.push((input.name.clone(), column));
        }
        let problem =
            |problem: String| yard_score::error::ScoreError::Recipe { what: "columns".to_owned(), problem };
        Table::new(columns).map_err(|error| problem(error.to_string()).into())
    }
}

/// Draws a threshold, or a value near one, or nothing.
fn near(rng: &mut Rng, thresholds: &[f64]) -> f64 {
    if rng.below(8) == 0 {
        return f64::NAN;
    }
    let at = thresholds.get(rng.below(thresholds.len() as u64) as usize).copied().unwrap_or(0.0);
    match rng.below(3) {
        0 => at,
        1 => at.next_up(),
        _ => at + (rng.uniform() - 0.5) * at.abs().max(1.0),
    }
}
