//! Archives with one form: `tar` (ustar) with owner, time and order fixed, and `gzip` of stored blocks, so that
//! the same files give the same bytes. Knows nothing of what is in the files.
//! Formats: IEEE Std 1003.1-2017, "pax", ustar interchange format; RFC 1951, RFC 1952.

/// A file or folder of an archive.
pub(crate) struct Item<'a> {
    /// Path without a leading `/`, at most 100 bytes; a folder ends with `/`.
    pub(crate) path: &'a str,
    pub(crate) bytes: &'a [u8],
    pub(crate) mode: u32,
    /// User and group.
    pub(crate) owner: u32,
}

const BLOCK: usize = 512;

/// Writes the items in their order.
pub(crate) fn tar(items: &[Item<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    for item in items {
        out.extend(header(item));
        out.extend(item.bytes);
        out.resize(out.len().next_multiple_of(BLOCK), 0);
    }
    out.resize(out.len() + 2 * BLOCK, 0);
    out
}

fn header(item: &Item<'_>) -> [u8; BLOCK] {
    let mut out = [0_u8; BLOCK];
    let mut put = |at: usize, text: &[u8]| {
        for (slot, byte) in out.iter_mut().skip(at).zip(text) {
            *slot = *byte;
        }
    };
    put(0, &item.path.as_bytes()[..item.path.len().min(100)]);
    put(100, format!("{:07o}\0{o:07o}\0{o:07o}\0", item.mode, o = item.owner).as_bytes());
    put(124, format!("{:011o}\0{:011o}\0        ", item.bytes.len(), 0).as_bytes());
    put(156, if item.path.ends_with('/') { b"5" } else { b"0" });
    put(257, b"ustar\x0000");
    let sum: u32 = out.iter().map(|byte| u32::from(*byte)).sum();
    for (slot, byte) in out.iter_mut().skip(148).zip(format!("{sum:06o}\0 ").bytes()) {
        *slot = byte;
    }
    out
}

/// Wraps bytes as gzip without compressing them.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut chunks = bytes.chunks(0xffff).peekable();
    if chunks.peek().is_none() {
        out.extend([1, 0, 0, 0xff, 0xff]);
    }
    while let Some(chunk) = chunks.next() {
        let length = chunk.len() as u16;
        out.push(u8::from(chunks.peek().is_none()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(chunk);
    }
    out.extend(crc32(bytes).to_le_bytes());
    out.extend((bytes.len() as u32).to_le_bytes());
    out
}

/// CRC-32 of ISO 3309.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    let mut table = [0_u32; 256];
    for (index, slot) in table.iter_mut().enumerate() {
        let mut value = index as u32;
        for _ in 0..8 {
            value = if value & 1 == 1 { (value >> 1) ^ 0xedb8_8320 } else { value >> 1 };
        }
        *slot = value;
    }
    !bytes.iter().fold(!0, |crc: u32, byte| table[((crc ^ u32::from(*byte)) & 0xff) as usize] ^ (crc >> 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_those_of_the_standard() {
        let out = tar(&[Item { path: "a/b.txt", bytes: b"hello", mode: 0o644, owner: 0 }]);
        assert_eq!(out.len(), 4 * BLOCK);
        assert_eq!(&out[..7], b"a/b.txt");
        assert_eq!((&out[257..262], &out[124..136]), (&b"ustar"[..], &b"00000000005\0"[..]));
        let sum: u32 = out[..148].iter().chain(&out[156..BLOCK]).map(|byte| u32::from(*byte)).sum();
        assert_eq!(out[148..156], *format!("{:06o}\0 ", sum + 8 * 32).as_bytes());
    }

    #[test]
    fn the_check_sum_is_the_known_one() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        let long = vec![7_u8; 70_000];
        assert_eq!(gzip(&long).len(), 10 + 2 * 5 + 70_000 + 8);
        assert_eq!(gzip(b"").len(), 23);
    }
}
