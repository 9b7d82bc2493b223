//! Why a package is refused. One variant per kind of failure; none holds a path of this machine.

use yard_score::error::ScoreError;

/// Largest package, unpacked, in bytes.
pub const MAX_BYTES: u64 = 1 << 30;
/// Largest number of entries.
pub const MAX_ENTRIES: usize = 10_000;

/// Why a package can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// The file is larger than allowed.
    #[error("archive structure: {bytes} bytes; expected at most 1 GiB; build a smaller model")]
    TooLarge {
        /// Size of the file.
        bytes: u64,
    },
    /// The end record is missing or damaged.
    #[error(
        "archive structure: {problem}; the file is truncated, damaged or no model package; copy it again"
    )]
    Structure {
        /// What is wrong.
        problem: String,
    },
    /// More entries than allowed.
    #[error("archive structure: {entries} entries; expected at most 10,000")]
    TooManyEntries {
        /// Entries announced.
        entries: usize,
    },
    /// An entry name is not allowed.
    #[error(
        "archive structure: the entry name {name} is not allowed; expected a plain name of a-z, 0-9, '.', '_' and '-'"
    )]
    Name {
        /// The name, quoted.
        name: String,
    },
    /// Two entries have one name.
    #[error("entry \"{name}\": appears twice")]
    Duplicate {
        /// Entry.
        name: String,
    },
    /// Entries are not sorted by name.
    #[error("entry \"{name}\": out of order; expected entries sorted by name")]
    Order {
        /// Entry.
        name: String,
    },
    /// The entry is compressed.
    #[error(
        "entry \"{name}\": compressed by method {method}; expected stored bytes, as only those have one form"
    )]
    Compressed {
        /// Entry.
        name: String,
        /// Method of the ZIP format.
        method: u16,
    },
    /// The entry is encrypted or carries flags that are not used.
    #[error("entry \"{name}\": unexpected flags {flags:#06x}; expected none")]
    Flags {
        /// Entry.
        name: String,
        /// Flags.
        flags: u16,
    },
    /// The entry is marked as a link, device or folder, or carries extra data.
    #[error("entry \"{name}\": carries attributes or extra fields; expected a plain file")]
    Attributes {
        /// Entry.
        name: String,
    },
    /// Local header and central directory disagree, or there is a gap or overlap.
    #[error(
        "entry \"{name}\": local header and directory disagree, or entries overlap or leave a gap; the archive structure is damaged"
    )]
    HeaderMismatch {
        /// Entry.
        name: String,
    },
    /// The bytes have another CRC-32 than the header says.
    #[error(
        "entry \"{name}\": the bytes are damaged (CRC-32 is {got:08x}; expected {expected:08x}); copy the package again"
    )]
    Checksum {
        /// Entry.
        name: String,
        /// Expected CRC-32.
        expected: u32,
        /// CRC-32 of the bytes.
        got: u32,
    },
    /// A required entry is absent.
    #[error("entry \"{name}\": missing")]
    MissingEntry {
        /// Entry.
        name: String,
    },
    /// An entry that this version does not know.
    #[error("entry \"{name}\": unknown; expected only the entries of format version 1")]
    UnknownEntry {
        /// Entry.
        name: String,
    },
    /// The manifest itself is wrong.
    #[error("manifest: {problem}")]
    Manifest {
        /// What is wrong.
        problem: String,
    },
    /// A newer format.
    #[error("manifest: format version {got}; expected 1; open it with a newer program")]
    Version {
        /// Version found.
        got: u32,
    },
    /// An entry has another size than the manifest says.
    #[error("entry \"{name}\": {got} bytes; expected {expected}, as the manifest says")]
    Size {
        /// Entry.
        name: String,
        /// Expected size.
        expected: u64,
        /// Size found.
        got: u64,
    },
    /// An entry has another SHA-256 than the manifest says.
    #[error(
        "entry \"{name}\": SHA-256 differs from the manifest; the entry was changed after the package was built"
    )]
    Hash {
        /// Entry.
        name: String,
    },
    /// An entry is not the JSON that it should be; also an unknown operation or a missing field.
    #[error("entry \"{name}\": {problem}")]
    Json {
        /// Entry.
        name: String,
        /// What is wrong, with line and column where known.
        problem: String,
    },
    /// An entry is not UTF-8 text.
    #[error("entry \"{name}\": not UTF-8 text")]
    Text {
        /// Entry.
        name: String,
    },
    /// A value can't be stored.
    #[error("entry \"{name}\": can't be written: {problem}; undefined numbers must be left out")]
    Unwritable {
        /// Entry.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// The weights are not what the model describes.
    #[error("entry \"weights.safetensors\": {problem}")]
    Weights {
        /// What is wrong.
        problem: String,
    },
    /// The model can't be executed.
    #[error("entry \"model.json\" or \"recipe.json\": {0}")]
    Model(#[from] ScoreError),
    /// Recipe, model and calibration have another hash than the manifest says.
    #[error("manifest: model_sha256 is not that of recipe, model and calibration")]
    ModelHash,
    /// Contract or frame do not belong to the model.
    #[error("entry \"{name}\": {problem}")]
    Mismatch {
        /// Entry.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// The signature entry is malformed.
    #[error("signature: {problem}")]
    SignatureFormat {
        /// What is wrong.
        problem: String,
    },
    /// The signature is not of this manifest.
    #[error(
        "signature: not valid for this manifest and key {public_key}; the package was changed after it was signed"
    )]
    Signature {
        /// Public key, hexadecimal.
        public_key: String,
    },
}

/// Why a signing key can't be loaded or made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file system refused.
    #[error("signing key: can't {action}: {kind}; check the permissions of the settings folder")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Kind of failure.
        kind: std::io::ErrorKind,
    },
    /// The file holds no key.
    #[error(
        "signing key: the file does not hold 64 hexadecimal digits; restore it or delete it to make a new key"
    )]
    Malformed,
    /// Others can read the file.
    #[error("signing key: the file can be read by others (mode {mode:o}); expected 600; change its mode")]
    Permissions {
        /// Mode found.
        mode: u32,
    },
    /// The key is refused by the cryptography library.
    #[error("signing key: rejected; delete the file to make a new key")]
    Rejected,
}
