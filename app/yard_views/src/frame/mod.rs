//! Frame: what the model decides, what an error costs, what it must keep to. Every later stage reads it
//! from here. A field is sent when it is left; a value that can't be read is said under the form.

mod form;
mod side;

use crate::{
    head::{self, Head},
    layout::{self, Side},
    words,
};
use yard_state::{command::UiCommand, drafts::DraftError, next, state::StudioState};
use yard_types::{command::Command, frame::Task};
use yard_ui::{Empty, Icon, fmt, space, text};

/// What Frame keeps between frames.
#[derive(Default)]
pub(crate) struct View {
    error: Option<DraftError>,
}

/// Draws the place.
pub(crate) fn show(ui: &mut egui::Ui, state: &mut StudioState, view: &mut View) {
    let primary = match next::primary(state) {
        UiCommand::Go(yard_state::route::Place::Train) => "Choose the learner",
        _ => "Review data",
    };
    let head = Head {
        title: "Frame",
        context: "What the model decides, what an error costs, what it must keep to; every later stage reads it from here"
            .to_owned(),
        primary: primary.to_owned(),
        icon: Icon::ArrowRight,
        others: vec![(UiCommand::Undo, Icon::ArrowCounterClockwise)],
    };
    head::show(ui, state, &head);
    if state.project.dataset().is_none() {
        let answer =
            Empty::new(Icon::Target, "The decision is stated over the columns of a table. Import one first.")
                .action("Import data…", "")
                .link("Go to Data")
                .show(ui);
        if answer.action {
            state.ask(yard_state::actions::Action::Ui(UiCommand::ImportData));
        }
        if answer.link {
            state.place = yard_state::route::Place::Data;
        }
        return;
    }
    let width = ui.available_width();
    layout::two(ui, 464.0_f32.min(width * 0.54), space::S48.min(width * 0.04), |ui, side| match side {
        Side::Left => {
            ui.spacing_mut().item_spacing.y = space::S4;
            form::show(ui, state, view);
        }
        Side::Right => side::show(ui, state),
    });
}

/// Sends the form when it makes another frame than the project's.
fn commit(state: &mut StudioState, view: &mut View) {
    let Some(base) = state.project.frame.clone() else { return };
    match state.drafts.frame.to_frame(&base) {
        Ok(frame) => {
            view.error = None;
            if frame != base {
                state.send(Command::SetFrame { frame: Box::new(frame) });
            }
        }
        Err(error) => view.error = Some(error),
    }
}

/// Draws the inspector: what the costs mean, and the threshold if they were others.
pub(crate) fn inspector(ui: &mut egui::Ui, state: &mut StudioState) {
    let Some(frame) = state.project.frame.clone() else {
        text::note(ui, "Frame");
        text::strong(ui, "No target yet");
        yard_ui::divider(ui, space::S12);
        text::paragraph(
            ui,
            "Choose the column that the model predicts. Type, classes and metric follow from it and can be changed.",
        );
        return;
    };
    text::note(ui, "Target");
    text::strong(ui, frame.target.as_str());
    yard_ui::divider(ui, space::S12);
    text::small_strong(ui, "Meaning");
    text::paragraph(ui, meaning(&frame));
    if frame.task == Task::Binary {
        yard_ui::divider(ui, space::S12);
        side::if_it_were_another(ui, &frame);
        yard_ui::divider(ui, space::S12);
        text::small_strong(ui, "Source");
        text::paragraph(ui, "Elkan, C. (2001). The foundations of cost-sensitive learning. IJCAI, 973–978.");
    }
    yard_ui::divider(ui, space::S12);
    let line = command(state, &frame);
    crate::command_line::show(ui, state, &line);
}

fn meaning(frame: &yard_types::frame::Frame) -> String {
    match frame.task {
        Task::Binary => format!(
            "The model gives each {} the probability of \"{}\". Acting pays from probability {} on: the cost of a \
             false positive over the cost of both errors.",
            if frame.unit.is_empty() { "row" } else { &frame.unit },
            frame.positive.as_deref().unwrap_or("positive"),
            fmt::metric(frame.threshold()),
        ),
        Task::Multiclass => format!("The model names one of {} classes.", frame.classes.len()),
        Task::Regression => format!(
            "The model estimates {}. {} chooses between models.",
            frame.target,
            words::metric_label(&frame.metric)
        ),
    }
}

/// The command line that makes a project with this frame.
pub(crate) fn command(state: &StudioState, frame: &yard_types::frame::Frame) -> String {
    let quoted = crate::command_line::quoted;
    let data = state.project.dataset().map_or("DATA", |dataset| dataset.name.as_str());
    let mut line = format!(
        "modelyard new {} \\\n  --data {} \\\n  --target {}",
        crate::command_line::project_file(state),
        quoted(data),
        quoted(&frame.target)
    );
    let mut option = |name: &str, value: &str| {
        line.push_str(" \\\n  --");
        line.push_str(name);
        line.push(' ');
        line.push_str(value);
    };
    if let Some(positive) = &frame.positive {
        option("positive", &quoted(positive));
    }
    if let Some(costs) = frame.costs {
        option("cost-fp", &costs.false_positive.to_string());
        option("cost-fn", &costs.false_negative.to_string());
    }
    if !frame.protected.is_empty() {
        option("sensitive", &quoted(&frame.protected.join(",")));
    }
    option("metric", &frame.metric);
    line
}
