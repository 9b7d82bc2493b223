//! Logistic, softmax and linear regression with an L2 or elastic net penalty on the dense encoding.
//!
//! The strength of the penalty, `l2`, is scikit-learn's `1 / C` or `alpha` of ridge. Without a value for it, a
//! way of strengths from strong to weak is gone with warm starts, and the one with the least validation loss
//! is kept (the stronger of equal ones). A given value is come to by the same way, from the stronger ones
//! down, so that the strength found gives the same bits when it is given. `penalty` is `l2` (the default), `l1`
//! or `elasticnet`, `l1_ratio` the share of its L1 part. The bits are the same for any number of threads and
//! in debug and release builds: sums go by blocks of 4,096 rows or by columns in row order.
//! Method: Hastie, Tibshirani and Friedman, 2009, "The Elements of Statistical Learning", 2nd edition,
//! sections 3.4 and 4.4, doi:10.1007/978-0-387-84858-7.

mod cholesky;
mod elastic;
mod loss;
mod matrix;
mod solver;
#[cfg(test)]
mod tests;
mod trust;
mod wide;

pub(crate) use loss::{Rows, loss};
pub(crate) use matrix::Matrix;

use crate::{
    TrainError,
    fit::{FitData, Fitted},
    params::Reader,
};
use elastic::Mixture;
use solver::Problem;
use yard_score::model::{Calibration, LinearModel, Link, Model};
use yard_types::{
    event::Progress,
    run::{Params, TrainPoint},
};

const PATH: [f64; 6] = [1000.0, 100.0, 10.0, 1.0, 0.1, 0.01];
const DEFAULT_L2: f64 = 1.0;
/// Strengths of a way with an L1 part: the largest useful one down to a ten-thousandth of it.
const MIXED_STEPS: usize = 12;
/// Three steps to a tenth.
const THIRDS: [f64; 3] = [1.0, 0.464_158_883_361, 0.215_443_469_003];
/// Hyperparameters.
pub(crate) const NAMES: [&str; 3] = ["l2", "penalty", "l1_ratio"];

/// Fits a linear model.
pub(crate) fn fit(data: &FitData<'_>, params: &Params) -> Result<Fitted, TrainError> {
    let reader = Reader::new(params, "linear", &NAMES)?;
    let (given, l1_ratio) = (reader.number("l2", 0.0..=1e12)?, read_l1_ratio(&reader)?);
    let (train, validation) = (data.matrix(&data.train.rows)?, data.matrix(&data.validation.rows)?);
    if let Some((feature, rows)) = train.saturated() {
        let feature = data.feature_name(feature);
        return Err(TrainError::NotFinite { feature, rows, family: "linear" });
    }
    let scaling = Scaling::of(data);
    let train_y = scaling.apply(&data.train.y);
    let validation_y = scaling.apply(&data.validation.y);
    let rows = |matrix, y, weights| Rows { matrix, y, weights, link: data.link, outputs: data.outputs };
    let mut problem = Problem::new(rows(&train, &train_y, data.train.weights.as_deref()));
    let path = if l1_ratio == 0.0 { PATH.to_vec() } else { mixed_path(problem.largest_strength(l1_ratio)) };
    let way = Way { l1_ratio, ..way_to(given, path, data.validation.rows.is_empty()) };
    let held_out = rows(&validation, &validation_y, data.validation.weights.as_deref());
    let best = solve_path(data, problem, &held_out, &way)?;
    Ok(Fitted {
        model: Model::Linear(scaling.model(&best.theta, train.features())),
        link: data.link,
        notes: Vec::new(),
        calibration: Calibration::None,
        params: in_force(best.l2, l1_ratio),
        curve: best.curve,
        steps: best.steps,
        parameters: best.theta.len() as u64,
        device: "cpu".to_owned(),
    })
}

/// Returns the share of the L1 part that `penalty` and `l1_ratio` ask for.
fn read_l1_ratio(reader: &Reader<'_>) -> Result<f64, TrainError> {
    let ratio = reader.number("l1_ratio", 0.0..=1.0)?;
    match (reader.text("penalty"), ratio) {
        (None, ratio) => Ok(ratio.unwrap_or(0.0)),
        (Some("l2"), None | Some(0.0)) => Ok(0.0),
        (Some("l1"), None | Some(1.0)) => Ok(1.0),
        (Some("elasticnet"), ratio) => Ok(ratio.unwrap_or(0.5)),
        (Some("l1" | "l2"), Some(_)) => {
            Err(reader.bad("penalty", "elasticnet where l1_ratio is given".to_owned()))
        }
        (Some(_), _) => Err(reader.bad("penalty", "l2, l1 or elasticnet".to_owned())),
    }
}

fn in_force(l2: f64, l1_ratio: f64) -> Params {
    let mut params = Params::from([("l2".to_owned(), l2.to_string())]);
    if l1_ratio > 0.0 {
        params.insert("penalty".to_owned(), if l1_ratio == 1.0 { "l1" } else { "elasticnet" }.to_owned());
        params.insert("l1_ratio".to_owned(), l1_ratio.to_string());
    }
    params
}

fn mixed_path(largest: f64) -> Vec<f64> {
    // Four significant digits, so that a strength reads and repeats well.
    let rounded = |value: f64| format!("{value:.3e}").parse().unwrap_or(value);
    let mut tenth = largest;
    let mut path = Vec::with_capacity(MIXED_STEPS + 1);
    for step in 0..=MIXED_STEPS {
        path.push(rounded(tenth * THIRDS[step % 3]));
        if step % 3 == 2 {
            tenth /= 10.0;
        }
    }
    path
}

/// Returns the parameters, `[features + 1, outputs]`, at the minimum for an L2 penalty.
pub(crate) fn minimum(
    rows: Rows<'_>,
    l2: f64,
    proceed: &dyn Fn() -> Result<(), TrainError>,
) -> Result<Vec<f64>, TrainError> {
    let mut theta = vec![0.0; (rows.matrix.features() + 1) * rows.outputs];
    Problem::new(rows).minimise(l2, &mut theta, proceed)?;
    Ok(theta)
}

/// Penalties in the order of solving, and the first of them that may be kept.
struct Way {
    penalties: Vec<f64>,
    first: usize,
    l1_ratio: f64,
}

fn way_to(given: Option<f64>, path: Vec<f64>, no_validation: bool) -> Way {
    let way = |penalties, first| Way { penalties, first, l1_ratio: 0.0 };
    match given {
        None if no_validation => way(vec![DEFAULT_L2], 0),
        None => way(path, 0),
        Some(l2) if no_validation => way(vec![l2], 0),
        Some(l2) => {
            let mut penalties: Vec<f64> = path.into_iter().filter(|stronger| *stronger > l2).collect();
            penalties.push(l2);
            way(penalties.clone(), penalties.len() - 1)
        }
    }
}

struct Solution {
    theta: Vec<f64>,
    l2: f64,
    steps: u32,
    curve: Vec<TrainPoint>,
}

fn solve_path(
    data: &FitData<'_>,
    mut problem: Problem<'_>,
    held_out: &Rows<'_>,
    way: &Way,
) -> Result<Solution, TrainError> {
    let mut theta = vec![0.0; (problem.rows().matrix.features() + 1) * data.outputs];
    let (mut best, mut least, mut worse, mut steps) = (None, f64::INFINITY, 0, 0);
    let mut curve = Vec::new();
    let scaling = Scaling::of(data);
    let path = &way.penalties;
    for (index, l2) in path.iter().enumerate() {
        let mixture = Mixture { strength: *l2, l1_ratio: way.l1_ratio };
        steps += problem.minimise_mixed(mixture, &mut theta, &|| data.proceed())?;
        if index < way.first {
            continue;
        }
        let loss = (held_out.matrix.rows() > 0).then(|| held_out.mean_loss(&theta));
        let point = TrainPoint {
            step: steps,
            train_loss: problem.rows().mean_loss(&theta),
            validation_loss: loss,
            validation_metric: scaling.metric(data, held_out, &theta),
        };
        data.context.observer.point(point);
        curve.push(point);
        data.context.observer.progress(Progress {
            phase: "linear".to_owned(),
            done: index as u64 + 1,
            total: Some(path.len() as u64),
            unit: "penalties".to_owned(),
        });
        let loss = loss.unwrap_or(0.0);
        if best.is_none() || loss < least {
            (best, least, worse) = (Some((theta.clone(), *l2, steps)), loss, 0);
        } else {
            worse += 1;
            if worse == 2 {
                break;
            }
        }
    }
    let (theta, l2, steps) = best.ok_or_else(|| TrainError::Diverged {
        family: "linear",
        detail: "no penalty gave a finite validation loss".to_owned(),
    })?;
    Ok(Solution { theta, l2, steps, curve })
}

/// Standardisation of a regression's target while solving; undone in the model.
struct Scaling {
    mean: f64,
    sd: f64,
}

impl Scaling {
    fn of(data: &FitData<'_>) -> Self {
        if data.link == Link::Identity {
            let (mean, sd) = data.train.mean_and_sd();
            Self { mean, sd: if sd > 0.0 { sd } else { 1.0 } }
        } else {
            Self { mean: 0.0, sd: 1.0 }
        }
    }

    fn apply(&self, y: &[f64]) -> Vec<f64> {
        y.iter().map(|value| (value - self.mean) / self.sd).collect()
    }

    /// Returns the frame's metric on validation rows.
    fn metric(&self, data: &FitData<'_>, held_out: &Rows<'_>, theta: &[f64]) -> Option<f64> {
        let margins = held_out.margins(theta);
        let margins: Vec<f32> = margins.iter().map(|m| (m * self.sd + self.mean) as f32).collect();
        data.validation_metric(&margins)
    }

    /// Rounds `theta`, `[features + 1, outputs]`, to the scorer's model, `[outputs, features]`.
    fn model(&self, theta: &[f64], features: usize) -> LinearModel {
        let outputs = theta.len() / (features + 1);
        let weight = |output: usize, feature: usize| (theta[feature * outputs + output] * self.sd) as f32;
        LinearModel {
            n_features: features as u32,
            weights: (0..outputs)
                .flat_map(|output| (0..features).map(move |feature| (output, feature)))
                .map(|(output, feature)| weight(output, feature))
                .collect(),
            bias: theta[features * outputs..]
                .iter()
                .map(|bias| (bias * self.sd + self.mean) as f32)
                .collect(),
        }
    }
}
