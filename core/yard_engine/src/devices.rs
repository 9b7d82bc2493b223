//! Which devices can train, and how to get the ones that can't.

use crate::engine::EngineOptions;
use serde_json::{Value, json};

/// Returns `{"devices": [{"device", "usable", "detail"}], "worker"}`.
pub fn devices(options: &EngineOptions) -> Value {
    let cpu = json!({"device": "cpu", "usable": true, "detail": format!("{} threads", options.threads)});
    let mut devices = vec![cpu];
    let mut missing = |detail: String| {
        devices.push(json!({"device": "cuda / metal", "usable": false, "detail": detail}));
    };
    match &options.worker {
        None => missing(format!("no worker beside the program; {}", yard_train::device::HOW_TO_GET_GPU)),
        Some(path) => match yard_train::worker::probe(path) {
            Err(error) => missing(error.to_string()),
            Ok(probe) => {
                let found: Vec<&String> = probe.devices.iter().filter(|device| *device != "cpu").collect();
                if found.is_empty() {
                    let reason = if probe.reason.is_empty() {
                        "the worker has no GPU".to_owned()
                    } else {
                        probe.reason.clone()
                    };
                    missing(format!("{reason}; {}", yard_train::device::HOW_TO_GET_GPU));
                }
                for device in found {
                    devices.push(
                        json!({"device": device, "usable": true, "detail": "by the worker yard-trainer"}),
                    );
                }
            }
        },
    }
    json!({"devices": devices, "worker": options.worker})
}
