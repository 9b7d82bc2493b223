//! Each operation of the ONNX graph as a line of `TorchScript`. Constants are `CONSTANTS.cN`; trees are walked by
//! look-ups in a loop over levels; words are looked up in dictionaries. Knows nothing of recipes and models.

use crate::{
    error::ExportError,
    flat::FlatTrees,
    onnx::graph::{Attribute, Constant, Graph, Info, Kind, Node, Tensor},
};
use std::{collections::BTreeMap, fmt::Write as _};

/// The code with its constants.
pub(super) struct Code {
    lines: String,
    pub(super) constants: Vec<Constant>,
    /// Names of the values of the graph.
    names: BTreeMap<String, String>,
    kinds: BTreeMap<String, Kind>,
    texts: BTreeMap<String, Vec<String>>,
    whole: BTreeMap<String, Vec<i64>>,
    ranks: BTreeMap<String, usize>,
    count: usize,
}

/// Quotes text as the parser reads it: everything but plain letters in octal.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b" _.,;:!?()-+*/=<>".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "\\{byte:03o}");
        }
    }
    out + "\""
}

fn number(value: f32) -> String {
    if value.is_nan() { "nan".to_owned() } else { format!("{:?}", f64::from(value)) }
}

fn list(values: &[i64]) -> String {
    format!("[{}]", values.iter().map(i64::to_string).collect::<Vec<_>>().join(", "))
}

/// Number of an element type in `PyTorch`.
fn type_number(kind: Kind) -> u8 {
    match kind {
        Kind::Uint8 => 0,
        Kind::Int64 => 4,
        Kind::Float | Kind::Text => 6,
        Kind::Double => 7,
        Kind::Bool => 11,
    }
}

fn type_name(kind: Kind) -> &'static str {
    if kind == Kind::Text { "List[str]" } else { "Tensor" }
}

/// Writes the source of the module.
pub(super) fn source(graph: &Graph) -> Result<(String, Vec<Constant>), ExportError> {
    let mut code = Code {
        lines: String::new(),
        constants: Vec::new(),
        names: BTreeMap::new(),
        kinds: graph.kinds().into_iter().map(|(name, kind)| (name.to_owned(), kind)).collect(),
        texts: BTreeMap::new(),
        whole: BTreeMap::new(),
        ranks: BTreeMap::new(),
        count: 0,
    };
    let mut arguments = String::from("self: __torch__.Model");
    for (index, input) in graph.inputs.iter().enumerate() {
        let _ = write!(arguments, ", x{index}: {}", type_name(input.kind));
        code.names.insert(input.name.clone(), format!("x{index}"));
    }
    for own in &graph.constants {
        code.constant(own);
    }
    for node in &graph.nodes {
        let value = code.node(node)?;
        code.names.insert(node.output.clone(), value);
    }
    let kinds: Vec<&str> = graph.outputs.iter().map(|own| type_name(own.kind)).collect();
    let values: Vec<String> = graph.outputs.iter().map(|own: &Info| code.name(&own.name)).collect();
    let (kind, value) = match (kinds.as_slice(), values.as_slice()) {
        ([kind], [value]) => ((*kind).to_owned(), value.clone()),
        _ => (format!("Tuple[{}]", kinds.join(", ")), format!("({})", values.join(", "))),
    };
    let head = "class Model(Module):\n  __parameters__ = []\n  __buffers__ = []\n  training : bool\n";
    let out = format!("{head}  def forward({arguments}) -> {kind}:\n{}    return {value}\n", code.lines);
    Ok((out, code.constants))
}

impl Code {
    fn constant(&mut self, own: &Constant) {
        self.ranks.insert(own.name.clone(), own.shape.len());
        match &own.tensor {
            Tensor::Text(words) => {
                self.texts.insert(own.name.clone(), words.clone());
            }
            tensor => {
                if let Tensor::Int64(values) = tensor {
                    self.whole.insert(own.name.clone(), values.clone());
                }
                let name = format!("CONSTANTS.c{}", self.constants.len());
                self.constants.push(own.clone());
                self.names.insert(own.name.clone(), name);
            }
        }
    }

    /// Adds an array that the graph has not.
    fn array(&mut self, tensor: Tensor, shape: &[i64]) -> String {
        let name = format!("CONSTANTS.c{}", self.constants.len());
        self.constants.push(Constant { name: String::new(), tensor, shape: shape.to_vec() });
        name
    }

    fn name(&self, value: &str) -> String {
        self.names.get(value).cloned().unwrap_or_default()
    }

    fn let_(&mut self, value: &str) -> String {
        let name = format!("v{}", self.count);
        self.count += 1;
        let _ = writeln!(self.lines, "    {name} = {value}");
        name
    }

    fn input(&self, node: &Node, at: usize) -> String {
        node.inputs.get(at).map(|value| self.name(value)).unwrap_or_default()
    }

    fn kind(&self, node: &Node, at: usize) -> Kind {
        node.inputs.get(at).and_then(|value| self.kinds.get(value).copied()).unwrap_or(Kind::Float)
    }

    fn ints(&self, node: &Node, at: usize) -> Vec<i64> {
        node.inputs.get(at).and_then(|value| self.whole.get(value).cloned()).unwrap_or_default()
    }

    fn node(&mut self, node: &Node) -> Result<String, ExportError> {
        let [x, y, z] = [0, 1, 2].map(|at| self.input(node, at));
        let whole = self.kind(node, 0) == Kind::Int64;
        let keep = if node.int("keepdims") == Some(0) { "False" } else { "True" };
        let value = match node.operator {
            "Identity" => return Ok(x),
            "LabelEncoder" => return Ok(self.label_encoder(node, &x)),
            "TreeEnsemble" => return Ok(self.trees(node, &x)),
            "Gather" if self.kind(node, 0) == Kind::Text => return Ok(self.words(node, &y)),
            "IsNaN" => format!("torch.isnan({x})"),
            "Where" => format!("torch.where({x}, {y}, {z})"),
            "Add" => format!("torch.add({x}, {y})"),
            "Sub" => format!("torch.sub({x}, {y})"),
            "Mul" => format!("torch.mul({x}, {y})"),
            "Div" if whole => format!("torch.div({x}, {y}, rounding_mode=\"trunc\")"),
            "Div" => format!("torch.div({x}, {y})"),
            "Mod" => format!("torch.remainder({x}, {y})"),
            "Max" => format!("torch.maximum({x}, {y})"),
            "Min" => format!("torch.minimum({x}, {y})"),
            "Clip" => format!("torch.minimum(torch.maximum({x}, {y}), {z})"),
            "Equal" => format!("torch.eq({x}, {y})"),
            "Greater" => format!("torch.gt({x}, {y})"),
            "GreaterOrEqual" => format!("torch.ge({x}, {y})"),
            "LessOrEqual" => format!("torch.le({x}, {y})"),
            "Relu" => format!("torch.relu({x})"),
            "Tanh" => format!("torch.tanh({x})"),
            "Sigmoid" => format!("torch.sigmoid({x})"),
            "Exp" => format!("torch.exp({x})"),
            "Gelu" => format!("torch.gelu({x})"),
            "Softmax" => format!("torch.softmax({x}, -1)"),
            "Cast" => {
                let to = self.kinds.get(&node.output).copied().unwrap_or(Kind::Float);
                format!("torch.to({x}, {})", type_number(to))
            }
            "Concat" => {
                let all: Vec<String> = (0..node.inputs.len()).map(|at| self.input(node, at)).collect();
                format!("torch.cat([{}], {})", all.join(", "), node.int("axis").unwrap_or(1))
            }
            "MatMul" => format!("torch.matmul({x}, {y})"),
            "Gemm" => format!("torch.add(torch.matmul({x}, torch.t({y})), {z})"),
            "ArgMax" => format!("torch.argmax({x}, 1, True)"),
            "ReduceMax" => format!("torch.amax({x}, {}, {keep})", list(&self.ints(node, 1))),
            "ReduceSum" => format!("torch.sum({x}, {}, {keep})", list(&self.ints(node, 1))),
            "ReduceMean" => format!("torch.mean({x}, {}, {keep})", list(&self.ints(node, 1))),
            "Conv" => {
                let pad = node.ints("pads").first().copied().unwrap_or(0);
                format!("torch.conv2d({x}, {y}, {z}, [1, 1], [{pad}, {pad}], [1, 1], 1)")
            }
            "MaxPool" => {
                let side = list(node.ints("strides"));
                format!("torch.max_pool2d({x}, {side}, {side}, [0, 0], [1, 1], False)")
            }
            "LayerNormalization" => {
                let width = self.constants.iter().find(|own| node.inputs.get(1) == Some(&own.name));
                let width = width.map_or_else(Vec::new, |own| own.shape.clone());
                let epsilon = node.attributes.iter().find_map(|(name, value)| match value {
                    Attribute::Float(value) if *name == "epsilon" => Some(*value),
                    _ => None,
                });
                let epsilon = number(epsilon.unwrap_or(1e-5));
                format!("torch.layer_norm({x}, {}, {y}, {z}, {epsilon}, False)", list(&width))
            }
            "Gather" | "Slice" | "Reshape" | "Unsqueeze" | "Pad" | "Transpose" => self.moved(node, &x, &y),
            other => {
                return Err(ExportError::Unsupported {
                    format: "TorchScript",
                    what: format!("the operator {other}"),
                    lost: "its computation",
                    instead: "onnx",
                });
            }
        };
        Ok(self.let_(&value))
    }

    fn moved(&self, node: &Node, x: &str, y: &str) -> String {
        let one = |at: usize, none: i64| self.ints(node, at).first().copied().unwrap_or(none);
        match node.operator {
            "Slice" => {
                let (from, to, axis, step) = (one(1, 0), one(2, 0), one(3, 1), one(4, 1));
                format!("torch.slice({x}, {axis}, {from}, {to}, {step})")
            }
            "Gather" => {
                let axis = node.int("axis").unwrap_or(0);
                let rank = node.inputs.get(1).and_then(|value| self.ranks.get(value)).copied();
                match rank {
                    Some(0) => format!("torch.select({x}, {axis}, {})", one(1, 0)),
                    Some(_) => format!("torch.index_select({x}, {axis}, {y})"),
                    None => format!("torch.embedding({x}, {y})"),
                }
            }
            "Unsqueeze" => format!("torch.unsqueeze({x}, {})", one(1, 1)),
            "Transpose" => format!("torch.permute({x}, {})", list(node.ints("perm"))),
            "Pad" => {
                format!("torch.constant_pad_nd({x}, [0, {}], 0)", self.ints(node, 1).last().unwrap_or(&0))
            }
            _ => {
                let shape: Vec<i64> =
                    self.ints(node, 1).iter().map(|size| if *size == 0 { -1 } else { *size }).collect();
                format!("torch.reshape({x}, {})", list(&shape))
            }
        }
    }

    /// The words of places: a list of text.
    fn words(&mut self, node: &Node, places: &str) -> String {
        let words = node.inputs.first().and_then(|value| self.texts.get(value)).cloned().unwrap_or_default();
        let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        let words = self.let_(&format!("[{}]", words.join(", ")));
        let out = self.let_("annotate(List[str], [])");
        let flat = self.let_(&format!("torch.reshape({places}, [-1])"));
        let at = self.count;
        self.count += 1;
        let _ = writeln!(
            self.lines,
            "    for i{at} in range(torch.size({flat}, 0)):\n      a{at} = torch.append({out}, \
             {words}[int(torch.select({flat}, 0, i{at}))])"
        );
        out
    }

    /// Codes of words, f32 `[N, 1]`.
    fn label_encoder(&mut self, node: &Node, x: &str) -> String {
        let mut pairs = Vec::new();
        let mut none = 0.0;
        for (name, value) in &node.attributes {
            match value {
                Attribute::Texts(words) if *name == "keys_strings" => {
                    let codes = node.floats("values_floats");
                    pairs = words
                        .iter()
                        .zip(codes)
                        .map(|(word, code)| format!("{}: {}", quoted(word), number(*code)))
                        .collect();
                }
                Attribute::Float(value) if *name == "default_float" => none = *value,
                _ => {}
            }
        }
        let codes = self.let_(&format!("{{{}}}", pairs.join(", ")));
        let out = self.let_("annotate(List[float], [])");
        let at = self.count;
        self.count += 1;
        let _ = writeln!(
            self.lines,
            "    for i{at} in range(torch.len({x})):\n      a{at} = torch.append({out}, torch.get({codes}, {x}[i{at}], {}))",
            number(none)
        );
        self.let_(&format!("torch.unsqueeze(torch.tensor({out}, dtype=6), 1)"))
    }

    /// Margins of trees: all rows go one level down at a time.
    fn trees(&mut self, node: &Node, x: &str) -> String {
        let flat = FlatTrees::of_node(node);
        let (count, trees) = (flat.feature.len() as i64, flat.roots.len() as i64);
        let sets = flat.is_set.contains(&1);
        let mut ones = vec![0.0_f32; flat.roots.len() * flat.outputs];
        for (tree, output) in flat.targets.iter().enumerate() {
            if let Some(place) = ones.get_mut(tree * flat.outputs + *output as usize) {
                *place = 1.0;
            }
        }
        let ones = self.array(Tensor::Float(ones), &[trees, flat.outputs as i64]);
        let roots = self.array(Tensor::Int64(flat.roots), &[1, trees]);
        let [feature, yes, no, missing, is_set, start, last] =
            [flat.feature, flat.yes, flat.no, flat.missing_yes, flat.is_set, flat.set_start, flat.set_last]
                .map(|values| self.array(Tensor::Int64(values), &[count]));
        let members = flat.members.len() as i64;
        let members = self.array(Tensor::Int64(flat.members), &[members]);
        let [threshold, values] =
            [flat.threshold, flat.values].map(|values| self.array(Tensor::Float(values), &[count]));
        let at = self.let_(&format!("torch.expand({roots}, [torch.size({x}, 0), {trees}])"));
        let own = self.count;
        self.count += 1;
        let mut body = format!(
            "      x{at} = torch.gather({x}, 1, torch.take({feature}, {at}))\n      n{at} = torch.isnan(x{at})\n      \
             y{at} = torch.le(x{at}, torch.take({threshold}, {at}))\n"
        );
        if sets {
            let _ = write!(
                body,
                "      l{at} = torch.take({last}, {at})\n      c{at} = torch.minimum(torch.to(torch.clamp_min(torch.nan_to_num(x{at}), 0), 4), \
                 l{at})\n      m{at} = torch.take({members}, torch.add(torch.take({start}, {at}), c{at}))\n      y{at} = \
                 torch.where(torch.eq(torch.take({is_set}, {at}), 1), torch.eq(m{at}, 1), y{at})\n"
            );
        }
        let _ = write!(
            body,
            "      y{at} = torch.where(n{at}, torch.eq(torch.take({missing}, {at}), 1), y{at})\n      {at} = \
             torch.where(y{at}, torch.take({yes}, {at}), torch.take({no}, {at}))\n"
        );
        let _ = write!(self.lines, "    for i{own} in range({}):\n{body}", flat.depth);
        self.let_(&format!("torch.matmul(torch.take({values}, {at}), {ones})"))
    }
}
