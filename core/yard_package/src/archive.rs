//! The container of a package: a ZIP file of stored entries in exactly one form, so that the same
//! entries give the same bytes and every byte of the file is either data under a checksum or fixed by
//! the data. Read in place, never extracted. Knows nothing of what the entries mean.
//!
//! The form: entries sorted by name, one after the other from offset 0, no compression (a compressed
//! stream has many forms), no flags, no extra fields, no comments, the date 1980-01-01; then the central
//! directory, then the end record, which ends the file.
//! Format: PKWARE (2022), "APPNOTE.TXT - .ZIP File Format Specification", version 6.3.10, sections
//! 4.3.7, 4.3.12 and 4.3.16.

use crate::error::{MAX_BYTES, MAX_ENTRIES, PackageError};
use std::ops::Range;

const LOCAL_LEN: usize = 30;
const CENTRAL_LEN: usize = 46;
const END_LEN: usize = 22;
const VERSION: u16 = 20;
/// 1980-01-01 in the date format of MS-DOS.
const DATE: u16 = 0x0021;

/// An entry of an archive that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Name.
    pub name: String,
    /// Where its bytes lie in the file.
    pub range: Range<usize>,
}

struct Header<'a> {
    name: &'a str,
    crc: u32,
    size: u32,
    offset: u32,
}

impl Header<'_> {
    /// Appends what local header and directory have in common, from "version needed" on.
    fn common(&self, out: &mut Vec<u8>) {
        for field in [VERSION, 0, 0, 0, DATE] {
            out.extend(field.to_le_bytes());
        }
        for field in [self.crc, self.size, self.size] {
            out.extend(field.to_le_bytes());
        }
        out.extend((self.name.len() as u16).to_le_bytes());
        out.extend(0_u16.to_le_bytes());
    }

    fn local(&self) -> Vec<u8> {
        let mut out = b"PK\x03\x04".to_vec();
        self.common(&mut out);
        out.extend(self.name.as_bytes());
        out
    }

    fn central(&self) -> Vec<u8> {
        let mut out = b"PK\x01\x02".to_vec();
        out.extend(VERSION.to_le_bytes());
        self.common(&mut out);
        out.extend([0; 10]); // comment length, disk, attributes
        out.extend(self.offset.to_le_bytes());
        out.extend(self.name.as_bytes());
        out
    }
}

fn end_record(entries: u16, size: u32, offset: u32) -> Vec<u8> {
    let mut out = b"PK\x05\x06\0\0\0\0".to_vec();
    out.extend(entries.to_le_bytes());
    out.extend(entries.to_le_bytes());
    out.extend(size.to_le_bytes());
    out.extend(offset.to_le_bytes());
    out.extend([0, 0]);
    out
}

/// Writes entries, sorted by name here; names must be allowed and distinct.
pub fn write(entries: &[(&str, &[u8])]) -> Result<Vec<u8>, PackageError> {
    let mut sorted = entries.to_vec();
    sorted.sort_by_key(|(name, _)| *name);
    let total: u64 = sorted.iter().map(|(name, data)| (data.len() + 2 * name.len() + 100) as u64).sum();
    if total > MAX_BYTES {
        return Err(PackageError::TooLarge { bytes: total });
    }
    if sorted.len() > MAX_ENTRIES {
        return Err(PackageError::TooManyEntries { entries: sorted.len() });
    }
    let (mut out, mut directory) = (Vec::with_capacity(total as usize), Vec::new());
    let mut last = None;
    for (name, data) in &sorted {
        check_name(name.as_bytes(), last)?;
        last = Some(*name);
        let header = Header { name, crc: crc32(data), size: data.len() as u32, offset: out.len() as u32 };
        out.extend(header.local());
        out.extend(*data);
        directory.extend(header.central());
    }
    let end = end_record(sorted.len() as u16, directory.len() as u32, out.len() as u32);
    out.extend(directory);
    out.extend(end);
    Ok(out)
}

/// Reads the entries of an archive that must have exactly the form that [`write`] gives.
pub fn read(bytes: &[u8]) -> Result<Vec<Entry>, PackageError> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(PackageError::TooLarge { bytes: bytes.len() as u64 });
    }
    let (count, mut at) = read_end(bytes)?;
    let directory_start = at;
    let directory_end = bytes.len() - END_LEN;
    let mut entries: Vec<Entry> = Vec::with_capacity(count);
    let mut offset = 0;
    for _ in 0..count {
        let last = entries.last().map(|entry| entry.name.as_str());
        let header = read_central(&bytes[at..directory_end], last)?;
        let range = check_local(bytes, &header, offset, directory_start)?;
        let name = header.name.to_owned();
        let got = crc32(&bytes[range.clone()]);
        if got != header.crc {
            return Err(PackageError::Checksum { name, expected: header.crc, got });
        }
        at += CENTRAL_LEN + name.len();
        offset = range.end;
        entries.push(Entry { name, range });
    }
    if at != directory_end || offset != directory_start {
        return Err(structure("bytes that belong to no entry"));
    }
    Ok(entries)
}

fn structure(problem: &str) -> PackageError {
    PackageError::Structure { problem: problem.to_owned() }
}

/// Checks the end record; returns the number of entries and where the directory starts.
fn read_end(bytes: &[u8]) -> Result<(usize, usize), PackageError> {
    let Some(start) = bytes.len().checked_sub(END_LEN) else {
        return Err(structure("the file is shorter than an empty archive"));
    };
    let end = &bytes[start..];
    if &end[..4] != b"PK\x05\x06" {
        return Err(structure("no end record at the end of the file"));
    }
    let count = u16_at(end, 10);
    if usize::from(count) > MAX_ENTRIES {
        return Err(PackageError::TooManyEntries { entries: usize::from(count) });
    }
    let (size, offset) = (u32_at(end, 12), u32_at(end, 16));
    if end != end_record(count, size, offset) {
        return Err(structure("the end record is damaged or has a comment"));
    }
    if u64::from(offset) + u64::from(size) != start as u64 {
        return Err(structure("the directory does not end where the end record starts"));
    }
    Ok((usize::from(count), offset as usize))
}

/// Reads the first header of the rest of the directory.
fn read_central<'a>(rest: &'a [u8], last: Option<&str>) -> Result<Header<'a>, PackageError> {
    if rest.len() < CENTRAL_LEN || &rest[..4] != b"PK\x01\x02" {
        return Err(structure("the directory is damaged"));
    }
    let name_len = usize::from(u16_at(rest, 28));
    let Some(name) = rest.get(CENTRAL_LEN..CENTRAL_LEN + name_len) else {
        return Err(structure("the directory is damaged"));
    };
    let name = check_name(name, last)?;
    let header = Header { name, crc: u32_at(rest, 16), size: u32_at(rest, 24), offset: u32_at(rest, 42) };
    if rest[..CENTRAL_LEN + name_len] == header.central()[..] {
        return Ok(header);
    }
    let name = name.to_owned();
    let (flags, method) = (u16_at(rest, 8), u16_at(rest, 10));
    Err(if method != 0 {
        PackageError::Compressed { name, method }
    } else if flags != 0 {
        PackageError::Flags { name, flags }
    } else if rest[30..42].iter().any(|byte| *byte != 0) {
        PackageError::Attributes { name }
    } else {
        PackageError::HeaderMismatch { name }
    })
}

/// Checks the local header at `offset`; returns where the data lies.
fn check_local(
    bytes: &[u8],
    header: &Header<'_>,
    offset: usize,
    end: usize,
) -> Result<Range<usize>, PackageError> {
    let mismatch = || PackageError::HeaderMismatch { name: header.name.to_owned() };
    let local = header.local();
    let start = offset.checked_add(LOCAL_LEN + header.name.len()).ok_or_else(mismatch)?;
    let data_end = start.checked_add(header.size as usize).ok_or_else(mismatch)?;
    if header.offset as usize != offset || data_end > end || bytes[offset..start] != local[..] {
        return Err(mismatch());
    }
    Ok(start..data_end)
}

/// Checks a name: plain, and after the last one.
fn check_name<'a>(name: &'a [u8], last: Option<&str>) -> Result<&'a str, PackageError> {
    let plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(byte);
    let allowed = (1..=64).contains(&name.len())
        && name.iter().all(plain)
        && name.first().is_some_and(u8::is_ascii_lowercase)
        && name.last() != Some(&b'.')
        && !name.windows(2).any(|pair| pair == b"..");
    let text = std::str::from_utf8(name).ok().filter(|_| allowed);
    let Some(text) = text else {
        let shown: String = String::from_utf8_lossy(name).chars().take(64).collect();
        return Err(PackageError::Name { name: format!("{shown:?}") });
    };
    match last.map(|last| last.cmp(text)) {
        None | Some(std::cmp::Ordering::Less) => Ok(text),
        Some(std::cmp::Ordering::Equal) => Err(PackageError::Duplicate { name: text.to_owned() }),
        Some(std::cmp::Ordering::Greater) => Err(PackageError::Order { name: text.to_owned() }),
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

const fn crc_table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut value = index as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { (value >> 1) ^ 0xedb8_8320 } else { value >> 1 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
}

static CRC_TABLE: [u32; 256] = crc_table();

/// CRC-32 of ISO 3309, as ZIP uses it; finds every change of up to 32 bits in a row.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| CRC_TABLE[((crc ^ u32::from(*byte)) & 0xff) as usize] ^ (crc >> 8))
}

#[cfg(test)]
#[path = "archive_tests.rs"]
mod tests;
