//! Exports that serve the ONNX graph from Python with onnxruntime alone: a `BentoML` bento, an `MLServer` folder, a
//! `SageMaker` model with its container, a Vertex AI model with its container. All of them read records with the same
//! module and hold the golden examples, so that what they answer can be checked.
//! Contracts: `BentoML`, "Bento specification" 2; `MLServer`, "Model settings"; Amazon `SageMaker`, "Use your own inference
//! code with hosting services"; Vertex AI, "Custom container requirements for prediction".

use crate::{
    archive::{Item, gzip, tar},
    error::ExportError,
    exported::Exported,
    onnx::{self, Layout},
    subject::Subject,
};
use serde_json::json;
use std::collections::BTreeMap;
use yard_types::schema::FieldType;

const SCORER: &str = include_str!("../templates/scorer.py");
const SERVER: &str = include_str!("../templates/server.py");
const BENTO: &str = include_str!("../templates/bento_service.py");
const MLSERVER: &str = include_str!("../templates/mlserver_runtime.py");
const REQUIREMENTS: &str = "onnxruntime>=1.22\nnumpy\n";
/// The port and the folder are the contract's.
const DOCKERFILE: &str = "\
FROM python:3.11-slim
RUN pip install --no-cache-dir \"onnxruntime>=1.22\" numpy && useradd --uid 1000 model
COPY scorer.py server.py /app/
COPY --chmod=0755 serve /usr/local/bin/serve
COPY model /opt/ml/model
USER 1000
EXPOSE 8080
ENTRYPOINT [\"serve\"]
";
const SERVE: &str = "#!/bin/sh\nexec python /app/server.py \"${MODEL_FOLDER:-/opt/ml/model}\"\n";

type Files = BTreeMap<String, Vec<u8>>;

/// Makes the model's own files: graph, fields, golden examples.
fn model_files(subject: &Subject<'_>, format: &'static str) -> Result<(Files, Vec<String>), ExportError> {
    if !subject.parts.recipe.images.is_empty() {
        return Err(ExportError::Unsupported {
            format,
            what: "images".to_owned(),
            lost: "the way from files to pixels",
            instead: "onnx",
        });
    }
    let built = onnx::build(subject, Layout::Matrix)?;
    let fields: Vec<_> = subject
        .parts
        .recipe
        .inputs
        .iter()
        .map(|input| {
            let text = matches!(input.field_type, FieldType::Category | FieldType::Text);
            json!({
                "name": input.name,
                "type": input.field_type.word(),
                "null_words": input.rules.null_words,
                "fold_case": text && input.rules.fold_case,
            })
        })
        .collect();
    let facts = json!({
        "name": subject.name(),
        "version": subject.version,
        "classes": subject.parts.classes,
        "fields": fields,
        "model_sha256": subject.model_sha256.to_string(),
    });
    let mut golden = Vec::new();
    for example in subject.golden {
        golden.extend(serde_json::to_vec(example).unwrap_or_default());
        golden.push(b'\n');
    }
    let facts = serde_json::to_vec_pretty(&facts).unwrap_or_default();
    let files = Files::from([
        ("model.onnx".to_owned(), built.bytes),
        ("fields.json".to_owned(), facts),
        ("golden.jsonl".to_owned(), golden),
    ]);
    Ok((files, built.notes))
}

fn put(files: &mut Files, path: &str, text: &str) {
    files.insert(path.to_owned(), text.as_bytes().to_vec());
}

fn under(files: Files, folder: &str) -> impl Iterator<Item = (String, Vec<u8>)> + '_ {
    files.into_iter().map(move |(name, bytes)| (format!("{folder}/{name}"), bytes))
}

/// Puts the README into the files.
fn finished(
    subject: &Subject<'_>,
    mut files: Files,
    (title, usage): (&str, &str),
    notes: Vec<String>,
) -> Exported {
    let usage = format!("{usage}\n{}", subject.field_table());
    let usage = usage.replace("NaN", "null").replace("the smallest int64 (-2^63)", "null");
    let readme = subject.readme(title, &usage, &notes);
    files.insert("README.md".to_owned(), readme.into_bytes());
    Exported { files, main: None, notes }
}

/// Exports a bento.
pub(crate) fn bento(subject: &Subject<'_>) -> Result<Exported, ExportError> {
    let (model, notes) = model_files(subject, "a bento")?;
    let name = subject.name();
    let mut files: Files = under(model, "src").collect();
    put(&mut files, "src/scorer.py", SCORER);
    put(&mut files, "src/service.py", &BENTO.replace("MODEL_NAME", name));
    put(&mut files, "src/requirements.txt", REQUIREMENTS);
    put(&mut files, "env/python/requirements.txt", &format!("bentoml>=1.4\n{REQUIREMENTS}"));
    put(&mut files, "env/python/version.txt", "3.11");
    let bento = format!(
        "service: service:Model\nname: {name}\nversion: 'v{}'\nbentoml_version: 1.4.39\ncreation_time: \
         '1980-01-01T00:00:00+00:00'\nlabels:\n  model_sha256: '{}'\nmodels: []\nentry_service: \
         {name}\nservices:\n- name: {name}\n  service: ''\n  models: []\n  dependencies: []\n  config: {{}}\nenvs: []\nschema: {{}}\nargs: {{}}\nspec: 2\nimage:\n  base_image: \
         python:3.11-slim\n  python_version: '3.11'\n  commands: []\n  python_requirements: |\n    \
         bentoml>=1.4\n    onnxruntime>=1.22\n    numpy\n  post_commands: []\nrunners: []\n",
        subject.version, subject.model_sha256
    );
    put(&mut files, "bento.yaml", &bento);
    let usage = "`bentoml serve FOLDER`, then `POST /predict` with `{\"instances\": [{FIELD: value, ..}]}`; or \
                 `bentoml containerize` after `bentoml import`. Needs onnxruntime and numpy beside BentoML.\n";
    Ok(finished(subject, files, ("BentoML bento", usage), notes))
}

/// Exports a folder for `MLServer`.
pub(crate) fn mlserver(subject: &Subject<'_>) -> Result<Exported, ExportError> {
    let (mut files, notes) = model_files(subject, "an MLServer model")?;
    put(&mut files, "scorer.py", SCORER);
    put(&mut files, "runtime.py", MLSERVER);
    put(&mut files, "requirements.txt", &format!("mlserver\n{REQUIREMENTS}"));
    let settings = json!({
        "name": subject.name(),
        "implementation": "runtime.OnnxModel",
        "parameters": {"version": subject.version.to_string()},
    });
    put(&mut files, "model-settings.json", &format!("{settings:#}\n"));
    let usage =
        "`mlserver start FOLDER`, then `POST /v2/models/NAME/infer` with one tensor for each field.\n";
    Ok(finished(subject, files, ("MLServer model", &usage.replace("NAME", subject.name())), notes))
}

/// The files of a container that serves a model folder.
fn container(files: &mut Files, model: Files) {
    put(files, "container/Dockerfile", DOCKERFILE);
    put(files, "container/serve", SERVE);
    put(files, "container/scorer.py", SCORER);
    put(files, "container/server.py", SERVER);
    put(files, "container/requirements.txt", REQUIREMENTS);
    files.extend(under(model, "container/model"));
}

/// Exports a `SageMaker` model.
pub(crate) fn sagemaker(subject: &Subject<'_>) -> Result<Exported, ExportError> {
    let (model, notes) = model_files(subject, "a SageMaker model")?;
    let items: Vec<Item<'_>> =
        model.iter().map(|(path, bytes)| Item { path, bytes, mode: 0o644, owner: 0 }).collect();
    let mut files = Files::from([("model.tar.gz".to_owned(), gzip(&tar(&items)))]);
    container(&mut files, model);
    let usage = "`model.tar.gz` is the model's data: SageMaker unpacks it to `/opt/ml/model`. `container/` is the \
                 image that serves it: `docker build container`, run as `docker run IMAGE serve`: it listens on 8080, \
                 `GET /ping`, `POST /invocations` with `{\"instances\": [{FIELD: value, ..}]}`, and ends on SIGTERM.\n";
    Ok(finished(subject, files, ("SageMaker model", usage), notes))
}

/// Exports a Vertex AI model.
pub(crate) fn vertex(subject: &Subject<'_>) -> Result<Exported, ExportError> {
    let (model, notes) = model_files(subject, "a Vertex AI model")?;
    let mut files = Files::new();
    container(&mut files, model);
    let upload = json!({
        "model": {
            "displayName": subject.name(),
            "versionAliases": [format!("v{}", subject.version)],
            "containerSpec": {
                "imageUri": "IMAGE",
                "ports": [{"containerPort": 8080}],
                "predictRoute": "/predict",
                "healthRoute": "/health",
            },
        },
    });
    put(&mut files, "model.json", &format!("{upload:#}\n"));
    let usage = "`docker build container`, push the image, put its name for `IMAGE` into `model.json`, which is the \
                 body of `models:upload`. The container listens on `AIP_HTTP_PORT`, answers `AIP_HEALTH_ROUTE` and \
                 takes `{\"instances\": [..]}` at `AIP_PREDICT_ROUTE`.\n";
    Ok(finished(subject, files, ("Vertex AI model", usage), notes))
}
