//! Tabs, tree, list with reorder and progress, worked by keyboard and found by role and name.
#![allow(clippy::unwrap_used)]

use egui::{Key, Modifiers, Role, vec2};
use egui_kittest::{
    Harness,
    kittest::{NodeT as _, Queryable as _},
};

use crate::{
    Move,
    gallery::{GalleryState, lists},
};

fn harness() -> Harness<'static, GalleryState> {
    let mut harness = Harness::builder().with_size(vec2(1000.0, 800.0)).build_ui_state(
        |ui, state: &mut GalleryState| {
            crate::apply(ui.ctx(), crate::Theme::Light);
            lists(ui, state);
        },
        GalleryState::default(),
    );
    harness.run();
    harness
}

#[test]
fn tabs_move_by_arrows_past_those_that_are_off() {
    let mut harness = harness();
    harness.get_by_role_and_label(Role::Tab, "Findings 3").focus();
    harness.run();
    harness.key_press(Key::ArrowRight);
    harness.run();
    assert_eq!(harness.state().tab, 1);
    assert!(harness.get_by_role_and_label(Role::Tab, "Columns, with an error").is_focused());
    harness.key_press(Key::End);
    harness.run();
    assert_eq!(harness.state().tab, 2, "the last tab is off");
    assert!(harness.get_by_role_and_label(Role::Tab, "Images").accesskit_node().is_disabled());
    harness.get_by_role_and_label(Role::Tab, "Findings 3").click();
    harness.run();
    assert_eq!(harness.state().tab, 0);
}

#[test]
fn a_tree_opens_closes_and_walks_by_arrows() {
    let mut harness = harness();
    harness.get_by_role_and_label(Role::Tree, "Columns by kind").focus();
    harness.run();
    let press = |harness: &mut Harness<'_, GalleryState>, key| {
        harness.key_press(key);
        harness.run();
        harness.state().tree.selected
    };
    assert_eq!(press(&mut harness, Key::ArrowUp), Some(2));
    assert_eq!(press(&mut harness, Key::ArrowLeft), Some(1), "a leaf leads to its parent");
    press(&mut harness, Key::ArrowLeft);
    assert!(harness.query_by_role_and_label(Role::TreeItem, "tenure, 0.0 % missing").is_none());
    assert_eq!(press(&mut harness, Key::ArrowDown), Some(5));
    press(&mut harness, Key::ArrowRight);
    assert_eq!(press(&mut harness, Key::ArrowRight), Some(6), "an open node leads inside");
    assert_eq!(press(&mut harness, Key::End), Some(7));
    assert_eq!(press(&mut harness, Key::Home), Some(1));
}

#[test]
fn rows_are_put_in_order_by_keyboard() {
    let mut harness = harness();
    harness.get_by_role_and_label(Role::ListBox, "Recipe steps").focus();
    harness.run();
    harness.key_press_modifiers(Modifiers::ALT, Key::ArrowDown);
    harness.run();
    assert_eq!(harness.state().steps, ["impute tenure", "one-hot contract", "scale charges"]);
    assert_eq!(harness.state().step, Some(2));
    harness.key_press_modifiers(Modifiers::ALT, Key::ArrowDown);
    harness.run();
    assert_eq!(harness.state().steps[2], "scale charges", "the last row stays");
    harness.key_press(Key::ArrowUp);
    harness.run();
    assert_eq!(harness.state().step, Some(1), "without Alt only the choice moves");
    let option = harness.get_by_role_and_label(Role::ListBoxOption, "scale charges, 3 of 3").rect();
    harness.drag_at(option.center());
    harness.step();
    harness.hover_at(option.center() - vec2(0.0, 70.0));
    harness.step();
    harness.drop_at(option.center() - vec2(0.0, 70.0));
    harness.run();
    assert_eq!(harness.state().steps, ["scale charges", "impute tenure", "one-hot contract"]);
}

#[test]
fn a_move_outside_of_the_list_changes_nothing() {
    let mut list = vec![1, 2, 3];
    Move { from: 0, to: 2 }.apply(&mut list);
    assert_eq!(list, [2, 3, 1]);
    Move { from: 3, to: 0 }.apply(&mut list);
    Move { from: 0, to: 3 }.apply(&mut list);
    assert_eq!(list, [2, 3, 1]);
}

#[test]
fn waiting_parts_have_names_and_values() {
    let harness = harness();
    let progress = harness.get_by_role_and_label(Role::ProgressIndicator, "Scoring the test split");
    assert!((progress.accesskit_node().numeric_value().unwrap() - 874.0 / 1409.0).abs() < 1e-9);
    assert!(harness.query_by_role_and_label(Role::Button, "Stop").is_some());
    assert!(harness.query_by_label("3 findings").is_some());
    assert!(harness.query_by_label_contains("row 18 has 13 fields").is_some());
    assert!(harness.query_by_role_and_label(Role::ProgressIndicator, "Loading the card").is_some());
}
