//! Text encodings: finding out which one a file has, and turning it into UTF-8 while reading.
//!
//! Rule: a byte order mark decides; else text in which every second byte is zero is UTF-16; else valid
//! UTF-8 is UTF-8; else a file with more valid multi-byte characters than bad bytes is UTF-8 whose bad
//! bytes are replaced by U+FFFD (stated); else it is Windows-1252, of which Latin-1 is a part.
//! Table: WHATWG Encoding Standard, index windows-1252.

use std::io::Read;

/// Encoding of a text file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Utf8,
    /// UTF-8 with some bad bytes, which are replaced.
    Utf8Damaged,
    Utf16Le,
    Utf16Be,
    Windows1252,
}

impl Encoding {
    /// Returns the word of `SourceFormat::encoding`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Utf8 | Self::Utf8Damaged => "utf-8",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Windows1252 => "windows-1252",
        }
    }
}

/// What a pass over all bytes found.
#[derive(Clone, Debug)]
pub(crate) struct Survey {
    pub(crate) encoding: Encoding,
    pub(crate) bom: bool,
    /// Bytes that are no valid UTF-8, and the line of the first.
    pub(crate) bad_bytes: u64,
    pub(crate) first_bad_line: u64,
    pub(crate) bytes: u64,
    /// Control bytes other than tab, line ends, form feed and NUL.
    pub(crate) control_bytes: u64,
}

/// Reads the stream to its end and decides on the encoding.
pub(crate) fn survey(mut input: impl Read) -> std::io::Result<Survey> {
    let mut check = Utf8Check::default();
    let mut block = vec![0_u8; 1 << 16];
    let mut head: Vec<u8> = Vec::new();
    let mut bytes = 0_u64;
    loop {
        let got = read_some(&mut input, &mut block)?;
        if got == 0 {
            break;
        }
        if head.len() < 4096 {
            head.extend_from_slice(&block[..got.min(4096)]);
        }
        bytes += got as u64;
        check.feed(&block[..got]);
    }
    check.finish();
    let (encoding, bom) = decide(&head, &check);
    Ok(Survey {
        encoding,
        bom,
        bad_bytes: check.bad,
        first_bad_line: check.first_bad_line,
        bytes,
        control_bytes: check.control,
    })
}

fn decide(head: &[u8], check: &Utf8Check) -> (Encoding, bool) {
    if head.starts_with(&[0xff, 0xfe]) {
        return (Encoding::Utf16Le, true);
    }
    if head.starts_with(&[0xfe, 0xff]) {
        return (Encoding::Utf16Be, true);
    }
    let bom = head.starts_with(&[0xef, 0xbb, 0xbf]);
    if !bom && head.len() >= 4 {
        let zeros = |offset: usize| head.iter().skip(offset).step_by(2).filter(|b| **b == 0).count();
        let (even, odd, half) = (zeros(0), zeros(1), head.len() / 2);
        if odd * 10 > half * 7 && even * 20 < half {
            return (Encoding::Utf16Le, false);
        }
        if even * 10 > half * 7 && odd * 20 < half {
            return (Encoding::Utf16Be, false);
        }
    }
    match check.bad {
        0 => (Encoding::Utf8, bom),
        bad if bom || check.multibyte > bad => (Encoding::Utf8Damaged, bom),
        _ => (Encoding::Windows1252, false),
    }
}

/// Counts valid multi-byte characters and bad bytes in a stream of chunks.
#[derive(Default)]
struct Utf8Check {
    carry: Vec<u8>,
    multibyte: u64,
    bad: u64,
    control: u64,
    lines: u64,
    first_bad_line: u64,
}

impl Utf8Check {
    fn feed(&mut self, chunk: &[u8]) {
        let joined;
        let mut rest = if self.carry.is_empty() {
            chunk
        } else {
            let mut all = std::mem::take(&mut self.carry);
            all.extend_from_slice(chunk);
            joined = all;
            &joined
        };
        loop {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    self.valid(text.as_bytes());
                    return;
                }
                Err(error) => {
                    self.valid(&rest[..error.valid_up_to()]);
                    rest = &rest[error.valid_up_to()..];
                    let Some(length) = error.error_len() else {
                        self.carry = rest.to_vec();
                        return;
                    };
                    self.bad_bytes(length as u64);
                    rest = &rest[length..];
                }
            }
        }
    }

    fn bad_bytes(&mut self, count: u64) {
        if self.bad == 0 {
            self.first_bad_line = self.lines + 1;
        }
        self.bad += count;
    }

    fn valid(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.multibyte += u64::from(*byte >= 0xc0);
            self.lines += u64::from(*byte == b'\n');
            self.control += u64::from(*byte < 0x20 && !matches!(byte, 0 | b'\t' | b'\n' | b'\r' | 0x0c));
        }
    }

    fn finish(&mut self) {
        let left = self.carry.len() as u64;
        if left > 0 {
            self.bad_bytes(left);
        }
    }
}

fn read_some(input: &mut impl Read, block: &mut [u8]) -> std::io::Result<usize> {
    loop {
        match input.read(block) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// Turns a stream of an encoding into valid UTF-8 without a byte order mark.
pub(crate) struct Utf8Reader<R> {
    input: R,
    encoding: Encoding,
    skip_bom: bool,
    raw: Vec<u8>,
    out: Vec<u8>,
    at: usize,
    end: bool,
}

impl<R: Read> Utf8Reader<R> {
    pub(crate) fn new(input: R, encoding: Encoding, bom: bool) -> Self {
        Self { input, encoding, skip_bom: bom, raw: Vec::new(), out: Vec::new(), at: 0, end: false }
    }

    fn refill(&mut self) -> std::io::Result<()> {
        self.out.clear();
        self.at = 0;
        while self.out.is_empty() && !self.end {
            let kept = self.raw.len();
            self.raw.resize(kept + (1 << 16), 0);
            let got = read_some(&mut self.input, &mut self.raw[kept..])?;
            self.raw.truncate(kept + got);
            self.end = got == 0;
            if self.skip_bom && (self.raw.len() >= 3 || self.end) {
                let length = if self.encoding == Encoding::Utf8 || self.encoding == Encoding::Utf8Damaged {
                    3
                } else {
                    2
                };
                self.raw.drain(..length.min(self.raw.len()));
                self.skip_bom = false;
            }
            if !self.skip_bom {
                self.convert();
            }
        }
        Ok(())
    }

    fn convert(&mut self) {
        match self.encoding {
            Encoding::Utf8 | Encoding::Utf8Damaged => self.convert_utf8(),
            Encoding::Utf16Le => self.convert_utf16(u16::from_le_bytes),
            Encoding::Utf16Be => self.convert_utf16(u16::from_be_bytes),
            Encoding::Windows1252 => {
                let mut text = [0_u8; 4];
                for byte in self.raw.drain(..) {
                    self.out.extend_from_slice(windows_1252(byte).encode_utf8(&mut text).as_bytes());
                }
            }
        }
    }

    fn convert_utf8(&mut self) {
        let mut rest = self.raw.as_slice();
        loop {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    self.out.extend_from_slice(text.as_bytes());
                    rest = &[];
                    break;
                }
                Err(error) => {
                    self.out.extend_from_slice(&rest[..error.valid_up_to()]);
                    rest = &rest[error.valid_up_to()..];
                    match error.error_len() {
                        Some(length) => rest = &rest[length..],
                        None if self.end => rest = &[],
                        None => break,
                    }
                    self.out.extend_from_slice("\u{fffd}".as_bytes());
                }
            }
        }
        let kept = rest.len();
        let start = self.raw.len() - kept;
        self.raw.drain(..start);
    }

    fn convert_utf16(&mut self, unit: fn([u8; 2]) -> u16) {
        let mut units: Vec<u16> = self.raw.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
        let mut used = units.len() * 2;
        if !self.end && units.last().is_some_and(|last| (0xd800..0xdc00).contains(last)) {
            units.pop();
            used -= 2;
        }
        let mut text = [0_u8; 4];
        for c in char::decode_utf16(units) {
            let c = c.unwrap_or(char::REPLACEMENT_CHARACTER);
            self.out.extend_from_slice(c.encode_utf8(&mut text).as_bytes());
        }
        self.raw.drain(..used);
        if self.end && !self.raw.is_empty() {
            self.raw.clear();
            self.out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

impl<R: Read> Read for Utf8Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.out.len() {
            self.refill()?;
        }
        let count = buffer.len().min(self.out.len() - self.at);
        buffer[..count].copy_from_slice(&self.out[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '\u{20ac}', '\u{81}', '\u{201a}', '\u{0192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}',
        '\u{02c6}', '\u{2030}', '\u{0160}', '\u{2039}', '\u{0152}', '\u{8d}', '\u{017d}', '\u{8f}', '\u{90}',
        '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}', '\u{02dc}',
        '\u{2122}', '\u{0161}', '\u{203a}', '\u{0153}', '\u{9d}', '\u{017e}', '\u{0178}',
    ];
    match byte {
        0x80..=0x9f => HIGH[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests stop at the first surprise")]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> (Encoding, String) {
        let survey = survey(bytes).unwrap();
        let mut text = String::new();
        let mut reader = Utf8Reader::new(bytes, survey.encoding, survey.bom);
        reader.read_to_string(&mut text).unwrap();
        (survey.encoding, text)
    }

    #[test]
    fn encodings_are_found_and_read() {
        let utf16 = |big: bool| -> Vec<u8> {
            let units = "\u{feff}größe,😀\n".encode_utf16();
            units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
        };
        let check = |bytes: &[u8], encoding, text: &str| assert_eq!(read(bytes), (encoding, text.to_owned()));
        check(b"plain\n", Encoding::Utf8, "plain\n");
        check("\u{feff}größe\n".as_bytes(), Encoding::Utf8, "größe\n");
        check(&utf16(false), Encoding::Utf16Le, "größe,😀\n");
        check(&utf16(true), Encoding::Utf16Be, "größe,😀\n");
        check(b"ros\xe9 \x80 5\n", Encoding::Windows1252, "rosé € 5\n");
        check(
            b"a,b,c\n1,2,3\n".iter().flat_map(|b| [*b, 0]).collect::<Vec<u8>>().as_slice(),
            Encoding::Utf16Le,
            "a,b,c\n1,2,3\n",
        );
        let mut mostly = "größe ä ö ü\n".as_bytes().to_vec();
        mostly.extend_from_slice(b"\xff\n");
        check(&mostly, Encoding::Utf8Damaged, "größe ä ö ü\n\u{fffd}\n");
    }

    #[test]
    fn characters_may_cross_block_ends() {
        let text = format!("a{}", "ä😀".repeat(40_000));
        assert_eq!(read(text.as_bytes()), (Encoding::Utf8, text));
    }
}
