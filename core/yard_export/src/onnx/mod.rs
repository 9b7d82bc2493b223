//! The whole pipeline as one ONNX graph: fields in, label, probabilities, margin and decision out. Numbers go
//! through the recipe in f64 and become f32 once, as in the scorer; trees are summed in f32 on their grid and
//! dense nets in the scorer's lanes, so that margins have the same bits. Linear models and deep nets agree to
//! rounding. Images come in as pixels; texts are cut by ONNX Runtime's own operators.
//! Format: ONNX 1.16 and later (opset 21, `ai.onnx.ml` 5).

mod dates;
mod deep;
mod fields;
pub(crate) mod graph;
mod images;
mod model;
mod net;
mod outcome;
pub(crate) mod protobuf;
#[cfg(test)]
mod tests;
mod text;
mod trees;

use crate::{error::ExportError, exported::Exported, subject::Subject};
use graph::{Graph, Kind};
use std::collections::BTreeMap;

/// Largest message of Protocol Buffers.
const MOST_BYTES: usize = (1 << 31) - 1;

/// How the outputs are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// `probabilities` and `margin` are matrices `[N, classes]`.
    Matrix,
    /// Inputs are `[N]`, and each class has an output of its own, `p_CLASS`, `margin_CLASS`: for systems that
    /// feed a table column by column and make a table of the outputs.
    Columns,
}

/// A tensor of the graph's signature.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Port {
    pub(crate) name: String,
    pub(crate) kind: PortKind,
    /// Columns.
    pub(crate) width: usize,
}

/// Element type of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PortKind {
    Double,
    Float,
    Int64,
    Text,
    Bool,
}

impl PortKind {
    fn of(kind: Kind) -> Self {
        match kind {
            Kind::Double => Self::Double,
            Kind::Float => Self::Float,
            Kind::Int64 | Kind::Uint8 => Self::Int64,
            Kind::Text => Self::Text,
            Kind::Bool => Self::Bool,
        }
    }
}

/// A graph with its signature.
#[derive(Clone, Debug)]
pub(crate) struct Built {
    pub(crate) bytes: Vec<u8>,
    pub(crate) inputs: Vec<Port>,
    pub(crate) outputs: Vec<Port>,
    pub(crate) notes: Vec<String>,
}

/// A graph that is not written yet, with its signature.
pub(crate) struct Drawn {
    pub(crate) graph: Graph,
    pub(crate) inputs: Vec<Port>,
    pub(crate) outputs: Vec<Port>,
    pub(crate) notes: Vec<String>,
}

/// Draws the graph.
pub(crate) fn draw(subject: &Subject<'_>, layout: Layout) -> Result<Drawn, ExportError> {
    if let Some(problem) = fields::problem(subject, layout) {
        return Err(problem);
    }
    let mut graph = Graph::default();
    let inputs = fields::inputs(&mut graph, subject, layout);
    let features = fields::features(&mut graph, subject, &inputs);
    let margins = model::margins(&mut graph, subject, &features)?;
    let outputs = outcome::outputs(&mut graph, subject, &margins, layout);
    let mut notes = subject.reading_notes();
    notes.extend(fields::image_notes(subject, &inputs));
    notes.extend(text::notes(&subject.parts.recipe.texts));
    for (wanted, port) in outputs.iter().filter(|(wanted, port)| *wanted != port.name) {
        notes.push(format!("A field is named `{wanted}`: the output has the name `{}`.", port.name));
    }
    Ok(Drawn {
        graph,
        inputs: inputs.into_iter().flat_map(|input| input.ports).collect(),
        outputs: outputs.into_iter().map(|(_, port)| port).collect(),
        notes,
    })
}

/// Builds the graph.
pub(crate) fn build(subject: &Subject<'_>, layout: Layout) -> Result<Built, ExportError> {
    let Drawn { graph, inputs, outputs, notes } = draw(subject, layout)?;
    let doc = subject.readme("ONNX model", &usage(subject, layout), &notes);
    let bytes = graph.finish(subject.name(), &doc, &facts(subject));
    if bytes.len() > MOST_BYTES {
        return Err(ExportError::Unsupported {
            format: "ONNX",
            what: format!("{} of {} bytes", subject.family(), bytes.len()),
            lost: "a graph has 2 GiB at most",
            instead: "lightgbm",
        });
    }
    Ok(Built { bytes, inputs, outputs, notes })
}

/// Exports the model with its README.
pub(crate) fn export(subject: &Subject<'_>) -> Result<Exported, ExportError> {
    let built = build(subject, Layout::Matrix)?;
    let readme = subject.readme("ONNX model", &usage(subject, Layout::Matrix), &built.notes);
    let files = BTreeMap::from([
        ("model.onnx".to_owned(), built.bytes),
        ("README.md".to_owned(), readme.into_bytes()),
    ]);
    Ok(Exported { files, main: Some("model.onnx"), notes: built.notes })
}

fn usage(subject: &Subject<'_>, layout: Layout) -> String {
    let shape = if layout == Layout::Matrix { "[N, 1]" } else { "[N]" };
    format!(
        "Runs in ONNX Runtime 1.22 or later. Each field is an input of shape {shape}:\n\n{}\nOutputs, one row \
         for each row of the inputs: `label`, `probabilities` (calibrated, classes in order), `margin`, and \
         for two classes `decision`; for regression `prediction`.",
        subject.field_table()
    )
}

fn facts(subject: &Subject<'_>) -> Vec<(&'static str, String)> {
    let (slope, intercept) = subject.calibration();
    let mut facts = vec![
        ("model", subject.name().to_owned()),
        ("model_version", subject.version.to_string()),
        ("model_sha256", subject.model_sha256.to_string()),
        ("target", subject.contract.target.clone()),
        ("classes", serde_json::json!(subject.parts.classes).to_string()),
        ("calibration", serde_json::json!({"slope": slope, "intercept": intercept}).to_string()),
    ];
    if let (Some(threshold), Some(margin)) = (subject.threshold, subject.margin_threshold) {
        facts.push(("threshold", threshold.to_string()));
        facts.push(("margin_threshold", margin.to_string()));
    }
    facts
}
