//! Tests of the grid with ten million rows and a thousand columns: by role and name, by keyboard alone.
#![allow(clippy::unwrap_used)]

use egui::{Event, Key, Modifiers, OutputCommand, Role, vec2};
use egui_kittest::{Harness, kittest::Queryable as _};

use super::{
    super::{Cell, Sort},
    Grid, GridColumn, GridEvent, GridState, Kind, PAGE_COLUMNS, PAGE_ROWS, Page, Pages,
};
use crate::marks::{Bars, Histogram};

const ROWS: usize = 10_000_000;

struct State {
    grid: GridState,
    columns: Vec<GridColumn>,
    pages: Pages,
    asked: Vec<Page>,
    events: Vec<GridEvent>,
    drawn: ((usize, usize), (usize, usize)),
    loading: bool,
    answering: bool,
}

fn page_cells(page: Page) -> Vec<Vec<Cell<'static>>> {
    let cell = |row: usize, column: usize| match (row + column) % 11 {
        5 => Cell::missing(),
        _ => Cell::number(format!("{row}:{column}")),
    };
    let (top, left) = (page.rows * PAGE_ROWS, page.columns * PAGE_COLUMNS);
    (top..top + PAGE_ROWS).map(|row| (left..left + PAGE_COLUMNS).map(|at| cell(row, at)).collect()).collect()
}

fn draw(ui: &mut egui::Ui, state: &mut State) {
    crate::apply(ui.ctx(), crate::Theme::Light);
    let pages = &mut state.pages;
    let response =
        Grid::new("Rows", &state.columns, ROWS)
            .height(300.0)
            .show(ui, &mut state.grid, |row, column| pages.cell(row, column));
    let asked = pages.ask();
    if state.answering {
        for page in &asked {
            pages.put(*page, page_cells(*page));
        }
    }
    state.asked.extend(asked);
    state.events.extend(response.events);
    state.drawn = (response.rows, response.columns);
    state.loading = response.loading;
}

fn harness(answering: bool) -> Harness<'static, State> {
    let histogram = Histogram::new(Bars::Stacked, vec![vec![1.0, 3.0, 2.0]]);
    let columns = (0..1_000)
        .map(|at| {
            let kind = if at % 2 == 0 { Kind::Number } else { Kind::Category };
            GridColumn::new(format!("c{at}"), kind).width(100.0).histogram(histogram.clone())
        })
        .collect();
    let state = State {
        grid: GridState { columns: super::ColumnsState::frozen(1), ..GridState::default() },
        columns,
        pages: Pages::default(),
        asked: Vec::new(),
        events: Vec::new(),
        drawn: ((0, 0), (0, 0)),
        loading: false,
        answering,
    };
    let mut harness = Harness::builder().with_size(vec2(620.0, 380.0)).build_ui_state(draw, state);
    harness.run();
    harness.run();
    harness
}

fn focus(harness: &mut Harness<'_, State>) {
    harness.get_by_role(Role::Grid).focus();
    harness.run();
    press(harness, Modifiers::NONE, Key::ArrowDown);
}

fn press(harness: &mut Harness<'_, State>, modifiers: Modifiers, key: Key) {
    harness.key_press_modifiers(modifiers, key);
    harness.run();
    harness.run();
}

#[test]
fn cells_that_are_on_their_way_are_grey_and_nothing_waits() {
    let mut harness = harness(false);
    assert!(harness.state().loading);
    assert_eq!(harness.state().asked, [Page { rows: 0, columns: 0 }], "asked for once");
    assert!(harness.query_by_label_contains("Row 1: loading").is_some());
    harness.state_mut().pages.put(Page { rows: 0, columns: 0 }, page_cells(Page { rows: 0, columns: 0 }));
    harness.run();
    assert!(!harness.state().loading);
    assert!(harness.query_by_label_contains("Row 1: 0:0, 0:1").is_some());
}

#[test]
fn the_last_cell_of_ten_thousand_million_is_reached_by_keyboard() {
    let mut harness = harness(true);
    focus(&mut harness);
    press(&mut harness, Modifiers::COMMAND, Key::End);
    press(&mut harness, Modifiers::NONE, Key::End);
    assert_eq!(harness.state().grid.cursor, Some((ROWS - 1, 999)));
    assert_eq!(harness.state().drawn.0.1, ROWS);
    assert_eq!(harness.state().drawn.1.1, 1_000);
    assert!(harness.query_by_role_and_label(Role::GridCell, "c999: 9999999:999, row 10000000").is_some());
    assert!(harness.state().asked.len() < 12, "only what is seen: {:?}", harness.state().asked);
    assert!(harness.query_by_role_and_label(Role::ColumnHeader, "c0, number").is_some(), "frozen");
    press(&mut harness, Modifiers::COMMAND, Key::Home);
    press(&mut harness, Modifiers::NONE, Key::Home);
    assert_eq!(harness.state().grid.cursor, Some((0, 0)));
}

#[test]
fn rows_are_selected_by_shift_ctrl_and_all() {
    let mut harness = harness(true);
    focus(&mut harness);
    press(&mut harness, Modifiers::NONE, Key::ArrowDown);
    press(&mut harness, Modifiers::SHIFT, Key::ArrowDown);
    press(&mut harness, Modifiers::SHIFT, Key::ArrowDown);
    assert_eq!(harness.state().grid.selected.ranges(), [(1, 4)]);
    press(&mut harness, Modifiers::COMMAND, Key::Space);
    assert_eq!(harness.state().grid.selected.ranges(), [(1, 3)]);
    let row =
        |harness: &Harness<'_, State>, words: &str| harness.get_by_label_contains(words).rect().center();
    let at = row(&harness, "Row 6:");
    harness.hover_at(at);
    for pressed in [true, false] {
        let (button, modifiers) = (egui::PointerButton::Primary, Modifiers::COMMAND);
        harness.event_modifiers(Event::PointerButton { pos: at, button, pressed, modifiers }, modifiers);
    }
    harness.run();
    assert_eq!(harness.state().grid.selected.ranges(), [(1, 3), (5, 6)]);
    press(&mut harness, Modifiers::COMMAND, Key::A);
    assert_eq!(harness.state().grid.selected.len(), ROWS);
    assert!(harness.query_by_label_contains("rows selected").is_some());
}

fn copied(harness: &Harness<'_, State>) -> Option<String> {
    harness.output().platform_output.commands.iter().find_map(|command| match command {
        OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    })
}

#[test]
fn selected_rows_are_copied_as_tab_separated_text_or_left_to_the_caller() {
    let mut harness = harness(true);
    focus(&mut harness);
    for column in 3..1_000 {
        harness.state_mut().grid.columns.hide(column);
    }
    press(&mut harness, Modifiers::NONE, Key::ArrowDown);
    press(&mut harness, Modifiers::SHIFT, Key::ArrowDown);
    harness.event(Event::Copy);
    harness.step();
    assert_eq!(copied(&harness).as_deref(), Some("c0\tc1\tc2\n1:0\t1:1\t1:2\n2:0\t2:1\t2:2"));
    press(&mut harness, Modifiers::COMMAND, Key::A);
    harness.event(Event::Copy);
    harness.step();
    assert!(copied(&harness).is_none());
    let event = harness.state().events.last().unwrap();
    assert!(matches!(event, GridEvent::Copy(rows, columns) if rows.len() == ROWS && columns == &[0, 1, 2]));
}

#[test]
fn columns_move_resize_and_hide_by_keyboard() {
    let mut harness = harness(true);
    focus(&mut harness);
    press(&mut harness, Modifiers::NONE, Key::ArrowRight);
    press(&mut harness, Modifiers::NONE, Key::ArrowRight);
    press(&mut harness, Modifiers::ALT, Key::ArrowLeft);
    assert_eq!(harness.state().grid.columns.shown()[..3], [0, 2, 1]);
    assert_eq!(harness.state().grid.cursor, Some((0, 1)), "the cursor goes along");
    press(&mut harness, Modifiers::ALT | Modifiers::SHIFT, Key::ArrowRight);
    assert_eq!(harness.state().grid.columns.width(2), 108.0);
    press(&mut harness, Modifiers::SHIFT, Key::F10);
    harness.get_by_role_and_label(Role::MenuItem, "Hide").focus();
    harness.run();
    press(&mut harness, Modifiers::NONE, Key::Enter);
    assert_eq!(harness.state().grid.columns.shown()[..2], [0, 1]);
    harness.get_by_label("Show 1 hidden").click();
    harness.run();
    assert_eq!(harness.state().grid.columns.shown().len(), 1_000);
}

#[test]
fn order_filter_and_search_are_asked_of_the_caller() {
    let mut harness = harness(true);
    harness.get_by_role_and_label(Role::ColumnHeader, "c1, category").focus();
    harness.run();
    press(&mut harness, Modifiers::NONE, Key::Enter);
    let sort = Some(Sort { column: 1, descending: false });
    assert_eq!(harness.state().events.last(), Some(&GridEvent::Sort(sort)));
    assert!(harness.query_by_role_and_label(Role::ColumnHeader, "c1, category, smallest first").is_some());
    harness.get_by_role_and_label(Role::Button, "Filter columns").click();
    harness.run();
    harness.get_by_role_and_label(Role::TextInput, "Filter c1").focus();
    harness.run();
    harness.event(Event::Text("ab".to_owned()));
    harness.run();
    assert_eq!(harness.state().grid.filters.get(&1).map(String::as_str), Some("ab"));
    assert_eq!(harness.state().events.last(), Some(&GridEvent::Filter));
    harness.get_by_role_and_label(Role::TextInput, "Search rows").focus();
    harness.run();
    harness.event(Event::Text("x".to_owned()));
    harness.run();
    assert_eq!(harness.state().grid.search, "x");
}

#[test]
fn the_inspector_shows_the_cell_and_closes_by_escape() {
    let mut harness = harness(true);
    focus(&mut harness);
    press(&mut harness, Modifiers::NONE, Key::Enter);
    assert!(harness.query_by_role_and_label(Role::Button, "Copy").is_some());
    press(&mut harness, Modifiers::NONE, Key::Escape);
    assert!(!harness.state().grid.inspecting);
    assert!(harness.query_by_role_and_label(Role::Button, "Copy").is_none());
}

#[test]
fn a_column_is_resized_by_the_mouse() {
    let mut harness = harness(true);
    let header = harness.get_by_role_and_label(Role::ColumnHeader, "c1, category").rect();
    let edge = header.right_center() + vec2(3.0, 0.0);
    harness.drag_at(edge);
    harness.step();
    harness.hover_at(edge + vec2(30.0, 0.0));
    harness.step();
    harness.drop_at(edge + vec2(30.0, 0.0));
    harness.run();
    assert!(harness.state().grid.columns.width(1) > 120.0, "{}", harness.state().grid.columns.width(1));
}

#[test]
fn no_rows_and_no_columns_are_no_trouble() {
    let mut harness = Harness::builder().with_size(vec2(300.0, 300.0)).build_ui_state(
        |ui, state: &mut GridState| {
            crate::apply(ui.ctx(), crate::Theme::Dark);
            Grid::new("None", &[], 0).height(100.0).show(ui, state, |_, _| None);
            let one = [GridColumn::new("a", Kind::Text)];
            Grid::new("Empty", &one, 0).height(100.0).show(ui, state, |_, _| None);
        },
        GridState::default(),
    );
    harness.run();
    assert!(harness.query_by_label("Empty, 0 rows, 1 columns").is_some());
}
