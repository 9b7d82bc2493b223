//! Times the epochs of a net on the CPU: for measuring speed.
//!
//! `mlp_epoch DIR [threads=N] [epochs=N] [layers=256,256] [batch=N] [seed=N]` reads `DIR/meta.txt` (lines
//! `NAME VALUE`: `features`, `train`, `valid` (rows)) and for each part `PART_x.f32` (row-major) and
//! `PART_y.f32` (0 or 1), all little-endian f32. It writes `DIR/margins.f32` (margins of the validation rows)
//! and one JSON line with the seconds of each epoch, its validation included, to standard output.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    error::Error,
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::Instant,
};
use yard_score::model::{Activation, DenseNet, Link};
use yard_train::mlp::{NetJob, NetObserver, NetParams, NetRows, Precision, Schedule, train_net};
use yard_types::{event::Progress, run::TrainPoint};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Notes wall and CPU seconds at the end of each epoch.
struct Times {
    began: Instant,
    ends: RefCell<Vec<(f64, f64)>>,
}

impl NetObserver for Times {
    fn progress(&self, _: Progress) {}

    fn point(&self, _: TrainPoint) {
        self.ends.borrow_mut().push((self.began.elapsed().as_secs_f64(), cpu_seconds()));
    }

    fn cancelled(&self) -> bool {
        false
    }
}

/// CPU seconds of this process, all threads together, where the system tells.
fn cpu_seconds() -> f64 {
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let nanoseconds = |folder: PathBuf| {
        let text = fs::read_to_string(folder.join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    };
    threads.filter_map(|entry| nanoseconds(entry.path())).sum::<f64>() / 1e9
}

fn floats(path: &Path) -> Result<Vec<f32>> {
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(bytes.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect())
}

fn rows(folder: &Path, part: &str) -> Result<NetRows> {
    let x = floats(&folder.join(format!("{part}_x.f32")))?;
    Ok(NetRows { x, y: floats(&folder.join(format!("{part}_y.f32")))?, weights: None })
}

fn job(options: &BTreeMap<String, String>, features: usize) -> Result<NetJob> {
    let number = |name: &str, default: u32| options.get(name).map_or(Ok(default), |text| text.parse());
    let layers = options.get("layers").map_or("256,256", String::as_str);
    Ok(NetJob {
        features,
        outputs: 1,
        link: Link::Logistic,
        params: NetParams {
            layers: layers.split(',').map(str::parse).collect::<std::result::Result<_, _>>()?,
            epochs: number("epochs", 3)?,
            learning_rate: 1e-3,
            l2: 0.01,
            batch: number("batch", 1024)?,
            patience: 0,
            dropout: 0.0,
            schedule: Schedule::Constant,
            clip: 0.0,
            bins: 0,
            embedding: 0,
            ema: 0.0,
            accumulate: 1,
            precision: Precision::F32,
            checkpoint: 0,
        },
        seed: u64::from(number("seed", 0)?),
        threads: number("threads", 1)? as usize,
        device: "cpu".to_owned(),
        watch: None,
        target: (0.0, 1.0),
        knots: Vec::new(),
        groups: Vec::new(),
        stop_after: None,
        checkpoints: None,
    })
}

fn margins(net: &DenseNet, x: &[f32], features: usize) -> Vec<f32> {
    let one = |row: &[f32]| {
        let mut values = row.to_vec();
        for layer in &net.layers {
            let lines = layer.weights.chunks_exact(layer.inputs as usize).zip(&layer.bias);
            values = lines
                .map(|(line, bias)| {
                    let sum = bias + line.iter().zip(&values).map(|(a, b)| a * b).sum::<f32>();
                    if layer.activation == Activation::Relu { sum.max(0.0) } else { sum }
                })
                .collect();
        }
        values[0]
    };
    x.chunks_exact(features).map(one).collect()
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("usage: mlp_epoch DIR [NAME=VALUE ...]")?);
    let options: BTreeMap<String, String> = arguments
        .filter_map(|text| text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())))
        .collect();
    let meta = fs::read_to_string(folder.join("meta.txt"))?;
    let features =
        meta.lines().find_map(|line| line.strip_prefix("features ")).ok_or("no features")?.parse()?;
    let job = job(&options, features)?;
    let (train, valid) = (rows(&folder, "train")?, rows(&folder, "valid")?);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(job.threads).build()?;
    let (result, ends) = pool.install(|| {
        let times = Times { began: Instant::now(), ends: RefCell::new(vec![(0.0, cpu_seconds())]) };
        (train_net(&job, &train, &valid, &times), times.ends.into_inner())
    });
    let result = result?;
    let each = |pick: fn(&(f64, f64)) -> f64| {
        ends.windows(2).map(|pair| pick(&pair[1]) - pick(&pair[0])).collect::<Vec<f64>>()
    };
    let bytes: Vec<u8> =
        margins(&result.net, &valid.x, features).into_iter().flat_map(f32::to_le_bytes).collect();
    fs::write(folder.join("margins.f32"), bytes)?;
    let losses: Vec<f64> = result.curve.iter().map(|point| point.train_loss).collect();
    let out = serde_json::json!({"wall": each(|end| end.0), "cpu": each(|end| end.1), "losses": losses});
    writeln!(std::io::stdout(), "{out}")?;
    Ok(())
}
