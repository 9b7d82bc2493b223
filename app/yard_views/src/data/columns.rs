//! The column table: one row a column with type, gaps, distribution by class, range, figure alone and
//! role; the role is changed through a menu on its chip.

use super::{
    act::{Act, why_not},
    bins::bins,
    words,
};
use egui::{Popup, PopupKind, Rect};
use std::cmp::Ordering;
use yard_state::{route::Selection, state::StudioState};
use yard_types::{
    command::Command,
    event::DatasetRecord,
    profile::ColumnProfile,
    schema::{Field, Role},
};
use yard_ui::{Cell, Column, Icon, Sort, fmt, legend, overlay, section_with, space, text, tokens};

/// Rows shown before the table scrolls inside itself.
const MOST_ROWS: usize = 24;
/// Below this width two columns that the inspector repeats are left out.
const WIDE: f32 = 800.0;

/// What the table keeps between frames.
#[derive(Default)]
pub(super) struct Table {
    sort: Option<Sort>,
    menu: Option<RoleMenu>,
}

/// An open menu of roles.
struct RoleMenu {
    column: String,
    below: Rect,
    opener: egui::Id,
    fresh: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Show {
    TypeIcon,
    Name,
    Type,
    Missing,
    Percent,
    Distinct,
    Distribution,
    Range,
    Alone,
    Role,
    Protected,
}

/// Draws the section.
pub(super) fn show(
    ui: &mut egui::Ui,
    state: &StudioState,
    dataset: &DatasetRecord,
    table: &mut Table,
) -> Vec<Act> {
    heading(ui, state, dataset);
    let shown = shown(ui.available_width(), state);
    let columns: Vec<Column<'_>> = shown.iter().map(|show| column(*show, state)).collect();
    let order = order(dataset, &shown, table.sort);
    let selected = match &state.selection {
        Selection::Column(name) => order.iter().position(|at| dataset.profile.columns[*at].name == *name),
        _ => None,
    };
    let rows = order.len();
    let response = yard_ui::Table::new("Columns", &columns)
        .rows(rows)
        .compact()
        .height(space::ROW + rows.min(MOST_ROWS) as f32 * space::ROW_COMPACT)
        .sort(table.sort)
        .selected(selected)
        .scroll_to(None)
        .show(ui, |row, at| cell(state, dataset, &dataset.profile.columns[order[row]], shown[at]));
    if let Some(sort) = response.sort {
        table.sort = Some(sort);
    }
    let mut acts = Vec::new();
    if let Some(at) = response.selected.or(response.activated).and_then(|row| order.get(row)) {
        acts.push(Act::Select(Selection::Column(dataset.profile.columns[*at].name.clone())));
    }
    if let Some((row, at)) = response.cell
        && let Some(column) = order.get(row).map(|at| &dataset.profile.columns[*at])
    {
        acts.push(Act::Select(Selection::Column(column.name.clone())));
        let opener = response.response.id.with((row, at));
        let (column, below) = (column.name.clone(), response.cell_rect);
        table.menu = Some(RoleMenu { column, below, opener, fresh: true });
    }
    acts.extend(menu_ui(ui, state, dataset, table));
    acts
}

fn heading(ui: &mut egui::Ui, state: &StudioState, dataset: &DatasetRecord) {
    let frame = state.project.frame.as_ref();
    let count = fmt::count(dataset.schema.fields.len() as u64);
    let note = match frame {
        Some(frame) => format!("{count}, target {}{}", frame.target, class_words(dataset, frame)),
        None => format!("{count}, no target chosen yet"),
    };
    let names = words::series_names(frame);
    let counted = dataset.profile.columns.iter().filter_map(bins).any(|bins| !bins.positive.is_empty());
    section_with(ui, "Columns", &note, |ui| {
        if counted && !names[1].is_empty() {
            let t = tokens(ui);
            ui.spacing_mut().item_spacing.x = space::S16;
            legend(ui, t.series(1), &names[1]);
            legend(ui, t.series(0), &names[0]);
        }
    });
}

/// ": 1 869 of 7 043 Yes (26.5 %)".
fn class_words(dataset: &DatasetRecord, frame: &yard_types::frame::Frame) -> String {
    let Some(positive) = &frame.positive else {
        return match frame.classes.len() {
            0 => String::new(),
            count => format!(", {count} classes"),
        };
    };
    let column = words::profile(dataset, &frame.target);
    let count = column.and_then(|own| own.top.iter().find(|top| top.value == *positive)).map(|top| top.count);
    count.map_or_else(String::new, |count| {
        let rows = dataset.profile.rows;
        let share = fmt::percent(count as f64 / rows.max(1) as f64);
        format!(": {} of {} {positive} ({share})", fmt::count(count), fmt::count(rows))
    })
}

fn shown(width: f32, state: &StudioState) -> Vec<Show> {
    let protected = state.project.frame.as_ref().is_some_and(|frame| !frame.protected.is_empty());
    let all = [
        Show::TypeIcon,
        Show::Name,
        Show::Type,
        Show::Missing,
        Show::Percent,
        Show::Distinct,
        Show::Distribution,
        Show::Range,
        Show::Alone,
        Show::Role,
        Show::Protected,
    ];
    let fits = |show: &Show| match show {
        Show::Percent | Show::Range => width >= WIDE,
        Show::Protected => protected,
        _ => true,
    };
    all.into_iter().filter(fits).collect()
}

fn column(show: Show, state: &StudioState) -> Column<'static> {
    let frame = state.project.frame.as_ref();
    match show {
        Show::TypeIcon => Column::new("", 24.0),
        Show::Name => Column::new("Column", 128.0).sortable(),
        Show::Type => Column::new("Type", 72.0).sortable(),
        Show::Missing => Column::new("Missing", 64.0).right().sortable(),
        Show::Percent => Column::new("%", 48.0).right(),
        Show::Distinct => Column::new("Distinct", 66.0).right().sortable(),
        Show::Distribution => Column::rest("Distribution", 120.0),
        Show::Range => Column::new("Range or values", 148.0),
        Show::Alone => Column::new(words::alone_label(frame), 104.0)
            .right()
            .sortable()
            .tooltip(words::alone_definition(frame)),
        Show::Role => Column::new("Role", 92.0).sortable(),
        Show::Protected => Column::new("", 32.0),
    }
}

fn order(dataset: &DatasetRecord, shown: &[Show], sort: Option<Sort>) -> Vec<usize> {
    let columns = &dataset.profile.columns;
    let mut order: Vec<usize> = (0..columns.len()).collect();
    let Some((sort, show)) = sort.and_then(|sort| Some((sort, *shown.get(sort.column)?))) else {
        return order;
    };
    let role = |column: &ColumnProfile| words::field(dataset, &column.name).map(|field| field.role);
    let by = |a: &ColumnProfile, b: &ColumnProfile| match show {
        Show::Name => a.name.cmp(&b.name),
        Show::Type => a.field_type.cmp(&b.field_type),
        Show::Missing => a.missing.cmp(&b.missing),
        Show::Distinct => a.distinct.cmp(&b.distinct),
        Show::Alone => a.alone.unwrap_or(-1.0).total_cmp(&b.alone.unwrap_or(-1.0)),
        Show::Role => role(a).cmp(&role(b)),
        _ => Ordering::Equal,
    };
    order.sort_by(|a, b| {
        let way = by(&columns[*a], &columns[*b]);
        if sort.descending { way.reverse() } else { way }
    });
    order
}

fn cell<'a>(state: &StudioState, dataset: &'a DatasetRecord, own: &'a ColumnProfile, show: Show) -> Cell<'a> {
    let field = words::field(dataset, &own.name);
    let field_type = field.map_or(own.field_type, |field| field.field_type);
    let rows = dataset.profile.rows;
    match show {
        Show::TypeIcon => Cell::icon(words::type_icon(field_type), ""),
        Show::Name => Cell::text(own.name.as_str()),
        Show::Type => Cell::muted(field_type.word()),
        Show::Missing => Cell::number(fmt::count(own.missing)),
        Show::Percent => Cell::number(fmt::fixed(own.missing as f64 / rows.max(1) as f64 * 100.0, 1)),
        Show::Distinct => Cell::number(fmt::count(own.distinct)),
        Show::Distribution => distribution(own, rows),
        Show::Range => Cell::text(words::range_words(own)),
        Show::Alone => Cell::number_opt(own.alone.map(fmt::metric)),
        Show::Role => role_cell(field),
        Show::Protected => protected_cell(state, field),
    }
}

fn distribution(own: &ColumnProfile, rows: u64) -> Cell<'static> {
    let numeric = own.mean.is_some();
    if words::all_different(own, rows) && !numeric {
        return Cell::muted("all different");
    }
    match bins(own) {
        Some(bins) => Cell::histogram(bins.mini(), format!("distribution of {}", own.name)),
        None => Cell::missing(),
    }
}

fn role_cell(field: Option<&Field>) -> Cell<'static> {
    let Some(field) = field else { return Cell::missing() };
    let (icon, word) = (words::role_icon(field.role), words::role_word(field.role));
    Cell::choice(icon, word, format!("Role of {}", field.name))
}

/// A feature that is protected as well; the role "sensitive" says so itself.
fn protected_cell(state: &StudioState, field: Option<&Field>) -> Cell<'static> {
    let protected = |field: &Field, frame: &yard_types::frame::Frame| {
        field.role != Role::Sensitive && frame.protected.contains(&field.name)
    };
    let found = field.zip(state.project.frame.as_ref());
    if found.is_some_and(|(field, frame)| protected(field, frame)) {
        Cell::icon(Icon::ShieldCheck, "protected")
    } else {
        Cell::text("")
    }
}

/// Draws the menu of roles below the chip that opened it.
fn menu_ui(ui: &egui::Ui, state: &StudioState, dataset: &DatasetRecord, table: &mut Table) -> Option<Act> {
    let menu = table.menu.as_mut()?;
    let field = words::field(dataset, &menu.column)?;
    let id = menu.opener.with("role-menu");
    if std::mem::take(&mut menu.fresh) {
        Popup::open_id(ui.ctx(), id);
    }
    let why = why_not(state);
    let chosen = Popup::new(id, ui.ctx().clone(), menu.below, ui.layer_id())
        .kind(PopupKind::Menu)
        .layout(egui::Layout::top_down_justified(egui::Align::Min))
        .anchor_widget(menu.opener)
        .accessible_name(format!("Role of {}", field.name))
        .open_memory(None)
        .width(300.0)
        .show(|ui| roles_ui(ui, field, why));
    if !Popup::is_id_open(ui.ctx(), id) {
        table.menu = None;
    }
    let role = chosen.and_then(|inner| inner.inner)?;
    role_command(dataset, field, role).map(Act::Send)
}

fn roles_ui(ui: &mut egui::Ui, field: &Field, why: &str) -> Option<Role> {
    ui.spacing_mut().item_spacing.y = 0.0;
    ui.set_min_width(290.0);
    if !why.is_empty() {
        text::note(ui, why);
        ui.disable();
    }
    if field.role == Role::Target {
        text::note(ui, "The target is changed by making another column the target.");
        return None;
    }
    let mut chosen = None;
    for role in words::ROLES {
        let label = format!("{}: {}", words::role_word(role), words::role_meaning(role));
        let icon = words::role_icon(role);
        if overlay::menu_item(ui, icon, &label, "").clicked() {
            chosen = Some(role);
            ui.close();
        }
    }
    chosen
}

/// The command that gives a column a role; the target comes with a frame of its own.
pub(super) fn role_command(dataset: &DatasetRecord, field: &Field, role: Role) -> Option<Command> {
    if role == field.role {
        return None;
    }
    if role == Role::Target {
        let frame = yard_state::guess::frame(dataset, &field.name);
        return Some(Command::SetFrame { frame: Box::new(frame) });
    }
    Some(Command::SetRole { dataset: dataset.id, column: field.name.clone(), role })
}
