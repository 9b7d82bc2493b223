//! Native file dialogs, off the window's thread, so that a slow or broken portal never freezes a frame.
//! Every dialog has a typed path field beside it in its place: a machine without a portal loses nothing.

use std::{
    path::PathBuf,
    sync::{Arc, mpsc},
};
use yard_state::actions::Pick;

/// A dialog that was answered; `None` = cancelled or no dialog service.
pub(crate) type Answer = (Pick, Option<PathBuf>);

/// A file that was saved, or why it was not.
pub(crate) type Written = Result<PathBuf, String>;

/// Open dialogs.
pub(crate) struct Dialogs {
    sender: mpsc::SyncSender<Answer>,
    receiver: mpsc::Receiver<Answer>,
    written: (mpsc::SyncSender<Written>, mpsc::Receiver<Written>),
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Dialogs {
    /// `wake` is called when an answer waits.
    pub(crate) fn new(wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        let (sender, receiver) = mpsc::sync_channel(16);
        Self { sender, receiver, written: mpsc::sync_channel(16), wake }
    }

    /// Shows a dialog.
    pub(crate) fn show(&self, pick: Pick) {
        let dialog = dialog(pick);
        let (sender, wake) = (self.sender.clone(), Arc::clone(&self.wake));
        std::thread::spawn(move || {
            let picked = if pick == Pick::PackageOut { dialog.save_file() } else { dialog.pick_file() };
            // The window may be closed meanwhile: then nobody waits for the answer.
            let _ = sender.try_send((pick, picked));
            wake();
        });
    }

    /// Asks where to save a file, and writes it.
    pub(crate) fn save(&self, name: String, bytes: Vec<u8>) {
        let (sender, wake) = (self.written.0.clone(), Arc::clone(&self.wake));
        std::thread::spawn(move || {
            let picked = rfd::FileDialog::new().set_title("Save").set_file_name(name).save_file();
            let Some(path) = picked else { return };
            let written = std::fs::write(&path, bytes)
                .map_err(|error| {
                    format!("the file can't be written: {error}; choose another folder: {}", path.display())
                })
                .map(|()| path);
            // The window may be closed meanwhile: then nobody waits for the answer.
            let _ = sender.try_send(written);
            wake();
        });
    }

    /// Takes the files that were saved since.
    pub(crate) fn saved(&self) -> Vec<Written> {
        self.written.1.try_iter().collect()
    }

    /// Takes the answers.
    pub(crate) fn take(&self) -> Vec<Answer> {
        self.receiver.try_iter().collect()
    }
}

fn dialog(pick: Pick) -> rfd::FileDialog {
    const TABLES: &[&str] = &["csv", "tsv", "txt", "parquet", "ndjson", "jsonl", "gz"];
    let dialog = rfd::FileDialog::new();
    match pick {
        Pick::Project => dialog.set_title("Open project").add_filter("Modelyard project", &["modelyard"]),
        Pick::Data => dialog.set_title("Import data").add_filter("Tables", TABLES),
        Pick::RetrainData => dialog.set_title("Fresh data for the retrain").add_filter("Tables", TABLES),
        Pick::Labels => dialog.set_title("Labels with request_id").add_filter("Tables", TABLES),
        Pick::EvaluateData => dialog.set_title("Data to evaluate on").add_filter("Tables", TABLES),
        Pick::PackageOut => dialog
            .set_title("Write package")
            .set_file_name("model.modelpack")
            .add_filter("Package", &["modelpack"]),
    }
}
