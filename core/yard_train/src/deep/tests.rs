//! Deep nets in training: candle's forward pass against the scorer's, gradients against differences, equal
//! bits, and fits of planted signals.
#![allow(clippy::unwrap_used)]

use super::{
    Kind, build,
    net::{Net, Plan},
    ops::list,
    params::DeepParams,
    parts::Parts,
};
use crate::{
    TrainOutput,
    test_data::{Data, Signal, context, spec, ticking},
    train::train,
};
use yard_score::{
    deep::{DeepNet, DeepOp, Pointwise},
    model::{Calibration, Link, Model, ScorerParts},
    scorer::Scorer,
};
use yard_types::{
    frame::Task,
    recipe::{Encoding, Feature, FeatureOp, FittedInput, FittedRecipe},
    rng::Rng,
    run::{Family, Params},
    schema::FieldType,
};

/// Two numbers, one with a flag, and a category of three.
fn recipe(fields: usize) -> FittedRecipe {
    let input = |at: usize| FittedInput {
        name: format!("f{at}"),
        field_type: if at == 2 { FieldType::Category } else { FieldType::Number },
        rules: yard_types::cell::CellRules::default(),
        categories: if at == 2 { ["a", "b", "c"].map(str::to_owned).to_vec() } else { Vec::new() },
    };
    let number = FeatureOp::Number { fill: Some(0.0), scale: None };
    let ops = [
        (0, number.clone()),
        (0, FeatureOp::MissingFlag),
        (1, number),
        (2, FeatureOp::OneHot { code: 0 }),
        (2, FeatureOp::OneHot { code: 1 }),
        (2, FeatureOp::OneHot { code: 2 }),
    ];
    let feature = |(input, op)| Feature { name: String::new(), input, op };
    FittedRecipe {
        encoding: Encoding::Dense,
        inputs: (0..fields).map(input).collect(),
        images: vec![],
        pieces: vec![],
        texts: Vec::new(),
        features: ops.map(feature).to_vec(),
    }
}

fn rows(count: usize) -> Vec<f32> {
    let mut rng = Rng::new(4, 4);
    let mut row = |at: usize| {
        let hot = |code| if at % 4 == code { 1.0 } else { 0.0 };
        let [a, b] = std::array::from_fn(|_| rng.uniform() as f32 * 4.0 - 2.0);
        [a, f32::from(u8::from(at.is_multiple_of(5))), b, hot(0), hot(1), hot(2)]
    };
    (0..count).flat_map(&mut row).collect()
}

fn plan(kind: Kind, dropout: &str) -> Plan {
    let given = [("width", "24"), ("dropout", dropout), ("blocks", "2")];
    let given: Params = given.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let params = DeepParams::read(&given, kind, 100).unwrap();
    let parts = Parts::new(&recipe(3), &rows(400), 5);
    assert!(parts.bins.is_some() && parts.parts.len() == 3);
    build::plan((&recipe(3), &parts, None), &params, (3, 9))
}

/// Scores features in batches of a size.
fn scored(net: &DeepNet, x: &[f32], batch: usize) -> Vec<f32> {
    let parts = ScorerParts {
        task: Task::Multiclass,
        classes: ["x", "y", "z"].map(str::to_owned).to_vec(),
        recipe: recipe(3),
        link: Link::Softmax,
        calibration: Calibration::None,
        model: Model::Deep(net.clone()),
    };
    let scorer = Scorer::new(&parts).unwrap();
    x.chunks(batch * 6).flat_map(|x| scorer.score_features(x).unwrap().margins).collect()
}

#[test]
fn candle_and_the_scorer_agree_and_batches_give_the_same_bits() {
    let x = rows(501);
    for kind in Kind::ALL {
        let net = Net::new(plan(kind, "0.2"), 5).unwrap();
        let expected = list(&net.forward(&x, None).unwrap()).unwrap();
        let deep = net.to_deep().unwrap();
        let all = scored(&deep, &x, 4_096);
        assert!(all.iter().any(|margin| margin.abs() > 0.05));
        for (own, expected) in all.iter().zip(&expected) {
            assert!((own - expected).abs() < 1e-5, "{kind:?}: {own} {expected}");
        }
        assert!(scored(&deep, &x, 1) == all && scored(&deep, &x, 7) == all, "{kind:?}");
    }
}

/// Moves one weight after the other and compares the change of a sum of margins with its gradient.
fn check_gradients(plan: &Plan, x: &[f32]) {
    let net = Net::new(plan.clone(), 5).unwrap();
    let value = |plan: &Plan| {
        let margins = Net::new(plan.clone(), 5).unwrap().forward(x, Some(3)).unwrap();
        let margins = list(&margins).unwrap();
        margins.iter().enumerate().map(|(at, m)| f64::from(*m) * ((at % 5) as f64 - 1.5)).sum::<f64>()
    };
    let margins = net.forward(x, Some(3)).unwrap();
    let slopes: Vec<f32> = (0..margins.elem_count()).map(|at| (at % 5) as f32 - 1.5).collect();
    let slopes = candle_core::Tensor::from_vec(slopes, margins.shape(), &candle_core::Device::Cpu).unwrap();
    let gradients = (margins * slopes).unwrap().sum_all().unwrap().backward().unwrap();
    for (op, vars) in net.variables().iter().enumerate() {
        for (array, var) in vars.iter().enumerate() {
            let gradient = list(gradients.get(var).unwrap()).unwrap();
            let count = gradient.len();
            for at in (0..count).step_by(count.div_ceil(7)) {
                let moved = |by: f32| {
                    let mut plan = plan.clone();
                    plan.net.ops[op].arrays_mut()[array].1[at] += by;
                    value(&plan)
                };
                let expected = (moved(4e-3) - moved(-4e-3)) / 8e-3;
                let found = f64::from(gradient[at]);
                let near = 2e-2 * (1.0 + expected.abs());
                assert!((found - expected).abs() < near, "{op} {array} {at}: {found} {expected}");
            }
        }
    }
}

#[test]
fn gradients_are_the_changes_of_the_margins() {
    for kind in Kind::ALL {
        check_gradients(&plan(kind, "0.2"), &rows(3));
    }
}

/// A sequence of token numbers and a vector, joined; rows have lengths of their own.
#[test]
fn sequences_of_own_lengths_have_gradients_and_agree_with_the_scorer() {
    let mut rng = Rng::new(8, 8);
    let mut draw = |count: usize| (0..count).map(|_| rng.uniform() as f32 - 0.5).collect::<Vec<f32>>();
    let dense = |inputs: usize, weights: Vec<f32>, bias: Vec<f32>| DeepOp::Dense {
        inputs: inputs as u32,
        weights,
        bias,
        activation: Pointwise::Gelu,
    };
    let ops = vec![
        DeepOp::Input { first: 0, count: 4 },
        DeepOp::Embed { width: 6, tokens: draw(5 * 6), positions: draw(4 * 6) },
        DeepOp::Save { slot: 1 },
        dense(6, draw(18 * 6), draw(18)),
        DeepOp::Attention { heads: 2 },
        DeepOp::Add { slot: 1 },
        DeepOp::MeanPool,
        DeepOp::Save { slot: 2 },
        DeepOp::Input { first: 4, count: 2 },
        dense(2, draw(4), draw(2)),
        DeepOp::Concat { slot: 2 },
        dense(8, draw(24), draw(3)),
    ];
    let drops = vec![0.0; ops.len()];
    let net = DeepNet { n_features: 6, outputs: 3, ops, scale: 1.0, shift: 0.0 };
    let x = [
        [1.0, 3.0, 5.0, 2.0, 0.3, -0.4],
        [4.0, 1.0, 0.0, 0.0, -1.0, 0.2],
        [0.0, 0.0, 0.0, 0.0, 0.1, 0.1],
        [2.0, 0.0, 3.0, 0.0, 0.0, 1.0],
    ]
    .concat();
    let plan = Plan { net, drops, fixed: 0..0, adapters: (0, 1.0) };
    check_gradients(&plan, &x);
    let own = Net::new(plan, 1).unwrap();
    let expected = list(&own.forward(&x, None).unwrap()).unwrap();
    for (own, expected) in scored(&own.to_deep().unwrap(), &x, 4).iter().zip(&expected) {
        assert!((own - expected).abs() < 1e-5, "{own} {expected}");
    }
}

fn run(data: &Data, family: Family, threads: usize) -> TrainOutput {
    let clock = ticking();
    let params = [("width", "16"), ("blocks", "1"), ("epochs", "24"), ("learning_rate", "0.01")];
    train(&data.input(), &spec(family, &params), &context(threads, &clock)).unwrap()
}

#[test]
fn nets_find_a_planted_product_and_repeat_it() {
    let data = Data::new(Task::Binary, Signal::Product, 1_000);
    for family in [Family::Transformer, Family::Resnet] {
        let output = run(&data, family, 1);
        let auc = output.metrics["test"]["roc_auc"].value;
        assert!(auc > 0.9, "{family:?}: {auc}");
        assert_eq!(output.parts, run(&data, family, 2).parts, "{family:?}");
    }
}

#[test]
fn regressions_beat_the_mean() {
    let data = Data::new(Task::Regression, Signal::Sum, 800);
    for family in [Family::Transformer, Family::Resnet] {
        let output = run(&data, family, 2);
        let r2 = output.metrics["test"]["r2"].value;
        assert!(r2 > 0.8, "{family:?}: {r2}");
        assert!(output.curve.iter().all(|point| point.validation_loss.is_some()));
    }
}
