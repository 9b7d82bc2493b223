//! Bytes of a file: opening, gzip with a limit, progress and stopping, hashing. Knows nothing of text.

use crate::error::{DataError, Stopped, UnpackLimit};
use crate::options::{ReadOptions, Watch};
use sha2::Digest;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use yard_types::{event::Progress, ids::Sha256, profile::Fingerprint, schema::Schema, table::Table};

const BLOCK: usize = 1 << 16;
const UNPACK_RATIO: u64 = 200;
const UNPACK_FLOOR: u64 = 64 << 20;

/// A byte stream of a file's content, unpacked when it is gzip.
pub(crate) struct Bytes {
    inner: Box<dyn Read + Send>,
    watch: Option<Watch>,
    total: Option<u64>,
    done: u64,
    told: u64,
    limit: Option<UnpackLimit>,
}

/// Opens a regular file and returns its size; folders and absent files are errors of their own.
pub(crate) fn open_file(path: &Path) -> Result<(File, u64), DataError> {
    let fail = |source| DataError::io("open the file", path, source);
    let meta = std::fs::metadata(path).map_err(fail)?;
    if meta.is_dir() {
        return Err(DataError::Folder { path: path.to_owned() });
    }
    let file = File::open(path).map_err(fail)?;
    Ok((file, meta.len()))
}

/// Returns the first bytes of the file as stored (at most `most`).
pub(crate) fn head(path: &Path, most: usize) -> Result<Vec<u8>, DataError> {
    let (file, _) = open_file(path)?;
    let mut out = Vec::new();
    file.take(most as u64).read_to_end(&mut out).map_err(|source| DataError::io("read", path, source))?;
    Ok(out)
}

/// Returns whether the first bytes are those of a gzip file.
pub(crate) fn is_gzip(head: &[u8]) -> bool {
    head.starts_with(&[0x1f, 0x8b])
}

impl Bytes {
    /// Opens the content of a file.
    pub(crate) fn open(path: &Path, options: &ReadOptions) -> Result<Self, DataError> {
        let (file, size) = open_file(path)?;
        let gzip = is_gzip(&head(path, 2)?);
        let file = BufReader::with_capacity(BLOCK, file);
        let (inner, limit): (Box<dyn Read + Send>, _) = if gzip {
            let (limit, rule) = match options.max_unpacked_bytes {
                Some(limit) => (limit, "the one given"),
                None => (
                    size.saturating_mul(UNPACK_RATIO).max(UNPACK_FLOOR),
                    "200 times the packed size, at least 64 MiB",
                ),
            };
            let limit = UnpackLimit { limit, packed: size, rule };
            (Box::new(flate2::read::MultiGzDecoder::new(file)), Some(limit))
        } else {
            (Box::new(file), None)
        };
        let total = (!gzip).then_some(size);
        Ok(Self { inner, watch: options.watch.clone(), total, done: 0, told: 0, limit })
    }

    fn tell(&mut self) -> std::io::Result<()> {
        let Some(watch) = &self.watch else { return Ok(()) };
        if self.told > 0 && self.done - self.told < 1 << 20 {
            return Ok(());
        }
        self.told = self.done.max(1);
        let progress = Progress {
            phase: "reading the file".to_owned(),
            done: self.done >> 20,
            total: self.total.map(|bytes| bytes >> 20),
            unit: "MB".to_owned(),
        };
        if watch(progress) { Ok(()) } else { Err(std::io::Error::other(Stopped)) }
    }
}

impl Read for Bytes {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.tell()?;
        let got = self.inner.read(buffer)?;
        self.done += got as u64;
        if let Some(UnpackLimit { limit, packed, rule }) = self.limit
            && self.done > limit
        {
            return Err(std::io::Error::other(UnpackLimit { limit, packed, rule }));
        }
        Ok(got)
    }
}

/// Returns size and SHA-256 of the file as stored (packed bytes when it is gzip); of a folder of images,
/// those of all names and contents.
pub fn fingerprint(path: &Path, watch: Option<&Watch>) -> Result<Fingerprint, DataError> {
    if path.is_dir() {
        return crate::images::fingerprint::of_folder(path, watch);
    }
    let (mut file, size) = open_file(path)?;
    let mut hasher = sha2::Sha256::new();
    let mut block = vec![0_u8; 1 << 20];
    let mut bytes = 0_u64;
    loop {
        let got = file.read(&mut block).map_err(|source| DataError::io("read", path, source))?;
        if got == 0 {
            break;
        }
        hasher.update(&block[..got]);
        bytes += got as u64;
        let (done, total) = (bytes >> 20, Some(size >> 20));
        let progress = Progress { phase: "hashing the file".to_owned(), done, total, unit: "MB".to_owned() };
        if watch.is_some_and(|watch| !watch(progress)) {
            return Err(DataError::Cancelled);
        }
    }
    Ok(Fingerprint { bytes, sha256: Sha256(hasher.finalize().into()) })
}

/// Returns the fingerprint of the data that a table was read from: that of the file, and of the images
/// which its cells name.
pub fn fingerprint_of(
    path: &Path,
    (table, schema): (&Table, &Schema),
    watch: Option<&Watch>,
) -> Result<Fingerprint, DataError> {
    let file = fingerprint(path, watch)?;
    crate::images::fingerprint::of_table(file, (path, table, schema), watch)
}
