//! XGBoost's JSON model, read. XGBoost asks `x < t` of f32 values; the scorer asks `x <= t`, so each threshold
//! becomes the f32 before it, which is the same question. A category set goes right there and left here.
//! Format: XGBoost 1.6 to 3 (`Booster.save_model("m.json")`); Chen and Guestrin (2016), "XGBoost: a scalable
//! tree boosting system", doi:10.1145/2939672.2939785.

mod file;
#[cfg(test)]
mod tests;
mod tree;

use crate::{
    error::ImportError,
    imported::{ColumnInfo, Imported, LIMITS, Outcome, check_limit, ensemble},
};
use file::{Booster, Categories, Gbtree, Learner};
use yard_score::{
    math,
    model::{Link, Sum},
};

const FORMAT: &str = "XGBoost JSON";

fn malformed(place: &str, problem: impl Into<String>, expected: &'static str) -> ImportError {
    ImportError::Malformed { format: FORMAT, place: place.to_owned(), problem: problem.into(), expected }
}

fn unsupported(what: impl Into<String>, lost: &'static str, instead: &'static str) -> ImportError {
    ImportError::Unsupported { format: FORMAT, what: what.into(), lost, instead }
}

/// Reads a JSON model.
pub(crate) fn read(text: &str) -> Result<Imported, ImportError> {
    let learner = file::parse(text)?;
    let (model, weights) = trees_of(&learner)?;
    let mut notes = Vec::new();
    let outcome = outcome(&learner)?;
    let features = number(&learner.learner_model_param.num_feature, "num_feature")?;
    check_limit(FORMAT, "the number of features", features, LIMITS.features)?;
    check_limit(FORMAT, "the number of trees", model.trees.len(), LIMITS.trees)?;
    let mut columns = columns(&learner, model.cats.as_ref(), features, &mut notes)?;
    if model.tree_info.len() != model.trees.len() {
        let problem = format!("{} entries for {} trees", model.tree_info.len(), model.trees.len());
        return Err(malformed("tree_info", problem, "one class for each tree"));
    }
    let mut trees = Vec::with_capacity(model.trees.len());
    for (index, (tree, output)) in model.trees.iter().zip(&model.tree_info).enumerate() {
        if *output as usize >= outcome.outputs {
            let problem = format!("tree {index} adds to class {output}");
            return Err(malformed("tree_info", problem, "a class of the model"));
        }
        let mut read = tree::convert(index, tree, *output, &mut columns)?;
        if let Some(weight) = weights.get(index) {
            for leaf in &mut read.leaves {
                *leaf = f64::from(*leaf as f32 * *weight as f32);
            }
        }
        trees.push(read);
    }
    if learner.attributes.contains_key("best_iteration") {
        notes.push(
            "All trees are used; the file names a best iteration, which XGBoost's own wrapper may stop at."
                .to_owned(),
        );
    }
    let base = base(&learner, &outcome)?;
    let model = ensemble(base, trees, Sum::OrderedF32 {}, &mut columns)
        .ok_or_else(|| malformed("trees", "leaf values are not finite", "finite leaf values"))?;
    Imported::new(FORMAT, columns, outcome, model, notes)
}

/// Returns the trees and their weights (DART).
fn trees_of(learner: &Learner) -> Result<(&Gbtree, &[f64]), ImportError> {
    match &learner.gradient_booster {
        Booster::Gbtree { model } => Ok((model, &[])),
        Booster::Dart { gbtree, weight_drop } => {
            if weight_drop.len() == gbtree.model.trees.len() && weight_drop.iter().all(|w| w.is_finite()) {
                return Ok((&gbtree.model, weight_drop));
            }
            Err(malformed(
                "weight_drop",
                format!("{} weights", weight_drop.len()),
                "one finite weight a tree",
            ))
        }
        Booster::Gblinear {} => {
            let lost = "it is a linear model, and trees are read here";
            Err(unsupported("booster gblinear", lost, "train with booster=gbtree"))
        }
    }
}

fn number(text: &str, key: &str) -> Result<usize, ImportError> {
    text.parse().map_err(|_| malformed(key, format!("{:?}", file::short(text)), "a whole number"))
}

fn outcome(learner: &Learner) -> Result<Outcome, ImportError> {
    let param = &learner.learner_model_param;
    let name = learner.objective.name.as_str();
    let classes = number(&param.num_class, "num_class")?;
    if number(&param.num_target, "num_target")? > 1 {
        return Err(unsupported(
            "several targets",
            "a model has one target",
            "save one model for each target",
        ));
    }
    let link = match name {
        "binary:logistic" | "binary:logitraw" | "reg:logistic" => Link::Logistic,
        "multi:softprob" | "multi:softmax" => Link::Softmax,
        "reg:squarederror"
        | "reg:linear"
        | "reg:absoluteerror"
        | "reg:pseudohubererror"
        | "reg:squaredlogerror"
        | "reg:quantileerror"
        | "rank:ndcg"
        | "rank:pairwise"
        | "rank:map" => Link::Identity,
        "count:poisson" | "reg:gamma" | "reg:tweedie" => Link::Log,
        _ => {
            let lost = "it turns margins into predictions in a way that the scorer does not have";
            let what = format!("objective \"{}\"", file::short(name));
            return Err(unsupported(what, lost, "use binary:logistic, multi:softprob or reg:squarederror"));
        }
    };
    let outputs = if link == Link::Softmax { classes } else { 1 };
    if link == Link::Softmax && classes < 2 {
        return Err(malformed("num_class", format!("{classes}"), "two classes or more"));
    }
    check_limit(FORMAT, "the number of classes", outputs, LIMITS.outputs)?;
    Ok(Outcome { link, outputs, slope: 1.0, objective: name.to_owned() })
}

/// Returns the base margins: one number for all outputs or a list, a probability for logistic objectives.
fn base(learner: &Learner, outcome: &Outcome) -> Result<Vec<f32>, ImportError> {
    let text = &learner.learner_model_param.base_score;
    let wrong =
        || malformed("base_score", format!("{:?}", file::short(text)), "a number or one for each class");
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let values: Result<Vec<f32>, _> = inner.split(',').map(|value| value.trim().parse()).collect();
    let mut values = values.map_err(|_| wrong())?;
    if values.len() == 1 {
        values = vec![values[0]; outcome.outputs];
    }
    if values.len() != outcome.outputs {
        return Err(wrong());
    }
    if matches!(outcome.objective.as_str(), "binary:logistic" | "reg:logistic") {
        for value in &mut values {
            // In the steps of XGBoost, each rounded to f32.
            let odds = 1.0 / *value - 1.0;
            *value = -math::ln(f64::from(odds)) as f32;
        }
    }
    if outcome.link == Link::Log {
        for value in &mut values {
            *value = math::ln(f64::from(*value)) as f32;
        }
    }
    if values.iter().all(|value| value.is_finite()) { Ok(values) } else { Err(wrong()) }
}

fn columns(
    learner: &Learner,
    cats: Option<&Categories>,
    features: usize,
    notes: &mut Vec<String>,
) -> Result<Vec<ColumnInfo>, ImportError> {
    let names = &learner.feature_names;
    if !names.is_empty() && names.len() != features {
        let problem = format!("{} names for {features} features", names.len());
        return Err(malformed("feature_names", problem, "one name for each feature"));
    }
    let name = |index: usize| names.get(index).cloned().unwrap_or_else(|| format!("f{index}"));
    let mut columns: Vec<ColumnInfo> =
        (0..features).map(|index| ColumnInfo { name: name(index), ..ColumnInfo::default() }).collect();
    for (index, column) in columns.iter_mut().enumerate() {
        column.categorical = learner.feature_types.get(index).is_some_and(|kind| kind == "c");
        let Some(list) = cats.and_then(|cats| cats.enc.get(index)).filter(|list| !list.is_empty()) else {
            continue;
        };
        column.words = list.words();
        if column.words.is_none() {
            notes.push(format!(
                "The words of the categories of \"{}\" can't be read from the file: give their codes.",
                column.name
            ));
        }
    }
    Ok(columns)
}
