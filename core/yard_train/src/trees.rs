//! Boosting and forests: encoded columns in, `yard_boost` trains, the scorer's tree ensemble out.

use crate::{
    TrainError,
    fit::{FitData, Fitted},
    forest_curve, watch,
};
use std::collections::BTreeMap;
use yard_boost::{
    BoostError, BoostParams, Control, Features, ForestParams, ForestSpec, Objective, OutOfBag, Round,
    TrainSet, Trained,
};
use yard_score::model::{Calibration, Link, Model};
use yard_types::{
    event::Progress,
    recipe::FeatureOp,
    run::{Params, TrainPoint},
};

/// Fits boosted trees.
pub(crate) fn fit_boosting(data: &FitData<'_>, params: &Params) -> Result<Fitted, TrainError> {
    let params =
        BoostParams { seed: data.seed, ..BoostParams::from_params(params).map_err(boost("boosting"))? };
    let held_out = !data.validation.rows.is_empty();
    let total = params.rounds(held_out);
    let params = params.for_data(data.train.rows.len(), data.encoder.n_features());
    let objective = params.objective(task(data)).map_err(boost("boosting"))?;
    let spec = yard_boost::TrainSpec { objective, params, threads: data.context.threads };
    let matrix = Matrix::new(data)?;
    let train = Columns::new(&matrix.train, &matrix)?;
    let validation = held_out.then(|| Columns::new(&matrix.validation, &matrix)).transpose()?;
    let valid = validation.as_ref().map(|columns| set(&columns.0, &matrix.validation));
    let link = if objective.log_link() { Link::Log } else { data.link };
    let mut metrics = BTreeMap::new();
    let mut follow = |round: Round, margins: &dyn Fn() -> Vec<f32>| {
        if watch::due(round.step) {
            metrics.extend(data.validation_metric_under(link, &margins()).map(|value| (round.step, value)));
        }
        follow(data, "boosting", (total, &round), metrics.get(&round.step).copied())
    };
    let trained = yard_boost::train_watched(set(&train.0, &matrix.train), valid, &spec, &mut follow)
        .map_err(boost("boosting"))?;
    data.proceed()?;
    Ok(Fitted { link, ..fitted(data, trained, spec.params.to_params(held_out), &metrics) })
}

/// Fits a random forest. Its losses on the curve are those of out-of-bag rows.
pub(crate) fn fit_forest(data: &FitData<'_>, params: &Params) -> Result<Fitted, TrainError> {
    let params =
        ForestParams { seed: data.seed, ..ForestParams::from_params(params).map_err(boost("forest"))? };
    let spec = ForestSpec { objective: task(data), params, threads: data.context.threads };
    let matrix = Matrix::new(data)?;
    let train = Columns::new(&matrix.train, &matrix)?;
    let mut follow = |round| follow(data, "forest", (spec.params.trees, &round), None);
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

fn follow(data: &FitData<'_>, phase: &str, (total, round): (u32, &Round), metric: Option<f64>) -> Control {
    let observer = data.context.observer;
    observer.point(point(round, metric));
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
