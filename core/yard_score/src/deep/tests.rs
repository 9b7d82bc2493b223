#![allow(clippy::unwrap_used, clippy::panic)]
//! Deep nets against a reference in double precision written by itself, equal bits for any batch, and
//! refusals.

use super::{DeepNet, DeepOp, Pointwise, TokenPart, exec::Deep};
use yard_types::rng::Rng;

fn draw(rng: &mut Rng, count: usize) -> Vec<f32> {
    (0..count).map(|_| (rng.normal() * 0.4) as f32).collect()
}

fn dense(rng: &mut Rng, inputs: usize, outputs: usize, activation: Pointwise) -> DeepOp {
    let (weights, bias) = (draw(rng, inputs * outputs), draw(rng, outputs));
    DeepOp::Dense { inputs: inputs as u32, weights, bias, activation }
}

fn norm(rng: &mut Rng, width: usize) -> DeepOp {
    DeepOp::LayerNorm { scale: draw(rng, width), shift: draw(rng, width), epsilon: 1e-5 }
}

/// An encoder block of width 12 with 3 heads.
fn block(rng: &mut Rng, ops: &mut Vec<DeepOp>) {
    ops.push(DeepOp::Save { slot: 0 });
    ops.push(norm(rng, 12));
    ops.push(dense(rng, 12, 36, Pointwise::Identity));
    ops.push(DeepOp::Attention { heads: 3 });
    ops.push(dense(rng, 12, 12, Pointwise::Identity));
    ops.push(DeepOp::Add { slot: 0 });
    ops.push(DeepOp::Save { slot: 1 });
    ops.push(dense(rng, 12, 20, Pointwise::Gelu));
    ops.push(DeepOp::Gate { activation: Pointwise::Relu });
    ops.push(dense(rng, 10, 12, Pointwise::Tanh));
    ops.push(DeepOp::Add { slot: 1 });
}

/// Two numbers and a category of 3 as tokens, a sequence of up to 5 of 9 tokens, joined at the end.
pub(crate) fn net(seed: u64) -> DeepNet {
    let mut rng = Rng::new(seed, 5);
    let rng = &mut rng;
    let part = |(first, count)| TokenPart { first, count };
    let mut ops = vec![
        DeepOp::Input { first: 0, count: 5 },
        DeepOp::Bins {
            feature: vec![0, 0, 1, 2, 3, 4],
            lower: vec![-1.0, 0.0, 0.5, 0.0, 0.0, 0.0],
            scale: vec![1.0, 2.0, 0.5, 1.0, 1.0, 1.0],
            floor: vec![f32::MIN, 0.0, 0.0, 0.0, 0.0, 0.0],
            ceiling: vec![1.0, f32::MAX, 1.0, 1.0, 1.0, 1.0],
        },
        DeepOp::FeatureTokens {
            width: 12,
            parts: [(0, 0), (0, 2), (2, 1), (3, 3)].map(part).to_vec(),
            weights: draw(rng, 6 * 12),
            bias: draw(rng, 4 * 12),
        },
    ];
    block(rng, &mut ops);
    ops.push(DeepOp::TakeFirst);
    ops.push(DeepOp::Save { slot: 7 });
    ops.push(DeepOp::Input { first: 5, count: 5 });
    ops.push(DeepOp::Embed { width: 12, tokens: draw(rng, 9 * 12), positions: draw(rng, 5 * 12) });
    block(rng, &mut ops);
    ops.push(DeepOp::Affine { scale: draw(rng, 12), shift: draw(rng, 12), activation: Pointwise::Relu });
    ops.push(DeepOp::MeanPool);
    ops.push(DeepOp::Concat { slot: 7 });
    ops.push(dense(rng, 24, 3, Pointwise::Identity));
    DeepNet { n_features: 10, outputs: 3, ops, scale: 1.0, shift: 0.0 }
}

fn rows(count: usize) -> Vec<f32> {
    let mut rng = Rng::new(3, 3);
    let mut out = Vec::new();
    for row in 0..count {
        out.extend([rng.normal() as f32, rng.normal() as f32]);
        out.extend((0..3).map(|at| if at == row % 4 { 1.0 } else { 0.0 }));
        let used = rng.below(6) as usize;
        out.extend((0..5).map(|at| if at < used { rng.below(12) as f32 } else { 0.0 }));
    }
    out
}

fn margins(net: &Deep, rows: &[f32], batch: usize) -> Vec<f32> {
    let mut work = super::exec::DeepWork::default();
    let mut out = vec![0.0; rows.len() / 10 * 3];
    for (rows, out) in rows.chunks(batch * 10).zip(out.chunks_mut(batch * 3)) {
        net.run(rows, &mut work, out);
    }
    out
}

/// The same operations on one row, tokens as vectors of f64.
fn reference(net: &DeepNet, row: &[f32]) -> Vec<f64> {
    let row: Vec<f64> = row.iter().map(|x| f64::from(*x)).collect();
    let mut x: Vec<Vec<f64>> = Vec::new();
    let mut slots = vec![x.clone(); 8];
    for op in &net.ops {
        x = match op {
            DeepOp::Input { first, count } => vec![row[*first as usize..][..*count as usize].to_vec()],
            DeepOp::Save { slot } => {
                slots[*slot as usize].clone_from(&x);
                x
            }
            DeepOp::Concat { slot } => vec![[x[0].clone(), slots[*slot as usize][0].clone()].concat()],
            DeepOp::Add { slot } => {
                x.iter().zip(&slots[*slot as usize]).map(|(a, b)| zip(a, b, |a, b| a + b)).collect()
            }
            op => reference_step(op, &x),
        };
    }
    x.remove(0)
}

fn zip(a: &[f64], b: &[f64], of: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| of(*a, *b)).collect()
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|x| f64::from(*x)).collect()
}

fn activate(x: f64, activation: Pointwise) -> f64 {
    match activation {
        Pointwise::Identity => x,
        Pointwise::Relu => x.max(0.0),
        // The tangent form of Φ is near enough for these small values.
        Pointwise::Gelu => x * phi(x),
        Pointwise::Tanh => x.tanh(),
    }
}

/// The normal distribution by its power series.
fn phi(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        term *= x * x / (2.0 * f64::from(n) + 1.0);
        sum += term;
    }
    0.5 + sum * (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

fn reference_step(op: &DeepOp, x: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let line = |values: &[f32], at: usize, width: usize| wide(&values[at * width..(at + 1) * width]);
    match op {
        DeepOp::Bins { feature, lower, scale, floor, ceiling } => {
            let value = |i: usize| {
                let y = (x[0][feature[i] as usize] - f64::from(lower[i])) * f64::from(scale[i]);
                y.max(f64::from(floor[i])).min(f64::from(ceiling[i]))
            };
            vec![(0..feature.len()).map(value).collect()]
        }
        DeepOp::FeatureTokens { width, parts, weights, bias } => {
            let width = *width as usize;
            let mut at = 0;
            let mut out = Vec::new();
            for (token, part) in parts.iter().enumerate() {
                let mut sum = line(bias, token, width);
                for j in 0..part.count as usize {
                    let value = x[0][part.first as usize + j];
                    sum = zip(&sum, &line(weights, at, width), |sum, w| sum + value * w);
                    at += 1;
                }
                out.push(sum);
            }
            out
        }
        DeepOp::Embed { width, tokens, positions } => {
            let width = *width as usize;
            let mut used = x[0].len();
            while used > 1 && x[0][used - 1] == 0.0 {
                used -= 1;
            }
            let id = |t: usize| (x[0][t] as usize).max(1).min(tokens.len() / width) - 1;
            let sum = |t| zip(&line(tokens, id(t), width), &line(positions, t, width), |a, b| a + b);
            (0..used).map(sum).collect()
        }
        DeepOp::Dense { inputs, weights, bias, activation } => {
            let inputs = *inputs as usize;
            let one = |token: &Vec<f64>, k: usize| {
                let products = zip(&line(weights, k, inputs), token, |w, x| w * x);
                activate(f64::from(bias[k]) + products.iter().sum::<f64>(), *activation)
            };
            x.iter().map(|token| (0..bias.len()).map(|k| one(token, k)).collect()).collect()
        }
        DeepOp::Affine { scale, shift, activation } => {
            let one = |token: &Vec<f64>| {
                let y = zip(&zip(token, &wide(scale), |x, s| x * s), &wide(shift), |x, s| x + s);
                y.into_iter().map(|y| activate(y, *activation)).collect()
            };
            x.iter().map(one).collect()
        }
        DeepOp::LayerNorm { scale, shift, epsilon } => {
            let one = |token: &Vec<f64>| {
                let n = token.len() as f64;
                let mean = token.iter().sum::<f64>() / n;
                let variance = token.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
                let y = token.iter().map(|x| (x - mean) / (variance + f64::from(*epsilon)).sqrt());
                let y: Vec<f64> = y.collect();
                zip(&zip(&y, &wide(scale), |y, s| y * s), &wide(shift), |y, s| y + s)
            };
            x.iter().map(one).collect()
        }
        DeepOp::Gate { activation } => {
            let one = |token: &Vec<f64>| {
                let (left, right) = token.split_at(token.len() / 2);
                zip(left, right, |left, right| left * activate(right, *activation))
            };
            x.iter().map(one).collect()
        }
        DeepOp::Attention { heads } => reference_attention(x, *heads as usize),
        DeepOp::TakeFirst => vec![x[0].clone()],
        DeepOp::MeanPool => {
            let sum = x.iter().skip(1).fold(x[0].clone(), |sum, token| zip(&sum, token, |a, b| a + b));
            vec![sum.iter().map(|sum| sum / x.len() as f64).collect()]
        }
        other => panic!("{other:?}"),
    }
}

fn reference_attention(x: &[Vec<f64>], heads: usize) -> Vec<Vec<f64>> {
    let width = x[0].len() / 3;
    let own = width / heads;
    let mut out = vec![vec![0.0; width]; x.len()];
    for head in 0..heads {
        let part = |token: usize, which: usize| &x[token][which * width + head * own..][..own];
        for (to, out) in out.iter_mut().enumerate() {
            let score = |from: usize| {
                let dot: f64 = zip(part(to, 0), part(from, 1), |q, k| q * k).iter().sum();
                (dot / (own as f64).sqrt()).exp()
            };
            let scores: Vec<f64> = (0..x.len()).map(score).collect();
            let total: f64 = scores.iter().sum();
            for (from, score) in scores.iter().enumerate() {
                for j in 0..own {
                    out[head * own + j] += score / total * part(from, 2)[j];
                }
            }
        }
    }
    out
}

#[test]
fn margins_are_those_of_double_precision() {
    let rows = rows(40);
    for seed in 0..4 {
        let net = net(seed);
        let found = margins(&Deep::new(&net, 10).unwrap(), &rows, 40);
        for (row, found) in rows.chunks(10).zip(found.chunks(3)) {
            for (found, expected) in found.iter().zip(reference(&net, row)) {
                assert!((f64::from(*found) - expected).abs() < 2e-5, "{found} {expected}");
            }
        }
    }
}

#[test]
fn every_batch_gives_the_same_bits() {
    let net = Deep::new(&net(1), 10).unwrap();
    let rows = rows(4_100);
    let all = margins(&net, &rows, 4_096);
    assert!(all.iter().all(|margin| margin.is_finite()));
    for batch in [1, 7, 300] {
        assert_eq!(margins(&net, &rows, batch), all, "{batch}");
    }
}

#[test]
fn arrays_are_listed_alike_and_description_survives() {
    let mut net = net(2);
    let count = net.parameters();
    let json = serde_json::to_string(&net).unwrap();
    assert_eq!(serde_json::from_str::<DeepNet>(&json).unwrap(), net);
    let own: Vec<Vec<&str>> =
        net.ops.iter().map(|op| op.arrays().into_iter().map(|(name, _)| name).collect()).collect();
    let mut taken = 0;
    for (op, names) in net.ops.iter_mut().zip(own) {
        let arrays = op.arrays_mut();
        assert_eq!(arrays.iter().map(|(name, _)| *name).collect::<Vec<_>>(), names);
        taken += arrays.into_iter().map(|(_, values)| std::mem::take(values).len()).sum::<usize>();
    }
    assert_eq!(taken, count);
    assert!(net.row_work() == 0 && net.parameters() == 0);
}

#[test]
fn nets_that_do_not_fit_are_refused() {
    let refused = |word: &str, change: &dyn Fn(&mut DeepNet)| {
        let mut net = net(0);
        change(&mut net);
        let error = Deep::new(&net, 10).unwrap_err().to_string();
        assert!(error.contains(word), "{word}: {error}");
    };
    refused("features", &|net| net.n_features = 9);
    refused("0 operations", &|net| net.ops.clear());
    refused("last operation", &|net| drop(net.ops.pop()));
    refused("last operation", &|net| net.outputs = 4);
    refused("no tensor yet", &|net| drop(net.ops.remove(0)));
    refused("features from", &|net| net.ops[0] = DeepOp::Input { first: u32::MAX, count: 5 });
    refused("features from", &|net| net.ops[0] = DeepOp::Input { first: 6, count: 5 });
    refused("slot 8", &|net| net.ops[3] = DeepOp::Save { slot: 8 });
    refused("added", &|net| net.ops[3] = DeepOp::Save { slot: 2 });
    refused("heads", &|net| net.ops[6] = DeepOp::Attention { heads: 5 });
    refused("heads", &|net| net.ops[6] = DeepOp::Attention { heads: 0 });
    refused("scale", &|net| net.scale = f32::NAN);
    let array = |op: usize, name: &'static str, change: fn(&mut Vec<f32>)| {
        move |net: &mut DeepNet| {
            let found = net.ops[op].arrays_mut().into_iter().find(|(own, _)| *own == name);
            change(found.unwrap().1);
        }
    };
    refused("lower", &array(1, "lower", |values| values.truncate(1)));
    refused("weights", &array(2, "weights", |values| values.push(0.0)));
    refused("biases", &array(2, "bias", |values| values.push(0.0)));
    refused("operation 5", &array(5, "bias", Vec::clear));
    refused("finite", &array(5, "weights", |values| values[3] = f32::INFINITY));
}

#[test]
fn random_changes_of_counts_never_panic() {
    let text = serde_json::to_string(&net(0)).unwrap();
    let digits: Vec<usize> =
        text.char_indices().filter(|(_, c)| c.is_ascii_digit()).map(|(at, _)| at).collect();
    let (mut rng, rows) = (Rng::new(1, 1), rows(9));
    let (mut refused, mut scored) = (0, 0);
    for _ in 0..400 {
        let mut bytes = text.clone().into_bytes();
        for _ in 0..=rng.below(2) {
            bytes[digits[rng.below(digits.len() as u64) as usize]] = b"0123456789e-,"[rng.below(13) as usize];
        }
        let Ok(net) = serde_json::from_slice::<DeepNet>(&bytes) else { continue };
        match Deep::new(&net, 10) {
            Err(_) => refused += 1,
            Ok(net) => {
                margins(&net, &rows, 9);
                scored += 1;
            }
        }
    }
    assert!(refused > 10 && scored > 10, "{refused} {scored}");
}
