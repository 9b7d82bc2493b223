//! Models of other libraries: LightGBM text, XGBoost JSON, ONNX. What is read must score a row.
#![no_main]
use yard_score::scorer::Scorer;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(imported) = yard_export::import(bytes) else { return };
    if let Ok(scorer) = Scorer::new(&imported.parts) {
        let features = vec![f32::NAN; scorer.encoder().n_features()];
        let _ = scorer.score_features(&features);
    }
});
