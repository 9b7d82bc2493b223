//! Performance on parts of the rows: each value of the features and protected columns that is frequent
//! enough, worst first (Chung et al., 2020, "Automated data slicing for model validation",
//! doi:10.1109/TKDE.2019.2916074, for the idea of slices in the users' words).

use super::{Work, groups::Groups};
use crate::TrainError;
use rayon::prelude::*;
use std::collections::BTreeSet;
use yard_types::{
    evaluation::Slice,
    metric::{Direction, better, metric_info},
};

/// A slice holds at least this share of the rows, and at least so many.
const SHARE: f64 = 0.05;
const FEWEST: usize = 30;
const RESAMPLES: u32 = 100;

/// Returns the slices, worst first.
pub(super) fn slices(work: &Work<'_>) -> Result<Vec<Slice>, TrainError> {
    let input = work.input;
    let least = FEWEST.max((SHARE * work.part.rows.len() as f64).ceil() as usize);
    let features = input.schema.features().map(|field| field.name.as_str());
    let protected = input.frame.protected.iter().map(String::as_str);
    let mut seen = BTreeSet::new();
    let columns: Vec<&str> = features.chain(protected).filter(|name| seen.insert(*name)).collect();
    let whole = work.scored.points(&work.decision)?.get(work.metric).copied().unwrap_or(f64::NAN);
    let found: Vec<Vec<Slice>> = columns
        .par_iter()
        .map(|name| slices_of(work, name, least, whole))
        .collect::<Result<_, TrainError>>()?;
    let mut slices = found.concat();
    let value = |slice: &Slice| slice.metrics.get(work.metric).map_or(f64::NAN, |metric| metric.value);
    slices.sort_by(|a, b| {
        let (x, y) = (value(a), value(b));
        match (x.is_nan(), y.is_nan()) {
            (false, false) if x == y => a.name.cmp(&b.name),
            (false, false) if better(work.metric, x, y) => std::cmp::Ordering::Greater,
            (false, false) => std::cmp::Ordering::Less,
            (x, y) => x.cmp(&y).then_with(|| a.name.cmp(&b.name)),
        }
    });
    Ok(slices)
}

fn slices_of(work: &Work<'_>, name: &str, least: usize, whole: f64) -> Result<Vec<Slice>, TrainError> {
    let Some(groups) = Groups::of(work.input, name, &work.part.rows) else { return Ok(Vec::new()) };
    let members = groups.members();
    let missing = format!("{name} missing");
    let names = groups.names.iter().chain([&missing]);
    let all = work.part.rows.len();
    let frequent: Vec<(&String, &Vec<usize>)> =
        names.zip(&members).filter(|(_, rows)| rows.len() >= least && rows.len() < all).collect();
    frequent.par_iter().map(|(name, rows)| slice(work, name, rows, whole)).collect()
}

fn slice(work: &Work<'_>, name: &str, rows: &[usize], whole: f64) -> Result<Slice, TrainError> {
    let scored = work.scored.take(rows);
    let metrics = scored.intervals(&work.decision, RESAMPLES, work.input.seed)?;
    let lower_is_better = metric_info(work.metric).is_some_and(|info| info.direction == Direction::Lower);
    let worse = metrics.get(work.metric).is_some_and(|metric| {
        if lower_is_better {
            metric.low.is_some_and(|low| low > whole)
        } else {
            metric.high.is_some_and(|high| high < whole)
        }
    });
    Ok(Slice {
        name: name.to_owned(),
        rows: rows.len() as u64,
        positives: scored.positives(),
        metrics,
        worse,
    })
}
