//! The exchange file: little-endian f32, for each part its features, targets and weights (if any).

use super::protocol::PartShape;
use crate::mlp::NetRows;
use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// An exchange file, removed when dropped.
pub(super) struct Exchange {
    pub(super) path: PathBuf,
}

impl Drop for Exchange {
    fn drop(&mut self) {
        // Nothing can be done about a file that can't be removed from a temporary folder.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Exchange {
    /// Writes both parts to a new file in `folder`.
    pub(super) fn write(folder: &Path, train: &NetRows, validation: &NetRows) -> io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("yard-trainer-{}-{number}.f32", std::process::id()));
        let file = std::fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
        let exchange = Self { path };
        let mut out = BufWriter::with_capacity(1 << 20, file);
        for part in [train, validation] {
            for values in [&part.x, &part.y, part.weights.as_ref().unwrap_or(&Vec::new())] {
                for value in values {
                    out.write_all(&value.to_le_bytes())?;
                }
            }
        }
        out.flush()?;
        Ok(exchange)
    }
}

pub(super) fn shape(rows: &NetRows) -> PartShape {
    PartShape { rows: rows.y.len(), weighted: rows.weights.is_some() }
}

/// Reads both parts; a file of another length is an error.
pub(super) fn read(path: &Path, features: usize, shapes: [PartShape; 2]) -> io::Result<[NetRows; 2]> {
    let file = File::open(path)?;
    let numbers = |shape: PartShape| {
        features.checked_add(1 + usize::from(shape.weighted)).and_then(|n| n.checked_mul(shape.rows))
    };
    let expected = numbers(shapes[0]).zip(numbers(shapes[1])).and_then(|(a, b)| a.checked_add(b));
    let expected = expected.and_then(|n| n.checked_mul(4)).map(|n| n as u64);
    let found = file.metadata()?.len();
    if expected != Some(found) {
        let text = format!("exchange file has {found} bytes; expected {expected:?}");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    let mut input = BufReader::with_capacity(1 << 20, file);
    let mut part = |shape: PartShape| -> io::Result<NetRows> {
        Ok(NetRows {
            x: numbers_of(&mut input, shape.rows * features)?,
            y: numbers_of(&mut input, shape.rows)?,
            weights: shape.weighted.then(|| numbers_of(&mut input, shape.rows)).transpose()?,
        })
    };
    Ok([part(shapes[0])?, part(shapes[1])?])
}

fn numbers_of(input: &mut impl Read, count: usize) -> io::Result<Vec<f32>> {
    let mut bytes = vec![0; count * 4];
    input.read_exact(&mut bytes)?;
    let number = |bytes: &[u8]| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    Ok(bytes.chunks_exact(4).map(number).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_written_is_read_and_the_file_is_removed() {
        let train = NetRows { x: vec![1.0, -0.0, f32::MIN_POSITIVE, 3.5], y: vec![0.0, 1.0], weights: None };
        let validation = NetRows { x: vec![7.0, 8.0], y: vec![1.0], weights: Some(vec![0.5]) };
        let exchange = Exchange::write(&std::env::temp_dir(), &train, &validation).unwrap();
        let path = exchange.path.clone();
        let shapes = [shape(&train), shape(&validation)];
        assert_eq!(read(&path, 2, shapes).unwrap(), [train, validation]);
        assert!(read(&path, 3, shapes).unwrap_err().to_string().contains("expected"));
        assert!(read(&path, usize::MAX, shapes).is_err());
        drop(exchange);
        assert!(!path.exists());
    }
}
