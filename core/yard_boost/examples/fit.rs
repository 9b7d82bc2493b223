//! Trains on matrices in a folder and writes predictions: for measuring quality and speed.
//!
//! `fit DIR [family=forest] [threads=N] [seed=N] [NAME=VALUE ...]` reads `DIR/meta.txt` (lines
//! `NAME VALUE`: `features`, `classes` (0 for regression), `categorical` (comma-separated 0 or 1),
//! `train`, `valid`, `test` (rows)) and for each part `PART_x.f32` (column-major) and `PART_y.f32`, all
//! little-endian f32. It writes `DIR/margins.f32` (test margins, `[rows, outputs]`) and one JSON line
//! with times and the peak memory of training on top of the data to standard output.

use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::Instant,
};
use yard_boost::{
    BoostParams, Control, Features, ForestParams, ForestSpec, Objective, TrainSet, TrainSpec, Trained, train,
    train_forest,
};
use yard_score::model::{CATEGORY_SPLIT, MISSING_LEFT, Tree, TreeEnsemble};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

struct Folder {
    path: PathBuf,
    meta: BTreeMap<String, String>,
}

struct Matrix {
    columns: Vec<Vec<f32>>,
    y: Vec<f32>,
}

impl Folder {
    fn open(path: &str) -> Result<Self> {
        let path = PathBuf::from(path);
        let text = fs::read_to_string(path.join("meta.txt"))?;
        let meta = text
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Ok(Self { path, meta })
    }

    fn number(&self, name: &str) -> Result<usize> {
        let value = self.meta.get(name).ok_or_else(|| format!("meta.txt has no {name}"))?;
        Ok(value.parse()?)
    }

    fn categorical(&self) -> Vec<bool> {
        self.meta.get("categorical").map(|v| v.split(',').map(|c| c == "1").collect()).unwrap_or_default()
    }

    fn part(&self, name: &str) -> Result<Option<Matrix>> {
        let rows = self.number(name)?;
        if rows == 0 {
            return Ok(None);
        }
        let x = floats(&self.path.join(format!("{name}_x.f32")))?;
        let columns = x.chunks(rows).map(|column| column.to_vec()).collect();
        Ok(Some(Matrix { columns, y: floats(&self.path.join(format!("{name}_y.f32")))? }))
    }
}

fn floats(path: &Path) -> Result<Vec<f32>> {
    let bytes = fs::read(path)?;
    Ok(bytes.as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect())
}

impl Matrix {
    fn features(&self, categorical: &[bool]) -> Result<Features<'_>> {
        Ok(Features::new(self.columns.iter().map(|c| c.as_slice()).collect(), categorical.to_vec())?)
    }
}

/// CPU seconds of this process, where the system tells.
fn cpu_seconds() -> f64 {
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> =
        text.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect()).unwrap_or_default();
    let ticks = |index: usize| fields.get(index).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

/// A line of this process's status in MiB, where the system tells.
fn memory(name: &str) -> f64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

fn value(tree: &Tree, columns: &[Vec<f32>], row: usize) -> f32 {
    let mut at = if tree.feature.is_empty() { -1 } else { 0 };
    while at >= 0 {
        let node = at as usize;
        let x = columns[tree.feature[node] as usize][row];
        let left = if x.is_nan() {
            tree.flags[node] & MISSING_LEFT != 0
        } else if tree.flags[node] & CATEGORY_SPLIT != 0 {
            let offset = tree.threshold[node] as usize;
            let (word, words) = (x as usize / 32, tree.category_words[offset] as usize);
            word < words && tree.category_words[offset + 1 + word] >> (x as u32 % 32) & 1 == 1
        } else {
            x <= tree.threshold[node]
        };
        at = if left { tree.left[node] } else { tree.right[node] };
    }
    tree.leaf_value[(-(at + 1)) as usize]
}

fn margins(model: &TreeEnsemble, matrix: &Matrix) -> Vec<f32> {
    let outputs = model.base.len();
    let mut out: Vec<f32> = matrix.y.iter().flat_map(|_| model.base.clone()).collect();
    for tree in &model.trees {
        for row in 0..matrix.y.len() {
            out[row * outputs + tree.output as usize] += value(tree, &matrix.columns, row);
        }
    }
    out
}

struct Options {
    forest: bool,
    threads: usize,
    seed: u64,
    params: BTreeMap<String, String>,
}

fn options(arguments: &[String]) -> Result<Options> {
    let mut out = Options { forest: false, threads: 1, seed: 0, params: BTreeMap::new() };
    for argument in arguments {
        let (name, value) =
            argument.split_once('=').ok_or_else(|| format!("{argument} is not NAME=VALUE"))?;
        match name {
            "family" => out.forest = value == "forest",
            "threads" => out.threads = value.parse()?,
            "seed" => out.seed = value.parse()?,
            _ => {
                out.params.insert(name.to_owned(), value.to_owned());
            }
        }
    }
    Ok(out)
}

fn fit(options: &Options, objective: Objective, set: TrainSet, valid: Option<TrainSet>) -> Result<Trained> {
    let (threads, observer) = (options.threads, &mut |_round| Control::Continue);
    if options.forest {
        let params = ForestParams { seed: options.seed, ..ForestParams::from_params(&options.params)? };
        return Ok(train_forest(set, &ForestSpec { objective, params, threads }, observer)?);
    }
    let params = BoostParams { seed: options.seed, ..BoostParams::from_params(&options.params)? };
    Ok(train(set, valid, &TrainSpec { objective, params, threads }, observer)?)
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, rest @ ..] = arguments.as_slice() else {
        return Err("usage: fit DIR [NAME=VALUE ...]".into());
    };
    let folder = Folder::open(folder)?;
    let options = options(rest)?;
    let categorical = folder.categorical();
    let matrix = folder.part("train")?.ok_or("no training rows")?;
    let valid = folder.part("valid")?;
    let objective = match folder.number("classes")? {
        0 => Objective::Regression,
        2 => Objective::Binary,
        classes => Objective::Multiclass(classes as u32),
    };
    let features = matrix.features(&categorical)?;
    let valid_features = valid.as_ref().map(|v| v.features(&categorical)).transpose()?;
    let set = TrainSet { features: &features, y: &matrix.y, weights: None };
    let valid_set = valid.as_ref().zip(valid_features.as_ref()).map(|(v, features)| TrainSet {
        features,
        y: &v.y,
        weights: None,
    });
    // Lowers the recorded peak to the memory in use, where the system can.
    fs::write("/proc/self/clear_refs", "5").unwrap_or_default();
    let before = memory("VmRSS");
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let trained = fit(&options, objective, set, valid_set)?;
    let (seconds, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let peak = memory("VmHWM") - before;
    if let Some(test) = folder.part("test")? {
        let bytes: Vec<u8> = margins(&trained.model, &test).iter().flat_map(|m| m.to_le_bytes()).collect();
        fs::write(folder.path.join("margins.f32"), bytes)?;
    }
    let valid_loss = trained.valid_loss.map_or("null".to_owned(), |loss| loss.to_string());
    writeln!(
        std::io::stdout(),
        "{{\"seconds\":{seconds},\"cpu\":{cpu},\"peak_mib\":{peak},\"rounds\":{},\"trees\":{},\"train_loss\":{},\"valid_loss\":{valid_loss}}}",
        trained.best_round,
        trained.model.trees.len(),
        trained.train_loss,
    )?;
    Ok(())
}
