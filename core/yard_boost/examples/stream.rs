//! Trains on a file that is larger than comfortable memory: rows go through in chunks, twice.
//!
//! `stream make FILE ROWS` writes generated rows; `stream fit FILE [threads=N] [chunk=N] [NAME=VALUE ...]` trains
//! on such a file: rows of 28 features and a target (0 or 1), little-endian f32. It writes one JSON line with
//! times, losses and the peak memory of the process to standard output.

use std::{
    collections::BTreeMap,
    error::Error,
    fs::File,
    io::{BufReader, BufWriter, Read, Write},
    time::Instant,
};
use yard_boost::{
    BinnedSet, BoostParams, Control, Features, Objective, StreamLimits, TrainSpec, train_binned,
};
use yard_types::rng;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const FEATURES: usize = 28;
const ROW: usize = (FEATURES + 1) * 4;

/// Numbers of one row: features of several kinds, and a target that depends on eight of them.
fn row(index: u64, out: &mut [f32]) {
    let draw = |stream: u64| rng::uniform(11, stream, index);
    for (feature, value) in out.iter_mut().take(FEATURES).enumerate() {
        let u = draw(feature as u64);
        *value = match feature % 4 {
            0 => u as f32,
            1 => (u * u * 100.0) as f32,
            2 => (u * 50.0).floor() as f32,
            _ if u < 0.1 => f32::NAN,
            _ => (u - 0.5) as f32,
        };
    }
    let x = |feature: usize| f64::from(if out[feature].is_nan() { 0.3 } else { out[feature] });
    let signal = x(0) * 3.0 + x(4) * x(8) * 4.0 - x(1) / 40.0 + (x(2) - 25.0) / 20.0 + x(3) * 2.0 - 2.0;
    let noise = draw(100) + draw(101) + draw(102) - 1.5;
    out[FEATURES] = f32::from(signal + 2.0 * noise > 0.0);
}

fn make(path: &str, rows: u64) -> Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut values = [0.0; FEATURES + 1];
    for index in 0..rows {
        row(index, &mut values);
        for value in values {
            out.write_all(&value.to_le_bytes())?;
        }
    }
    Ok(out.flush()?)
}

/// Calls `each` with the columns of every chunk, the target last.
fn chunks(path: &str, size: usize, mut each: impl FnMut(&[Vec<f32>]) -> Result<()>) -> Result<()> {
    let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
    let mut columns: Vec<Vec<f32>> = vec![Vec::new(); FEATURES + 1];
    let mut record = [0_u8; ROW];
    loop {
        columns.iter_mut().for_each(Vec::clear);
        while columns[0].len() < size && file.read_exact(&mut record).is_ok() {
            for (column, bytes) in columns.iter_mut().zip(record.as_chunks::<4>().0) {
                column.push(f32::from_le_bytes(*bytes));
            }
        }
        if columns[0].is_empty() {
            return Ok(());
        }
        each(&columns)?;
    }
}

fn features(columns: &[Vec<f32>]) -> Result<Features<'_>> {
    let columns = columns[..FEATURES].iter().map(|column| column.as_slice()).collect();
    Ok(Features::new(columns, vec![false; FEATURES])?)
}

/// A line of this process's status in MiB, where the system tells.
fn memory(name: &str) -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    let kib = line.split_whitespace().nth(1).and_then(|word| word.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

fn fit(path: &str, options: &[String]) -> Result<()> {
    let (mut threads, mut size, mut params) = (1, 1 << 18, BTreeMap::new());
    for option in options {
        let (name, value) = option.split_once('=').ok_or("options are NAME=VALUE")?;
        match name {
            "threads" => threads = value.parse()?,
            "chunk" => size = value.parse()?,
            _ => drop(params.insert(name.to_owned(), value.to_owned())),
        }
    }
    let params = BoostParams::from_params(&params)?;
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    let rows = std::fs::metadata(path)?.len() as usize / ROW;
    let start = Instant::now();
    let mut limits = StreamLimits::new(vec![false; FEATURES], vec![], rows, &params)?;
    chunks(path, size, |columns| Ok(limits.add(&features(columns)?)?))?;
    let bins = limits.finish()?;
    let first = start.elapsed().as_secs_f64();
    let (mut matrix, mut y) = (bins.matrix(rows)?, Vec::with_capacity(rows));
    chunks(path, size, |columns| {
        y.extend_from_slice(&columns[FEATURES]);
        Ok(matrix.add(&features(columns)?)?)
    })?;
    let set = BinnedSet { matrix: matrix.finish()?, y: &y, weights: None };
    let second = start.elapsed().as_secs_f64() - first;
    let spec = TrainSpec { objective: Objective::Binary, params, threads };
    let trained = train_binned(&bins, set, None, &spec, &mut |_| Control::Continue)?;
    let fit = start.elapsed().as_secs_f64() - first - second;
    writeln!(
        std::io::stdout(),
        "{{\"rows\":{rows},\"first_pass\":{first:.1},\"second_pass\":{second:.1},\"fit\":{fit:.1},\"trees\":{},\
         \"train_loss\":{},\"peak_mib\":{:.0}}}",
        trained.model.trees.len(),
        trained.train_loss,
        memory("VmHWM:"),
    )?;
    Ok(())
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["make", path, rows] => make(path, rows.parse()?),
        ["fit", path, ..] => fit(path, &arguments[2..]),
        _ => Err("usage: stream make FILE ROWS | stream fit FILE [NAME=VALUE ...]".into()),
    }
}
