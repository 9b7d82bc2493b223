//! Tests of the table with a million rows, by role and label, mouse and keyboard.
#![allow(clippy::unwrap_used)]

use std::cell::Cell as Counter;

use egui::{Event, Key, Role, vec2};
use egui_kittest::{Harness, kittest::Queryable as _};

use super::{Cell, Column, Sort, Table};

#[derive(Default)]
struct State {
    rows: usize,
    selected: Option<usize>,
    sort: Option<Sort>,
    drawn: (usize, usize),
    opened: Option<usize>,
    asked: Counter<usize>,
}

fn harness(rows: usize) -> Harness<'static, State> {
    Harness::builder().with_size(vec2(400.0, 300.0)).build_ui_state(
        |ui, state: &mut State| {
            crate::apply(ui.ctx(), crate::Theme::Light);
            let columns = [Column::new("Row", 90.0).right().sortable(), Column::rest("Name", 100.0)];
            let asked = &state.asked;
            let response = Table::new("Rows", &columns)
                .rows(state.rows)
                .selected(state.selected)
                .sort(state.sort)
                .height(24.0 + 240.0)
                .show(ui, |row, column| {
                    asked.set(asked.get() + 1);
                    if column == 0 {
                        Cell::number(row.to_string())
                    } else {
                        Cell::text(format!("name {row}"))
                    }
                });
            state.selected = response.selected.or(state.selected);
            state.sort = response.sort.or(state.sort);
            state.opened = response.activated.or(state.opened);
            state.drawn = response.drawn;
        },
        State { rows, ..State::default() },
    )
}

#[test]
fn a_million_rows_ask_for_the_visible_cells_only() {
    let mut harness = harness(1_000_000);
    harness.run();
    let before = harness.state().asked.get();
    harness.step();
    assert!(harness.state().asked.get() - before <= 11 * 2);
    assert_eq!(harness.state().drawn, (0, 10));
    assert!(harness.query_by_label("0, name 0").is_some());
    assert!(harness.query_by_label_contains("name 500").is_none());
}

#[test]
fn keyboard_reaches_the_last_row_exactly() {
    let mut harness = harness(1_000_000);
    harness.run();
    harness.get_by_role(Role::Table).focus();
    harness.run();
    harness.key_press(Key::End);
    harness.run();
    assert_eq!(harness.state().selected, Some(999_999));
    assert_eq!(harness.state().drawn, (999_990, 1_000_000));
    harness.key_press(Key::ArrowUp);
    harness.run();
    assert_eq!(harness.state().selected, Some(999_998));
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(harness.state().opened, Some(999_998));
    harness.key_press(Key::Home);
    harness.run();
    assert_eq!(harness.state().drawn.0, 0);
}

#[test]
fn a_click_selects_and_the_header_sorts() {
    let mut harness = harness(50);
    harness.run();
    harness.get_by_label("3, name 3").click();
    harness.run();
    assert_eq!(harness.state().selected, Some(3));
    harness.get_by_role_and_label(Role::ColumnHeader, "Row").click();
    harness.run();
    assert_eq!(harness.state().sort, Some(Sort { column: 0, descending: false }));
    harness.get_by_role_and_label(Role::ColumnHeader, "Row").click();
    harness.run();
    assert_eq!(harness.state().sort, Some(Sort { column: 0, descending: true }));
}

#[test]
fn the_header_sorts_by_keyboard() {
    let mut harness = harness(50);
    harness.run();
    harness.get_by_role_and_label(Role::ColumnHeader, "Row").focus();
    harness.run();
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(harness.state().sort, Some(Sort { column: 0, descending: false }));
}

#[test]
fn the_selected_row_is_copied_as_tab_separated_text() {
    let mut harness = harness(50);
    harness.run();
    harness.get_by_label("3, name 3").click();
    harness.run();
    harness.event(Event::Copy);
    harness.step();
    let copied = harness.output().platform_output.commands.iter().find_map(|command| match command {
        egui::OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    });
    assert_eq!(copied.as_deref(), Some("Row\tName\n3\tname 3"));
}

#[test]
fn missing_cells_are_dashes_and_copied_as_nothing() {
    let columns = [Column::new("a", 50.0), Column::new("b", 50.0)];
    let table = Table::new("t", &columns).rows(1);
    let mut cell = |_, column| if column == 0 { Cell::missing() } else { Cell::text("x\ty") };
    assert_eq!(table.tsv([0], &mut cell), "a\tb\n\tx y");
    assert_eq!(Cell::missing().text, "–");
}

#[test]
fn no_rows_and_no_columns_are_no_trouble() {
    let mut harness = harness(0);
    harness.run();
    assert_eq!(harness.state().drawn, (0, 0));
}
