//! Tests of recipe and contract on a small table with every type of field.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests stop at the first surprise")]

use super::*;
use crate::contract::{ContractInput, contract};
use yard_types::{
    cell::CellRules,
    frame::{Frame, Task},
    recipe::DatePart,
};

const DAY: i64 = 86_400_000_000;

fn data() -> (Table, Schema) {
    let text = |cells: &[&str]| {
        Column::Text(TextColumn::from_cells(cells.iter().map(|cell| (!cell.is_empty()).then_some(*cell))))
    };
    let columns = [
        ("x", FieldType::Number, Column::Number(vec![1.0, f64::NAN, 3.0, 8.0, 1000.0])),
        ("flat", FieldType::Integer, Column::Number(vec![7.0, 7.0, 7.0, 7.0, 8.0])),
        ("c", FieldType::Category, text(&["b", "a", "b", "", "z"])),
        ("when", FieldType::Datetime, Column::Instant(vec![0, 31 * DAY, 59 * DAY, MISSING_INSTANT, 0])),
        ("words", FieldType::Text, text(&["p q", "r s", "t u", "v w", "x y"])),
        ("y", FieldType::Boolean, Column::Number(vec![0.0, 1.0, 0.0, 1.0, 0.0])),
    ];
    let mut schema = Schema::default();
    let mut table = Vec::new();
    for (name, field_type, column) in columns {
        let role = if name == "y" { Role::Target } else { Role::Feature };
        schema.fields.push(Field { name: name.to_owned(), field_type, role, rules: CellRules::default() });
        table.push((name.to_owned(), column));
    }
    (Table::new(table).unwrap(), schema)
}

fn fit(encoding: Encoding, spec: &RecipeSpec) -> RecipeFit {
    let (table, schema) = data();
    fit_recipe(&table, &[0, 1, 2, 3], &schema, spec, encoding).unwrap()
}

fn names(fit: &RecipeFit) -> Vec<&str> {
    fit.recipe.features.iter().map(|feature| feature.name.as_str()).collect()
}

#[test]
fn trees_get_numbers_codes_and_date_parts() {
    let spec = RecipeSpec { max_categories: 3, ..RecipeSpec::default() };
    let fit = fit(Encoding::Trees, &spec);
    assert_eq!(names(&fit), ["x", "c", "when year", "when month", "when day", "when weekday"]);
    assert_eq!(fit.recipe.features[0].op, FeatureOp::Number { fill: None, scale: None });
    assert_eq!(fit.recipe.inputs[1].categories, ["a", "b"], "of training rows only, sorted");
    assert_eq!(fit.notes.len(), 2, "{:?}", fit.notes);
    assert!(fit.notes[0].contains("\"flat\" is left out: it is always 7"));
    assert!(fit.notes[1].contains("\"words\" is left out: short values such as names"));
}

#[test]
fn dense_models_get_medians_scales_and_flags() {
    let spec = RecipeSpec { max_categories: 3, date_parts: vec![DatePart::Month], ..RecipeSpec::default() };
    let fit = fit(Encoding::Dense, &spec);
    let expected = ["x", "x missing", "c = a", "c = b", "c missing", "when month", "when missing"];
    assert_eq!(names(&fit), expected);
    let FeatureOp::Number { fill: Some(fill), scale: Some(scale) } = fit.recipe.features[0].op else {
        unreachable!("x is a filled and scaled number")
    };
    // numpy: median([1, 3, 8]) = 3; filled [1, 3, 3, 8]: mean 3.75, std(ddof=1) 2.9860788111948193.
    assert_eq!((fill, scale.mean), (3.0, 3.75));
    assert!((scale.inverse_sd - 1.0 / 2.986_078_811_194_819_3).abs() < 1e-15);
}

#[test]
fn rare_categories_become_other() {
    let spec = RecipeSpec { max_categories: 1, min_category_rows: 1, ..RecipeSpec::default() };
    let fit = fit(Encoding::Dense, &spec);
    assert!(names(&fit).contains(&"c other"));
    let input = fit.recipe.inputs.iter().find(|input| input.name == "c").unwrap();
    assert_eq!(input.categories, ["b"], "the most frequent one");
    let line = recipe_lines(&fit.recipe).into_iter().find(|line| line.starts_with("c:")).unwrap();
    assert_eq!(line, "c: one-hot of 1 category, missing flag");
}

#[test]
fn no_features_is_an_error_that_says_why() {
    let (table, schema) = data();
    let exclude = ["x", "c", "when"].map(str::to_owned).to_vec();
    let spec = RecipeSpec { exclude, max_categories: 2, ..RecipeSpec::default() };
    let error = fit_recipe(&table, &[0, 1, 2], &schema, &spec, Encoding::Trees).unwrap_err().to_string();
    assert!(error.contains("no features are left beside target \"y\""), "{error}");
    assert!(error.contains("\"words\" is left out"), "{error}");
}

#[test]
fn the_contract_has_ranges_and_examples() {
    let (table, schema) = data();
    let rows = [0, 1, 2, 3];
    let recipe = fit(Encoding::Trees, &RecipeSpec { max_categories: 3, ..RecipeSpec::default() }).recipe;
    let frame = Frame {
        decision: String::new(),
        unit: String::new(),
        action: String::new(),
        cost_unit: String::new(),
        task: Task::Binary,
        target: "y".to_owned(),
        positive: Some("true".to_owned()),
        classes: vec!["false".to_owned(), "true".to_owned()],
        costs: None,
        metric: "roc_auc".to_owned(),
        protected: Vec::new(),
        floors: Vec::new(),
        latency_budget_ms: None,
        size_budget_bytes: None,
    };
    let input = ContractInput {
        name: "My model",
        table: &table,
        rows: &rows,
        schema: &schema,
        frame: &frame,
        recipe: &recipe,
    };
    let contract = contract(&input);
    assert_eq!(contract.name, "my-model");
    let x = &contract.fields[0];
    assert_eq!((x.min, x.max, x.example.clone()), (Some(1.0), Some(8.0), serde_json::json!(3)));
    let c = &contract.fields[1];
    assert_eq!(
        (c.categories.clone(), c.example.clone()),
        (vec!["a".to_owned(), "b".to_owned()], serde_json::json!("b"))
    );
    let when = &contract.fields[2];
    assert_eq!((when.max, when.example.clone()), (Some(59.0 * DAY as f64), serde_json::json!("1970-02-01")));
}
