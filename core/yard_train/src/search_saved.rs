//! What a resumed search needs of a trial that has ended: what was asked, the figures that guide further
//! draws and pruning, and, for a trial that may still be kept, its predictions. The trained model isn't
//! among it: the one that is kept is trained again, which gives the same bits.
//!
//! Format: one line of JSON, then the predictions of all parts as f32, little-endian.

use crate::{auto_budget::Cost, choose::Candidate, measure::Scored, target::Part};
use serde::{Deserialize, Serialize};
use yard_types::{
    frame::Frame,
    metric::MetricSet,
    run::{Family, Params, Trial},
};

/// A finished trial as an observer was told of it, for [`crate::Context::finished`].
#[derive(Clone, Debug)]
pub struct FinishedTrial {
    /// Trial.
    pub trial: Trial,
    /// What [`crate::Observer::trial`] was given with it.
    pub saved: Vec<u8>,
}

/// What is stored beside a trial's record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Saved {
    /// Hyperparameters that were asked for.
    pub(crate) asked: Params,
    /// Losses at the rungs of pruning.
    pub(crate) reached: Vec<f64>,
    /// The metric that chooses; `None` for a trial that failed or was stopped.
    pub(crate) value: Option<f64>,
    /// Figures over folds.
    #[serde(default)]
    pub(crate) folds: Option<(MetricSet, f64)>,
    /// Candidate, when it was among the best of its family.
    #[serde(default)]
    pub(crate) candidate: Option<SavedCandidate>,
}

/// A candidate without its model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SavedCandidate {
    settled: Params,
    size_bytes: u64,
    fits: f64,
    evaluation: f64,
    /// Values of each part.
    parts: Vec<usize>,
}

impl Saved {
    /// Writes it with the predictions of its candidate.
    pub(crate) fn to_bytes(&self, candidate: Option<&Candidate>) -> Vec<u8> {
        let described = candidate.map(|own| SavedCandidate {
            settled: own.settled.clone(),
            size_bytes: own.size_bytes,
            fits: own.cost.fits,
            evaluation: own.cost.evaluation,
            parts: own.parts.iter().map(|part| part.values().len()).collect(),
        });
        let own = Self { candidate: described, ..self.clone() };
        // Plain numbers and texts: nothing of it can fail to be written, and without it the trial is run again.
        let mut bytes = serde_json::to_vec(&own).unwrap_or_default();
        bytes.push(b'\n');
        for part in candidate.iter().flat_map(|own| &own.parts) {
            bytes.extend(part.values().iter().flat_map(|value| value.to_le_bytes()));
        }
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote, with the predictions of each part; `None` for anything else.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<(Self, Vec<Vec<f32>>)> {
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let own: Self = serde_json::from_slice(&bytes[..end]).ok()?;
        let mut rest = bytes[end + 1..].chunks_exact(4);
        let value = |four: &[u8]| f32::from_le_bytes([four[0], four[1], four[2], four[3]]);
        let lengths = own.candidate.as_ref().map_or(&[][..], |own| &own.parts);
        let parts: Vec<Vec<f32>> =
            lengths.iter().map(|length| rest.by_ref().take(*length).map(value).collect()).collect();
        let whole = parts.iter().zip(lengths).all(|(part, length)| part.len() == *length);
        (whole && rest.next().is_none()).then_some((own, parts))
    }
}

impl SavedCandidate {
    /// Returns the candidate on the rows of its parts; `None` when the predictions don't fit them.
    pub(crate) fn restored(
        &self,
        family: Family,
        frame: &Frame,
        (rows, predictions): (&[Part], Vec<Vec<f32>>),
        value: f64,
    ) -> Option<Candidate> {
        if rows.len() != predictions.len() {
            return None;
        }
        let part = |(part, values)| Scored::of(frame, part, values);
        Some(Candidate {
            family,
            settled: self.settled.clone(),
            trained: None,
            parts: rows.iter().zip(predictions).map(part).collect::<Option<_>>()?,
            value,
            trial: 0,
            size_bytes: self.size_bytes,
            cost: Cost { fits: self.fits, evaluation: self.evaluation },
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::test_data::{Data, Signal};
    use yard_types::frame::Task;

    fn saved() -> Saved {
        let folds = Some((MetricSet::new(), 0.25));
        Saved {
            asked: Params::new(),
            reached: vec![0.5, 0.25],
            value: Some(0.1 + 0.2),
            folds,
            candidate: None,
        }
    }

    #[test]
    fn what_was_written_is_read() {
        let frame = Data::new(Task::Regression, Signal::Sum, 30).frame;
        let part = Part { rows: vec![4, 9], y: vec![1.0, 2.0], weights: None, dropped: 0 };
        let candidate = Candidate {
            family: Family::Forest,
            settled: Params::from([("trees".to_owned(), "7".to_owned())]),
            trained: None,
            parts: vec![Scored::of_values(&part, vec![1.5, f32::MIN_POSITIVE])],
            value: 0.1 + 0.2,
            trial: 0,
            size_bytes: 77,
            cost: Cost { fits: 1.5, evaluation: 0.5 },
        };
        let bytes = saved().to_bytes(Some(&candidate));
        let (read, values) = Saved::from_bytes(&bytes).unwrap();
        assert_eq!((read.value, &read.reached), (Some(0.1 + 0.2), &vec![0.5, 0.25]));
        let own = read.candidate.unwrap();
        let asked = Family::Forest;
        let again = own.restored(asked, &frame, (std::slice::from_ref(&part), values.clone()), 0.5).unwrap();
        assert_eq!(again.parts[0].values(), candidate.parts[0].values());
        assert_eq!((again.settled, again.cost), (candidate.settled, candidate.cost));
        assert!(own.restored(asked, &frame, (&[], values), 0.5).is_none());
    }

    #[test]
    fn damaged_bytes_are_refused() {
        let bytes = saved().to_bytes(None);
        assert!(Saved::from_bytes(&bytes).is_some());
        for cut in [0, 1, bytes.len() - 1] {
            assert!(Saved::from_bytes(&bytes[..cut]).is_none());
        }
        assert!(Saved::from_bytes(&[bytes, vec![0; 4]].concat()).is_none());
    }
}
