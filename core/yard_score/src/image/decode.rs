//! PNG and JPEG bytes to 8-bit grey or RGB pixels. Size is known from the header and limited before
//! anything is unpacked; a damaged or cut image is an error, never half a picture. Transparent pixels are
//! laid on white; 16 bits are cut to 8; of an animation the first picture is taken. Both decoders run
//! without SIMD variants of their arithmetic, so that every machine gets the same pixels.

use std::io::Cursor;
use zune_jpeg::{
    JpegDecoder,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

/// Largest file in bytes.
pub const MAX_BYTES: usize = 32 << 20;
/// Longest side in pixels.
pub const MAX_SIDE: usize = 16_384;
/// Most pixels.
pub const MAX_PIXELS: usize = 32_000_000;

/// A decoded image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pixels {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
    /// `[height, width, channels]`.
    pub data: Vec<u8>,
}

/// Why bytes are no image that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// No bytes.
    #[error("the file is empty")]
    Empty,
    /// Not PNG, not JPEG.
    #[error("it is neither PNG nor JPEG (it starts with {start:?})")]
    Format {
        /// First bytes as text.
        start: String,
    },
    /// More bytes than allowed.
    #[error("it has {bytes} bytes; at most {MAX_BYTES} are read")]
    Bytes {
        /// Bytes.
        bytes: usize,
    },
    /// More pixels than allowed, or none.
    #[error(
        "it is {width} × {height} pixels; from 1 to {MAX_PIXELS} pixels and sides up to {MAX_SIDE} are read"
    )]
    Size {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// The decoder gave up.
    #[error("it is damaged or cut off ({reason})")]
    Damaged {
        /// What the decoder said.
        reason: String,
    },
    /// The text after `base64,` is no base64.
    #[error("the text after \"base64,\" is no base64")]
    Base64,
    /// Text that is no data URI where there are no files.
    #[error("expected data:image/png;base64,... or data:image/jpeg;base64,...")]
    NotAUri,
    /// The file can't be read.
    #[error("{reason}")]
    File {
        /// Why.
        reason: String,
    },
}

/// Decodes a PNG or JPEG.
pub fn decode(bytes: &[u8]) -> Result<Pixels, ImageError> {
    if bytes.is_empty() {
        return Err(ImageError::Empty);
    }
    if bytes.len() > MAX_BYTES {
        return Err(ImageError::Bytes { bytes: bytes.len() });
    }
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return png(bytes);
    }
    if is_jpeg(bytes) {
        return jpeg(bytes);
    }
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(8)]).into_owned();
    Err(ImageError::Format { start })
}

/// Returns whether bytes start as a JPEG does.
pub(super) fn is_jpeg(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xd8, 0xff])
}

fn check_size(width: usize, height: usize) -> Result<(), ImageError> {
    let fits = (1..=MAX_SIDE).contains(&width)
        && (1..=MAX_SIDE).contains(&height)
        && width.saturating_mul(height) <= MAX_PIXELS;
    if fits { Ok(()) } else { Err(ImageError::Size { width, height }) }
}

fn damaged(reason: &dyn std::fmt::Display) -> ImageError {
    let reason: String = reason.to_string().chars().take(120).collect();
    ImageError::Damaged { reason }
}

fn png(bytes: &[u8]) -> Result<Pixels, ImageError> {
    let limits = png::Limits { bytes: 4 * MAX_PIXELS + (1 << 20) };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let header = decoder.read_header_info().map_err(|error| damaged(&error))?;
    let (width, height) = (header.width as usize, header.height as usize);
    check_size(width, height)?;
    let mut reader = decoder.read_info().map_err(|error| damaged(&error))?;
    let size = reader.output_buffer_size().ok_or(ImageError::Size { width, height })?;
    let mut data = vec![0; size];
    let frame = reader.next_frame(&mut data).map_err(|error| damaged(&error))?;
    data.truncate(frame.buffer_size());
    let (channels, alpha) = match frame.color_type {
        png::ColorType::Grayscale => (1, false),
        png::ColorType::GrayscaleAlpha => (1, true),
        png::ColorType::Rgb => (3, false),
        png::ColorType::Rgba => (3, true),
        png::ColorType::Indexed => return Err(damaged(&"its palette was not unpacked")),
    };
    if alpha {
        data = on_white(&data, channels);
    }
    whole(Pixels { width: frame.width as usize, height: frame.height as usize, channels, data })
}

fn jpeg(bytes: &[u8]) -> Result<Pixels, ImageError> {
    // The decoder fills up what is missing at the very end: the marker of the end must follow the scans.
    let last = |marker: [u8; 2]| bytes.windows(2).rposition(|pair| pair == marker);
    if last([0xff, 0xd9]) < last([0xff, 0xda]) {
        return Err(damaged(&"no end of image"));
    }
    let options = DecoderOptions::new_safe()
        .set_use_unsafe(false)
        .set_strict_mode(true)
        .set_max_width(MAX_SIDE)
        .set_max_height(MAX_SIDE);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|error| damaged(&error))?;
    let (width, height) = decoder.dimensions().ok_or_else(|| damaged(&"no size in its header"))?;
    check_size(width, height)?;
    let grey = decoder.input_colorspace() == Some(ColorSpace::Luma);
    let (channels, space) = if grey { (1, ColorSpace::Luma) } else { (3, ColorSpace::RGB) };
    decoder.set_options(options.jpeg_set_out_colorspace(space));
    let data = decoder.decode().map_err(|error| damaged(&error))?;
    whole(Pixels { width, height, channels, data })
}

fn whole(pixels: Pixels) -> Result<Pixels, ImageError> {
    check_size(pixels.width, pixels.height)?;
    if pixels.data.len() == pixels.width * pixels.height * pixels.channels {
        return Ok(pixels);
    }
    Err(damaged(&format!("{} bytes of pixels", pixels.data.len())))
}

/// Lays pixels with an alpha channel on white.
fn on_white(data: &[u8], channels: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() / (channels + 1) * channels);
    for pixel in data.chunks_exact(channels + 1) {
        let alpha = u32::from(pixel[channels]);
        let laid = |value: &u8| ((u32::from(*value) * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
        out.extend(pixel[..channels].iter().map(laid));
    }
    out
}
