//! Scorecards: the scorer adds the card's points exactly, bins keep to their rules, figures hold up.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::{
    Truth,
    bins::{Attribute, BinRule, Cut, Direction},
};
use crate::{
    Context, Silent, TrainOutput,
    test_data::{self, Data, Signal},
};
use yard_score::{
    encode::Rows,
    model::{Link, Model},
    scorecard,
    scorer::Scorer,
};
use yard_types::{frame::Task, rng::Rng, run::Family};

fn train(data: &Data, params: &[(&str, &str)]) -> TrainOutput {
    let context = Context::new(1, &Silent, &|| 0.0);
    crate::train(&data.input(), &test_data::spec(Family::Scorecard, params), &context).unwrap()
}

fn truth(y: &[f64], logistic: bool) -> Truth {
    Truth::new(y.to_vec(), vec![1.0; y.len()], logistic)
}

const RULE: BinRule = BinRule { most: 5, min_share: 0.05, direction: Direction::Free };

/// A field whose rate rises, but for a dip in the middle; one value in ten is missing.
fn dipped() -> (Vec<f32>, Vec<f64>) {
    let mut rng = Rng::new(3, 1);
    let rows = (0..4_000).map(|_| {
        let x = rng.uniform();
        let rate = if (0.4..0.6).contains(&x) { 0.15 } else { 0.1 + 0.6 * x };
        let y = f64::from(u8::from(rng.uniform() < rate));
        (if rng.uniform() < 0.1 { f32::NAN } else { x as f32 }, y)
    });
    rows.unzip()
}

#[test]
fn bins_are_few_large_and_ordered_where_wanted() {
    let (x, y) = dipped();
    let truth = truth(&y, true);
    for direction in [Direction::Free, Direction::Rising, Direction::Falling, Direction::Either] {
        let Some(found) = Attribute::of_numbers(0, &x, &truth, &BinRule { direction, ..RULE }) else {
            panic!("{direction:?}: no bins");
        };
        let evidence: Vec<f64> = found.bins.iter().map(|bin| bin.evidence).collect();
        assert!(found.bins.len() <= 5);
        assert!(found.bins.iter().all(|bin| bin.sums.weight >= 200.0));
        assert_eq!(found.bins.last().unwrap().cut, Cut::UpTo(None));
        let rows: f64 = found.bins.iter().map(|bin| bin.sums.weight).sum::<f64>() + found.missing.weight;
        assert!((rows - 4_000.0).abs() < 1e-9);
        match direction {
            Direction::Free => assert!(evidence.windows(2).any(|pair| pair[1] < pair[0]), "{evidence:?}"),
            Direction::Falling => assert_eq!(found.bins.len(), 1),
            _ => {
                assert!(found.bins.len() > 2 && evidence.windows(2).all(|pair| pair[1] >= pair[0]));
            }
        }
    }
    assert!(Attribute::of_numbers(0, &[1.0; 4_000], &truth, &RULE).is_none());
}

#[test]
fn categories_of_like_rates_share_a_bin() {
    let mut rng = Rng::new(5, 1);
    let (codes, y): (Vec<f32>, Vec<f64>) = (0..3_000)
        .map(|row| (row % 6, [0.1, 0.6, 0.1, 0.6, 0.3, 0.1][row % 6]))
        .map(|(code, rate)| (code as f32, f64::from(u8::from(rng.uniform() < rate))))
        .unzip();
    let found = Attribute::of_categories(0, &codes, (6, &truth(&y, true)), &RULE).unwrap();
    let mut sets: Vec<Vec<u32>> = found
        .bins
        .iter()
        .map(|bin| match &bin.cut {
            Cut::Codes(codes) => codes.clone(),
            Cut::UpTo(_) => panic!("numbers"),
        })
        .collect();
    for set in &mut sets {
        set.sort_unstable();
    }
    assert_eq!(sets, [vec![0, 2, 5], vec![4], vec![1, 3]]);
    assert_eq!(found.bin(6.0), None);
    assert_eq!(found.evidence(6.0), found.bins[1].evidence);
}

#[test]
fn the_scorer_adds_the_points_of_the_table() {
    for data in [Task::Binary, Task::Regression].map(|task| Data::new(task, Signal::Sum, 2_000)) {
        let model = train(&data, &[]);
        let Model::Trees(trees) = &model.parts.model else { panic!("no trees") };
        let card = scorecard::table(&model.parts).unwrap();
        let scorer = Scorer::new(&model.parts).unwrap();
        let encoder = scorer.encoder();
        let rows = Rows::Range(0, data.table.rows());
        let features = encoder.encode(&data.table, rows).unwrap();
        let predictions = scorer.score_table(&data.table).unwrap();
        for (row, x) in features.chunks(encoder.n_features()).enumerate() {
            let points = card.points(x);
            let margin = (points as f64 * card.point) as f32;
            assert_eq!(margin, predictions.margins[row], "row {row}");
        }
        assert!(card.lines.iter().all(|line| line.rows.iter().map(|row| row.points).min() == Some(0)));
        assert_eq!(card.lines.len(), trees.trees.len());
        assert!(matches!(model.parts.link, Link::Logistic | Link::Identity));
    }
}

#[test]
fn a_card_is_nearly_as_good_as_a_regression_and_repeats() {
    let data = Data::new(Task::Binary, Signal::Sum, 3_000);
    let context = Context::new(3, &Silent, &|| 0.0);
    let spec = test_data::spec(Family::Linear, &[]);
    let linear = crate::train(&data.input(), &spec, &context).unwrap();
    let auc = |model: &TrainOutput| model.metrics["test"]["roc_auc"].value;
    let card = train(&data, &[]);
    assert!(auc(&card) > auc(&linear) - 0.03, "{} {}", auc(&card), auc(&linear));
    let again = crate::train(&data.input(), &test_data::spec(Family::Scorecard, &[]), &context).unwrap();
    assert_eq!(again.parts, card.parts);
}

#[test]
fn settings_that_cannot_be_used_are_refused() {
    let data = Data::new(Task::Binary, Signal::Sum, 300);
    let context = Context::new(1, &Silent, &|| 0.0);
    for (name, value, expected) in
        [("monotone", "nobody:+", "none, all, or fields"), ("bins", "1", "from 2"), ("leaves", "3", "bins")]
    {
        let spec = test_data::spec(Family::Scorecard, &[(name, value)]);
        let error = crate::train(&data.input(), &spec, &context).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
