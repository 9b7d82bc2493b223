#![allow(clippy::unwrap_used)]
use super::*;
use crate::{BoostError, Objective};

fn read(pairs: &[(&str, &str)]) -> Result<BoostParams, BoostError> {
    let map = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    BoostParams::from_params(&map)
}

#[test]
fn values_are_read_over_the_defaults() {
    let params = read(&[("trees", "300"), ("learning_rate", "0.1"), ("bins", "63")]).unwrap();
    assert_eq!((params.trees, params.learning_rate, params.bins), (Some(300), 0.1, 63));
    assert_eq!(params.leaves, BoostParams::default().leaves);
}

#[test]
fn written_values_are_read_back() {
    let params = read(&[("trees", "7"), ("l2", "0.30000000000000004")]).unwrap();
    assert_eq!(BoostParams::from_params(&params.to_params(true)).unwrap(), params);
    let forest = ForestParams { min_leaf: 9, ..ForestParams::default() };
    assert_eq!(ForestParams::from_params(&forest.to_params()).unwrap(), forest);
}

#[test]
fn unknown_names_and_bad_values_say_what_is_allowed() {
    let text = read(&[("tree", "3")]).unwrap_err().to_string();
    assert!(text.contains("\"tree\"") && text.contains("trees, growth"), "{text}");
    for (name, value) in [("trees", "0"), ("bins", "70000"), ("l2", "-1"), ("l2", "nan"), ("leaves", "x")] {
        let text = read(&[(name, value)]).unwrap_err().to_string();
        assert!(text.contains(value) && text.contains("expected a"), "{text}");
    }
}

#[test]
fn every_option_is_read_and_written_back() {
    let given = [
        ("objective", "quantile"),
        ("alpha", "0.9"),
        ("l1", "0.5"),
        ("goss", "0.2,0.1"),
        ("interactions", "age, income ; \"a,b\""),
        ("class_weight", "1,2.5"),
        ("max_depth", "6"),
    ];
    let params = read(&given).unwrap();
    assert_eq!(params.objective(Objective::Regression), Ok(Objective::Quantile(0.9)));
    assert_eq!(params.goss, Some(Goss { top: 0.2, other: 0.1 }));
    assert_eq!(params.interactions, [vec!["age".to_owned(), "income".to_owned()], vec!["a,b".to_owned()]]);
    assert_eq!((params.depth, params.class_weight.clone()), (6, ClassWeight::List(vec![1.0, 2.5])));
    let written = params.to_params(false);
    assert_eq!(BoostParams { trees: None, ..BoostParams::from_params(&written).unwrap() }, params);
    let params = read(&[("monotone", "tenure:+, age:-,\"a:b\":+")]).unwrap();
    let names: Vec<(&str, Direction)> = params.monotone.iter().map(|(n, d)| (n.as_str(), *d)).collect();
    assert_eq!(names, [("tenure", Direction::Up), ("age", Direction::Down), ("a:b", Direction::Up)]);
    assert_eq!(BoostParams::from_params(&params.to_params(false)).unwrap().monotone, params.monotone);
    let map = [("splitter", "random"), ("class_weight", "balanced")];
    let map = map.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    let forest = ForestParams::from_params(&map).unwrap();
    assert_eq!(ForestParams::from_params(&forest.to_params()).unwrap(), forest);
    assert_eq!((forest.splitter, forest.class_weight), (Splitter::Random, ClassWeight::Balanced));
}

/// What failed with its value; what is expected; what to do.
#[test]
fn every_bad_value_is_an_error_in_three_parts() {
    let bad: [&[(&str, &str)]; 17] = [
        &[("objective", "l3")],
        &[("objective", "huber"), ("alpha", "0.9")],
        &[("alpha", "0.9")],
        &[("objective", "quantile"), ("alpha", "1")],
        &[("objective", "huber"), ("delta", "0")],
        &[("objective", "tweedie"), ("power", "2.5")],
        &[("l1", "-1")],
        &[("goss", "0.9,0.2")],
        &[("goss", "0.2")],
        &[("goss", "0.2,0.1"), ("bagging_fraction", "0.5")],
        &[("monotone", "tenure")],
        &[("monotone", "tenure:*")],
        &[("monotone", "a:+,a:-")],
        &[("monotone", "a:+"), ("objective", "absolute")],
        &[("interactions", "a,;b")],
        &[("class_weight", "1,x")],
        &[("depth", "3"), ("max_depth", "4")],
    ];
    for pairs in bad {
        let text = read(pairs).unwrap_err().to_string();
        assert!(pairs.iter().any(|(name, value)| text.contains(&format!("{name}={value:?}"))), "{text}");
        assert!(text.contains("; expected ") && text.ends_with("; correct it or leave it out"), "{text}");
    }
    let params = read(&[("objective", "poisson")]).unwrap();
    let text = params.objective(Objective::Binary).unwrap_err().to_string();
    assert!(text.contains("objective=\"poisson\"") && text.contains("expected default"), "{text}");
}

#[test]
fn small_data_gets_smaller_trees_and_given_values_stay() {
    let auto = BoostParams::default();
    let shape = |rows, features| {
        let p = auto.for_data(rows, features);
        (p.leaves, p.min_leaf, p.feature_fraction, p.bagging_fraction)
    };
    assert_eq!(shape(318, 7), (8, 3, 1.0, 0.7));
    assert_eq!(shape(5_600, 19), (22, 14, 0.5, 0.7));
    assert_eq!(shape(20_000, 28), (31, 20, 1.0, 0.7));
    assert_eq!(shape(1_000_000, 28), (31, 20, 1.0, 1.0));
    let given =
        read(&[("leaves", "63"), ("min_leaf", "3"), ("feature_fraction", "0.9"), ("goss", "0.2,0.1")]);
    let given = given.unwrap().for_data(500, 50);
    assert_eq!((given.leaves, given.min_leaf, given.feature_fraction), (63, 3, 0.9));
    assert_eq!(given.bagging_fraction, 1.0);
    for name in BoostParams::names() {
        let text = read(&[(name, ",")]).unwrap_err().to_string();
        assert!(text.contains("can't be used"), "{text}");
    }
}
