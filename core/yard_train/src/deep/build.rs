//! The nets as lists of operations with initial weights, drawn from the counter generator.
//!
//! Transformer over the fields of a row (FT-Transformer): a token for each field and one of its own whose
//! end is the answer; normalisation before each part of a block, gated rectified units between two dense
//! layers. Residual net: a dense layer, blocks of two dense layers with normalisation and a way around
//! them; layer normalisation takes the place of the paper's batch normalisation, so that a row's answer
//! never depends on other rows. Both: Gorishniy, Rubachev, Khrulkov and Babenko, 2021, "Revisiting deep
//! learning models for tabular data", arXiv:2106.11959.

use super::{Kind, net::Plan, params::DeepParams, parts::Parts};
use crate::encoder::Pretrained;
use yard_score::deep::{DeepNet, DeepOp, Pointwise, TokenPart};
use yard_types::{recipe::FittedRecipe, rng};

const INIT_STREAM: u64 = 0x6465_696e_0000_0000;
const EPSILON: f32 = 1e-5;
/// Where vectors are kept until they meet.
const JOINED: u32 = 1;

/// Operations in the making.
struct Builder<'a> {
    params: &'a DeepParams,
    seed: u64,
    ops: Vec<DeepOp>,
    drops: Vec<f64>,
    /// Operations of encoders that were trained before and stay as they are.
    fixed: std::ops::Range<usize>,
}

/// Makes the net of a family.
pub(super) fn plan(
    (recipe, parts, pretrained): (&FittedRecipe, &Parts, Option<&Pretrained>),
    params: &DeepParams,
    (outputs, seed): (usize, u64),
) -> Plan {
    let mut own = Builder { params, seed, ops: Vec::new(), drops: Vec::new(), fixed: 0..0 };
    if params.kind == Kind::Text {
        own.text((recipe, parts, pretrained), outputs);
        return own.plan(recipe.features.len(), outputs);
    }
    own.push(DeepOp::Input { first: 0, count: parts.features as u32 });
    if let Some(bins) = &parts.bins {
        own.push(bins.clone());
    }
    match params.kind {
        Kind::Transformer => own.transformer(parts, outputs),
        Kind::Resnet | Kind::Text => own.resnet(parts, outputs),
    }
    own.plan(parts.features, outputs)
}

impl Builder<'_> {
    fn plan(self, features: usize, outputs: usize) -> Plan {
        let (n_features, outputs) = (features as u32, outputs as u32);
        let net = DeepNet { n_features, outputs, ops: self.ops, scale: 1.0, shift: 0.0 };
        Plan {
            net,
            drops: self.drops,
            fixed: self.fixed,
            adapters: (self.params.rank as usize, self.params.alpha),
        }
    }

    fn push(&mut self, op: DeepOp) {
        self.ops.push(op);
        self.drops.push(0.0);
    }

    /// Drops values after the last operation.
    fn drop(&mut self) {
        if let Some(last) = self.drops.last_mut() {
            *last = self.params.dropout;
        }
    }

    fn width(&self) -> usize {
        self.params.width as usize
    }

    /// Draws values evenly within ±`bound`.
    fn draw(&self, count: usize, bound: f64, part: u64) -> Vec<f32> {
        let stream = INIT_STREAM + 2 * self.ops.len() as u64 + part;
        let unit = |at: usize| rng::uniform(self.seed, stream, at as u64);
        (0..count).map(|at| ((2.0 * unit(at) - 1.0) * bound) as f32).collect()
    }

    fn dense(&mut self, inputs: usize, outputs: usize) {
        let bound = 1.0 / (inputs.max(1) as f64).sqrt();
        self.push(DeepOp::Dense {
            inputs: inputs as u32,
            weights: self.draw(inputs * outputs, bound, 0),
            bias: self.draw(outputs, bound, 1),
            activation: Pointwise::Identity,
        });
    }

    fn norm(&mut self) {
        let width = self.width();
        self.push(DeepOp::LayerNorm { scale: vec![1.0; width], shift: vec![0.0; width], epsilon: EPSILON });
    }

    /// A block of attention and gated units over tokens.
    fn block(&mut self) {
        let (width, heads) = (self.width(), self.params.heads);
        let hidden = (width * 4).div_ceil(3);
        self.push(DeepOp::Save { slot: 0 });
        self.norm();
        self.dense(width, 3 * width);
        self.push(DeepOp::Attention { heads });
        self.dense(width, width);
        self.drop();
        self.push(DeepOp::Add { slot: 0 });
        self.push(DeepOp::Save { slot: 0 });
        self.norm();
        self.dense(width, 2 * hidden);
        self.push(DeepOp::Gate { activation: Pointwise::Relu });
        self.drop();
        self.dense(hidden, width);
        self.push(DeepOp::Add { slot: 0 });
    }

    fn head(&mut self, outputs: usize) {
        self.norm();
        self.push(DeepOp::Activate { activation: Pointwise::Relu });
        self.dense(self.width(), outputs);
    }

    fn transformer(&mut self, parts: &Parts, outputs: usize) {
        let width = self.width();
        let bound = 1.0 / (width as f64).sqrt();
        let mut tokens = vec![TokenPart { first: 0, count: 0 }];
        tokens.extend(&parts.parts);
        let counts: usize = tokens.iter().map(|part| part.count as usize).sum();
        self.push(DeepOp::FeatureTokens {
            width: width as u32,
            weights: self.draw(counts * width, bound, 0),
            bias: self.draw(tokens.len() * width, bound, 1),
            parts: tokens,
        });
        for _ in 0..self.params.blocks {
            self.block();
        }
        self.push(DeepOp::TakeFirst);
        self.head(outputs);
    }

    fn resnet(&mut self, parts: &Parts, outputs: usize) {
        let width = self.width();
        self.dense(parts.values, width);
        for _ in 0..self.params.blocks {
            self.push(DeepOp::Save { slot: 0 });
            self.norm();
            self.dense(width, 2 * width);
            self.push(DeepOp::Activate { activation: Pointwise::Relu });
            self.drop();
            self.dense(2 * width, width);
            self.push(DeepOp::Add { slot: 0 });
        }
        self.head(outputs);
    }

    /// Encodes each text, joins the means of their tokens with the other columns, one hidden layer.
    fn text(
        &mut self,
        (recipe, parts, pretrained): (&FittedRecipe, &Parts, Option<&Pretrained>),
        outputs: usize,
    ) {
        let mut joined = 0;
        for pieces in &recipe.pieces {
            self.push(DeepOp::Input { first: pieces.first, count: pieces.length });
            if let Some(pretrained) = pretrained {
                self.pretrained(pretrained);
            } else {
                let known = pieces.tokenizer.model.vocabulary().len();
                self.embed(known, pieces.length as usize);
                for _ in 0..self.params.blocks {
                    self.encoder_block();
                }
                self.norm();
            }
            self.push(DeepOp::MeanPool);
            self.join(joined > 0);
            joined += pretrained.map_or(self.width(), |own| own.width);
        }
        if self.params.rank > 0 && pretrained.is_some() {
            self.fixed = 0..self.ops.len();
        }
        if parts.values > 0 {
            self.push(DeepOp::Input { first: 0, count: parts.features as u32 });
            if let Some(bins) = &parts.bins {
                self.push(bins.clone());
            }
            joined += parts.values;
            self.push(DeepOp::Concat { slot: JOINED });
        }
        let hidden = self.params.hidden as usize;
        self.dense(joined, hidden);
        self.push(DeepOp::Activate { activation: Pointwise::Relu });
        self.drop();
        self.dense(hidden, outputs);
    }

    /// Appends the vectors before to this one, and keeps the result.
    fn join(&mut self, further: bool) {
        if further {
            self.push(DeepOp::Concat { slot: JOINED });
        }
        self.push(DeepOp::Save { slot: JOINED });
    }

    /// Adds an encoder that was trained before; dense layers before a sum drop values.
    fn pretrained(&mut self, own: &Pretrained) {
        for op in &own.ops {
            if matches!(op, DeepOp::Add { .. }) {
                self.drop();
            }
            self.push(op.clone());
        }
    }

    fn embed(&mut self, known: usize, places: usize) {
        let width = self.width();
        // An even distribution with the deviation that BERT's normal one has, 0.02, scaled up: the first
        // normalisation takes the size away.
        self.push(DeepOp::Embed {
            width: width as u32,
            tokens: self.draw(known * width, 0.1, 0),
            positions: self.draw(places * width, 0.02, 1),
        });
        self.drop();
    }

    /// A block of attention and a hidden layer over the tokens of a text.
    fn encoder_block(&mut self) {
        let (width, heads) = (self.width(), self.params.heads);
        self.push(DeepOp::Save { slot: 0 });
        self.norm();
        self.dense(width, 3 * width);
        self.push(DeepOp::Attention { heads });
        self.dense(width, width);
        self.drop();
        self.push(DeepOp::Add { slot: 0 });
        self.push(DeepOp::Save { slot: 0 });
        self.norm();
        self.dense(width, 2 * width);
        self.push(DeepOp::Activate { activation: Pointwise::Gelu });
        self.dense(2 * width, width);
        self.drop();
        self.push(DeepOp::Add { slot: 0 });
    }
}
