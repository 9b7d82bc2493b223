//! Requests: any JSON against a model of two columns.
#![no_main]
use std::sync::OnceLock;
use yard_score::scorer::Scorer;

const MODEL: &[u8] = include_bytes!("../corpus/import/lightgbm_binary.txt");

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    static SCORER: OnceLock<Option<Scorer>> = OnceLock::new();
    let scorer = SCORER.get_or_init(|| {
        let imported = yard_export::import(MODEL).ok()?;
        Scorer::new(&imported.parts).ok()
    });
    let Some(scorer) = scorer else { return };
    let Ok(serde_json::Value::Object(request)) = serde_json::from_slice(bytes) else { return };
    if let Ok(row) = scorer.row_from_json(&request) {
        let mut scratch = scorer.scratch();
        let _ = scorer.score_row(&row, &mut scratch);
    }
});
