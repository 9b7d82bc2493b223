//! Learners, choice among them, evaluation; library and the worker binary `yard-trainer`.
//!
//! Ways in: [`train::train`] turns a table, a frame and a [`yard_types::run::RunSpec`] into
//! [`yard_score::model::ScorerParts`]; [`evaluate::evaluate`] measures a scorer on rows;
//! [`reproduce::same_model`] trains again. The recipe is fitted on training rows alone, features come
//! from the scorer's own encoder, and reported figures from the scorer's own predictions, so that
//! training and serving can't differ. Knows nothing of files (but the worker's exchange file and checkpoints), of the
//! project, of packages or of wall clocks: time enters through [`input::Context::clock`].

mod auto;
mod auto_budget;
mod auto_finish;
mod auto_trial;
mod auto_workers;
mod calibrate;
mod choose;
mod choose_front;
mod cnn;
mod deep;
pub mod device;
mod encoder;
mod ensemble;
pub mod error;
pub mod evaluate;
mod fit;
mod folds;
mod folds_nested;
mod forest_curve;
mod images;
pub mod input;
mod linear;
mod measure;
pub mod mlp;
mod net_loss;
mod paired;
mod params;
mod portfolio;
mod prune;
mod refit;
mod refit_rounds;
#[cfg(test)]
mod refit_tests;
pub mod reproduce;
mod scorecard;
mod search;
mod search_saved;
#[cfg(test)]
mod search_tests;
mod target;
#[cfg(test)]
mod test_data;
#[cfg(test)]
mod text_tests;
pub mod train;
#[cfg(test)]
mod train_tests;
mod trees;
mod watch;
pub mod worker;

pub use error::TrainError;
pub use evaluate::{EvaluateInput, evaluate};
pub use input::{Context, Observer, Silent, TrainInput, TrainOutput};
pub use search_saved::FinishedTrial;
pub use train::train;
