//! Native file dialogs, off the window's thread, so that a slow or broken portal never freezes a frame.
//! Every dialog has a typed path field beside it in its place: a machine without a portal loses nothing.

use std::{
    path::PathBuf,
    sync::{Arc, mpsc},
};
use yard_state::actions::Pick;

/// A dialog that was answered; `None` = cancelled or no dialog service.
pub(crate) type Answer = (Pick, Option<PathBuf>);

/// Open dialogs.
pub(crate) struct Dialogs {
    sender: mpsc::SyncSender<Answer>,
    receiver: mpsc::Receiver<Answer>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Dialogs {
    /// `wake` is called when an answer waits.
    pub(crate) fn new(wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        let (sender, receiver) = mpsc::sync_channel(16);
        Self { sender, receiver, wake }
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
