//! Reasons for an answer: what each input field adds to the margin, `base + Σ contributions + residual
//! = margin` for each output. Contributions of features are added up to their fields.
//!
//! - Trees: exact path-dependent `TreeSHAP` ([`trees`]), or exact interventional `TreeSHAP` against a
//!   background sample ([`background`]).
//! - Linear models: exact, weight × (x − reference).
//! - Nets: integrated gradients from the reference ([`net`]), exact between the points at which units
//!   switch; rounding is the residual.
//! - Deep nets: Shapley values of fields by permutation sampling ([`deep`]); residual is rounding.
//! - Ensembles: the weighted sum of the members' contributions.
//!
//! The reference of linear models and nets is one value per feature, the means over training rows
//! ([`feature_means`]); without one it is zero, which is the mean of every scaled feature.

mod background;
mod deep;
mod lanes;
mod linear;
mod net;
mod plan;
mod quadrature;
#[cfg(test)]
mod shap_tests;
#[cfg(test)]
mod tests;
mod trees;

use crate::{
    encode::{self, DENSE_LIMIT, Rows},
    error::ScoreError,
    forward,
    model::{Member, Model, ScorerParts},
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
    /// Shapley values by permutation sampling against a reference row.
    Permutations,
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
            Self::Permutations => "Shapley values (sampled, from the mean row)",
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
    /// Features of the terms that the texts of the row hold.
    pub terms: Vec<u32>,
    /// `[outputs, terms]`, row-major: what each of these terms adds within its field.
    pub term_contributions: Vec<f64>,
}

impl Explanation {
    /// Returns the contributions of the fields to one output; empty when the output does not exist.
    pub fn of_output(&self, output: usize) -> &[f64] {
        let inputs = self.contributions.len() / self.base.len().max(1);
        self.contributions.get(output * inputs..(output + 1) * inputs).unwrap_or(&[])
    }

    /// Returns (feature, contribution) of the terms of one output, largest absolute value first, ties by
    /// feature.
    pub fn ranked_terms(&self, output: usize) -> Vec<(u32, f64)> {
        let count = self.terms.len();
        let own = self.term_contributions.get(output * count..(output + 1) * count).unwrap_or(&[]);
        let mut ranked: Vec<(u32, f64)> = self.terms.iter().copied().zip(own.iter().copied()).collect();
        ranked.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
        ranked
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
    /// Input and term of each feature that is one.
    terms: Vec<Option<(u32, Box<str>)>>,
}

/// What the fields and terms of a row add.
struct Shares {
    /// `[outputs, inputs]`.
    fields: Vec<f64>,
    terms: Vec<u32>,
    /// `[outputs, terms]`.
    by_term: Vec<f64>,
}

#[derive(Clone, Debug)]
enum Kind {
    Trees(trees::TreeShap),
    Background(background::Interventional),
    Linear(linear::Linear),
    Net(net::Gradients),
    /// `None` when the net can't run, which the scorer has refused before.
    Deep(Option<Box<deep::Shapley>>),
    Ensemble {
        members: Vec<Part>,
        bias: Vec<f64>,
    },
}

/// What a linear model has to know of its features.
#[derive(Clone, Copy)]
struct Fields<'a> {
    /// Input of each feature.
    input_of: &'a [u32],
    inputs: usize,
    is_term: &'a [bool],
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
    fn new(model: &Model, reference: &[f32], fields: Fields<'_>) -> Self {
        match model {
            Model::Trees(model) => Self::Trees(trees::TreeShap::new(model.clone())),
            Model::Linear(model) => {
                let inputs = (fields.input_of, fields.inputs);
                Self::Linear(linear::Linear::new(model.clone(), reference.to_vec(), inputs, fields.is_term))
            }
            Model::Deep(_) => Self::Deep(deep::Shapley::new(model, reference, fields.input_of).map(Box::new)),
            Model::Net(model) => Self::Net(net::Gradients::new(model.clone(), reference.to_vec())),
            Model::Ensemble(model) => {
                let part = |member: &Member| {
                    let (first, n_features) = (member.first as usize, member.n_features as usize);
                    let own = &reference[first..first + n_features];
                    let range = first..first + n_features;
                    let fields = Fields {
                        input_of: &fields.input_of[range.clone()],
                        is_term: &fields.is_term[range],
                        ..fields
                    };
                    let kind = Self::new(&member.model, own, fields);
                    Part { kind, first, n_features, scale: member.scale }
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
            Self::Linear(model) => (Method::Linear, model.base().to_vec(), model.by_feature(features)),
            Self::Net(net) => (Method::IntegratedGradients, net.base().to_vec(), net.contributions(features)),
            Self::Deep(None) => (Method::Permutations, Vec::new(), Vec::new()),
            Self::Deep(Some(net)) => (Method::Permutations, net.base().to_vec(), net.contributions(features)),
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
        let terms = terms_of(parts);
        let is_term: Vec<bool> = terms.iter().map(Option::is_some).collect();
        let fields = Fields {
            input_of: scorer.encoder().input_of(),
            inputs: scorer.encoder().n_inputs(),
            is_term: &is_term,
        };
        let kind = Kind::new(&parts.model, &reference, fields);
        Ok(Self { scorer, kind, terms })
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
        Ok(Self { scorer, kind, terms: terms_of(parts) })
    }

    /// Returns the scorer of the same model.
    pub fn scorer(&self) -> &Scorer {
        &self.scorer
    }

    /// Returns input and term of a feature that is one.
    pub fn term(&self, feature: u32) -> Option<(usize, &str)> {
        let (input, term) = self.terms.get(feature as usize)?.as_ref()?;
        Some((*input as usize, term))
    }

    /// Explains one row of values in input order.
    pub fn explain(&self, row: &[FieldValue<'_>]) -> Result<Explanation, ScoreError> {
        let mut features = vec![0.0; self.scorer.encoder().n_features()];
        self.scorer.encoder().encode_row(row, &mut features)?;
        self.explain_features(&features)
    }

    /// Explains rows of a table in order.
    pub fn explain_rows(&self, table: &Table, rows: Rows<'_>) -> Result<Vec<Explanation>, ScoreError> {
        let encoder = self.scorer.encoder();
        let bound = encoder.bind(table)?;
        let n_features = encoder.n_features();
        let block = encode::block_rows(n_features * self.scorer.outputs());
        let (mut values, mut features) = (Vec::new(), vec![0.0; block.min(rows.len()) * n_features]);
        let mut out = Vec::with_capacity(rows.len());
        for start in (0..rows.len()).step_by(block) {
            let end = (start + block).min(rows.len());
            let features = &mut features[..(end - start) * n_features];
            bound.encode_block(rows, (start, end), &mut values, features)?;
            out.extend(self.explain_encoded(features)?);
        }
        Ok(out)
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
        let (method, base, shares) = self.shares(features);
        let rows = margins.chunks_exact(self.scorer.outputs()).zip(shares);
        Ok(rows.map(|(margins, shares)| self.explanation((method, &base), margins, shares)).collect())
    }

    /// Returns the base per output, and what fields and terms of each row add.
    fn shares(&self, features: &[f32]) -> (Method, Vec<f64>, Vec<Shares>) {
        let rows = features.chunks_exact(self.scorer.encoder().n_features());
        let (method, base, all) = match &self.kind {
            Kind::Linear(model) => {
                let shares = rows.map(|row| {
                    let terms = self.present(row);
                    let (fields, by_term) = (model.by_field(row, &terms), model.by_term(row, &terms));
                    Shares { fields, terms, by_term }
                });
                return (Method::Linear, model.base().to_vec(), shares.collect());
            }
            Kind::Trees(shap) => (Method::TreeShap, shap.base(), shap.contributions(features)),
            Kind::Background(shap) => (Method::Interventional, shap.base(), shap.contributions(features)),
            Kind::Net(net) => {
                let all = rows.clone().flat_map(|row| net.contributions(row)).collect();
                (Method::IntegratedGradients, net.base(), all)
            }
            Kind::Deep(None) => (Method::Permutations, &[][..], Vec::new()),
            Kind::Deep(Some(net)) => {
                let all = rows.clone().flat_map(|row| net.contributions(row)).collect();
                (Method::Permutations, net.base(), all)
            }
            Kind::Ensemble { bias, .. } => {
                let mut base = bias.clone();
                let width = self.scorer.encoder().n_features();
                let shares = rows.map(|row| {
                    let (_, own_base, by_feature) = self.kind.contributions(row);
                    base = own_base;
                    let terms = self.present(row);
                    debug_assert_eq!(by_feature.len() % width, 0);
                    let fields = self.by_field(&by_feature, bias.len());
                    Shares { fields, by_term: self.by_term(&by_feature, &terms), terms }
                });
                let shares = shares.collect();
                return (Method::Ensemble, base, shares);
            }
        };
        let size = base.len() * self.scorer.encoder().n_features();
        let shares = rows.zip(all.chunks_exact(size)).map(|(row, by_feature)| {
            let terms = self.present(row);
            let fields = self.by_field(by_feature, base.len());
            Shares { fields, by_term: self.by_term(by_feature, &terms), terms }
        });
        (method, base.to_vec(), shares.collect())
    }

    fn explanation(&self, (method, base): (Method, &[f64]), margins: &[f32], shares: Shares) -> Explanation {
        let Shares { fields: contributions, terms, by_term: term_contributions } = shares;
        let inputs = self.scorer.encoder().n_inputs();
        let residual = margins.iter().zip(base).enumerate().map(|(k, (margin, base))| {
            let sum: f64 = contributions[k * inputs..(k + 1) * inputs].iter().sum();
            f64::from(*margin) - base - sum
        });
        let (residual, margins) = (residual.collect(), margins.to_vec());
        Explanation {
            method,
            base: base.to_vec(),
            contributions,
            residual,
            margins,
            terms,
            term_contributions,
        }
    }

    /// Returns the features of terms that a row holds.
    fn present(&self, features: &[f32]) -> Vec<u32> {
        let own = |(feature, value): &(u32, &f32)| **value != 0.0 && self.terms[*feature as usize].is_some();
        (0..).zip(features).filter(own).map(|(feature, _)| feature).collect()
    }

    /// Picks terms out of contributions of features, `[outputs, n_features]`.
    fn by_term(&self, by_feature: &[f64], terms: &[u32]) -> Vec<f64> {
        let lines = by_feature.chunks_exact(self.scorer.encoder().n_features());
        lines.flat_map(|line| terms.iter().map(|term| line[*term as usize])).collect()
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

/// Returns input and term of each feature that is one.
fn terms_of(parts: &ScorerParts) -> Vec<Option<(u32, Box<str>)>> {
    let recipe = &parts.recipe;
    let own = |feature: usize| Some((recipe.features[feature].input, recipe.term(feature)?.into()));
    (0..recipe.features.len()).map(own).collect()
}

/// Returns the mean of each feature over rows of a table, missing values left out (0 when all are
/// missing or infinite): the reference for [`Explainer::new`].
pub fn feature_means(scorer: &Scorer, table: &Table, rows: Rows<'_>) -> Result<Vec<f32>, ScoreError> {
    let encoder = scorer.encoder();
    let encoded = encoder.encode_sparse(table, rows)?;
    let mut sums = vec![(0.0_f64, rows.len()); encoder.n_features()];
    for (column, value) in encoded.columns.iter().zip(&encoded.values) {
        let (sum, count) = &mut sums[*column as usize];
        if value.is_finite() {
            *sum += f64::from(*value);
        } else {
            *count -= 1;
        }
    }
    let mut means: Vec<f32> = sums
        .into_iter()
        .map(|(sum, count)| if count == 0 { 0.0 } else { (sum / count as f64) as f32 })
        .collect();
    // There is no mean of pieces: the reference of a text is one without words.
    encoder.write_no_texts(&mut means);
    Ok(means)
}
