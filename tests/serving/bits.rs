//! For 10,000 rows with nulls and unseen categories, every way of scoring gives the same bits.

use crate::{
    model::{CHURN, Question, RINGS, SPECIES},
    ways::{Served, by_row, by_score, by_table, hard_cells, requests, table, text_requests, write_table},
};
use yard_data::Wanted;
use yard_score::scorer::Scorer;
use yard_tests::{place::Place, rows::Cells};
use yard_types::{frame::Task, run::Family};

const ROWS: usize = 10_000;

fn check(question: Question, family: Family) {
    let packed = question.framed().packed(family, 1);
    let (parts, contract) = (&packed.content.parts, &packed.content.contract);
    let scorer = Scorer::new(parts).unwrap();
    let cells = Cells::sample(question.sample).drawn(ROWS, 20 + family as u64, &[]);
    let place = Place::new();
    let wanted: Vec<Wanted> = parts.recipe.inputs.iter().map(Wanted::from).collect();
    let fresh = table(&place, &wanted, &cells);
    assert_eq!(fresh.rows(), ROWS);

    let expected = by_table(&scorer, &fresh);
    let typed = requests(contract, &fresh);
    let (missing, unseen) = hard_cells(contract, &typed);
    assert!(missing > ROWS / 10, "{missing} missing cells are too few");
    assert!(unseen > ROWS / 100, "{unseen} unseen words are too few");
    let distinct: std::collections::BTreeSet<u32> = expected.margins.iter().flatten().copied().collect();
    assert!(distinct.len() > 100, "only {} different margins", distinct.len());

    expected.assert_same(&by_row(&scorer, &typed), "one row in process");
    place.file("m.modelpack", &packed.bytes);
    for name in ["fresh.parquet", "fresh.ndjson"] {
        write_table(&place, name, &fresh);
    }
    let files = [
        ("fresh.csv", "a.csv"),
        ("fresh.csv", "b.parquet"),
        ("fresh.parquet", "c.ndjson"),
        ("fresh.ndjson", "d.csv"),
    ];
    for files in files {
        expected.assert_same(&by_score(&place, contract, files), &format!("score, {files:?}"));
    }
    let texts = text_requests(contract, &cells);
    let served = Served::start(contract, &packed.bytes);
    for batch in [1, 7, 4096] {
        expected.assert_same(&served.by_predict(&typed, batch), &format!("predict, batches of {batch}"));
        expected.assert_same(&served.by_infer(&typed, batch), &format!("infer, batches of {batch}"));
    }
    expected.assert_same(&served.by_predict(&texts, 4096), "predict, every cell as text");
}

#[test]
fn binary_boosting() {
    check(CHURN, Family::Boosting);
}

#[test]
fn binary_linear() {
    check(CHURN, Family::Linear);
}

#[test]
fn binary_net() {
    check(CHURN, Family::Mlp);
}

#[test]
fn regression_boosting() {
    check(RINGS, Family::Boosting);
}

#[test]
fn multiclass_linear_and_forest() {
    check(SPECIES, Family::Linear);
    check(SPECIES, Family::Forest);
}

/// What the training run reports is what the packed model gives through the server: the log loss over
/// the test rows, computed from the server's answers, is the reported one.
#[test]
fn reported_figures_are_the_servers() {
    let framed = CHURN.framed();
    let packed = framed.packed(Family::Boosting, 1);
    let target = yard_data::target(&framed.dataset.table, &framed.dataset.schema, &framed.frame).unwrap();
    let test = framed.dataset.table.take(&framed.split.test);
    let served = Served::start(&packed.content.contract, &packed.bytes);
    let answers = served.by_predict(&requests(&packed.content.contract, &test), 4096);
    assert_eq!(packed.content.contract.task, Task::Binary);
    let losses = framed.split.test.iter().zip(answers.probabilities.chunks(2)).map(|(row, p)| {
        let class = target.codes[*row as usize] as usize;
        -f64::from(f32::from_bits(p[class])).ln()
    });
    let mean = losses.sum::<f64>() / framed.split.test.len() as f64;
    let reported = packed.content.evaluations[0].metric("log_loss");
    assert!((mean - reported).abs() < 1e-7, "{mean} and {reported}");
}
