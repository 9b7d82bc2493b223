//! The forward pass: features in, margins out, f32 `[N, outputs]`.

use super::{
    deep, fields,
    graph::{Attribute, Graph, Kind, Tensor, Value},
    net, trees,
};
use crate::{error::ExportError, subject::Subject};
use yard_score::model::{EnsembleModel, LinearModel, Model};

pub(super) fn margins(
    graph: &mut Graph,
    subject: &Subject<'_>,
    features: &Value,
) -> Result<Value, ExportError> {
    model_margins(graph, &subject.parts.model, features)
}

fn model_margins(graph: &mut Graph, model: &Model, features: &Value) -> Result<Value, ExportError> {
    Ok(match model {
        Model::Trees(ensemble) => trees::ensemble(graph, ensemble, features),
        Model::Linear(model) => linear(graph, model, features),
        Model::Net(model) => net::dense(graph, model, features),
        Model::Deep(model) => deep::margins(graph, model, features)?,
        Model::Ensemble(model) => weighted_sum(graph, model, features)?,
    })
}

/// Each member sees its own features; margins are added in f64 in member order and rounded to f32 once.
fn weighted_sum(graph: &mut Graph, model: &EnsembleModel, features: &Value) -> Result<Value, ExportError> {
    let mut sum = graph.row("bias", &Tensor::Double(model.bias.clone()));
    for member in &model.members {
        let first = i64::from(member.first);
        let places = (first..first + i64::from(member.n_features)).collect();
        let places = graph.constant("own_features", &Tensor::Int64(places), None);
        let mut own = graph.node("Gather", &[features, &places], &[("axis", Attribute::Int(1))]);
        if !matches!(member.model, Model::Trees(_)) {
            own = fields::clipped(graph, &own);
        }
        let margins = model_margins(graph, &member.model, &own)?;
        let exact = graph.cast(&margins, Kind::Double);
        let scale = graph.double("member_scale", member.scale);
        let scaled = graph.node("Mul", &[&exact, &scale], &[]);
        sum = graph.node("Add", &[&sum, &scaled], &[]);
    }
    Ok(graph.cast(&sum, Kind::Float))
}

/// Products and sums in f64, rounded to f32 once; beyond the range of f32 it is the largest f32.
fn linear(graph: &mut Graph, model: &LinearModel, features: &Value) -> Value {
    let (outputs, inputs) = (model.bias.len(), model.n_features as usize);
    let weight = |index: usize| model.weights.get(index).map_or(0.0, |weight| f64::from(*weight));
    let transposed: Vec<f64> = (0..inputs)
        .flat_map(|input| (0..outputs).map(move |output| output * inputs + input))
        .map(weight)
        .collect();
    let shape = [inputs as i64, outputs as i64];
    let weights = graph.constant("weights", &Tensor::Double(transposed), Some(&shape));
    let bias = graph.row("bias", &Tensor::Double(model.bias.iter().map(|bias| f64::from(*bias)).collect()));
    let x = graph.cast(features, Kind::Double);
    let product = graph.node("MatMul", &[&x, &weights], &[]);
    let sum = graph.node("Add", &[&product, &bias], &[]);
    let low = graph.double("low", f64::from(f32::MIN));
    let high = graph.double("high", f64::from(f32::MAX));
    let clipped = graph.node("Clip", &[&sum, &low, &high], &[]);
    graph.cast(&clipped, Kind::Float)
}
