//! Which kind a model file is, by its first bytes; code-carrying kinds are refused with the way out.

use crate::{error::ImportError, foreign, imported::Imported, lightgbm, xgboost};

const READABLE: &str = "a LightGBM text model (Booster.save_model(\"m.txt\")), an XGBoost JSON model \
                        (Booster.save_model(\"m.json\")) or an ONNX model";

/// Reads a model file of another library.
pub fn import(bytes: &[u8]) -> Result<Imported, ImportError> {
    let refuse = |found: &str| ImportError::Kind { found: found.to_owned(), expected: READABLE };
    match bytes {
        [] => return Err(refuse("an empty file")),
        [0x80, 2..=5, ..] => return Err(refuse("a pickle, which runs code when it is loaded")),
        [b'P', b'K', 3, 4, ..] => return Err(refuse("a ZIP archive (Keras, PyTorch, joblib or another)")),
        [0x89, b'H', b'D', b'F', ..] => return Err(refuse("an HDF5 file (Keras)")),
        [0x1f, 0x8b, ..] => return Err(refuse("a gzip file")),
        [b'T', b'F', b'L', b'3', ..] | [_, _, _, _, b'T', b'F', b'L', b'3', ..] => {
            return Err(refuse("a TensorFlow Lite model"));
        }
        own if foreign::is_onnx(own) => {
            let imported = foreign::read(own)?;
            return Ok(Imported { sha256: yard_package::sha256(bytes), ..imported });
        }
        [b'{', b'L', ..] => return Err(refuse("an XGBoost model in UBJSON")),
        _ => {}
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return Err(refuse("binary data")) };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let imported = if text.trim_start().starts_with('{') {
        xgboost::read(text)?
    } else if text.starts_with("tree\n") || text.starts_with("tree\r\n") {
        lightgbm::read(text)?
    } else {
        return Err(refuse("text of another kind"));
    };
    Ok(Imported { sha256: yard_package::sha256(bytes), ..imported })
}
