#![allow(clippy::unwrap_used)]

use super::*;
use std::io::{Cursor, Read as _, Write as _};
use zip::{CompressionMethod, write::SimpleFileOptions};

fn sample() -> Vec<u8> {
    write(&[("b.bin", &[0, 1, 2, 255]), ("a.json", b"{}"), ("empty", b"")]).unwrap()
}

#[test]
fn entries_come_back_sorted() {
    let bytes = sample();
    let entries = read(&bytes).unwrap();
    let got: Vec<(&str, &[u8])> =
        entries.iter().map(|entry| (entry.name.as_str(), &bytes[entry.range.clone()])).collect();
    assert_eq!(got, [("a.json", &b"{}"[..]), ("b.bin", &[0, 1, 2, 255]), ("empty", b"")]);
    assert_eq!(bytes, write(&[("empty", b""), ("a.json", b"{}"), ("b.bin", &[0, 1, 2, 255])]).unwrap());
    assert!(read(&write(&[]).unwrap()).unwrap().is_empty());
}

#[test]
fn crc_of_the_usual_check_text() {
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
}

#[test]
fn another_reader_opens_it() {
    let mut archive = zip::ZipArchive::new(Cursor::new(sample())).unwrap();
    assert_eq!(archive.len(), 3);
    let mut data = Vec::new();
    archive.by_name("b.bin").unwrap().read_to_end(&mut data).unwrap();
    assert_eq!(data, [0, 1, 2, 255]);
}

#[test]
fn every_changed_byte_is_refused() {
    let bytes = sample();
    for at in 0..bytes.len() {
        for flip in [1, 0x20, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[at] ^= flip;
            assert!(read(&changed).is_err(), "byte {at} xor {flip}");
        }
    }
}

#[test]
fn truncated_and_extended_files_are_refused() {
    let bytes = sample();
    for length in 0..bytes.len() {
        assert!(read(&bytes[..length]).is_err(), "{length} bytes");
    }
    let check = |changed: Vec<u8>| assert!(matches!(read(&changed), Err(PackageError::Structure { .. })));
    check([&bytes[..], b"x"].concat());
    check([b"x", &bytes[..]].concat());
    check(b"PK\x05\x06".repeat(8));
}

#[test]
fn names_are_plain_and_distinct() {
    for name in
        ["../a", "/a", "a/b", "a\\b", "A", "a b", "", ".a", "a.", "a..b", "c:a", "a\0", "ä", &"a".repeat(65)]
    {
        assert!(matches!(write(&[(name, b"")]), Err(PackageError::Name { .. })), "{name:?}");
    }
    assert!(matches!(write(&[("a", b"1"), ("a", b"2")]), Err(PackageError::Duplicate { .. })));
}

fn foreign(names: &[&str], options: SimpleFileOptions) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for name in names {
        writer.start_file(*name, options).unwrap();
        writer.write_all(b"some bytes, some bytes, some bytes, some bytes").unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn archives_of_other_programs_are_refused() {
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let packed = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    let read_foreign = |names: &[&str], options| read(&foreign(names, options)).unwrap_err();
    assert!(matches!(
        read_foreign(&["a"], packed),
        PackageError::Structure { .. } | PackageError::Compressed { .. }
    ));
    assert!(matches!(read_foreign(&["../../a"], stored), PackageError::Name { .. }));
    assert!(matches!(read_foreign(&["a/../../b"], stored), PackageError::Name { .. }));
    assert!(matches!(read_foreign(&["A"], stored), PackageError::Name { .. }));
    assert!(read(&foreign(&["b", "a"], stored)).is_err());
}

#[test]
fn overlapping_entries_are_refused() {
    let bytes = sample();
    let entries = read(&bytes).unwrap();
    // The directory entry of "b.bin" is pointed at the local header of "a.json".
    let central = bytes.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    let mut changed = bytes.clone();
    changed[central + 42..central + 46].copy_from_slice(&0_u32.to_le_bytes());
    assert_eq!(entries.len(), 3);
    assert!(matches!(read(&changed), Err(PackageError::HeaderMismatch { .. })));
}

#[test]
fn too_many_entries_are_refused_before_they_are_read() {
    let mut bytes = write(&[]).unwrap();
    bytes[8..12].copy_from_slice(&[0xff; 4]);
    assert!(matches!(read(&bytes), Err(PackageError::TooManyEntries { entries: 65_535 })));
}
