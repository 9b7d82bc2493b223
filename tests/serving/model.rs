//! Models trained on the samples, and their packages.

use std::collections::BTreeMap;
use yard_data::{ContractInput, Dataset, ReadOptions};
use yard_metrics::sketch::{ReferenceSet, ReferenceSketch, SCORE_FIELD};
use yard_package::{
    Lineage, PackageContent,
    card::{self, CardFacts},
    golden,
};
use yard_score::scorer::Scorer;
use yard_tests::rows::sample_path;
use yard_train::{Context, EvaluateInput, Silent, TrainInput, TrainOutput};
use yard_types::{
    command::NewProject,
    frame::{Frame, Task},
    ids::ModelId,
    run::{Family, Params, RunSpec},
    split::Split,
    table::{Column, Table},
};

/// A question on a sample.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question {
    pub(crate) sample: &'static str,
    pub(crate) target: &'static str,
    pub(crate) positive: Option<&'static str>,
}

pub(crate) const CHURN: Question = Question { sample: "telco-churn", target: "Churn", positive: Some("Yes") };
pub(crate) const RINGS: Question = Question { sample: "abalone", target: "rings", positive: None };
pub(crate) const SPECIES: Question = Question { sample: "penguins", target: "species", positive: None };

/// A sample with frame and split.
pub(crate) struct Framed {
    pub(crate) question: Question,
    pub(crate) dataset: Dataset,
    pub(crate) frame: Frame,
    pub(crate) split: Split,
}

/// A trained model and its package.
pub(crate) struct Packed {
    pub(crate) content: PackageContent,
    pub(crate) bytes: Vec<u8>,
}

impl Question {
    /// Opens the sample as a project does.
    pub(crate) fn framed(self) -> Framed {
        let mut dataset = yard_data::open(&sample_path(self.sample), &ReadOptions::default()).unwrap();
        let facts = NewProject {
            target: Some(self.target.to_owned()),
            positive: self.positive.map(str::to_owned),
            ..NewProject::default()
        };
        let framed = yard_data::infer_frame(&mut dataset, &facts).unwrap().unwrap();
        let (split, _) =
            yard_data::split(&dataset.table, &dataset.schema, &framed.frame, &framed.split).unwrap();
        Framed { question: self, dataset, frame: framed.frame, split }
    }
}

/// The run of a family with few trees or epochs.
pub(crate) fn small_run(family: Family) -> RunSpec {
    let params: &[(&str, &str)] = match family {
        Family::Boosting => &[("trees", "60")],
        Family::Forest => &[("trees", "20")],
        Family::Mlp => &[("epochs", "8"), ("layers", "24,12")],
        _ => &[],
    };
    let params: Params = params.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    RunSpec { params, seed: 11, ..RunSpec::new(family) }
}

impl Framed {
    pub(crate) fn input(&self) -> TrainInput<'_> {
        TrainInput {
            table: &self.dataset.table,
            schema: &self.dataset.schema,
            frame: &self.frame,
            split: &self.split,
        }
    }

    pub(crate) fn train(&self, family: Family, threads: usize) -> TrainOutput {
        yard_train::train(&self.input(), &small_run(family), &Context::new(threads, &Silent, &|| 0.0))
            .unwrap()
    }

    /// Trains a family and packs the model.
    pub(crate) fn packed(&self, family: Family, version: u64) -> Packed {
        let output = self.train(family, 2);
        let scorer = Scorer::new(&output.parts).unwrap();
        let contract = yard_data::contract(&ContractInput {
            name: self.question.sample,
            table: &self.dataset.table,
            rows: &self.split.train,
            schema: &self.dataset.schema,
            frame: &self.frame,
            recipe: &output.parts.recipe,
        });
        let sample = self.dataset.table.take(&self.split.test);
        let threshold = (self.frame.task == Task::Binary).then(|| self.frame.threshold());
        let evaluation = EvaluateInput {
            model: ModelId(1),
            parts: &output.parts,
            split: "test",
            table: &self.dataset.table,
            rows: &self.split.test,
            schema: &self.dataset.schema,
            frame: &self.frame,
            training: None,
            threshold: None,
            size_bytes: 0,
            seed: 1,
        };
        let context = Context::new(2, &Silent, &|| 0.0);
        let evaluations = vec![yard_train::evaluate(&evaluation, &context).unwrap()];
        let lineage = self.lineage(family, &output);
        let card = card::render(&CardFacts {
            contract: &contract,
            frame: &self.frame,
            evaluations: &evaluations,
            lineage: &lineage,
            version,
            model_sha256: yard_package::model_hash(&output.parts).unwrap(),
        });
        let content = PackageContent {
            version,
            written_by: "tests".to_owned(),
            golden: golden::make(&scorer, &contract, &sample, threshold).unwrap(),
            reference: reference(&scorer, &self.dataset.table.take(&self.split.train)),
            evaluations,
            card,
            lineage,
            feature_means: None,
            parts: output.parts,
            frame: self.frame.clone(),
            contract,
        };
        let bytes = yard_package::write(&content, None).unwrap();
        Packed { content, bytes }
    }

    fn lineage(&self, family: Family, output: &TrainOutput) -> Lineage {
        Lineage {
            project: self.question.sample.to_owned(),
            dataset: format!("{}.csv", self.question.sample),
            fingerprint: self.dataset.fingerprint.sha256.to_hex(),
            rows: self.dataset.table.rows() as u64,
            split: "by row hash".to_owned(),
            run: small_run(family),
            params: output.params.clone(),
            device: output.device.clone(),
            trained_at: "2024-01-01T00:00:00Z".to_owned(),
            recipe: output.recipe_lines.clone(),
            more: BTreeMap::new(),
        }
    }
}

fn reference(scorer: &Scorer, table: &Table) -> ReferenceSet {
    let inputs: Vec<&str> = scorer.input_names().collect();
    let columns = table.names().iter().zip(table.columns());
    let fields =
        columns.filter(|(name, _)| inputs.contains(&name.as_str())).map(|(name, column)| match column {
            Column::Number(values) => ReferenceSketch::from_values(name, values),
            Column::Instant(values) => {
                ReferenceSketch::from_values(name, &values.iter().map(|at| *at as f64).collect::<Vec<_>>())
            }
            Column::Text(text) => {
                ReferenceSketch::from_categories(name, (0..text.codes.len()).map(|row| text.get(row)))
            }
        });
    let scored = scorer.score_table(table).unwrap();
    let floats = |values: &[f32]| values.iter().map(|value| f64::from(*value)).collect::<Vec<_>>();
    let score = match scorer.task() {
        Task::Multiclass => {
            ReferenceSketch::from_categories(SCORE_FIELD, (0..table.rows()).map(|row| scored.label(row)))
        }
        Task::Binary => ReferenceSketch::from_values(SCORE_FIELD, &floats(&scored.class_probabilities(1))),
        Task::Regression => ReferenceSketch::from_values(SCORE_FIELD, &floats(&scored.margins)),
    };
    ReferenceSet { rows: table.rows() as u64, fields: fields.collect(), score }
}
