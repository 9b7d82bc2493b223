//! Shapley values of fields by permutation sampling: fields take their values one after the other, in
//! some orders and in the same orders backwards, from a reference row to the row; a field's share is the
//! mean change of the margin when it does. The shares add up to the margin less that of the reference
//! for every order, so only their division is sampled. Knows nothing of the net but its forward pass.
//! Method: Štrumbelj and Kononenko, 2014, "Explaining prediction models and individual predictions with
//! feature contributions", doi:10.1007/s10115-013-0679-x; Mitchell et al., 2022, "Sampling permutations
//! for Shapley value estimation", arXiv:2104.12199 (antithetic pairs).

use crate::{
    deep::exec::{Deep, DeepWork},
    forward::Forward,
    model::Model,
};
use yard_types::rng::Rng;

const STREAM: u64 = 0x7368_6170_0000_0000;
/// Rows that are scored for one explanation, about.
const ROWS: usize = 1_000;
/// Most pairs of orders.
const MOST_PAIRS: usize = 8;

#[derive(Clone, Debug)]
pub(super) struct Shapley {
    net: Deep,
    reference: Vec<f32>,
    /// Features of each field.
    groups: Vec<Vec<usize>>,
    base: Vec<f64>,
}

impl Shapley {
    /// `input_of` names the field of each feature. `None` when the model is no deep net that can run.
    pub(super) fn new(model: &Model, reference: &[f32], input_of: &[u32]) -> Option<Self> {
        let codes = vec![false; input_of.len()];
        let Ok(Forward::Deep(net)) = Forward::new(model, &codes) else { return None };
        let mut groups: Vec<(u32, Vec<usize>)> = Vec::new();
        for (feature, input) in input_of.iter().enumerate() {
            match groups.iter_mut().find(|(own, _)| own == input) {
                Some((_, group)) => group.push(feature),
                None => groups.push((*input, vec![feature])),
            }
        }
        let groups = groups.into_iter().map(|(_, group)| group).collect();
        let mut out = Self { net: *net, reference: reference.to_vec(), groups, base: Vec::new() };
        out.base = out.margins(&out.reference, model.outputs());
        Some(out)
    }

    /// Returns the margins at the reference.
    pub(super) fn base(&self) -> &[f64] {
        &self.base
    }

    /// Returns `[outputs, n_features]`; the share of a field stands at its first feature.
    pub(super) fn contributions(&self, x: &[f32]) -> Vec<f64> {
        let (outputs, fields, width) = (self.base.len(), self.groups.len(), self.reference.len());
        let last = self.margins(x, outputs);
        let pairs = if fields < 2 { 1 } else { (ROWS / (2 * fields)).clamp(1, MOST_PAIRS) };
        let mut rng = Rng::new(0, STREAM);
        let mut order: Vec<usize> = (0..fields).collect();
        let mut out = vec![0.0; outputs * width];
        for turn in 0..2 * pairs {
            if turn % 2 == 0 {
                rng.shuffle(&mut order);
            } else {
                order.reverse();
            }
            let margins = self.along(x, &order, outputs);
            let mut before = &self.base[..];
            for (step, field) in order.iter().enumerate() {
                let after = margins.get(step * outputs..(step + 1) * outputs).unwrap_or(&last);
                for output in 0..outputs {
                    let share = (after[output] - before[output]) / (2 * pairs) as f64;
                    out[output * width + self.groups[*field][0]] += share;
                }
                before = after;
            }
        }
        out
    }

    /// Returns the margins after each field but the last has taken its value.
    fn along(&self, x: &[f32], order: &[usize], outputs: usize) -> Vec<f64> {
        let mut row = self.reference.clone();
        let mut rows = Vec::with_capacity(row.len() * order.len());
        for field in order.iter().take(order.len().saturating_sub(1)) {
            for feature in &self.groups[*field] {
                row[*feature] = x[*feature];
            }
            rows.extend_from_slice(&row);
        }
        self.margins(&rows, outputs)
    }

    fn margins(&self, rows: &[f32], outputs: usize) -> Vec<f64> {
        let count = rows.len() / self.reference.len().max(1);
        let mut margins = vec![0.0; count * outputs];
        self.net.run(rows, &mut DeepWork::default(), &mut margins);
        margins.into_iter().map(f64::from).collect()
    }
}
