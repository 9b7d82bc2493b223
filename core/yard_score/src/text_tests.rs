//! Text as features: against scikit-learn, the same bits by every way in, hostile texts and recipes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::{
    encode::{Encoder, Rows},
    error::ScoreError,
    explain::Explainer,
    model::{Calibration, LinearModel, Link, Model, ScorerParts},
    scorer::Scorer,
};
use serde::Deserialize;
use serde_json::json;
use yard_types::{
    cell::CellRules,
    frame::Task,
    recipe::{Encoding, Feature, FeatureOp, FittedInput, FittedRecipe, FittedText},
    schema::FieldType,
    table::{Column, FieldValue, Table, TextColumn},
    text::{MOST_BYTES, TermRule, Unit},
};

#[derive(Deserialize)]
struct Reference {
    fit: Vec<String>,
    new: Vec<String>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    #[serde(flatten)]
    rule: TermRule,
    sublinear: bool,
    terms: Vec<String>,
    counts: Vec<u32>,
    rows: Vec<Vec<(usize, f64)>>,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("../tests/fixtures/text_reference.json")).unwrap()
}

fn vocabulary(case: &Case, rows: usize) -> FittedText {
    FittedText {
        input: 1,
        first: 0,
        rule: case.rule,
        sublinear: case.sublinear,
        rows: rows as u64,
        terms: case.terms.clone(),
        counts: case.counts.clone(),
    }
}

/// A number, a text with its vocabularies, a flag.
fn recipe(texts: Vec<FittedText>) -> FittedRecipe {
    let input = |name: &str, field_type| FittedInput {
        name: name.to_owned(),
        field_type,
        rules: CellRules { null_words: vec!["n/a".to_owned()], ..CellRules::default() },
        categories: Vec::new(),
    };
    let number = FeatureOp::Number { fill: Some(0.5), scale: None };
    let mut recipe = FittedRecipe {
        encoding: Encoding::Dense,
        inputs: vec![input("size", FieldType::Number), input("note", FieldType::Text)],
        texts: Vec::new(),
        images: Vec::new(),
        pieces: Vec::new(),
        features: vec![Feature { name: "size".to_owned(), input: 0, op: number }],
    };
    for text in texts {
        recipe.add_text(text);
    }
    let name = "note missing".to_owned();
    recipe.features.push(Feature { name, input: 1, op: FeatureOp::MissingFlag });
    recipe
}

fn table(texts: &[Option<&str>]) -> Table {
    let size = (0..texts.len()).map(|row| if row % 3 == 0 { f64::NAN } else { row as f64 }).collect();
    let note = TextColumn::from_cells(texts.iter().copied());
    Table::new(vec![("size".to_owned(), Column::Number(size)), ("note".to_owned(), Column::Text(note))])
        .unwrap()
}

#[test]
fn weights_are_those_of_scikit_learn() {
    let reference = reference();
    let texts: Vec<Option<&str>> =
        reference.fit.iter().chain(&reference.new).map(|text| Some(text.as_str())).collect();
    for case in &reference.cases {
        let recipe = recipe(vec![vocabulary(case, reference.fit.len())]);
        let encoder = Encoder::new(&recipe).unwrap();
        let encoded = encoder.encode(&table(&texts), Rows::Range(0, texts.len())).unwrap();
        for (row, (line, expected)) in encoded.chunks(encoder.n_features()).zip(&case.rows).enumerate() {
            let mut full = vec![0.0; case.terms.len()];
            for (term, weight) in expected {
                full[*term] = *weight;
            }
            for (term, (got, expected)) in line[1..].iter().zip(&full).enumerate() {
                let apart = (f64::from(*got) - expected).abs();
                assert!(apart < 1e-6, "{}: row {row}, {:?}: {got} {expected}", case.name, case.terms[term]);
            }
        }
    }
}

#[test]
fn every_way_in_gives_the_same_bits() {
    let reference = reference();
    let both = [&reference.cases[1], &reference.cases[4]].map(|case| vocabulary(case, reference.fit.len()));
    let recipe = recipe(both.to_vec());
    let mut texts: Vec<Option<&str>> = reference.fit.iter().map(|text| Some(text.as_str())).collect();
    texts.extend([None, Some("n/a"), Some("  n/a "), Some("12"), Some("")]);
    let texts: Vec<Option<&str>> = texts.iter().copied().cycle().take(150).collect();
    let table = table(&texts);
    let encoder = Encoder::new(&recipe).unwrap();
    let n = encoder.n_features();
    let whole = encoder.encode(&table, Rows::Range(0, 150)).unwrap();
    let sparse = encoder.encode_sparse(&table, Rows::Range(0, 150)).unwrap();
    let columns = encoder.encode_columns(&table, Rows::Range(0, 150)).unwrap();
    let mut line = vec![f32::NAN; n];
    for row in 0..150 {
        let values = [table.columns()[0].value(row), table.columns()[1].value(row)];
        encoder.encode_row(&values, &mut line).unwrap();
        assert_eq!(line, whole[row * n..(row + 1) * n], "row {row}");
        let mut full = vec![0.0; n];
        for at in sparse.starts[row]..sparse.starts[row + 1] {
            full[sparse.columns[at] as usize] = sparse.values[at];
        }
        assert_eq!(full, line);
        assert!((0..n).all(|feature| columns[feature][row] == line[feature]));
    }
    encoder.encode_row(&[FieldValue::Missing, FieldValue::Number(12.0)], &mut line).unwrap();
    let twelve = texts.iter().position(|text| *text == Some("12")).unwrap();
    assert_eq!(line[1..], whole[twelve * n + 1..(twelve + 1) * n]);
    assert_eq!((line[n - 1], whole[15 * n + n - 1], whole[16 * n + n - 1]), (0.0, 1.0, 1.0));
}

fn parts() -> ScorerParts {
    let reference = reference();
    let recipe = recipe(vec![vocabulary(&reference.cases[3], reference.fit.len())]);
    let n = recipe.features.len();
    let weights: Vec<f32> = (0..n).map(|at| (at as f32 * 0.7).sin()).collect();
    let model = LinearModel { n_features: n as u32, weights, bias: vec![0.25] };
    ScorerParts {
        task: Task::Binary,
        classes: vec!["ham".to_owned(), "spam".to_owned()],
        recipe,
        link: Link::Logistic,
        calibration: Calibration::None,
        model: Model::Linear(model),
    }
}

#[test]
fn json_rows_and_hostile_texts() {
    let scorer = Scorer::new(&parts()).unwrap();
    let mut scratch = scorer.scratch();
    let long = "card \u{0}\u{feff}𝕏 ".repeat(100_000);
    assert!(long.len() > MOST_BYTES);
    let texts = [long.as_str(), "\u{0}", "🏳️‍🌈", "\u{202e}drac", "-1e999", "İ\u{307}ẞ", "free free"];
    for text in texts {
        let row = json!({"note": text, "size": 1});
        let values = scorer.row_from_json(row.as_object().unwrap()).unwrap();
        let margin = scorer.score_row(&values, &mut scratch).unwrap().margins[0];
        let again = scorer.score_table(&table(&[Some(text), Some(text)])).unwrap();
        assert_eq!(margin, again.margins[1], "{text:?}");
    }
    let row = json!({"note": ["free"]});
    let error = scorer.row_from_json(row.as_object().unwrap()).unwrap_err();
    assert!(matches!(error, ScoreError::Value { .. }), "{error}");
}

#[test]
fn reasons_name_the_terms() {
    let parts = parts();
    let n = parts.recipe.features.len();
    let reference: Vec<f32> = (0..n).map(|at| 0.01 * (at % 7) as f32).collect();
    let explainer = Explainer::new(&parts, Some(&reference)).unwrap();
    let Model::Linear(model) = &parts.model else { panic!("not linear") };
    let table = table(&[Some("free free win"), None, Some("nothing")]);
    for (row, explanation) in explainer.explain_rows(&table, Rows::Range(0, 3)).unwrap().iter().enumerate() {
        let values = [table.columns()[0].value(row), table.columns()[1].value(row)];
        assert_eq!(&explainer.explain(&values).unwrap(), explanation);
        // The definition, feature by feature.
        let mut features = vec![0.0; n];
        explainer.scorer().encoder().encode_row(&values, &mut features).unwrap();
        let own = |feature: usize| {
            f64::from(model.weights[feature]) * (f64::from(features[feature]) - f64::from(reference[feature]))
        };
        let note: f64 = (1..n).map(own).sum();
        assert!((explanation.contributions[0] - own(0)).abs() < 1e-12);
        assert!((explanation.contributions[1] - note).abs() < 1e-9);
        assert!(explanation.residual[0].abs() < 1e-6);
        let ranked = explanation.ranked_terms(0);
        assert_eq!(ranked.len(), if row == 0 { 17 } else { explanation.terms.len() });
        assert!(ranked.windows(2).all(|pair| pair[0].1.abs() >= pair[1].1.abs()));
        for (feature, value) in ranked {
            assert_eq!(value, own(feature as usize));
            let (input, term) = explainer.term(feature).unwrap();
            assert!(input == 1 && ["free", "win", "nothing"].iter().any(|word| word.contains(term.trim())));
        }
    }
    assert_eq!(explainer.term(0), None);
}

#[test]
fn damaged_vocabularies_are_refused() {
    let check = |expected: &str, damage: &dyn Fn(&mut FittedRecipe)| {
        let reference = reference();
        let mut recipe = recipe(vec![vocabulary(&reference.cases[0], reference.fit.len())]);
        damage(&mut recipe);
        let error = Encoder::new(&recipe).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check("input 7 does not exist", &|recipe| recipe.texts[0].input = 7);
    check("does not fit a number field", &|recipe| recipe.texts[0].input = 0);
    check("terms of 0 to 1", &|recipe| recipe.texts[0].rule.shortest = 0);
    check("terms of 2 to 1", &|recipe| recipe.texts[0].rule.shortest = 2);
    check("have 1 counts", &|recipe| recipe.texts[0].counts.truncate(1));
    check("not sorted", &|recipe| recipe.texts[0].terms.swap(0, 1));
    check("more than all 15 rows", &|recipe| recipe.texts[0].counts[2] = 16);
    check("not those of its terms", &|recipe| recipe.texts[0].first = 0);
    check("not those of its terms", &|recipe| recipe.texts[0].first = u32::MAX);
    check("not those of its terms", &|recipe| recipe.features.truncate(4));
    check("features are terms", &|recipe| {
        let name = "extra".to_owned();
        recipe.features.push(Feature { name, input: 1, op: FeatureOp::Term { text: 0, term: 0 } });
    });
    check("features are terms", &|recipe| recipe.texts.clear());
    let words = TermRule { unit: Unit::Words, shortest: 1, longest: 9 };
    check("terms of 1 to 9", &|recipe| recipe.texts[0].rule = words);
}
