//! `LinearClassifier`, `LinearRegressor` and `Scaler` of `ai.onnx.ml`.

use super::{Read, labels, malformed, proto::Node, unsupported};
use crate::error::ImportError;
use yard_score::model::{LinearModel, Link, Model};
use yard_types::recipe::Scale;

/// Reads offsets and factors: one for all features or one each.
pub(super) fn scaler(node: &Node, features: usize) -> Result<Vec<Scale>, ImportError> {
    let (offset, scale) = (node.floats("offset"), node.floats("scale"));
    let wide = |values: &[f32]| values.len() == features || values.len() == 1;
    if !wide(offset) || !wide(scale) {
        let problem = format!("{} offsets and {} factors for {features} features", offset.len(), scale.len());
        return Err(malformed("Scaler", problem, "one for each feature"));
    }
    let at = |values: &[f32], at: usize| f64::from(values.get(at).or(values.first()).copied().unwrap_or(0.0));
    Ok((0..features).map(|own| Scale { mean: at(offset, own), inverse_sd: at(scale, own) }).collect())
}

pub(super) fn read(node: &Node, features: usize) -> Result<Read, ImportError> {
    let weights = node.floats("coefficients");
    let outputs = weights.len() / features.max(1);
    if outputs == 0 || weights.len() != outputs * features {
        let problem = format!("{} coefficients for {features} features", weights.len());
        return Err(malformed(&node.operator, problem, "one line of them for each output"));
    }
    let mut bias = node.floats("intercepts").to_vec();
    bias.resize(bias.len().max(outputs), 0.0);
    if bias.len() != outputs {
        let problem = format!("{} intercepts for {outputs} outputs", bias.len());
        return Err(malformed(&node.operator, problem, "one for each output"));
    }
    let link = node.text("post_transform");
    let line = |output: usize| weights.get(output * features..(output + 1) * features).unwrap_or_default();
    let model =
        |weights: Vec<f32>, bias| Model::Linear(LinearModel { n_features: features as u32, weights, bias });
    if node.operator == "LinearRegressor" {
        if !matches!(link.as_str(), "" | "NONE") {
            return Err(unsupported(&format!("post_transform {link} of LinearRegressor"), "its function"));
        }
        let model = model(weights.to_vec(), bias);
        return Ok(Read {
            model,
            link: Link::Identity,
            classes: Vec::new(),
            scales: Vec::new(),
            objective: "regression".to_owned(),
        });
    }
    let classes = labels(node);
    let binary = |weights: Vec<f32>, bias: f32| Read {
        model: model(weights, vec![bias]),
        link: Link::Logistic,
        classes: classes.clone(),
        scales: Vec::new(),
        objective: "binary".to_owned(),
    };
    match (link.as_str(), classes.len(), outputs) {
        ("LOGISTIC", 2, 1) => Ok(binary(weights.to_vec(), bias[0])),
        ("LOGISTIC", 2, 2)
            if line(0).iter().zip(line(1)).all(|(no, yes)| *no == -*yes) && bias[0] == -bias[1] =>
        {
            Ok(binary(line(1).to_vec(), bias[1]))
        }
        ("SOFTMAX", 2, 2) => {
            let apart = line(1).iter().zip(line(0)).map(|(yes, no)| yes - no).collect();
            Ok(binary(apart, bias[1] - bias[0]))
        }
        ("SOFTMAX", count, outputs) if count == outputs && count > 2 => Ok(Read {
            model: model(weights.to_vec(), bias),
            link: Link::Softmax,
            classes,
            scales: Vec::new(),
            objective: "multiclass".to_owned(),
        }),
        (link, count, outputs) => {
            let what = format!("post_transform \"{link}\" of {outputs} outputs for {count} classes");
            Err(unsupported(&what, "probabilities that are no logistic or softmax function of margins"))
        }
    }
}
