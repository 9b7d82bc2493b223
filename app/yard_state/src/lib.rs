//! Studio state as a fold of notices, selection, undo, routes and `UiCommand`; no egui, no I/O.
//!
//! [`state::StudioState::apply`] is a pure reducer: the same notices give the same state, so a recorded
//! file of notices replays any screen. Views read the state, edit the drafts and push
//! [`actions::Action`]s; the binary carries these out.

pub mod actions;
pub mod command;
pub mod drafts;
pub mod drop;
pub mod guess;
pub mod jobs;
pub mod next;
pub mod route;
pub mod run;
pub mod settings;
pub mod split_draft;
pub mod state;
pub mod undo;
