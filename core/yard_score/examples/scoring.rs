//! Measures a tree model of numeric features on one thread: many rows, one row at a time, explanations.
//! Run by `tests/bench/scoring.py`, which makes the folder and compares with other libraries:
//! `scoring FOLDER [SECONDS]`. FOLDER holds `model.json` (a `TreeEnsemble`), `rows.f32` (row-major,
//! little-endian) and `background.f32`; `margins.f32`, `shap.f64` and `interventional.f64` are written
//! there. One JSON line tells rows per CPU second and latencies in nanoseconds.

use std::{
    error::Error,
    fs,
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};
use yard_score::{
    explain::{Explainer, Explanation},
    model::{Calibration, Link, Model, ScorerParts, TreeEnsemble},
    scorer::Scorer,
};
use yard_types::{
    cell::CellRules,
    frame::Task,
    recipe::{Encoding, Feature, FeatureOp, FittedInput, FittedRecipe},
    schema::FieldType,
    table::{Column, FieldValue, Table},
};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn parts(model: TreeEnsemble) -> ScorerParts {
    let input = |index: u32| FittedInput {
        name: format!("f{index}"),
        field_type: FieldType::Number,
        rules: CellRules::default(),
        categories: Vec::new(),
    };
    let feature = |index: u32| Feature {
        name: format!("f{index}"),
        input: index,
        op: FeatureOp::Number { fill: None, scale: None },
    };
    ScorerParts {
        task: Task::Binary,
        classes: vec!["0".to_owned(), "1".to_owned()],
        recipe: FittedRecipe {
            encoding: Encoding::Trees,
            inputs: (0..model.n_features).map(input).collect(),
            texts: vec![],
            images: vec![],
            pieces: vec![],
            features: (0..model.n_features).map(feature).collect(),
        },
        link: Link::Logistic,
        calibration: Calibration::None,
        model: Model::Trees(model),
    }
}

fn floats(path: &Path) -> Outcome<Vec<f32>> {
    let bytes = fs::read(path)?;
    Ok(bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

/// CPU seconds of this thread where the system tells, else seconds.
fn cpu(start: Instant) -> f64 {
    let told = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.map_or_else(|| start.elapsed().as_secs_f64(), |nanoseconds| nanoseconds * 1e-9)
}

/// Returns the highest rate of rows per CPU second among runs that last about `seconds` together.
fn rate<T>(rows: usize, seconds: f64, mut run: impl FnMut() -> Outcome<T>) -> Outcome<f64> {
    let (start, mut best) = (Instant::now(), 0.0_f64);
    while best == 0.0 || start.elapsed() < Duration::from_secs_f64(seconds) {
        let before = cpu(start);
        std::hint::black_box(run()?);
        best = best.max(rows as f64 / (cpu(start) - before));
    }
    Ok(best)
}

/// Returns the latencies of one row at a time, sorted, in nanoseconds.
fn single(scorer: &Scorer, rows: &[f32], n: usize) -> Outcome<Vec<u128>> {
    let mut scratch = scorer.scratch();
    let mut values: Vec<FieldValue<'_>> = Vec::with_capacity(n);
    let mut times = Vec::with_capacity(rows.len() / n);
    for row in rows.chunks_exact(n) {
        values.clear();
        values.extend(row.iter().map(|value| FieldValue::Number(f64::from(*value))));
        let begin = Instant::now();
        std::hint::black_box(scorer.score_row(&values, &mut scratch)?);
        times.push(begin.elapsed().as_nanos());
    }
    times.sort_unstable();
    Ok(times)
}

fn table(rows: &[f32], n: usize) -> Outcome<Table> {
    let column = |index: usize| rows.iter().skip(index).step_by(n).map(|value| f64::from(*value)).collect();
    Ok(Table::new((0..n).map(|index| (format!("f{index}"), Column::Number(column(index)))).collect())?)
}

fn bytes(all: &[Explanation]) -> Vec<u8> {
    all.iter().flat_map(|one| one.contributions.iter().flat_map(|value| value.to_le_bytes())).collect()
}

fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().ok_or("expected a folder")?;
    let seconds: f64 = args.next().map_or(Ok(3.0), |text| text.parse())?;
    let folder = Path::new(&folder);
    let model: TreeEnsemble = serde_json::from_slice(&fs::read(folder.join("model.json"))?)?;
    let n = model.n_features as usize;
    let (rows, background) = (floats(&folder.join("rows.f32"))?, floats(&folder.join("background.f32"))?);
    let first = |count: usize| &rows[..rows.len().min(count * n)];
    let parts = parts(model);
    let start = Instant::now();
    let scorer = Scorer::new(&parts)?;
    let load = start.elapsed();
    let batch = rate(rows.len() / n, seconds, || Ok(scorer.score_features(&rows)?))?;
    let bound = table(first(200_000), n)?;
    let columns = rate(bound.rows(), seconds, || Ok(scorer.score_table(&bound)?))?;
    let times = single(&scorer, first(200_000), n)?;
    let explainer = Explainer::new(&parts, None)?;
    let explained = first(20_000);
    let shap = rate(explained.len() / n, seconds, || Ok(explainer.explain_encoded(explained)?))?;
    let against = Explainer::interventional(&parts, &background)?;
    let few = first(2_000);
    let interventional = rate(few.len() / n, seconds, || Ok(against.explain_encoded(few)?))?;
    let margins = scorer.score_features(&rows)?.margins;
    let margins: Vec<u8> = margins.iter().flat_map(|margin| margin.to_le_bytes()).collect();
    fs::write(folder.join("margins.f32"), margins)?;
    fs::write(folder.join("shap.f64"), bytes(&explainer.explain_encoded(few)?))?;
    fs::write(folder.join("interventional.f64"), bytes(&against.explain_encoded(few)?))?;
    let (p50, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    writeln!(
        std::io::stdout(),
        "{{\"batch\":{batch},\"table\":{columns},\"p50_ns\":{p50},\"p99_ns\":{p99},\"shap\":{shap},\
         \"interventional\":{interventional},\"load_ns\":{}}}",
        load.as_nanos()
    )?;
    Ok(())
}
