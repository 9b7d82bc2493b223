//! `export` and `import`: packages to other formats, and other libraries' models to packages.

use super::{Session, Usage, pack};
use crate::{
    args::{ExportArgs, ImportArgs},
    output::bytes,
};
use anyhow::{Context as _, Result};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use yard_export::{Exported, Format, ImportFacts, Options};

/// Largest model file that is read.
const MOST_BYTES: u64 = 1 << 30;

/// Exports a package.
pub(crate) fn export(session: &Session, args: &ExportArgs) -> Result<ExitCode> {
    let format = Format::from_word(&args.to).map_err(|error| Usage(error.to_string()))?;
    let read = |path: &PathBuf| {
        std::fs::read(path).with_context(|| format!("could not read the scorer: \"{}\"", path.display()))
    };
    let options = Options { scorer: args.scorer.as_ref().map(read).transpose()? };
    let exported = yard_export::export_with(pack::read(&args.package)?, format, &options)?;
    let alone = exported.main.filter(|_| args.out.extension().is_some() && !args.out.is_dir());
    match alone.and_then(|name| exported.files.get(name)) {
        Some(content) => write_file(&args.out, content)?,
        None => write_folder(&args.out, &exported)?,
    }
    for note in &exported.notes {
        session.output.remark(&format!("note: {note}"));
    }
    let files: Vec<&str> = match alone {
        Some(name) => vec![name],
        None => exported.files.keys().map(String::as_str).collect(),
    };
    let size: u64 = files.iter().filter_map(|name| exported.files.get(*name)).map(|f| f.len() as u64).sum();
    let result = json!({
        "out": args.out, "format": format.word(), "files": files, "bytes": size, "notes": exported.notes,
    });
    session.output.result(&result, || {
        let mut out = format!("{} ({}, {})\n", args.out.display(), format.word(), bytes(size));
        for name in &files {
            add!(out, "  {name}\n");
        }
        out
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Returns a name beside `path` for writing before the rename.
fn beside(path: &Path) -> Result<PathBuf> {
    let name = path.file_name().with_context(|| format!("not a path to write to: \"{}\"", path.display()))?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        std::fs::create_dir_all(parent)
            .with_context(|| format!("could not make the folder \"{}\"", parent.display()))?;
    }
    Ok(path.with_file_name(format!(".{}.{}.part", name.to_string_lossy(), std::process::id())))
}

fn write_file(path: &Path, content: &[u8]) -> Result<()> {
    let place = || format!("could not write \"{}\"", path.display());
    let part = beside(path)?;
    let written = std::fs::write(&part, content).and_then(|()| std::fs::rename(&part, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    written.with_context(place)
}

/// Writes all files under a name of their own first: a reader sees the whole export or none of it.
fn write_folder(path: &Path, exported: &Exported) -> Result<()> {
    let place = || format!("could not write \"{}\"", path.display());
    let free = match std::fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    };
    if !free {
        anyhow::bail!(
            "\"{}\" exists; expected a new or an empty folder; choose another --out or remove it",
            path.display()
        );
    }
    let part = beside(path)?;
    let write = || -> std::io::Result<()> {
        for (name, content) in &exported.files {
            let file = part.join(name);
            std::fs::create_dir_all(file.parent().unwrap_or(&part))?;
            std::fs::write(file, content)?;
        }
        std::fs::rename(&part, path)
    };
    let written = write();
    if written.is_err() {
        let _ = std::fs::remove_dir_all(&part);
    }
    written.with_context(place)
}

/// Reads a regular file of at most so many bytes.
fn read_model(path: &Path, most: u64) -> Result<Vec<u8>> {
    let place = || format!("could not read the model: \"{}\"", path.display());
    let size = std::fs::metadata(path).with_context(place)?.len();
    if size > most {
        anyhow::bail!("the model has {size} bytes; expected at most {most}: \"{}\"", path.display());
    }
    std::fs::read(path).with_context(place)
}

/// Returns the file of a model: itself, or the one that an MLflow folder names.
fn model_file(path: &Path) -> Result<PathBuf> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let text = read_model(&path.join("MLmodel"), 1 << 20)?;
    let own = path.join(yard_export::mlflow_model_file(&String::from_utf8_lossy(&text))?);
    let regular = std::fs::symlink_metadata(&own).is_ok_and(|facts| facts.is_file());
    if !regular {
        anyhow::bail!("the folder's model is no regular file; save the model again: \"{}\"", own.display());
    }
    Ok(own)
}

/// Makes a package of a model file or an MLflow folder.
pub(crate) fn import(session: &Session, args: &ImportArgs) -> Result<ExitCode> {
    let model = model_file(&args.model)?;
    let imported = yard_export::import(&read_model(&model, MOST_BYTES)?)?;
    let file = model.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let stem = args.model.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let facts = ImportFacts {
        name: args.name.as_deref().unwrap_or(&stem),
        file: &file,
        at: session.options()?.clock.now(),
        written_by: format!("modelyard {}", env!("CARGO_PKG_VERSION")),
    };
    let package = imported.to_package(&facts)?;
    write_file(&args.out, &package)?;
    for note in &imported.notes {
        session.output.remark(&format!("note: {note}"));
    }
    let inputs = &imported.parts.recipe.inputs;
    let fields: Vec<_> =
        inputs.iter().map(|input| json!({"name": input.name, "type": input.field_type})).collect();
    let result = json!({
        "package": args.out, "bytes": package.len(), "format": imported.format,
        "objective": imported.objective, "fields": fields, "classes": imported.parts.classes,
        "notes": imported.notes,
    });
    session.output.result(&result, || {
        format!(
            "{} ({}, objective {}, {} fields)\n",
            args.out.display(),
            imported.format,
            imported.objective,
            inputs.len()
        )
    })?;
    Ok(ExitCode::SUCCESS)
}
