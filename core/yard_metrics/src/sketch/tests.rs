#![allow(clippy::unwrap_used)]
use super::*;
use crate::sketch::{CurrentSketch, LatencyHistogram, Moments};
use yard_types::rng::Rng;

fn uniforms(rng: &mut Rng, n: usize) -> Vec<f64> {
    (0..n).map(|_| rng.uniform()).collect()
}

fn window(reference: &ReferenceSketch, values: &[f64]) -> SketchCounts {
    let mut sketch = CurrentSketch::new(reference);
    for value in values {
        sketch.push_number(*value);
    }
    sketch.take()
}

#[test]
fn deciles_split_the_reference_evenly_and_missing_is_apart() {
    let mut values: Vec<f64> = (1..=1000).map(f64::from).collect();
    values.push(f64::NAN);
    let reference = ReferenceSketch::from_values("x", &values);
    assert_eq!(reference.counts.bins, vec![100; 10]);
    assert_eq!((reference.counts.missing, reference.rows()), (1, 1001));
    assert_eq!(reference.layout.labels()[..2], ["≤ 100", "100 – 200"]);
    let outside = window(&reference, &[0.5, 1000.5, f64::INFINITY, f64::NEG_INFINITY, 1.0, 1000.0]);
    assert_eq!((outside.below, outside.above, outside.rows()), (2, 2, 6));
    assert_eq!(outside.moments.count, 4);
    assert!(reference.check().is_ok());
}

#[test]
fn repeated_values_give_fewer_bins_and_empty_fields_none() {
    let values = [0.0, 0.0, 0.0, 1.0, 0.0, 1.0];
    let reference = ReferenceSketch::from_values("flag", &values);
    assert_eq!(reference.counts.bins, [4, 2]);
    let empty = ReferenceSketch::from_values("none", &[f64::NAN; 20]);
    assert_eq!((empty.counts.bins.len(), empty.counts.missing), (0, 20));
    let found = compare(&empty, &window(&empty, &[1.0, f64::NAN])).unwrap();
    assert_eq!(found.bins, ["not expected", "missing"]);
    assert!(found.value > 1.0);
    assert!(ReferenceSketch::from_values("nothing", &[]).check().is_ok());
    assert!(compare(&reference, &SketchCounts::empty(2)).is_none());
    assert!(compare(&reference, &SketchCounts::empty(3)).is_none());
}

#[test]
fn sample_against_itself_is_zero() {
    let values = uniforms(&mut Rng::new(1, 0), 500);
    let reference = ReferenceSketch::from_values("x", &values);
    assert_eq!(compare(&reference, &window(&reference, &values)).unwrap().value, 0.0);
}

#[test]
fn merged_parts_equal_the_whole() {
    let values = uniforms(&mut Rng::new(2, 0), 3_000);
    let reference = ReferenceSketch::from_values("x", &values[..1_000]);
    let mut whole = CurrentSketch::new(&reference);
    for value in &values {
        whole.push_number(*value);
    }
    let mut parts = CurrentSketch::new(&reference);
    for chunk in values.chunks(777) {
        parts.merge(&window(&reference, chunk)).unwrap();
    }
    let (whole, parts) = (whole.counts(), parts.counts());
    assert_eq!((&whole.bins, whole.below, whole.above), (&parts.bins, parts.below, parts.above));
    assert!((whole.moments.mean - parts.moments.mean).abs() < 1e-12);
    assert!((whole.moments.sd().unwrap() - parts.moments.sd().unwrap()).abs() < 1e-12);
    assert_eq!(whole.moments.max, parts.moments.max);
    let mut other = CurrentSketch::new(&reference);
    assert!(other.merge(&SketchCounts::empty(3)).is_err());
    assert!(CurrentSketch::with_counts(&reference, SketchCounts::empty(3)).is_err());
}

#[test]
fn categories_known_unseen_and_missing() {
    let values = ["b", "a", "b", "c", "b"].map(Some);
    let reference = ReferenceSketch::from_categories("colour", values.into_iter().chain([None]));
    assert_eq!(reference.layout, Layout::Category { values: ["a", "b", "c"].map(str::to_owned).to_vec() });
    assert_eq!((reference.counts.bins.clone(), reference.counts.missing), (vec![1, 3, 1], 1));
    let mut current = CurrentSketch::new(&reference);
    for value in &["a", "z", "c"] {
        current.push_category(value);
    }
    current.push_number(3.0);
    current.push_missing();
    assert_eq!((current.counts().unseen, current.counts().missing, current.counts().rows()), (2, 1, 5));
    let text = serde_json::to_string(&reference).unwrap();
    assert_eq!(serde_json::from_str::<ReferenceSketch>(&text).unwrap(), reference);
}

#[test]
fn damaged_reference_is_refused() {
    let good = ReferenceSketch::from_values("x", &[1.0, 2.0, 3.0]);
    let mut wrong = good.clone();
    wrong.layout = Layout::Number { min: 0.0, bounds: vec![2.0, 1.0, 3.0] };
    assert!(wrong.check().is_err());
    let mut short = good.clone();
    short.counts.bins.pop();
    assert!(short.check().is_err());
    let mut unsorted = ReferenceSketch::from_categories("c", ["a", "b"].map(Some).into_iter());
    unsorted.layout = Layout::Category { values: vec!["b".into(), "a".into()] };
    assert!(unsorted.check().is_err());
}

/// Windows without drift: the index stays below its threshold in all but about 1 % of the cases, also for
/// a small reference and for many rare categories.
#[test]
fn index_without_drift_rarely_exceeds_its_threshold() {
    let mut rng = Rng::new(3, 0);
    let mut alarms = [0, 0];
    for _ in 0..1_000 {
        let reference = ReferenceSketch::from_values("x", &uniforms(&mut rng, 300));
        let found = compare(&reference, &window(&reference, &uniforms(&mut rng, 500))).unwrap();
        alarms[0] += u32::from(found.value > found.threshold);
    }
    let names: Vec<String> = (0..400).map(|i| format!("c{i:03}")).collect();
    let mut draw = |n: usize| -> Vec<&str> {
        (0..n).map(|_| names[(rng.uniform() * rng.uniform() * 400.0) as usize].as_str()).collect()
    };
    for _ in 0..300 {
        let sample = draw(5_000);
        let reference = ReferenceSketch::from_categories("c", sample.iter().map(|name| Some(*name)));
        let mut current = CurrentSketch::new(&reference);
        for name in &draw(1_000) {
            current.push_category(name);
        }
        let found = compare(&reference, current.counts()).unwrap();
        alarms[1] += u32::from(found.value > found.threshold);
    }
    // 1 % of 1000 plus 4 sd is 23, of 300 plus 4 sd is 10.
    assert!(alarms[0] <= 23 && alarms[1] <= 10, "{alarms:?}");
}

#[test]
fn shift_and_new_range_are_found() {
    let mut rng = Rng::new(4, 0);
    let reference = ReferenceSketch::from_values("x", &uniforms(&mut rng, 5_000));
    let shifted: Vec<f64> = uniforms(&mut rng, 1_000).iter().map(|v| v + 0.3).collect();
    let counts = window(&reference, &shifted);
    let found = compare(&reference, &counts).unwrap();
    assert!(found.value > found.threshold && found.p_value < 1e-6);
    let range = unseen_check(&reference, &counts, 0.001).unwrap();
    assert!(range.exceeds() && (range.value - 0.3).abs() < 0.05);
    let missing = missing_check(&reference, &counts, 0.001).unwrap();
    assert!(!missing.exceeds() && missing.value == 0.0);
}

#[test]
fn rate_check_without_change_rarely_fires() {
    let mut rng = Rng::new(5, 0);
    let mut hits = |n: usize| (0..n).filter(|_| rng.uniform() < 0.05).count() as u64;
    let alarms = (0..2_000)
        .filter(|_| {
            let check = rate_check((hits(2_000), 2_000), hits(1_000), 1_000, 0.001).unwrap();
            check.exceeds()
        })
        .count();
    assert!(alarms <= 8, "{alarms} of 2000");
    assert_eq!(rate_check((0, 0), 1, 10, 0.001), None);
    assert_eq!(rate_check((1, 10), 0, 0, 0.001), None);
    assert!(rate_check((0, 1_000), 50, 1_000, 0.001).unwrap().exceeds());
}

#[test]
fn latency_percentiles_are_within_three_percent() {
    let mut rng = Rng::new(6, 0);
    let mut times: Vec<f64> = (0..20_000).map(|_| (rng.normal() * 1.5 + 6.0).exp()).collect();
    let mut histogram = LatencyHistogram::default();
    let mut halves = [LatencyHistogram::default(), LatencyHistogram::default()];
    for (index, time) in times.iter().enumerate() {
        histogram.push_us(*time);
        halves[index % 2].push_us(*time);
    }
    times.sort_by(f64::total_cmp);
    for q in [0.5, 0.95, 0.99] {
        let exact = times[(q * 20_000.0) as usize - 1] / 1_000.0;
        let found = histogram.percentile_ms(q);
        assert!((found / exact - 1.0).abs() < 0.03, "{q}: {found} against {exact}");
    }
    let [mut first, second] = halves;
    first.merge(&second);
    assert_eq!(first, histogram);
    let text = serde_json::to_string(&histogram).unwrap();
    assert_eq!(serde_json::from_str::<LatencyHistogram>(&text).unwrap(), histogram);
    assert_eq!(LatencyHistogram::default().p50_p95_p99_ms(), (0.0, 0.0, 0.0));
    let mut odd = LatencyHistogram::default();
    for time in &[f64::NAN, -1.0, f64::INFINITY, 0.0] {
        odd.push_us(*time);
    }
    assert_eq!(odd.count(), 4);
}

#[test]
fn moments_ignore_what_is_not_finite() {
    let mut moments = Moments::default();
    for value in &[1.0, f64::NAN, 3.0, f64::INFINITY] {
        moments.push(*value);
    }
    assert_eq!((moments.count, moments.mean, moments.sd()), (2, 2.0, Some(2.0_f64.sqrt())));
    assert_eq!((moments.min, moments.max), (1.0, 3.0));
}
