//! The report of a crash, offered at the next start: what happened, the end of the log, and what can be
//! done with it. Nothing is sent anywhere.

use yard_state::{
    actions::Action,
    state::{Overlay, StudioState},
};
use yard_ui::{Button, Icon, space, text};

/// Lines of the report that are shown; the file holds all.
const LINES: usize = 18;

/// Draws the layer while a report waits.
pub(crate) fn show(ctx: &egui::Context, state: &mut StudioState) {
    if state.overlay != Overlay::Crash {
        return;
    }
    let Some(report) = state.crash.clone() else {
        state.overlay = Overlay::None;
        return;
    };
    let mut done = false;
    let ((), left) = yard_ui::overlay::dialog_with(ctx, "Modelyard ended unexpectedly last time", |ui| {
        text::paragraph(
            ui,
            "What was acknowledged is in the project file. The report below is kept on this machine only.",
        );
        let shown: Vec<&str> = report.text.lines().take(LINES).collect();
        yard_ui::show::code(ui, "Crash report", &shown.join("\n"));
        text::note(ui, report.path.as_str());
        ui.add_space(space::S4);
        ui.horizontal(|ui| {
            done = Button::secondary("Keep report").show(ui).clicked();
            if Button::secondary("Copy report").icon(Icon::Copy).show(ui).clicked() {
                state.ask(Action::Copy(report.text.clone()));
            }
            if Button::secondary("Open folder").icon(Icon::FolderOpen).show(ui).clicked()
                && let Some(folder) = std::path::Path::new(&report.path).parent()
            {
                state.ask(Action::OpenFolder(folder.to_path_buf()));
            }
            if Button::danger("Discard report").show(ui).clicked() {
                state.ask(Action::DiscardCrash);
                done = true;
            }
        });
    });
    if left || done {
        state.overlay = Overlay::None;
    }
}
