//! A Triton model repository: `NAME/config.pbtxt`, `NAME/VERSION/model.onnx`, labels and a warm-up request made
//! from a golden example. Layout and keys: Triton Inference Server, "Model Repository", "Model Configuration".

use crate::{
    error::ExportError,
    exported::Exported,
    onnx::{self, Built, Layout, Port, PortKind},
    subject::{Subject, add},
};
use serde_json::Value;
use std::collections::BTreeMap;

const USAGE: &str = "\
Give this folder to Triton: `tritonserver --model-repository=FOLDER` (ONNX Runtime backend, `ai.onnx.ml` 5).
Batches are dynamic; every input and output has one row for each row of the batch.
";

/// Rows of the warm-up.
const WARM_UP_ROWS: usize = 1;
/// Largest batch that Triton puts together.
const MAX_BATCH: usize = 4096;

/// Exports a repository of one model.
pub(crate) fn export(subject: &Subject<'_>) -> Result<Exported, ExportError> {
    let built = onnx::build(subject, Layout::Matrix)?;
    let name = subject.name();
    let (warm_up, mut files) = warm_up(subject, &built);
    files.insert(format!("{name}/config.pbtxt"), config(subject, &built, &warm_up).into_bytes());
    if !subject.parts.classes.is_empty() {
        let labels: Vec<String> = subject.parts.classes.iter().map(|class| one_line(class)).collect();
        let labels = labels.join("\n") + "\n";
        files.insert(format!("{name}/labels.txt"), labels.into_bytes());
    }
    let readme = subject.readme("Triton model repository", USAGE, &built.notes);
    files.insert("README.md".to_owned(), readme.into_bytes());
    files.insert(format!("{name}/{}/model.onnx", subject.version), built.bytes);
    Ok(Exported { files, main: None, notes: built.notes })
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn data_type(kind: PortKind) -> &'static str {
    match kind {
        PortKind::Double => "TYPE_FP64",
        PortKind::Float => "TYPE_FP32",
        PortKind::Int64 => "TYPE_INT64",
        PortKind::Text => "TYPE_STRING",
        PortKind::Bool => "TYPE_BOOL",
    }
}

/// Quotes text for the text form of Protocol Buffers: bytes beyond ASCII as octal.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(char::from(byte));
            }
            0x20..=0x7e => out.push(char::from(byte)),
            _ => add(&mut out, format_args!("\\{byte:03o}")),
        }
    }
    out.push('"');
    out
}

fn config(subject: &Subject<'_>, built: &Built, warm_up: &str) -> String {
    let mut out = String::new();
    add(&mut out, format_args!("name: {}\nbackend: \"onnxruntime\"\n", quoted(subject.name())));
    add(&mut out, format_args!("default_model_filename: \"model.onnx\"\nmax_batch_size: {MAX_BATCH}\n"));
    for port in &built.inputs {
        add(&mut out, format_args!("input {{\n{}}}\n", port_lines(port)));
    }
    for port in &built.outputs {
        let labels = if port.name == "probabilities" { "  label_filename: \"labels.txt\"\n" } else { "" };
        add(&mut out, format_args!("output {{\n{}{labels}}}\n", port_lines(port)));
    }
    out.push_str("version_policy { latest { num_versions: 2 } }\n");
    out.push_str("instance_group { kind: KIND_CPU count: 1 }\n");
    out.push_str("dynamic_batching { max_queue_delay_microseconds: 500 }\n");
    let mut parameter = |key: &str, value: &str| {
        let value = quoted(value);
        add(&mut out, format_args!("parameters {{ key: \"{key}\" value {{ string_value: {value} }} }}\n"));
    };
    parameter("model_sha256", &subject.model_sha256.to_string());
    parameter("target", &subject.contract.target);
    if let Some(threshold) = subject.threshold {
        parameter("threshold", &threshold.to_string());
    }
    out.push_str(warm_up);
    out
}

fn port_lines(port: &Port) -> String {
    format!("  name: {}\n  data_type: {}\n  dims: {}\n", quoted(&port.name), data_type(port.kind), port.width)
}

/// Returns the warm-up of the configuration, with one file for each input: raw little-endian values.
fn warm_up(subject: &Subject<'_>, built: &Built) -> (String, BTreeMap<String, Vec<u8>>) {
    let mut files = BTreeMap::new();
    let Some(golden) = subject.golden.first() else { return (String::new(), files) };
    let mut out = format!("model_warmup {{\n  name: \"golden\"\n  batch_size: {WARM_UP_ROWS}\n");
    for (index, port) in built.inputs.iter().enumerate() {
        let value = golden.request.get(&port.name).unwrap_or(&Value::Null);
        let file = format!("input_{index}");
        add(
            &mut out,
            format_args!(
                "  inputs {{\n    key: {}\n    value {{ data_type: {} dims: {} input_data_file: \"{file}\" }}\n  }}\n",
                quoted(&port.name),
                data_type(port.kind),
                port.width
            ),
        );
        files.insert(format!("{}/warmup/{file}", subject.name()), warm(value, port));
    }
    out.push_str("}\n");
    (out, files)
}

/// Returns the bytes of an input: a value, or the pixels of no image.
fn warm(value: &Value, port: &Port) -> Vec<u8> {
    if port.kind == PortKind::Float {
        return f32::NAN.to_le_bytes().repeat(port.width);
    }
    raw(value, port.kind)
}

/// Returns a JSON value as the bytes of a tensor element.
fn raw(value: &Value, kind: PortKind) -> Vec<u8> {
    match kind {
        PortKind::Text => {
            let text = value.as_str().unwrap_or_default().as_bytes();
            let mut out = (text.len() as u32).to_le_bytes().to_vec();
            out.extend(text);
            out
        }
        PortKind::Int64 => instant(value).to_le_bytes().to_vec(),
        _ => number(value).to_le_bytes().to_vec(),
    }
}

/// Returns a number of a request as the graph takes it.
pub(crate) fn number(value: &Value) -> f64 {
    match value {
        Value::Bool(yes) => f64::from(u8::from(*yes)),
        other => other.as_f64().unwrap_or(f64::NAN),
    }
}

/// Returns a point in time of a request as the graph takes it.
pub(crate) fn instant(value: &Value) -> i64 {
    let text = value.as_str();
    let micros = text.and_then(|text| yard_types::date::parse(text, yard_types::cell::DateFormat::Iso));
    micros.unwrap_or(yard_types::table::MISSING_INSTANT)
}
