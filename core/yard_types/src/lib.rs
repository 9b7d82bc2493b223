//! Plain data in the users' words: frame, schema, recipe, split, run, metric, manifest, command, event.
//!
//! This crate knows nothing of files, threads, clocks, polars or egui; it holds what the other crates
//! say to each other, with serde, and the few pure functions that must be the same for all of them:
//! reading a cell ([`cell`], [`date`]), splitting text into terms ([`text`]), drawing a random number ([`rng`]), folding events
//! ([`project`]).

pub mod audit;
pub mod cell;
pub mod command;
pub mod contract;
pub mod date;
pub mod deploy;
pub mod evaluation;
pub mod event;
pub mod files;
pub mod frame;
pub mod gate;
pub mod ids;
pub mod image;
mod marks;
pub mod metric;
pub mod monitor;
pub mod package;
pub mod pieces;
pub mod profile;
pub mod project;
pub mod recipe;
pub mod rng;
pub mod rollout;
pub mod run;
pub mod schema;
pub mod serving;
pub mod split;
pub mod table;
pub mod text;
