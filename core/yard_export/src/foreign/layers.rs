//! A chain of layers becomes a deep net: each node takes the result of the last one and constants. A graph that
//! branches is refused, as is an operator that has no form among the net's operations.

use super::{
    Read, malformed,
    proto::{Graph, Node, Tensor},
    unsupported,
};
use crate::error::ImportError;
use yard_score::{
    deep::{DeepNet, DeepOp, Pointwise},
    model::{Link, Model},
};

/// Sizes of a row's tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    Vector(usize),
    Image([usize; 3]),
}

struct Chain<'a> {
    graph: &'a Graph,
    ops: Vec<DeepOp>,
    shape: Shape,
    link: Link,
}

pub(super) fn read(graph: &Graph, nodes: &[Node], features: usize) -> Result<Read, ImportError> {
    let sizes: Vec<usize> =
        graph.inputs.first().map_or(&[][..], |input| &input.2).iter().map(|s| *s as usize).collect();
    let mut chain = Chain { graph, ops: Vec::new(), shape: Shape::Vector(features), link: Link::Identity };
    chain.ops.push(DeepOp::Input { first: 0, count: features as u32 });
    if let [_, planes, height, width] = sizes[..] {
        chain.image([planes, height, width]);
    }
    let mut last = nodes.first().and_then(|node| node.inputs.first()).cloned().unwrap_or_default();
    for (at, node) in nodes.iter().enumerate() {
        let data = node.inputs.iter().filter(|name| !graph.constants.contains_key(*name) && !name.is_empty());
        let data: Vec<&String> = data.collect();
        if data.len() != 1 || *data[0] != last {
            let what = format!("operator {} with the inputs {data:?}", node.operator);
            return Err(unsupported(&what, "a graph that branches; a chain is read"));
        }
        let end = at + 1 == nodes.len();
        chain.node(node, end)?;
        last = node.outputs.first().cloned().unwrap_or_default();
    }
    let Shape::Vector(outputs) = chain.shape else {
        return Err(malformed("graph", "it ends with an image".to_owned(), "a vector"));
    };
    let (link, classes) = match (chain.link, outputs) {
        (Link::Logistic, 1) => (Link::Logistic, vec!["0".to_owned(), "1".to_owned()]),
        (Link::Softmax, 2..) => (Link::Softmax, (0..outputs).map(|class| class.to_string()).collect()),
        (Link::Identity, 1) => (Link::Identity, Vec::new()),
        (link, outputs) => {
            let what = format!("{outputs} numbers at the end ({link:?})");
            return Err(unsupported(
                &what,
                "what they mean; end with Softmax, or with Sigmoid or nothing for one",
            ));
        }
    };
    let net = DeepNet {
        n_features: features as u32,
        outputs: outputs as u32,
        ops: chain.ops,
        scale: 1.0,
        shift: 0.0,
    };
    let two = link == Link::Softmax && outputs == 2;
    let (model, link) = if two { (margin_of_two(net), Link::Logistic) } else { (net, link) };
    Ok(Read { model: Model::Deep(model), link, classes, scales: Vec::new(), objective: "layers".to_owned() })
}

/// Of two classes the margin is what the second has above the first.
fn margin_of_two(mut net: DeepNet) -> DeepNet {
    let weights = vec![-1.0, 1.0];
    net.ops.push(DeepOp::Dense { inputs: 2, weights, bias: vec![0.0], activation: Pointwise::Identity });
    DeepNet { outputs: 1, ..net }
}

impl Chain<'_> {
    fn constant(&self, node: &Node, at: usize) -> Result<&Tensor, ImportError> {
        let found = node.inputs.get(at).and_then(|name| self.graph.constants.get(name));
        found.ok_or_else(|| malformed(&node.operator, format!("input {at} is no constant"), "a constant"))
    }

    fn image(&mut self, sizes: [usize; 3]) {
        let [channels, height, width] = sizes.map(|size| size as u32);
        self.ops.push(DeepOp::Image { channels, height, width });
        self.shape = Shape::Image(sizes);
    }

    fn node(&mut self, node: &Node, end: bool) -> Result<(), ImportError> {
        let activate = |activation| DeepOp::Activate { activation };
        match node.operator.as_str() {
            "Identity" | "Dropout" | "Cast" => {}
            "Relu" => self.ops.push(activate(Pointwise::Relu)),
            "Tanh" => self.ops.push(activate(Pointwise::Tanh)),
            "Gelu" if node.text("approximate") != "tanh" => self.ops.push(activate(Pointwise::Gelu)),
            "Sigmoid" if end => self.link = Link::Logistic,
            "Softmax" if end => self.link = Link::Softmax,
            "Gemm" | "MatMul" => self.dense(node)?,
            "Add" | "Sub" | "Mul" | "Div" | "BatchNormalization" => self.affine(node)?,
            "LayerNormalization" => self.layer_norm(node)?,
            "Conv" => self.conv(node)?,
            "MaxPool" => self.max_pool(node)?,
            "GlobalAveragePool" => {
                let [planes, ..] = self.planes(node)?;
                self.ops.push(DeepOp::PlaneMeans);
                self.shape = Shape::Vector(planes);
            }
            "Flatten" | "Reshape" => self.reshape(node)?,
            other => return Err(unsupported(&format!("operator {other}"), "its computation")),
        }
        Ok(())
    }

    fn width(&self, node: &Node) -> Result<usize, ImportError> {
        match self.shape {
            Shape::Vector(width) => Ok(width),
            // What comes flat out of a pooled image of one pixel.
            Shape::Image([planes, 1, 1]) => Ok(planes),
            Shape::Image(sizes) => {
                Err(malformed(&node.operator, format!("an image {sizes:?} goes in"), "a vector"))
            }
        }
    }

    fn planes(&self, node: &Node) -> Result<[usize; 3], ImportError> {
        match self.shape {
            Shape::Image(sizes) => Ok(sizes),
            Shape::Vector(width) => {
                Err(malformed(&node.operator, format!("a vector of {width} goes in"), "an image"))
            }
        }
    }

    fn dense(&mut self, node: &Node) -> Result<(), ImportError> {
        let width = self.width(node)?;
        let table = self.constant(node, 1)?;
        let turned = node.int("transB", 0) == 1;
        let plain =
            node.float("alpha", 1.0) == 1.0 && node.float("beta", 1.0) == 1.0 && node.int("transA", 0) == 0;
        let &[rows, columns] = table.sizes.as_slice() else {
            return Err(malformed(
                &node.operator,
                format!("weights of the sizes {:?}", table.sizes),
                "a matrix",
            ));
        };
        let (inputs, outputs) = if turned { (columns, rows) } else { (rows, columns) };
        if !plain || inputs != width {
            let problem = format!("weights {rows} × {columns} for {width} numbers");
            return Err(malformed(&node.operator, problem, "sizes that fit, alpha and beta 1"));
        }
        let at = |output: usize, input: usize| {
            if turned { output * inputs + input } else { input * outputs + output }
        };
        let weights = (0..outputs)
            .flat_map(|output| (0..inputs).map(move |input| at(output, input)))
            .map(|at| table.floats.get(at).copied().unwrap_or(0.0))
            .collect();
        let bias = if node.inputs.len() > 2 {
            spread(self.constant(node, 2)?, outputs, node)?
        } else {
            vec![0.0; outputs]
        };
        self.ops.push(DeepOp::Dense {
            inputs: inputs as u32,
            weights,
            bias,
            activation: Pointwise::Identity,
        });
        self.shape = Shape::Vector(outputs);
        Ok(())
    }

    fn affine(&mut self, node: &Node) -> Result<(), ImportError> {
        let count = match self.shape {
            Shape::Vector(width) | Shape::Image([1, _, width]) => width,
            Shape::Image([planes, ..]) => planes,
        };
        let (mut scale, mut shift) = (vec![1.0; count], vec![0.0; count]);
        if node.operator == "BatchNormalization" {
            if matches!(self.shape, Shape::Image([1, ..])) {
                return Err(unsupported("BatchNormalization of one plane", "its one factor"));
            }
            let part = |at| spread(self.constant(node, at)?, count, node);
            let (own, bias, mean, variance) = (part(1)?, part(2)?, part(3)?, part(4)?);
            let epsilon = f64::from(node.float("epsilon", 1e-5));
            for at in 0..count {
                let factor = f64::from(own[at]) / (f64::from(variance[at]) + epsilon).sqrt();
                scale[at] = factor as f32;
                shift[at] = (f64::from(bias[at]) - f64::from(mean[at]) * factor) as f32;
            }
        } else {
            let constant = self.graph.constants.contains_key(node.inputs.first().map_or("", String::as_str));
            let values = spread(self.constant(node, usize::from(!constant))?, count, node)?;
            match (node.operator.as_str(), constant) {
                ("Add", _) => shift = values,
                ("Mul", _) => scale = values,
                ("Sub", false) => shift = values.iter().map(|value| -value).collect(),
                ("Div", false) => scale = values.iter().map(|value| 1.0 / value).collect(),
                ("Sub", true) => (scale, shift) = (vec![-1.0; count], values),
                _ => return Err(unsupported("a constant divided by numbers", "its poles")),
            }
        }
        self.ops.push(DeepOp::Affine { scale, shift, activation: Pointwise::Identity });
        Ok(())
    }

    fn layer_norm(&mut self, node: &Node) -> Result<(), ImportError> {
        let width = self.width(node)?;
        if !matches!(node.int("axis", -1), -1 | 1) {
            return Err(unsupported("LayerNormalization of several axes", "its means"));
        }
        let scale = spread(self.constant(node, 1)?, width, node)?;
        let shift = if node.inputs.len() > 2 {
            spread(self.constant(node, 2)?, width, node)?
        } else {
            vec![0.0; width]
        };
        self.ops.push(DeepOp::LayerNorm { scale, shift, epsilon: node.float("epsilon", 1e-5) });
        Ok(())
    }

    fn conv(&mut self, node: &Node) -> Result<(), ImportError> {
        let [planes, height, width] = self.planes(node)?;
        let table = self.constant(node, 1)?;
        let &[outputs, channels, kernel, other] = table.sizes.as_slice() else {
            return Err(malformed("Conv", format!("weights of the sizes {:?}", table.sizes), "four sizes"));
        };
        let all = |name: &str, value: i64| node.ints(name).iter().all(|own| *own == value);
        let same = all("strides", 1)
            && all("dilations", 1)
            && node.int("group", 1) == 1
            && kernel == other
            && kernel % 2 == 1;
        let padded = node.ints("pads").len() == 4 && all("pads", (kernel / 2) as i64);
        let padded = padded || (kernel == 1 && all("pads", 0)) || node.text("auto_pad").starts_with("SAME");
        if !same || !padded || channels != planes {
            let what = format!("Conv with weights {:?} on {planes} planes", table.sizes);
            return Err(unsupported(&what, "strides, dilations, groups and images that shrink"));
        }
        let weights = table.floats.clone();
        let bias = if node.inputs.len() > 2 {
            spread(self.constant(node, 2)?, outputs, node)?
        } else {
            vec![0.0; outputs]
        };
        let (channels, kernel) = (channels as u32, kernel as u32);
        self.ops.push(DeepOp::Conv { channels, kernel, weights, bias, activation: Pointwise::Identity });
        self.shape = Shape::Image([outputs, height, width]);
        Ok(())
    }

    fn max_pool(&mut self, node: &Node) -> Result<(), ImportError> {
        let [planes, height, width] = self.planes(node)?;
        let sides = node.ints("kernel_shape");
        let plain = sides.len() == 2 && sides[0] == sides[1] && node.ints("strides") == sides;
        let padded = node.ints("pads").iter().any(|pad| *pad != 0) || node.int("ceil_mode", 0) != 0;
        let size = sides.first().and_then(|side| usize::try_from(*side).ok()).unwrap_or(0);
        if !plain || padded || size == 0 {
            return Err(unsupported(
                &format!("MaxPool with the sides {sides:?}"),
                "squares that overlap or are padded",
            ));
        }
        self.ops.push(DeepOp::MaxPool { size: size as u32 });
        self.shape = Shape::Image([planes, height / size, width / size]);
        Ok(())
    }

    fn reshape(&mut self, node: &Node) -> Result<(), ImportError> {
        let sizes =
            if node.operator == "Flatten" { vec![0, -1] } else { self.constant(node, 1)?.ints.clone() };
        let own = match self.shape {
            Shape::Vector(width) => width,
            Shape::Image([a, b, c]) => a.saturating_mul(b).saturating_mul(c),
        };
        match sizes[..] {
            [_, width] if width == -1 || width == own as i64 => {
                if matches!(self.shape, Shape::Image(_)) {
                    self.ops.push(DeepOp::Flatten);
                }
                self.shape = Shape::Vector(own);
            }
            [_, a, b, c] if [a, b, c].iter().all(|size| *size > 0) => {
                let sizes = [a, b, c].map(|size| size as usize);
                if self.shape
                    == Shape::Vector(sizes.iter().fold(1_usize, |all, size| all.saturating_mul(*size)))
                {
                    self.image(sizes);
                } else {
                    return Err(malformed("Reshape", format!("{own} numbers to {sizes:?}"), "as many"));
                }
            }
            _ => return Err(unsupported(&format!("{} to {sizes:?}", node.operator), "its order")),
        }
        Ok(())
    }
}

/// Returns one number for each place, of as many or of one.
fn spread(tensor: &Tensor, count: usize, node: &Node) -> Result<Vec<f32>, ImportError> {
    match tensor.floats.len() {
        own if own == count => Ok(tensor.floats.clone()),
        1 => Ok(vec![tensor.floats[0]; count]),
        own => Err(malformed(&node.operator, format!("{own} numbers for {count} places"), "one for each")),
    }
}
