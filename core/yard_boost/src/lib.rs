//! Histogram gradient boosting and random forests on integer gradients.
//!
//! The way in is [`train`] for boosting and [`train_forest`] for forests; both give a
//! [`yard_score::model::TreeEnsemble`], which the scorer alone executes. The same data, hyperparameters
//! and seed give the same model, bit for bit, for any number of threads and in any build: gradients are
//! rounded to fixed-point integers, histograms are integer sums, gains are computed in f64 from those
//! integers, leaf values lie on a binary grid. Knows nothing of tables, recipes, files and clocks.
//!
//! Missing values go to the side that gains more; where a node saw none, a later one goes with the
//! larger child. Categories are split by sets; rare (beyond the bins) and unseen codes go right.
//! Thresholds are f32 values between training values, and `x <= threshold` is the very question that
//! training asked.
//!
//! ```
//! use std::collections::BTreeMap;
//! use yard_boost::{BoostParams, Control, Features, Objective, TrainSet, TrainSpec, train};
//!
//! let x: Vec<f32> = (0..200).map(|row| row as f32).collect();
//! let y: Vec<f32> = x.iter().map(|x| if *x > 120.0 { 1.0 } else { 0.0 }).collect();
//! let features = Features::new(vec![&x], vec![false])?;
//! let text = [("trees", "10"), ("bagging_fraction", "1")];
//! let params: BTreeMap<_, _> = text.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
//! let spec = TrainSpec {
//!     objective: Objective::Binary,
//!     params: BoostParams::from_params(&params)?,
//!     threads: 1,
//! };
//! let set = TrainSet { features: &features, y: &y, weights: None };
//! let trained = train(set, None, &spec, &mut |_round| Control::Continue)?;
//! assert_eq!(trained.model.trees.len(), 10);
//! assert_eq!(trained.model.trees[0].threshold[0], 120.5);
//! # Ok::<(), yard_boost::BoostError>(())
//! ```
//!
//! Other ways in: [`train_from`] goes on from a model, [`train_ranking`] orders rows within queries,
//! [`train_binned`] takes rows as a stream, [`train_with`] a loss of the caller's own. Queries, streams and losses
//! of one's own are for callers of this library: the command line does not have them yet.

mod binned;
mod bins;
mod category;
mod class_weights;
mod constraints;
mod data;
mod ensemble;
mod error;
mod forest;
mod forest_split;
mod forest_tree;
mod gradient;
mod grid;
mod grow;
mod histogram;
mod loss;
mod margins;
mod math;
mod memory;
mod pace;
mod params;
mod partition;
mod platt;
mod prefetch;
mod quant;
mod ranking;
mod sample;
mod simd;
mod split_find;
mod start;
mod stream;
mod symmetric;
mod train;
mod trainer;
mod tree;

pub use data::{Features, MAX_CATEGORY_CODE, MAX_ROWS};
pub use error::BoostError;
pub use forest::{ForestSpec, train_forest};
pub use loss::{Block, Loss, Objective};
pub use params::{BoostParams, ClassWeight, Direction, ForestParams, Goss, Growth, ObjectiveName, Splitter};
pub use ranking::{RankSpec, train_ranking};
pub use stream::{BinnedMatrix, BinnedSet, StreamBins, StreamLimits, StreamMatrix, train_binned};
pub use train::{
    Control, OutOfBag, Round, TrainSet, TrainSpec, Trained, Watcher, train, train_from, train_watched,
    train_with,
};

#[cfg(test)]
mod edge_tests;
#[cfg(test)]
mod grid_cost_tests;
#[cfg(test)]
mod option_tests;
#[cfg(test)]
mod peers_tests;
#[cfg(test)]
mod wide_tests;
