//! "Copy as command": the exact `modelyard …` line for what a place does.

use yard_state::{actions::Action, state::StudioState};

/// Draws the section at the end of an inspector: the command with Copy.
pub(crate) fn show(ui: &mut egui::Ui, state: &mut StudioState, line: &str) {
    if yard_ui::code_with_copy(ui, "Command", line) {
        state.ask(Action::Copy(line.to_owned()));
    }
}

/// File name of the project for a command line, quoted when needed.
pub(crate) fn project_file(state: &StudioState) -> String {
    let name = state.path.rsplit(['/', '\\']).next().filter(|name| !name.is_empty());
    quoted(name.unwrap_or("PROJECT.modelyard"))
}

/// Quotes a word for a POSIX shell when it holds anything but plain characters.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_for_the_shell() {
        assert_eq!(quoted("churn.csv"), "churn.csv");
        assert_eq!(quoted("my data.csv"), "'my data.csv'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
