//! Scorecards: the sum of points of binned fields, for binary tasks and regression.
//!
//! Each feature is cut into few bins ([`bins`]); a bin has a weight of evidence (the log-odds of its rows less
//! those of all; for a number its mean less that of all), the weights of evidence enter a logistic or linear
//! regression with an L2 penalty, and only features whose coefficient is positive stay. Coefficient × weight
//! of evidence is rounded to whole points. The model is one tree per feature ([`build`]), so that the scorer
//! adds points exactly, and reasons and exports work as for any trees.
//! Methods: Siddiqi, 2017, "Intelligent Credit Scoring", 2nd edition, doi:10.1002/9781119282396; weights of
//! evidence: Good, 1950, "Probability and the Weighing of Evidence".

mod bins;
mod build;
#[cfg(test)]
mod tests;

use crate::{
    TrainError,
    fit::{FitData, Fitted},
    linear::{self, Matrix},
    params::Reader,
    target::Part,
};
use bins::{Attribute, BinRule, Direction};
use yard_metrics::sum;
use yard_score::{
    encode::SparseRows,
    model::{Calibration, Link, Model},
};
use yard_types::{
    recipe::FeatureOp,
    run::{Params, TrainPoint},
};

/// Hyperparameters.
pub(crate) const NAMES: [&str; 5] = ["bins", "min_share", "fields", "monotone", "l2"];
/// Least information value (share of variance, for a number) of a field that is kept.
const LEAST_VALUE: f64 = 0.02;
const LEAST_SHARE: f64 = 0.001;

/// Settings of a scorecard.
struct Settings {
    rule: BinRule,
    fields: usize,
    l2: f64,
    monotone: String,
}

/// Fits a scorecard.
pub(crate) fn fit(data: &FitData<'_>, params: &Params) -> Result<Fitted, TrainError> {
    if data.outputs != 1 {
        return Err(TrainError::Settings {
            what: format!("a scorecard has one score; the target has {} classes", data.outputs),
            advice: "train linear or boosting, or predict one class against the rest".to_owned(),
        });
    }
    let settings = read(data, params)?;
    let columns = data.columns(&data.train.rows)?;
    let truth = Truth::of(data, data.train);
    let mut attributes = attributes(data, &settings, &columns, &truth)?;
    let theta = coefficients(data, &settings, (&columns, &truth), &mut attributes)?;
    let Some(card) = build::Card::new(&attributes, &theta, &truth) else {
        return Err(TrainError::Diverged {
            family: "scorecard",
            detail: "no field tells anything about the target".to_owned(),
        });
    };
    let model = card.ensemble(data.encoder.n_features());
    let train_loss = loss(data, &card, (&columns, &truth));
    let validation_loss = if data.validation.rows.is_empty() {
        None
    } else {
        let truth = Truth::of(data, data.validation);
        Some(loss(data, &card, (&data.columns(&data.validation.rows)?, &truth)))
    };
    let point = TrainPoint { step: 1, train_loss, validation_loss, validation_metric: None };
    data.context.observer.point(point);
    Ok(Fitted {
        parameters: model.trees.iter().map(|tree| tree.leaf_value.len() as u64).sum(),
        model: Model::Trees(model),
        calibration: Calibration::None,
        link: data.link,
        notes: Vec::new(),
        params: settings.to_params(),
        curve: vec![point],
        steps: 1,
        device: "cpu".to_owned(),
    })
}

/// Target and weights of rows.
pub(crate) struct Truth {
    y: Vec<f64>,
    weights: Vec<f64>,
    /// Sum of weights.
    total: f64,
    /// Weighted mean of the target.
    mean: f64,
    variance: f64,
    logistic: bool,
}

impl Truth {
    fn of(data: &FitData<'_>, part: &Part) -> Self {
        let weights = part.weights.clone().unwrap_or_else(|| vec![1.0; part.y.len()]);
        Self::new(part.y.clone(), weights, data.link == Link::Logistic)
    }

    fn new(y: Vec<f64>, weights: Vec<f64>, logistic: bool) -> Self {
        let total = sum::sum(&weights).max(f64::MIN_POSITIVE);
        let mean = sum::dot(&y, &weights) / total;
        let variance = sum::sum_by(y.len(), |row| weights[row] * (y[row] - mean).powi(2)) / total;
        Self { y, weights, total, mean, variance, logistic }
    }
}

fn read(data: &FitData<'_>, params: &Params) -> Result<Settings, TrainError> {
    let reader = Reader::new(params, "scorecard", &NAMES)?;
    let settings = Settings {
        rule: BinRule {
            most: reader.whole("bins", 2..=50)?.unwrap_or(8) as usize,
            min_share: reader.number("min_share", 0.0..=0.5)?.unwrap_or(0.03),
            direction: Direction::Free,
        },
        fields: reader.whole("fields", 1..=1_000)?.unwrap_or(25) as usize,
        l2: reader.number("l2", 0.0..=1e12)?.unwrap_or(1.0),
        monotone: reader.text("monotone").unwrap_or("none").trim().to_owned(),
    };
    let names: Vec<&str> = data.recipe.inputs.iter().map(|input| input.name.as_str()).collect();
    for (name, direction) in wanted(&settings.monotone) {
        if direction == Direction::Free || !names.contains(&name) {
            let expected = format!("none, all, or fields with + or - such as {}:+", names.join(":+,"));
            return Err(reader.bad("monotone", expected));
        }
    }
    Ok(settings)
}

/// Reads `age:+,income:-`.
fn wanted(monotone: &str) -> Vec<(&str, Direction)> {
    if matches!(monotone, "none" | "all") {
        return Vec::new();
    }
    let read = |item: &'_ str| -> (usize, Direction) {
        let direction = match item.as_bytes().last() {
            Some(b'+') => Direction::Rising,
            Some(b'-') => Direction::Falling,
            _ => Direction::Free,
        };
        (item.len().saturating_sub(1), direction)
    };
    let items = monotone.split(',').map(str::trim).filter(|item| !item.is_empty());
    items
        .map(|item| {
            let (end, direction) = read(item);
            let name = item.get(..end).unwrap_or(item);
            (name.strip_suffix(':').unwrap_or(name).trim(), direction)
        })
        .collect()
}

impl Settings {
    fn direction(&self, field: &str) -> Direction {
        if self.monotone == "all" {
            return Direction::Either;
        }
        let found = wanted(&self.monotone).into_iter().find(|(name, _)| *name == field);
        found.map_or(Direction::Free, |(_, direction)| direction)
    }

    fn to_params(&self) -> Params {
        let pairs = [
            ("bins", self.rule.most.to_string()),
            ("min_share", self.rule.min_share.to_string()),
            ("fields", self.fields.to_string()),
            ("monotone", self.monotone.clone()),
            ("l2", self.l2.to_string()),
        ];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// Bins every feature and keeps those that tell most, in feature order.
fn attributes(
    data: &FitData<'_>,
    settings: &Settings,
    columns: &[Vec<f32>],
    truth: &Truth,
) -> Result<Vec<Attribute>, TrainError> {
    let mut found = Vec::new();
    for (index, (feature, column)) in data.recipe.features.iter().zip(columns).enumerate() {
        data.proceed()?;
        let input = &data.recipe.inputs[feature.input as usize];
        let attribute = if feature.op == FeatureOp::Code {
            Attribute::of_categories(index, column, (input.categories.len(), truth), &settings.rule)
        } else {
            let rule = BinRule { direction: settings.direction(&input.name), ..settings.rule };
            Attribute::of_numbers(index, column, truth, &rule)
        };
        let least = if truth.logistic { LEAST_VALUE } else { LEAST_SHARE };
        found.extend(attribute.filter(|attribute| attribute.value >= least));
    }
    found.sort_by(|a, b| b.value.total_cmp(&a.value).then(a.feature.cmp(&b.feature)));
    found.truncate(settings.fields);
    found.sort_by_key(|attribute| attribute.feature);
    Ok(found)
}

/// Regresses the target on the weights of evidence; attributes whose coefficient is not positive go. Returns
/// a coefficient per attribute and the bias.
fn coefficients(
    data: &FitData<'_>,
    settings: &Settings,
    (columns, truth): (&[Vec<f32>], &Truth),
    attributes: &mut Vec<Attribute>,
) -> Result<Vec<f64>, TrainError> {
    loop {
        data.proceed()?;
        let mut part = SparseRows { starts: vec![0], ..SparseRows::default() };
        let evidence = |row: usize| {
            let own =
                attributes.iter().map(move |attribute| attribute.evidence(columns[attribute.feature][row]));
            own.zip(0..).filter(|(value, _)| *value != 0.0)
        };
        for entries in (0..truth.y.len()).map(evidence) {
            for (value, at) in entries {
                part.columns.push(at);
                part.values.push(value as f32);
            }
            part.starts.push(part.values.len());
        }
        let matrix = Matrix::new(vec![part], attributes.len());
        let y: Vec<f64> =
            if truth.logistic { truth.y.clone() } else { truth.y.iter().map(|y| y - truth.mean).collect() };
        let rows = linear::Rows {
            matrix: &matrix,
            y: &y,
            weights: Some(&truth.weights),
            link: data.link,
            outputs: 1,
        };
        let theta = linear::minimum(rows, settings.l2, &|| data.proceed())?;
        let keep: Vec<bool> = theta[..attributes.len()].iter().map(|weight| *weight > 0.0).collect();
        if keep.iter().all(|keep| *keep) {
            return Ok(theta);
        }
        let mut keep = keep.into_iter();
        attributes.retain(|_| keep.next().unwrap_or(false));
    }
}

/// Returns the mean loss of a card.
fn loss(data: &FitData<'_>, card: &build::Card, (columns, truth): (&[Vec<f32>], &Truth)) -> f64 {
    let own = |row: usize| {
        let margin = card.margin(|feature| columns[feature][row]);
        truth.weights[row] * linear::loss(data.link, truth.y[row], &mut [margin])
    };
    sum::sum_by(truth.y.len(), own) / truth.total
}
