//! Images as values of a field: a cell holds a `data:image/png;base64,...` text, or the name of a file that
//! the table's [`Files`] read. Bytes become pixels here and nowhere else, by fixed arithmetic, so that an
//! image has the same features while training, in a batch and in a request. Knows nothing of models.

mod base64;
mod decode;
mod resize;
pub(crate) mod step;
#[cfg(test)]
mod tests;

pub use decode::{ImageError, MAX_BYTES, MAX_PIXELS, MAX_SIDE, Pixels, decode};

use yard_types::files::Files;

/// Returns the planes `[channels, height, width]` of an image, values 0..=255, as the recipe's step makes
/// them.
pub fn planes(pixels: &Pixels, channels: usize, size: (usize, usize)) -> Vec<f64> {
    resize::planes(pixels, channels, size)
}

/// Returns an image's bytes as the text that a request holds.
pub fn to_data_uri(bytes: &[u8]) -> String {
    let kind = if decode::is_jpeg(bytes) { "jpeg" } else { "png" };
    format!("data:image/{kind};base64,{}", base64::encode(bytes))
}

/// Returns whether a text is a data URI of an image (its content isn't looked at).
pub fn is_data_uri(text: &str) -> bool {
    payload(text).is_some()
}

/// Returns the number of bytes of the image in a data URI.
pub fn data_uri_bytes(text: &str) -> Option<usize> {
    payload(text).map(|payload| payload.trim_end_matches('=').len() / 4 * 3 + rest(payload))
}

/// Returns the bytes of an image that a cell names or holds.
pub fn bytes_of(cell: &str, files: Option<&Files>) -> Result<Vec<u8>, ImageError> {
    let cell = cell.trim();
    if let Some(payload) = payload(cell) {
        if payload.len() / 4 * 3 > MAX_BYTES + 2 {
            return Err(ImageError::Bytes { bytes: payload.len() / 4 * 3 });
        }
        return base64::decode(payload).ok_or(ImageError::Base64);
    }
    match files {
        None => Err(ImageError::NotAUri),
        Some(files) => files.read(cell).map_err(|reason| ImageError::File { reason }),
    }
}

/// Decodes the image that a cell names or holds.
pub fn read(cell: &str, files: Option<&Files>) -> Result<Pixels, ImageError> {
    decode(&bytes_of(cell, files)?)
}

fn payload(text: &str) -> Option<&str> {
    let (head, payload) = text.split_once(',')?;
    let head = head.to_ascii_lowercase();
    (head.starts_with("data:image/") && head.ends_with(";base64")).then_some(payload)
}

/// Returns the bytes of the last, incomplete group of four characters.
fn rest(payload: &str) -> usize {
    (payload.trim_end_matches('=').len() % 4).saturating_sub(1)
}
