//! An MLflow model folder: `MLmodel` with the flavours `onnx` and `python_function` (MLflow's own loader of ONNX,
//! no code of ours), signature, input example and requirements. MLflow makes a table of the outputs, so each
//! class is a column of its own. Format: MLflow, "MLflow Models".

use crate::{
    error::ExportError,
    exported::Exported,
    onnx::{self, Built, Layout, Port, PortKind},
    subject::{Subject, add},
    triton::{instant, number},
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const USAGE: &str = "\
`mlflow.pyfunc.load_model(FOLDER).predict(frame)` or `mlflow models serve -m FOLDER --env-manager local`.
The frame has a column for each field: doubles (NaN is missing), strings (the empty string is missing), and
microseconds since 1970 as int64 for points in time.
";

/// Versions that the export was checked with (tests/interop).
const ONNX: &str = "1.19.0";
const ONNX_RUNTIME: &str = "1.22";
const MLFLOW: &str = "3.0.0";
/// MLflow hands columns to ONNX Runtime as pandas holds them; from pandas 3 on strings are no object arrays.
const PANDAS: &str = "<3";
const PYTHON: &str = "3.11.0";
/// Golden examples that become the input example.
const EXAMPLES: usize = 3;

/// Exports the folder.
pub(crate) fn export(subject: &Subject<'_>) -> Result<Exported, ExportError> {
    let built = onnx::build(subject, Layout::Columns)?;
    let requirements = format!("mlflow>=3\nonnx>={ONNX}\nonnxruntime>={ONNX_RUNTIME}\npandas{PANDAS}\n");
    let readme = subject.readme("MLflow model", USAGE, &built.notes);
    let mut files = BTreeMap::from([
        ("MLmodel".to_owned(), model_file(subject, &built).into_bytes()),
        ("requirements.txt".to_owned(), requirements.into_bytes()),
        ("python_env.yaml".to_owned(), python_env().into_bytes()),
        ("conda.yaml".to_owned(), conda().into_bytes()),
        ("README.md".to_owned(), readme.into_bytes()),
    ]);
    let example = example(subject, &built);
    files.insert("input_example.json".to_owned(), pretty(&example));
    let serving = json!({ "dataframe_split": example });
    files.insert("serving_input_example.json".to_owned(), pretty(&serving));
    files.insert("model.onnx".to_owned(), built.bytes);
    Ok(Exported { files, main: None, notes: built.notes })
}

fn pretty(value: &Value) -> Vec<u8> {
    serde_json::to_vec_pretty(value).unwrap_or_default()
}

fn type_name(kind: PortKind) -> &'static str {
    match kind {
        PortKind::Double => "double",
        PortKind::Float => "float",
        PortKind::Int64 => "long",
        PortKind::Text => "string",
        PortKind::Bool => "boolean",
    }
}

fn schema(ports: &[Port]) -> String {
    let column = |port: &Port| json!({"name": port.name, "type": type_name(port.kind), "required": true});
    Value::from(ports.iter().map(column).collect::<Vec<_>>()).to_string()
}

/// Quotes text for YAML: single quotes, doubled inside.
pub(crate) fn yaml(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn model_file(subject: &Subject<'_>, built: &Built) -> String {
    let mut out = String::from("flavors:\n  onnx:\n    code: null\n    data: model.onnx\n");
    add(&mut out, format_args!("    onnx_version: {ONNX}\n    providers:\n    - CPUExecutionProvider\n"));
    out.push_str("  python_function:\n    data: model.onnx\n    env:\n      conda: conda.yaml\n");
    out.push_str("      virtualenv: python_env.yaml\n    loader_module: mlflow.onnx\n");
    add(&mut out, format_args!("    python_version: {PYTHON}\n"));
    // A UUID made of the model's hash, so that the same package gives the same folder.
    let hash = subject.model_sha256.to_string();
    out.push_str("metadata:\n");
    let mut fact = |key: &str, value: &str| add(&mut out, format_args!("  {key}: {}\n", yaml(value)));
    fact("model", subject.name());
    fact("model_version", &subject.version.to_string());
    fact("model_sha256", &hash);
    fact("target", &subject.contract.target);
    if let Some(threshold) = subject.threshold {
        fact("threshold", &threshold.to_string());
    }
    add(&mut out, format_args!("mlflow_version: {MLFLOW}\nmodel_size_bytes: {}\n", built.bytes.len()));
    add(&mut out, format_args!("model_uuid: {}\n", hash.get(..32).unwrap_or_default()));
    out.push_str("saved_input_example_info:\n  artifact_path: input_example.json\n");
    out.push_str(
        "  serving_input_path: serving_input_example.json\n  type: dataframe\n  pandas_orient: split\n",
    );
    add(
        &mut out,
        format_args!(
            "signature:\n  inputs: {}\n  outputs: {}\n  params: null\n",
            yaml(&schema(&built.inputs)),
            yaml(&schema(&built.outputs))
        ),
    );
    out
}

fn python_env() -> String {
    format!("python: {PYTHON}\nbuild_dependencies:\n- pip\ndependencies:\n- -r requirements.txt\n")
}

fn conda() -> String {
    format!(
        "name: mlflow-env\nchannels:\n- conda-forge\ndependencies:\n- python={PYTHON}\n- pip\n- pip:\n  \
         - mlflow>=3\n  - onnx>={ONNX}\n  - onnxruntime>={ONNX_RUNTIME}\n  - pandas{PANDAS}\n"
    )
}

/// Returns golden examples without missing numbers as a table; JSON has no NaN.
fn example(subject: &Subject<'_>, built: &Built) -> Value {
    let cell = |request: &Map<String, Value>, port: &Port| {
        let value = request.get(&port.name).unwrap_or(&Value::Null);
        match port.kind {
            PortKind::Text => Value::from(value.as_str().unwrap_or_default()),
            PortKind::Int64 => Value::from(instant(value)),
            _ => Value::from(Some(number(value)).filter(|number| number.is_finite())),
        }
    };
    let whole = |request: &Map<String, Value>| {
        built.inputs.iter().all(|port| request.get(&port.name).is_some_and(|value| !value.is_null()))
    };
    let mut chosen: Vec<_> = subject.golden.iter().filter(|golden| whole(&golden.request)).collect();
    if chosen.is_empty() {
        chosen = subject.golden.iter().collect();
    }
    let row = |request: &Map<String, Value>| -> Value {
        built.inputs.iter().map(|port| cell(request, port)).collect::<Vec<_>>().into()
    };
    let rows: Vec<Value> = chosen.iter().take(EXAMPLES).map(|golden| row(&golden.request)).collect();
    let columns: Vec<&str> = built.inputs.iter().map(|port| port.name.as_str()).collect();
    json!({ "columns": columns, "data": rows })
}
