//! The rows as a virtual table over pages that the engine sends. A page that is missing is asked for
//! once, not in every frame; a brushed range of a column marks its rows.

use super::{act::Act, bins::bins, words};
use std::collections::BTreeSet;
use yard_state::{jobs::JobStage, state::StudioState};
use yard_types::{
    command::Command,
    event::{DatasetRecord, RowPage},
    schema::{Field, FieldType},
};
use yard_ui::{Button, Cell, Column, Icon, Status, fmt, section_with, space, status_line};

/// Rows of a page.
const PAGE: u64 = 200;
/// Rows shown at once.
const SHOWN: usize = 12;

/// What the table keeps between frames.
#[derive(Default)]
pub(super) struct Rows {
    /// Pages asked for and not seen yet.
    asked: BTreeSet<u64>,
    /// Dataset and state of the log that they were asked for.
    asked_for: (u64, u64),
    selected: Option<usize>,
}

type Brush = Option<(String, (f64, f64))>;

/// Draws the section.
pub(super) fn show(
    ui: &mut egui::Ui,
    state: &StudioState,
    dataset: &DatasetRecord,
    (rows, brush): (&mut Rows, &mut Brush),
) -> Vec<Act> {
    heading(ui, state, dataset, brush);
    if let Some(message) = failure(state) {
        status_line(ui, Status::Error, message);
        if Button::secondary("Read the rows again").icon(Icon::ArrowClockwise).show(ui).clicked() {
            rows.asked.clear();
        }
    }
    let fields = &dataset.schema.fields;
    let mut columns = vec![Column::new("Row", 64.0).right()];
    columns.extend(fields.iter().map(|field| column(dataset, field)));
    let total = dataset.profile.rows as usize;
    let pages = Pages { state, dataset };
    let decimals: Vec<usize> =
        fields.iter().map(|field| words::profile(dataset, &field.name).map_or(0, words::decimals)).collect();
    let range = brush.as_ref().and_then(|brush| Range::new(dataset, brush));
    let marked = |row: usize| range.as_ref().is_some_and(|range| range.holds(&pages, row));
    let response = yard_ui::Table::new("Rows", &columns)
        .rows(total)
        .height(space::ROW * (SHOWN.min(total.max(1)) as f32 + 1.0) + 10.0)
        .selected(rows.selected)
        .marked(&marked)
        .show(ui, |row, at| match at.checked_sub(1) {
            None => Cell::number(fmt::count(row as u64 + 1)),
            Some(at) => cell(&pages, row, (at, &fields[at]), decimals[at]),
        });
    rows.selected = response.selected.or(rows.selected);
    ask(state, dataset, rows, response.drawn)
}

fn heading(ui: &mut egui::Ui, state: &StudioState, dataset: &DatasetRecord, brush: &mut Brush) {
    let note = brush_words(state, dataset, brush.as_ref());
    let brushed = brush.is_some();
    let clear = section_with(ui, "Rows", &note, |ui| {
        brushed && Button::quiet("Clear selection").icon(Icon::X).show(ui).clicked()
    });
    if clear {
        *brush = None;
    }
}

/// What is brushed: "2 967 of 7 043 selected: tenure 0 – 24, Churn Yes 37.5 %".
fn brush_words(state: &StudioState, dataset: &DatasetRecord, brush: Option<&(String, (f64, f64))>) -> String {
    let total = fmt::count(dataset.profile.rows);
    let selected = brush.and_then(|(name, range)| {
        let profile = words::profile(dataset, name)?;
        Some((profile, bins(profile)?.brushed(*range)?))
    });
    let Some((profile, brushed)) = selected else {
        return format!("{total}, as in the file");
    };
    let decimals = words::decimals(profile).max(usize::from(profile.field_type == FieldType::Number));
    let note = format!(
        "{} of {total} selected: {} {} – {}",
        fmt::count(brushed.rows as u64),
        profile.name,
        fmt::fixed(brushed.low, decimals),
        fmt::fixed(brushed.high, decimals)
    );
    let Some(positives) = brushed.positives else { return note };
    let [_, positive] = words::series_names(state.project.frame.as_ref());
    format!("{note}, {positive} {}", fmt::percent(positives / brushed.rows.max(1.0)))
}

/// Message of the last page that could not be read.
fn failure(state: &StudioState) -> Option<&str> {
    let last = state.jobs.all().iter().rev().find(|job| job.label == "Rows")?;
    match &last.stage {
        JobStage::Failed(message) => Some(message),
        _ => None,
    }
}

/// As wide as the name and the longest of the frequent values, within limits.
fn column<'a>(dataset: &DatasetRecord, field: &'a Field) -> Column<'a> {
    let numeric = matches!(field.field_type, FieldType::Number | FieldType::Integer);
    let values = words::profile(dataset, &field.name).map_or(&[][..], |own| &own.top);
    let longest = values.iter().map(|top| top.value.chars().count()).max().unwrap_or(0);
    let letters = field.name.chars().count().max(longest) as f32;
    let least = if field.field_type == FieldType::Datetime { 144.0 } else { 64.0 };
    let column = Column::new(field.name.as_str(), (letters * 7.6 + 20.0).clamp(least, 208.0));
    if numeric { column.right() } else { column }
}

/// Text of a cell.
enum Text<'a> {
    /// The page is on its way.
    Awaited,
    Missing,
    Here(&'a str),
}

/// The pages at hand.
struct Pages<'a> {
    state: &'a StudioState,
    dataset: &'a DatasetRecord,
}

impl<'a> Pages<'a> {
    fn page(&self, start: u64) -> Option<&'a RowPage> {
        self.state.pages.get(&start).filter(|page| page.dataset == self.dataset.id.0)
    }

    fn text(&self, row: usize, at: usize) -> Text<'a> {
        let start = row as u64 / PAGE * PAGE;
        let cells = self.page(start).and_then(|page| page.rows.get(row - start as usize));
        match cells.and_then(|cells| cells.get(at)) {
            None => Text::Awaited,
            Some(None) => Text::Missing,
            Some(Some(text)) => Text::Here(text),
        }
    }
}

fn cell<'a>(pages: &Pages<'a>, row: usize, (at, field): (usize, &Field), decimals: usize) -> Cell<'a> {
    let text = match pages.text(row, at) {
        Text::Awaited => return Cell::muted("…"),
        Text::Missing => return Cell::missing(),
        Text::Here(text) => text,
    };
    match field.field_type {
        FieldType::Number => match field.rules.number(text).or(text.parse().ok()) {
            Some(number) if number.is_finite() => Cell::number(fmt::fixed(number, decimals)),
            _ => Cell::number(text),
        },
        FieldType::Integer | FieldType::Datetime => Cell::number(text),
        _ => Cell::text(text),
    }
}

/// A brushed range in whole bins, and the place of its column.
struct Range {
    at: usize,
    low: f64,
    high: f64,
}

impl Range {
    fn new(dataset: &DatasetRecord, (name, range): &(String, (f64, f64))) -> Option<Self> {
        let at = dataset.schema.fields.iter().position(|field| field.name == *name)?;
        let brushed = bins(words::profile(dataset, name)?)?.brushed(*range)?;
        Some(Self { at, low: brushed.low, high: brushed.high })
    }

    fn holds(&self, pages: &Pages<'_>, row: usize) -> bool {
        let field = &pages.dataset.schema.fields[self.at];
        let number = |text: &str| match field.field_type {
            FieldType::Datetime => field.rules.instant(text).map(|micros| micros as f64),
            _ => field.rules.number(text).or(text.parse().ok()),
        };
        let Text::Here(text) = pages.text(row, self.at) else { return false };
        number(text).is_some_and(|value| value >= self.low && value <= self.high)
    }
}

/// Asks for the pages of the drawn rows that are neither here nor on their way.
fn ask(
    state: &StudioState,
    dataset: &DatasetRecord,
    rows: &mut Rows,
    (first, last): (usize, usize),
) -> Vec<Act> {
    let now = (dataset.id.0, state.project.seq);
    if rows.asked_for != now {
        rows.asked_for = now;
        rows.asked.clear();
    }
    if last <= first {
        return Vec::new();
    }
    let pages = Pages { state, dataset };
    let starts = (first as u64 / PAGE..=(last as u64 - 1) / PAGE).map(|page| page * PAGE);
    let mut acts = Vec::new();
    for start in starts {
        if pages.page(start).is_some() {
            rows.asked.remove(&start);
        } else if rows.asked.insert(start) {
            acts.push(Act::Send(Command::FetchRows { dataset: dataset.id, start, count: PAGE }));
        }
    }
    acts
}
