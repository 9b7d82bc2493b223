//! The forward pass of each family: features in, margins out, for a block of rows or for one; both run
//! the same code per row. Knows nothing about recipes and links.

pub(crate) mod ensemble;
pub(crate) mod linear;
pub(crate) mod net;
pub(crate) mod simd;
pub(crate) mod trees;

use crate::{
    deep::exec::{Deep, DeepWork},
    error::ScoreError,
    model::Model,
};

/// A checked model in the layout that is executed.
#[derive(Clone, Debug)]
pub(crate) enum Forward {
    Linear(linear::Linear),
    Trees(Box<trees::Trees>),
    Net(net::Net),
    Deep(Box<Deep>),
    Ensemble(Box<ensemble::Ensemble>),
}

/// Working memory of a forward pass.
#[derive(Clone, Debug, Default)]
pub(crate) struct Work {
    a: Vec<f32>,
    b: Vec<f32>,
    trees: trees::Work,
    deep: DeepWork,
    members: Option<Box<ensemble::EnsembleWork>>,
    /// Features of a row that are not zero.
    present: Vec<u32>,
    /// Sums of a row, per output.
    sums: Vec<f64>,
}

impl Forward {
    /// Checks and compiles a model; `codes` says of each feature whether it is a category code.
    pub(crate) fn new(model: &Model, codes: &[bool]) -> Result<Self, ScoreError> {
        let n_features = codes.len();
        match model {
            Model::Linear(model) => linear::Linear::new(model, n_features).map(Self::Linear),
            Model::Trees(model) => trees::Trees::new(model, codes).map(|trees| Self::Trees(Box::new(trees))),
            Model::Net(model) => net::Net::new(model, n_features).map(Self::Net),
            Model::Deep(model) => Deep::new(model, n_features).map(|deep| Self::Deep(Box::new(deep))),
            Model::Ensemble(model) => {
                ensemble::Ensemble::new(model, codes).map(|own| Self::Ensemble(Box::new(own)))
            }
        }
    }

    /// Makes the working memory for up to `rows` rows at once.
    pub(crate) fn work(&self, rows: usize) -> Work {
        match self {
            Self::Linear(_) | Self::Deep(_) => Work::default(),
            Self::Trees(trees) => Work { trees: trees.work(rows), ..Work::default() },
            Self::Ensemble(ensemble) => {
                Work { members: Some(Box::new(ensemble.work(rows))), ..Work::default() }
            }
            Self::Net(net) => {
                let size = net.width() * rows;
                Work { a: vec![0.0; size], b: vec![0.0; size], ..Work::default() }
            }
        }
    }

    /// Computes margins `[rows, outputs]` of features `[rows, n_features]`.
    pub(crate) fn run(&self, features: &[f32], work: &mut Work, margins: &mut [f32]) {
        match self {
            Self::Linear(model) => model.run(features, work, margins),
            Self::Trees(model) => model.run(features, &mut work.trees, margins),
            Self::Net(model) => model.run(features, work, margins),
            Self::Deep(model) => model.run(features, &mut work.deep, margins),
            Self::Ensemble(model) => {
                if let Some(work) = &mut work.members {
                    model.run(features, work, margins);
                }
            }
        }
    }
}

pub(crate) fn check_len(what: &str, got: usize, expected: usize) -> Result<(), ScoreError> {
    if got == expected {
        return Ok(());
    }
    Err(ScoreError::Shape { what: what.to_owned(), expected, got })
}

pub(crate) fn check_finite(what: &str, values: &[f32]) -> Result<(), ScoreError> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(at) => Err(ScoreError::NotFinite { what: format!("{what} {at}"), value: f64::from(values[at]) }),
    }
}
