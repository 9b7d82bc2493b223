#![allow(clippy::unwrap_used)]
use super::*;

fn slow_bin(edges: &[f32], x: f32) -> u8 {
    if x.is_nan() { 0 } else { 1 + edges.iter().filter(|&&edge| edge < x).count() as u8 }
}

fn check(column: &[f32], bins: usize) -> NumberBins {
    let found = NumberBins::find(column, None, bins);
    assert!(found.edges.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", found.edges);
    assert_eq!(found.edges.last(), Some(&f32::MAX));
    assert!(found.edges.len() < bins.max(2));
    let mut out = vec![0; column.len()];
    found.map(column, &mut out);
    let mut more: Vec<f32> = column.to_vec();
    more.extend(found.edges.iter().flat_map(|&e| [e, e.next_up(), e.next_down(), -e]));
    more.extend([f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0, f32::MIN_POSITIVE, 1e38, -1e38]);
    for x in more {
        assert_eq!(found.bin(x), slow_bin(&found.edges, x), "{x} in {:?}", found.edges);
    }
    found
}

fn draws(n: usize, f: impl Fn(f64) -> f64) -> Vec<f32> {
    (0..n).map(|i| f(rng::uniform(1, 2, i as u64)) as f32).collect()
}

#[test]
fn bins_count_the_edges_below_a_value() {
    check(&draws(5000, |u| u), 255);
    check(&draws(5000, |u| 1.0 / (u + 1e-9)), 255);
    check(&draws(5000, |u| (u - 0.5) * 1e-38), 64);
    check(&draws(5000, |u| (u - 0.5) * 6.8e38), 64);
    check(&draws(5000, |u| (u * 10.0).floor()), 255);
    check(&[f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 1.0], 255);
    check(&[f32::MIN, f32::NEG_INFINITY, f32::MAX, f32::INFINITY], 255);
    check(&[3.0; 7], 255);
    check(&[f32::NAN; 7], 255);
    check(&[0.0, -0.0], 255);
    check(&[1.0, 1.0_f32.next_up()], 2);
}

#[test]
fn few_values_have_a_bin_each_and_edges_between_them() {
    let found = check(&[4.0, 1.0, 2.0, 2.0, f32::NAN], 255);
    assert_eq!(found.edges, [1.5, 3.0, f32::MAX]);
    assert_eq!(Binner::Number(found).slots(), 5);
}

#[test]
fn many_values_share_bins_evenly_and_heavy_values_stand_alone() {
    let mut column: Vec<f32> = (0..10_000).map(|i| i as f32).collect();
    column.extend(std::iter::repeat_n(5000.0, 10_000));
    let found = check(&column, 101);
    let mut counts = vec![0; 256];
    for &x in &column {
        counts[found.bin(x) as usize] += 1;
    }
    let heavy = found.bin(5000.0) as usize;
    assert!(counts[heavy] < 10_000 + 5, "{}", counts[heavy]);
    counts[heavy] = 0;
    assert!(counts.iter().max() < Some(&260), "{counts:?}");
    assert!(found.edges.len() > 90);
}

#[test]
fn negative_values_are_parted_from_others() {
    let column = draws(5000, |u| u - 0.3);
    let found = check(&column, 64);
    assert!(found.edges.contains(&0.0));
    let zeros: Vec<f32> = column.iter().map(|x| if x.abs() < 1e-3 { 0.0 } else { *x }).collect();
    let found = check(&zeros, 16);
    assert_ne!(found.bin(-1.5e-3), found.bin(0.0));
}

#[test]
fn samples_are_even_and_ascending() {
    assert_eq!(sample_rows(SAMPLE_ROWS, 0), None);
    let rows = sample_rows(1_000_000, 0).unwrap();
    assert_eq!(rows.len(), SAMPLE_ROWS);
    assert!(rows.windows(2).all(|pair| pair[0] < pair[1]));
    assert!(rows[SAMPLE_ROWS / 2].abs_diff(500_000) < 10);
}

#[test]
fn frequent_categories_have_bins_and_others_share_one() {
    let column = [7.0, 7.0, 2.0, 2.0, 2.0, 0.0, f32::NAN];
    let bins = CategoryBins::find(&column, 255);
    assert_eq!((bins.codes.as_slice(), bins.rare), ([0, 0, 2, 7].as_slice(), 4));
    assert_eq!([7.0, 2.0, 0.0, f32::NAN, 3.0, 99.0].map(|v| bins.bin(v)), [3, 2, 1, 0, 4, 4]);
    let bins = CategoryBins::find(&column, 4);
    assert_eq!((bins.codes.as_slice(), bins.rare), ([0, 2, 7].as_slice(), 3));
    assert_eq!(bins.bin(0.0), 3);
}
