//! From the bytes of a package to what a served version is made of.

use crate::served::Material;
use yard_package::{Package, verify::verify_package};
use yard_types::ids::Sha256;

/// A package that was read with every check of structure and hashes.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) name: String,
    pub(crate) version: u64,
    pub(crate) model_sha256: Sha256,
    package: Package,
}

/// Reads a package; the error names the entry that is wrong.
pub(crate) fn open(bytes: Vec<u8>) -> Result<Opened, String> {
    let package = Package::read(bytes).map_err(|error| error.to_string())?;
    Ok(Opened {
        name: package.name().to_owned(),
        version: package.version(),
        model_sha256: package.manifest.model_sha256,
        package,
    })
}

impl Opened {
    /// Computes the golden examples again and checks the claims.
    pub(crate) fn verify(&self) -> Result<(), String> {
        let report = verify_package(&self.package);
        match report.claims.iter().find(|claim| !claim.ok) {
            None => Ok(()),
            Some(claim) => Err(format!("{}: {}", claim.name, claim.detail)),
        }
    }

    /// Returns what a served version needs.
    pub(crate) fn into_material(self) -> Material {
        let threshold = self.package.content.threshold().unwrap_or(0.5);
        let content = self.package.content;
        Material {
            contract: content.contract,
            parts: content.parts,
            threshold,
            reference: content.reference,
            feature_means: content.feature_means,
        }
    }
}
