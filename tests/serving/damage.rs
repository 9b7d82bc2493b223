//! A package with a changed byte is refused, by `verify` and by the server, and the message says where.

use crate::{
    model::{CHURN, SPECIES},
    ways::{Served, client},
};
use yard_package::{SigningKey, archive, verify};
use yard_tests::{count_from_env, http::Client};
use yard_types::{rng::Rng, run::Family};

fn flipped(package: &[u8], at: usize, bit: u8) -> Vec<u8> {
    let mut changed = package.to_vec();
    changed[at] ^= 1 << bit;
    changed
}

fn refused(manage: &mut Client, package: &[u8], what: &str) -> String {
    let report = verify(package);
    assert!(!report.ok, "{what}: verify accepts it");
    let answer = manage.post_bytes("/manage/models/other/versions", package);
    assert!((400..500).contains(&answer.status), "{what}: {} {}", answer.status, answer.text());
    answer.json()["error"].as_str().unwrap_or_else(|| panic!("{what}: {}", answer.text())).to_owned()
}

/// `MODELYARD_FLIPS` sets the number of bits.
#[test]
fn any_flipped_bit_is_refused_and_named() {
    let packed = SPECIES.framed().packed(Family::Boosting, 1);
    let key = SigningKey::from_seed(&[7; 32]).unwrap();
    let package = yard_package::write(&packed.content, Some(&key)).unwrap();
    assert!(verify(&package).ok);
    let entries = archive::read(&package).unwrap();
    assert!(entries.iter().any(|entry| entry.name == "signature"));
    let (running, _store) = Served::empty();
    let mut manage = client(&running, "manage");
    let mut rng = Rng::new(5, 9);
    for _ in 0..count_from_env("MODELYARD_FLIPS", 4_000) {
        let at = rng.below(package.len() as u64) as usize;
        let bit = rng.below(8) as u8;
        let what = format!("byte {at} of {}, bit {bit}", package.len());
        let message = refused(&mut manage, &flipped(&package, at, bit), &what);
        // Between the entries' bytes lie headers, which name an entry, and the structure of the archive.
        let named = match entries.iter().find(|entry| entry.range.contains(&at)) {
            Some(entry) => message.contains(&entry.name),
            None => message.contains("archive") || message.contains("entry \""),
        };
        assert!(named, "{what}: \"{message}\" should name the place");
    }
}

/// A change inside an entry's content names that entry.
#[test]
fn a_changed_entry_is_named() {
    let packed = CHURN.framed().packed(Family::Linear, 1);
    let (running, _store) = Served::empty();
    let mut manage = client(&running, "manage");
    let entries = archive::read(&packed.bytes).unwrap();
    for entry in entries.iter().filter(|entry| entry.name != "manifest.json") {
        // Written again as an archive that is whole: only the manifest can tell.
        let content = |other: &archive::Entry| {
            let mut bytes = packed.bytes[other.range.clone()].to_vec();
            if other.name == entry.name {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
            }
            (other.name.clone(), bytes)
        };
        let changed: Vec<(String, Vec<u8>)> = entries.iter().map(content).collect();
        let parts: Vec<(&str, &[u8])> =
            changed.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
        let message = refused(&mut manage, &archive::write(&parts).unwrap(), &entry.name);
        assert!(message.contains(&entry.name), "{}: {message}", entry.name);
    }
}

#[test]
fn truncated_packages_are_refused() {
    let packed = SPECIES.framed().packed(Family::Linear, 1);
    let (running, _store) = Served::empty();
    let mut manage = client(&running, "manage");
    let full = packed.bytes.len();
    for length in [0, 1, 4, 100, full / 3, full / 2, full - 22, full - 1] {
        refused(&mut manage, &packed.bytes[..length], &format!("{length} of {full} bytes"));
    }
    let mut longer = packed.bytes.clone();
    longer.extend_from_slice(b"more");
    refused(&mut manage, &longer, "four bytes after the end");
    let models = client(&running, "manage").get("/manage/models").good().json();
    assert_eq!(
        models["models"].as_array().map(Vec::len),
        Some(0),
        "nothing is left of refused packages: {models}"
    );
}
