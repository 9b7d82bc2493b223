//! A TensorFlow `SavedModel`, written without TensorFlow: the graph of the whole pipeline with its weights as
//! constants and the signature `serving_default`. The operations are those of the ONNX graph, each put into
//! TensorFlow's own; trees are walked by gathers, one step a level, and summed on their grid.
//! Formats: TensorFlow, `saved_model.proto`, `meta_graph.proto`, `graph.proto`, `tensor.proto`.

mod graph;
mod lower;
#[cfg(test)]
mod tests;
mod trees;

use crate::{
    error::ExportError,
    exported::Exported,
    onnx::{
        self, Layout, Port,
        graph::{Info, Kind},
        protobuf::Message,
    },
    subject::Subject,
};
use graph::{TfGraph, type_number};
use std::collections::BTreeMap;

const USAGE: &str = "\
Load this folder with `tf.saved_model.load` or serve it with TensorFlow Serving; the signature is `serving_default`.
Each field is an input of shape [N, 1].
";

/// Exports a folder.
pub(crate) fn export(subject: &Subject<'_>) -> Result<Exported, ExportError> {
    if !subject.parts.recipe.texts.is_empty() {
        return Err(ExportError::Unsupported {
            format: "a SavedModel",
            what: "free text".to_owned(),
            lost: "the splitting of texts into terms",
            instead: "onnx",
        });
    }
    let drawn = onnx::draw(subject, Layout::Matrix)?;
    let mut out = TfGraph::new(drawn.graph.kinds());
    lower::lower(&mut out, &drawn.graph)?;
    let signature = signature(&drawn.graph.inputs, (&drawn.graph.outputs, &drawn.outputs), &out);
    let meta = Message::new().text(4, "serve").text(5, "2.16.0");
    let entry = Message::new().text(1, "serving_default").message(2, &signature);
    let graph = Message::new().message(1, &meta).message(2, &out.into_message()).message(5, &entry);
    let bytes = Message::new().int(1, 1).message(2, &graph).into_bytes();
    let usage = format!("{USAGE}\n{}", subject.field_table());
    let mut notes = drawn.notes;
    notes.push(
        "Sums of linear models and nets go in TensorFlow's order: margins agree to rounding.".to_owned(),
    );
    let readme = subject.readme("TensorFlow SavedModel", &usage, &notes);
    let files =
        BTreeMap::from([("saved_model.pb".to_owned(), bytes), ("README.md".to_owned(), readme.into_bytes())]);
    Ok(Exported { files, main: None, notes })
}

/// The names of a signature are those of fields and outputs; the names of nodes are plain.
fn signature(inputs: &[Info], (outputs, ports): (&[Info], &[Port]), graph: &TfGraph) -> Message {
    let tensor = |info: &Info| {
        let size = |size: i64| Message::new().int(1, size);
        let mut shape = Message::new().messages(2, [size(-1)]);
        shape = shape.messages(2, info.width.map(|width| size(width as i64)));
        let kind = if info.kind == Kind::Uint8 { Kind::Int64 } else { info.kind };
        let name = format!("{}:0", graph.name(&info.name));
        Message::new().text(1, &name).int(2, type_number(kind)).message(3, &shape)
    };
    let entry = |name: &str, info: &Info| Message::new().text(1, name).message(2, &tensor(info));
    Message::new()
        .messages(1, inputs.iter().map(|info| entry(&info.name, info)))
        .messages(2, outputs.iter().zip(ports).map(|(info, port)| entry(&port.name, info)))
        .text(3, "tensorflow/serving/predict")
}
