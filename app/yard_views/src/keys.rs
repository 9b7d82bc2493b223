//! Keyboard: the shortcuts of [`UiCommand`], Esc for the top layer. Keys that type (`?`) are left alone
//! while text is typed.

use egui::{Key, Modifiers};
use yard_state::{
    command::{Shortcut, UiCommand},
    state::{Overlay, StudioState},
};

/// Returns the commands whose shortcut was pressed in this frame, and closes the top layer on Esc.
pub(crate) fn pressed(ctx: &egui::Context, state: &mut StudioState) -> Vec<UiCommand> {
    if state.overlay != Overlay::None
        && ctx.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape))
    {
        state.overlay = Overlay::None;
    }
    let typing = ctx.egui_wants_keyboard_input();
    let mut commands = UiCommand::all();
    // A pattern without Shift also matches the key with Shift, so those with Shift are asked first.
    commands.sort_by_key(|command| command.shortcut().is_none_or(|shortcut| !shortcut.shift));
    commands.retain(|command| command.shortcut().is_some_and(|shortcut| consumed(ctx, shortcut, typing)));
    commands
}

fn consumed(ctx: &egui::Context, shortcut: Shortcut, typing: bool) -> bool {
    // Function keys type nothing, so they work in a field as well.
    let types = !shortcut.ctrl && !shortcut.key.starts_with('F');
    if types && typing {
        return false;
    }
    let text_edit = shortcut.ctrl && matches!(shortcut.key, "Z");
    if text_edit && typing {
        // The text field has its own undo while it is edited.
        return false;
    }
    let Some(key) = key(shortcut.key) else { return false };
    let mut modifiers = if shortcut.ctrl { Modifiers::COMMAND } else { Modifiers::NONE };
    if shortcut.shift {
        modifiers |= Modifiers::SHIFT;
    }
    ctx.input_mut(|input| input.count_and_consume_key(modifiers, key)) > 0
}

fn key(name: &str) -> Option<Key> {
    Some(match name {
        "?" => Key::Questionmark,
        "." => Key::Period,
        "+" => Key::Plus,
        "-" => Key::Minus,
        other => Key::from_name(other)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shortcut_names_a_key() {
        for shortcut in UiCommand::all().into_iter().filter_map(UiCommand::shortcut) {
            assert!(key(shortcut.key).is_some(), "{}", shortcut.key);
        }
    }
}
