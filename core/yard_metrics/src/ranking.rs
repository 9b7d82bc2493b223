//! Quality of an order within queries, with the values of scikit-learn's `ndcg_score`.
//!
//! Method: Järvelin and Kekäläinen (2002), "Cumulated gain-based evaluation of IR techniques",
//! doi:10.1145/582415.582418; equal scores share the mean of their gains: `McSherry` and Najork (2008),
//! "Computing information retrieval performance measures efficiently in the presence of tied scores",
//! doi:10.1007/978-3-540-78646-7_38.

use crate::{MetricsError, sum::sum};

/// Returns `DCG / ideal DCG` of one query, `DCG = Σ over the first k places of gain / log2(1 + place)`, of all
/// places when `k` is `None`. Rows of equal score share the mean of their gains; a query without a positive
/// gain is 0, as in scikit-learn. Gains must be finite and not negative (`2^label − 1` is usual), scores not NaN.
pub fn ndcg(gains: &[f64], scores: &[f32], k: Option<usize>) -> Result<f64, MetricsError> {
    if scores.len() != gains.len() {
        let (expected, got) = (gains.len(), scores.len());
        return Err(MetricsError::Length { what: "scores of a ranking", expected, got });
    }
    let wrong = |what, row, value| Err(MetricsError::NotFinite { what, row, value });
    if let Some(row) = gains.iter().position(|gain| !(gain.is_finite() && *gain >= 0.0)) {
        return wrong("the gain", row, gains[row]);
    }
    if let Some(row) = scores.iter().position(|score| score.is_nan()) {
        return wrong("the score", row, f64::from(scores[row]));
    }
    let k = k.unwrap_or(gains.len());
    let mut best = gains.to_vec();
    best.sort_by(|a, b| b.total_cmp(a));
    let ideal = cumulated(best.into_iter().take(k));
    if ideal <= 0.0 {
        return Ok(0.0);
    }
    Ok(cumulated(shared(gains, scores).into_iter().take(k)) / ideal)
}

/// Returns the mean of [`ndcg`] over queries; `sizes` are their rows, in order. `None` without a query.
pub fn mean_ndcg(
    gains: &[f64],
    scores: &[f32],
    sizes: &[u32],
    k: Option<usize>,
) -> Result<Option<f64>, MetricsError> {
    let total: usize = sizes.iter().map(|size| *size as usize).sum();
    for got in [total, scores.len()] {
        if got != gains.len() {
            return Err(MetricsError::Length { what: "rows of queries", expected: gains.len(), got });
        }
    }
    let mut values = Vec::with_capacity(sizes.len());
    let mut at = 0;
    for size in sizes {
        let end = at + *size as usize;
        values.push(ndcg(&gains[at..end], &scores[at..end], k)?);
        at = end;
    }
    Ok((!values.is_empty()).then(|| sum(&values) / values.len() as f64))
}

fn cumulated(gains: impl Iterator<Item = f64>) -> f64 {
    let terms: Vec<f64> = gains.enumerate().map(|(place, gain)| gain / (place as f64 + 2.0).log2()).collect();
    sum(&terms)
}

/// Gains by falling score, rows of equal score with their mean.
fn shared(gains: &[f64], scores: &[f32]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..gains.len()).collect();
    order.sort_by(|a, b| (scores[*b] + 0.0).total_cmp(&(scores[*a] + 0.0)));
    let mut out = Vec::with_capacity(gains.len());
    for group in order.chunk_by(|a, b| scores[*a] == scores[*b]) {
        let own: Vec<f64> = group.iter().map(|row| gains[*row]).collect();
        out.resize(out.len() + group.len(), sum(&own) / group.len() as f64);
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Values of `sklearn.metrics.ndcg_score` 1.9.1.
    #[test]
    fn values_are_scikit_learns() {
        let cases: [(&[f64], &[f32], Option<usize>, f64); 5] = [
            (
                &[3.0, 7.0, 0.0, 7.0, 1.0, 3.0, 3.0, 1.0],
                &[1.1, 0.1, -0.6, -0.8, 0.7, 1.6, 0.3, -1.2],
                None,
                0.749_851_116_078_855_8,
            ),
            (
                &[1.0, 1.0, 1.0, 7.0, 0.0, 7.0, 7.0, 7.0],
                &[-0.1, -1.2, -0.6, -0.5, -0.7, 0.6, -0.1, -0.6],
                Some(3),
                0.772_548_025_438_324_1,
            ),
            (
                &[1.0, 3.0, 0.0, 7.0, 1.0, 0.0, 3.0, 7.0, 7.0, 7.0, 1.0, 0.0],
                &[-1.3, 0.0, -0.0, -0.3, -1.0, -0.4, -1.1, -1.4, 0.2, -1.1, 1.2, 0.7],
                Some(5),
                0.299_934_697_994_250_04,
            ),
            (
                &[7.0, 0.0, 0.0, 1.0, 0.0, 7.0],
                &[0.0, 0.0, -2.0, -0.2, -0.3, 1.0],
                Some(10),
                0.955_727_167_115_427_4,
            ),
            (&[3.0, 0.0, 1.0, 0.0, 7.0], &[0.5, 0.5, 0.5, 0.1, 0.1], Some(2), 0.244_532_164_319_753_16),
        ];
        for (gains, scores, k, expected) in cases {
            let got = ndcg(gains, scores, k).unwrap();
            assert!((got - expected).abs() < 1e-12, "{got} {expected}");
        }
        let (a, b) = (cases[0], cases[3]);
        let mean = mean_ndcg(&[a.0, b.0].concat(), &[a.1, b.1].concat(), &[8, 6], None).unwrap().unwrap();
        assert!((mean - (a.3 + b.3) / 2.0).abs() < 1e-12);
    }

    #[test]
    fn nothing_to_rank_and_bad_input() {
        assert_eq!(ndcg(&[0.0, 0.0], &[1.0, 2.0], None).unwrap(), 0.0);
        assert_eq!(ndcg(&[], &[], Some(3)).unwrap(), 0.0);
        assert_eq!(mean_ndcg(&[], &[], &[], None).unwrap(), None);
        assert!(ndcg(&[1.0], &[], None).is_err());
        assert!(ndcg(&[-1.0], &[0.0], None).is_err());
        assert!(ndcg(&[1.0], &[f32::NAN], None).is_err());
        assert!(mean_ndcg(&[1.0], &[1.0], &[2], None).is_err());
    }
}
