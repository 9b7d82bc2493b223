//! Place registry.

use yard_state::state::StudioState;

/// What the place keeps between frames.
#[derive(Default)]
pub(crate) struct View {}

/// Draws the place.
pub(crate) fn show(ui: &mut egui::Ui, state: &mut StudioState, view: &mut View) {
    let _ = (ui, state, view);
}

/// Draws the inspector.
pub(crate) fn inspector(ui: &mut egui::Ui, state: &mut StudioState) {
    let _ = (ui, state);
}

/// An event as a short sentence, for activity lists and the log.
pub(crate) fn event_words(event: &yard_types::event::Event) -> String {
    format!("{event:?}").chars().take(40).collect()
}
