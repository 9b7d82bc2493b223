#![allow(clippy::unwrap_used)]
use super::*;
use crate::math::sigmoid;

/// Gradients against central differences of the reported loss (times `scale`).
fn check(objective: Objective, margins: &[Vec<f32>], y: &[f32], scale: f64) {
    let loss = objective.loss();
    loss.check(y).unwrap();
    let rows = y.len();
    let views = |m: &[Vec<f32>]| m.to_vec();
    let at = |m: &[Vec<f32>]| {
        let mut out = vec![0.0; rows];
        loss.losses(&m.iter().map(|v| v.as_slice()).collect::<Vec<_>>(), y, &mut out);
        out
    };
    let mut prepared = vec![0.0; rows];
    loss.prepare(&margins.iter().map(|v| v.as_slice()).collect::<Vec<_>>(), &mut prepared);
    for output in 0..loss.outputs() {
        let (mut g, mut h) = (vec![0.0; rows], vec![0.0; rows]);
        let block = Block { output: output as u32, margins: &margins[output], y, prepared: &prepared };
        loss.gradients(&block, &mut g, &mut h);
        let step = 1.0 / 64.0;
        let (mut up, mut down) = (views(margins), views(margins));
        up[output].iter_mut().for_each(|m| *m += step as f32);
        down[output].iter_mut().for_each(|m| *m -= step as f32);
        let (up, down) = (at(&up), at(&down));
        for row in 0..rows {
            let want = scale * (up[row] - down[row]) / (2.0 * step);
            assert!((g[row] - want).abs() < 1e-3, "row {row}: {} {want}", g[row]);
            assert!(h[row] > 0.0);
        }
    }
}

#[test]
fn gradients_are_the_slopes_of_the_loss() {
    let m = vec![-3.0, -0.5, 0.0, 1.25, 4.0];
    check(Objective::Binary, std::slice::from_ref(&m), &[1.0, 0.0, 1.0, 0.0, 1.0], 1.0);
    check(Objective::Regression, std::slice::from_ref(&m), &[1.5, -2.0, 0.0, 7.0, 1.0], 0.5);
    check(Objective::Huber(Some(1.0)), std::slice::from_ref(&m), &[1.5, -2.0, 0.1, 7.0, 1.0], 1.0);
    check(Objective::Absolute, std::slice::from_ref(&m), &[1.5, -2.0, 0.1, 7.0, 1.0], 1.0);
    check(Objective::Quantile(0.8), std::slice::from_ref(&m), &[1.5, -2.0, 0.1, 7.0, 1.0], 1.0);
    for objective in [Objective::Poisson, Objective::Gamma, Objective::Tweedie(1.3)] {
        check(objective, &[vec![-1.0, -0.5, 0.0, 0.25, 1.0]], &[1.5, 2.0, 0.1, 7.0, 1.0], 1.0);
    }
    let three = [m.clone(), m.iter().map(|x| -x).collect(), vec![0.5; 5]];
    check(Objective::Multiclass(3), &three, &[0.0, 1.0, 2.0, 1.0, 0.0], 1.0);
}

#[test]
fn vector_loops_have_the_bits_of_single_rows() {
    let margins: Vec<f32> = (0..1003).map(|row| (row as f32 - 500.0) / 37.0).collect();
    let y: Vec<f32> = (0..1003).map(|row| f32::from(row % 3 == 0)).collect();
    let all = |rows: std::ops::Range<usize>| {
        let (mut g, mut h, mut l) = (vec![0.0; rows.len()], vec![0.0; rows.len()], vec![0.0; rows.len()]);
        let (margins, y) = (&margins[rows.clone()], &y[rows]);
        Logistic.gradients(&Block { output: 0, margins, y, prepared: &[] }, &mut g, &mut h);
        Logistic.losses(&[margins], y, &mut l);
        [g, h, l].concat().into_iter().map(f64::to_bits).collect::<Vec<u64>>()
    };
    let together = all(0..1003);
    for row in 0..1003 {
        assert_eq!(all(row..row + 1), [together[row], together[1003 + row], together[2006 + row]]);
    }
    let p = sigmoid(f64::from(margins[123]));
    assert_eq!(together[1003 + 123], (p * (1.0 - p)).to_bits());
}

#[test]
fn the_base_is_the_best_constant() {
    let y = [1.0, 0.0, 0.0, 0.0];
    assert!((Objective::Binary.loss().base(&y, None)[0] - (0.25_f64 / 0.75).ln()).abs() < 1e-15);
    let weights = [3.0, 1.0, 1.0, 1.0];
    assert_eq!(Objective::Binary.loss().base(&y, Some(&weights)), [0.0]);
    assert_eq!(Objective::Regression.loss().base(&[1.0, 2.0, 6.0], None), [3.0]);
    let base = Objective::Multiclass(2).loss().base(&y, None);
    assert!((base[0] - 0.75_f64.ln()).abs() < 1e-15 && (base[1] - 0.25_f64.ln()).abs() < 1e-15);
}

#[test]
fn bases_of_robust_losses_resist_outliers() {
    let y = [1.0, 2.0, 3.0, 4.0, 1000.0];
    assert_eq!(Objective::Absolute.loss().base(&y, None), [3.0]);
    assert_eq!(Objective::Quantile(0.8).loss().base(&y, None), [502.0]);
    assert_eq!(Objective::Quantile(0.5).loss().base(&y, Some(&[0.0, 0.0, 1.0, 3.0, 0.0])), [4.0]);
    assert_eq!(Objective::Quantile(0.5).loss().base(&y, Some(&[1.0, 1.0, 0.0, 2.0, 0.0])), [3.0]);
    let huber = Objective::Huber(Some(1.0)).loss();
    let base = huber.base(&y, None)[0];
    let loss = |at: f64| {
        let mut out = vec![0.0; 5];
        huber.losses(&[&[at as f32; 5]], &y, &mut out);
        out.iter().sum::<f64>()
    };
    assert!(loss(base) <= loss(base + 0.01) && loss(base) <= loss(base - 0.01), "{base}");
    assert_eq!(Objective::Huber(None).for_target(&y, None), Objective::Huber(Some(997.0)));
}

#[test]
fn bases_of_log_links_are_logarithms_of_the_mean() {
    for objective in [Objective::Poisson, Objective::Gamma, Objective::Tweedie(1.5)] {
        let base = objective.loss().base(&[1.0, 2.0, 6.0], None)[0];
        assert!((base - 3.0_f64.ln()).abs() < 1e-15);
    }
    assert!(Objective::Poisson.loss().base(&[0.0, 0.0], None)[0].is_finite());
}

#[test]
fn bad_targets_are_named() {
    let text = Objective::Binary.loss().check(&[0.0, 2.0]).unwrap_err().to_string();
    assert!(text.contains("row 1 is 2") && text.contains("0 or 1"), "{text}");
    assert!(Objective::Multiclass(3).loss().check(&[3.0]).is_err());
    assert!(Objective::Regression.loss().check(&[f32::NAN]).is_err());
    assert!(Objective::Poisson.loss().check(&[0.0, 3.0]).is_ok());
    assert!(Objective::Tweedie(1.5).loss().check(&[-0.5]).is_err());
    let text = Objective::Gamma.loss().check(&[1.0, 0.0]).unwrap_err().to_string();
    assert!(text.contains("row 1 is 0, expected a finite number above 0"), "{text}");
}
