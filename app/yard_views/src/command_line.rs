//! "Copy as command": the exact `modelyard …` line for what a place does.

use yard_state::{
    actions::Action,
    command::UiCommand,
    state::{StudioState, ToastKind},
};
use yard_types::command::Command;

/// Draws the section at the end of an inspector: the command with Copy.
pub(crate) fn show(ui: &mut egui::Ui, state: &mut StudioState, line: &str) {
    if yard_ui::code_with_copy(ui, "Command", line) {
        state.ask(Action::Copy(line.to_owned()));
    }
}

/// Puts what a command of the window does on the clipboard as a line; says so, or why there is none.
pub(crate) fn copy(state: &mut StudioState, command: UiCommand) {
    let Some(line) = line(state, command) else {
        let own = command.label();
        let why = format!("\"{own}\" only moves in this window; the command line has no line for it.");
        state.toast(ToastKind::Info, &why);
        return;
    };
    state.toast(ToastKind::Info, &format!("Copied: {}", line.replace(" \\\n ", "")));
    state.ask(Action::Copy(line));
}

/// The line that does the same as a command of the window; none for what only moves in the window.
pub(crate) fn line(state: &StudioState, command: UiCommand) -> Option<String> {
    let file = project_file(state);
    let model = state.chosen.map_or("best".to_owned(), |id| id.to_string());
    let draft = &state.drafts;
    let with_model = |word: &str| format!("modelyard {word} {file} --model {model}");
    Some(match command {
        UiCommand::OpenProject | UiCommand::NewWindow if state.open => format!("modelyard {file}"),
        UiCommand::OpenProject | UiCommand::NewWindow => "modelyard".to_owned(),
        UiCommand::ImportData => crate::data::new_project_line(state),
        UiCommand::StartTraining => match draft.train.to_command(&state.project.recipe).ok()? {
            Command::StartTraining { spec } => crate::train::command_line(state, &spec),
            _ => return None,
        },
        UiCommand::TrainAuto => format!("modelyard train {file} --family auto"),
        UiCommand::ResumeTraining => format!("modelyard train {file} --resume {}", state.resumable_run()?),
        UiCommand::Evaluate => with_model("evaluate"),
        UiCommand::BuildPackage => with_model("package"),
        UiCommand::Deploy => format!("{} --to {}", with_model("deploy"), quoted(&draft.deploy.target)),
        UiCommand::DeployCanary => {
            let shadow = if draft.deploy.shadow { " --shadow" } else { "" };
            let percent = quoted(draft.deploy.percent.trim());
            let target = quoted(&draft.deploy.target);
            format!("{} --to {target} --canary {percent}{shadow}", with_model("deploy"))
        }
        UiCommand::Promote => format!("modelyard promote {file}"),
        UiCommand::RollBack => format!("modelyard rollback {file}"),
        UiCommand::StopDeployment => format!("modelyard stop {file}"),
        UiCommand::RefreshStatus => format!("modelyard status {file}"),
        UiCommand::RefreshMonitor => format!("modelyard monitor {file}"),
        UiCommand::CheckGates => with_model("gate"),
        UiCommand::SendLabels => {
            let labels = draft.monitor.labels.trim();
            format!(
                "modelyard feedback {file} --in {}",
                quoted(if labels.is_empty() { "LABELS" } else { labels })
            )
        }
        UiCommand::SimulateTraffic => {
            let own = &draft.monitor;
            format!(
                "modelyard simulate {file} --requests {} --drift {} --labels",
                quoted(own.requests.trim()),
                own.drift
            )
        }
        UiCommand::Retrain => retrain(state),
        _ => return None,
    })
}

/// `modelyard retrain` as the form of Monitor says.
pub(crate) fn retrain(state: &StudioState) -> String {
    let draft = &state.drafts.monitor;
    let mut line = format!("modelyard retrain {}", project_file(state));
    if !draft.retrain_data.trim().is_empty() {
        line.push_str(" \\\n  --data ");
        line.push_str(&quoted(draft.retrain_data.trim()));
    }
    if draft.deploy {
        line.push_str(" \\\n  --deploy");
    }
    line
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
