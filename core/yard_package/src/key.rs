//! Signing keys: Ed25519 (Josefsson and Liusvaara, 2017, RFC 8032), one key per user, kept in a folder
//! outside the projects, readable by its owner alone. The only module of this crate that touches files.

use crate::error::{KeyError, PackageError};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

const FILE: &str = "signing.key";

/// A private key. Its secret appears in no message and no `Debug` output.
pub struct SigningKey {
    pair: Ed25519KeyPair,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("public", &self.public_hex()).finish_non_exhaustive()
    }
}

/// The entry `signature`: who signed the bytes of `manifest.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Always `ed25519`.
    pub algorithm: String,
    /// Public key, 64 lower-case hexadecimal digits.
    pub public_key: String,
    /// Signature, 128 lower-case hexadecimal digits.
    pub signature: String,
}

impl SigningKey {
    /// Makes a key from 32 random bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, KeyError> {
        Ed25519KeyPair::from_seed_unchecked(seed).map(|pair| Self { pair }).map_err(|_| KeyError::Rejected)
    }

    /// Loads the key of a folder, or makes one there from `random` (32 bytes of the system's random
    /// source) in a file of mode 0600; the folder is made with mode 0700.
    pub fn load_or_create(folder: &Path, random: [u8; 32]) -> Result<Self, KeyError> {
        let file = folder.join(FILE);
        match load(&file) {
            Err(KeyError::Io { kind: io::ErrorKind::NotFound, .. }) => {}
            loaded => return loaded,
        }
        make_folder(folder).map_err(|error| failed("make the folder", &error))?;
        let key = Self::from_seed(&random)?;
        let draft = folder.join(format!("{FILE}.{}", &key.public_hex()[..16]));
        let written = write_private(&draft, &hex(&random));
        // A link fails where a rename would replace the key that another process made meanwhile.
        let linked = written.and_then(|()| fs::hard_link(&draft, &file));
        let removed = fs::remove_file(&draft);
        match linked {
            Ok(()) => removed.map(|()| key).map_err(|error| failed("remove the draft of", &error)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => load(&file),
            Err(error) => Err(failed("write", &error)),
        }
    }

    /// Returns the public key, 64 hexadecimal digits.
    pub fn public_hex(&self) -> String {
        hex(self.pair.public_key().as_ref())
    }

    /// Signs bytes.
    pub(crate) fn sign(&self, bytes: &[u8]) -> Signature {
        Signature {
            algorithm: "ed25519".to_owned(),
            public_key: self.public_hex(),
            signature: hex(self.pair.sign(bytes).as_ref()),
        }
    }
}

impl Signature {
    /// Checks the signature over bytes with the key that it names.
    pub(crate) fn verify(&self, bytes: &[u8]) -> Result<(), PackageError> {
        let format = |problem: &str| PackageError::SignatureFormat { problem: problem.to_owned() };
        if self.algorithm != "ed25519" {
            return Err(format("the algorithm is unknown; expected ed25519"));
        }
        let key = from_hex(&self.public_key, 32)
            .ok_or_else(|| format("the public key is not 64 hexadecimal digits"))?;
        let signature = from_hex(&self.signature, 64)
            .ok_or_else(|| format("the signature is not 128 hexadecimal digits"))?;
        UnparsedPublicKey::new(&ED25519, key)
            .verify(bytes, &signature)
            .map_err(|_| PackageError::Signature { public_key: self.public_key.clone() })
    }
}

fn failed(action: &'static str, error: &io::Error) -> KeyError {
    KeyError::Io { action, kind: error.kind() }
}

fn load(file: &Path) -> Result<SigningKey, KeyError> {
    let text = fs::read(file).map_err(|error| failed("read", &error))?;
    check_mode(file)?;
    let text = String::from_utf8(text).map_err(|_| KeyError::Malformed)?;
    let seed = from_hex(text.trim_end(), 32).ok_or(KeyError::Malformed)?;
    let seed: [u8; 32] = seed.try_into().map_err(|_| KeyError::Malformed)?;
    SigningKey::from_seed(&seed)
}

#[cfg(unix)]
fn check_mode(file: &Path) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt as _;
    // The lower six bits are the rights of group and others.
    let mode = fs::metadata(file).map_err(|error| failed("read", &error))?.permissions().mode() & 0o777;
    if mode.trailing_zeros() >= 6 { Ok(()) } else { Err(KeyError::Permissions { mode }) }
}

#[cfg(not(unix))]
fn check_mode(_: &Path) -> Result<(), KeyError> {
    Ok(())
}

#[cfg(unix)]
fn make_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

fn write_private(file: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options.open(file)?;
    out.write_all(text.as_bytes())?;
    out.sync_all()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Parses lower-case digits only, so that a key has one text.
fn from_hex(text: &str, bytes: usize) -> Option<Vec<u8>> {
    if text.len() != bytes * 2 {
        return None;
    }
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    text.as_bytes()
        .as_chunks::<2>()
        .0
        .iter()
        .map(|[high, low]| Some(digit(*high)? * 16 + digit(*low)?))
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn key_of_rfc_8032() {
        // RFC 8032, section 7.1, test 2.
        let seed = from_hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", 32).unwrap();
        let key = SigningKey::from_seed(&seed.try_into().unwrap()).unwrap();
        assert_eq!(key.public_hex(), "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
        let signature = key.sign(&[0x72]);
        assert_eq!(
            signature.signature,
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        );
        signature.verify(&[0x72]).unwrap();
        assert!(signature.verify(&[0x73]).is_err());
    }

    #[test]
    fn made_once_and_loaded_again() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        let first = SigningKey::load_or_create(&keys, [7; 32]).unwrap();
        let second = SigningKey::load_or_create(&keys, [8; 32]).unwrap();
        assert_eq!(first.public_hex(), second.public_hex());
        assert_eq!(fs::read_dir(&keys).unwrap().count(), 1);
        assert!(!format!("{first:?}").contains("0707"));
        fs::write(keys.join(FILE), "no key").unwrap();
        assert!(matches!(SigningKey::load_or_create(&keys, [9; 32]), Err(KeyError::Malformed)));
    }

    #[cfg(unix)]
    #[test]
    fn private_modes() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        SigningKey::load_or_create(&keys, [7; 32]).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&keys), mode(&keys.join(FILE))), (0o700, 0o600));
        fs::set_permissions(keys.join(FILE), fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(
            SigningKey::load_or_create(&keys, [7; 32]),
            Err(KeyError::Permissions { mode: 0o644 })
        ));
    }
}
