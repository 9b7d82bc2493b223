//! The step size along the training, as a factor on `learning_rate`.
//!
//! Cosine: Loshchilov and Hutter, 2017, "SGDR", arXiv:1608.03983 (one period, after a short rise). One
//! cycle: Smith and Topin, 2019, "Super-convergence", arXiv:1708.07120.

use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// Shape of the step size over all epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// The same throughout.
    Constant,
    /// Rises over the first 5 %, then falls to zero as a half cosine.
    Cosine,
    /// Rises from a 25th over the first 30 %, then falls to zero, both as half cosines.
    OneCycle,
}

impl Schedule {
    /// All words, for messages.
    pub(crate) const WORDS: &str = "constant, cosine or one_cycle";

    /// Parses the word.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [Self::Constant, Self::Cosine, Self::OneCycle].into_iter().find(|own| own.word() == word.trim())
    }

    /// Returns the word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Cosine => "cosine",
            Self::OneCycle => "one_cycle",
        }
    }

    /// Returns the factor at a point of the training, 0..1.
    pub(super) fn factor(self, done: f64) -> f64 {
        let half = |from: f64, to: f64, share: f64| to + (from - to) * 0.5 * (1.0 + (PI * share).cos());
        match self {
            Self::Constant => 1.0,
            Self::Cosine if done < 0.05 => (done / 0.05).max(0.02),
            Self::Cosine => half(1.0, 0.0, (done - 0.05) / 0.95),
            Self::OneCycle if done < 0.3 => half(0.04, 1.0, done / 0.3),
            Self::OneCycle => half(1.0, 0.0, (done - 0.3) / 0.7),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_rise_and_fall() {
        for (schedule, values) in [
            (Schedule::Constant, [1.0, 1.0, 1.0, 1.0]),
            (Schedule::Cosine, [0.02, 0.5 * (1.0 + (PI * 0.25 / 0.95).cos()), 0.5, 0.0]),
            (Schedule::OneCycle, [0.04, 1.0, 0.0, 0.0]),
        ] {
            let at: [f64; 4] = match schedule {
                Schedule::Cosine => [0.0, 0.3, 0.525, 1.0],
                _ => [0.0, 0.3, 1.0, 1.0],
            };
            for (done, value) in at.into_iter().zip(values) {
                assert!((schedule.factor(done) - value).abs() < 1e-12, "{schedule:?} {done}");
            }
            assert_eq!(Schedule::from_word(schedule.word()), Some(schedule));
        }
        assert_eq!(Schedule::from_word("cosinus"), None);
    }
}
