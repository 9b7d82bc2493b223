//! A graph under construction: nodes in order of computation, constants, named inputs and outputs. Names of
//! values inside are `NN_what`; a field of the same name can't meet them, as inputs come first and later
//! names step aside. Field numbers are those of `onnx.proto`.

use super::protobuf::Message;
use std::collections::{BTreeMap, BTreeSet};

/// IR version written; the first whose checker knows all that is used here.
const IR_VERSION: i64 = 10;
/// Operator set of the default domain.
const OPSET: i64 = 21;
/// Operator set of `ai.onnx.ml`, which brings `TreeEnsemble`.
const ML_OPSET: i64 = 5;
const ML: &str = "ai.onnx.ml";
/// Operators of ONNX Runtime itself: the splitting of texts.
const RUNTIME: &str = "com.microsoft";

/// Element types used, with their numbers in `TensorProto.DataType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Float = 1,
    Uint8 = 2,
    Int64 = 7,
    Text = 8,
    Bool = 9,
    Double = 11,
}

impl Kind {
    fn of_number(number: i64) -> Option<Self> {
        let all = [Self::Float, Self::Uint8, Self::Int64, Self::Text, Self::Bool, Self::Double];
        all.into_iter().find(|kind| *kind as i64 == number)
    }
}

/// Name of a value.
pub(crate) type Value = String;

/// A constant tensor.
#[derive(Clone, Debug)]
pub(crate) enum Tensor {
    Float(Vec<f32>),
    Uint8(Vec<u8>),
    Int64(Vec<i64>),
    Double(Vec<f64>),
    Text(Vec<String>),
}

impl Tensor {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Float(_) => Kind::Float,
            Self::Uint8(_) => Kind::Uint8,
            Self::Int64(_) => Kind::Int64,
            Self::Double(_) => Kind::Double,
            Self::Text(_) => Kind::Text,
        }
    }

    /// Returns the numbers as little-endian bytes.
    pub(crate) fn raw(&self) -> Vec<u8> {
        match self {
            Self::Float(values) => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Self::Uint8(values) => values.clone(),
            Self::Int64(values) => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Self::Double(values) => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Self::Text(_) => Vec::new(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Float(values) => values.len(),
            Self::Uint8(values) => values.len(),
            Self::Int64(values) => values.len(),
            Self::Double(values) => values.len(),
            Self::Text(values) => values.len(),
        }
    }

    fn message(&self, shape: Option<&[i64]>, name: &str) -> Message {
        let own = [self.len() as i64];
        let shape = shape.unwrap_or(&own);
        let out = if shape.is_empty() { Message::new() } else { Message::new().ints(1, shape) };
        let out = out.int(2, self.kind() as i64);
        let out = match self {
            Self::Text(values) => values.iter().fold(out, |out, value| out.text(6, value)),
            _ => out,
        };
        let out = if name.is_empty() { out } else { out.text(8, name) };
        if matches!(self, Self::Text(_)) { out } else { out.bytes(9, &self.raw()) }
    }
}

/// An attribute of a node.
#[derive(Clone, Debug)]
pub(crate) enum Attribute {
    Float(f32),
    Int(i64),
    Floats(Vec<f32>),
    Ints(Vec<i64>),
    Text(&'static str),
    Texts(Vec<String>),
    Tensor(Tensor),
}

impl Attribute {
    fn message(&self, name: &str) -> Message {
        let out = Message::new().text(1, name);
        // Number of the value's field, and the number of the attribute's type (field 20).
        match self {
            Self::Float(value) => out.float(2, *value).int(20, 1),
            Self::Int(value) => out.int(3, *value).int(20, 2),
            Self::Text(value) => out.text(4, value).int(20, 3),
            Self::Tensor(tensor) => out.message(5, &tensor.message(None, "")).int(20, 4),
            Self::Floats(values) => out.floats(7, values).int(20, 6),
            Self::Ints(values) => out.ints(8, values).int(20, 7),
            Self::Texts(values) => values.iter().fold(out, |out, value| out.text(9, value)).int(20, 8),
        }
    }
}

/// A node with one output.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    domain: &'static str,
    pub(crate) operator: &'static str,
    pub(crate) inputs: Vec<Value>,
    pub(crate) attributes: Vec<(&'static str, Attribute)>,
    pub(crate) output: Value,
}

impl Node {
    fn message(&self) -> Message {
        let name = if self.operator == "Identity" {
            format!("to {}", self.output)
        } else {
            format!("make {}", self.output)
        };
        let out = self.inputs.iter().fold(Message::new(), |node, input| node.text(1, input));
        let out = out.text(2, &self.output).text(3, &name).text(4, self.operator);
        let out = out.messages(5, self.attributes.iter().map(|(name, value)| value.message(name)));
        if self.domain.is_empty() { out } else { out.text(7, self.domain) }
    }

    /// Returns a whole number among the attributes.
    pub(crate) fn int(&self, name: &str) -> Option<i64> {
        self.attributes.iter().find_map(|(own, value)| match value {
            Attribute::Int(value) if *own == name => Some(*value),
            _ => None,
        })
    }

    /// Returns a list of whole numbers among the attributes.
    pub(crate) fn ints(&self, name: &str) -> &[i64] {
        let found = self.attributes.iter().find_map(|(own, value)| match value {
            Attribute::Ints(values) if *own == name => Some(values.as_slice()),
            _ => None,
        });
        found.unwrap_or_default()
    }

    /// Returns a list of numbers among the attributes.
    pub(crate) fn floats(&self, name: &str) -> &[f32] {
        let found = self.attributes.iter().find_map(|(own, value)| match value {
            Attribute::Floats(values) | Attribute::Tensor(Tensor::Float(values)) if *own == name => {
                Some(values.as_slice())
            }
            _ => None,
        });
        found.unwrap_or_default()
    }
}

/// A constant with its shape.
#[derive(Clone, Debug)]
pub(crate) struct Constant {
    pub(crate) name: Value,
    pub(crate) tensor: Tensor,
    pub(crate) shape: Vec<i64>,
}

/// An input or output: `[N, width]`, or `[N]`.
#[derive(Clone, Debug)]
pub(crate) struct Info {
    pub(crate) name: Value,
    pub(crate) kind: Kind,
    pub(crate) width: Option<usize>,
    doc: String,
}

/// A graph under construction.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) constants: Vec<Constant>,
    pub(crate) inputs: Vec<Info>,
    pub(crate) outputs: Vec<Info>,
    names: BTreeSet<String>,
    /// Whether operators of the runtime itself are used.
    runtime: bool,
}

impl Graph {
    /// Adds an input of shape `[N, width]`; its name is kept as it is.
    pub(crate) fn input(&mut self, name: &str, (kind, width): (Kind, usize), doc: &str) -> Value {
        self.names.insert(name.to_owned());
        self.inputs.push(info(name, kind, Some(width), doc));
        name.to_owned()
    }

    /// Adds an input of shape `[N]`.
    pub(crate) fn flat_input(&mut self, name: &str, kind: Kind, doc: &str) -> Value {
        self.names.insert(name.to_owned());
        self.inputs.push(info(name, kind, None, doc));
        name.to_owned()
    }

    /// Makes a value an output of shape `[N, width]`. Takes the name, or with `_output` behind it where a
    /// field has that name; returns the name taken.
    pub(crate) fn output(&mut self, name: &str, value: &Value, (kind, width): (Kind, usize)) -> String {
        let name = self.free(name, "_output");
        self.nodes.push(Node {
            domain: "",
            operator: "Identity",
            inputs: vec![value.clone()],
            attributes: Vec::new(),
            output: name.clone(),
        });
        self.outputs.push(info(&name, kind, Some(width), ""));
        name
    }

    fn free(&mut self, name: &str, behind: &str) -> String {
        let mut name = name.to_owned();
        while !self.names.insert(name.clone()) {
            name.push_str(behind);
        }
        name
    }

    fn fresh(&mut self, what: &str) -> String {
        let name = format!("{:02}_{what}", self.nodes.len() + self.constants.len());
        self.free(&name, "_")
    }

    /// Adds a constant; `shape` is one dimension when not given, and a scalar when empty.
    pub(crate) fn constant(&mut self, what: &str, tensor: &Tensor, shape: Option<&[i64]>) -> Value {
        let name = self.fresh(what);
        let shape = shape.map_or_else(|| vec![tensor.len() as i64], <[i64]>::to_vec);
        self.constants.push(Constant { name: name.clone(), tensor: tensor.clone(), shape });
        name
    }

    /// Adds a constant of shape `[1, n]`.
    pub(crate) fn row(&mut self, what: &str, tensor: &Tensor) -> Value {
        self.constant(what, tensor, Some(&[1, tensor.len() as i64]))
    }

    /// Adds a scalar of f64.
    pub(crate) fn double(&mut self, what: &str, value: f64) -> Value {
        self.constant(what, &Tensor::Double(vec![value]), Some(&[]))
    }

    /// Adds a scalar of i64.
    pub(crate) fn whole(&mut self, what: &str, value: i64) -> Value {
        self.constant(what, &Tensor::Int64(vec![value]), Some(&[]))
    }

    /// Adds a node with one output.
    pub(crate) fn node(
        &mut self,
        operator: &'static str,
        inputs: &[&Value],
        attributes: &[(&'static str, Attribute)],
    ) -> Value {
        self.add("", operator, inputs, attributes)
    }

    /// Adds a node of `ai.onnx.ml`.
    pub(crate) fn ml_node(
        &mut self,
        operator: &'static str,
        inputs: &[&Value],
        attributes: &[(&'static str, Attribute)],
    ) -> Value {
        self.add(ML, operator, inputs, attributes)
    }

    /// Adds a node of ONNX Runtime's own.
    pub(crate) fn runtime_node(
        &mut self,
        operator: &'static str,
        inputs: &[&Value],
        attributes: &[(&'static str, Attribute)],
    ) -> Value {
        self.runtime = true;
        self.add(RUNTIME, operator, inputs, attributes)
    }

    /// Brings a value to a shape; 0 keeps a dimension, -1 is what is left.
    pub(crate) fn reshape(&mut self, value: &Value, shape: &[i64]) -> Value {
        let shape = self.constant("shape", &Tensor::Int64(shape.to_vec()), None);
        self.node("Reshape", &[value, &shape], &[])
    }

    /// Takes `from..to` of an axis, every `step`-th.
    pub(crate) fn slice(&mut self, value: &Value, axis: i64, (from, to, step): (i64, i64, i64)) -> Value {
        let [from, to, axis, step] = [("from", from), ("to", to), ("axis", axis), ("step", step)]
            .map(|(what, value)| self.constant(what, &Tensor::Int64(vec![value]), None));
        self.node("Slice", &[value, &from, &to, &axis, &step], &[])
    }

    /// Adds an axis of one.
    pub(crate) fn unsqueeze(&mut self, value: &Value, axis: i64) -> Value {
        let axis = self.constant("axis", &Tensor::Int64(vec![axis]), None);
        self.node("Unsqueeze", &[value, &axis], &[])
    }

    pub(crate) fn cast(&mut self, value: &Value, kind: Kind) -> Value {
        self.node("Cast", &[value], &[("to", Attribute::Int(kind as i64))])
    }

    /// Joins columns; one value is left as it is.
    pub(crate) fn concat(&mut self, values: &[Value]) -> Value {
        match values {
            [one] => one.clone(),
            many => {
                let inputs: Vec<&Value> = many.iter().collect();
                self.node("Concat", &inputs, &[("axis", Attribute::Int(1))])
            }
        }
    }

    fn add(
        &mut self,
        domain: &'static str,
        operator: &'static str,
        inputs: &[&Value],
        attributes: &[(&'static str, Attribute)],
    ) -> Value {
        let name = self.fresh(&operator.to_lowercase());
        self.nodes.push(Node {
            domain,
            operator,
            inputs: inputs.iter().map(|input| (*input).clone()).collect(),
            attributes: attributes.to_vec(),
            output: name.clone(),
        });
        name
    }

    /// Ends the graph as a model file.
    pub(crate) fn finish(self, name: &str, doc: &str, facts: &[(&str, String)]) -> Vec<u8> {
        let graph = Message::new()
            .messages(1, self.nodes.iter().map(Node::message))
            .text(2, name)
            .messages(5, self.constants.iter().map(|own| own.tensor.message(Some(&own.shape), &own.name)))
            .messages(11, self.inputs.iter().map(Info::message))
            .messages(12, self.outputs.iter().map(Info::message));
        let opset = |domain: &str, version: i64| Message::new().text(1, domain).int(2, version);
        let fact = |(key, value): &(&str, String)| Message::new().text(1, key).text(2, value);
        Message::new()
            .int(1, IR_VERSION)
            .text(2, "modelyard")
            .text(3, env!("CARGO_PKG_VERSION"))
            .text(6, doc)
            .message(7, &graph)
            .messages(8, [opset("", OPSET), opset(ML, ML_OPSET)])
            .messages(8, self.runtime.then(|| opset(RUNTIME, 1)))
            .messages(14, facts.iter().map(fact))
            .into_bytes()
    }
}

fn info(name: &str, kind: Kind, width: Option<usize>, doc: &str) -> Info {
    Info { name: name.to_owned(), kind, width, doc: doc.to_owned() }
}

impl Info {
    fn message(&self) -> Message {
        let batch = Message::new().text(2, "N");
        let width = self.width.map(|width| Message::new().int(1, width as i64));
        let shape = Message::new().messages(1, [batch]).messages(1, width);
        let tensor = Message::new().int(1, self.kind as i64).message(2, &shape);
        let out = Message::new().text(1, &self.name).message(2, &Message::new().message(1, &tensor));
        if self.doc.is_empty() { out } else { out.text(3, &self.doc) }
    }
}

impl Graph {
    /// Returns the element type of every value.
    pub(crate) fn kinds(&self) -> BTreeMap<&str, Kind> {
        let mut out: BTreeMap<&str, Kind> =
            self.inputs.iter().map(|own| (own.name.as_str(), own.kind)).collect();
        out.extend(self.constants.iter().map(|own| (own.name.as_str(), own.tensor.kind())));
        for node in &self.nodes {
            let of = |at: usize| node.inputs.get(at).and_then(|name| out.get(name.as_str()).copied());
            let kind = match node.operator {
                "Cast" => Kind::of_number(node.int("to").unwrap_or_default()),
                "IsNaN" | "Equal" | "Greater" | "GreaterOrEqual" | "LessOrEqual" => Some(Kind::Bool),
                "LabelEncoder" | "TreeEnsemble" | "TfIdfVectorizer" => Some(Kind::Float),
                "ArgMax" => Some(Kind::Int64),
                "Where" => of(1),
                _ => of(0),
            };
            out.insert(&node.output, kind.unwrap_or(Kind::Float));
        }
        out
    }
}
