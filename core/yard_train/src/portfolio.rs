//! The settings that a search begins with: for each family its defaults, then a few that differ from them
//! in ways that often pay. Method: a portfolio of complementary configurations, as in Feurer et al., 2022,
//! "Auto-sklearn 2.0", arXiv:2007.04074.

use crate::{TrainError, fit::Run, mlp::NetParams};
use yard_types::run::{Family, Params};

type Setting = &'static [(&'static str, &'static str)];

const BOOSTING: &[Setting] = &[
    // Symmetric trees, slowly: trends that hold beyond the rows.
    &[
        ("growth", "symmetric"),
        ("learning_rate", "0.03"),
        ("feature_fraction", "0.8"),
        ("early_stopping", "100"),
    ],
    // Small trees on few features each: little data, noise.
    &[
        ("growth", "leafwise"),
        ("leaves", "8"),
        ("min_leaf", "10"),
        ("learning_rate", "0.04"),
        ("feature_fraction", "0.5"),
        ("bagging_fraction", "0.8"),
    ],
    // Large trees, regularised by samples: many rows, interactions.
    &[
        ("growth", "leafwise"),
        ("leaves", "96"),
        ("min_leaf", "10"),
        ("learning_rate", "0.04"),
        ("feature_fraction", "0.6"),
        ("bagging_fraction", "0.8"),
        ("l2", "5"),
    ],
    // Deep trees with small leaves and many slow rounds: smooth answers on little data.
    &[
        ("growth", "leafwise"),
        ("leaves", "40"),
        ("depth", "6"),
        ("min_leaf", "2"),
        ("learning_rate", "0.03"),
        ("feature_fraction", "0.7"),
        ("bagging_fraction", "0.7"),
        ("l2", "3"),
        ("early_stopping", "100"),
    ],
];
const FOREST: &[Setting] = &[
    // Extremely randomised trees on all features.
    &[("splitter", "random"), ("feature_fraction", "1"), ("min_leaf", "2")],
    &[("min_leaf", "5"), ("feature_fraction", "0.5")],
];
const MLP: &[Setting] = &[&[("layers", "256,128"), ("dropout", "0.2"), ("learning_rate", "0.002")]];

/// Returns families and settings in the order of training: all defaults first.
pub(crate) fn starts(families: &[(Family, Params)]) -> Vec<(Family, Params)> {
    let mut out = families.to_vec();
    let longest = [BOOSTING, FOREST, MLP].iter().map(|settings| settings.len()).max().unwrap_or(0);
    for round in 0..longest {
        for (family, fixed) in families {
            let Some(setting) = settings(*family).get(round) else { continue };
            let mut params = fixed.clone();
            for (name, value) in *setting {
                params.entry((*name).to_owned()).or_insert_with(|| (*value).to_owned());
            }
            if !out.contains(&(*family, params.clone())) {
                out.push((*family, params));
            }
        }
    }
    out
}

fn settings(family: Family) -> &'static [Setting] {
    match family {
        Family::Boosting => BOOSTING,
        Family::Forest => FOREST,
        Family::Mlp => MLP,
        Family::Linear
        | Family::Scorecard
        | Family::Cnn
        | Family::Resnet
        | Family::Transformer
        | Family::Text
        | Family::Auto
        | Family::Ensemble => &[],
    }
}

/// Returns the families to train, each with those of the given hyperparameters that it has. One that no
/// family has is an error.
pub(crate) fn families(run: &Run<'_>) -> Result<Vec<(Family, Params)>, TrainError> {
    if run.spec.family != Family::Auto {
        return Ok(vec![(run.spec.family, run.spec.params.clone())]);
    }
    let images = crate::images::has_images(run.input.schema).then_some(Family::Cnn);
    let tried = Family::TRIED.into_iter().chain(images);
    let names: Vec<(Family, Vec<String>)> = tried.map(|family| (family, names_of(family))).collect();
    for name in run.spec.params.keys() {
        if !names.iter().any(|(_, known)| known.contains(name)) {
            let mut allowed: Vec<String> = names.iter().flat_map(|(_, known)| known.clone()).collect();
            allowed.sort_unstable();
            allowed.dedup();
            let allowed = allowed.join(", ");
            return Err(TrainError::UnknownParam { name: name.clone(), family: "auto", allowed });
        }
    }
    let own = |known: Vec<String>| {
        let kept = run.spec.params.iter().filter(|(name, _)| known.contains(name));
        kept.map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    Ok(names.into_iter().map(|(family, known)| (family, own(known))).collect())
}

fn owned(names: Vec<&str>) -> Vec<String> {
    names.into_iter().map(str::to_owned).collect()
}

fn names_of(family: Family) -> Vec<String> {
    let params = match family {
        Family::Auto | Family::Ensemble => Params::new(),
        Family::Linear => return crate::linear::NAMES.map(str::to_owned).to_vec(),
        Family::Scorecard => return crate::scorecard::NAMES.map(str::to_owned).to_vec(),
        Family::Resnet => return owned(crate::deep::names(crate::deep::Kind::Resnet).to_vec()),
        Family::Transformer => return owned(crate::deep::names(crate::deep::Kind::Transformer).to_vec()),
        Family::Text => return owned(crate::deep::names(crate::deep::Kind::Text).to_vec()),
        Family::Boosting => return owned(yard_boost::BoostParams::names()),
        Family::Forest => return owned(yard_boost::ForestParams::names()),
        Family::Mlp => return NetParams::names().iter().map(|name| (*name).to_owned()).collect(),
        Family::Cnn => return crate::cnn::NAMES.map(str::to_owned).to_vec(),
    };
    params.into_keys().collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn starts_are_readable_distinct_and_keep_what_is_given() {
        let given = Params::from([("leaves".to_owned(), "5".to_owned())]);
        let families = [
            (Family::Linear, Params::new()),
            (Family::Boosting, given),
            (Family::Forest, Params::new()),
            (Family::Mlp, Params::new()),
        ];
        let starts = starts(&families);
        assert_eq!(starts[..4], families);
        assert_eq!(starts.len(), 11);
        for (at, (family, params)) in starts.iter().enumerate() {
            assert!(!starts[..at].contains(&(*family, params.clone())));
            match family {
                Family::Boosting => {
                    assert_eq!(params["leaves"], "5");
                    yard_boost::BoostParams::from_params(params).unwrap();
                }
                Family::Forest => drop(yard_boost::ForestParams::from_params(params).unwrap()),
                Family::Mlp => drop(NetParams::read(params, 100).unwrap()),
                _ => assert!(params.is_empty()),
            }
        }
    }
}
