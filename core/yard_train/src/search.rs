//! Spaces of hyperparameters and the sampler of a search.
//!
//! The first draws are uniform; later ones follow a tree-structured Parzen estimator with one dimension
//! at a time and triangular kernels (Bergstra, Bardenet, Bengio and Kégl, 2011, "Algorithms for
//! hyper-parameter optimization", `NeurIPS` 24). Draws come from the counter generator; no function of the
//! platform enters, so a search repeats exactly.

use std::collections::VecDeque;
use yard_score::math::{exp, ln};
use yard_types::{
    rng::Rng,
    run::{Family, Params},
};

const STREAM: u64 = 0x7365_6172_0000_0000;
const UNIFORM_DRAWS: usize = 8;
const CANDIDATES: usize = 24;
const GOOD_SHARE: f64 = 0.25;

/// One dimension of a space.
struct Dimension {
    name: &'static str,
    kind: Kind,
}

enum Kind {
    /// A real number, uniform in its logarithm.
    Log(f64, f64),
    /// A real number.
    Linear(f64, f64),
    /// A whole number, uniform in its logarithm.
    Whole(f64, f64),
    /// One of some words.
    Choice(&'static [&'static str]),
}

const fn dimension(name: &'static str, kind: Kind) -> Dimension {
    Dimension { name, kind }
}

const RESNET: &[Dimension] = &[
    dimension("blocks", Kind::Choice(&["1", "2", "3", "4"])),
    dimension("width", Kind::Choice(&["64", "128", "192"])),
    dimension("learning_rate", Kind::Log(1e-4, 5e-3)),
    dimension("l2", Kind::Log(1e-4, 1.0)),
    dimension("dropout", Kind::Linear(0.0, 0.5)),
];
const TRANSFORMER: &[Dimension] = &[
    dimension("blocks", Kind::Choice(&["1", "2", "3"])),
    dimension("width", Kind::Choice(&["32", "64", "96"])),
    dimension("learning_rate", Kind::Log(1e-4, 5e-3)),
    dimension("l2", Kind::Log(1e-4, 1.0)),
    dimension("dropout", Kind::Linear(0.0, 0.4)),
];
const LINEAR: &[Dimension] = &[dimension("l2", Kind::Log(1e-3, 1e4))];
const BOOSTING: &[Dimension] = &[
    dimension("growth", Kind::Choice(&["leafwise", "symmetric"])),
    dimension("learning_rate", Kind::Log(0.01, 0.3)),
    dimension("leaves", Kind::Whole(4.0, 128.0)),
    dimension("min_leaf", Kind::Whole(2.0, 200.0)),
    dimension("l2", Kind::Log(1e-3, 100.0)),
    dimension("feature_fraction", Kind::Linear(0.3, 1.0)),
    dimension("bagging_fraction", Kind::Linear(0.5, 1.0)),
];
const FOREST: &[Dimension] = &[
    dimension("min_leaf", Kind::Whole(1.0, 64.0)),
    dimension("feature_fraction", Kind::Linear(0.1, 1.0)),
    dimension("bagging_fraction", Kind::Linear(0.4, 1.0)),
];
const MLP: &[Dimension] = &[
    dimension("layers", Kind::Choice(&["32", "64,32", "128,64", "256,128", "128,128,64"])),
    dimension("learning_rate", Kind::Log(2e-4, 2e-2)),
    dimension("l2", Kind::Log(1e-5, 1.0)),
    dimension("dropout", Kind::Linear(0.0, 0.5)),
];

const CNN: &[Dimension] = &[
    dimension("learning_rate", Kind::Log(1e-3, 2e-2)),
    dimension("l2", Kind::Log(1e-4, 0.3)),
    dimension("dropout", Kind::Linear(0.0, 0.5)),
    dimension("channels", Kind::Choice(&["0", "12", "16", "24", "32"])),
];

const TEXT: &[Dimension] = &[
    dimension("learning_rate", Kind::Log(3e-4, 5e-3)),
    dimension("l2", Kind::Log(1e-3, 0.5)),
    dimension("dropout", Kind::Linear(0.0, 0.5)),
    dimension("blocks", Kind::Choice(&["1", "2", "3"])),
    dimension("width", Kind::Choice(&["32", "64", "128"])),
];

fn space(family: Family) -> &'static [Dimension] {
    match family {
        Family::Auto | Family::Ensemble | Family::Scorecard => &[],
        Family::Linear => LINEAR,
        Family::Boosting => BOOSTING,
        Family::Forest => FOREST,
        Family::Mlp => MLP,
        Family::Cnn => CNN,
        Family::Resnet => RESNET,
        Family::Transformer => TRANSFORMER,
        Family::Text => TEXT,
    }
}

impl Kind {
    /// Turns a draw of 0..1 into the value as text: four significant digits.
    fn text(&self, unit: f64) -> String {
        let log = |low: f64, high: f64| exp(ln(low) + unit * (ln(high) - ln(low)));
        match self {
            Self::Log(low, high) => short(log(*low, *high)),
            Self::Linear(low, high) => short(low + unit * (high - low)),
            Self::Whole(low, high) => format!("{:.0}", log(*low, *high)),
            Self::Choice(words) => {
                let index = ((unit * words.len() as f64) as usize).min(words.len() - 1);
                words[index].to_owned()
            }
        }
    }
}

fn short(value: f64) -> String {
    format!("{value:.3e}").parse::<f64>().map_or_else(|_| value.to_string(), |value| value.to_string())
}

/// Sampler of one family; hyperparameters that the user fixed are not drawn.
pub(crate) struct Sampler {
    dimensions: Vec<&'static Dimension>,
    fixed: Params,
    rng: Rng,
    /// Draw and loss (lower is better) of each finished trial.
    history: Vec<(Vec<f64>, f64)>,
    /// Draws that nothing was told of yet, the oldest first.
    open: VecDeque<Vec<f64>>,
}

impl Sampler {
    pub(crate) fn new(family: Family, fixed: &Params, seed: u64) -> Self {
        let free = |dimension: &&Dimension| !fixed.contains_key(dimension.name);
        Self {
            dimensions: space(family).iter().filter(free).collect(),
            fixed: fixed.clone(),
            rng: Rng::new(seed, STREAM + u64::from(family.complexity())),
            history: Vec::new(),
            open: VecDeque::new(),
        }
    }

    /// Returns whether there is anything to search.
    pub(crate) fn is_free(&self) -> bool {
        !self.dimensions.is_empty()
    }

    /// Draws the hyperparameters of the next trial.
    pub(crate) fn draw(&mut self) -> Params {
        let units = if self.history.len() < UNIFORM_DRAWS { self.uniform() } else { self.likely() };
        let mut params = self.fixed.clone();
        for (dimension, unit) in self.dimensions.iter().zip(&units) {
            params.insert(dimension.name.to_owned(), dimension.kind.text(*unit));
        }
        self.open.push_back(units);
        params
    }

    /// Tells the loss (lower is better) of the oldest draw that nothing was told of; a failed trial counts
    /// as infinite.
    pub(crate) fn tell(&mut self, loss: f64) {
        let loss = if loss.is_nan() { f64::INFINITY } else { loss };
        self.history.extend(self.open.pop_front().map(|units| (units, loss)));
    }

    fn uniform(&mut self) -> Vec<f64> {
        (0..self.dimensions.len()).map(|_| self.rng.uniform()).collect()
    }

    /// Draws candidates around the good trials and returns the one whose density among the good exceeds
    /// that among the rest the most.
    fn likely(&mut self) -> Vec<f64> {
        let mut order: Vec<usize> = (0..self.history.len()).collect();
        order.sort_by(|a, b| self.history[*a].1.total_cmp(&self.history[*b].1).then(a.cmp(b)));
        let count = ((order.len() as f64 * GOOD_SHARE).ceil() as usize).max(2);
        let (good, rest) = order.split_at(count.min(order.len()));
        let width = 1.0 / (1.0 + (good.len() as f64).sqrt());
        let mut best = (f64::NEG_INFINITY, Vec::new());
        for _ in 0..CANDIDATES {
            let centre = good[self.rng.below(good.len() as u64) as usize];
            let mut ratio = 0.0;
            let mut units = Vec::with_capacity(self.dimensions.len());
            for at in 0..self.dimensions.len() {
                let middle = self.history[centre].0[at];
                let shift = width * (self.rng.uniform() + self.rng.uniform() - 1.0);
                let unit = reflected(middle + shift);
                let density = |of: &[usize]| self.density(of, at, unit, width);
                ratio += ln(density(good)) - ln(density(rest));
                units.push(unit);
            }
            if ratio > best.0 {
                best = (ratio, units);
            }
        }
        best.1
    }

    /// Density of triangular kernels, mixed with a tenth of the uniform density.
    fn density(&self, of: &[usize], at: usize, unit: f64, width: f64) -> f64 {
        let kernel = |index: &usize| (1.0 - (self.history[*index].0[at] - unit).abs() / width).max(0.0);
        let sum: f64 = of.iter().map(kernel).sum();
        0.1 + 0.9 * sum / (width * of.len().max(1) as f64)
    }
}

fn reflected(unit: f64) -> f64 {
    let unit = unit.abs();
    if unit > 1.0 { (2.0 - unit).max(0.0) } else { unit }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_repeat_and_respect_what_is_fixed() {
        let fixed = Params::from([("leaves".to_owned(), "7".to_owned())]);
        let run = || {
            let mut sampler = Sampler::new(Family::Boosting, &fixed, 3);
            let draws: Vec<Params> = (0..20)
                .map(|index| {
                    let params = sampler.draw();
                    sampler.tell(f64::from(index % 7));
                    params
                })
                .collect();
            draws
        };
        assert_eq!(run(), run());
        for params in run() {
            assert_eq!(params["leaves"], "7");
            let rate: f64 = params["learning_rate"].parse().unwrap_or(f64::NAN);
            assert!((0.01..=0.3).contains(&rate), "{rate}");
            assert!(yard_boost::BoostParams::from_params(&params).is_ok());
        }
    }

    #[test]
    fn finds_the_minimum_better_than_uniform_draws() {
        let loss = |params: &Params| {
            let value = |name: &str| params[name].parse().map_or(f64::NAN, ln);
            (value("learning_rate") - ln(0.002)).powi(2) + 0.1 * (value("l2") - ln(0.01)).powi(2)
        };
        let mut wins = 0;
        for seed in 0..20 {
            let (mut guided, mut uniform) = (f64::INFINITY, f64::INFINITY);
            let mut sampler = Sampler::new(Family::Mlp, &Params::new(), seed);
            for _ in 0..40 {
                let value = loss(&sampler.draw());
                guided = guided.min(value);
                sampler.tell(value);
            }
            let mut sampler = Sampler::new(Family::Mlp, &Params::new(), seed + 100);
            for _ in 0..40 {
                uniform = uniform.min(loss(&sampler.draw()));
            }
            wins += u32::from(guided < uniform);
        }
        assert!(wins >= 14, "guided search won {wins} of 20");
    }

    #[test]
    fn every_family_accepts_its_own_space() {
        let mut sampler = Sampler::new(Family::Mlp, &Params::new(), 0);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..30 {
            seen.insert(sampler.draw()["layers"].clone());
        }
        assert_eq!(seen.len(), 5);
        assert!(!Sampler::new(Family::Auto, &Params::new(), 0).is_free());
        let mut sampler = Sampler::new(Family::Forest, &Params::new(), 0);
        assert!(yard_boost::ForestParams::from_params(&sampler.draw()).is_ok());
    }
}
