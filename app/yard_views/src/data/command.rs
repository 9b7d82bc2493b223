//! The command line that makes a project with these roles and this split.

use crate::command_line::quoted;
use yard_state::state::StudioState;
use yard_types::schema::{Role, Schema};

/// Returns the line; `modelyard profile FILE` as long as there is no target.
pub(super) fn new_project(state: &StudioState) -> String {
    let Some(dataset) = state.project.dataset() else { return "modelyard profile DATA".to_owned() };
    let Some(frame) = &state.project.frame else {
        return format!("modelyard profile {}", quoted(&dataset.name));
    };
    let mut parts = vec![crate::frame::command(state, frame)];
    for (role, option) in [
        (Role::Id, "id"),
        (Role::Time, "time"),
        (Role::Group, "group"),
        (Role::Weight, "weight"),
        (Role::Dropped, "drop"),
        (Role::Split, "split-column"),
    ] {
        let names = names(&dataset.schema, role);
        if !names.is_empty() {
            parts.push(format!("--{option} {}", quoted(&names)));
        }
    }
    let seed = state.project.splits.get(&dataset.id).map_or(0, |split| split.spec.seed);
    if seed != 0 {
        parts.push(format!("--seed {seed}"));
    }
    parts.join(" \\\n  ")
}

fn names(schema: &Schema, role: Role) -> String {
    let own = schema.fields.iter().filter(|field| field.role == role).map(|field| field.name.as_str());
    own.collect::<Vec<&str>>().join(",")
}
