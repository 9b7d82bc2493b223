//! Newtypes for identifiers, so that a run is never passed where a job is meant.

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// A job of the engine: one command that takes time. Unique within an engine process.
    JobId
);
id!(
    /// A training run, numbered from 1 within a project.
    RunId
);
id!(
    /// A trained model, numbered from 1 within a project.
    ModelId
);
id!(
    /// An imported dataset version, numbered from 1 within a project.
    DatasetId
);
id!(
    /// A command, as recorded with the events that it caused.
    CommandId
);

/// A SHA-256 digest. Serialised as 64 lower-case hexadecimal digits; anything else is refused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256(pub [u8; 32]);

impl Sha256 {
    /// Parses exactly 64 hexadecimal digits; `None` otherwise.
    pub fn from_hex(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 64 {
            return None;
        }
        let mut out = [0_u8; 32];
        for (slot, pair) in out.iter_mut().zip(bytes.chunks_exact(2)) {
            let high = char::from(pair[0]).to_digit(16)?;
            let low = char::from(pair[1]).to_digit(16)?;
            *slot = (high * 16 + low) as u8;
        }
        Some(Self(out))
    }

    /// Returns the 64 lower-case hexadecimal digits.
    pub fn to_hex(self) -> String {
        self.0.iter().fold(String::with_capacity(64), |mut text, byte| {
            use std::fmt::Write as _;
            // Writing to a String can't fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// Returns the first 8 digits, for display.
    pub fn short(self) -> String {
        self.to_hex()[..8].to_owned()
    }
}

impl std::fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl std::fmt::Display for Sha256 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl Serialize for Sha256 {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_hex())
    }
}

impl<'de> Deserialize<'de> for Sha256 {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_hex(&text)
            .ok_or_else(|| serde::de::Error::custom("a SHA-256 digest must be 64 hexadecimal digits"))
    }
}
