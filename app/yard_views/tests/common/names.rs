//! The window as a screen reader gets it: roles, names and values of the whole tree; and the controls in
//! it that have no name.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use egui::accesskit::Role;
use egui_kittest::{Harness, kittest::NodeT as _};

/// Roles that a user acts on, or that group what is acted on: each needs a name.
const NAMED: [Role; 17] = [
    Role::Button,
    Role::DefaultButton,
    Role::Link,
    Role::CheckBox,
    Role::RadioButton,
    Role::Switch,
    Role::TextInput,
    Role::MultilineTextInput,
    Role::ComboBox,
    Role::Slider,
    Role::SpinButton,
    Role::Tab,
    Role::MenuItem,
    Role::ListBoxOption,
    Role::Table,
    Role::Dialog,
    Role::ProgressIndicator,
];

/// One line per node: depth as indent, role, name, value.
pub(crate) fn dump<State>(window: &Harness<'_, State>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut stack = vec![(0_usize, window.root())];
    while let Some((depth, node)) = stack.pop() {
        let own = node.accesskit_node();
        let name = own.label().unwrap_or_default();
        let value = own.value().unwrap_or_default();
        if own.role() != Role::GenericContainer || !name.is_empty() {
            lines.push(format!("{}{:?} \"{name}\" = \"{value}\"", " ".repeat(depth), own.role()));
        }
        let children: Vec<_> = node.children().collect();
        stack.extend(children.into_iter().rev().map(|child| (depth + 1, child)));
    }
    lines
}

/// How many controls there are, and those without a name with their place on screen.
pub(crate) fn unnamed<State>(window: &Harness<'_, State>) -> (usize, Vec<String>) {
    let mut count = 0;
    let mut bad = Vec::new();
    for node in window.root().children_recursive() {
        let own = node.accesskit_node();
        if !NAMED.contains(&own.role()) {
            continue;
        }
        count += 1;
        if own.label().is_none_or(|name| name.trim().is_empty()) {
            bad.push(format!("{:?} at {:?}", own.role(), node.rect()));
        }
    }
    (count, bad)
}
