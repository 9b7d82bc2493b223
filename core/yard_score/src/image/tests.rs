//! Images against Pillow, damaged and hostile ones, and the same bits by every way into the encoder.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::{
    encode::{Encoder, Rows},
    model::{Calibration, LinearModel, Link, Model, ScorerParts},
    scorer::Scorer,
};
use serde::Deserialize;
use serde_json::json;
use yard_types::{
    cell::CellRules,
    files::FileSource,
    frame::Task,
    image::FittedImage,
    recipe::{Encoding, Feature, FeatureOp, FittedInput, FittedRecipe, Scale},
    schema::FieldType,
    table::{Column, FieldValue, Table, TextColumn},
};

#[derive(Deserialize)]
struct Reference {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    width: usize,
    height: usize,
    channels: usize,
    data: String,
    pixels: Vec<u8>,
    tolerance: u8,
}

fn cases() -> Vec<(Case, Vec<u8>)> {
    let text = include_str!("../../tests/fixtures/image_reference.json");
    let cases = serde_json::from_str::<Reference>(text).unwrap().cases;
    cases.into_iter().map(|case| (base64::decode(&case.data).unwrap(), case)).map(|(b, c)| (c, b)).collect()
}

#[test]
fn pixels_are_those_of_pillow() {
    for (case, bytes) in cases() {
        let got = decode(&bytes).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        assert_eq!(
            (got.width, got.height, got.channels),
            (case.width, case.height, case.channels),
            "{}",
            case.name
        );
        let gap = got.data.iter().zip(&case.pixels).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(gap <= Some(case.tolerance), "{}: {gap:?}", case.name);
        let uri = to_data_uri(&bytes);
        assert!(is_data_uri(&uri) && data_uri_bytes(&uri) == Some(bytes.len()));
        assert_eq!(read(&uri, None).unwrap(), got);
    }
}

#[test]
fn cut_and_changed_images_are_errors_or_whole_never_a_panic() {
    for (case, bytes) in cases() {
        // A PNG ends with a chunk of 12 bytes that holds nothing, a JPEG with a marker.
        let needed = if case.name.starts_with("jpeg") { bytes.len() } else { bytes.len() - 12 };
        let stride = (needed / 60).max(1);
        for end in (0..needed).step_by(stride).chain(needed - stride..needed) {
            assert!(decode(&bytes[..end]).is_err(), "{} cut at {end} of {}", case.name, bytes.len());
        }
        for at in (0..bytes.len()).step_by(7) {
            let mut changed = bytes.clone();
            changed[at] ^= 0x55;
            if let Ok(pixels) = decode(&changed) {
                assert_eq!(pixels.data.len(), pixels.width * pixels.height * pixels.channels);
            }
        }
    }
}

#[test]
fn sizes_are_limited_before_pixels_are_made() {
    let (_, bytes) = cases().remove(0);
    for (width, height) in [(40_000_u32, 2_u32), (16_000, 16_000), (0, 5)] {
        // The size stands behind the signature and the name of the first chunk.
        let mut bomb = bytes.clone();
        bomb[16..20].copy_from_slice(&width.to_be_bytes());
        bomb[20..24].copy_from_slice(&height.to_be_bytes());
        let checksum = crc(&bomb[12..29]);
        bomb[29..33].copy_from_slice(&checksum.to_be_bytes());
        let text = decode(&bomb).unwrap_err().to_string();
        assert!(text.contains(&format!("{width} × {height} pixels")) || width == 0, "{text}");
    }
    let error = decode(&vec![0; MAX_BYTES + 1]).unwrap_err();
    assert_eq!(error, ImageError::Bytes { bytes: MAX_BYTES + 1 });
    assert_eq!(decode(b"").unwrap_err().to_string(), "the file is empty");
    assert!(decode(b"hello\n").unwrap_err().to_string().contains("\"hello\\n\""));
}

/// CRC-32 of PNG, bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

struct Folder(Vec<(Case, Vec<u8>)>);

impl FileSource for Folder {
    fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        let found = self.0.iter().find(|(case, _)| case.name == name);
        found.map(|(_, bytes)| bytes.clone()).ok_or_else(|| "there is no such file".to_owned())
    }

    fn place(&self) -> &'static str {
        "here"
    }
}

fn recipe(encoding: Encoding) -> FittedRecipe {
    let input = |name: &str, field_type| FittedInput {
        name: name.to_owned(),
        field_type,
        rules: CellRules::default(),
        categories: Vec::new(),
    };
    let mut recipe = FittedRecipe {
        encoding,
        inputs: vec![input("size", FieldType::Number), input("photo", FieldType::Image)],
        texts: Vec::new(),
        images: Vec::new(),
        pieces: Vec::new(),
        features: vec![
            Feature { name: "size".into(), input: 0, op: FeatureOp::Number { fill: Some(1.0), scale: None } },
            Feature { name: "photo missing".into(), input: 1, op: FeatureOp::MissingFlag },
        ],
    };
    let scale = |mean| Scale { mean, inverse_sd: 2.0 };
    for (channels, height, width) in [(3, 4, 5), (1, 2, 2)] {
        let scale = (0..channels).map(|at| scale(0.1 * f64::from(at))).collect();
        recipe.add_image(FittedImage { input: 1, first: 0, channels, height, width, scale });
    }
    recipe
}

fn table() -> Table {
    let cells: Vec<Option<String>> = cases()
        .iter()
        .map(|(case, _)| Some(case.name.clone()))
        .chain([None, Some("absent.png".to_owned()), Some("n/a".to_owned())])
        .collect();
    let words = TextColumn::from_cells(cells.iter().map(Option::as_deref));
    let size = (0..cells.len()).map(|row| row as f64).collect();
    let columns = vec![("size".into(), Column::Number(size)), ("photo".into(), Column::Text(words))];
    Table::new(columns).unwrap().with_files(Some(Files::new(Folder(cases()))))
}

#[test]
fn every_way_gives_the_same_bits_and_broken_images_are_missing() {
    for encoding in [Encoding::Dense, Encoding::Trees] {
        let encoder = Encoder::new(&recipe(encoding)).unwrap();
        let (table, width) = (table(), encoder.n_features());
        let rows = table.rows();
        let all = encoder.encode(&table, Rows::Range(0, rows)).unwrap();
        let columns = encoder.encode_columns(&table, Rows::Range(0, rows)).unwrap();
        let sparse = encoder.encode_sparse(&table, Rows::Range(0, rows)).unwrap();
        let folder = cases();
        for row in 0..rows {
            let line = &all[row * width..(row + 1) * width];
            let uri = folder.get(row).map(|(_, bytes)| to_data_uri(bytes));
            let image = uri.as_deref().map_or(FieldValue::Missing, FieldValue::Text);
            let mut own = vec![7.0; width];
            encoder.encode_row(&[FieldValue::Number(row as f64), image], &mut own).unwrap();
            assert_eq!(own, line, "row {row}");
            let column: Vec<f32> = columns.iter().map(|column| column[row]).collect();
            assert_eq!(column, line);
            let mut full = vec![0.0; width];
            for at in sparse.starts[row]..sparse.starts[row + 1] {
                full[sparse.columns[at] as usize] = sparse.values[at];
            }
            assert_eq!(full, line);
            let missing = row >= folder.len();
            assert_eq!(line[1], f32::from(u8::from(missing)), "row {row}");
            assert!(line[2..].iter().all(|value| *value == 0.0) == missing);
        }
    }
}

#[test]
fn requests_hold_whole_images_or_are_refused() {
    let recipe = recipe(Encoding::Dense);
    let n = recipe.features.len();
    let parts = ScorerParts {
        task: Task::Regression,
        classes: Vec::new(),
        recipe,
        link: Link::Identity,
        calibration: Calibration::None,
        model: Model::Linear(LinearModel { n_features: n as u32, weights: vec![1.0; n], bias: vec![0.0] }),
    };
    let scorer = Scorer::new(&parts).unwrap();
    let (_, bytes) = cases().remove(1);
    let uri = to_data_uri(&bytes);
    let read = |value: serde_json::Value| {
        let row = json!({"size": 3, "photo": value});
        let values = scorer.row_from_json(row.as_object().unwrap()).map_err(|error| error.to_string())?;
        let mut scratch = scorer.scratch();
        let answer = scorer.score_row(&values, &mut scratch).map_err(|error| error.to_string())?;
        Ok::<f32, String>(answer.margins[0])
    };
    assert!(read(json!(uri)).is_ok());
    assert_eq!(read(json!(null)).unwrap(), 4.0);
    assert_eq!(read(json!("n/a")).unwrap(), 4.0);
    let cut = to_data_uri(&bytes[..40]);
    for wrong in [
        json!("a/b.png"),
        json!("/etc/passwd"),
        json!(7),
        json!(true),
        json!(cut),
        json!("data:image/png;base64,???"),
    ] {
        let error = read(wrong.clone()).unwrap_err();
        assert!(error.contains("\"photo\"") && error.contains("data:image/png;base64,"), "{wrong}: {error}");
    }
}

#[test]
fn damaged_recipes_are_refused() {
    let check = |what: &str, change: &dyn Fn(&mut FittedRecipe)| {
        let mut recipe = recipe(Encoding::Dense);
        change(&mut recipe);
        let error = Encoder::new(&recipe).unwrap_err().to_string();
        assert!(error.contains(what), "{what}: {error}");
    };
    check("input 7 does not exist", &|recipe| recipe.images[0].input = 7);
    check("does not fit a number field", &|recipe| recipe.images[0].input = 0);
    check("2 × 4 × 5", &|recipe| recipe.images[0].channels = 2);
    check("at most 262144", &|recipe| recipe.images[0].height = u32::MAX);
    check("does not fit its channels", &|recipe| recipe.images[0].scale.truncate(1));
    check("does not fit its channels", &|recipe| recipe.images[1].scale[0].mean = f64::NAN);
    check("not those of its pixels", &|recipe| recipe.images[0].first = u32::MAX);
    check("not those of its pixels", &|recipe| recipe.images[0].width = 6);
    check("features are pixels", &|recipe| drop(recipe.images.pop()));
    check("does not fit a image field", &|recipe| recipe.features[0].input = 1);
}
