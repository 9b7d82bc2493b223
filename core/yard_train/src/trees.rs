//! Boosting and forests: encoded columns in, `yard_boost` trains, the scorer's tree ensemble out.

use crate::{
    TrainError,
    fit::{FitData, Fitted},
    forest_curve, watch,
};
use std::collections::BTreeMap;
use yard_boost::{
    BoostError, BoostParams, Control, Features, ForestParams, ForestSpec, Growth, Objective, OutOfBag, Round,
    TrainSet, Trained,
};
use yard_score::model::{Calibration, Link, Model};
use yard_types::{
    event::Progress,
    recipe::FeatureOp,
    run::{Params, TrainPoint},
};

/// Rows from which trees grow leaf by leaf without a comparison: there both ways are as good, and a second fit
/// takes long.
const COMPARED: usize = 100_000;

/// Fits boosted trees. Without a given `growth` or `leaves` validation rows choose between trees that grow leaf
/// by leaf and symmetric ones.
pub(crate) fn fit_boosting(data: &FitData<'_>, params: &Params) -> Result<Fitted, TrainError> {
    let params =
        BoostParams { seed: data.seed, ..BoostParams::from_params(params).map_err(boost("boosting"))? };
    let matrix = Matrix::new(data)?;
    let compared = params.growth == Growth::Auto
        && params.leaves == 0
        && !data.validation.rows.is_empty()
        && data.train.rows.len() < COMPARED;
    if !compared {
        let growth = if params.growth == Growth::Auto { Growth::Leafwise } else { params.growth };
        return Ok(grown(data, &matrix, &BoostParams { growth, ..params }, true)?.0);
    }
    let grow = |growth, told| grown(data, &matrix, &BoostParams { growth, ..params.clone() }, told);
    let (leafwise, symmetric) = (grow(Growth::Leafwise, true)?, grow(Growth::Symmetric, false)?);
    let better = symmetric.1 < leafwise.1;
    let (kept, other) = if better { (symmetric, leafwise) } else { (leafwise, symmetric) };
    let words = if better { ["symmetric", "leaf by leaf"] } else { ["leaf by leaf", "symmetric"] };
    let note = format!(
        "trees grow {}: validation loss {:.4}, {:.4} when they grow {}",
        words[0], kept.1, other.1, words[1]
    );
    Ok(Fitted { notes: vec![note], ..kept.0 })
}

/// Fits boosted trees that grow in one way; returns them with their validation loss. The observer gets the
/// points of the curve when it shall be `told`.
fn grown(
    data: &FitData<'_>,
    matrix: &Matrix,
    params: &BoostParams,
    told: bool,
) -> Result<(Fitted, f64), TrainError> {
    let held_out = !data.validation.rows.is_empty();
    let total = params.rounds(held_out);
    let params = params.for_data(data.train.rows.len(), data.encoder.n_features());
    let objective = params.objective(task(data)).map_err(boost("boosting"))?;
    let spec = yard_boost::TrainSpec { objective, params, threads: data.context.threads };
    let train = Columns::new(&matrix.train, matrix)?;
    let validation = held_out.then(|| Columns::new(&matrix.validation, matrix)).transpose()?;
    let valid = validation.as_ref().map(|columns| set(&columns.0, &matrix.validation));
    let link = if objective.log_link() { Link::Log } else { data.link };
    let mut metrics = BTreeMap::new();
    let mut follow = |round: Round, margins: &dyn Fn() -> Vec<f32>| {
        if watch::due(round.step) {
            metrics.extend(data.validation_metric_under(link, &margins()).map(|value| (round.step, value)));
        }
        let metric = metrics.get(&round.step).copied();
        if told {
            data.context.observer.point(point(&round, metric));
        }
        follow(data, "boosting", (total, &round))
    };
    let trained = yard_boost::train_watched(set(&train.0, &matrix.train), valid, &spec, &mut follow)
        .map_err(boost("boosting"))?;
    data.proceed()?;
    let loss = trained.valid_loss.unwrap_or(f64::INFINITY);
    let fitted = fitted(data, trained, spec.params.to_params(held_out), &metrics);
    Ok((Fitted { link, ..fitted }, loss))
}

/// Fits a random forest. Its losses on the curve are those of out-of-bag rows.
pub(crate) fn fit_forest(data: &FitData<'_>, params: &Params) -> Result<Fitted, TrainError> {
    let params =
        ForestParams { seed: data.seed, ..ForestParams::from_params(params).map_err(boost("forest"))? };
    let spec = ForestSpec { objective: task(data), params, threads: data.context.threads };
    let matrix = Matrix::new(data)?;
    let train = Columns::new(&matrix.train, &matrix)?;
    let mut follow = |round: Round| {
        data.context.observer.point(point(&round, None));
        follow(data, "forest", (spec.params.trees, &round))
    };
    let trained = yard_boost::train_forest(set(&train.0, &matrix.train), &spec, &mut follow)
        .map_err(boost("forest"))?;
    data.proceed()?;
    let metrics = forest_curve::metrics(data, &matrix.validation.columns, &trained)?;
    Ok(fitted(data, trained, spec.params.to_params(), &metrics))
}

/// The task's own objective.
fn task(data: &FitData<'_>) -> Objective {
    match data.link {
        Link::Identity | Link::Log => Objective::Regression,
        Link::Logistic => Objective::Binary,
        Link::Softmax => Objective::Multiclass(data.outputs as u32),
    }
}

/// Columns, target and weights of one part, in f32.
struct PartColumns {
    columns: Vec<Vec<f32>>,
    y: Vec<f32>,
    weights: Option<Vec<f32>>,
}

struct Matrix {
    train: PartColumns,
    validation: PartColumns,
    categorical: Vec<bool>,
    names: Vec<String>,
}

impl Matrix {
    fn new(data: &FitData<'_>) -> Result<Self, TrainError> {
        let part = |part: &crate::target::Part| -> Result<PartColumns, TrainError> {
            Ok(PartColumns {
                columns: data.columns(&part.rows)?,
                y: part.y.iter().map(|y| *y as f32).collect(),
                weights: part.weights_f32(),
            })
        };
        let features = &data.recipe.features;
        Ok(Self {
            train: part(data.train)?,
            validation: part(data.validation)?,
            categorical: features.iter().map(|feature| feature.op == FeatureOp::Code).collect(),
            names: features.iter().map(|feature| feature.name.clone()).collect(),
        })
    }
}

/// A borrowed matrix for `yard_boost`.
struct Columns<'a>(Features<'a>);

impl<'a> Columns<'a> {
    fn new(part: &'a PartColumns, matrix: &Matrix) -> Result<Self, TrainError> {
        let columns = part.columns.iter().map(Vec::as_slice).collect();
        let features = Features::new(columns, matrix.categorical.clone()).map_err(boost("trees"))?;
        Ok(Self(features.with_names(matrix.names.clone())))
    }
}

fn set<'a>(features: &'a Features<'a>, part: &'a PartColumns) -> TrainSet<'a> {
    TrainSet { features, y: &part.y, weights: part.weights.as_deref() }
}

fn point(round: &Round, validation_metric: Option<f64>) -> TrainPoint {
    let Round { step, train_loss, valid_loss, .. } = *round;
    TrainPoint { step, train_loss, validation_loss: valid_loss, validation_metric }
}

fn follow(data: &FitData<'_>, phase: &str, (total, round): (u32, &Round)) -> Control {
    let observer = data.context.observer;
    observer.progress(Progress {
        phase: phase.to_owned(),
        done: u64::from(round.step),
        total: Some(u64::from(total)),
        unit: "trees".to_owned(),
    });
    if observer.cancelled() { Control::Stop } else { Control::Continue }
}

fn fitted(data: &FitData<'_>, trained: Trained, params: Params, metrics: &BTreeMap<u32, f64>) -> Fitted {
    let leaves: usize = trained.model.trees.iter().map(|tree| tree.leaf_value.len()).sum();
    Fitted {
        curve: trained.curve.iter().map(|round| point(round, metrics.get(&round.step).copied())).collect(),
        steps: trained.best_round,
        parameters: leaves as u64,
        model: Model::Trees(trained.model),
        link: data.link,
        notes: trained.out_of_bag.iter().map(|scores| out_of_bag(data, scores)).collect(),
        calibration: Calibration::None,
        params,
        device: "cpu".to_owned(),
    }
}

/// Says how well a forest does on rows that its trees had not drawn.
fn out_of_bag(data: &FitData<'_>, scores: &OutOfBag) -> String {
    let OutOfBag { rows, loss, score } = scores;
    let names = if data.link == Link::Identity { ("R2", "squared error") } else { ("accuracy", "log loss") };
    format!("out-of-bag rows ({rows}): {} {score:.4}, {} {loss:.4}", names.0, names.1)
}

/// Turns an error of `yard_boost` into ours.
fn boost(family: &'static str) -> impl Fn(BoostError) -> TrainError {
    move |error| match error {
        BoostError::UnknownParam { name, known } => TrainError::UnknownParam { name, family, allowed: known },
        BoostError::ParamValue { name, value, expected } => {
            TrainError::BadParam { name, value, family, expected }
        }
        other => TrainError::part(family, &other),
    }
}
