#![allow(clippy::unwrap_used)]
use super::*;

fn scan(sums: &[Sum], l2: f64, least: i64) -> Scan<'_> {
    let total = sums.iter().fold(Sum::default(), |a, &b| a + b);
    Scan {
        sums,
        counts: None,
        total,
        rows: total.h as usize,
        penalty: Penalty::plain(l2),
        least,
        least_rows: 1,
    }
}

fn sums(pairs: &[(i64, i64)]) -> Vec<Sum> {
    pairs.iter().map(|&(g, h)| Sum { g, h }).collect()
}

fn best(scan: &Scan) -> Option<Found> {
    let mut best = None;
    scan.thresholds(false, &mut best);
    scan.thresholds(true, &mut best);
    best
}

#[test]
fn the_best_threshold_is_the_one_of_the_formula() {
    // Bins: missing, three values, plus infinity.
    let sums = sums(&[(0, 0), (-10, 4), (-8, 4), (20, 4), (0, 0)]);
    let found = best(&scan(&sums, 1.0, 1)).unwrap();
    assert_eq!((found.bin, found.left), (2, Sum { g: -18, h: 8 }));
    let want = 18.0 * 18.0 / 9.0 + 20.0 * 20.0 / 5.0;
    assert!((found.score - want).abs() < 1e-12);
    assert!(goes_left(&found.left_bins, 2) && !goes_left(&found.left_bins, 3));
    assert!(!goes_left(&found.left_bins, 0));
}

#[test]
fn missing_values_go_where_the_gain_is() {
    let left = sums(&[(-30, 5), (-10, 5), (20, 5), (20, 5), (0, 0)]);
    let found = best(&scan(&left, 0.0, 1)).unwrap();
    assert!(goes_left(&found.left_bins, 0) && found.bin == 1);
    let alone = sums(&[(60, 5), (-20, 5), (-20, 5), (-20, 5), (0, 0)]);
    let found = best(&scan(&alone, 0.0, 1)).unwrap();
    // All values left, missing right: the last edge.
    assert!(!goes_left(&found.left_bins, 0) && found.bin == 3);
}

#[test]
fn small_children_are_refused_and_ties_go_to_the_lower_bin() {
    let data = sums(&[(0, 0), (-10, 1), (5, 4), (5, 4), (0, 0)]);
    assert_eq!(best(&scan(&data, 0.0, 2)).unwrap().bin, 2);
    assert!(best(&scan(&data, 0.0, 6)).is_none());
    let empty_middle = sums(&[(0, 0), (-10, 5), (0, 0), (10, 5), (0, 0)]);
    assert_eq!(best(&scan(&empty_middle, 0.0, 1)).unwrap().bin, 1);
}
