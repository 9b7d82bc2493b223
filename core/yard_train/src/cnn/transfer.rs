//! Weights to start from: the arrays of a net of convolutions in a local safetensors file, named as in the
//! weights of a package (`op.N.weights`, `op.N.bias`). Convolutions are known by their order and size;
//! layers that have another size here start from random weights.
//! Paper: Yosinski et al., 2014, "How transferable are features in deep neural networks?", arXiv:1411.1792.

use crate::TrainError;
use candle_core::{Device, Tensor};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// Largest file.
const MOST_BYTES: u64 = 4 << 30;

/// Arrays of a file: those of convolutions, then those of the last two dense layers, in order.
pub(super) struct Arrays {
    layers: Vec<(Vec<f32>, Vec<f32>)>,
    /// Convolutions of each tower.
    towers: Vec<usize>,
}

impl Arrays {
    /// Reads a file for a net with so many convolutions in each tower.
    pub(super) fn read(path: &str, towers: Vec<usize>) -> Result<Self, TrainError> {
        let wrong = |what: String| TrainError::Settings {
            what: format!("weights=\"{path}\": {what}"),
            advice:
                "give a safetensors file with op.N.weights and op.N.bias, such as model.safetensors of a \
                     package with a net of convolutions"
                    .to_owned(),
        };
        let size = std::fs::metadata(Path::new(path)).map_err(|error| wrong(error.to_string()))?.len();
        if size > MOST_BYTES {
            return Err(wrong(format!("{size} bytes; expected at most {MOST_BYTES}")));
        }
        let arrays = candle_core::safetensors::load(path, &Device::Cpu);
        let arrays =
            arrays.map_err(|error| wrong(error.to_string().lines().next().unwrap_or_default().to_owned()))?;
        let layers = layers(&arrays).map_err(|error| wrong(error.to_string()))?;
        if layers.is_empty() {
            return Err(wrong("it has no layers".to_owned()));
        }
        Ok(Self { layers, towers })
    }

    /// Returns weights and bias of a convolution.
    pub(super) fn conv(&self, tower: usize, at: usize) -> Option<(&[f32], &[f32])> {
        let before: usize = self.towers.iter().take(tower).sum();
        self.layer(before + at)
    }

    /// Returns weights and bias of a dense layer behind the convolutions.
    pub(super) fn dense(&self, at: usize) -> Option<(&[f32], &[f32])> {
        self.layer(self.towers.iter().sum::<usize>() + at)
    }

    fn layer(&self, at: usize) -> Option<(&[f32], &[f32])> {
        self.layers.get(at).map(|(weights, bias)| (weights.as_slice(), bias.as_slice()))
    }
}

fn layers(arrays: &HashMap<String, Tensor>) -> candle_core::Result<Vec<(Vec<f32>, Vec<f32>)>> {
    let names: BTreeMap<&String, &Tensor> = arrays.iter().collect();
    let mut numbered: BTreeMap<usize, [Option<&Tensor>; 2]> = BTreeMap::new();
    for (name, tensor) in names {
        let mut parts = name.split('.');
        let (Some("op"), Some(number), Some(kind), None) =
            (parts.next(), parts.next().and_then(|text| text.parse().ok()), parts.next(), parts.next())
        else {
            continue;
        };
        let slot = usize::from(kind == "bias");
        if matches!(kind, "weights" | "bias") {
            numbered.entry(number).or_default()[slot] = Some(tensor);
        }
    }
    let values = |tensor: &Tensor| -> candle_core::Result<Vec<f32>> {
        tensor.to_dtype(candle_core::DType::F32)?.flatten_all()?.to_vec1()
    };
    let both = numbered.into_values().filter_map(|[weights, bias]| weights.zip(bias));
    both.map(|(weights, bias)| Ok((values(weights)?, values(bias)?))).collect()
}
