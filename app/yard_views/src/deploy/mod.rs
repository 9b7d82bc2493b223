//! Deploy: where the package serves, the last rollout step by step, traffic between champion and
//! challenger, and a form to try the endpoint.

mod traffic;
mod try_it;

pub(crate) use try_it::{answer_ui, field_ui};

use crate::{
    head::{self, Head},
    layout::{self, Side},
    words,
};
use yard_state::{
    actions::Action,
    command::UiCommand,
    next,
    route::{Place, Selection},
    state::StudioState,
};
use yard_types::deploy::DeploymentStatus;
use yard_ui::{Cell, Chip, Column, Empty, Icon, Status, Table, fmt, section, space, text};

/// What Deploy keeps between frames.
#[derive(Default)]
pub(crate) struct View {
    url: String,
    token_file: String,
    name: String,
    adding: bool,
}

/// Draws the place.
pub(crate) fn show(ui: &mut egui::Ui, state: &mut StudioState, view: &mut View) {
    head_ui(ui, state);
    if state.project.models.is_empty() {
        empty_ui(ui, state);
        return;
    }
    targets_ui(ui, state, view);
    ui.add_space(space::S24);
    let width = ui.available_width();
    layout::two(ui, width * 0.56, space::S32, |ui, side| match side {
        Side::Left => {
            traffic::versions_ui(ui, state);
            ui.add_space(space::S24);
            try_it::show(ui, state);
        }
        Side::Right => {
            steps_ui(ui, state);
            ui.add_space(space::S24);
            traffic::traffic_ui(ui, state);
        }
    });
    ui.add_space(space::S24);
    history_ui(ui, state);
}

fn head_ui(ui: &mut egui::Ui, state: &mut StudioState) {
    let chosen = state.chosen_model();
    let version = chosen.and_then(|model| words::version_of(&state.project, model.id));
    let object = match (version, chosen) {
        (Some(version), _) => format!("version {version}"),
        (None, Some(model)) => format!("run {}", model.run),
        (None, None) => "a model".to_owned(),
    };
    let (primary, icon) = match next::primary(state) {
        UiCommand::Promote => {
            let canary = state.project.deployment.as_ref().and_then(|status| status.canary.as_ref());
            let version = canary.map_or(0, |canary| canary.served.version);
            (format!("Promote version {version} to champion"), Icon::Crown)
        }
        UiCommand::DeployCanary => (format!("Deploy {object} as canary"), Icon::RocketLaunch),
        UiCommand::Go(_) => ("Watch the endpoint".to_owned(), Icon::Pulse),
        _ => (format!("Deploy {object} to this machine"), Icon::RocketLaunch),
    };
    let others =
        vec![(UiCommand::StopDeployment, Icon::Stop), (UiCommand::RollBack, Icon::ArrowCounterClockwise)];
    head::show(ui, state, &Head { title: "Deploy", context: context(state), primary, icon, others });
}

fn context(state: &StudioState) -> String {
    let Some(status) = &state.project.deployment else { return "nothing is deployed yet".to_owned() };
    let stable =
        status.stable.as_ref().map_or("no champion".to_owned(), |own| format!("champion {}", own.version));
    let canary = status.canary.as_ref().map_or(String::new(), |own| {
        let kind = if own.shadow { "shadow" } else { "canary" };
        format!(", {kind} {} at {} %", own.served.version, own.percent)
    });
    format!("{}, {stable}{canary}, {}", target_words(&status.target), status.state)
}

fn target_words(target: &str) -> &str {
    if target == "local" { "this machine" } else { target }
}

fn empty_ui(ui: &mut egui::Ui, state: &mut StudioState) {
    let answer =
        Empty::new(Icon::RocketLaunch, "A model that was trained and packaged is put into service here.")
            .link("Go to Train")
            .show(ui);
    if answer.link {
        state.place = Place::Train;
    }
}

fn targets_ui(ui: &mut egui::Ui, state: &mut StudioState, view: &mut View) {
    let add = yard_ui::section_with(ui, "Targets", "", |ui| {
        text::link(ui, if view.adding { "Close" } else { "Add a remote target" }).clicked()
    });
    if add {
        view.adding = !view.adding;
    }
    let mut names = vec!["local".to_owned()];
    names.extend(state.project.targets.keys().cloned());
    let selected = names.iter().position(|name| *name == state.drafts.deploy.target);
    let columns = [
        Column::new("Target", 128.0),
        Column::new("Address", 188.0),
        Column::new("Versions", 84.0),
        Column::rest("State", 110.0),
        Column::new("p50, ms", 64.0).right(),
        Column::new("p95, ms", 64.0).right(),
        Column::new("Errors", 64.0).right(),
    ];
    let project = &state.project;
    let response = Table::new("Targets", &columns)
        .rows(names.len())
        .height(crate::start::table_height(names.len().min(5)))
        .selected(selected)
        .show(ui, |row, column| {
            let name = names[row].as_str();
            let status = project.deployment.as_ref().filter(|status| status.target == name);
            target_cell(name, status, project.targets.get(name), column)
        });
    if let Some(name) = response.selected.and_then(|row| names.get(row)) {
        state.drafts.deploy.target.clone_from(name);
    }
    if view.adding {
        add_ui(ui, state, view);
    }
}

fn target_cell<'a>(
    name: &str,
    status: Option<&DeploymentStatus>,
    url: Option<&String>,
    column: usize,
) -> Cell<'a> {
    let stats = status.map(|status| status.stats.as_slice()).unwrap_or_default();
    match column {
        0 => Cell::text(target_words(name).to_owned()),
        1 => match status.map(|status| status.url.clone()).or_else(|| url.cloned()) {
            Some(url) => Cell::number(url),
            None => Cell::muted("starts with the first deployment"),
        },
        2 => {
            let served = status.map_or_else(Vec::new, |status| {
                let canary = status.canary.as_ref().map(|own| own.served.version);
                status.stable.iter().map(|own| own.version).chain(canary).collect()
            });
            let words: Vec<String> = served.iter().map(u64::to_string).collect();
            if words.is_empty() { Cell::missing() } else { Cell::text(words.join(", ")) }
        }
        3 => match status.map(|status| status.state.as_str()) {
            Some("running") => Cell::status(Status::Ok, "healthy"),
            Some("unreachable") => Cell::status(Status::Error, "unreachable"),
            Some(word) => Cell::status(Status::Idle, word.to_owned()),
            None => Cell::status(Status::Idle, "nothing deployed"),
        },
        4 | 5 => {
            let slowest = stats
                .iter()
                .filter(|own| own.requests > 0)
                .map(|own| if column == 4 { own.p50_ms } else { own.p95_ms })
                .fold(f64::NAN, f64::max);
            if slowest.is_nan() { Cell::missing() } else { Cell::number(fmt::fixed(slowest, 2)) }
        }
        _ if status.is_none() => Cell::missing(),
        _ => Cell::number(fmt::count(stats.iter().map(|own| own.errors).sum::<u64>())),
    }
}

fn add_ui(ui: &mut egui::Ui, state: &mut StudioState, view: &mut View) {
    let form = yard_ui::Form::new(96.0);
    ui.add_space(space::S8);
    form.row(ui, "Name", |ui| yard_ui::TextField::new("Name", &mut view.name).hint("edge-01").show(ui));
    form.row(ui, "URL", |ui| {
        yard_ui::TextField::new("URL", &mut view.url).hint("http://127.0.0.1:8080").mono().show(ui)
    });
    form.row(ui, "Token file", |ui| {
        yard_ui::TextField::new("Token file", &mut view.token_file)
            .hint("a file with the manage token")
            .mono()
            .show(ui)
    });
    let ready = yard_types::contract::valid_name(view.name.trim()) && !view.url.trim().is_empty();
    let button = yard_ui::Button::secondary("Add target")
        .icon(Icon::Plus)
        .enabled_if(ready, "A name of lower-case letters, digits, - and _, and a URL");
    if button.show(ui).clicked() {
        state.send(yard_types::command::Command::AddTarget {
            name: view.name.trim().to_owned(),
            url: view.url.trim().to_owned(),
            token_file: view.token_file.trim().to_owned(),
        });
        *view = View::default();
    }
}

/// The steps of the last change, with times.
fn steps_ui(ui: &mut egui::Ui, state: &StudioState) {
    let last = state.project.deployment_changes.iter().rev().find(|change| !change.steps.is_empty());
    let note =
        last.map_or(String::new(), |change| format!("{}, {}", change.action, words::date_time(&change.at)));
    section(ui, "Steps", &note);
    let Some(change) = last else {
        text::paragraph(
            ui,
            "Server started, package verified, golden requests answered with equal bits, traffic switched: each with its time.",
        );
        return;
    };
    for step in &change.steps {
        ui.horizontal(|ui| {
            yard_ui::status_word(ui, if step.ok { Status::Ok } else { Status::Error }, &step.name);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                text::mono(ui, fmt::duration(step.ms / 1000.0));
                text::fitted(ui, step.detail.as_str(), yard_ui::Type::Caption, yard_ui::tokens(ui).text_3);
            });
        });
    }
}

fn history_ui(ui: &mut egui::Ui, state: &StudioState) {
    section(ui, "History", "newest first");
    let changes = &state.project.deployment_changes;
    if changes.is_empty() {
        text::paragraph(ui, "Each deployment, promotion and rollback is kept here.");
        return;
    }
    let columns = [
        Column::new("Time, UTC", 132.0),
        Column::new("Act", 110.0),
        Column::new("Steps", 64.0).right(),
        Column::new("Took", 92.0).right(),
        Column::rest("Outcome", 200.0),
    ];
    let count = changes.len();
    Table::new("Deployment history", &columns)
        .rows(count)
        .height(crate::start::table_height(count.clamp(1, 6)))
        .show(ui, |row, column| {
            let change = &changes[count - 1 - row];
            let failed = change.steps.iter().find(|step| !step.ok);
            match column {
                0 => Cell::muted(words::date_time(&change.at)),
                1 => Cell::text(change.action.clone()),
                2 => Cell::number(change.steps.len().to_string()),
                3 if change.steps.is_empty() => Cell::missing(),
                3 => {
                    Cell::number(fmt::duration(change.steps.iter().map(|step| step.ms).sum::<f64>() / 1000.0))
                }
                _ => match failed {
                    Some(step) => Cell::status(Status::Error, format!("{}: {}", step.name, step.detail)),
                    None => Cell::status(Status::Ok, "done"),
                },
            }
        });
}

/// Draws the inspector: endpoint, package, the way back, the command.
pub(crate) fn inspector(ui: &mut egui::Ui, state: &mut StudioState) {
    let file = crate::command_line::project_file(state);
    let Some(status) = state.project.deployment.clone() else {
        text::note(ui, "Deployment");
        text::strong(ui, "None");
        yard_ui::divider(ui, space::S12);
        text::paragraph(
            ui,
            "The server is a process of its own: it goes on when this window is closed, and is found again.",
        );
        yard_ui::divider(ui, space::S12);
        crate::command_line::show(ui, state, &format!("modelyard deploy {file}"));
        return;
    };
    let chip = if status.state == "running" { Status::Ok } else { Status::Warn };
    yard_ui::inspector_head(ui, "Deployment", &status.deployment, |ui| {
        Chip::new(chip, status.state.as_str()).show(ui)
    });
    yard_ui::inspector_section(ui, "Endpoint", |ui| {
        yard_ui::key_value(ui, "REST", &status.url);
        yard_ui::key_text(ui, "Predict", &format!("/v1/models/{}:predict", status.deployment));
        yard_ui::key_text(ui, "Metrics", "/metrics");
        yard_ui::key_text(ui, "OpenAPI", "/openapi.json");
        yard_ui::key_text(ui, "Token", "file, infer scope");
        if text::link(ui, "Copy the token file's path").clicked() {
            state.ask(Action::Copy(status.token_file.clone()));
        }
    });
    if let Some(stable) = &status.stable {
        yard_ui::inspector_section(ui, "Champion", |ui| {
            yard_ui::key_value(ui, "Version", &stable.version.to_string());
            yard_ui::key_value(ui, "SHA-256", &stable.sha256.to_hex()[..16]);
            let name = format!("Show version {} in Registry", stable.version);
            if text::link(ui, name).clicked() {
                state.selection = Selection::Package(stable.version);
                state.place = Place::Registry;
            }
        });
    }
    yard_ui::inspector_section(ui, "If it goes wrong", |ui| {
        let back = match (&status.canary, &status.previous) {
            (Some(canary), _) => format!(
                "Roll back takes all traffic from canary {}; the champion goes on.",
                canary.served.version
            ),
            (None, Some(previous)) => {
                format!("Roll back switches all traffic to version {}; its log is kept.", previous.version)
            }
            (None, None) => {
                "There is no version before this one: stop the deployment, or deploy another.".to_owned()
            }
        };
        text::paragraph(ui, back);
    });
    yard_ui::divider(ui, space::S12);
    let line = match &status.canary {
        Some(_) => format!("modelyard promote {file}"),
        None => format!("modelyard deploy {file} --canary {}", state.drafts.deploy.percent),
    };
    crate::command_line::show(ui, state, &line);
}
