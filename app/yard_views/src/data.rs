//! Place data.

use yard_state::state::StudioState;

/// What the place keeps between frames.
#[derive(Default)]
pub(crate) struct View {}

/// Draws the place.
pub(crate) fn show(ui: &mut egui::Ui, state: &mut StudioState, view: &mut View) {
    let _ = (ui, state, view);
}

/// Draws the inspector.
pub(crate) fn inspector(ui: &mut egui::Ui, state: &mut StudioState, view: &mut View) {
    let _ = (ui, state, view);
}
