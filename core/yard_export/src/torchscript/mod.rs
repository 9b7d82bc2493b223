//! A `TorchScript` module, written without `PyTorch`: the source of one `forward` and its constants. The operations are those
//! of the ONNX graph. `PyTorch` calls `TorchScript` legacy, and so does the README: new systems take ONNX.
//! Format: `PyTorch`, `torch/csrc/jit/docs/serialization.md`.

mod code;
mod pickle;
#[cfg(test)]
mod tests;

use crate::{
    error::ExportError,
    exported::Exported,
    onnx::{self, Layout, PortKind},
    subject::{Subject, add},
};
use std::collections::BTreeMap;

const USAGE: &str = "\
`torch.jit.load(\"model.pt\")`, then call it with one argument for each field in this order: a tensor [N, 1], or for words a
list of N strings. It returns label, probabilities, margin and decision as a tuple, or the prediction alone. PyTorch keeps
TorchScript as legacy: take ONNX where you can.
";

/// Exports the module.
pub(crate) fn export(subject: &Subject<'_>) -> Result<Exported, ExportError> {
    if !subject.parts.recipe.texts.is_empty() {
        return Err(ExportError::Unsupported {
            format: "TorchScript",
            what: "free text".to_owned(),
            lost: "the splitting of texts into terms",
            instead: "onnx",
        });
    }
    let drawn = onnx::draw(subject, Layout::Matrix)?;
    let (source, constants) = code::source(&drawn.graph)?;
    let mut entries = vec![
        ("model/data.pkl".to_owned(), pickle::module()),
        ("model/code/__torch__.py".to_owned(), source.into_bytes()),
    ];
    for (index, own) in constants.iter().enumerate() {
        entries.push((format!("model/constants/{index}"), pickle::numbers(&own.tensor)));
    }
    entries.push(("model/constants.pkl".to_owned(), pickle::constants(&constants)));
    entries.push(("model/version".to_owned(), b"3\n".to_vec()));
    let mut usage = format!("{USAGE}\n| argument | type |\n|---|---|\n");
    for port in &drawn.inputs {
        let kind = match port.kind {
            PortKind::Text => "list of strings",
            PortKind::Int64 => "int64",
            PortKind::Float => "float32",
            _ => "float64",
        };
        add(&mut usage, format_args!("| `{}` | {kind} |\n", port.name.replace('|', "\\|")));
    }
    let mut notes = drawn.notes;
    notes.push("Sums of linear models and nets go in PyTorch's order: margins agree to rounding.".to_owned());
    let readme = subject.readme("TorchScript module (legacy)", &usage, &notes);
    let files = BTreeMap::from([
        ("model.pt".to_owned(), pickle::zip(&entries)),
        ("README.md".to_owned(), readme.into_bytes()),
    ]);
    Ok(Exported { files, main: Some("model.pt"), notes })
}
