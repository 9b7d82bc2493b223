//! Each operation of the ONNX graph as operations of TensorFlow. Shapes begin with the batch, so that a kept
//! first dimension is the one that is left open. Knows nothing of recipes and models.

use super::{
    graph::{Attr, TfGraph},
    trees,
};
use crate::{
    error::ExportError,
    onnx::graph::{Constant, Graph, Kind, Node, Tensor},
};
use std::collections::BTreeMap;

/// Constants by name.
type Constants<'a> = BTreeMap<&'a str, &'a Constant>;

/// Adds all of a graph.
pub(super) fn lower(out: &mut TfGraph, graph: &Graph) -> Result<(), ExportError> {
    for input in &graph.inputs {
        let name = out.placeholder(input.kind, input.width);
        out.bind(&input.name, name);
    }
    let constants: Constants<'_> = graph.constants.iter().map(|own| (own.name.as_str(), own)).collect();
    for node in &graph.nodes {
        let x = Lower { constants: &constants, node, out: &mut *out };
        let name = x.all()?;
        out.bind(&node.output, name);
    }
    Ok(())
}

struct Lower<'a> {
    constants: &'a Constants<'a>,
    node: &'a Node,
    out: &'a mut TfGraph,
}

impl Lower<'_> {
    /// Returns the name of an input; constants are added where they are used.
    fn input(&mut self, at: usize) -> String {
        let Some(value) = self.node.inputs.get(at) else { return String::new() };
        match self.constants.get(value.as_str()) {
            Some(constant) => self.out.constant(&constant.tensor, &constant.shape),
            None => self.out.name(value),
        }
    }

    fn kind(&self, at: usize) -> Kind {
        self.node.inputs.get(at).map_or(Kind::Float, |value| self.out.kind(value))
    }

    /// Returns the whole numbers of a constant input.
    fn whole(&self, at: usize) -> Vec<i64> {
        let constant = self.node.inputs.get(at).and_then(|value| self.constants.get(value.as_str()));
        match constant.map(|constant| &constant.tensor) {
            Some(Tensor::Int64(values)) => values.clone(),
            _ => Vec::new(),
        }
    }

    fn typed(&mut self, operator: &str, inputs: &[&str], kind: Kind) -> String {
        self.out.node(operator, inputs, &[("T", Attr::Type(kind))])
    }

    /// One operator on all inputs.
    fn plain(&mut self, operator: &str) -> String {
        let inputs: Vec<String> = (0..self.node.inputs.len()).map(|at| self.input(at)).collect();
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        self.typed(operator, &inputs, self.kind(0))
    }

    fn all(mut self) -> Result<String, ExportError> {
        let whole = self.kind(0) == Kind::Int64;
        let plain = match self.node.operator {
            "Identity" => "Identity",
            "IsNaN" => "IsNan",
            "Add" => "AddV2",
            "Sub" => "Sub",
            "Mul" => "Mul",
            "Div" if whole => "TruncateDiv",
            "Div" => "RealDiv",
            "Mod" => "FloorMod",
            "Max" => "Maximum",
            "Min" => "Minimum",
            "Greater" => "Greater",
            "GreaterOrEqual" => "GreaterEqual",
            "LessOrEqual" => "LessEqual",
            "Relu" => "Relu",
            "Tanh" => "Tanh",
            "Sigmoid" => "Sigmoid",
            "Exp" => "Exp",
            "Softmax" => "Softmax",
            _ => "",
        };
        if !plain.is_empty() {
            return Ok(self.plain(plain));
        }
        Ok(match self.node.operator {
            "Cast" | "Where" | "Equal" | "Clip" | "Gelu" => self.element(),
            "Concat" | "Gather" | "Slice" | "Reshape" | "Unsqueeze" | "Pad" | "Transpose" => self.moved(),
            "ReduceMax" | "ReduceSum" | "ReduceMean" | "ArgMax" => self.reduced(),
            "MatMul" | "Gemm" => self.product(),
            "Conv" | "MaxPool" => self.image(),
            "LayerNormalization" => self.layer_norm(),
            "LabelEncoder" => self.label_encoder(),
            "TreeEnsemble" => {
                let x = self.input(0);
                trees::ensemble(self.out, self.node, &x)
            }
            other => {
                return Err(ExportError::Unsupported {
                    format: "a SavedModel",
                    what: format!("the operator {other}"),
                    lost: "its computation",
                    instead: "onnx",
                });
            }
        })
    }

    fn element(&mut self) -> String {
        let kind = self.kind(0);
        let x = self.input(0);
        match self.node.operator {
            "Cast" => {
                let to = self.out.kind(&self.node.output);
                self.out.node("Cast", &[&x], &[("DstT", Attr::Type(to)), ("SrcT", Attr::Type(kind))])
            }
            "Where" => {
                let (yes, no) = (self.input(1), self.input(2));
                self.typed("SelectV2", &[&x, &yes, &no], self.kind(1))
            }
            "Equal" => {
                let y = self.input(1);
                let attributes = [("T", Attr::Type(kind)), ("incompatible_shape_error", Attr::Bool(true))];
                self.out.node("Equal", &[&x, &y], &attributes)
            }
            "Clip" => {
                let (low, high) = (self.input(1), self.input(2));
                let above = self.typed("Maximum", &[&x, &low], kind);
                self.typed("Minimum", &[&above, &high], kind)
            }
            _ => {
                let number = |value: f32| Tensor::Float(vec![value]);
                let [root, one, half] =
                    [std::f32::consts::FRAC_1_SQRT_2, 1.0, 0.5].map(|v| self.out.constant(&number(v), &[]));
                let part = self.typed("Mul", &[&x, &root], kind);
                let part = self.typed("Erf", &[&part], kind);
                let part = self.typed("AddV2", &[&part, &one], kind);
                let part = self.typed("Mul", &[&part, &half], kind);
                self.typed("Mul", &[&x, &part], kind)
            }
        }
    }

    fn gather(&mut self, x: &str, places: &str, (axis, kind): (i32, Kind)) -> String {
        let axis = self.out.int32(&[axis], &[]);
        let attributes = [
            ("Taxis", Attr::Int32),
            ("Tindices", Attr::Type(Kind::Int64)),
            ("Tparams", Attr::Type(kind)),
            ("batch_dims", Attr::Int(0)),
        ];
        self.out.node("GatherV2", &[x, places, &axis], &attributes)
    }

    fn moved(&mut self) -> String {
        let kind = self.kind(0);
        if self.node.operator == "Concat" {
            let mut inputs: Vec<String> = (0..self.node.inputs.len()).map(|at| self.input(at)).collect();
            let count = inputs.len() as i64;
            inputs.push(self.out.int32(&[self.node.int("axis").unwrap_or(1) as i32], &[]));
            let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
            let attributes = [("N", Attr::Int(count)), ("T", Attr::Type(kind)), ("Tidx", Attr::Int32)];
            return self.out.node("ConcatV2", &inputs, &attributes);
        }
        let x = self.input(0);
        match self.node.operator {
            "Gather" => {
                let places = self.input(1);
                self.gather(&x, &places, (self.node.int("axis").unwrap_or(0) as i32, kind))
            }
            "Slice" => {
                let one = |at: usize, none: i64| self.whole(at).first().copied().unwrap_or(none);
                let (from, to, axis, step) = (one(1, 0), one(2, 0), one(3, 1), one(4, 1));
                let places: Vec<i64> = (from..to).step_by(step.max(1) as usize).collect();
                let count = places.len() as i64;
                let places = self.out.constant(&Tensor::Int64(places), &[count]);
                self.gather(&x, &places, (axis as i32, kind))
            }
            "Unsqueeze" => {
                let axis = self.whole(1).first().copied().unwrap_or(1) as i32;
                let axis = self.out.int32(&[axis], &[]);
                self.out.node("ExpandDims", &[&x, &axis], &[("T", Attr::Type(kind)), ("Tdim", Attr::Int32)])
            }
            "Pad" => {
                let pads = self.whole(1);
                let sides = pads.len() / 2;
                let pairs: Vec<i32> =
                    (0..sides).flat_map(|at| [pads[at] as i32, pads[sides + at] as i32]).collect();
                let pads = self.out.int32(&pairs, &[sides as i64, 2]);
                self.out.node("Pad", &[&x, &pads], &[("T", Attr::Type(kind)), ("Tpaddings", Attr::Int32)])
            }
            "Transpose" => {
                let order: Vec<i32> = self.node.ints("perm").iter().map(|axis| *axis as i32).collect();
                self.transposed(&x, &order, kind)
            }
            _ => {
                let shape: Vec<i32> = self.whole(1).iter().map(|size| *size as i32).collect();
                let shape: Vec<i32> = shape.iter().map(|size| if *size == 0 { -1 } else { *size }).collect();
                let shape = self.out.int32(&shape, &[shape.len() as i64]);
                self.out.node("Reshape", &[&x, &shape], &[("T", Attr::Type(kind)), ("Tshape", Attr::Int32)])
            }
        }
    }

    fn transposed(&mut self, x: &str, order: &[i32], kind: Kind) -> String {
        let order = self.out.int32(order, &[order.len() as i64]);
        self.out.node("Transpose", &[x, &order], &[("T", Attr::Type(kind)), ("Tperm", Attr::Int32)])
    }

    fn reduced(&mut self) -> String {
        let kind = self.kind(0);
        let x = self.input(0);
        if self.node.operator == "ArgMax" {
            let axis = self.out.int32(&[1], &[]);
            let attributes =
                [("T", Attr::Type(kind)), ("Tidx", Attr::Int32), ("output_type", Attr::Type(Kind::Int64))];
            let best = self.out.node("ArgMax", &[&x, &axis], &attributes);
            let attributes = [("T", Attr::Type(Kind::Int64)), ("Tdim", Attr::Int32)];
            return self.out.node("ExpandDims", &[&best, &axis], &attributes);
        }
        let operator = match self.node.operator {
            "ReduceMax" => "Max",
            "ReduceSum" => "Sum",
            _ => "Mean",
        };
        let axes: Vec<i32> = self.whole(1).iter().map(|axis| *axis as i32).collect();
        self.reduce(operator, &x, (&axes, self.node.int("keepdims") != Some(0), kind))
    }

    fn reduce(&mut self, operator: &str, x: &str, (axes, keep, kind): (&[i32], bool, Kind)) -> String {
        let axes = self.out.int32(axes, &[axes.len() as i64]);
        let attributes = [("T", Attr::Type(kind)), ("Tidx", Attr::Int32), ("keep_dims", Attr::Bool(keep))];
        self.out.node(operator, &[x, &axes], &attributes)
    }

    fn product(&mut self) -> String {
        let kind = self.kind(0);
        let (x, y) = (self.input(0), self.input(1));
        let turned = self.node.operator == "Gemm";
        let attributes =
            [("T", Attr::Type(kind)), ("adj_x", Attr::Bool(false)), ("adj_y", Attr::Bool(turned))];
        let product = self.out.node("BatchMatMulV2", &[&x, &y], &attributes);
        if !turned {
            return product;
        }
        let bias = self.input(2);
        self.typed("AddV2", &[&product, &bias], kind)
    }

    /// TensorFlow's convolutions on a CPU have the channels last.
    fn image(&mut self) -> String {
        let kind = self.kind(0);
        let x = self.input(0);
        let x = self.transposed(&x, &[0, 2, 3, 1], kind);
        let y = if self.node.operator == "Conv" {
            let (weights, bias) = (self.input(1), self.input(2));
            let weights = self.transposed(&weights, &[2, 3, 1, 0], kind);
            let attributes = [
                ("T", Attr::Type(kind)),
                ("padding", Attr::Text("SAME")),
                ("strides", Attr::Ints(vec![1; 4])),
            ];
            let y = self.out.node("Conv2D", &[&x, &weights], &attributes);
            self.typed("AddV2", &[&y, &bias], kind)
        } else {
            let side = self.node.ints("strides").first().copied().unwrap_or(1);
            let attributes = [
                ("T", Attr::Type(kind)),
                ("ksize", Attr::Ints(vec![1, side, side, 1])),
                ("padding", Attr::Text("VALID")),
                ("strides", Attr::Ints(vec![1, side, side, 1])),
            ];
            self.out.node("MaxPool", &[&x], &attributes)
        };
        self.transposed(&y, &[0, 3, 1, 2], kind)
    }

    fn layer_norm(&mut self) -> String {
        let kind = self.kind(0);
        let (x, scale, shift) = (self.input(0), self.input(1), self.input(2));
        let epsilon = self.node.attributes.iter().find_map(|(name, value)| match value {
            crate::onnx::graph::Attribute::Float(value) if *name == "epsilon" => Some(f64::from(*value)),
            _ => None,
        });
        let epsilon = self.out.constant(&Tensor::Double(vec![epsilon.unwrap_or(1e-5)]), &[]);
        let mean = self.reduce("Mean", &x, (&[-1], true, kind));
        let apart = self.typed("Sub", &[&x, &mean], kind);
        let square = self.typed("Mul", &[&apart, &apart], kind);
        let variance = self.reduce("Mean", &square, (&[-1], true, kind));
        let variance = self.typed("AddV2", &[&variance, &epsilon], kind);
        let root = self.typed("Sqrt", &[&variance], kind);
        let normal = self.typed("RealDiv", &[&apart, &root], kind);
        let scaled = self.typed("Mul", &[&normal, &scale], kind);
        self.typed("AddV2", &[&scaled, &shift], kind)
    }

    /// Compares with all words at once; the place behind the last stands for none of them.
    fn label_encoder(&mut self) -> String {
        let x = self.input(0);
        let words = self.node.attributes.iter().find_map(|(name, value)| match value {
            crate::onnx::graph::Attribute::Texts(words) if *name == "keys_strings" => Some(words.clone()),
            _ => None,
        });
        let words = words.unwrap_or_default();
        let mut codes = self.node.floats("values_floats").to_vec();
        let none = self.node.attributes.iter().find_map(|(name, value)| match value {
            crate::onnx::graph::Attribute::Float(value) if *name == "default_float" => Some(*value),
            _ => None,
        });
        codes.push(none.unwrap_or(0.0));
        let count = words.len() as i64;
        let words = self.out.constant(&Tensor::Text(words), &[1, count]);
        let attributes = [("T", Attr::Type(Kind::Text)), ("incompatible_shape_error", Attr::Bool(true))];
        let equal = self.out.node("Equal", &[&x, &words], &attributes);
        let cast = [("DstT", Attr::Type(Kind::Float)), ("SrcT", Attr::Type(Kind::Bool))];
        let equal = self.out.node("Cast", &[&equal], &cast);
        let pads = self.out.int32(&[0, 0, 0, 1], &[2, 2]);
        let half = self.out.constant(&Tensor::Float(vec![0.5]), &[]);
        let pad = [("T", Attr::Type(Kind::Float)), ("Tpaddings", Attr::Int32)];
        let with_none = self.out.node("PadV2", &[&equal, &pads, &half], &pad);
        let axis = self.out.int32(&[1], &[]);
        let best =
            [("T", Attr::Type(Kind::Float)), ("Tidx", Attr::Int32), ("output_type", Attr::Type(Kind::Int64))];
        let place = self.out.node("ArgMax", &[&with_none, &axis], &best);
        let codes = self.out.constant(&Tensor::Float(codes), &[count + 1]);
        let code = self.gather(&codes, &place, (0, Kind::Float));
        let attributes = [("T", Attr::Type(Kind::Float)), ("Tdim", Attr::Int32)];
        self.out.node("ExpandDims", &[&code, &axis], &attributes)
    }
}
