//! What every exporter reads of a package, and the README that lies inside each export.

use std::fmt::Write as _;
use yard_package::{Golden, Package};
use yard_score::model::{Calibration, Link, Model, ScorerParts};
use yard_types::{contract::Contract, frame::Task, ids::Sha256, recipe::FeatureOp, schema::FieldType};

/// The package as exporters see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) parts: &'a ScorerParts,
    pub(crate) contract: &'a Contract,
    pub(crate) version: u64,
    /// Probability threshold of the decision; `None` unless the task is binary.
    pub(crate) threshold: Option<f64>,
    /// Margin at and above which a row counts as positive at [`Self::threshold`].
    pub(crate) margin_threshold: Option<f64>,
    /// Margin of probability one half (binary).
    pub(crate) label_threshold: f64,
    pub(crate) golden: &'a [Golden],
    /// What rounding to a grid changes, in a sentence; `None` where nothing was rounded.
    pub(crate) rounding: Option<&'a str>,
    pub(crate) model_sha256: Sha256,
}

impl<'a> Subject<'a> {
    pub(crate) fn new(package: &'a Package) -> Self {
        let content = &package.content;
        let threshold = content.threshold();
        Self {
            parts: &content.parts,
            contract: &content.contract,
            version: content.version,
            threshold,
            margin_threshold: threshold.map(|value| package.scorer().margin_threshold(value)),
            label_threshold: package.scorer().margin_threshold(0.5),
            golden: &content.golden,
            rounding: None,
            model_sha256: package.manifest.model_sha256,
        }
    }

    pub(crate) fn name(&self) -> &'a str {
        &self.contract.name
    }

    /// Returns slope and intercept of the calibration.
    pub(crate) fn calibration(&self) -> (f64, f64) {
        match (&self.parts.calibration, self.parts.link) {
            (Calibration::None, _) => (1.0, 0.0),
            (Calibration::Platt { slope, .. }, Link::Softmax) => (*slope, 0.0),
            (Calibration::Platt { slope, intercept }, _) => (*slope, *intercept),
        }
    }

    pub(crate) fn family(&self) -> &'static str {
        match self.parts.model {
            Model::Linear(_) => "a linear model",
            Model::Trees(_) => "trees",
            Model::Net(_) => "a net",
            Model::Deep(_) => "a deep net",
            Model::Ensemble(_) => "an ensemble",
        }
    }

    /// Returns the number of categories of a feature's field, for a feature that is a category code.
    pub(crate) fn code_count(&self, feature: usize) -> Option<usize> {
        let feature = self.parts.recipe.features.get(feature)?;
        let input = self.parts.recipe.inputs.get(feature.input as usize)?;
        (feature.op == FeatureOp::Code).then_some(input.categories.len())
    }

    /// Returns the README of an export: what it is, what a request holds, what was not kept.
    pub(crate) fn readme(&self, title: &str, usage: &str, notes: &[String]) -> String {
        let mut out = format!("# {} version {}: {title}\n\n", self.name(), self.version);
        let task = match self.parts.task {
            Task::Binary => "binary classification",
            Task::Multiclass => "classification",
            Task::Regression => "regression",
        };
        add(&mut out, format_args!("Target `{}`, {task} by {}.", self.contract.target, self.family()));
        if !self.parts.classes.is_empty() {
            add(&mut out, format_args!(" Classes in order: {}.", quoted_list(&self.parts.classes)));
        }
        if let Some(threshold) = self.threshold {
            add(&mut out, format_args!(" The decision is positive from probability {threshold} on."));
        }
        add(&mut out, format_args!("\nModel SHA-256 `{}`.\n\n{usage}\n", self.model_sha256));
        let notes: Vec<&str> = notes.iter().map(String::as_str).chain(self.rounding).collect();
        if !notes.is_empty() {
            out.push_str("\n## What this format does not hold\n\n");
            for note in notes {
                add(&mut out, format_args!("- {note}\n"));
            }
        }
        out
    }

    /// Returns a Markdown table of the fields of a request.
    pub(crate) fn field_table(&self) -> String {
        let mut out = String::from("| field | type | missing is |\n|---|---|---|\n");
        for field in &self.contract.fields {
            let (kind, missing) = match field.field_type {
                FieldType::Number | FieldType::Integer => ("double", "NaN"),
                FieldType::Boolean => ("double, 0 or 1", "NaN"),
                FieldType::Category | FieldType::Text | FieldType::Image => ("string", "the empty string"),
                FieldType::Datetime => {
                    ("int64, microseconds since 1970-01-01 UTC", "the smallest int64 (-2^63)")
                }
            };
            add(&mut out, format_args!("| `{}` | {kind} | {missing} |\n", field.name.replace('|', "\\|")));
        }
        out
    }

    /// Returns what the reading rules of fields do to text that no exported graph can do.
    pub(crate) fn reading_notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let inputs = &self.parts.recipe.inputs;
        let words = |kind: FieldType| matches!(kind, FieldType::Category | FieldType::Text);
        if inputs.iter().any(|input| words(input.field_type)) {
            notes.push(
                "Strings are compared as they are: give them without spaces around them (the null words of \
                 each field count as missing)."
                    .to_owned(),
            );
        }
        for input in inputs.iter().filter(|input| input.rules.fold_case && words(input.field_type)) {
            notes.push(format!("Give `{}` in lower case: the field does not tell cases apart.", input.name));
        }
        for input in inputs.iter().filter(|input| input.field_type == FieldType::Datetime) {
            notes.push(format!(
                "Give `{}` as microseconds since 1970-01-01 UTC: text dates are not parsed here.",
                input.name
            ));
        }
        notes
    }
}

/// Appends formatted text; writing to a String can't fail.
pub(crate) fn add(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

pub(crate) fn quoted_list(words: &[String]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
