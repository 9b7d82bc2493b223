//! Values of hyperparameters that are words, lists and constraints.

use super::text::{Entry, quote, split, unquote};
use crate::error::BoostError;

/// What a regression minimises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectiveName {
    /// That of the task: log loss for classes, squared error for numbers.
    Default,
    /// Squared error.
    Squared,
    /// Absolute error.
    Absolute,
    /// Huber's loss.
    Huber,
    /// Pinball loss of a quantile.
    Quantile,
    /// Poisson deviance, log link.
    Poisson,
    /// Gamma deviance, log link.
    Gamma,
    /// Tweedie deviance, log link.
    Tweedie,
}

const OBJECTIVES: [(&str, ObjectiveName); 8] = [
    ("default", ObjectiveName::Default),
    ("squared", ObjectiveName::Squared),
    ("absolute", ObjectiveName::Absolute),
    ("huber", ObjectiveName::Huber),
    ("quantile", ObjectiveName::Quantile),
    ("poisson", ObjectiveName::Poisson),
    ("gamma", ObjectiveName::Gamma),
    ("tweedie", ObjectiveName::Tweedie),
];

impl ObjectiveName {
    pub(super) fn read(entry: &Entry) -> Result<Self, BoostError> {
        entry.word(&OBJECTIVES)
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        OBJECTIVES.iter().find(|(_, name)| *name == self).map_or("default", |(word, _)| word)
    }
}

/// How a tree of boosting grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Growth {
    /// As the caller finds better on validation rows; leaf by leaf where there is nobody to compare.
    #[default]
    Auto,
    /// The leaf that gains most is divided next.
    Leafwise,
    /// All leaves of a level by one question.
    Symmetric,
}

impl Growth {
    pub(super) fn read(entry: &Entry) -> Result<Self, BoostError> {
        entry.word(&[("auto", Self::Auto), ("leafwise", Self::Leafwise), ("symmetric", Self::Symmetric)])
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Leafwise => "leafwise",
            Self::Symmetric => "symmetric",
        }
    }
}

/// How a forest's node chooses its threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Splitter {
    /// The best one of each feature tried.
    Best,
    /// One drawn at random for each feature tried: extremely randomised trees (Geurts et al., 2006,
    /// doi:10.1007/s10994-006-6226-1).
    Random,
}

impl Splitter {
    pub(super) fn read(entry: &Entry) -> Result<Self, BoostError> {
        entry.word(&[("best", Self::Best), ("random", Self::Random)])
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Best => "best",
            Self::Random => "random",
        }
    }
}

/// Gradient-based one-side sampling (Ke et al., 2017, `LightGBM`, `NeurIPS` 30): rows with large
/// gradients are kept, of the others a sample, which counts for all of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goss {
    /// Share of the rows that are kept for their gradient, in (0, 1).
    pub top: f64,
    /// Share of the rows that are drawn from the others, in (0, 1 − top].
    pub other: f64,
}

impl Goss {
    pub(super) fn read(entry: &Entry) -> Result<Option<Self>, BoostError> {
        if entry.text.trim() == "off" {
            return Ok(None);
        }
        match entry.numbers(0.001..=0.999).as_deref() {
            Some(&[top, other]) if top + other <= 1.0 => Ok(Some(Self { top, other })),
            _ => Err(entry.bad(
                "off or two shares from 0.001 to 0.999 with a sum of at most 1: top,other, e.g. 0.2,0.1",
            )),
        }
    }
}

/// Weights of classes, on top of the rows' own.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ClassWeight {
    /// 1 each.
    #[default]
    None,
    /// `Σ weights / (classes × Σ weights of the class)`: all classes weigh the same.
    Balanced,
    /// One weight per class, in the order of the class codes.
    List(Vec<f64>),
}

impl ClassWeight {
    pub(super) fn read(entry: &Entry) -> Result<Self, BoostError> {
        match entry.text.trim() {
            "none" => return Ok(Self::None),
            "balanced" => return Ok(Self::Balanced),
            _ => {}
        }
        match entry.numbers(0.0..=1e9) {
            Some(list) if list.len() > 1 && list.iter().any(|&weight| weight > 0.0) => Ok(Self::List(list)),
            _ => Err(entry.bad(
                "none, balanced, or one number from 0 to 1000000000 per class with one above 0, e.g. 1,3",
            )),
        }
    }

    /// Its text; `None` when off.
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Balanced => Some("balanced".to_owned()),
            Self::List(list) => Some(list.iter().map(f64::to_string).collect::<Vec<_>>().join(",")),
        }
    }
}

/// Which way a prediction may go with a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Never down when the feature rises.
    Up,
    /// Never up when the feature rises.
    Down,
}

pub(super) fn read_monotone(entry: &Entry) -> Result<Vec<(String, Direction)>, BoostError> {
    let mut out: Vec<(String, Direction)> = Vec::new();
    for part in split(entry.text, ',') {
        let Some((name, sign)) = part.rsplit_once(':') else {
            return Err(entry.bad("features with + or -, e.g. tenure:+,age:-"));
        };
        let direction = match sign.trim() {
            "+" | "+1" | "1" => Direction::Up,
            "-" | "-1" => Direction::Down,
            _ => return Err(entry.bad("features with + or -, e.g. tenure:+,age:-")),
        };
        let name = unquote(name.trim());
        if name.is_empty() || out.iter().any(|(other, _)| other == name) {
            return Err(entry.bad("each feature once, by name, e.g. tenure:+,age:-"));
        }
        out.push((name.to_owned(), direction));
    }
    Ok(out)
}

pub(super) fn write_monotone(list: &[(String, Direction)]) -> String {
    let one = |(name, direction): &(String, Direction)| {
        format!("{}:{}", quote(name), if *direction == Direction::Up { '+' } else { '-' })
    };
    list.iter().map(one).collect::<Vec<_>>().join(",")
}

pub(super) fn read_groups(entry: &Entry) -> Result<Vec<Vec<String>>, BoostError> {
    let group = |text: &str| -> Vec<String> {
        split(text, ',').into_iter().map(|name| unquote(name).to_owned()).collect()
    };
    let groups: Vec<Vec<String>> = split(entry.text, ';').into_iter().map(group).collect();
    if groups.iter().flatten().any(String::is_empty) {
        return Err(entry.bad("groups of features, e.g. age,income;tenure,plan"));
    }
    Ok(groups)
}

pub(super) fn write_groups(groups: &[Vec<String>]) -> String {
    let group = |names: &Vec<String>| names.iter().map(|name| quote(name)).collect::<Vec<_>>().join(",");
    groups.iter().map(group).collect::<Vec<_>>().join(";")
}
