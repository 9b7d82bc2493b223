//! Verification: a package is read with every check, its golden examples are computed again, and what it
//! claims about itself is compared with what it holds.

use crate::{card, golden, package::Package, parts};
use yard_types::package::{Claim, GoldenCheck, VerifyReport};

/// Verifies a package. A file that can't be read gives a report whose first claim says why.
pub fn verify(bytes: &[u8]) -> VerifyReport {
    match Package::read(bytes.to_vec()) {
        Ok(package) => verify_package(&package),
        Err(error) => VerifyReport {
            ok: false,
            sha256: parts::sha256(bytes),
            signed_by: None,
            golden: GoldenCheck::default(),
            claims: vec![claim("the file is a whole model package", false, error.to_string())],
        },
    }
}

/// Verifies a package that was read: golden examples and claims.
pub fn verify_package(package: &Package) -> VerifyReport {
    let content = &package.content;
    let golden = golden::check(package.scorer(), &content.golden, content.threshold());
    let entries = package.manifest.entries.len();
    let mut claims = vec![
        claim("every entry has its size and SHA-256", true, format!("{entries} entries")),
        claim("model hash", true, package.manifest.model_sha256.to_hex()),
        claim("contract matches the recipe", true, format!("{} fields", content.contract.fields.len())),
    ];
    if let Some(key) = &package.signed_by {
        claims.push(claim("signature is valid", true, format!("key {key}")));
    }
    claims.push(claim(
        "golden examples give the same bits",
        golden.equal == golden.total,
        format!("{} of {}", golden.equal, golden.total),
    ));
    claims.push(claim(
        "at least 20 golden examples, nulls and unseen categories among them",
        content.golden.len() >= golden::MIN_EXAMPLES
            && golden::covers_edges(&content.golden, &content.contract),
        format!("{} examples", content.golden.len()),
    ));
    let rows: u64 = content.evaluations.iter().map(|evaluation| evaluation.rows).sum();
    claims.push(claim("evaluation is present", rows > 0, format!("{rows} rows")));
    let missing = card::missing_figures(&content.card, &content.evaluations);
    let detail = missing.first().map_or_else(String::new, |line| format!("not in the card: {line}"));
    claims.push(claim("figures of the card are those of the evaluation", missing.is_empty(), detail));
    VerifyReport {
        ok: claims.iter().all(|claim| claim.ok),
        sha256: package.sha256,
        signed_by: package.signed_by.clone(),
        golden,
        claims,
    }
}

fn claim(name: &str, ok: bool, detail: String) -> Claim {
    Claim { name: name.to_owned(), ok, detail }
}
