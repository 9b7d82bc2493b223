//! Reasons for an answer: what each input field adds to the margin, `base + Σ contributions + residual
//! = margin` for each output. Contributions of features are added up to their fields.
//!
//! - Trees: exact path-dependent `TreeSHAP` ([`trees`]), or exact interventional `TreeSHAP` against a
//!   background sample ([`background`]).
//! - Linear models: exact, weight × (x − reference).
//! - Nets: integrated gradients from the reference ([`net`]), exact between the points at which units
//!   switch; rounding is the residual.
//! - Ensembles: the weighted sum of the members' contributions.
//!
//! The reference of linear models and nets is one value per feature, the means over training rows
//! ([`feature_means`]); without one it is zero, which is the mean of every scaled feature.

mod background;
mod lanes;
mod net;
mod plan;
mod quadrature;
#[cfg(test)]
mod shap_tests;
#[cfg(test)]
mod tests;
mod trees;

use crate::{
    encode::{DENSE_LIMIT, Rows},
    error::ScoreError,
    forward,
    model::{LinearModel, Member, Model, ScorerParts},
    scorer::Scorer,
};
use yard_types::table::{FieldValue, Table};

/// How the contributions were computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Exact path-dependent `TreeSHAP`.
    TreeShap,
    /// Exact interventional `TreeSHAP` against a background sample.
    Interventional,
    /// Weight × (x − reference), exact.
    Linear,
    /// Integrated gradients over the linear pieces of the net.
    IntegratedGradients,
    /// Weighted sum over the members of an ensemble, each by the method of its kind.
    Ensemble,
}

impl Method {
    /// Returns the method in words.
    pub fn word(self) -> &'static str {
        match self {
            Self::TreeShap => "TreeSHAP (path-dependent, exact)",
            Self::Interventional => "TreeSHAP (interventional, exact)",
            Self::Linear => "linear contributions (exact)",
            Self::IntegratedGradients => "integrated gradients (from the mean row)",
            Self::Ensemble => "weighted sum of the contributions to each member",
        }
    }
}

/// Contributions of one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// Method.
    pub method: Method,
    /// Margin of a row about which nothing is known, per output.
    pub base: Vec<f64>,
    /// `[outputs, inputs]`, row-major: what each field adds to the margin.
    pub contributions: Vec<f64>,
    /// Margin − base − Σ contributions, per output: rounding.
    pub residual: Vec<f64>,
    /// Margins of the scorer, per output; under a log link the logarithm of the prediction.
    pub margins: Vec<f32>,
}

impl Explanation {
    /// Returns the contributions of the fields to one output; empty when the output does not exist.
    pub fn of_output(&self, output: usize) -> &[f64] {
        let inputs = self.contributions.len() / self.base.len().max(1);
        self.contributions.get(output * inputs..(output + 1) * inputs).unwrap_or(&[])
    }

    /// Returns (input, contribution) of one output, largest absolute value first, ties by input.
    pub fn ranked(&self, output: usize) -> Vec<(usize, f64)> {
        let mut ranked: Vec<(usize, f64)> = self.of_output(output).iter().copied().enumerate().collect();
        ranked.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
        ranked
    }
}

/// Explains answers of one model.
#[derive(Clone, Debug)]
pub struct Explainer {
    scorer: Scorer,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Trees(trees::TreeShap),
    Background(background::Interventional),
    Linear { model: LinearModel, reference: Vec<f32> },
    Net(net::Gradients),
    Ensemble { members: Vec<Part>, bias: Vec<f64> },
}

/// A member of an ensemble with its range of features.
#[derive(Clone, Debug)]
struct Part {
    kind: Kind,
    first: usize,
    n_features: usize,
    scale: f64,
}

impl Kind {
    /// `reference` holds one value per feature of the model.
    fn new(model: &Model, reference: &[f32]) -> Self {
        match model {
            Model::Trees(model) => Self::Trees(trees::TreeShap::new(model.clone())),
            Model::Linear(model) => Self::Linear { model: model.clone(), reference: reference.to_vec() },
            Model::Net(model) => Self::Net(net::Gradients::new(model.clone(), reference.to_vec())),
            Model::Ensemble(model) => {
                let part = |member: &Member| {
                    let (first, n_features) = (member.first as usize, member.n_features as usize);
                    let own = &reference[first..first + n_features];
                    Part { kind: Self::new(&member.model, own), first, n_features, scale: member.scale }
                };
                Self::Ensemble { members: model.members.iter().map(part).collect(), bias: model.bias.clone() }
            }
        }
    }

    /// Returns method, base per output, and contributions `[outputs, features]` of one row.
    fn contributions(&self, features: &[f32]) -> (Method, Vec<f64>, Vec<f64>) {
        match self {
            Self::Trees(shap) => (Method::TreeShap, shap.base().to_vec(), shap.contributions(features)),
            Self::Background(shap) => {
                (Method::Interventional, shap.base().to_vec(), shap.contributions(features))
            }
            Self::Linear { model, reference } => {
                let (base, by_feature) = linear(model, reference, features);
                (Method::Linear, base, by_feature)
            }
            Self::Net(net) => (Method::IntegratedGradients, net.base().to_vec(), net.contributions(features)),
            Self::Ensemble { members, bias } => {
                let (mut base, width) = (bias.clone(), features.len());
                let mut by_feature = vec![0.0; bias.len() * width];
                for member in members {
                    member.add(features, &mut base, &mut by_feature);
                }
                (Method::Ensemble, base, by_feature)
            }
        }
    }
}

impl Part {
    fn add(&self, features: &[f32], base: &mut [f64], by_feature: &mut [f64]) {
        let range = self.first..self.first + self.n_features;
        let mut inside = features[range.clone()].to_vec();
        if !matches!(self.kind, Kind::Trees(_)) {
            for value in &mut inside {
                *value = value.clamp(-DENSE_LIMIT, DENSE_LIMIT);
            }
        }
        let (_, own_base, own) = self.kind.contributions(&inside);
        for (output, value) in own_base.iter().enumerate() {
            base[output] += self.scale * value;
            let line = &mut by_feature[output * features.len()..][range.clone()];
            for (slot, value) in line.iter_mut().zip(&own[output * self.n_features..]) {
                *slot += self.scale * value;
            }
        }
    }
}

impl Explainer {
    /// Checks the model as [`Scorer::new`] does. `reference` holds one value per feature; trees ignore it.
    pub fn new(parts: &ScorerParts, reference: Option<&[f32]>) -> Result<Self, ScoreError> {
        let scorer = Scorer::new(parts)?;
        let n_features = scorer.encoder().n_features();
        let reference = reference.map_or_else(|| vec![0.0; n_features], <[f32]>::to_vec);
        forward::check_len("number of reference values", reference.len(), n_features)?;
        forward::check_finite("reference value", &reference)?;
        let kind = Kind::new(&parts.model, &reference);
        Ok(Self { scorer, kind })
    }

    /// Explains tree ensembles against a background sample, encoded rows `[rows, n_features]` of which
    /// there must be one or more: an unknown feature takes the values of background rows, not of the
    /// training rows in the same branch. Other families, and trees with more than 64 features on one
    /// path, are refused. Memory grows with leaves × distinct background rows; 100 rows are usual.
    pub fn interventional(parts: &ScorerParts, background: &[f32]) -> Result<Self, ScoreError> {
        let scorer = Scorer::new(parts)?;
        let n_features = scorer.encoder().n_features();
        let rows = (background.len() / n_features).max(1);
        forward::check_len("number of background values", background.len(), rows * n_features)?;
        let Model::Trees(model) = &parts.model else {
            let what = "interventional explanations of a model that has no trees".to_owned();
            return Err(ScoreError::Inconsistent { what, expected: "a tree ensemble".to_owned() });
        };
        let kind = Kind::Background(background::Interventional::new(model.clone(), background)?);
        Ok(Self { scorer, kind })
    }

    /// Returns the scorer of the same model.
    pub fn scorer(&self) -> &Scorer {
        &self.scorer
    }

    /// Explains one row of values in input order.
    pub fn explain(&self, row: &[FieldValue<'_>]) -> Result<Explanation, ScoreError> {
        let mut features = vec![0.0; self.scorer.encoder().n_features()];
        self.scorer.encoder().encode_row(row, &mut features)?;
        self.explain_features(&features)
    }

    /// Explains rows of a table in order.
    pub fn explain_rows(&self, table: &Table, rows: Rows<'_>) -> Result<Vec<Explanation>, ScoreError> {
        self.explain_encoded(&self.scorer.encoder().encode(table, rows)?)
    }

    /// Explains one row of encoded features.
    pub fn explain_features(&self, features: &[f32]) -> Result<Explanation, ScoreError> {
        forward::check_len("number of features", features.len(), self.scorer.encoder().n_features())?;
        let mut all = self.explain_encoded(features)?;
        all.pop().ok_or(ScoreError::Row { row: 0, rows: 0 })
    }

    /// Explains encoded rows `[rows, n_features]`, in order; the bits of an explanation do not depend on
    /// the other rows.
    pub fn explain_encoded(&self, features: &[f32]) -> Result<Vec<Explanation>, ScoreError> {
        let n_features = self.scorer.encoder().n_features();
        let rows = features.len() / n_features;
        forward::check_len("number of feature values", features.len(), rows * n_features)?;
        let margins = self.scorer.margins(features)?;
        let (method, base, all) = self.by_feature(features);
        let outputs = self.scorer.outputs();
        let rows = margins.chunks_exact(outputs).zip(all.chunks_exact(outputs * n_features));
        Ok(rows.map(|(margins, by_feature)| self.explanation((method, &base), margins, by_feature)).collect())
    }

    /// Returns the base per output, and what features add, `[rows, outputs, n_features]`.
    fn by_feature(&self, features: &[f32]) -> (Method, Vec<f64>, Vec<f64>) {
        let rows = features.chunks_exact(self.scorer.encoder().n_features());
        match &self.kind {
            Kind::Trees(shap) => (Method::TreeShap, shap.base().to_vec(), shap.contributions(features)),
            Kind::Background(shap) => {
                (Method::Interventional, shap.base().to_vec(), shap.contributions(features))
            }
            Kind::Linear { model, reference } => {
                let base = linear(model, reference, reference).0;
                let all = rows.flat_map(|row| linear(model, reference, row).1).collect();
                (Method::Linear, base, all)
            }
            Kind::Net(net) => {
                let all = rows.flat_map(|row| net.contributions(row)).collect();
                (Method::IntegratedGradients, net.base().to_vec(), all)
            }
            Kind::Ensemble { bias, .. } => {
                let (mut base, mut all) = (bias.clone(), Vec::new());
                for row in rows {
                    let found = self.kind.contributions(row);
                    base = found.1;
                    all.extend(found.2);
                }
                (Method::Ensemble, base, all)
            }
        }
    }

    fn explanation(
        &self,
        (method, base): (Method, &[f64]),
        margins: &[f32],
        by_feature: &[f64],
    ) -> Explanation {
        let contributions = self.by_field(by_feature, base.len());
        let inputs = self.scorer.encoder().n_inputs();
        let residual = margins.iter().zip(base).enumerate().map(|(k, (margin, base))| {
            let sum: f64 = contributions[k * inputs..(k + 1) * inputs].iter().sum();
            f64::from(*margin) - base - sum
        });
        let residual = residual.collect();
        Explanation { method, base: base.to_vec(), contributions, residual, margins: margins.to_vec() }
    }

    fn by_field(&self, by_feature: &[f64], outputs: usize) -> Vec<f64> {
        let encoder = self.scorer.encoder();
        let (inputs, n_features) = (encoder.n_inputs(), encoder.n_features());
        let mut out = vec![0.0; outputs * inputs];
        for output in 0..outputs {
            for (feature, input) in encoder.input_of().iter().enumerate() {
                out[output * inputs + *input as usize] += by_feature[output * n_features + feature];
            }
        }
        out
    }
}

/// Returns the mean of each feature over rows of a table, missing values left out (0 when all are
/// missing or infinite): the reference for [`Explainer::new`].
pub fn feature_means(scorer: &Scorer, table: &Table, rows: Rows<'_>) -> Result<Vec<f32>, ScoreError> {
    let columns = scorer.encoder().encode_columns(table, rows)?;
    let mean = |column: &Vec<f32>| {
        let finite = column.iter().filter(|value| value.is_finite());
        let (sum, count) = finite.fold((0.0, 0_u64), |(sum, count), v| (sum + f64::from(*v), count + 1));
        if count == 0 { 0.0 } else { (sum / count as f64) as f32 }
    };
    Ok(columns.iter().map(mean).collect())
}

fn linear(model: &LinearModel, reference: &[f32], x: &[f32]) -> (Vec<f64>, Vec<f64>) {
    let mut base = Vec::with_capacity(model.bias.len());
    let mut contributions = Vec::with_capacity(model.weights.len());
    for (bias, weights) in model.bias.iter().zip(model.weights.chunks_exact(reference.len().max(1))) {
        let mut sum = f64::from(*bias);
        for ((weight, reference), value) in weights.iter().zip(reference).zip(x) {
            sum += f64::from(*weight) * f64::from(*reference);
            contributions.push(f64::from(*weight) * (f64::from(*value) - f64::from(*reference)));
        }
        base.push(sum);
    }
    (base, contributions)
}
