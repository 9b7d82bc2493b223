//! Devices by name, and which of them this build can open. A build with the feature `cuda` or `metal`
//! is meant for the worker binary `yard-trainer`; the programs that people start are CPU builds.

use crate::TrainError;
use candle_core::Device;

/// How to get a worker that trains on a GPU.
pub const HOW_TO_GET_GPU: &str = "build the worker with `cargo build --release -p yard_train --bin yard-trainer --features cuda` \
     (or `metal`) and put it beside the program, or use --device cpu";

/// A device asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceChoice {
    /// A GPU if the worker has one, else the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// A CUDA GPU by number.
    Cuda(usize),
    /// The GPU of a Mac.
    Metal,
}

impl DeviceChoice {
    /// Parses `auto`, `cpu`, `cuda:N` (also `cuda`) or `metal`.
    pub fn parse(text: &str) -> Result<Self, TrainError> {
        let number = |text: &str| text.parse::<u16>().ok().map(usize::from);
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "metal" => Ok(Self::Metal),
            "cuda" => Ok(Self::Cuda(0)),
            _ => text.strip_prefix("cuda:").and_then(number).map(Self::Cuda).ok_or_else(|| {
                TrainError::Device {
                    device: text.to_owned(),
                    reason: "expected auto, cpu, cuda:N (such as cuda:0) or metal".to_owned(),
                }
            }),
        }
    }

    /// Returns the word used on the command line.
    pub fn word(self) -> String {
        match self {
            Self::Auto => "auto".to_owned(),
            Self::Cpu => "cpu".to_owned(),
            Self::Cuda(number) => format!("cuda:{number}"),
            Self::Metal => "metal".to_owned(),
        }
    }

    /// Opens the device in this process; `Auto` opens the CPU.
    pub(crate) fn open(self) -> Result<Device, TrainError> {
        let opened = match self {
            Self::Auto | Self::Cpu => return Ok(Device::Cpu),
            Self::Cuda(number) if cfg!(feature = "cuda") => Device::new_cuda(number),
            Self::Metal if cfg!(feature = "metal") => Device::new_metal(0),
            Self::Cuda(_) | Self::Metal => {
                let reason = format!("this program is a CPU build; {HOW_TO_GET_GPU}");
                return Err(TrainError::Device { device: self.word(), reason });
            }
        };
        opened.map_err(|error| TrainError::Device {
            device: self.word(),
            reason: format!("{}; check the driver, or use --device cpu", first_line(&error.to_string())),
        })
    }
}

/// Returns the devices that this build can open, `cpu` last, and why there is no GPU among them.
pub fn usable_devices() -> (Vec<String>, String) {
    let mut devices = Vec::new();
    let mut reason = String::new();
    if cfg!(feature = "cuda") {
        for number in 0..16 {
            match DeviceChoice::Cuda(number).open() {
                Ok(_) => devices.push(format!("cuda:{number}")),
                Err(error) => {
                    reason = error.to_string();
                    break;
                }
            }
        }
    }
    if cfg!(feature = "metal") {
        match DeviceChoice::Metal.open() {
            Ok(_) => devices.push("metal".to_owned()),
            Err(error) => reason = error.to_string(),
        }
    }
    if !devices.is_empty() {
        reason.clear();
    } else if reason.is_empty() {
        "this worker is a CPU build (no feature cuda or metal)".clone_into(&mut reason);
    }
    devices.push("cpu".to_owned());
    (devices, reason)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn words() {
        for word in ["auto", "cpu", "cuda:3", "metal"] {
            assert_eq!(DeviceChoice::parse(word).unwrap().word(), word);
        }
        assert_eq!(DeviceChoice::parse("cuda").unwrap(), DeviceChoice::Cuda(0));
        for word in ["", "gpu", "cuda:", "cuda:x", "cuda:-1", "CPU"] {
            assert!(DeviceChoice::parse(word).unwrap_err().to_string().contains("expected auto"), "{word}");
        }
    }

    #[cfg(not(any(feature = "cuda", feature = "metal")))]
    #[test]
    fn a_cpu_build_says_how_to_get_a_gpu() {
        let text = DeviceChoice::Cuda(0).open().unwrap_err().to_string();
        assert!(text.contains("\"cuda:0\"") && text.contains("--features cuda"), "{text}");
        let (devices, reason) = usable_devices();
        assert_eq!(devices, ["cpu"]);
        assert!(reason.contains("CPU build"), "{reason}");
    }
}
