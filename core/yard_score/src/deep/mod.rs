//! Deep nets as data: a list of operations on one tensor per row, with saved tensors for residuals and
//! for branches. Learners write [`DeepNet`], packages store it; [`check`] refuses what can't be
//! executed, and the forward pass ([`exec`]) runs it in f32 with one fixed order of summation per value,
//! so that a row's answer has the same bits alone and in a batch, with any vector width. Knows nothing of
//! recipes and of how nets are trained.
//!
//! A row's tensor is `[planes, height, width]`: a sequence of tokens is `[1, tokens, width]`, a vector
//! `[1, 1, width]`, an image `[channels, height, width]`. Papers: Vaswani et al., 2017, "Attention is all
//! you need", arXiv:1706.03762; Gorishniy et al., 2021, "Revisiting deep learning models for tabular
//! data", arXiv:2106.11959; Ba, Kiros and Hinton, 2016, "Layer normalization", arXiv:1607.06450.

mod arrays;
mod attention;
pub(crate) mod check;
mod conv;
mod dense;
pub(crate) mod exec;
mod pointwise;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

/// Tensors that can be saved at once.
pub const SLOTS: usize = 8;

/// Function applied to each value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pointwise {
    /// The value itself.
    #[default]
    Identity,
    /// `max(x, 0)`; NaN stays NaN.
    Relu,
    /// `x × Φ(x)` with the normal distribution's Φ (Hendrycks and Gimpel, 2016, arXiv:1606.08415).
    Gelu,
    /// The hyperbolic tangent.
    Tanh,
}

/// A part of a vector that becomes one token: features `first .. first + count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenPart {
    /// First value of the part.
    pub first: u32,
    /// Number of values; 0 makes a token of its bias alone (the CLS token).
    pub count: u32,
}

/// One operation. `x` is the tensor of the row; arrays are row-major and finite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum DeepOp {
    /// `x` becomes features `first .. first + count` of the row, `[1, 1, count]`. Starts every branch.
    Input {
        /// First feature.
        first: u32,
        /// Number of features.
        count: u32,
    },
    /// Piecewise-linear encoding of a vector:
    /// `y[i] = min(max((x[feature[i]] − lower[i]) × scale[i], floor[i]), ceiling[i])`.
    Bins {
        /// Value of `x` that each result reads.
        feature: Vec<u32>,
        /// Start of the bin.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        lower: Vec<f32>,
        /// One over its width.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        scale: Vec<f32>,
        /// Least result.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        floor: Vec<f32>,
        /// Largest result.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        ceiling: Vec<f32>,
    },
    /// Tokens of parts of a vector: token t is `bias[t] + Σ_j x[first + j] × weights[t][j]`; values that
    /// are zero are passed over, so that a one-hot part is the look-up of an embedding.
    FeatureTokens {
        /// Width of a token.
        width: u32,
        /// One part a token.
        parts: Vec<TokenPart>,
        /// `[Σ counts, width]`, parts one after the other.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        weights: Vec<f32>,
        /// `[tokens, width]`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        bias: Vec<f32>,
    },
    /// Embeddings of token numbers plus those of their positions: `x[t]` is 1 + the number of token t, 0
    /// stands for no token. Zeros at the end are cut off, so that sequences have their own lengths, at
    /// least 1; a number beyond the table is its last row.
    Embed {
        /// Width of a token.
        width: u32,
        /// `[vocabulary, width]`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tokens: Vec<f32>,
        /// `[longest sequence, width]`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        positions: Vec<f32>,
    },
    /// `activation(W x + b)` of each token; each sum starts at the bias and goes in input order.
    Dense {
        /// Values in.
        inputs: u32,
        /// `[outputs, inputs]`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        weights: Vec<f32>,
        /// `[outputs]`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        bias: Vec<f32>,
        /// Activation.
        activation: Pointwise,
    },
    /// `activation(x × scale + shift)`, one pair per value of a token, per channel of an image.
    Affine {
        /// Factors.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        scale: Vec<f32>,
        /// Summands.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        shift: Vec<f32>,
        /// Activation.
        activation: Pointwise,
    },
    /// Each token less its mean, divided by `√(variance + epsilon)`, times scale, plus shift.
    LayerNorm {
        /// Factors, `[width]`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        scale: Vec<f32>,
        /// Summands, `[width]`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        shift: Vec<f32>,
        /// Added to the variance, positive.
        epsilon: f32,
    },
    /// A function of each value.
    Activate {
        /// Function.
        activation: Pointwise,
    },
    /// Halves tokens of width 2w: `left × activation(right)` (Shazeer, 2020, arXiv:2002.05202).
    Gate {
        /// Function of the right half.
        activation: Pointwise,
    },
    /// Multi-head attention among the tokens of a row: a token of width 3w holds query, key and value, the
    /// result has width w; scores are divided by `√(w / heads)`.
    Attention {
        /// Heads; they divide w.
        heads: u32,
    },
    /// Puts `x` away under a number below [`SLOTS`]; `x` stays.
    Save {
        /// Number.
        slot: u32,
    },
    /// Adds the tensor of a slot, which has the shape of `x`.
    Add {
        /// Number.
        slot: u32,
    },
    /// Appends the vector of a slot to the vector `x`.
    Concat {
        /// Number.
        slot: u32,
    },
    /// The first token as a vector.
    TakeFirst,
    /// The mean of the tokens as a vector.
    MeanPool,
    /// All values of a tensor of fixed size as a vector.
    Flatten,
    /// A vector as an image, by channel, line and column.
    Image {
        /// Channels.
        channels: u32,
        /// Lines.
        height: u32,
        /// Columns.
        width: u32,
    },
    /// Convolution of an image with `kernel` × `kernel` windows, one for each pixel; pixels beyond the edge
    /// are 0: `activation(W window + b)`.
    Conv {
        /// Channels in.
        channels: u32,
        /// Side of the window, odd.
        kernel: u32,
        /// `[outputs, channels, kernel, kernel]`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        weights: Vec<f32>,
        /// `[outputs]`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        bias: Vec<f32>,
        /// Activation.
        activation: Pointwise,
    },
    /// The largest value of each `size` × `size` square of an image; a rest at the edge is left out.
    MaxPool {
        /// Side of the squares.
        size: u32,
    },
    /// The mean of each channel of an image as a vector.
    PlaneMeans,
}

/// A deep net: after the last operation `x` is the vector of margins, each `y × scale + shift`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeepNet {
    /// Features of a row.
    pub n_features: u32,
    /// Margins of a row.
    pub outputs: u32,
    /// Operations in order; the first is [`DeepOp::Input`].
    pub ops: Vec<DeepOp>,
    /// Scale of the output (regression trains on a standardised target), else 1.
    pub scale: f32,
    /// Shift of the output, else 0.
    pub shift: f32,
}
