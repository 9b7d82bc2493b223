//! Dense nets in the scorer's own order of summation: products of input j are added in lane `j mod 8`, lanes
//! pairwise, then the bias. Each lane is a plane of a tensor `[N, 8, outputs]`, so that eight inputs are added
//! with one multiplication and one addition and every f32 has the scorer's bits. Layers too wide for that are
//! one product in f64, rounded to f32 once, which agrees to rounding.

use super::graph::{Attribute, Graph, Kind, Tensor, Value};
use yard_score::model::{Activation, DenseLayer, DenseNet};

/// Lanes of a sum.
const LANES: usize = 8;
/// Widest layer that is added lane by lane: three nodes for each eight inputs.
const MOST_INPUTS: usize = 1024;

pub(super) fn dense(graph: &mut Graph, net: &DenseNet, features: &Value) -> Value {
    let mut x = features.clone();
    for layer in &net.layers {
        x = dense_layer(graph, layer, &x);
    }
    scaled(graph, &x, (net.scale, net.shift))
}

/// `y × scale + shift` in f64, rounded to f32 once.
pub(super) fn scaled(graph: &mut Graph, y: &Value, (scale, shift): (f32, f32)) -> Value {
    if (scale, shift) == (1.0, 0.0) {
        return y.clone();
    }
    let y = graph.cast(y, Kind::Double);
    let scale = graph.double("scale", f64::from(scale));
    let shift = graph.double("shift", f64::from(shift));
    let scaled = graph.node("Mul", &[&y, &scale], &[]);
    let shifted = graph.node("Add", &[&scaled, &shift], &[]);
    graph.cast(&shifted, Kind::Float)
}

fn dense_layer(graph: &mut Graph, layer: &DenseLayer, x: &Value) -> Value {
    let y = if (1..=MOST_INPUTS).contains(&(layer.inputs as usize)) {
        lanes(graph, layer, x)
    } else {
        wide(graph, layer, x)
    };
    match layer.activation {
        Activation::Identity => y,
        Activation::Relu => graph.node("Relu", &[&y], &[]),
    }
}

fn wide(graph: &mut Graph, layer: &DenseLayer, x: &Value) -> Value {
    let exact = |values: &[f32]| Tensor::Double(values.iter().map(|value| f64::from(*value)).collect());
    let shape = [layer.bias.len() as i64, i64::from(layer.inputs)];
    let weights = graph.constant("weights", &exact(&layer.weights), Some(&shape));
    let bias = graph.constant("bias", &exact(&layer.bias), None);
    let x = graph.cast(x, Kind::Double);
    let y = graph.node("Gemm", &[&x, &weights, &bias], &[("transB", Attribute::Int(1))]);
    graph.cast(&y, Kind::Float)
}

fn lanes(graph: &mut Graph, layer: &DenseLayer, x: &Value) -> Value {
    let (inputs, outputs) = (layer.inputs as usize, layer.bias.len());
    let steps = inputs.div_ceil(LANES);
    // Inputs beyond the last are 0 with weight 0: they change no lane.
    let mut x = x.clone();
    if !inputs.is_multiple_of(LANES) {
        let pads = vec![0, 0, 0, (steps * LANES - inputs) as i64];
        let pads = graph.constant("pads", &Tensor::Int64(pads), None);
        x = graph.node("Pad", &[&x, &pads], &[]);
    }
    let x = graph.reshape(&x, &[0, (steps * LANES) as i64, 1]);
    let weight = |input: usize, output: usize| {
        if input < inputs { layer.weights.get(output * inputs + input).copied().unwrap_or(0.0) } else { 0.0 }
    };
    let mut sum: Option<Value> = None;
    for step in 0..steps {
        let first = step * LANES;
        let own = if steps == 1 {
            x.clone()
        } else {
            graph.slice(&x, 1, (first as i64, (first + LANES) as i64, 1))
        };
        let table = (first..first + LANES).flat_map(|input| (0..outputs).map(move |output| (input, output)));
        // Taking a negative product off is the same sum, which no optimiser gathers up in another order.
        let sign = if step == 0 { 1.0 } else { -1.0 };
        let table = Tensor::Float(table.map(|(input, output)| sign * weight(input, output)).collect());
        let table = graph.constant("weights", &table, Some(&[1, LANES as i64, outputs as i64]));
        let product = graph.node("Mul", &[&own, &table], &[]);
        sum = Some(match sum {
            None => product,
            Some(sum) => graph.node("Sub", &[&sum, &product], &[]),
        });
    }
    let mut sum = sum.unwrap_or(x);
    for width in [8, 4, 2] {
        let even = graph.slice(&sum, 1, (0, width, 2));
        let odd = graph.slice(&sum, 1, (1, width, 2));
        sum = graph.node("Add", &[&even, &odd], &[]);
    }
    let sum = graph.reshape(&sum, &[0, outputs as i64]);
    let bias = graph.row("bias", &Tensor::Float(layer.bias.clone()));
    graph.node("Add", &[&sum, &bias], &[])
}
