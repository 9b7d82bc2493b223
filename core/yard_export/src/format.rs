//! The formats by name, and the one way in.

use crate::{
    c, cluster, error::ExportError, exported::Exported, grid, image, lightgbm, mlflow, onnx, pmml, python,
    sbom, subject::Subject, tensorflow, torchscript, triton, wasm,
};
use yard_package::{Package, golden};
use yard_score::{model::Model, scorer::Scorer};

/// A format of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// LightGBM's text model: trees on features.
    LightGbm,
    /// ONNX: the whole pipeline in one graph.
    Onnx,
    /// A Triton model repository.
    Triton,
    /// An MLflow model folder.
    Mlflow,
    /// KServe manifests with the graph.
    Kserve,
    /// Kubernetes manifests with a Triton model repository.
    Kubernetes,
    /// C99 source without allocation.
    C,
    /// A TensorFlow `SavedModel`.
    SavedModel,
    /// A `BentoML` bento that needs onnxruntime only.
    Bento,
    /// A folder for `MLServer`.
    MlServer,
    /// A `SageMaker` model with its container.
    SageMaker,
    /// A Vertex AI model with its container.
    Vertex,
    /// A container image with the scorer.
    Container,
    /// A WebAssembly module with its JavaScript.
    Wasm,
    /// PMML of trees and linear models.
    Pmml,
    /// A `TorchScript` module (legacy).
    TorchScript,
}

/// What some formats need beside the package.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The static program `yard-serve`, for a container image.
    pub scorer: Option<Vec<u8>>,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 16] = [
        Self::Onnx,
        Self::LightGbm,
        Self::Triton,
        Self::Mlflow,
        Self::Kserve,
        Self::Kubernetes,
        Self::C,
        Self::SavedModel,
        Self::Bento,
        Self::MlServer,
        Self::SageMaker,
        Self::Vertex,
        Self::Container,
        Self::Wasm,
        Self::Pmml,
        Self::TorchScript,
    ];

    /// Returns the word used on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::LightGbm => "lightgbm",
            Self::Onnx => "onnx",
            Self::Triton => "triton",
            Self::Mlflow => "mlflow",
            Self::Kserve => "kserve",
            Self::Kubernetes => "kubernetes",
            Self::C => "c",
            Self::SavedModel => "savedmodel",
            Self::Bento => "bentoml",
            Self::MlServer => "mlserver",
            Self::SageMaker => "sagemaker",
            Self::Vertex => "vertex",
            Self::Container => "container",
            Self::Wasm => "wasm",
            Self::Pmml => "pmml",
            Self::TorchScript => "torchscript",
        }
    }

    /// Parses the word.
    pub fn from_word(word: &str) -> Result<Self, ExportError> {
        Self::ALL.into_iter().find(|format| format.word() == word).ok_or_else(|| ExportError::UnknownFormat {
            got: word.chars().take(40).collect(),
            expected: Self::ALL.map(Self::word).join(", "),
        })
    }
}

/// Returns whether a model is or holds a deep net.
fn is_deep(model: &Model) -> bool {
    match model {
        Model::Deep(_) => true,
        Model::Ensemble(model) => model.members.iter().any(|member| is_deep(&member.model)),
        Model::Linear(_) | Model::Trees(_) | Model::Net(_) => false,
    }
}

/// Refuses what a format without a graph of operations has no form for.
fn check(subject: &Subject<'_>, format: Format) -> Result<(), ExportError> {
    if format != Format::C {
        return Ok(());
    }
    let recipe = &subject.parts.recipe;
    let (what, lost) = if !recipe.texts.is_empty() {
        ("free text", "the weights of its terms")
    } else if !recipe.images.is_empty() {
        ("images", "the way from files to pixels")
    } else if is_deep(&subject.parts.model) {
        (subject.family(), "its operations")
    } else {
        return Ok(());
    };
    Err(ExportError::Unsupported { format: format.word(), what: what.to_owned(), lost, instead: "onnx" })
}

/// Exports a package, given as the bytes of its file.
pub fn export(package: Vec<u8>, format: Format) -> Result<Exported, ExportError> {
    export_with(package, format, &Options::default())
}

/// Exports a package with what some formats need beside it.
pub fn export_with(package: Vec<u8>, format: Format, options: &Options) -> Result<Exported, ExportError> {
    let package = Package::read(package)?;
    let subject = Subject::new(&package);
    check(&subject, format)?;
    if format == Format::Container {
        return image::export(&subject, package.bytes(), options.scorer.as_deref());
    }
    if format != Format::LightGbm
        && let Some((parts, note)) = grid::on_grid(subject.parts, format.word())?
    {
        let scorer = Scorer::new(&parts).map_err(yard_package::PackageError::from)?;
        let again = subject
            .golden
            .iter()
            .map(|golden| golden::answer(&scorer, golden.request.clone(), subject.threshold));
        let golden = again.collect::<Result<Vec<_>, _>>().map_err(yard_package::PackageError::from)?;
        let subject = Subject { parts: &parts, golden: &golden, rounding: Some(&note), ..subject };
        let mut exported = written(&subject, format)?;
        exported.notes.push(note.clone());
        return Ok(exported);
    }
    written(&subject, format)
}

/// Writes the files of a format, a bill of materials among them.
fn written(subject: &Subject<'_>, format: Format) -> Result<Exported, ExportError> {
    let mut exported = files(subject, format)?;
    exported.files.insert("sbom.cdx.json".to_owned(), sbom::bill(subject, None));
    Ok(exported)
}

fn files(subject: &Subject<'_>, format: Format) -> Result<Exported, ExportError> {
    match format {
        Format::LightGbm => lightgbm::export(subject),
        Format::Onnx => onnx::export(subject),
        Format::Triton => triton::export(subject),
        Format::Mlflow => mlflow::export(subject),
        Format::Kserve => cluster::kserve(subject),
        Format::Kubernetes => cluster::kubernetes(subject),
        Format::C => c::export(subject),
        Format::SavedModel => tensorflow::export(subject),
        Format::Bento => python::bento(subject),
        Format::MlServer => python::mlserver(subject),
        Format::SageMaker => python::sagemaker(subject),
        Format::Vertex => python::vertex(subject),
        Format::Wasm => wasm::export(subject),
        Format::Pmml => pmml::export(subject),
        Format::TorchScript => torchscript::export(subject),
        // Made of the whole package, before anything is rounded.
        Format::Container => Err(ExportError::Scorer { what: "no scorer is given".to_owned() }),
    }
}
