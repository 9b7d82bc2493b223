//! Which devices can train: asked once at the start, off the window's thread, as the worker is a process
//! of its own.

use std::sync::{Arc, mpsc};
use yard_engine::EngineOptions;
use yard_state::state::StudioState;

/// The question under way.
pub(crate) struct Devices {
    receiver: mpsc::Receiver<serde_json::Value>,
}

impl Devices {
    /// Asks; `wake` is called when the answer is there.
    pub(crate) fn ask(options: &EngineOptions, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        let (sender, receiver) = mpsc::sync_channel(1);
        let options = options.clone();
        std::thread::spawn(move || {
            // The window may be closed meanwhile: then nobody waits for the answer.
            let _ = sender.try_send(yard_engine::devices(&options));
            wake();
        });
        Self { receiver }
    }

    /// Tells the state what was found.
    pub(crate) fn take(&self, state: &mut StudioState) {
        let Ok(answer) = self.receiver.try_recv() else { return };
        let all = answer["devices"].as_array().map_or(&[][..], Vec::as_slice);
        let text =
            |device: &serde_json::Value, key: &str| device[key].as_str().unwrap_or_default().to_owned();
        let usable = |device: &&serde_json::Value| device["usable"] == true;
        state.devices = all.iter().filter(usable).map(|device| text(device, "device")).collect();
        let missing = all.iter().find(|device| !usable(device));
        state.device_note = missing.map_or_else(String::new, |device| text(device, "detail"));
    }
}
