//! K-fold cross-validation without leaks: recipe, early stopping and calibration see the fold's own
//! training rows alone; test rows of the split take no part.
//!
//! Rows are dealt by hash: classes alike, groups together; with a time column each fold is tested on rows
//! later than those it was trained on. Dealt anew, `repeats` times as many folds are tested; the order of
//! time can't be dealt anew. Intervals: corrected resampled t (Nadeau and Bengio, 2003,
//! "Inference for the generalization error", doi:10.1023/A:1024068626366).

use crate::{
    TrainError,
    fit::{Run, Trained},
    measure::{Scored, decision, score},
    target::Part,
};
use std::collections::BTreeMap;
use yard_types::{
    event::Progress,
    metric::{MetricSet, MetricValue},
    rng,
    run::{Family, Params},
    schema::Role,
    table::{Column, FieldValue},
};

const STREAM: u64 = 0x666f_6c64_0000_0000;
/// Share of a fold's training rows that stop and choose.
const HELD_OUT: f64 = 0.2;
/// Positions of the rows of one fold.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fold {
    pub(crate) train: Vec<usize>,
    pub(crate) validation: Vec<usize>,
    pub(crate) test: Vec<usize>,
}

/// Returns the positions of two parts in their order in the data.
pub(crate) fn joined(one: &[usize], other: &[usize]) -> Vec<usize> {
    let mut all = [one, other].concat();
    all.sort_unstable();
    all
}

/// Figures over folds.
pub(crate) struct CrossValidation {
    /// Rows of each fold with the predictions of the model that did not see them.
    pub(crate) parts: Vec<Scored>,
    /// Test rows of a fold over its training rows, the mean of the folds.
    pub(crate) ratio: f64,
    /// Mean over folds with corrected 95 % intervals.
    pub(crate) metrics: MetricSet,
    /// Trees, epochs or iterations of each fold's model, with the hyperparameters in force.
    pub(crate) fitted: Vec<(u32, Params)>,
    /// Model of the first fold.
    pub(crate) first: Option<Trained>,
    /// Seconds of the fits.
    pub(crate) fit_secs: f64,
}

/// Is told the predictions of the folds so far, and may then stop the run by its observer.
pub(crate) type AfterFold<'a> = &'a dyn Fn(&[Scored]);

/// Trains and tests one model a fold.
pub(crate) fn cross_validate(
    run: &Run<'_>,
    rows: &Part,
    (family, params): (Family, &Params),
    after: AfterFold<'_>,
) -> Result<CrossValidation, TrainError> {
    let folds = divide(run, rows)?;
    let (frame, clock) = (run.input.frame, run.context.clock);
    let decision = decision(frame, None);
    let mut out = CrossValidation {
        parts: Vec::with_capacity(folds.len()),
        ratio: ratio(&folds),
        metrics: MetricSet::new(),
        fitted: Vec::with_capacity(folds.len()),
        first: None,
        fit_secs: 0.0,
    };
    let mut values: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for (index, fold) in folds.iter().enumerate() {
        run.context.observer.progress(Progress {
            phase: format!("cross-validation of {}", family.word()),
            done: index as u64,
            total: Some(folds.len() as u64),
            unit: "folds".to_owned(),
        });
        let started = clock();
        let trained = run.fit(family, params, &rows.take(&fold.train), &rows.take(&fold.validation))?;
        out.fit_secs += clock() - started;
        let test = rows.take(&fold.test);
        let predictions = score(&trained.scorer, run.input.table, &test.rows)?;
        let scored = Scored::new(frame, &test, &predictions);
        for (name, value) in scored.points(&decision)? {
            values.entry(name).or_default().push(value);
        }
        out.parts.push(scored);
        out.fitted.push((trained.fitted.steps, trained.fitted.params.clone()));
        out.first.get_or_insert(trained);
        after(&out.parts);
    }
    out.metrics = summarise(values, folds.len(), out.ratio);
    Ok(out)
}

/// Returns the test rows of a fold over its training rows, the mean of the folds.
pub(crate) fn ratio(folds: &[Fold]) -> f64 {
    let share =
        |fold: &Fold| fold.test.len() as f64 / (fold.train.len() + fold.validation.len()).max(1) as f64;
    folds.iter().map(share).sum::<f64>() / folds.len().max(1) as f64
}

/// Returns mean and corrected interval of each metric that every fold has.
pub(crate) fn summarise(values: BTreeMap<String, Vec<f64>>, folds: usize, ratio: f64) -> MetricSet {
    let mut set = MetricSet::new();
    for (name, values) in values {
        if values.len() < folds {
            continue;
        }
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let half = t_95(values.len()) * ((1.0 / n + ratio) * variance).sqrt();
        let bound = |bound: f64| bound.is_finite().then_some(bound);
        set.insert(name, MetricValue { value: mean, low: bound(mean - half), high: bound(mean + half) });
    }
    set
}

/// Returns the two-sided 95 % quantile of Student's t for the mean of `count` values. Tables up to 10
/// degrees of freedom, then the expansion of Abramowitz and Stegun, 1964, "Handbook of mathematical
/// functions", formula 26.7.5.
pub(crate) fn t_95(count: usize) -> f64 {
    const FEW: [f64; 10] = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];
    let freedom = count.saturating_sub(1).max(1);
    FEW.get(freedom - 1).copied().unwrap_or_else(|| {
        let inverse = 1.0 / freedom as f64;
        1.959_964 + inverse * (2.372_271 + inverse * (2.822_5 + inverse * 2.555_7))
    })
}

/// Divides rows into the folds that the run asks for.
pub(crate) fn divide(run: &Run<'_>, rows: &Part) -> Result<Vec<Fold>, TrainError> {
    let count = run.spec.folds as usize;
    let bad = |what: String, advice: &str| TrainError::Settings { what, advice: advice.to_owned() };
    if count < 2 || count > rows.rows.len() / 2 {
        let what = format!("{count} folds for {} rows", rows.rows.len());
        return Err(bad(what, "use 2 to half as many folds as there are rows"));
    }
    let folds = if let Some(times) = times(run, rows) {
        if run.spec.repeats > 1 {
            let what = format!("{} repeats of folds in the order of time", run.spec.repeats);
            return Err(bad(what, "leave repeats out, or take the role off the time column"));
        }
        forward_folds(&times, count)
    } else {
        let group = run.input.schema.with_role(Role::Group).is_some();
        let deal = |repeat| hashed_folds(rows, &keys(run, rows, repeat), count, group);
        (0..run.spec.repeats.max(1)).flat_map(deal).collect()
    };
    if folds.iter().any(|fold| fold.test.is_empty() || fold.train.is_empty()) {
        let what = format!("{count} folds leave a fold without rows");
        return Err(bad(what, "use fewer folds (groups are kept together)"));
    }
    Ok(folds)
}

/// Returns the time of each row when the schema has a time column.
fn times(run: &Run<'_>, rows: &Part) -> Option<Vec<f64>> {
    let field = run.input.schema.with_role(Role::Time)?;
    let column = run.input.table.column(&field.name)?;
    if matches!(column, Column::Text(_)) {
        return None;
    }
    let time = |row: &u32| match column.value(*row as usize) {
        FieldValue::Number(number) => number,
        FieldValue::Instant(micros) => micros as f64,
        _ => f64::NEG_INFINITY,
    };
    Some(rows.rows.iter().map(time).collect())
}

/// Returns a hash per row: of its group when there is a group column, else of its number. Each repeat deals
/// by other hashes.
fn keys(run: &Run<'_>, rows: &Part, repeat: u32) -> Vec<u64> {
    let seed =
        if repeat == 0 { run.spec.seed } else { rng::bits(run.spec.seed, STREAM + 2, u64::from(repeat)) };
    let group = run.input.schema.with_role(Role::Group);
    let column = group.and_then(|field| run.input.table.column(&field.name));
    let key = |row: &u32| {
        let own = match column.map(|column| column.value(*row as usize)) {
            Some(FieldValue::Number(number)) => number.to_bits(),
            Some(FieldValue::Instant(micros)) => micros as u64,
            Some(FieldValue::Text(text)) => {
                text.bytes().fold(7, |hash, byte| rng::bits(hash, STREAM, u64::from(byte)))
            }
            _ => u64::from(*row),
        };
        rng::bits(seed, STREAM, own)
    };
    rows.rows.iter().map(key).collect()
}

/// Deals rows by hash; rows of one key stay together when `grouped`, else classes are dealt alike.
fn hashed_folds(rows: &Part, keys: &[u64], count: usize, grouped: bool) -> Vec<Fold> {
    let n = rows.rows.len();
    let fold_of: Vec<usize> = if grouped {
        keys.iter().map(|key| (key % count as u64) as usize).collect()
    } else {
        let classed = rows.y.iter().all(|y| y.fract() == 0.0) && distinct_at_most(&rows.y, 100);
        let class = |at: usize| if classed { rows.y[at].to_bits() } else { 0 };
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by_key(|at| (class(*at), keys[*at], *at));
        let mut fold_of = vec![0; n];
        for (rank, at) in order.into_iter().enumerate() {
            fold_of[at] = rank % count;
        }
        fold_of
    };
    let held_out = |key: u64| rng::uniform(key, STREAM + 1, 0) < HELD_OUT;
    (0..count)
        .map(|fold| {
            let (test, rest): (Vec<usize>, Vec<usize>) = (0..n).partition(|at| fold_of[*at] == fold);
            let (validation, train) = rest.into_iter().partition(|at| held_out(keys[*at]));
            Fold { train, validation, test }
        })
        .collect()
}

/// Returns folds that are tested on rows later than their training rows.
fn forward_folds(times: &[f64], count: usize) -> Vec<Fold> {
    let mut order: Vec<usize> = (0..times.len()).collect();
    order.sort_by(|a, b| times[*a].total_cmp(&times[*b]).then(a.cmp(b)));
    let cut = |block: usize| order.len() * block / (count + 1);
    (1..=count)
        .map(|block| {
            let past = cut(block);
            let train = past - (past as f64 * HELD_OUT) as usize;
            let part = |range: std::ops::Range<usize>| {
                let mut part = order[range].to_vec();
                part.sort_unstable();
                part
            };
            Fold { train: part(0..train), validation: part(train..past), test: part(past..cut(block + 1)) }
        })
        .collect()
}

fn distinct_at_most(values: &[f64], limit: usize) -> bool {
    let mut seen = std::collections::BTreeSet::new();
    values.iter().all(|value| {
        seen.insert(value.to_bits());
        seen.len() <= limit
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(y: Vec<f64>) -> Part {
        Part { rows: (0..y.len() as u32).collect(), y, weights: None, dropped: 0 }
    }

    #[test]
    fn every_row_is_tested_once_and_classes_are_dealt_alike() {
        let rows = part((0..100).map(|i| f64::from(u8::from(i % 5 == 0))).collect());
        let keys: Vec<u64> = (0..100).map(|i| rng::bits(1, 2, i)).collect();
        let folds = hashed_folds(&rows, &keys, 5, false);
        let mut tested: Vec<usize> = folds.iter().flat_map(|fold| fold.test.clone()).collect();
        tested.sort_unstable();
        assert_eq!(tested, (0..100).collect::<Vec<_>>());
        for fold in &folds {
            assert_eq!(fold.test.iter().filter(|at| rows.y[**at] == 1.0).count(), 4);
            let mut all = [fold.train.clone(), fold.validation.clone(), fold.test.clone()].concat();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), 100);
            assert!(fold.validation.len() > 5 && fold.validation.len() < 30);
        }
    }

    #[test]
    fn groups_stay_together() {
        let rows = part(vec![0.5; 60]);
        let keys: Vec<u64> = (0..60).map(|i| rng::bits(1, 2, i / 6)).collect();
        for fold in hashed_folds(&rows, &keys, 3, true) {
            for part in [&fold.train, &fold.validation, &fold.test] {
                let groups: std::collections::BTreeSet<usize> = part.iter().map(|at| at / 6).collect();
                assert_eq!(groups.len() * 6, part.len());
            }
        }
    }

    #[test]
    fn time_folds_are_tested_on_later_rows() {
        let times: Vec<f64> = (0..50).map(|i| f64::from(i * 7 % 50)).collect();
        for fold in forward_folds(&times, 4) {
            let latest = |part: &[usize]| part.iter().map(|at| times[*at]).fold(f64::MIN, f64::max);
            let first = fold.test.iter().map(|at| times[*at]).fold(f64::MAX, f64::min);
            assert!(latest(&fold.train) < first && latest(&fold.validation) < first);
        }
    }

    #[test]
    fn quantiles_of_t_as_in_tables() {
        // Table values for 1, 4, 11, 14, 29 and 49 degrees of freedom.
        for (count, expected) in [(2, 12.706), (5, 2.776), (12, 2.201), (15, 2.145), (30, 2.045), (50, 2.010)]
        {
            assert!((t_95(count) - expected).abs() < 1e-3, "{count}: {}", t_95(count));
        }
    }

    #[test]
    fn corrected_interval_by_hand() {
        let values = BTreeMap::from([("a".to_owned(), vec![0.8, 0.9]), ("b".to_owned(), vec![1.0])]);
        let set = summarise(values, 2, 1.0);
        assert_eq!(set.len(), 1);
        let half = 12.706 * ((0.5 + 1.0) * 0.005_f64).sqrt();
        assert!((set["a"].high.unwrap_or(0.0) - 0.85 - half).abs() < 1e-12);
    }
}
