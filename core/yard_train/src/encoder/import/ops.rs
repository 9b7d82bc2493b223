//! The encoder as operations of the scorer: embeddings, then blocks whose normalisations come last.

use super::{
    Pretrained, Wrong,
    arrays::Arrays,
    config::{Config, Kind},
};
use yard_score::deep::{DeepOp, Pointwise};

/// Names of a block's layers: query, key, value, their result, first normalisation, the two dense layers,
/// second normalisation.
type Names = [&'static str; 8];

const BERT: Names = [
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "attention.output.LayerNorm",
    "intermediate.dense",
    "output.dense",
    "output.LayerNorm",
];
const DISTIL: Names = [
    "attention.q_lin",
    "attention.k_lin",
    "attention.v_lin",
    "attention.out_lin",
    "sa_layer_norm",
    "ffn.lin1",
    "ffn.lin2",
    "output_layer_norm",
];

/// Makes the operations for texts of so many pieces.
pub(super) fn ops(config: &Config, arrays: &Arrays, places: usize) -> Result<Pretrained, Wrong> {
    let mut own = Reader { config, arrays, ops: Vec::new() };
    own.embeddings(places)?;
    let (names, folder) = match config.kind {
        Kind::Bert | Kind::Roberta => (BERT, "encoder.layer"),
        Kind::Distil => (DISTIL, "transformer.layer"),
    };
    for layer in 0..config.layers {
        own.block(&format!("{folder}.{layer}"), &names)?;
    }
    let what = format!("{:?}, {} layers of width {}", config.kind, config.layers, config.width);
    Ok(Pretrained { ops: own.ops, width: config.width, what })
}

struct Reader<'a> {
    config: &'a Config,
    arrays: &'a Arrays,
    ops: Vec<DeepOp>,
}

impl Reader<'_> {
    fn embeddings(&mut self, places: usize) -> Result<(), Wrong> {
        let Config { width, vocabulary, positions, segments, offset, .. } = *self.config;
        let tokens = self.arrays.get("embeddings.word_embeddings.weight", &[vocabulary, width])?;
        let all = self.arrays.get("embeddings.position_embeddings.weight", &[positions, width])?;
        let mut own: Vec<f32> = all.into_iter().skip(offset * width).take(places * width).collect();
        if segments > 0 {
            let kinds = self.arrays.get("embeddings.token_type_embeddings.weight", &[segments, width])?;
            let first = kinds.iter().take(width).cycle();
            own.iter_mut().zip(first).for_each(|(own, kind)| *own += kind);
        }
        self.ops.push(DeepOp::Embed { width: width as u32, tokens, positions: own });
        self.norm("embeddings.LayerNorm")
    }

    fn norm(&mut self, name: &str) -> Result<(), Wrong> {
        let width = self.config.width;
        let scale = self.arrays.get(&format!("{name}.weight"), &[width])?;
        let shift = self.arrays.get(&format!("{name}.bias"), &[width])?;
        self.ops.push(DeepOp::LayerNorm { scale, shift, epsilon: self.config.epsilon });
        Ok(())
    }

    /// Adds a dense layer of several, one after the other.
    fn dense(
        &mut self,
        block: &str,
        names: &[&str],
        (inputs, outputs): (usize, usize),
        activation: Pointwise,
    ) -> Result<(), Wrong> {
        let (mut weights, mut bias) = (Vec::new(), Vec::new());
        for name in names {
            weights.extend(self.arrays.get(&format!("{block}.{name}.weight"), &[outputs, inputs])?);
            bias.extend(self.arrays.get(&format!("{block}.{name}.bias"), &[outputs])?);
        }
        self.ops.push(DeepOp::Dense { inputs: inputs as u32, weights, bias, activation });
        Ok(())
    }

    fn block(&mut self, block: &str, names: &Names) -> Result<(), Wrong> {
        let Config { width, hidden, heads, .. } = *self.config;
        let [.., out, first, up, down, second] = *names;
        self.ops.push(DeepOp::Save { slot: 0 });
        self.dense(block, &names[..3], (width, width), Pointwise::Identity)?;
        self.ops.push(DeepOp::Attention { heads: heads as u32 });
        self.dense(block, &[out], (width, width), Pointwise::Identity)?;
        self.ops.push(DeepOp::Add { slot: 0 });
        self.norm(&format!("{block}.{first}"))?;
        self.ops.push(DeepOp::Save { slot: 0 });
        self.dense(block, &[up], (width, hidden), Pointwise::Gelu)?;
        self.dense(block, &[down], (hidden, width), Pointwise::Identity)?;
        self.ops.push(DeepOp::Add { slot: 0 });
        self.norm(&format!("{block}.{second}"))
    }
}
