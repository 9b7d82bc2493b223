//! The solvers against scikit-learn, and their bits.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::{
    elastic::Mixture,
    loss::Rows,
    matrix::Matrix,
    solver::{Method, Problem},
};
use serde::Deserialize;
use yard_score::{
    math::{sigmoid, softmax},
    model::Link,
};
use yard_types::rng::Rng;

#[derive(Deserialize)]
struct Reference {
    x: Vec<Vec<f32>>,
    weights: Vec<f64>,
    cases: Vec<Case>,
    mixed: Vec<Mixed>,
}

/// An elastic net, on features of which the fourth is divided by 20.
#[derive(Deserialize)]
struct Mixed {
    name: String,
    strength: f64,
    l1_ratio: f64,
    weighted: bool,
    y: Vec<f64>,
    outputs: usize,
    coefficients: Vec<Vec<f64>>,
    intercepts: Vec<f64>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    l2: f64,
    weighted: bool,
    y: Vec<f64>,
    outputs: usize,
    coefficients: Vec<Vec<f64>>,
    intercepts: Vec<f64>,
    probabilities: Vec<Vec<f64>>,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("../../tests/fixtures/linear_reference.json")).unwrap()
}

fn link(case: &Case) -> Link {
    match (case.outputs, case.probabilities.is_empty()) {
        (1, true) => Link::Identity,
        (1, false) => Link::Logistic,
        _ => Link::Softmax,
    }
}

/// Returns the parameters, `[features + 1, outputs]`.
fn solve(reference: &Reference, case: &Case, method: Option<Method>) -> Vec<f64> {
    let matrix = Matrix::of_dense(&reference.x);
    let weights = case.weighted.then_some(reference.weights.as_slice());
    let rows = Rows { matrix: &matrix, y: &case.y, weights, link: link(case), outputs: case.outputs };
    let mut theta = vec![0.0; (matrix.features() + 1) * case.outputs];
    let mut problem = Problem::new(rows);
    if let Some(method) = method {
        problem = problem.with_method(method);
    }
    problem.minimise(case.l2, &mut theta, &|| Ok(())).unwrap();
    theta
}

fn check(reference: &Reference, case: &Case, theta: &[f64], tolerance: f64) {
    let features = reference.x[0].len();
    for output in 0..case.outputs {
        let expected = case.coefficients[output].iter().chain([&case.intercepts[output]]);
        for (feature, expected) in expected.enumerate() {
            let got = theta[feature * case.outputs + output];
            let apart = (got - expected).abs() / (1.0 + expected.abs());
            assert!(apart < tolerance, "{}: [{output}][{feature}] {got} against {expected}", case.name);
        }
    }
    for (x, expected) in reference.x.iter().zip(&case.probabilities) {
        let mut p: Vec<f64> = (0..case.outputs)
            .map(|output| {
                let sum: f64 =
                    (0..features).map(|j| f64::from(x[j]) * theta[j * case.outputs + output]).sum();
                sum + theta[features * case.outputs + output]
            })
            .collect();
        if case.outputs == 1 {
            p = vec![1.0 - sigmoid(p[0]), sigmoid(p[0])];
        } else {
            softmax(&mut p);
        }
        for (p, expected) in p.iter().zip(expected) {
            assert!((p - expected).abs() < tolerance, "{}: {p} against {expected}", case.name);
        }
    }
}

#[test]
fn coefficients_and_probabilities_are_those_of_scikit_learn() {
    let reference = reference();
    assert_eq!(reference.cases.len(), 7);
    for case in &reference.cases {
        let theta = solve(&reference, case, None);
        check(&reference, case, &theta, if case.outputs == 1 { 1e-7 } else { 2e-6 });
    }
}

#[test]
fn both_solvers_find_the_same_minimum() {
    let reference = reference();
    for case in reference.cases.iter().filter(|case| case.outputs == 1) {
        let standard = solve(&reference, case, Some(Method::Lbfgs));
        // The features differ in scale by 20, and L-BFGS stops at a gradient of 1e-7 of the mean loss.
        check(&reference, case, &standard, 1e-4);
    }
}

#[test]
fn trust_region_newton_finds_the_same_minimum() {
    let reference = reference();
    for case in &reference.cases {
        let theta = solve(&reference, case, Some(Method::Trust));
        check(&reference, case, &theta, 2e-6);
    }
}

#[test]
fn elastic_nets_are_those_of_scikit_learn() {
    let reference = reference();
    let x: Vec<Vec<f32>> = reference
        .x
        .iter()
        .map(|row| row.iter().enumerate().map(|(at, x)| if at == 3 { x / 20.0 } else { *x }).collect())
        .collect();
    let matrix = Matrix::of_dense(&x);
    assert_eq!(reference.mixed.len(), 6);
    for case in &reference.mixed {
        let weights = case.weighted.then_some(reference.weights.as_slice());
        let link = match (case.outputs, case.y.iter().all(|y| y.fract() == 0.0)) {
            (1, true) => Link::Logistic,
            (1, false) => Link::Identity,
            _ => Link::Softmax,
        };
        let rows = Rows { matrix: &matrix, y: &case.y, weights, link, outputs: case.outputs };
        let mut problem = Problem::new(rows).with_method(Method::Lbfgs);
        let mut theta = vec![0.0; 7 * case.outputs];
        let mixture = Mixture { strength: case.strength, l1_ratio: case.l1_ratio };
        let passes = problem.minimise_mixed(mixture, &mut theta, &|| Ok(())).unwrap();
        assert!(passes < 100, "{}: {passes} passes", case.name);
        for output in 0..case.outputs {
            // The biases of a softmax are free up to a common shift.
            let shift = if case.outputs > 1 {
                let of = |at: usize| theta[6 * case.outputs + at] - case.intercepts[at];
                (0..case.outputs).map(of).sum::<f64>() / case.outputs as f64
            } else {
                0.0
            };
            let expected = case.coefficients[output].iter().chain([&case.intercepts[output]]);
            for (feature, expected) in expected.enumerate() {
                let got = theta[feature * case.outputs + output] - if feature == 6 { shift } else { 0.0 };
                let apart = (got - expected).abs() / (1.0 + expected.abs());
                assert!(apart < 1e-4, "{}: [{output}][{feature}] {got} against {expected}", case.name);
                assert!(*expected != 0.0 || got == 0.0, "{}: {got} is not zero", case.name);
            }
        }
        // From the largest strength on only the bias is left.
        let largest = problem.largest_strength(case.l1_ratio);
        let left = |problem: &mut Problem<'_>, share: f64| {
            let mut theta = vec![0.0; 7 * case.outputs];
            let mixture = Mixture { strength: share * largest, l1_ratio: case.l1_ratio };
            problem.minimise_mixed(mixture, &mut theta, &|| Ok(())).unwrap();
            theta[..6 * case.outputs].iter().filter(|weight| **weight != 0.0).count()
        };
        assert_eq!(left(&mut problem, 1.001), 0, "{}", case.name);
        assert!(left(&mut problem, 0.99) > 0, "{}", case.name);
    }
}

/// Texts of words drawn at random, a few of which belong to a class: many more features than rows.
fn sparse_rows(rows: usize, features: usize, outputs: usize) -> (Matrix, Vec<f64>) {
    let mut rng = Rng::new(4, 4);
    let (mut dense, mut y) = (Vec::new(), Vec::new());
    for _ in 0..rows {
        let class = (rng.uniform() * outputs as f64) as usize;
        let mut row = vec![0.0_f32; features];
        for word in 0..12 {
            let at = if word < 4 { class * 3 + word % 3 } else { (rng.uniform() * features as f64) as usize };
            row[at] += (0.2 + rng.uniform()) as f32;
        }
        dense.push(row);
        y.push(class as f64);
    }
    (Matrix::of_dense(&dense), y)
}

#[test]
fn wide_problems_meet_the_optimality_conditions_with_any_number_of_threads() {
    for (outputs, link) in [(1, Link::Logistic), (5, Link::Softmax)] {
        let (matrix, y) = sparse_rows(400, 21_000, outputs.max(2));
        let solved = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let rows = Rows { matrix: &matrix, y: &y, weights: None, link, outputs };
                let mut theta = vec![0.0; rows.size()];
                Problem::new(rows).minimise(0.1, &mut theta, &|| Ok(())).unwrap();
                theta
            })
        };
        let theta = solved(1);
        assert_eq!(theta, solved(3));
        let rows = Rows { matrix: &matrix, y: &y, weights: None, link, outputs };
        let mut gradient = Vec::new();
        let value = rows.loss_and_gradient(&theta, &mut gradient);
        let weights = rows.size() - outputs;
        for (at, slope) in gradient.iter().enumerate() {
            let slope = if at < weights { slope + 0.1 / 400.0 * theta[at] } else { *slope };
            assert!(slope.abs() < 2e-6, "{link:?} {at}: {slope}");
        }
        assert!(value < 0.1, "{value}");
    }
}

fn flat(x: &[f32], width: usize) -> Matrix {
    Matrix::of_dense(&x.chunks(width).map(<[f32]>::to_vec).collect::<Vec<_>>())
}

fn random_rows(seed: u64, rows: usize, outputs: usize) -> (Vec<f32>, Vec<f64>) {
    let mut rng = Rng::new(seed, 9);
    let x: Vec<f32> = (0..rows * 5).map(|_| (2.0 * rng.uniform() - 1.0) as f32).collect();
    let y = x
        .chunks(5)
        .map(|x| {
            let signal = f64::from(2.0 * x[0] - x[1] + 0.5 * x[2]) + rng.uniform() - 0.5;
            if outputs == 1 {
                f64::from(u8::from(signal > 0.0))
            } else {
                (signal + 1.5).clamp(0.0, 2.9).floor()
            }
        })
        .collect();
    (x, y)
}

#[test]
fn bits_do_not_depend_on_threads() {
    for (link, outputs) in [(Link::Logistic, 1), (Link::Identity, 1), (Link::Softmax, 3)] {
        let (x, y) = random_rows(4, 40_000, outputs);
        let matrix = flat(&x, 5);
        let solve = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut theta = vec![0.0; 6 * outputs];
                let rows = Rows { matrix: &matrix, y: &y, weights: None, link, outputs };
                let steps = Problem::new(rows).minimise(0.5, &mut theta, &|| Ok(())).unwrap();
                (steps, theta.iter().map(|value| value.to_bits()).collect::<Vec<_>>())
            })
        };
        let one = solve(1);
        assert!(one.0 > 0);
        assert_eq!(one, solve(2), "{link:?}");
        assert_eq!(one, solve(3), "{link:?}");
    }
}

#[test]
fn separable_and_collinear_rows_end_with_finite_weights() {
    let x: Vec<f32> = (0..100).flat_map(|i| [i as f32 - 49.5, 2.0 * (i as f32 - 49.5)]).collect();
    let y: Vec<f64> = (0..100).map(|i| f64::from(u8::from(i >= 50))).collect();
    let matrix = flat(&x, 2);
    for l2 in [0.0, 1e-6, 1.0] {
        let rows = Rows { matrix: &matrix, y: &y, weights: None, link: Link::Logistic, outputs: 1 };
        let mut theta = vec![0.0; 3];
        let mut problem = Problem::new(rows);
        problem.minimise(l2, &mut theta, &|| Ok(())).unwrap();
        assert!(problem.rows().mean_loss(&theta) < 0.1, "l2 {l2}: {theta:?}");
    }
}

#[test]
fn the_solver_stops_when_told() {
    let (x, y) = random_rows(4, 5_000, 1);
    let matrix = flat(&x, 5);
    for method in [Method::Newton, Method::Lbfgs] {
        let rows = Rows { matrix: &matrix, y: &y, weights: None, link: Link::Logistic, outputs: 1 };
        let asked = std::cell::Cell::new(0);
        let stop = || {
            asked.set(asked.get() + 1);
            if asked.get() > 2 { Err(crate::TrainError::Cancelled) } else { Ok(()) }
        };
        let ended = Problem::new(rows).with_method(method).minimise(0.01, &mut vec![0.0; 6], &stop);
        assert!(matches!(ended, Err(crate::TrainError::Cancelled)));
        assert_eq!(asked.get(), 3);
    }
}
