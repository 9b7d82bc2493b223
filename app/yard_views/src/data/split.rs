//! How the rows are divided: the parts with their counts in one line, and the form that changes it.

use super::act::{Act, why_not};
use yard_state::{
    actions::Action,
    command::UiCommand,
    route::Selection,
    split_draft::{SplitBy, SplitDraft},
    state::StudioState,
};
use yard_types::{
    command::Command,
    event::DatasetRecord,
    frame::Frame,
    project::SplitRecord,
    schema::{FieldType, Role},
    split::SplitSpec,
};
use yard_ui::{
    Button, Form, Icon, Segmented, Select, Status, TextField, fmt, inspector_head, inspector_section, legend,
    marks, section_with, space, status_line, text, tokens,
};

/// Draws the line of the view.
pub(super) fn line(ui: &mut egui::Ui, state: &StudioState, dataset: &DatasetRecord) -> Vec<Act> {
    let record = state.project.splits.get(&dataset.id);
    let frame = state.project.frame.as_ref();
    let note = record.map_or_else(
        || "the rows are divided as soon as the target is chosen".to_owned(),
        |record| spec_words(&record.spec, frame),
    );
    let mut acts = Vec::new();
    section_with(ui, "Split", &note, |ui| {
        let Some(record) = record else { return };
        if Button::quiet("Change split").show(ui).clicked() {
            acts.push(Act::Select(Selection::None));
            if yard_ui::shell::is_narrow(ui.ctx()) || !state.inspector {
                acts.push(Act::Ask(Action::Ui(UiCommand::ToggleInspector)));
            }
        }
        parts_ui(ui, record);
    });
    for note in record.iter().flat_map(|record| &record.notes) {
        status_line(ui, Status::Info, note);
    }
    acts
}

/// "by row hash, seed 0, each class alike".
fn spec_words(spec: &SplitSpec, frame: Option<&Frame>) -> String {
    match (&spec.column, &spec.time, &spec.group) {
        (Some(column), _, _) => format!("by column {column}"),
        (None, Some(time), _) => format!("by time {time}: the oldest rows train, the newest test"),
        (None, None, Some(group)) => format!("by group {group}, seed {}", spec.seed),
        (None, None, None) => {
            let alike = match frame.filter(|_| spec.stratify) {
                Some(frame) => format!(", {} alike in each part", frame.target),
                None => String::new(),
            };
            format!("by row hash, seed {}{alike}", spec.seed)
        }
    }
}

fn parts(record: &SplitRecord) -> [(&'static str, u64); 3] {
    let counts = record.counts;
    [("train", counts.train), ("validation", counts.validation), ("test", counts.test)]
}

/// Counts and shares from right to left, the bar left of them where there is room.
fn parts_ui(ui: &mut egui::Ui, record: &SplitRecord) {
    let t = tokens(ui);
    let all: u64 = parts(record).iter().map(|(_, rows)| rows).sum();
    let share = |rows: u64| rows as f64 / all.max(1) as f64;
    ui.spacing_mut().item_spacing.x = space::S16;
    for (at, (word, rows)) in parts(record).iter().enumerate().rev() {
        let words = format!("{word} {} ({})", fmt::count(*rows), fmt::percent_with(share(*rows), 0));
        legend(ui, t.series(at), &words);
    }
    if ui.available_width() > 360.0 {
        let parts = parts(record);
        let shares: Vec<(f64, egui::Color32, &str)> =
            parts.iter().enumerate().map(|(at, (word, rows))| (share(*rows), t.series(at), *word)).collect();
        ui.allocate_ui(egui::vec2(112.0, 16.0), |ui| {
            ui.set_width(112.0);
            marks::share_bar(ui, "Split", &shares)
        });
    }
}

/// Draws the inspector: the form of the split.
pub(super) fn inspector(ui: &mut egui::Ui, state: &StudioState) -> Vec<Act> {
    inspector_head(ui, "Dataset", state.project.dataset().map_or("", |own| own.name.as_str()), |_| {});
    let Some(dataset) = state.project.dataset() else { return Vec::new() };
    inspector_section(ui, "File", |ui| file_ui(ui, state, dataset));
    let Some(record) = state.project.splits.get(&dataset.id) else {
        inspector_section(ui, "Split", |ui| {
            text::paragraph(ui, "Choose the target on Frame first; then the rows are divided.")
        });
        return Vec::new();
    };
    let acts = inspector_section(ui, "Split", |ui| form_ui(ui, state, (dataset, record)));
    inspector_section(ui, "Parts", |ui| {
        for (word, rows) in parts(record) {
            yard_ui::key_value(ui, word, &fmt::count(rows));
        }
    });
    acts
}

fn file_ui(ui: &mut egui::Ui, state: &StudioState, dataset: &DatasetRecord) {
    let format = &dataset.schema.format;
    let kind = match &format.compression {
        Some(compression) => format!("{}, {compression}", format.kind),
        None => format.kind.clone(),
    };
    yard_ui::key_text(ui, "Path", &dataset.path);
    yard_ui::key_text(ui, "Format", &kind);
    if !format.encoding.is_empty() {
        yard_ui::key_text(ui, "Encoding", &format.encoding);
    }
    if let Some(delimiter) = format.delimiter {
        let word = if delimiter == '\t' { "tab".to_owned() } else { delimiter.to_string() };
        yard_ui::key_text(ui, "Delimiter", &word);
    }
    yard_ui::key_value(ui, "SHA-256", &dataset.fingerprint.sha256.short());
    yard_ui::key_value(ui, "Versions", &fmt::count(state.project.datasets.len() as u64));
}

/// Picks a text of the form.
type Pick = fn(&mut SplitDraft) -> &mut String;

fn form_ui(
    ui: &mut egui::Ui,
    state: &StudioState,
    (dataset, record): (&DatasetRecord, &SplitRecord),
) -> Vec<Act> {
    let draft = &state.drafts.split;
    let mut new = draft.clone();
    let mut edited = "";
    let mut by = SplitBy::ALL.iter().position(|by| *by == new.by).unwrap_or(0);
    if Segmented::new(&mut by, &SplitBy::ALL.map(SplitBy::word)).show(ui).changed() {
        new.by = SplitBy::ALL[by];
        new.column = candidates(dataset, new.by).first().cloned().unwrap_or_default();
        edited = "way of splitting";
    }
    ui.add_space(space::S4);
    if new.by != SplitBy::Hash && column_ui(ui, dataset, &mut new) {
        edited = "column of the split";
    }
    let fields: [(&str, &str, Pick); 3] = [
        ("Validation", "% of rows", |draft| &mut draft.validation),
        ("Test", "% of rows", |draft| &mut draft.test),
        ("Seed", "", |draft| &mut draft.seed),
    ];
    for (name, unit, pick) in fields {
        let row = |ui: &mut egui::Ui| TextField::new(name, pick(&mut new)).mono().unit(unit).show(ui);
        if crate::reasons::on(Form::default().row(ui, name, row), name).changed() {
            edited = name;
        }
    }
    let classes = state.project.frame.as_ref().is_some_and(|frame| frame.task.is_classification());
    if new.by == SplitBy::Hash
        && classes
        && crate::reasons::on(yard_ui::checkbox(ui, &mut new.stratify, STRATIFY), STRATIFY).changed()
    {
        edited = "stratify";
    }
    let mut acts = make_ui(ui, state, (dataset, record), &new);
    if !edited.is_empty() {
        acts.push(Act::Split(edited, new));
    }
    acts
}

/// The check box that keeps the classes' shares.
const STRATIFY: &str = "Each class alike";

fn column_ui(ui: &mut egui::Ui, dataset: &DatasetRecord, draft: &mut SplitDraft) -> bool {
    let names = candidates(dataset, draft.by);
    let words: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut at = names.iter().position(|name| *name == draft.column).unwrap_or(usize::MAX);
    let changed =
        Form::default().row(ui, "Column", |ui| Select::new("Column", &mut at, &words).show(ui)).changed();
    if let Some(name) = names.get(at) {
        draft.column.clone_from(name);
    }
    changed
}

/// Columns that can carry a split: the one with the role first.
fn candidates(dataset: &DatasetRecord, by: SplitBy) -> Vec<String> {
    let (role, fits): (Role, fn(FieldType) -> bool) = match by {
        SplitBy::Time => {
            (Role::Time, |own| matches!(own, FieldType::Datetime | FieldType::Integer | FieldType::Number))
        }
        SplitBy::Column => (Role::Split, |own| {
            matches!(own, FieldType::Category | FieldType::Text | FieldType::Boolean | FieldType::Integer)
        }),
        SplitBy::Hash | SplitBy::Group => (Role::Group, |_| true),
    };
    let fields =
        dataset.schema.fields.iter().filter(|field| field.role != Role::Target && fits(field.field_type));
    let mut names: Vec<(bool, String)> =
        fields.map(|field| (field.role != role, field.name.clone())).collect();
    names.sort_by_key(|(other, _)| *other);
    names.into_iter().map(|(_, name)| name).collect()
}

fn make_ui(
    ui: &mut egui::Ui,
    state: &StudioState,
    (dataset, record): (&DatasetRecord, &SplitRecord),
    draft: &SplitDraft,
) -> Vec<Act> {
    ui.add_space(space::S4);
    let read = draft.to_spec();
    if let Err(error) = &read {
        status_line(ui, Status::Error, &format!("{}: {}", error.field, error.message));
    }
    let changed = read.as_ref().is_ok_and(|spec| *spec != record.spec);
    let why = match &read {
        Err(_) => "Mend the field that is marked first",
        Ok(_) if state.read_only => why_not(state),
        Ok(_) => "These are the settings of the split in force",
    };
    let button = Button::secondary("Make this split")
        .icon(Icon::Check)
        .tooltip("Divides the rows anew; models trained so far keep the split that they were trained on")
        .enabled_if(changed && !state.read_only, why);
    let clicked = button.show(ui).clicked();
    match read {
        Ok(spec) if clicked => vec![Act::Send(Command::SetSplit { dataset: dataset.id, spec })],
        _ => Vec::new(),
    }
}
