//! Data by role and label: fixes, roles, split, rows, import.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod common;

use common::{sent, state, window, with_data};
use egui::{Key, Role as Node};
use egui_kittest::kittest::Queryable as _;
use yard_state::{
    actions::{Action, Pick},
    route::{Place, Selection},
    state::StudioState,
};
use yard_types::{
    command::Command,
    event::{Notice, RowPage},
    ids::DatasetId,
    schema::Role,
};

fn without_pages(commands: Vec<Command>) -> Vec<Command> {
    commands.into_iter().filter(|command| !matches!(command, Command::FetchRows { .. })).collect()
}

#[test]
fn a_fix_is_one_click() {
    let mut harness = window(state(with_data(), Place::Data));
    sent(&mut harness);
    harness.get_by_role_and_label(Node::Link, "Make it the id").click();
    harness.run_steps(2);
    let role = Command::SetRole { dataset: DatasetId(1), column: "customer".to_owned(), role: Role::Id };
    assert_eq!(without_pages(sent(&mut harness)), [role]);
}

#[test]
fn a_column_is_selected_by_click_and_by_keys() {
    let mut harness = window(state(with_data(), Place::Data));
    harness.get_by_label_contains("tenure, integer").click();
    harness.run_steps(2);
    assert_eq!(harness.state().selection, Selection::Column("tenure".to_owned()));
    assert!(harness.query_by_role_and_label(Node::Figure, "Customers by tenure").is_some());
    harness.key_press(Key::ArrowDown);
    harness.run_steps(2);
    assert_eq!(harness.state().selection, Selection::Column("Contract".to_owned()));
}

#[test]
fn a_role_is_changed_through_the_menu_of_its_chip() {
    let mut harness = window(state(with_data(), Place::Data));
    sent(&mut harness);
    harness.get_by_label("Role of tenure: feature").click();
    harness.run_steps(3);
    harness.get_by_role_and_label(Node::MenuItem, "dropped: left out").click();
    harness.run_steps(3);
    let role = Command::SetRole { dataset: DatasetId(1), column: "tenure".to_owned(), role: Role::Dropped };
    assert_eq!(without_pages(sent(&mut harness)), [role]);
    assert!(harness.query_by_label("dropped: left out").is_none());
}

#[test]
fn the_same_menu_works_by_keyboard() {
    let mut harness = window(state(with_data(), Place::Data));
    sent(&mut harness);
    harness.get_by_label("Role of Contract: feature").focus();
    harness.run_steps(1);
    harness.key_press(Key::Enter);
    harness.run_steps(3);
    for _ in 0..2 {
        harness.key_press(Key::ArrowDown);
        harness.run_steps(2);
    }
    harness.key_press(Key::Enter);
    harness.run_steps(3);
    let role = Command::SetRole { dataset: DatasetId(1), column: "Contract".to_owned(), role: Role::Dropped };
    assert_eq!(without_pages(sent(&mut harness)), [role]);
}

#[test]
fn another_target_makes_another_frame() {
    let mut harness = window(state(with_data(), Place::Data));
    sent(&mut harness);
    harness.get_by_label("Role of Contract: feature").click();
    harness.run_steps(3);
    harness.get_by_label("target: what is predicted").click();
    harness.run_steps(3);
    let sent = without_pages(sent(&mut harness));
    assert!(matches!(&sent[..], [Command::SetFrame { frame }] if frame.target == "Contract"), "{sent:?}");
}

#[test]
fn a_page_is_asked_for_once() {
    let mut harness = window(state(with_data(), Place::Data));
    harness.run_steps(5);
    let pages = sent(&mut harness);
    let page = Command::FetchRows { dataset: DatasetId(1), start: 0, count: 200 };
    assert_eq!(pages, [page]);
    let row = vec![Some("a-1".to_owned()), Some("12".to_owned()), None, Some("Yes".to_owned())];
    let page = RowPage { dataset: 1, start: 0, total: 1000, rows: vec![row; 200] };
    harness.state_mut().apply(&Notice::Rows { page });
    harness.run_steps(3);
    assert_eq!(sent(&mut harness), []);
    assert!(harness.query_all_by_label_contains("1, a-1, 12, –, Yes").next().is_some());
}

#[test]
fn bars_are_brushed_and_cleared() {
    let mut studio = state(with_data(), Place::Data);
    studio.selection = Selection::Column("tenure".to_owned());
    let mut harness = window(studio);
    let plot = harness.get_by_role_and_label(Node::Figure, "Customers by tenure").rect();
    let at = |share: f32| egui::pos2(plot.left() + share * plot.width(), plot.center().y);
    harness.drag_at(at(0.3));
    harness.run_steps(1);
    for share in [0.33, 0.36, 0.38] {
        harness.hover_at(at(share));
        harness.run_steps(1);
    }
    harness.drop_at(at(0.38));
    harness.run_steps(3);
    // Whole bins: the first of three holds 500 of 1,000 rows, 200 of them positive.
    let words = "500 of 1\u{2009}000 selected: tenure 0 – 24, Churn Yes 40.0\u{2009}%";
    assert!(harness.query_by_label(words).is_some());
    assert!(
        harness.query_by_label_contains("Churn Yes 40.0\u{2009}% against 26.5\u{2009}% in all").is_some()
    );
    harness.get_by_label("Clear selection").click();
    harness.run_steps(2);
    assert!(harness.query_by_label("1\u{2009}000, as in the file").is_some());
}

#[test]
fn the_split_is_changed_in_the_inspector() {
    let mut harness = window(state(with_data(), Place::Data));
    sent(&mut harness);
    let field = harness.get_by_role_and_label(Node::TextInput, "Test");
    field.focus();
    field.type_text("5");
    harness.run_steps(3);
    // Typed behind what stands there: 205 % is refused in words, and nothing can be sent.
    assert_eq!(harness.state().drafts.split.test, "205");
    assert!(harness.query_by_label_contains("expected a percentage from 0 to 90").is_some());
    harness.state_mut().drafts.split.test = "10".to_owned();
    harness.run_steps(2);
    harness.get_by_label("Make this split").click();
    harness.run_steps(2);
    let sent = without_pages(sent(&mut harness));
    assert!(
        matches!(&sent[..], [Command::SetSplit { spec, .. }] if (spec.test - 0.1).abs() < 1e-12),
        "{sent:?}"
    );
}

#[test]
fn without_data_there_is_one_action_and_a_path() {
    let mut empty = StudioState::new();
    empty.place = Place::Data;
    let mut harness = window(empty);
    harness.get_all_by_label("Import data…").last().unwrap().click();
    harness.run_steps(2);
    assert!(harness.state().actions.contains(&Action::Pick(Pick::Data)));
    let field = harness.get_by_role_and_label(Node::TextInput, "Path of a data file");
    field.focus();
    field.type_text("/data/churn.csv");
    harness.run_steps(2);
    harness.key_press(Key::Enter);
    harness.run_steps(2);
    assert!(harness.state().actions.contains(&Action::ImportData("/data/churn.csv".into())));
}
