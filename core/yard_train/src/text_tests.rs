//! A text column beside numbers through whole runs: it is used, counted by field, and does not leak.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::{
    EvaluateInput, TrainOutput, evaluate,
    test_data::{Data, Signal, context, spec, ticking},
    train,
};
use yard_types::{
    frame::Task,
    ids::ModelId,
    rng::Rng,
    run::{Family, RunSpec},
    schema::{FieldType, Role},
    table::{Column, TextColumn},
};

/// Rows whose numbers tell nothing; the text of the field "colour" tells the target where `tells`.
fn data(rows: usize, tells: bool) -> Data {
    let mut data = Data::new(Task::Binary, Signal::Noise, rows);
    let target = data.table.column("y").unwrap().clone();
    let mut rng = Rng::new(2, 2);
    let texts: Vec<String> = (0..rows)
        .map(|row| {
            let words: Vec<String> = (0..9).map(|_| format!("word{:.0}", rng.uniform() * 200.0)).collect();
            let Column::Text(target) = &target else { panic!("classes") };
            let told = tells && rng.uniform() < 0.8;
            let sign = if told && target.get(row) == Some("yes") { "urgently" } else { "thanks" };
            format!("{} {sign} {}", words[..4].join(" "), words[4..].join(" "))
        })
        .collect();
    let column = Column::Text(TextColumn::from_cells(texts.iter().map(|text| Some(text.as_str()))));
    data.set("colour", &column);
    let field = data.schema.fields.iter_mut().find(|field| field.name == "colour").unwrap();
    (field.field_type, field.role) = (FieldType::Text, Role::Feature);
    data.frame.protected.clear();
    data
}

fn trained(data: &Data, spec: &RunSpec) -> TrainOutput {
    let clock = ticking();
    train(&data.input(), spec, &context(2, &clock)).unwrap()
}

#[test]
fn every_family_learns_from_a_text() {
    let data = data(1_500, true);
    for (family, params) in [
        (Family::Linear, &[][..]),
        (Family::Boosting, &[("trees", "30")][..]),
        (Family::Forest, &[("trees", "20")][..]),
        (Family::Mlp, &[("epochs", "4"), ("layers", "8")][..]),
        (Family::Scorecard, &[][..]),
    ] {
        let model = trained(&data, &spec(family, params));
        let auc = model.metrics["test"]["roc_auc"].value;
        assert!(auc > 0.85, "{}: {auc}", family.word());
        assert!(model.notes.iter().any(|note| note.contains("\"colour\" is free text: TF-IDF of")));
        assert!(model.recipe_lines.iter().any(|line| line.starts_with("colour: TF-IDF of")));
        let recipe = &model.parts.recipe;
        assert_eq!(recipe.features.len(), model.features as usize);
        let json = serde_json::to_string(recipe).unwrap();
        assert_eq!(json.matches("\"urgently\"").count(), 1, "a term is stored once");
        assert_eq!(serde_json::from_str::<yard_types::recipe::FittedRecipe>(&json).unwrap(), *recipe);
    }
}

#[test]
fn importance_goes_by_field() {
    let data = data(1_500, true);
    let model = trained(&data, &spec(Family::Linear, &[]));
    let clock = ticking();
    let input = EvaluateInput {
        model: ModelId(1),
        parts: &model.parts,
        table: &data.table,
        rows: &data.split.test,
        schema: &data.schema,
        frame: &data.frame,
        split: "test",
        training: Some((&data.table, &data.split)),
        threshold: None,
        size_bytes: 1,
        seed: 0,
    };
    let found = evaluate(&input, &context(2, &clock)).unwrap();
    let fields: Vec<&str> = found.importance.iter().map(|own| own.field.as_str()).collect();
    assert_eq!((fields[0], fields.len()), ("colour", 3));
    assert!(found.importance[0].value > 0.2 && found.importance[1].value.abs() < 0.05);
}

#[test]
fn vocabularies_are_fitted_within_folds() {
    let data = data(2_000, false);
    for (family, params) in [(Family::Linear, &[][..]), (Family::Boosting, &[("trees", "20")][..])] {
        let model = trained(&data, &RunSpec { folds: 5, ..spec(family, params) });
        let auc = model.metrics["cross_validation"]["roc_auc"].value;
        assert!((auc - 0.5).abs() < 0.04, "{}: {auc}", family.word());
    }
}
