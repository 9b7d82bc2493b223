//! What the parts of Data ask for while they borrow the state; carried out after they are drawn.

use yard_state::{actions::Action, route::Selection, split_draft::SplitDraft, state::StudioState};
use yard_types::command::Command;

/// One request.
pub(super) enum Act {
    /// Send a command to the engine.
    Send(Command),
    /// Show something in the inspector.
    Select(Selection),
    /// Ask the window.
    Ask(Action),
    /// Explain something.
    Explain(yard_state::route::Subject),
    /// Change the split's form.
    Split(&'static str, SplitDraft),
}

/// Carries out the requests in order.
pub(super) fn carry_out(state: &mut StudioState, acts: Vec<Act>) {
    for act in acts {
        match act {
            Act::Send(command) => state.send(command),
            Act::Select(selection) => state.selection = selection,
            Act::Ask(action) => state.ask(action),
            Act::Explain(subject) => state.explain(subject),
            Act::Split(name, draft) => {
                state.before_edit(name);
                state.drafts.split = draft;
            }
        }
    }
}

/// Why nothing of the project can be changed; empty when it can.
pub(super) fn why_not(state: &StudioState) -> &'static str {
    if state.read_only { "Another window has this project open for writing" } else { "" }
}
