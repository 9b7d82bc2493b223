//! A TensorFlow graph under construction: nodes with plain names and typed attributes. Knows nothing of models.

use crate::onnx::{
    graph::{Kind, Tensor},
    protobuf::Message,
};
use std::collections::BTreeMap;

/// Version of the graph's producer: attributes that later versions added have their defaults.
const PRODUCER: i64 = 1087;

/// Returns the number of an element type in `types.proto`.
pub(super) fn type_number(kind: Kind) -> i64 {
    match kind {
        Kind::Float => 1,
        Kind::Double => 2,
        Kind::Uint8 => 4,
        Kind::Text => 7,
        Kind::Int64 => 9,
        Kind::Bool => 10,
    }
}

const INT32: i64 = 3;

/// An attribute of a node.
#[derive(Clone, Debug)]
pub(super) enum Attr {
    Type(Kind),
    /// The type of indices that are i32.
    Int32,
    Int(i64),
    Bool(bool),
    Text(&'static str),
    Ints(Vec<i64>),
}

impl Attr {
    fn message(&self) -> Message {
        match self {
            Self::Text(text) => Message::new().text(2, text),
            Self::Int(value) => Message::new().int(3, *value),
            Self::Bool(value) => Message::new().int(5, i64::from(*value)),
            Self::Type(kind) => Message::new().int(6, type_number(*kind)),
            Self::Int32 => Message::new().int(6, INT32),
            Self::Ints(values) => Message::new().message(1, &Message::new().ints(3, values)),
        }
    }
}

/// A graph under construction.
#[derive(Debug)]
pub(super) struct TfGraph {
    nodes: Vec<Message>,
    /// Names of the values of the other graph.
    names: BTreeMap<String, String>,
    kinds: BTreeMap<String, Kind>,
}

impl TfGraph {
    pub(super) fn new(kinds: BTreeMap<&str, Kind>) -> Self {
        let kinds = kinds.into_iter().map(|(name, kind)| (name.to_owned(), kind)).collect();
        Self { nodes: Vec::new(), names: BTreeMap::new(), kinds }
    }

    /// Returns the name of a value of the other graph.
    pub(super) fn name(&self, value: &str) -> String {
        self.names.get(value).cloned().unwrap_or_default()
    }

    /// Returns the element type of a value of the other graph.
    pub(super) fn kind(&self, value: &str) -> Kind {
        self.kinds.get(value).copied().unwrap_or(Kind::Float)
    }

    /// Gives a value of the other graph a name here.
    pub(super) fn bind(&mut self, value: &str, name: String) {
        self.names.insert(value.to_owned(), name);
    }

    fn push(&mut self, operator: &str, inputs: &[&str], attributes: Vec<(&str, Message)>) -> String {
        let name = format!("n{}_{operator}", self.nodes.len());
        let attribute = |(key, value): (&str, Message)| Message::new().text(1, key).message(2, &value);
        let node = Message::new().text(1, &name).text(2, operator);
        let node = inputs.iter().fold(node, |node, input| node.text(3, input));
        self.nodes.push(node.messages(5, attributes.into_iter().map(attribute)));
        name
    }

    /// Adds a node; attributes in the order of their names.
    pub(super) fn node(&mut self, operator: &str, inputs: &[&str], attributes: &[(&str, Attr)]) -> String {
        let attributes = attributes.iter().map(|(key, value)| (*key, value.message())).collect();
        self.push(operator, inputs, attributes)
    }

    /// Adds an input.
    pub(super) fn placeholder(&mut self, kind: Kind, width: Option<usize>) -> String {
        let size = |size: i64| Message::new().int(1, size);
        let shape = Message::new().messages(2, [size(-1)]).messages(2, width.map(|width| size(width as i64)));
        let attributes = vec![
            ("dtype", Message::new().int(6, type_number(kind))),
            ("shape", Message::new().message(7, &shape)),
        ];
        self.push("Placeholder", &[], attributes)
    }

    /// Adds a constant.
    pub(super) fn constant(&mut self, tensor: &Tensor, shape: &[i64]) -> String {
        let out = tensor_message(type_number(tensor.kind()), shape);
        let out = match tensor {
            Tensor::Text(values) => values.iter().fold(out, |out, value| out.text(8, value)),
            numbers => out.bytes(4, &numbers.raw()),
        };
        self.of_message(type_number(tensor.kind()), &out)
    }

    /// Adds a constant of i32: a scalar when `shape` is empty.
    pub(super) fn int32(&mut self, values: &[i32], shape: &[i64]) -> String {
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let out = tensor_message(INT32, shape).bytes(4, &raw);
        self.of_message(INT32, &out)
    }

    fn of_message(&mut self, kind: i64, tensor: &Message) -> String {
        let attributes =
            vec![("dtype", Message::new().int(6, kind)), ("value", Message::new().message(8, tensor))];
        self.push("Const", &[], attributes)
    }

    /// Ends the graph.
    pub(super) fn into_message(self) -> Message {
        Message::new().messages(1, self.nodes).message(4, &Message::new().int(1, PRODUCER))
    }
}

fn tensor_message(kind: i64, shape: &[i64]) -> Message {
    let sizes = shape.iter().map(|size| Message::new().int(1, *size));
    Message::new().int(1, kind).message(2, &Message::new().messages(2, sizes))
}
