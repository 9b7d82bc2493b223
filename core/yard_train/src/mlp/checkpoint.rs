//! Checkpoints of a net's training: all that the next step depends on, so that a training that goes on from
//! one ends with the bits of an undisturbed one.
//!
//! A checkpoint is a file `net-FINGERPRINT.checkpoint` in the folder that the job names; the fingerprint is
//! of the job and its rows, so that another job's file is never taken. It is written beside, synced and
//! renamed: at any moment the old or the new one is there, whole. A file that can't be read counts as none.
//! Draws need no state: they depend on seed, epoch, step and index alone ([`yard_types::rng`]).

use super::{
    adam::State,
    job::{NetJob, NetRows},
};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};
use yard_types::{event::Progress, rng, run::TrainPoint};

const MAGIC: &str = "modelyard net checkpoint 1\n";
const ENDING: &str = "checkpoint";

/// How far a training is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Position {
    /// Whole epochs done, their validation included.
    pub(super) epochs: u32,
    /// Steps done in the next epoch.
    pub(super) in_epoch: usize,
    /// Steps done in all.
    pub(super) steps: u64,
    /// Sums of weighted loss and of weights in the next epoch so far.
    pub(super) sums: (f64, f64),
    /// Epoch of the best validation loss, 0 before the first.
    pub(super) best_epoch: u32,
    /// That loss.
    pub(super) least: Option<f64>,
    pub(super) curve: Vec<TrainPoint>,
    /// Whether nothing is left to be done.
    pub(super) ended: bool,
}

/// A position with its weights.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Checkpoint {
    pub(super) position: Position,
    pub(super) state: State,
    /// Weights of the best epoch; empty before the first.
    pub(super) best: Vec<f32>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    position: Position,
    /// Epochs at most.
    most: u32,
    /// Numbers in weights, first, second, average, best.
    lengths: [usize; 5],
}

/// The place of one job's checkpoint.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    path: PathBuf,
    most: u32,
}

impl Place {
    /// Finds the place of a job; `None` when it names no folder.
    pub(super) fn of(job: &NetJob, rows: [&NetRows; 2]) -> Option<Self> {
        let folder = job.checkpoints.as_ref()?;
        let own = NetJob { threads: 1, checkpoints: None, ..job.clone() };
        let text = serde_json::to_string(&own).ok()?;
        let none = Vec::new();
        let arrays =
            rows.into_iter().flat_map(|rows| [&rows.x, &rows.y, rows.weights.as_ref().unwrap_or(&none)]);
        Some(Self::at(folder, &text, arrays, job.stop_after.unwrap_or(job.params.epochs)))
    }

    /// Finds the place of a job that a text and arrays describe, with so many epochs at most.
    pub(crate) fn at<'a>(
        folder: &Path,
        text: &str,
        arrays: impl Iterator<Item = &'a Vec<f32>>,
        most: u32,
    ) -> Self {
        let mut hash = Hash::default();
        hash.add(text.as_bytes());
        arrays.for_each(|values| hash.add_numbers(values));
        Self { path: folder.join(format!("net-{:016x}.{ENDING}", hash.0)), most }
    }

    /// Returns the path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the checkpoint of a net with so many parameters, if there is a whole one.
    pub(super) fn load(&self, parameters: usize) -> Option<Checkpoint> {
        let bytes = fs::read(&self.path).ok()?;
        let (head, numbers) = parts(&bytes)?;
        let mut numbers = numbers.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
        let mut take = |count: usize| numbers.by_ref().take(count).collect::<Vec<f32>>();
        let [weights, first, second, average, best] = head.lengths.map(&mut take);
        let whole = [&weights, &first, &second].iter().all(|own| own.len() == parameters);
        let optional = [&average, &best].iter().all(|own| own.is_empty() || own.len() == parameters);
        let state = State { weights, first, second, average };
        (whole && optional).then_some(Checkpoint { position: head.position, state, best })
    }

    /// Writes a checkpoint in place of the one before.
    pub(super) fn save(&self, position: &Position, state: &State, best: &[f32]) -> io::Result<()> {
        let arrays = [&state.weights[..], &state.first, &state.second, &state.average, best];
        let head = Head { position: position.clone(), most: self.most, lengths: arrays.map(<[f32]>::len) };
        let mut bytes = MAGIC.as_bytes().to_vec();
        serde_json::to_writer(&mut bytes, &head).map_err(io::Error::other)?;
        bytes.push(b'\n');
        for value in arrays.into_iter().flatten() {
            bytes.extend(value.to_le_bytes());
        }
        let mut hash = Hash::default();
        hash.add(&bytes);
        bytes.extend(hash.0.to_le_bytes());
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let beside = self.path.with_extension("new");
        let mut file = File::create(&beside)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&beside, &self.path)?;
        // So that the new name survives a power cut; not every system can open a folder.
        File::open(folder).map_or(Ok(()), |folder| folder.sync_all())
    }
}

/// Returns how far the training is that left checkpoints in a folder; `None` without one.
pub fn kept_progress(folder: &Path) -> Option<Progress> {
    let heads = fs::read_dir(folder).ok()?.flatten().filter_map(|entry| {
        let path = entry.path();
        let ours = path.extension().is_some_and(|ending| ending == ENDING);
        parts(&fs::read(path).ok().filter(|_| ours)?).map(|(head, _)| head)
    });
    // Nets that are done already come before the one that was at work.
    let head = heads.max_by_key(|head| (!head.position.ended, head.position.steps))?;
    Some(Progress {
        phase: "net".to_owned(),
        done: u64::from(head.position.epochs),
        total: Some(u64::from(head.most)),
        unit: "epochs".to_owned(),
    })
}

/// Splits a file into its head and its numbers; `None` when it is not whole.
fn parts(bytes: &[u8]) -> Option<(Head, &[u8])> {
    let (bytes, sum) = bytes.split_last_chunk::<8>()?;
    let mut hash = Hash::default();
    hash.add(bytes);
    let rest = bytes.strip_prefix(MAGIC.as_bytes()).filter(|_| hash.0 == u64::from_le_bytes(*sum))?;
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let head: Head = serde_json::from_slice(&rest[..end]).ok()?;
    let numbers = &rest[end + 1..];
    let expected = head.lengths.iter().try_fold(0_usize, |sum, length| sum.checked_add(*length))?;
    (expected.checked_mul(4) == Some(numbers.len())).then_some((head, numbers))
}

/// A hash that tells files and jobs apart; no protection against intent.
#[derive(Default)]
struct Hash(u64);

impl Hash {
    fn add(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.0 = rng::bits(self.0, u64::from_le_bytes(*word), 8);
        }
        for byte in rest {
            self.0 = rng::bits(self.0, u64::from(*byte), 1);
        }
    }

    fn add_numbers(&mut self, values: &[f32]) {
        self.0 = rng::bits(self.0, values.len() as u64, 0);
        for value in values {
            self.0 = rng::bits(self.0, u64::from(value.to_bits()), 4);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn example() -> Checkpoint {
        let point = TrainPoint {
            step: 1,
            train_loss: 0.1 + 0.2,
            validation_loss: Some(1.0 / 3.0),
            validation_metric: None,
        };
        let position = Position {
            epochs: 1,
            in_epoch: 3,
            steps: 9,
            sums: (0.7, 96.0),
            best_epoch: 1,
            least: Some(1.0 / 3.0),
            curve: vec![point],
            ended: false,
        };
        let state = State {
            weights: vec![1.0, -0.0, f32::MIN_POSITIVE],
            first: vec![0.5; 3],
            second: vec![0.25; 3],
            average: Vec::new(),
        };
        Checkpoint { position, state, best: vec![3.0; 3] }
    }

    #[test]
    fn what_is_saved_is_loaded_and_any_changed_byte_counts_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place { path: folder.path().join("deep/net-1.checkpoint"), most: 5 };
        assert_eq!(place.load(3), None);
        let saved = example();
        place.save(&saved.position, &saved.state, &saved.best).unwrap();
        assert_eq!(place.load(3), Some(saved));
        assert_eq!(place.load(4), None, "a net of another size");
        let kept = kept_progress(&folder.path().join("deep")).unwrap();
        assert_eq!((kept.done, kept.total, kept.unit.as_str()), (1, Some(5), "epochs"));
        let bytes = fs::read(place.path()).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            fs::write(place.path(), changed).unwrap();
            assert_eq!(place.load(3), None, "byte {at}");
        }
        fs::write(place.path(), &bytes[..bytes.len() - 9]).unwrap();
        assert_eq!(place.load(3), None);
        assert_eq!(kept_progress(&folder.path().join("deep")), None);
        assert_eq!(kept_progress(Path::new("/nonexistent")), None);
    }
}
