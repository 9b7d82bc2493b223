//! What a deep net must be to be executed: shapes that follow from each other, finite numbers, bounded
//! memory and work. Counts come from packages of others, so every product is checked.

use super::{DeepNet, DeepOp, SLOTS, TokenPart};
use crate::{error::ScoreError, forward::check_finite};

/// Operations of a net.
const MOST_OPS: usize = 4_096;
/// Tokens of a row.
const MOST_TOKENS: usize = 4_096;
/// Values of a row's tensor.
const MOST_VALUES: usize = 1 << 24;
/// Side of the window of a convolution.
const MOST_KERNEL: usize = 31;
/// Multiplications of a row.
const MOST_WORK: usize = 1 << 40;

/// Shape of a row's tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Channels of an image, else 1.
    pub(crate) planes: usize,
    /// Most tokens of a row, or the height of an image.
    pub(crate) height: usize,
    /// Values of a token, or the width of an image.
    pub(crate) width: usize,
    /// Not 0 when rows have lengths of their own: 1 + the operation that found them.
    pub(crate) ragged: usize,
}

impl Shape {
    pub(crate) fn vector(width: usize) -> Self {
        Self { planes: 1, height: 1, width, ragged: 0 }
    }

    /// Returns the values of a row, at most.
    pub(crate) fn values(self) -> usize {
        self.planes.saturating_mul(self.height).saturating_mul(self.width)
    }

    fn is_vector(self) -> bool {
        self.planes == 1 && self.height == 1 && self.ragged == 0
    }
}

/// Checks a net; returns the shape after each operation.
pub(crate) fn shapes(net: &DeepNet, n_features: usize) -> Result<Vec<Shape>, ScoreError> {
    same("number of features", net.n_features as usize, n_features)?;
    if net.ops.is_empty() || net.ops.len() > MOST_OPS {
        return Err(wrong(format!("a net has {} operations", net.ops.len()), "1 to 4,096"));
    }
    check_finite("scale and shift", &[net.scale, net.shift])?;
    let mut state = State { n_features, index: 0, x: None, slots: [None; SLOTS], work: 0 };
    let mut out = Vec::with_capacity(net.ops.len());
    for (index, op) in net.ops.iter().enumerate() {
        for (name, values) in op.arrays() {
            check_finite(&format!("operation {index}, {name}"), values)?;
        }
        state.index = index;
        let shape = state.after(op).map_err(|error| error.at(index))?;
        if shape.values() == 0 || shape.values() > MOST_VALUES || shape.height > MOST_TOKENS {
            let what = format!("operation {index} makes {shape:?}");
            return Err(wrong(what, "1 to 16,777,216 values and at most 4,096 tokens or lines"));
        }
        state.x = Some(shape);
        out.push(shape);
    }
    if state.work > MOST_WORK {
        return Err(wrong(format!("a row needs {} multiplications", state.work), "at most 2^40"));
    }
    match state.x {
        Some(last) if last == Shape::vector(net.outputs as usize) => Ok(out),
        last => Err(wrong(format!("the last operation makes {last:?}"), "a vector of the outputs")),
    }
}

struct State {
    n_features: usize,
    /// Operation.
    index: usize,
    x: Option<Shape>,
    slots: [Option<Shape>; SLOTS],
    /// Multiplications of a row so far.
    work: usize,
}

/// What is wrong with an operation.
pub(super) struct Problem(pub(super) String, pub(super) &'static str);

impl Problem {
    fn at(self, index: usize) -> ScoreError {
        wrong(format!("operation {index}: {}", self.0), self.1)
    }
}

/// Returns an error unless two counts are equal.
pub(super) fn count(what: &str, got: usize, expected: usize) -> Result<(), Problem> {
    if got == expected {
        return Ok(());
    }
    Err(Problem(format!("{what} is {got}, not {expected}"), "counts that agree"))
}

impl State {
    fn after(&mut self, op: &DeepOp) -> Result<Shape, Problem> {
        if let DeepOp::Input { first, count } = op {
            let (first, count) = (*first as usize, *count as usize);
            let end = first.checked_add(count).filter(|end| *end <= self.n_features);
            let problem = || Problem(format!("{count} features from {first}"), "a part of the features");
            return end.map(|_| Shape::vector(count)).ok_or_else(problem);
        }
        let Some(x) = self.x else {
            return Err(Problem("there is no tensor yet".to_owned(), "an input first"));
        };
        match op {
            DeepOp::Input { .. } | DeepOp::Activate { .. } => Ok(x),
            DeepOp::Bins { .. } => bins(op, x),
            DeepOp::FeatureTokens { width, parts, weights, bias } => {
                vector(x)?;
                self.feature_tokens(x.width, *width as usize, parts, (weights.len(), bias.len()))
            }
            DeepOp::Embed { width, tokens, positions } => {
                vector(x)?;
                let width = *width as usize;
                if width == 0 || tokens.is_empty() || !tokens.len().is_multiple_of(width) {
                    return Err(Problem(format!("{} embeddings of {width}", tokens.len()), "whole rows"));
                }
                count("length of positions", positions.len(), x.width.saturating_mul(width))?;
                Ok(Shape { planes: 1, height: x.width, width, ragged: self.index + 1 })
            }
            DeepOp::Dense { inputs, weights, bias, .. } => {
                tokens(x)?;
                count("number of inputs", *inputs as usize, x.width)?;
                count("number of weights", weights.len(), x.width.saturating_mul(bias.len()))?;
                self.spend(x.height.saturating_mul(weights.len()));
                Ok(Shape { width: bias.len(), ..x })
            }
            DeepOp::Affine { scale, shift, .. } => {
                let own = if x.planes == 1 { x.width } else { x.planes };
                count("number of factors", scale.len(), own)?;
                count("number of summands", shift.len(), own)?;
                Ok(x)
            }
            DeepOp::LayerNorm { scale, shift, epsilon } => {
                tokens(x)?;
                count("number of factors", scale.len(), x.width)?;
                count("number of summands", shift.len(), x.width)?;
                if !(epsilon.is_finite() && *epsilon > 0.0) {
                    return Err(Problem(format!("epsilon is {epsilon}"), "a positive number"));
                }
                Ok(x)
            }
            DeepOp::Gate { .. } => {
                tokens(x)?;
                divided(x, 2)
            }
            DeepOp::Attention { heads } => self.attention(x, *heads as usize),
            DeepOp::Save { .. } | DeepOp::Add { .. } | DeepOp::Concat { .. } => self.after_slot(x, op),
            DeepOp::TakeFirst | DeepOp::MeanPool => {
                tokens(x)?;
                Ok(Shape::vector(x.width))
            }
            DeepOp::Flatten if x.ragged != 0 => {
                Err(Problem("rows have different lengths".to_owned(), "a tensor of fixed size"))
            }
            DeepOp::Flatten => Ok(Shape::vector(x.values())),
            DeepOp::Image { .. } | DeepOp::Conv { .. } | DeepOp::MaxPool { .. } | DeepOp::PlaneMeans => {
                self.after_image(x, op)
            }
        }
    }

    fn after_slot(&mut self, x: Shape, op: &DeepOp) -> Result<Shape, Problem> {
        match op {
            DeepOp::Save { slot } => {
                *self.slot(*slot)? = Some(x);
                Ok(x)
            }
            DeepOp::Add { slot } => match *self.slot(*slot)? {
                Some(saved) if saved == x => Ok(x),
                saved => Err(Problem(format!("{saved:?} is added to {x:?}"), "equal shapes")),
            },
            DeepOp::Concat { slot } => match *self.slot(*slot)? {
                Some(saved) if saved.is_vector() && x.is_vector() => {
                    Ok(Shape::vector(x.width.saturating_add(saved.width)))
                }
                saved => Err(Problem(format!("{saved:?} is appended to {x:?}"), "two vectors")),
            },
            _ => Ok(x),
        }
    }

    fn after_image(&mut self, x: Shape, op: &DeepOp) -> Result<Shape, Problem> {
        match op {
            DeepOp::Image { channels, height, width } => {
                vector(x)?;
                let [planes, height, width] = [channels, height, width].map(|side| *side as usize);
                let image = Shape { planes, height, width, ragged: 0 };
                count("number of pixels", image.values(), x.width)?;
                Ok(image)
            }
            DeepOp::Conv { channels, kernel, weights, bias, .. } => {
                self.conv(x, [*channels, *kernel].map(|side| side as usize), (weights.len(), bias.len()))
            }
            DeepOp::MaxPool { size } => {
                image(x)?;
                let size = *size as usize;
                if size == 0 || size > x.height || size > x.width {
                    return Err(Problem(format!("squares of {size} in {x:?}"), "squares that fit"));
                }
                Ok(Shape { height: x.height / size, width: x.width / size, ..x })
            }
            DeepOp::PlaneMeans => {
                image(x)?;
                Ok(Shape::vector(x.planes))
            }
            _ => Ok(x),
        }
    }

    fn conv(
        &mut self,
        x: Shape,
        [channels, kernel]: [usize; 2],
        (weights, outputs): (usize, usize),
    ) -> Result<Shape, Problem> {
        image(x)?;
        count("number of channels", channels, x.planes)?;
        if kernel.is_multiple_of(2) || kernel > MOST_KERNEL {
            return Err(Problem(format!("a window of {kernel}"), "an odd side of at most 31"));
        }
        let inputs = channels.saturating_mul(kernel * kernel);
        count("number of weights", weights, inputs.saturating_mul(outputs))?;
        let pixels = x.height.saturating_mul(x.width);
        if pixels.saturating_mul(inputs) > MOST_VALUES {
            return Err(Problem(format!("{pixels} windows of {inputs} values"), "at most 16,777,216 values"));
        }
        self.spend(pixels.saturating_mul(weights));
        Ok(Shape { planes: outputs, ..x })
    }

    fn spend(&mut self, work: usize) {
        self.work = self.work.saturating_add(work);
    }

    fn slot(&mut self, slot: u32) -> Result<&mut Option<Shape>, Problem> {
        let problem = Problem(format!("slot {slot}"), "a slot below 8");
        self.slots.get_mut(slot as usize).ok_or(problem)
    }

    fn feature_tokens(
        &mut self,
        values: usize,
        width: usize,
        parts: &[TokenPart],
        (weights, bias): (usize, usize),
    ) -> Result<Shape, Problem> {
        let mut total = 0_usize;
        for part in parts {
            let (first, count) = (part.first as usize, part.count as usize);
            if first.checked_add(count).is_none_or(|end| end > values) {
                return Err(Problem(
                    format!("a part of {count} values from {first}"),
                    "a part of the vector",
                ));
            }
            total = total.saturating_add(count);
        }
        count("number of weights", weights, total.saturating_mul(width))?;
        count("number of biases", bias, parts.len().saturating_mul(width))?;
        self.spend(weights);
        Ok(Shape { planes: 1, height: parts.len(), width, ragged: 0 })
    }

    fn attention(&mut self, x: Shape, heads: usize) -> Result<Shape, Problem> {
        tokens(x)?;
        let out = divided(x, 3)?;
        if heads == 0 || !out.width.is_multiple_of(heads) {
            return Err(Problem(format!("{heads} heads of width {}", out.width), "heads that divide it"));
        }
        self.spend(x.height.saturating_mul(x.height).saturating_mul(out.width).saturating_mul(2));
        Ok(out)
    }
}

fn bins(op: &DeepOp, x: Shape) -> Result<Shape, Problem> {
    vector(x)?;
    let DeepOp::Bins { feature, .. } = op else { return Ok(x) };
    for (what, values) in op.arrays() {
        count(&format!("length of {what}"), values.len(), feature.len())?;
    }
    if let Some(wrong) = feature.iter().find(|feature| **feature as usize >= x.width) {
        return Err(Problem(format!("value {wrong} does not exist"), "a value of the vector"));
    }
    Ok(Shape::vector(feature.len()))
}

fn vector(x: Shape) -> Result<(), Problem> {
    if x.is_vector() { Ok(()) } else { Err(Problem(format!("the tensor is {x:?}"), "a vector")) }
}

fn image(x: Shape) -> Result<(), Problem> {
    if x.ragged == 0 { Ok(()) } else { Err(Problem(format!("the tensor is {x:?}"), "an image")) }
}

fn tokens(x: Shape) -> Result<(), Problem> {
    if x.planes == 1 { Ok(()) } else { Err(Problem(format!("the tensor is {x:?}"), "tokens")) }
}

fn divided(x: Shape, by: usize) -> Result<Shape, Problem> {
    if x.width.is_multiple_of(by) {
        return Ok(Shape { width: x.width / by, ..x });
    }
    Err(Problem(format!("the width {} is divided by {by}", x.width), "a multiple"))
}

fn wrong(what: String, expected: &str) -> ScoreError {
    ScoreError::Inconsistent { what, expected: expected.to_owned() }
}

fn same(what: &str, got: usize, expected: usize) -> Result<(), ScoreError> {
    crate::forward::check_len(what, got, expected)
}
