//! A container image in the OCI layout, written without Docker: one layer with the static scorer, the package, a
//! user and a bill of materials. The same package and scorer give the same bytes. The layout also has the
//! `manifest.json` that `docker load` reads.
//! Format: Open Container Initiative, "Image Format Specification" 1.1.

use crate::{
    archive::{Item, tar},
    error::ExportError,
    exported::Exported,
    sbom,
    subject::Subject,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// User and group of the server.
const USER: u32 = 65_532;
const PASSWD: &str = "model:x:65532:65532::/data:/sbin/nologin\n";
const GROUP: &str = "model:x:65532:\n";
const CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";
const LAYER_TYPE: &str = "application/vnd.oci.image.layer.v1.tar";
const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";

/// Returns the architecture of a static Linux program, or what it is instead.
fn architecture(program: &[u8]) -> Result<&'static str, String> {
    let u16_at = |at: usize| program.get(at..at + 2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    if program.get(..6) != Some(b"\x7fELF\x02\x01") {
        return Err("no 64-bit Linux program".to_owned());
    }
    let architecture = match u16_at(18) {
        Some(62) => "amd64",
        Some(183) => "arm64",
        other => return Err(format!("a program for machine {}", other.unwrap_or_default())),
    };
    let start = program.get(32..40).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes);
    let (size, count) = (u16_at(54).unwrap_or(0), u16_at(56).unwrap_or(0));
    for index in 0..count {
        let at = usize::try_from(start)
            .unwrap_or(usize::MAX)
            .saturating_add(usize::from(size) * usize::from(index));
        // Type 3 names the loader that a dynamic program needs.
        if at.checked_add(4).and_then(|end| program.get(at..end)) == Some(&[3, 0, 0, 0]) {
            return Err("a program that needs a loader and shared libraries".to_owned());
        }
    }
    Ok(architecture)
}

/// Writes the image; `package` are the bytes of its file, `scorer` those of the static `yard-serve`.
pub(crate) fn export(
    subject: &Subject<'_>,
    package: &[u8],
    scorer: Option<&[u8]>,
) -> Result<Exported, ExportError> {
    let wrong = |what: String| ExportError::Scorer { what };
    let scorer = scorer.ok_or_else(|| wrong("no scorer is given".to_owned()))?;
    let architecture = architecture(scorer).map_err(|what| wrong(format!("the scorer is {what}")))?;
    let bill = sbom::bill(subject, Some("yard_serve"));
    let file = |path, bytes, mode| Item { path, bytes, mode, owner: 0 };
    let folder = |path, mode, owner| Item { path, bytes: &[], mode, owner };
    let layer = tar(&[
        folder("data/", 0o700, USER),
        folder("etc/", 0o755, 0),
        file("etc/group", GROUP.as_bytes(), 0o644),
        file("etc/passwd", PASSWD.as_bytes(), 0o644),
        file("model.modelpack", package, 0o444),
        file("sbom.cdx.json", &bill, 0o444),
        folder("tmp/", 0o1777, 0),
        file("yard-serve", scorer, 0o555),
    ]);
    let layer_digest = digest(&layer);
    let config = json(&json!({
        "architecture": architecture,
        "config": {
            "Cmd": ["--package", "/model.modelpack", "--store", "/data/store", "--listen", "127.0.0.1:8080"],
            "Entrypoint": ["/yard-serve"],
            "Labels": {
                "org.opencontainers.image.title": subject.name(),
                "org.opencontainers.image.version": subject.version.to_string(),
                "modelyard.model.sha256": subject.model_sha256.to_string(),
            },
            "StopSignal": "SIGTERM",
            "User": format!("{USER}:{USER}"),
            "Volumes": {"/data": {}},
            "WorkingDir": "/data",
        },
        "created": "1970-01-01T00:00:00Z",
        "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "modelyard export"}],
        "os": "linux",
        "rootfs": {"diff_ids": [layer_digest], "type": "layers"},
    }));
    let manifest = json(&json!({
        "config": descriptor(CONFIG_TYPE, &config),
        "layers": [descriptor(LAYER_TYPE, &layer)],
        "mediaType": MANIFEST_TYPE,
        "schemaVersion": 2,
    }));
    let files = layout(subject, (config, layer, manifest));
    let size: usize = files.values().map(Vec::len).sum();
    let notes = vec![
        format!("The image has {size} bytes for {architecture}, runs as user {USER} and writes to /data alone."),
        "The server listens on the loopback address of its network: put a sidecar that speaks TLS beside it, \
         or give another --listen where the server may have one."
            .to_owned(),
    ];
    Ok(finished(subject, &files, notes))
}

fn finished(subject: &Subject<'_>, files: &BTreeMap<String, Vec<u8>>, notes: Vec<String>) -> Exported {
    let items: Vec<Item<'_>> =
        files.iter().map(|(path, bytes)| Item { path, bytes, mode: 0o644, owner: 0 }).collect();
    let image = tar(&items);
    let usage = "`docker load -i image.tar`, `podman load -i image.tar`, or `skopeo copy oci-archive:image.tar ..`. Run \
                 it read-only with a volume at `/data`; the server's tokens are in `/data/store`. The bill of \
                 materials is `/sbom.cdx.json` inside.\n";
    let readme = subject.readme("container image", usage, &notes);
    let files =
        BTreeMap::from([("README.md".to_owned(), readme.into_bytes()), ("image.tar".to_owned(), image)]);
    Exported { files, main: Some("image.tar"), notes }
}

/// The files of the layout.
fn layout(
    subject: &Subject<'_>,
    (config, layer, manifest): (Vec<u8>, Vec<u8>, Vec<u8>),
) -> BTreeMap<String, Vec<u8>> {
    let tag = format!("{}:v{}", subject.name(), subject.version);
    let mut own = descriptor(MANIFEST_TYPE, &manifest);
    if let Some(map) = own.as_object_mut() {
        map.insert("annotations".to_owned(), json!({"org.opencontainers.image.ref.name": tag}));
    }
    let index = json(&json!({
        "manifests": [own],
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "schemaVersion": 2,
    }));
    let blob = |bytes: &[u8]| format!("blobs/sha256/{}", yard_package::sha256(bytes));
    let docker = json(&json!([{"Config": blob(&config), "Layers": [blob(&layer)], "RepoTags": [tag]}]));
    BTreeMap::from([
        (blob(&config), config),
        (blob(&layer), layer),
        (blob(&manifest), manifest),
        ("index.json".to_owned(), index),
        ("manifest.json".to_owned(), docker),
        ("oci-layout".to_owned(), json(&json!({"imageLayoutVersion": "1.0.0"}))),
    ])
}

fn json(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", yard_package::sha256(bytes))
}

fn descriptor(kind: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": kind, "digest": digest(bytes), "size": bytes.len()})
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::{
        Format, Options,
        testing::{package, parts},
    };
    use yard_types::{frame::Task, run::Family};

    /// The least that is a static program.
    fn program(machine: u8, loader: bool) -> Vec<u8> {
        let mut out = vec![0; 120];
        out[..6].copy_from_slice(b"\x7fELF\x02\x01");
        (out[18], out[32], out[54], out[56]) = (machine, 64, 56, 1);
        out[64] = if loader { 3 } else { 1 };
        out
    }

    #[test]
    fn the_same_package_gives_the_same_image() {
        let bytes = package(parts(7, Family::Boosting, Task::Binary)).bytes().to_vec();
        let options = Options { scorer: Some(program(62, false)) };
        let image = || crate::export_with(bytes.clone(), Format::Container, &options).unwrap();
        assert_eq!(image(), image());
        let tar = &image().files["image.tar"];
        let holds = |text: &[u8]| tar.windows(text.len()).any(|part| part == text);
        assert!(
            holds(b"oci-layout") && holds(b"65532:65532") && holds(b"CycloneDX") && holds(b"manifest.json")
        );
    }

    #[test]
    fn what_is_no_static_program_is_refused() {
        for (scorer, expected) in [
            (None, "no scorer"),
            (Some(b"#!/bin/sh".to_vec()), "no 64-bit Linux program"),
            (Some(program(62, true)), "shared libraries"),
            (Some(program(40, false)), "machine 40"),
        ] {
            let bytes = package(parts(7, Family::Boosting, Task::Binary)).bytes().to_vec();
            let error = crate::export_with(bytes, Format::Container, &Options { scorer }).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
