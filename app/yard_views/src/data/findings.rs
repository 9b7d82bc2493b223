//! Findings as sentences, most severe first, each with its fix. A fix that the roles already carry is
//! shown as done.

use super::{
    act::{Act, why_not},
    words,
};
use yard_state::{route::Selection, state::StudioState};
use yard_types::{
    command::Command,
    event::DatasetRecord,
    profile::{Finding, Fix, Severity},
    schema::{FieldType, Role},
};
use yard_ui::{Button, Status, Type, fmt, paint, section_with, space, status_word, text, tokens};

/// Findings shown before "Show all".
const FIRST: usize = 5;
/// Widths of severity, column and action.
const WIDE: [f32; 3] = [84.0, 132.0, 176.0];
const NARROW: [f32; 3] = [84.0, 112.0, 148.0];

/// Draws the section.
pub(super) fn show(
    ui: &mut egui::Ui,
    state: &StudioState,
    dataset: &DatasetRecord,
    all: &mut bool,
) -> Vec<Act> {
    let mut findings: Vec<&Finding> = dataset.profile.findings.iter().collect();
    findings.sort_by_key(|finding| (fixed(dataset, finding), finding.severity));
    let open = findings.iter().filter(|finding| !fixed(dataset, finding)).count();
    let note = note(state, dataset, open);
    let many = findings.len() > FIRST;
    section_with(ui, "Findings", &note, |ui| {
        if many {
            let word = if *all { "Show first".to_owned() } else { format!("Show all {}", findings.len()) };
            if Button::quiet(word).show(ui).clicked() {
                *all = !*all;
            }
        }
    });
    let shown = if *all { findings.len() } else { FIRST.min(findings.len()) };
    let mut acts = Vec::new();
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for finding in &findings[..shown] {
            acts.extend(row(ui, state, dataset, finding));
        }
    });
    acts
}

/// "4 open; the best single column, tenure, reaches ROC AUC 0.740".
fn note(state: &StudioState, dataset: &DatasetRecord, open: usize) -> String {
    let frame = state.project.frame.as_ref();
    let best = dataset.profile.columns.iter().filter_map(|column| Some((column, column.alone?)));
    let best = best.max_by(|a, b| a.1.total_cmp(&b.1));
    let opened = if open == 0 { "none open".to_owned() } else { format!("{open} open") };
    match best {
        Some((column, value)) => {
            let leak = dataset.profile.findings.iter().any(|finding| finding.code == "leak_suspect");
            let word = if leak { "possible leak" } else { "no leak" };
            let label = words::alone_label(frame).trim_end_matches(" alone");
            format!(
                "{opened}; {word}: the best single column, {}, reaches {label} {}",
                column.name,
                fmt::metric(value)
            )
        }
        None => opened,
    }
}

/// Whether the roles or types already carry the fix.
fn fixed(dataset: &DatasetRecord, finding: &Finding) -> bool {
    let has = |column: &String, test: fn(Role, FieldType) -> bool| {
        words::field(dataset, column).is_some_and(|field| test(field.role, field.field_type))
    };
    match &finding.fix {
        None => false,
        Some(Fix::Drop { column }) => has(column, |role, _| role == Role::Dropped),
        Some(Fix::MakeId { column }) => has(column, |role, _| role == Role::Id || role == Role::Dropped),
        Some(Fix::MakeCategory { column }) => has(column, |_, own| own == FieldType::Category),
    }
}

fn severity(finding: &Finding) -> (Status, &'static str) {
    match finding.severity {
        Severity::Error => (Status::Error, "Error"),
        Severity::Warning => (Status::Warn, "Warning"),
        Severity::Info => (Status::Info, "Note"),
    }
}

fn row(ui: &mut egui::Ui, state: &StudioState, dataset: &DatasetRecord, finding: &Finding) -> Vec<Act> {
    let mut acts = Vec::new();
    let whole = ui.available_rect_before_wrap();
    let [severity_width, column_width, action_width] = if whole.width() < 800.0 { NARROW } else { WIDE };
    let before = severity_width + column_width;
    let width = (whole.width() - before - action_width - space::S8).max(80.0);
    let colour = tokens(ui).text;
    let sentence =
        paint::wrapped(ui.painter(), &finding.message, Type::Label, colour, width, egui::Align::Min);
    let height = (sentence.size().y + 8.0).max(space::ROW);
    let (rect, _) = ui.allocate_exact_size(egui::vec2(whole.width(), height), egui::Sense::hover());
    let at = |left: f32, width: f32| {
        egui::Rect::from_min_size(egui::pos2(rect.left() + left, rect.top()), egui::vec2(width, height))
    };
    let (status, word) = severity(finding);
    cell(ui, at(0.0, severity_width), |ui| status_word(ui, status, word));
    if let Some(column) = &finding.column {
        let link = cell(ui, at(severity_width, column_width - space::S8), |ui| name(ui, column));
        if link.clicked() {
            acts.push(Act::Select(Selection::Column(column.clone())));
        }
    } else {
        cell(ui, at(severity_width, column_width), |ui| text::small_strong(ui, "Whole table"));
    }
    let message = cell(ui, at(before, width), |ui| text::small(ui, finding.message.as_str()));
    if !finding.examples.is_empty() {
        message.on_hover_text(finding.examples.join("\n"));
    }
    let action = at(whole.width() - action_width, action_width);
    // Without a fix the explanation takes the fix's place at the right edge.
    let left = if finding.fix.is_some() { action.left() } else { action.right() - 48.0 };
    let before = egui::Rect::from_min_size(egui::pos2(left, action.top()), egui::vec2(52.0, height));
    if cell(ui, before, |ui| explain_link(ui, finding)).clicked() {
        let (code, column) = (finding.code.clone(), finding.column.clone());
        acts.push(Act::Explain(yard_state::route::Subject::Finding { code, column }));
    }
    let action = action.with_min_x(action.left() + 56.0);
    acts.extend(action_ui(ui, action, state, (dataset, finding)));
    acts
}

/// "Explain", named for what it explains.
fn explain_link(ui: &mut egui::Ui, finding: &Finding) -> egui::Response {
    let link = text::link_of(ui, "Explain", Type::Label);
    let name = format!("Explain {} in {}", finding.code, finding.column.as_deref().unwrap_or("the table"));
    link.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Link, true, name.as_str()));
    link
}

fn cell<R>(ui: &mut egui::Ui, rect: egui::Rect, content: impl FnOnce(&mut egui::Ui) -> R) -> R {
    let inner = rect.shrink2(egui::vec2(0.0, 4.0));
    let mut child = ui.new_child(egui::UiBuilder::new().max_rect(inner));
    content(&mut child)
}

/// Column name as a link that keeps to one line.
fn name(ui: &mut egui::Ui, column: &str) -> egui::Response {
    let width = ui.available_width();
    let short = paint::text_width(ui.painter(), column, Type::LabelStrong) > width;
    let shown: String = if short {
        let keep = (width / 8.0) as usize;
        column.chars().take(keep).chain(['…']).collect()
    } else {
        column.to_owned()
    };
    let response = text::link_of(ui, shown, Type::LabelStrong);
    if short { response.on_hover_text(column) } else { response }
}

fn action_ui(
    ui: &mut egui::Ui,
    rect: egui::Rect,
    state: &StudioState,
    (dataset, finding): (&DatasetRecord, &Finding),
) -> Option<Act> {
    let fix = finding.fix.as_ref()?;
    let layout = egui::Layout::right_to_left(egui::Align::Min);
    let builder = egui::UiBuilder::new().max_rect(rect.shrink2(egui::vec2(0.0, 4.0))).layout(layout);
    let mut child = ui.new_child(builder.id_salt((&finding.code, &finding.column)));
    if fixed(dataset, finding) {
        status_word(&mut child, Status::Ok, "Done");
        return None;
    }
    let (label, command) = command(dataset, fix);
    let why = why_not(state);
    if !why.is_empty() {
        child.disable();
    }
    let response = text::link(&mut child, label);
    let clicked = response.clicked();
    if !why.is_empty() {
        response.on_disabled_hover_text(why);
    }
    clicked.then_some(Act::Send(command))
}

fn command(dataset: &DatasetRecord, fix: &Fix) -> (&'static str, Command) {
    let role = |column: &String, role| Command::SetRole { dataset: dataset.id, column: column.clone(), role };
    match fix {
        Fix::Drop { column } => ("Drop column", role(column, Role::Dropped)),
        Fix::MakeId { column } => ("Make it the id", role(column, Role::Id)),
        Fix::MakeCategory { column } => {
            let field_type = FieldType::Category;
            let command = Command::SetType { dataset: dataset.id, column: column.clone(), field_type };
            ("Read as category", command)
        }
    }
}
