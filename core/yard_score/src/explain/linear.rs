//! Linear models: weight × (x − reference), added up by field. Of a vocabulary only the terms that a text
//! holds are walked; what the absence of all terms adds is known beforehand.

use crate::model::LinearModel;

/// A linear model with its reference.
#[derive(Clone, Debug)]
pub(super) struct Linear {
    model: LinearModel,
    reference: Vec<f32>,
    base: Vec<f64>,
    /// Input of each feature.
    input_of: Vec<u32>,
    inputs: usize,
    /// Features that are no terms.
    others: Vec<u32>,
    /// `[outputs, inputs]`: what texts without any known term add.
    absent: Vec<f64>,
}

impl Linear {
    /// `is_term` says of each feature whether it is a term.
    pub(super) fn new(
        model: LinearModel,
        reference: Vec<f32>,
        (input_of, inputs): (&[u32], usize),
        is_term: &[bool],
    ) -> Self {
        let width = reference.len().max(1);
        let mut base = Vec::with_capacity(model.bias.len());
        let mut absent = vec![0.0; model.bias.len() * inputs];
        for (output, (bias, weights)) in model.bias.iter().zip(model.weights.chunks_exact(width)).enumerate()
        {
            let mut sum = f64::from(*bias);
            for (feature, (weight, reference)) in weights.iter().zip(&reference).enumerate() {
                let product = f64::from(*weight) * f64::from(*reference);
                sum += product;
                if is_term[feature] {
                    absent[output * inputs + input_of[feature] as usize] -= product;
                }
            }
            base.push(sum);
        }
        let others = (0_u32..).zip(is_term).filter(|(_, term)| !**term).map(|(at, _)| at).collect();
        Self { model, reference, base, input_of: input_of.to_vec(), inputs, others, absent }
    }

    pub(super) fn base(&self) -> &[f64] {
        &self.base
    }

    /// Returns what fields add, `[outputs, inputs]`; `terms` are the features of terms that are present.
    pub(super) fn by_field(&self, x: &[f32], terms: &[u32]) -> Vec<f64> {
        let mut out = self.absent.clone();
        for (output, own) in out.chunks_exact_mut(self.inputs.max(1)).enumerate() {
            let weights = &self.model.weights[output * x.len()..(output + 1) * x.len()];
            for feature in self.others.iter().map(|at| *at as usize) {
                let moved = f64::from(x[feature]) - f64::from(self.reference[feature]);
                own[self.input_of[feature] as usize] += f64::from(weights[feature]) * moved;
            }
            for feature in terms.iter().map(|at| *at as usize) {
                own[self.input_of[feature] as usize] += f64::from(weights[feature]) * f64::from(x[feature]);
            }
        }
        out
    }

    /// Returns what features add, `[outputs, features]`.
    pub(super) fn by_feature(&self, x: &[f32]) -> Vec<f64> {
        let lines = self.model.weights.chunks_exact(x.len().max(1));
        let own = |((weight, reference), value): ((&f32, &f32), &f32)| {
            f64::from(*weight) * (f64::from(*value) - f64::from(*reference))
        };
        lines.flat_map(|line| line.iter().zip(&self.reference).zip(x).map(own)).collect()
    }

    /// Returns what terms add, `[outputs, terms]`.
    pub(super) fn by_term(&self, x: &[f32], terms: &[u32]) -> Vec<f64> {
        let lines = self.model.weights.chunks_exact(x.len());
        let own = |line: &[f32], feature: usize| {
            f64::from(line[feature]) * (f64::from(x[feature]) - f64::from(self.reference[feature]))
        };
        lines.flat_map(|line| terms.iter().map(move |feature| own(line, *feature as usize))).collect()
    }
}
