use super::*;
use yard_types::rng::Rng;

/// Goes through every outcome of a short run with its probability: the mean of the e-value must not exceed 1.
fn expectation(streams: &[bool], rates: [f64; 2]) -> f64 {
    let mut total = 0.0;
    for outcomes in 0..1_u32 << streams.len() {
        let (mut test, mut probability) = (TwoRates::default(), 1.0);
        for (at, second) in streams.iter().enumerate() {
            let failed = outcomes >> at & 1 == 1;
            let rate = rates[usize::from(*second)];
            probability *= if failed { rate } else { 1.0 - rate };
            test.push(*second, failed);
        }
        total += probability * test.log_e().exp();
    }
    total
}

#[test]
fn the_e_value_has_mean_of_at_most_one_unless_the_second_is_worse() {
    let runs: [&[bool]; 3] = [
        &[false, false, true, false, true, true, false, true, false, false, false, true],
        &[true, true, false, true, false, true, true, false, true, true],
        &[false, false, false, false, true, false, false, false, false, true, false, true],
    ];
    for run in runs {
        for a in [0.0, 0.01, 0.1, 0.3, 0.7, 1.0] {
            for b in [0.0, 0.01, 0.1, 0.3, 0.7, 1.0] {
                let mean = expectation(run, [a, b]);
                assert!(b > a || mean <= 1.0 + 1e-9, "rates {a} and {b}: {mean}");
            }
        }
        assert!(expectation(run, [0.0, 1.0]) > 2.0);
    }
}

#[test]
fn a_worse_stream_is_found_and_an_equal_one_is_not() {
    let runs = 1_000;
    let (mut found, mut false_alarms, mut latest) = (0, 0, 0);
    for seed in 0..runs {
        for (rate, alarms) in [(0.01, &mut false_alarms), (0.2, &mut found)] {
            let (mut rng, mut test) = (Rng::new(seed, 0), TwoRates::default());
            for _ in 0..10_000 {
                let second = rng.uniform() < 0.1;
                test.push(second, rng.uniform() < if second { rate } else { 0.01 });
                if test.log_e() >= 200.0_f64.ln() {
                    *alarms += 1;
                    if rate > 0.1 {
                        latest = latest.max(test.counts()[1]);
                    }
                    break;
                }
            }
        }
    }
    assert!(false_alarms < runs / 200, "{false_alarms} of {runs} at 0.5 %");
    assert_eq!(found, runs);
    assert!(latest <= 200, "found after {latest} requests of the second stream at the latest");
}

#[test]
fn a_failure_that_starts_late_is_found() {
    let (mut rng, mut test) = (Rng::new(7, 0), TwoRates::default());
    for _ in 0..50_000 {
        let second = rng.uniform() < 0.1;
        test.push(second, rng.uniform() < 0.01);
    }
    let before = test.counts()[1];
    while test.log_e() < 200.0_f64.ln() {
        let second = rng.uniform() < 0.1;
        test.push(second, rng.uniform() < if second { 0.3 } else { 0.01 });
        assert!(test.counts()[1] < before + 500);
    }
}

#[test]
fn the_interval_holds_at_all_times_and_narrows() {
    let mut missed = 0;
    for seed in 0..500 {
        let (mut rng, mut mean) = (Rng::new(seed, 0), BoundedMean::new(0.05));
        let mut held = true;
        for _ in 0..2_000 {
            let x = rng.uniform();
            mean.push(x * x);
            let (low, high) = mean.bounds();
            held &= (low..=high).contains(&(1.0 / 3.0));
        }
        missed += u32::from(!held);
        let (low, high) = mean.bounds();
        assert!(high - low < 0.12, "{low}..{high}");
    }
    assert!(missed <= 25, "{missed} of 500 at 5 %");
}

#[test]
fn odd_values_do_no_harm() {
    let mut mean = BoundedMean::new(0.05);
    assert_eq!((mean.mean(), mean.bounds()), (None, (0.0, 1.0)));
    for value in [f64::NAN, -1.0, 2.0, f64::INFINITY, f64::NEG_INFINITY] {
        mean.push(value);
    }
    assert_eq!(mean.count(), 4);
    assert_eq!(mean.mean(), Some(0.5));
}
