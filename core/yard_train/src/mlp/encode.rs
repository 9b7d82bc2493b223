//! Encodings of a net's input on the CPU, row by row, and the gradient of its embeddings.

use super::{
    input::{Bin, Plan},
    vector::{LINE, Line},
};

/// Encodes rows.
#[derive(Clone, Debug)]
pub(super) struct Encoder {
    plan: Plan,
    bins: Vec<Bin>,
}

impl Encoder {
    pub(super) fn new(plan: &Plan) -> Self {
        Self { plan: plan.clone(), bins: plan.bins() }
    }

    /// Encodes features of one row to [`Plan::width`] values; `embeddings` are those of the groups.
    pub(super) fn row(&self, x: &[f32], embeddings: &[&[f32]], out: &mut [f32]) {
        if self.plan.is_plain() {
            return out.copy_from_slice(x);
        }
        let (bins, rest) = out.split_at_mut(self.bins.len());
        for (value, bin) in bins.iter_mut().zip(&self.bins) {
            *value = ((x[bin.feature] - bin.lower) * bin.scale).max(bin.floor).min(bin.ceiling);
        }
        let mut rest = rest;
        for (group, values) in self.plan.groups.iter().zip(embeddings) {
            let (own, after) = rest.split_at_mut(group.width);
            rest = after;
            own.fill(0.0);
            let lines = values.chunks_exact(group.width);
            for (factor, line) in x[group.first..group.first + group.len].iter().zip(lines) {
                if *factor != 0.0 {
                    for (sum, value) in own.iter_mut().zip(line) {
                        *sum += factor * value;
                    }
                }
            }
        }
        for (value, feature) in rest.iter_mut().zip(&self.plan.plain) {
            *value = x[*feature as usize];
        }
    }

    /// Adds one row's part to the gradient of the embeddings, which lie one after the other in `out`.
    /// `slopes` are the panels of the encoded input from column `first` on, `stride` lines each.
    pub(super) fn add_slopes(&self, x: &[f32], slopes: &Slopes<'_>, out: &mut [f32]) {
        let mut column = self.plan.first_embedding();
        let mut place = 0;
        for group in &self.plan.groups {
            for factor in &x[group.first..group.first + group.len] {
                if *factor != 0.0 {
                    for (at, sum) in out[place..place + group.width].iter_mut().enumerate() {
                        *sum += factor * slopes.at(column + at);
                    }
                }
                place += group.width;
            }
            column += group.width;
        }
    }
}

/// Slopes of a row's encoded input.
pub(super) struct Slopes<'a> {
    pub(super) panels: &'a [Line],
    /// Column of the first panel's first number.
    pub(super) first: usize,
    pub(super) stride: usize,
    pub(super) row: usize,
}

impl Slopes<'_> {
    fn at(&self, column: usize) -> f32 {
        let at = column - self.first;
        self.panels[at / LINE * self.stride + self.row][at % LINE]
    }
}
