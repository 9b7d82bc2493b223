//! The model in two entries: `model.json` says what there is (family, sizes, classes, link),
//! `weights.safetensors` holds the arrays, all trees one after the other. Reading checks every count
//! against the arrays; whether the model can be executed is [`yard_score::scorer::Scorer::new`]'s part.
//! Format: Hugging Face, "safetensors".

use crate::{error::PackageError, json};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use yard_score::deep::{DeepNet, DeepOp};
use yard_score::model::{
    Activation, DenseLayer, DenseNet, EnsembleModel, LinearModel, Link, Member, Model, Sum, Tree,
    TreeEnsemble,
};
use yard_types::frame::Task;

/// `model.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoredModel {
    pub(crate) task: Task,
    pub(crate) classes: Vec<String>,
    pub(crate) link: Link,
    pub(crate) model: Family,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "family", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Family {
    Linear {
        n_features: u32,
    },
    Trees {
        n_features: u32,
        grid: f32,
        #[serde(default, skip_serializing_if = "Sum::is_grid")]
        sum: Sum,
    },
    Net {
        layers: Vec<Layer>,
        scale: f32,
        shift: f32,
    },
    /// The arrays of the operations are left empty here.
    Deep {
        n_features: u32,
        outputs: u32,
        ops: Vec<DeepOp>,
        scale: f32,
        shift: f32,
    },
    Ensemble {
        members: Vec<StoredMember>,
        bias: Vec<f64>,
    },
}

/// A member of an ensemble; its arrays have names that begin with `member.N.`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoredMember {
    first: u32,
    n_features: u32,
    scale: f64,
    model: Family,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Layer {
    inputs: u32,
    activation: Activation,
}

type Arrays = BTreeMap<String, (Dtype, Vec<u8>)>;

/// Splits a model into its description and the bytes of its arrays.
pub(crate) fn split(model: &Model) -> Result<(Family, Vec<u8>), PackageError> {
    let mut arrays = Arrays::new();
    let family = describe(model, "", &mut arrays);
    let views: Result<Vec<_>, _> = arrays
        .iter()
        .map(|(name, (dtype, bytes))| {
            let shape = vec![bytes.len() * 8 / dtype.bitsize()];
            TensorView::new(*dtype, shape, bytes).map(|view| (name.as_str(), view))
        })
        .collect();
    let bytes = views.and_then(|views| safetensors::serialize(views, None));
    Ok((family, bytes.map_err(|error| weights(&error.to_string()))?))
}

/// Describes a model and puts its arrays under names that begin with `prefix`.
fn describe(model: &Model, prefix: &str, arrays: &mut Arrays) -> Family {
    match model {
        Model::Linear(model) => {
            put(arrays, &format!("{prefix}weights"), &model.weights);
            put(arrays, &format!("{prefix}bias"), &model.bias);
            Family::Linear { n_features: model.n_features }
        }
        Model::Trees(model) => {
            put_trees(arrays, prefix, model);
            Family::Trees { n_features: model.n_features, grid: model.grid, sum: model.sum }
        }
        Model::Net(model) => {
            for (index, layer) in model.layers.iter().enumerate() {
                put(arrays, &format!("{prefix}layer.{index}.weights"), &layer.weights);
                put(arrays, &format!("{prefix}layer.{index}.bias"), &layer.bias);
            }
            let layer = |layer: &DenseLayer| Layer { inputs: layer.inputs, activation: layer.activation };
            Family::Net {
                layers: model.layers.iter().map(layer).collect(),
                scale: model.scale,
                shift: model.shift,
            }
        }
        Model::Deep(model) => put_deep(arrays, prefix, model),
        Model::Ensemble(model) => {
            let member = |(index, member): (usize, &Member)| StoredMember {
                first: member.first,
                n_features: member.n_features,
                scale: member.scale,
                model: describe(&member.model, &format!("{prefix}member.{index}."), arrays),
            };
            let members = model.members.iter().enumerate().map(member).collect();
            Family::Ensemble { members, bias: model.bias.clone() }
        }
    }
}

/// Joins a description and arrays into a model.
pub(crate) fn join(family: Family, bytes: &[u8]) -> Result<Model, PackageError> {
    let mut reader = Reader::new(bytes)?;
    let model = build(family, "", &mut reader)?;
    reader.finish()?;
    Ok(model)
}

fn build(family: Family, prefix: &str, reader: &mut Reader<'_>) -> Result<Model, PackageError> {
    Ok(match family {
        Family::Linear { n_features } => Model::Linear(LinearModel {
            n_features,
            weights: reader.take(&format!("{prefix}weights"))?,
            bias: reader.take(&format!("{prefix}bias"))?,
        }),
        Family::Trees { n_features, grid, sum } => {
            Model::Trees(take_trees(reader, prefix, (n_features, grid, sum))?)
        }
        Family::Net { layers, scale, shift } => {
            let mut out = Vec::with_capacity(layers.len());
            for (index, layer) in layers.into_iter().enumerate() {
                out.push(DenseLayer {
                    inputs: layer.inputs,
                    weights: reader.take(&format!("{prefix}layer.{index}.weights"))?,
                    bias: reader.take(&format!("{prefix}layer.{index}.bias"))?,
                    activation: layer.activation,
                });
            }
            Model::Net(DenseNet { layers: out, scale, shift })
        }
        Family::Deep { n_features, outputs, mut ops, scale, shift } => {
            take_deep(reader, prefix, &mut ops)?;
            Model::Deep(DeepNet { n_features, outputs, ops, scale, shift })
        }
        Family::Ensemble { members, bias } => {
            let mut out = Vec::with_capacity(members.len());
            for (index, member) in members.into_iter().enumerate() {
                if !prefix.is_empty() {
                    return Err(weights("an ensemble within an ensemble"));
                }
                let StoredMember { first, n_features, scale, model } = member;
                let model = build(model, &format!("member.{index}."), reader)?;
                out.push(Member { first, n_features, scale, model });
            }
            Model::Ensemble(EnsembleModel { members: out, bias })
        }
    })
}

fn weights(problem: &str) -> PackageError {
    PackageError::Weights { problem: problem.to_owned() }
}

/// A number of an array, little-endian.
trait Element: Copy {
    const DTYPE: Dtype;
    fn append(self, out: &mut Vec<u8>);
    fn parse(bytes: &[u8]) -> Vec<Self>;
}

macro_rules! element {
    ($type:ty, $dtype:expr, $size:expr) => {
        impl Element for $type {
            const DTYPE: Dtype = $dtype;
            fn append(self, out: &mut Vec<u8>) {
                out.extend(self.to_le_bytes());
            }
            fn parse(bytes: &[u8]) -> Vec<Self> {
                bytes.as_chunks::<$size>().0.iter().map(|chunk| Self::from_le_bytes(*chunk)).collect()
            }
        }
    };
}

element!(f32, Dtype::F32, 4);
element!(f64, Dtype::F64, 8);
element!(u32, Dtype::U32, 4);
element!(i32, Dtype::I32, 4);
element!(u8, Dtype::U8, 1);

fn put<T: Element>(arrays: &mut Arrays, name: &str, values: &[T]) {
    let mut bytes = Vec::with_capacity(std::mem::size_of_val(values));
    for value in values {
        value.append(&mut bytes);
    }
    arrays.insert(name.to_owned(), (T::DTYPE, bytes));
}

fn put_deep(arrays: &mut Arrays, prefix: &str, model: &DeepNet) -> Family {
    let mut ops = model.ops.clone();
    for (index, op) in ops.iter_mut().enumerate() {
        for (name, values) in op.arrays_mut() {
            put(arrays, &format!("{prefix}op.{index}.{name}"), &std::mem::take(values));
        }
    }
    let DeepNet { n_features, outputs, scale, shift, .. } = *model;
    Family::Deep { n_features, outputs, ops, scale, shift }
}

fn take_deep(reader: &mut Reader<'_>, prefix: &str, ops: &mut [DeepOp]) -> Result<(), PackageError> {
    for (index, op) in ops.iter_mut().enumerate() {
        for (name, values) in op.arrays_mut() {
            if !values.is_empty() {
                return Err(weights(&format!("array {name} of operation {index} is in the description")));
            }
            *values = reader.take(&format!("{prefix}op.{index}.{name}"))?;
        }
    }
    Ok(())
}

fn put_trees(arrays: &mut Arrays, prefix: &str, model: &TreeEnsemble) {
    fn all<T: Element>(arrays: &mut Arrays, name: &str, trees: &[Tree], of: fn(&Tree) -> &Vec<T>) {
        let values: Vec<T> = trees.iter().flat_map(|tree| of(tree).iter().copied()).collect();
        put(arrays, name, &values);
    }
    let name = |name: &str| format!("{prefix}{name}");
    let trees = &model.trees;
    let counts = |of: fn(&Tree) -> usize| -> Vec<u32> { trees.iter().map(|tree| of(tree) as u32).collect() };
    put(arrays, &name("base"), &model.base);
    put(arrays, &name("tree.output"), &trees.iter().map(|tree| tree.output).collect::<Vec<u32>>());
    put(arrays, &name("tree.nodes"), &counts(|tree| tree.feature.len()));
    put(arrays, &name("tree.words"), &counts(|tree| tree.category_words.len()));
    all(arrays, &name("node.feature"), trees, |tree| &tree.feature);
    all(arrays, &name("node.threshold"), trees, |tree| &tree.threshold);
    all(arrays, &name("node.left"), trees, |tree| &tree.left);
    all(arrays, &name("node.right"), trees, |tree| &tree.right);
    all(arrays, &name("node.flags"), trees, |tree| &tree.flags);
    all(arrays, &name("node.gain"), trees, |tree| &tree.gain);
    all(arrays, &name("node.cover"), trees, |tree| &tree.node_cover);
    all(arrays, &name("leaf.value"), trees, |tree| &tree.leaf_value);
    if matches!(model.sum, Sum::OrderedF64 { .. }) {
        all(arrays, &name("leaf.exact"), trees, |tree| &tree.leaf_exact);
    }
    all(arrays, &name("leaf.cover"), trees, |tree| &tree.leaf_cover);
    all(arrays, &name("category.words"), trees, |tree| &tree.category_words);
}

fn take_trees(
    reader: &mut Reader<'_>,
    prefix: &str,
    (n_features, grid, sum): (u32, f32, Sum),
) -> Result<TreeEnsemble, PackageError> {
    let name = |name: &str| format!("{prefix}{name}");
    let (base, outputs) = (reader.take::<f32>(&name("base"))?, reader.take::<u32>(&name("tree.output"))?);
    let (nodes, words) = (reader.take::<u32>(&name("tree.nodes"))?, reader.take::<u32>(&name("tree.words"))?);
    if nodes.len() != outputs.len() || words.len() != outputs.len() {
        return Err(weights("tree.output, tree.nodes and tree.words have different lengths"));
    }
    let mut feature = reader.pieces::<u32>(&name("node.feature"))?;
    let mut threshold = reader.pieces::<f32>(&name("node.threshold"))?;
    let mut left = reader.pieces::<i32>(&name("node.left"))?;
    let mut right = reader.pieces::<i32>(&name("node.right"))?;
    let mut flags = reader.pieces::<u8>(&name("node.flags"))?;
    let mut gain = reader.pieces::<f32>(&name("node.gain"))?;
    let mut node_cover = reader.pieces::<f32>(&name("node.cover"))?;
    let mut leaf_value = reader.pieces::<f32>(&name("leaf.value"))?;
    let exact = matches!(sum, Sum::OrderedF64 { .. });
    let mut leaf_exact = if exact {
        reader.pieces::<f64>(&name("leaf.exact"))?
    } else {
        Pieces { name: name("leaf.exact"), values: Vec::new(), at: 0 }
    };
    let mut leaf_cover = reader.pieces::<f32>(&name("leaf.cover"))?;
    let mut category_words = reader.pieces::<u32>(&name("category.words"))?;
    let mut trees = Vec::with_capacity(outputs.len());
    for (index, output) in outputs.into_iter().enumerate() {
        let nodes = nodes[index] as usize;
        let leaves = nodes.checked_add(1).ok_or_else(|| weights("a tree has too many nodes"))?;
        trees.push(Tree {
            output,
            feature: feature.next(nodes)?,
            threshold: threshold.next(nodes)?,
            left: left.next(nodes)?,
            right: right.next(nodes)?,
            flags: flags.next(nodes)?,
            gain: gain.next(nodes)?,
            node_cover: node_cover.next(nodes)?,
            leaf_value: leaf_value.next(leaves)?,
            leaf_exact: leaf_exact.next(if exact { leaves } else { 0 })?,
            leaf_cover: leaf_cover.next(leaves)?,
            category_words: category_words.next(words[index] as usize)?,
        });
    }
    let rest = [feature.rest(), threshold.rest(), left.rest(), right.rest(), flags.rest(), gain.rest()];
    let more =
        [node_cover.rest(), leaf_value.rest(), leaf_exact.rest(), leaf_cover.rest(), category_words.rest()];
    if rest.iter().chain(&more).any(|rest| *rest > 0) {
        return Err(weights("an array is longer than the trees need"));
    }
    Ok(TreeEnsemble { n_features, base, grid, sum, trees })
}

/// Arrays of a file; each must be taken exactly once.
struct Reader<'a> {
    tensors: SafeTensors<'a>,
    taken: usize,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self, PackageError> {
        // The header is JSON too: deep nesting and duplicate names are refused before it is used.
        let header = bytes.first_chunk::<8>().map(|size| u64::from_le_bytes(*size));
        let end = header.and_then(|size| usize::try_from(size).ok()).and_then(|size| size.checked_add(8));
        let header = end.and_then(|end| bytes.get(8..end)).ok_or_else(|| weights("the header is cut off"))?;
        json::parse(header).map_err(|problem| weights(&format!("header: {problem}")))?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| weights(&error.to_string()))?;
        Ok(Self { tensors, taken: 0 })
    }

    fn take<T: Element>(&mut self, name: &str) -> Result<Vec<T>, PackageError> {
        let view = self.tensors.tensor(name).map_err(|_| weights(&format!("array {name} is missing")))?;
        if view.dtype() != T::DTYPE || view.shape().len() != 1 {
            let problem = format!(
                "array {name} is {:?} {:?}; expected a vector of {:?}",
                view.dtype(),
                view.shape(),
                T::DTYPE
            );
            return Err(weights(&problem));
        }
        self.taken += 1;
        Ok(T::parse(view.data()))
    }

    fn pieces<T: Element>(&mut self, name: &str) -> Result<Pieces<T>, PackageError> {
        Ok(Pieces { name: name.to_owned(), values: self.take(name)?, at: 0 })
    }

    fn finish(self) -> Result<(), PackageError> {
        if self.tensors.len() == self.taken {
            Ok(())
        } else {
            Err(weights("an array that the model does not use"))
        }
    }
}

/// An array that is handed out tree by tree.
struct Pieces<T> {
    name: String,
    values: Vec<T>,
    at: usize,
}

impl<T: Element> Pieces<T> {
    fn next(&mut self, count: usize) -> Result<Vec<T>, PackageError> {
        let end = self.at.checked_add(count);
        let piece = end.and_then(|end| self.values.get(self.at..end));
        let piece =
            piece.ok_or_else(|| weights(&format!("array {} is shorter than the trees need", self.name)))?;
        self.at += count;
        Ok(piece.to_vec())
    }

    fn rest(&self) -> usize {
        self.values.len() - self.at
    }
}
