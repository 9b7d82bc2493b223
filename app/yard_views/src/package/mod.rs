//! Package: the checks that were made, what is inside with sizes and hashes, and the model card that the
//! receiver reads.

mod card;

use crate::{
    head::{self, Head},
    layout::{self, Side},
    words,
};
use yard_state::{
    actions::{Action, Pick},
    command::UiCommand,
    next,
    route::{Place, Selection},
    state::StudioState,
};
use yard_types::package::PackageRecord;
use yard_ui::{Cell, Chip, Column, Empty, Icon, Status, Table, fmt, section, space, text};

/// What Package keeps between frames.
#[derive(Default)]
pub(crate) struct View {
    entry: Option<usize>,
    out: String,
}

/// Draws the place.
pub(crate) fn show(ui: &mut egui::Ui, state: &mut StudioState, view: &mut View) {
    head_ui(ui, state);
    let Some(package) = shown(state).cloned() else {
        empty_ui(ui, state);
        return;
    };
    let width = ui.available_width();
    layout::two(ui, width * 0.57, space::S32, |ui, side| match side {
        Side::Left => {
            checks_ui(ui, &package);
            ui.add_space(space::S24);
            contents_ui(ui, &package, view);
            ui.add_space(space::S24);
            out_ui(ui, state, view);
        }
        Side::Right => {
            section(ui, "Model card", "travels in the package");
            yard_ui::show::card(ui, |ui| card::show(ui, state, &package));
        }
    });
}

/// The selected package, else the newest.
fn shown(state: &StudioState) -> Option<&PackageRecord> {
    let packages = &state.project.packages;
    match &state.selection {
        Selection::Package(version) => {
            packages.iter().find(|own| own.version == *version).or(packages.last())
        }
        _ => packages.last(),
    }
}

fn head_ui(ui: &mut egui::Ui, state: &mut StudioState) {
    let chosen = state.chosen_model();
    let context = match (shown(state), chosen) {
        (Some(package), _) => {
            let run = state
                .project
                .models
                .get(&package.model)
                .map_or(String::new(), |model| format!(" from run {}", model.run));
            let signed = if package.signed_by.is_some() { "signed with this user's key" } else { "unsigned" };
            format!(
                "{} version {}{run}, {}, {signed}",
                package.name,
                package.version,
                fmt::bytes(package.bytes)
            )
        }
        (None, Some(model)) => format!("run {}, {}, not packaged yet", model.run, words::model_words(model)),
        (None, None) => "one signed file with recipe, model, threshold and golden examples".to_owned(),
    };
    let (primary, icon) = match next::primary(state) {
        UiCommand::Go(_) => ("Deploy this version".to_owned(), Icon::RocketLaunch),
        _ => (
            chosen.map_or("Build package".to_owned(), |model| format!("Package run {}", model.run)),
            Icon::Package,
        ),
    };
    let others = match next::primary(state) {
        UiCommand::Go(_) => vec![(UiCommand::BuildPackage, Icon::Package)],
        _ => Vec::new(),
    };
    head::show(ui, state, &Head { title: "Package", context, primary, icon, others });
}

fn empty_ui(ui: &mut egui::Ui, state: &mut StudioState) {
    let trained = !state.project.models.is_empty();
    let sentence = if trained {
        "The package holds the fitted recipe, the model, the threshold, golden examples and the card, each with its hash."
    } else {
        "A trained model is packaged here, with its feature engineering, calibration and threshold inside."
    };
    let mut empty = Empty::new(Icon::Package, sentence);
    if trained {
        empty = empty.action("Build package", "Ctrl+Enter");
    }
    let answer = empty.link(if trained { "Go to Evaluate" } else { "Go to Train" }).show(ui);
    if answer.action {
        state.ask(Action::Ui(UiCommand::BuildPackage));
    }
    if answer.link {
        state.place = if trained { Place::Evaluate } else { Place::Train };
    }
}

fn checks_ui(ui: &mut egui::Ui, package: &PackageRecord) {
    let failed = package.checks.iter().filter(|check| !check.ok).count();
    let note = match failed {
        0 => format!("{}, all passed", package.checks.len()),
        n => format!("{}, {n} failed", package.checks.len()),
    };
    section(ui, "Checks", &note);
    let columns = [Column::rest("Check", 216.0), Column::new("Found", 112.0), Column::new("State", 84.0)];
    Table::new("Checks", &columns)
        .rows(package.checks.len())
        .height(crate::start::table_height(package.checks.len().clamp(1, 10)))
        .show(ui, |row, column| {
            let check = &package.checks[row];
            match column {
                0 => Cell::text(check.name.clone()),
                1 => Cell::muted(check.detail.clone()),
                _ if check.ok => Cell::status(Status::Ok, "pass"),
                _ => Cell::status(Status::Error, "fail"),
            }
        });
}

/// What an entry of the package holds, in words.
fn holds(entry: &str) -> &'static str {
    match entry {
        "contract.json" => "fields, types, ranges, null policy",
        "recipe.json" => "fitted steps",
        "model.json" => "structure of the model",
        "weights.safetensors" => "tensors",
        "calibration.json" => "margins to probabilities",
        "frame.json" => "decision, costs, limits",
        "golden.jsonl" => "requests with exact answers",
        "reference.json" => "sketches of fields and score",
        "evaluation.json" => "metrics, curves, slices, fairness",
        "card.md" => "for the receiver",
        "lineage.json" => "data, run, parents",
        "manifest.json" => "every entry with size and hash",
        "signature" => "Ed25519 over the manifest",
        _ => "",
    }
}

fn contents_ui(ui: &mut egui::Ui, package: &PackageRecord, view: &mut View) {
    let note = format!(
        "{}, {}, data only, no code",
        fmt::counted(package.entries.len() as u64, "entry", "entries"),
        fmt::bytes(package.bytes)
    );
    section(ui, "Contents", &note);
    let columns = [
        Column::new("Entry", 152.0),
        Column::rest("Holds", 140.0),
        Column::new("KiB", 60.0).right(),
        Column::new("SHA-256", 108.0),
    ];
    let response = Table::new("Contents", &columns)
        .rows(package.entries.len())
        .height(crate::start::table_height(package.entries.len().clamp(1, 14)))
        .selected(view.entry)
        .show(ui, |row, column| {
            let entry = &package.entries[row];
            match column {
                0 => Cell::text(entry.name.clone()),
                1 => Cell::muted(holds(&entry.name)),
                2 => Cell::number(fmt::fixed(entry.bytes as f64 / 1024.0, 1)),
                _ => Cell::number(entry.sha256.to_hex()[..12].to_owned()),
            }
        });
    if response.selected.is_some() {
        view.entry = response.selected;
    }
}

/// Where the file is, and writing it elsewhere.
fn out_ui(ui: &mut egui::Ui, state: &mut StudioState, view: &mut View) {
    section(ui, "Write to another place", "the same bytes for the same model");
    let field = yard_ui::PathField::new("Package file", &mut view.out).hint("model.modelpack").show(ui);
    if field.browse {
        state.ask(Action::Pick(Pick::PackageOut));
    }
    let entered = field.field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
    if entered && !view.out.trim().is_empty() {
        let model = yard_state::run::model_choice(state);
        let out = Some(view.out.trim().to_owned());
        state.send(yard_types::command::Command::PackageModel { model, out });
    }
}

/// Draws the inspector: the file and what its receiver can do.
pub(crate) fn inspector(ui: &mut egui::Ui, state: &mut StudioState) {
    let Some(package) = shown(state).cloned() else {
        text::note(ui, "Package");
        text::strong(ui, "None yet");
        yard_ui::divider(ui, space::S12);
        let line =
            format!("modelyard package {} --out model.modelpack", crate::command_line::project_file(state));
        crate::command_line::show(ui, state, &line);
        return;
    };
    let ok = package.checks.iter().all(|check| check.ok);
    let chip = if ok { (Status::Ok, "pass") } else { (Status::Error, "fail") };
    let title = format!("{} {}", package.name, package.version);
    yard_ui::inspector_head(ui, "Package", &title, |ui| Chip::new(chip.0, chip.1).show(ui));
    yard_ui::inspector_section(ui, "File", |ui| {
        yard_ui::key_value(ui, "Size", &fmt::bytes(package.bytes));
        yard_ui::key_value(ui, "SHA-256", &package.sha256.to_hex()[..16]);
        let signed = package.signed_by.as_deref().map_or("unsigned".to_owned(), |key| fmt::hash(key, 16));
        yard_ui::key_value(ui, "Signed by key", &signed);
        text::fitted(ui, package.path.as_str(), yard_ui::Type::MonoSmall, yard_ui::tokens(ui).text_3);
        if text::link(ui, "Copy path").clicked() {
            state.ask(Action::Copy(package.path.clone()));
        }
    });
    if package.checks.iter().any(|check| !check.ok) {
        yard_ui::inspector_section(ui, "What to mend", |ui| {
            for check in package.checks.iter().filter(|check| !check.ok) {
                yard_ui::status_line(ui, Status::Error, &format!("{}: {}", check.name, check.detail));
            }
        });
    }
    yard_ui::inspector_section(ui, "What the receiver can do", |ui| {
        text::paragraph(
            ui,
            "Verify it without this project: hashes, signature, golden answers bit by bit, and the claims of the card. Serve it with yard-serve. Score files with it.",
        );
    });
    yard_ui::divider(ui, space::S12);
    let file = package.path.rsplit(['/', '\\']).next().unwrap_or("model.modelpack").to_owned();
    let line = format!(
        "modelyard package {} \\\n  --model {} \\\n  --out {file}\nmodelyard verify {file}",
        crate::command_line::project_file(state),
        package.model
    );
    crate::command_line::show(ui, state, &line);
}
