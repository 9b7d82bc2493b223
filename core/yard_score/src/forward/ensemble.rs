//! Weighted sums of models. Each member sees its own range of the features and is executed as it would be
//! alone; margins are added in f64 in member order and rounded to f32 once.

use super::{Forward, Work, check_len};
use crate::{
    encode::DENSE_LIMIT,
    error::ScoreError,
    model::{EnsembleModel, Model},
};

/// Members that are accepted.
const MAX_MEMBERS: usize = 1_000;

#[derive(Clone, Debug)]
pub(crate) struct Ensemble {
    n_features: usize,
    members: Vec<Member>,
    bias: Vec<f64>,
}

#[derive(Clone, Debug)]
struct Member {
    forward: Forward,
    first: usize,
    n_features: usize,
    scale: f64,
    /// Features are kept within the limits of the dense encoding.
    dense: bool,
}

/// Working memory of an ensemble.
#[derive(Clone, Debug, Default)]
pub(crate) struct EnsembleWork {
    members: Vec<Work>,
    features: Vec<f32>,
    margins: Vec<f32>,
    sums: Vec<f64>,
}

impl Ensemble {
    pub(crate) fn new(model: &EnsembleModel, codes: &[bool]) -> Result<Self, ScoreError> {
        let wrong =
            |what: String, expected: &str| ScoreError::Inconsistent { what, expected: expected.to_owned() };
        let count = model.members.len();
        if count == 0 || count > MAX_MEMBERS {
            return Err(wrong(format!("an ensemble has {count} members"), "1 to 1,000 members"));
        }
        if let Some(value) = model.bias.iter().find(|value| !value.is_finite()) {
            return Err(ScoreError::NotFinite { what: "bias of the ensemble".to_owned(), value: *value });
        }
        let mut members = Vec::with_capacity(count);
        for (index, member) in model.members.iter().enumerate() {
            let (first, n_features) = (member.first as usize, member.n_features as usize);
            let own = first.checked_add(n_features).and_then(|end| codes.get(first..end));
            let own = own.filter(|own| !own.is_empty()).ok_or_else(|| {
                let what = format!("member {index} takes {n_features} features from {first}");
                wrong(what, &format!("a part of the {} features", codes.len()))
            })?;
            if matches!(member.model, Model::Ensemble(_)) {
                return Err(wrong(format!("member {index} is an ensemble"), "a single model"));
            }
            if !member.scale.is_finite() {
                let what = format!("scale of member {index}");
                return Err(ScoreError::NotFinite { what, value: member.scale });
            }
            check_len("number of margins of a member", member.model.outputs(), model.bias.len())?;
            let dense = !matches!(member.model, Model::Trees(_));
            let forward = Forward::new(&member.model, own)?;
            members.push(Member { forward, first, n_features, scale: member.scale, dense });
        }
        Ok(Self { n_features: codes.len(), members, bias: model.bias.clone() })
    }

    pub(crate) fn work(&self, rows: usize) -> EnsembleWork {
        let widest = self.members.iter().map(|member| member.n_features).max().unwrap_or(0);
        EnsembleWork {
            members: self.members.iter().map(|member| member.forward.work(rows)).collect(),
            features: vec![0.0; rows * widest],
            margins: vec![0.0; rows * self.bias.len()],
            sums: vec![0.0; rows * self.bias.len()],
        }
    }

    pub(crate) fn run(&self, features: &[f32], work: &mut EnsembleWork, margins: &mut [f32]) {
        let outputs = self.bias.len().max(1);
        let rows = margins.len() / outputs;
        let EnsembleWork { members, features: own, margins: part, sums } = work;
        let (part, sums) = (&mut part[..margins.len()], &mut sums[..margins.len()]);
        for row in sums.chunks_exact_mut(outputs) {
            row.copy_from_slice(&self.bias);
        }
        for (member, work) in self.members.iter().zip(members) {
            let own = &mut own[..rows * member.n_features];
            member.take(features, self.n_features, own);
            member.forward.run(own, work, part);
            for (sum, margin) in sums.iter_mut().zip(part.iter()) {
                *sum += member.scale * f64::from(*margin);
            }
        }
        for (margin, sum) in margins.iter_mut().zip(sums.iter()) {
            *margin = *sum as f32;
        }
    }
}

impl Member {
    fn take(&self, features: &[f32], width: usize, own: &mut [f32]) {
        for (from, into) in features.chunks_exact(width).zip(own.chunks_exact_mut(self.n_features)) {
            let from = &from[self.first..self.first + self.n_features];
            if self.dense {
                for (slot, value) in into.iter_mut().zip(from) {
                    *slot = value.clamp(-DENSE_LIMIT, DENSE_LIMIT);
                }
            } else {
                into.copy_from_slice(from);
            }
        }
    }
}
