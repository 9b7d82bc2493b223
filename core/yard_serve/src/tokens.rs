//! Access tokens: 256 random bits each, one for each scope. The server keeps only their SHA-256.

use crate::error::ServeError;
use sha2::{Digest as _, Sha256};
use std::{
    fs,
    path::{Path, PathBuf},
};
use yard_types::serving::TokenFiles;

/// What a token may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Predict, infer, explain, feedback, metadata.
    Infer,
    /// Metrics, states, windows, metadata.
    Observe,
    /// Everything.
    Manage,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 3] = [Self::Infer, Self::Observe, Self::Manage];

    /// Returns the word used in file names and messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Infer => "infer",
            Self::Observe => "observe",
            Self::Manage => "manage",
        }
    }

    /// Returns whether a token of this scope opens a route that asks for one of `wanted`.
    pub fn opens(self, wanted: &[Self]) -> bool {
        self == Self::Manage || wanted.contains(&self)
    }
}

/// Digests of the valid tokens.
#[derive(Clone)]
pub(crate) struct Tokens {
    digests: [(Scope, [u8; 32]); 3],
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens(redacted)")
    }
}

impl Tokens {
    /// Reads the token files of a folder and makes those that are absent (mode 0600, folder 0700).
    pub(crate) fn open(folder: &Path) -> Result<(Self, TokenFiles), ServeError> {
        crate::files::private_folder(folder)?;
        let mut digests = [(Scope::Infer, [0; 32]); 3];
        let mut paths = Vec::new();
        for (slot, scope) in digests.iter_mut().zip(Scope::ALL) {
            let path = folder.join(format!("{}.token", scope.word()));
            *slot = (scope, digest(&read_or_make(&path)?));
            paths.push(path);
        }
        let name =
            |index: usize| paths.get(index).map_or_else(String::new, |path| path.display().to_string());
        Ok((Self { digests }, TokenFiles { infer: name(0), observe: name(1), manage: name(2) }))
    }

    /// Returns the scope of a token, `None` when it is not valid. Takes the same time for any token:
    /// digests are compared in full, with each of the three.
    pub(crate) fn scope(&self, token: &str) -> Option<Scope> {
        let own = digest(token);
        let mut found = None;
        for (scope, known) in &self.digests {
            if same(&own, known) {
                found = Some(*scope);
            }
        }
        found
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Compares without an early end.
fn same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    let difference = a.iter().zip(b).fold(0_u8, |sum, (x, y)| sum | (x ^ y));
    std::hint::black_box(difference) == 0
}

fn read_or_make(path: &PathBuf) -> Result<String, ServeError> {
    match fs::read_to_string(path) {
        Ok(text) => {
            let text = text.trim();
            let valid = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            valid.then(|| text.to_owned()).ok_or_else(|| ServeError::Token { path: path.clone() })
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let token = random_hex()?;
            crate::files::write_private(path, format!("{token}\n").as_bytes())?;
            Ok(token)
        }
        Err(error) => Err(ServeError::file("read the token file", path)(error)),
    }
}

/// Returns 256 random bits as 64 hexadecimal digits.
fn random_hex() -> Result<String, ServeError> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| ServeError::Random { cause: error.to_string() })?;
    Ok(yard_types::ids::Sha256(bytes).to_hex())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn tokens_are_made_once_and_are_private() {
        let folder = tempfile::tempdir().unwrap();
        let (tokens, files) = Tokens::open(folder.path()).unwrap();
        let infer = fs::read_to_string(&files.infer).unwrap().trim().to_owned();
        let manage = fs::read_to_string(&files.manage).unwrap().trim().to_owned();
        assert_eq!(infer.len(), 64);
        assert_ne!(infer, manage);
        assert_eq!(tokens.scope(&infer), Some(Scope::Infer));
        assert_eq!(tokens.scope(&manage), Some(Scope::Manage));
        assert_eq!(tokens.scope(""), None);
        assert_eq!(tokens.scope(&infer[..63]), None);
        let (again, _) = Tokens::open(folder.path()).unwrap();
        assert_eq!(again.scope(&infer), Some(Scope::Infer));
        assert!(!format!("{tokens:?}").contains(&infer));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&files.infer).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_damaged_token_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("infer.token"), "short").unwrap();
        let error = Tokens::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains("infer.token"), "{error}");
    }

    #[test]
    fn scopes() {
        assert!(Scope::Manage.opens(&[Scope::Infer]));
        assert!(Scope::Infer.opens(&[Scope::Infer, Scope::Observe]));
        assert!(!Scope::Observe.opens(&[Scope::Infer]));
        assert!(!Scope::Infer.opens(&[Scope::Manage]));
    }
}
