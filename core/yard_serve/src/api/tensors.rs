//! Open Inference Protocol v2 over REST: answers and metadata.

use crate::{
    api::{
        raw::{any_binary, write_raw},
        tensor::{Output, Wanted},
    },
    json,
    served::{Answers, Served},
};
use yard_types::schema::FieldType;

/// Content type of answers with bytes behind the JSON.
pub(crate) const BINARY: &str = "application/octet-stream";
/// Header that gives the length of the JSON part.
pub(crate) const LENGTH_HEADER: &str = "inference-header-content-length";
/// Name in the server's metadata.
pub(crate) const SERVER_NAME: &str = "modelyard";
/// Extensions of the protocol that the server speaks.
pub(crate) const EXTENSIONS: &[&str] = &["binary_tensor_data", "model_repository", "statistics"];
/// Platform name in metadata.
pub(crate) const PLATFORM: &str = "modelyard_safetensors";

/// Writes the answer to an inference request with the outputs asked for, in their order. Returns the length
/// of the JSON part when bytes stand behind it.
pub(crate) fn write_tensors(
    served: &Served,
    id: &str,
    answers: &Answers,
    wanted: &[Wanted],
) -> (Vec<u8>, Option<usize>) {
    let mut bytes = Vec::new();
    let mut out = Vec::with_capacity(160 + answers.rows * (answers.classes + answers.outputs + 1) * 24);
    out.extend_from_slice(b"{\"model_name\":");
    json::write_string(&mut out, &served.identity.model);
    out.extend_from_slice(b",\"model_version\":\"");
    json::write_display(&mut out, served.identity.version);
    out.extend_from_slice(b"\",\"id\":");
    json::write_string(&mut out, id);
    out.extend_from_slice(b",\"outputs\":[");
    for (index, output) in wanted.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let before = bytes.len();
        if output.binary {
            write_raw(&mut bytes, served, answers, output.output);
        }
        write_tensor(&mut out, served, answers, *output, bytes.len() - before);
    }
    out.extend_from_slice(b"]}");
    if !any_binary(wanted) {
        return (out, None);
    }
    let json = out.len();
    out.append(&mut bytes);
    (out, Some(json))
}

fn write_tensor(out: &mut Vec<u8>, served: &Served, answers: &Answers, wanted: Wanted, bytes: usize) {
    let output = wanted.output;
    out.extend_from_slice(b"{\"name\":\"");
    out.extend_from_slice(output.name().as_bytes());
    out.extend_from_slice(b"\",\"shape\":[");
    json::write_display(out, answers.rows);
    let (datatype, width) = shape_of(output, answers.classes, answers.outputs);
    if let Some(width) = width {
        out.push(b',');
        json::write_display(out, width);
    }
    out.extend_from_slice(b"],\"datatype\":\"");
    out.extend_from_slice(datatype.as_bytes());
    if wanted.binary {
        out.extend_from_slice(b"\",\"parameters\":{\"binary_data_size\":");
        json::write_display(out, bytes);
        out.extend_from_slice(b"}}");
        return;
    }
    out.extend_from_slice(b"\",\"data\":[");
    match output {
        Output::Probability => {
            write_all(out, &answers.probabilities, |out, p| json::write_real(out, f64::from(*p)));
        }
        Output::Margin | Output::Prediction => {
            write_all(out, &answers.margins, |out, margin| json::write_real(out, f64::from(*margin)));
        }
        Output::Decision => write_all(out, &answers.decisions, |out, yes| json::write_display(out, yes)),
        Output::Label => write_all(out, &answers.labels, |out, label| {
            let class = served.fragments.classes.get(*label as usize);
            out.extend_from_slice(class.map_or(b"null", |class| class.as_slice()));
        }),
    }
    out.extend_from_slice(b"]}");
}

fn write_all<T>(out: &mut Vec<u8>, values: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(out, value);
    }
}

/// Returns the datatype of an output and its second dimension, if it has one.
pub(crate) fn shape_of(output: Output, classes: usize, outputs: usize) -> (&'static str, Option<usize>) {
    match output {
        Output::Probability => ("FP32", Some(classes)),
        Output::Margin => ("FP32", Some(outputs)),
        Output::Label => ("BYTES", None),
        Output::Decision => ("BOOL", None),
        Output::Prediction => ("FP32", None),
    }
}

/// Returns the datatype in which a field is best sent.
pub(crate) fn datatype_of(field_type: FieldType) -> &'static str {
    match field_type {
        FieldType::Number => "FP64",
        FieldType::Integer => "INT64",
        FieldType::Boolean => "BOOL",
        FieldType::Category | FieldType::Text | FieldType::Datetime | FieldType::Image => "BYTES",
    }
}

/// Writes `GET /v2`.
pub(crate) fn write_server_info() -> Vec<u8> {
    let version = env!("CARGO_PKG_VERSION");
    serde_json::json!({"name": SERVER_NAME, "version": version, "extensions": EXTENSIONS})
        .to_string()
        .into_bytes()
}

/// Writes the metadata of a model; `versions` are those that can be asked for by number.
pub(crate) fn write_model_info(served: &Served, versions: &[u64]) -> Vec<u8> {
    let mut out = b"{\"name\":".to_vec();
    json::write_string(&mut out, &served.identity.model);
    out.extend_from_slice(b",\"versions\":[");
    write_all(&mut out, versions, |out, version| json::write_string(out, &version.to_string()));
    out.extend_from_slice(b"],\"platform\":\"");
    out.extend_from_slice(PLATFORM.as_bytes());
    out.extend_from_slice(b"\",\"inputs\":[");
    write_all(&mut out, &served.inputs.fields, |out, field| {
        write_info(out, &field.name, datatype_of(field.field_type), Some(1));
    });
    out.extend_from_slice(b"],\"outputs\":[");
    write_all(&mut out, Output::of(served.scorer().task()), |out, output| {
        let classes = served.scorer().classes().len();
        let (datatype, width) = shape_of(*output, classes, served.scorer().outputs());
        write_info(out, output.name(), datatype, width);
    });
    out.extend_from_slice(b"]}");
    out
}

fn write_info(out: &mut Vec<u8>, name: &str, datatype: &str, width: Option<usize>) {
    out.extend_from_slice(b"{\"name\":");
    json::write_string(out, name);
    out.extend_from_slice(b",\"datatype\":\"");
    out.extend_from_slice(datatype.as_bytes());
    out.extend_from_slice(b"\",\"shape\":[-1");
    if let Some(width) = width {
        out.push(b',');
        json::write_display(out, width);
    }
    out.extend_from_slice(b"]}");
}
