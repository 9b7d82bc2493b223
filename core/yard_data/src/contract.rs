//! Builds the contract of a model: the fields of a request with ranges, categories and examples from the
//! training rows.

use crate::recipe::{finite, typical};
use yard_types::{
    contract::{Contract, ContractField, name_from_text},
    frame::Frame,
    recipe::FittedRecipe,
    schema::{Role, Schema},
    table::Table,
};

/// What a contract is built from.
#[derive(Clone, Copy, Debug)]
pub struct ContractInput<'a> {
    /// Model name; made valid by [`name_from_text`].
    pub name: &'a str,
    /// Table of training.
    pub table: &'a Table,
    /// Training rows.
    pub rows: &'a [u32],
    /// Schema with roles: the id field is passed through.
    pub schema: &'a Schema,
    /// Frame.
    pub frame: &'a Frame,
    /// Fitted recipe: its inputs are the fields.
    pub recipe: &'a FittedRecipe,
}

/// Builds the contract. Ranges are those of finite training values; datetimes in microseconds.
pub fn contract(input: &ContractInput<'_>) -> Contract {
    let fields = input.recipe.inputs.iter().map(|own| {
        let column = input.table.column(&own.name);
        let known = column.map(|column| finite(column, input.rows)).unwrap_or_default();
        ContractField {
            name: own.name.clone(),
            field_type: own.field_type,
            nullable: true,
            min: known.iter().copied().reduce(f64::min),
            max: known.iter().copied().reduce(f64::max),
            categories: own.categories.clone(),
            example: column
                .map_or(serde_json::Value::Null, |column| typical(own.field_type, column, input.rows)),
        }
    });
    Contract {
        name: name_from_text(input.name),
        task: input.frame.task,
        fields: fields.collect(),
        id_field: input.schema.with_role(Role::Id).map(|field| field.name.clone()),
        target: input.frame.target.clone(),
        classes: input.frame.classes.clone(),
    }
}
