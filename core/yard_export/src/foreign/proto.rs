//! The messages of ONNX that are read: model, graph, node, attribute, tensor. A tensor whose data lies in another
//! file, a function and a graph within a graph are refused here. Field numbers are those of `onnx.proto`.

use super::{
    malformed, unsupported,
    wire::{Field, Problem, fields, packed},
};
use crate::error::ImportError;
use std::collections::BTreeMap;

/// Nodes that are read.
const MOST_NODES: usize = 10_000;
/// Longest name.
const MOST_NAME: usize = 4_096;

/// A graph with its constants.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) constants: BTreeMap<String, Tensor>,
    /// Name, element type and sizes; a size that is open is 0.
    pub(super) inputs: Vec<(String, u64, Vec<i64>)>,
    pub(super) outputs: Vec<String>,
    pub(super) producer: String,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub(super) operator: String,
    pub(super) domain: String,
    pub(super) inputs: Vec<String>,
    pub(super) outputs: Vec<String>,
    pub(super) attributes: BTreeMap<String, Attribute>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Attribute {
    pub(super) float: f32,
    pub(super) int: i64,
    pub(super) text: Vec<u8>,
    pub(super) floats: Vec<f32>,
    pub(super) ints: Vec<i64>,
    pub(super) texts: Vec<String>,
    pub(super) tensor: Option<Tensor>,
}

/// A tensor of numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct Tensor {
    pub(super) sizes: Vec<usize>,
    pub(super) floats: Vec<f32>,
    pub(super) ints: Vec<i64>,
}

impl Node {
    pub(super) fn int(&self, name: &str, none: i64) -> i64 {
        self.attributes.get(name).map_or(none, |own| own.int)
    }

    pub(super) fn float(&self, name: &str, none: f32) -> f32 {
        self.attributes.get(name).map_or(none, |own| own.float)
    }

    pub(super) fn ints(&self, name: &str) -> &[i64] {
        self.attributes.get(name).map_or(&[], |own| &own.ints)
    }

    pub(super) fn floats(&self, name: &str) -> &[f32] {
        self.attributes.get(name).map_or(&[], |own| &own.floats)
    }

    pub(super) fn texts(&self, name: &str) -> &[String] {
        self.attributes.get(name).map_or(&[], |own| &own.texts)
    }

    pub(super) fn text(&self, name: &str) -> String {
        let own = self.attributes.get(name).map(|own| own.text.as_slice());
        String::from_utf8_lossy(own.unwrap_or_default()).chars().take(40).collect()
    }
}

/// Reads a model file.
pub(super) fn read(bytes: &[u8]) -> Result<Graph, ImportError> {
    let mut graph = None;
    let mut producer = String::new();
    for (number, field) in all(bytes, "model")? {
        match (number, field) {
            (2, Field::Bytes(own)) => producer = name(own, "model")?,
            (7, Field::Bytes(own)) if graph.is_some() => {
                let problem = format!("a second graph of {} bytes", own.len());
                return Err(malformed("model", problem, "one graph"));
            }
            (7, Field::Bytes(own)) => graph = Some(own),
            (8, Field::Bytes(own)) => opset(own)?,
            (25, _) => return Err(unsupported("a function of the model's own", "operators made of others")),
            (20, _) => return Err(unsupported("training information", "what is to be trained")),
            _ => {}
        }
    }
    let graph = graph.ok_or_else(|| malformed("model", "there is no graph".to_owned(), "a graph"))?;
    Ok(Graph { producer, ..read_graph(graph)? })
}

fn all<'a>(bytes: &'a [u8], place: &str) -> Result<Vec<(u32, Field<'a>)>, ImportError> {
    fields(bytes).map_err(|problem| malformed(place, problem, "a whole message"))
}

fn name(bytes: &[u8], place: &str) -> Result<String, ImportError> {
    if bytes.len() > MOST_NAME {
        let problem = format!("a name of {} bytes", bytes.len());
        return Err(malformed(place, problem, "at most 4,096"));
    }
    let text = std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
    text.map(str::to_owned)
        .ok_or_else(|| malformed(place, "a name is no text".to_owned(), "UTF-8 without NUL"))
}

fn opset(bytes: &[u8]) -> Result<(), ImportError> {
    let (mut domain, mut version) = (String::new(), 0);
    for (number, field) in all(bytes, "operator set")? {
        match (number, field) {
            (1, Field::Bytes(own)) => domain = name(own, "operator set")?,
            (2, Field::Int(own)) => version = own,
            _ => {}
        }
    }
    let most = match domain.as_str() {
        "" | "ai.onnx" => 26,
        "ai.onnx.ml" => 5,
        // Only a node that uses it is refused.
        _ => u64::MAX,
    };
    if version > most {
        let problem = format!("version {version} of \"{domain}\"");
        return Err(malformed("operator set", problem, "at most 26 (ai.onnx) and 5 (ai.onnx.ml)"));
    }
    Ok(())
}

fn read_graph(bytes: &[u8]) -> Result<Graph, ImportError> {
    let mut out = Graph::default();
    for (number, field) in all(bytes, "graph")? {
        let Field::Bytes(own) = field else { continue };
        match number {
            1 if out.nodes.len() == MOST_NODES => {
                return Err(ImportError::TooLarge {
                    format: super::FORMAT,
                    what: "number of nodes",
                    got: MOST_NODES + 1,
                    limit: MOST_NODES,
                });
            }
            1 => out.nodes.push(node(own)?),
            5 => {
                let (name, tensor) = tensor(own)?;
                if out.constants.insert(name.clone(), tensor).is_some() {
                    return Err(malformed(
                        "graph",
                        format!("constant \"{name}\" appears twice"),
                        "distinct names",
                    ));
                }
            }
            11 => out.inputs.push(value_info(own)?),
            12 => out.outputs.push(value_info(own)?.0),
            15 => return Err(unsupported("a sparse constant", "its positions")),
            _ => {}
        }
    }
    // Before IR version 4 constants are inputs too.
    out.inputs.retain(|(name, ..)| !out.constants.contains_key(name));
    Ok(out)
}

fn node(bytes: &[u8]) -> Result<Node, ImportError> {
    let mut out = Node::default();
    for (number, field) in all(bytes, "node")? {
        let Field::Bytes(own) = field else { continue };
        match number {
            1 => out.inputs.push(name(own, "node")?),
            2 => out.outputs.push(name(own, "node")?),
            4 => out.operator = name(own, "node")?,
            5 => {
                let (name, attribute) = attribute(own)?;
                out.attributes.insert(name, attribute);
            }
            7 => out.domain = name(own, "node")?,
            _ => {}
        }
    }
    Ok(out)
}

fn attribute(bytes: &[u8]) -> Result<(String, Attribute), ImportError> {
    let (mut own_name, mut out) = (String::new(), Attribute::default());
    let wrong = |problem: Problem| malformed("attribute", problem, "whole numbers");
    for (number, field) in all(bytes, "attribute")? {
        match (number, field) {
            (1, Field::Bytes(own)) => own_name = name(own, "attribute")?,
            (2, Field::Single(bits)) => out.float = f32::from_bits(bits),
            (3, Field::Int(value)) => out.int = value as i64,
            (4, Field::Bytes(own)) => out.text = own.to_vec(),
            (5, Field::Bytes(own)) => out.tensor = Some(tensor(own)?.1),
            (6 | 11, _) => {
                return Err(unsupported(
                    &format!("the graph within attribute \"{own_name}\""),
                    "its branches",
                ));
            }
            (7, Field::Single(bits)) => out.floats.push(f32::from_bits(bits)),
            (7, Field::Bytes(own)) => out.floats.extend(singles(own, "attribute")?),
            (8, Field::Int(value)) => out.ints.push(value as i64),
            (8, Field::Bytes(own)) => {
                out.ints.extend(packed(own).map_err(wrong)?.into_iter().map(|value| value as i64));
            }
            (9, Field::Bytes(own)) => out.texts.push(name(own, "attribute")?),
            _ => {}
        }
    }
    Ok((own_name, out))
}

fn singles(bytes: &[u8], place: &str) -> Result<Vec<f32>, ImportError> {
    let (chunks, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(malformed(place, format!("{} bytes of f32", bytes.len()), "a multiple of 4"));
    }
    Ok(chunks.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect())
}

/// Returns name, element type and sizes of an input.
fn value_info(bytes: &[u8]) -> Result<(String, u64, Vec<i64>), ImportError> {
    let (mut own_name, mut kind, mut sizes) = (String::new(), 0, Vec::new());
    for (number, field) in all(bytes, "input")? {
        match (number, field) {
            (1, Field::Bytes(own)) => own_name = name(own, "input")?,
            (2, Field::Bytes(own)) => {
                let tensor = all(own, "type")?.into_iter().find(|(number, _)| *number == 1);
                let Some((_, Field::Bytes(own))) = tensor else { continue };
                for (number, field) in all(own, "type")? {
                    match (number, field) {
                        (1, Field::Int(own)) => kind = own,
                        (2, Field::Bytes(own)) => sizes = shape(own)?,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    Ok((own_name, kind, sizes))
}

fn shape(bytes: &[u8]) -> Result<Vec<i64>, ImportError> {
    let mut out = Vec::new();
    for (_, field) in all(bytes, "shape")? {
        let Field::Bytes(own) = field else { continue };
        let size = all(own, "shape")?.into_iter().find_map(|(number, field)| match (number, field) {
            (1, Field::Int(size)) => Some(size as i64),
            _ => None,
        });
        out.push(size.unwrap_or(0));
    }
    Ok(out)
}

/// Reads a tensor whose data lies in the message.
fn tensor(bytes: &[u8]) -> Result<(String, Tensor), ImportError> {
    let (mut own_name, mut kind, mut raw) = (String::new(), 0, None);
    let (mut sizes, mut out): (Vec<u64>, _) = (Vec::new(), Tensor::default());
    let wrong = |problem: Problem| malformed("tensor", problem, "whole numbers");
    for (number, field) in all(bytes, "tensor")? {
        match (number, field) {
            (1, Field::Int(size)) => sizes.push(size),
            (1, Field::Bytes(own)) => sizes.extend(packed(own).map_err(wrong)?),
            (2, Field::Int(own)) => kind = own,
            (4, Field::Single(bits)) => out.floats.push(f32::from_bits(bits)),
            (4, Field::Bytes(own)) => out.floats.extend(singles(own, "tensor")?),
            (7, Field::Int(value)) => out.ints.push(value as i64),
            (7, Field::Bytes(own)) => {
                out.ints.extend(packed(own).map_err(wrong)?.into_iter().map(|value| value as i64));
            }
            (8, Field::Bytes(own)) => own_name = name(own, "tensor")?,
            (9, Field::Bytes(own)) => raw = Some(own),
            (13, Field::Bytes(own)) => return Err(external(own)),
            (14, Field::Int(1..)) => {
                return Err(unsupported("data in another file", "the numbers themselves"));
            }
            _ => {}
        }
    }
    if let Some(raw) = raw {
        fill(&mut out, kind, raw)?;
    }
    out.sizes = check_sizes(&own_name, &sizes, (kind, out.floats.len(), out.ints.len()))?;
    Ok((own_name, out))
}

/// Says where the data would have been looked for; nothing is opened.
fn external(entry: &[u8]) -> ImportError {
    let place: String = String::from_utf8_lossy(entry).chars().filter(|c| !c.is_control()).take(80).collect();
    unsupported(&format!("data in another file ({place})"), "the numbers themselves")
}

fn fill(out: &mut Tensor, kind: u64, raw: &[u8]) -> Result<(), ImportError> {
    let whole = |rest: &[u8], size: usize| {
        if rest.is_empty() {
            return Ok(());
        }
        Err(malformed(
            "tensor",
            format!("{} bytes of raw data", raw.len()),
            if size == 4 { "a multiple of 4" } else { "a multiple of 8" },
        ))
    };
    match kind {
        1 => {
            let (chunks, rest) = raw.as_chunks::<4>();
            whole(rest, 4)?;
            out.floats = chunks.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect();
        }
        11 => {
            let (chunks, rest) = raw.as_chunks::<8>();
            whole(rest, 8)?;
            out.floats = chunks.iter().map(|chunk| f64::from_le_bytes(*chunk) as f32).collect();
        }
        7 => {
            let (chunks, rest) = raw.as_chunks::<8>();
            whole(rest, 8)?;
            out.ints = chunks.iter().map(|chunk| i64::from_le_bytes(*chunk)).collect();
        }
        _ => {}
    }
    Ok(())
}

fn check_sizes(
    name: &str,
    sizes: &[u64],
    (kind, floats, ints): (u64, usize, usize),
) -> Result<Vec<usize>, ImportError> {
    let problem = |problem: String, expected| malformed(&format!("tensor \"{name}\""), problem, expected);
    let mut count = 1_usize;
    let mut out = Vec::new();
    for size in sizes {
        if *size > i64::MAX as u64 {
            return Err(problem(format!("a size of {}", *size as i64), "sizes that are not negative"));
        }
        let own = usize::try_from(*size).ok();
        count = own
            .and_then(|own| count.checked_mul(own))
            .filter(|count| *count <= 1 << 40)
            .ok_or_else(|| problem(format!("sizes {sizes:?}"), "at most 2^40 numbers"))?;
        out.push(*size as usize);
    }
    let got = match kind {
        1 | 11 => floats,
        7 => ints,
        _ => return Ok(out),
    };
    if got == count {
        Ok(out)
    } else {
        Err(problem(format!("{got} numbers for {count} places"), "counts that agree"))
    }
}
