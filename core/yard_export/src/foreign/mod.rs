//! Models read from ONNX: ensembles of trees, linear models and chains of layers become the scorer's own models, so
//! that they are checked, served and watched like any other. Nothing in the file is run: an operator that has
//! no form here is refused by its name, as is data in another file.
//! Format: ONNX (IR version 3 to 11, `ai.onnx` up to 26, `ai.onnx.ml` up to 5).

mod layers;
mod linear;
mod proto;
#[cfg(test)]
mod tests;
mod trees;
mod wire;

use crate::{error::ImportError, imported::Imported};
use proto::{Graph, Node};
use yard_score::{
    model::{Calibration, Link, Model, ScorerParts},
    scorer::Scorer,
};
use yard_types::{
    cell::CellRules,
    frame::Task,
    ids::Sha256,
    recipe::{Encoding, FeatureOp, Scale},
    schema::FieldType,
};

const FORMAT: &str = "ONNX";
/// Most features.
const MOST_FEATURES: usize = 1 << 18;

fn malformed(place: &str, problem: String, expected: &'static str) -> ImportError {
    ImportError::Malformed { format: FORMAT, place: place.to_owned(), problem, expected }
}

fn unsupported(what: &str, lost: &'static str) -> ImportError {
    ImportError::Unsupported {
        format: FORMAT,
        what: what.to_owned(),
        lost,
        instead: "serve the file with ONNX Runtime, or save the model without it",
    }
}

/// What a graph was read as.
struct Read {
    model: Model,
    link: Link,
    classes: Vec<String>,
    /// Offset and factor of each feature, where a scaler comes first.
    scales: Vec<Scale>,
    objective: String,
}

/// Returns whether bytes look like a model file: a message with an IR version and fields of a model.
pub(crate) fn is_onnx(bytes: &[u8]) -> bool {
    bytes.first() == Some(&8) && bytes.get(1).is_some_and(|version| (1..=20).contains(version))
}

/// Reads a model file.
pub(crate) fn read(bytes: &[u8]) -> Result<Imported, ImportError> {
    let graph = proto::read(bytes)?;
    let (_, features) = input(&graph)?;
    let read = interpret(&graph, features)?;
    let trees = matches!(read.model, Model::Trees(_));
    let mut notes = vec![format!(
        "Read from {}: sums are in this scorer's order, so that margins agree with ONNX Runtime's to rounding.",
        if graph.producer.is_empty() { "ONNX" } else { &graph.producer }
    )];
    if !trees {
        notes.push(
            "A missing value is scored as 0 before scaling: the graph itself would give NaN.".to_owned(),
        );
    }
    let parts = parts(read, features, trees)?;
    Scorer::new(&parts.0)?;
    Ok(Imported { format: FORMAT, objective: parts.1, parts: parts.0, notes, sha256: Sha256([0; 32]) })
}

/// Returns the one input of numbers and how many they are.
fn input(graph: &Graph) -> Result<(&str, usize), ImportError> {
    let [(name, kind, sizes)] = graph.inputs.as_slice() else {
        let what = format!("a graph of {} inputs", graph.inputs.len());
        return Err(unsupported(&what, "which column is which; one tensor of numbers is read"));
    };
    if *kind != 1 {
        return Err(unsupported(&format!("an input of element type {kind}"), "f32 is read"));
    }
    let own = sizes.get(1..).unwrap_or_default();
    let count = own.iter().try_fold(1_usize, |count, size| {
        usize::try_from(*size).ok().filter(|size| *size > 0).and_then(|size| count.checked_mul(size))
    });
    match count {
        Some(count) if !own.is_empty() && count <= MOST_FEATURES => Ok((name, count)),
        _ => {
            let problem = format!("input \"{name}\" has the sizes {sizes:?}");
            Err(malformed("graph", problem, "[N, features] with at most 262,144 features"))
        }
    }
}

/// Follows the graph from its input.
fn interpret(graph: &Graph, features: usize) -> Result<Read, ImportError> {
    check_domains(graph)?;
    let mut scales = Vec::new();
    let mut rest = graph.nodes.as_slice();
    while let [first, more @ ..] = rest {
        match first.operator.as_str() {
            "Scaler" if scales.is_empty() => scales = linear::scaler(first, features)?,
            "Identity" | "Cast" => {}
            _ => break,
        }
        rest = more;
    }
    let Some(first) = rest.first() else {
        return Err(malformed(
            "graph",
            "there is no model in it".to_owned(),
            "trees, a linear model or layers",
        ));
    };
    let read = match first.operator.as_str() {
        "TreeEnsembleClassifier" | "TreeEnsembleRegressor" => trees::read(first, features)?,
        "LinearClassifier" | "LinearRegressor" => linear::read(first, features)?,
        _ => return Ok(Read { scales, ..layers::read(graph, rest, features)? }),
    };
    after(&rest[1..])?;
    if !scales.is_empty() && matches!(read.model, Model::Trees(_)) {
        return Err(unsupported("a scaler before trees", "the rounding of scaled numbers"));
    }
    Ok(Read { scales, ..read })
}

fn check_domains(graph: &Graph) -> Result<(), ImportError> {
    let own = |node: &&Node| !matches!(node.domain.as_str(), "" | "ai.onnx" | "ai.onnx.ml");
    match graph.nodes.iter().find(own) {
        None => Ok(()),
        Some(node) => {
            let what = format!("operator {} of domain \"{}\"", node.operator, node.domain);
            Err(unsupported(&what, "its computation"))
        }
    }
}

/// What may follow a classifier: nodes that only hand its answer on.
fn after(nodes: &[Node]) -> Result<(), ImportError> {
    let plain = |node: &Node| match node.operator.as_str() {
        "ZipMap" | "Cast" | "Identity" | "Reshape" | "ArrayFeatureExtractor" | "ArgMax" => true,
        "Normalizer" => node.text("norm") == "L1",
        _ => false,
    };
    match nodes.iter().find(|node| !plain(node)) {
        None => Ok(()),
        Some(node) => {
            Err(unsupported(&format!("operator {} behind the model", node.operator), "its computation"))
        }
    }
}

/// Puts the parts together: one field for each column.
fn parts(read: Read, features: usize, trees: bool) -> Result<(ScorerParts, String), ImportError> {
    let task = match read.link {
        Link::Identity | Link::Log => Task::Regression,
        Link::Logistic => Task::Binary,
        Link::Softmax => Task::Multiclass,
    };
    if read.model.outputs() == 0 || (task == Task::Regression && read.model.outputs() != 1) {
        return Err(unsupported(
            &format!("{} numbers without classes", read.model.outputs()),
            "one target is scored",
        ));
    }
    let encoding = if trees { Encoding::Trees } else { Encoding::Dense };
    let mut recipe = crate::imported::number_recipe(FORMAT, features, encoding)?;
    for (at, feature) in recipe.features.iter_mut().enumerate().filter(|_| !trees) {
        feature.op = FeatureOp::Number { fill: Some(0.0), scale: read.scales.get(at).copied() };
    }
    for input in &mut recipe.inputs {
        input.field_type = FieldType::Number;
        input.rules = CellRules { null_words: Vec::new(), ..CellRules::default() };
    }
    let parts = ScorerParts {
        task,
        classes: read.classes,
        recipe,
        link: read.link,
        calibration: Calibration::None,
        model: read.model,
    };
    Ok((parts, read.objective))
}

/// Returns the labels of a classifier as words.
fn labels(node: &Node) -> Vec<String> {
    for name in ["classlabels_strings", "classlabels_ints", "classlabels_int64s"] {
        let words = node.texts(name);
        if !words.is_empty() {
            return words.to_vec();
        }
        let numbers = node.ints(name);
        if !numbers.is_empty() {
            return numbers.iter().map(i64::to_string).collect();
        }
    }
    Vec::new()
}
