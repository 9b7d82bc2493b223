//! Packages in: upload to a temporary file, verify the very bytes that are then loaded, give the file its
//! name, add the version to the store. A crash at any moment leaves the version whole or absent.

use super::{ModelEntry, Registry, VersionEntry, change::needed, unknown_model, unknown_version};
use crate::{
    error::ServeError,
    files,
    http::reply::Refusal,
    material::{self, Opened},
    served::{Identity, Served},
    store::{Store, VersionRecord},
};
use sha2::{Digest as _, Sha256 as Hasher};
use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering::Relaxed},
};
use yard_types::{deploy::VersionState, ids::Sha256, serving::UploadReply};

/// A package on its way in; the temporary file is deleted unless it is admitted.
#[derive(Debug)]
pub(crate) struct Upload {
    path: PathBuf,
    file: File,
    hasher: Hasher,
    bytes: u64,
}

impl Upload {
    /// Appends bytes.
    pub(crate) fn write(&mut self, piece: &[u8]) -> Result<(), ServeError> {
        self.hasher.update(piece);
        self.bytes += piece.len() as u64;
        self.file.write_all(piece).map_err(ServeError::file("write the upload", &self.path))
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        // Gone already when the upload was admitted.
        let _ = fs::remove_file(&self.path);
    }
}

impl Registry {
    /// Starts an upload.
    pub(crate) fn begin_upload(&self) -> Result<Upload, ServeError> {
        let path = self.store().upload_path(self.uploads.fetch_add(1, Relaxed));
        let file = files::create_private(&path)?;
        Ok(Upload { path, file, hasher: Hasher::new(), bytes: 0 })
    }

    /// Reads a package file of this machine, named at the start of the server.
    pub(crate) fn upload_file(&self, path: &Path) -> Result<Upload, ServeError> {
        let bytes = fs::read(path).map_err(ServeError::file("read the package", path))?;
        let mut upload = self.begin_upload()?;
        upload.write(&bytes)?;
        Ok(upload)
    }

    /// Verifies, stores and loads a complete upload. `model` is the name that the caller expects.
    pub(crate) fn admit(&self, model: Option<&str>, upload: &Upload) -> Result<UploadReply, Refusal> {
        let sha256 = Sha256(upload.hasher.clone().finalize().into());
        let bytes = self.own_bytes(&upload.path)?;
        if digest(&bytes) != sha256 {
            return Err(Refusal::internal("the stored upload differs from what was sent; check the disk"));
        }
        let store = self.store();
        let opened = material::open(bytes).map_err(|reason| refused(&reason))?;
        let name = opened.name.clone();
        if let Some(expected) = model
            && expected != name
        {
            let message =
                format!("package of model \"{name}\" sent to model \"{expected}\"; send it to its own");
            return Err(Refusal::bad("model-name", message));
        }
        if let Some(version) = self.version_of(&name, sha256) {
            self.load(&store, &name, version)?;
            return Ok(UploadReply { model: name, version, sha256, state: VersionState::Ready });
        }
        let record = VersionRecord {
            version: self.free_version(&name, opened.version),
            model: name.clone(),
            sha256,
            model_sha256: opened.model_sha256,
            bytes: upload.bytes,
        };
        self.insert(&record, VersionState::Verifying);
        let done = self.verify_and_store(&store, &record, opened, upload);
        self.finish(&name, record.version, done)?;
        self.console.info(format!("{name}: version {} is ready, sha256 {}", record.version, sha256.short()));
        Ok(UploadReply { model: name, version: record.version, sha256, state: VersionState::Ready })
    }

    fn verify_and_store(
        &self,
        store: &Store,
        record: &VersionRecord,
        opened: Opened,
        upload: &Upload,
    ) -> Result<Arc<Served>, Refusal> {
        opened.verify().map_err(|reason| refused(&reason))?;
        let served = self.compile(record, opened)?;
        files::commit(&upload.file, &upload.path, &store.package_path(record.sha256))
            .and_then(|()| store.add_version(record, self.clock.now_micros()))
            .map_err(|error| self.store_failed(&error))?;
        Ok(served)
    }

    /// Builds the scorer and scores first rows.
    fn compile(&self, record: &VersionRecord, opened: Opened) -> Result<Arc<Served>, Refusal> {
        self.set_state(&record.model, record.version, VersionState::Loading);
        let identity =
            Identity { model: record.model.clone(), version: record.version, sha256: record.sha256 };
        let served =
            Served::new(identity, opened.into_material()).map_err(|error| refused(&error.to_string()))?;
        self.set_state(&record.model, record.version, VersionState::Warming);
        served.warm().map_err(|error| refused(&error.to_string()))?;
        Ok(Arc::new(served))
    }

    /// Loads a version of the store unless it is in memory.
    pub(super) fn load(&self, store: &Store, model: &str, version: u64) -> Result<(), Refusal> {
        let record = {
            let models = self.models();
            let entry = models.get(model).ok_or_else(|| unknown_model(model))?;
            let entry = entry.versions.get(&version).ok_or_else(|| unknown_version(model, version))?;
            if entry.served.is_some() {
                return Ok(());
            }
            if !entry.stored {
                let reason = entry.reason.clone().unwrap_or_default();
                return Err(Refusal::bad("failed", format!("version {version} failed: {reason}")));
            }
            entry.record.clone()
        };
        let done = self.read_stored(store, &record);
        self.finish(model, version, done)
    }

    fn read_stored(&self, store: &Store, record: &VersionRecord) -> Result<Arc<Served>, Refusal> {
        self.set_state(&record.model, record.version, VersionState::Verifying);
        let bytes = self.own_bytes(&store.package_path(record.sha256))?;
        if digest(&bytes) != record.sha256 {
            return Err(refused("the stored file has changed since it was uploaded; upload it again"));
        }
        let opened = material::open(bytes).map_err(|reason| refused(&reason))?;
        self.compile(record, opened)
    }

    /// Loads what the pointers need; a version that fails is marked with the reason.
    pub(crate) fn load_all(&self) {
        let store = self.store();
        let wanted: Vec<(String, u64)> = self
            .models()
            .iter()
            .flat_map(|(name, entry)| {
                needed(&entry.pointer).into_iter().map(|version| (name.clone(), version))
            })
            .collect();
        for (model, version) in wanted {
            if let Err(refusal) = self.load(&store, &model, version) {
                self.console.error(format!("{model}, version {version}: {}", refusal.message));
            }
        }
        self.loaded.store(true, Relaxed);
        self.publish();
    }

    fn own_bytes(&self, path: &Path) -> Result<Vec<u8>, Refusal> {
        fs::read(path)
            .map_err(|source| self.store_failed(&ServeError::file("read the package", path)(source)))
    }

    fn store_failed(&self, error: &ServeError) -> Refusal {
        self.console.error(error);
        Refusal::internal("the server's store failed; see the messages of the server")
    }

    fn version_of(&self, model: &str, sha256: Sha256) -> Option<u64> {
        let models = self.models();
        let versions = &models.get(model)?.versions;
        versions
            .values()
            .find(|entry| entry.stored && entry.record.sha256 == sha256)
            .map(|entry| entry.record.version)
    }

    /// Returns the package's own number when it is free, else the next free one.
    fn free_version(&self, model: &str, wanted: u64) -> u64 {
        let models = self.models();
        let Some(entry) = models.get(model) else { return wanted.max(1) };
        let taken = |version| entry.versions.get(&version).is_some_and(|entry: &VersionEntry| entry.stored);
        if wanted > 0 && !taken(wanted) {
            return wanted;
        }
        let last =
            entry.versions.values().filter(|entry| entry.stored).map(|entry| entry.record.version).max();
        last.unwrap_or(0) + 1
    }

    fn insert(&self, record: &VersionRecord, state: VersionState) {
        let mut models = self.models();
        let entry: &mut ModelEntry = models.entry(record.model.clone()).or_default();
        entry.versions.insert(record.version, VersionEntry::new(record.clone(), false, state));
    }

    fn set_state(&self, model: &str, version: u64, state: VersionState) {
        if let Some(entry) = self.models().get_mut(model).and_then(|entry| entry.versions.get_mut(&version)) {
            entry.state = state;
            entry.reason = None;
        }
    }

    /// Records how loading ended and puts the version into the table.
    fn finish(&self, model: &str, version: u64, done: Result<Arc<Served>, Refusal>) -> Result<(), Refusal> {
        let result = {
            let mut models = self.models();
            let entry = models.get_mut(model).and_then(|entry| entry.versions.get_mut(&version));
            match (done, entry) {
                (Ok(served), Some(entry)) => {
                    entry.state = VersionState::Ready;
                    entry.stored = true;
                    entry.served = Some(served);
                    Ok(())
                }
                (Err(refusal), Some(entry)) => {
                    entry.state = VersionState::Failed;
                    entry.reason = Some(refusal.message.clone());
                    Err(refusal)
                }
                (done, None) => done.map(|_| ()),
            }
        };
        self.publish();
        result
    }
}

fn digest(bytes: &[u8]) -> Sha256 {
    Sha256(Hasher::digest(bytes).into())
}

fn refused(reason: &str) -> Refusal {
    Refusal::bad("package", format!("package refused: {reason}"))
}
