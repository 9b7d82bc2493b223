//! Thinning of long lines: first, smallest, largest and last point of each pixel column.
//!
//! Keeps every peak (min/max aggregation, U. Jugel et al., M4, PVLDB 7(10), 2014,
//! doi:10.14778/2732951.2732953).

/// Lines of at most this many points are drawn as they are.
pub(super) const LIMIT: usize = 2_000;

/// Thins `points` (ascending x) to at most four points in each of `columns` between `from` and `to`,
/// with the neighbours just outside, so that the line goes on to the edges.
pub(super) fn thin(points: &[[f64; 2]], (from, to): (f64, f64), columns: usize) -> Vec<[f64; 2]> {
    if points.len() <= LIMIT || columns == 0 || to <= from {
        return points.to_vec();
    }
    let first = points.partition_point(|point| point[0] < from).saturating_sub(1);
    let last = (points.partition_point(|point| point[0] <= to) + 1).min(points.len());
    let visible = points.get(first..last).unwrap_or(points);
    if visible.len() <= LIMIT {
        return visible.to_vec();
    }
    let column = |x: f64| ((x - from) / (to - from) * columns as f64).floor() as i64;
    let mut kept = Vec::with_capacity(columns * 4 + 2);
    let mut start = 0;
    while start < visible.len() {
        let here = column(visible[start][0]);
        let end =
            (start + 1..visible.len()).find(|&at| column(visible[at][0]) != here).unwrap_or(visible.len());
        push_extremes(&visible[start..end], &mut kept);
        start = end;
    }
    kept
}

fn push_extremes(group: &[[f64; 2]], kept: &mut Vec<[f64; 2]>) {
    let last = group.len() - 1;
    let gap = group.iter().position(|point| !point[1].is_finite());
    let by = |one: &(usize, &[f64; 2]), other: &(usize, &[f64; 2])| one.1[1].total_cmp(&other.1[1]);
    let finite = || group.iter().enumerate().filter(|(_, point)| point[1].is_finite());
    let mut places: Vec<usize> = [
        Some(0),
        finite().min_by(by).map(|(at, _)| at),
        finite().max_by(by).map(|(at, _)| at),
        gap,
        Some(last),
    ]
    .into_iter()
    .flatten()
    .collect();
    places.sort_unstable();
    places.dedup();
    kept.extend(places.into_iter().map(|at| group[at]));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_peaks_of_a_million_points() {
        let mut points: Vec<[f64; 2]> =
            (0..1_000_000).map(|at| [f64::from(at), (f64::from(at) * 0.01).sin()]).collect();
        points[345_678][1] = 9.0;
        points[777_777][1] = -7.0;
        let kept = thin(&points, (0.0, 999_999.0), 500);
        assert!(kept.len() <= 4 * 501, "{}", kept.len());
        assert!(kept.contains(&[345_678.0, 9.0]));
        assert!(kept.contains(&[777_777.0, -7.0]));
        assert_eq!(kept.first(), points.first());
        assert_eq!(kept.last(), points.last());
        assert!(kept.windows(2).all(|pair| pair[0][0] < pair[1][0]));
    }

    #[test]
    fn zoomed_lines_reach_over_the_edges() {
        let points: Vec<[f64; 2]> = (0..10_000).map(|at| [f64::from(at), 0.0]).collect();
        let kept = thin(&points, (100.0, 200.0), 300);
        assert_eq!(kept.first(), Some(&[99.0, 0.0]));
        assert_eq!(kept.last(), Some(&[201.0, 0.0]));
    }

    #[test]
    fn gaps_stay() {
        let mut points: Vec<[f64; 2]> = (0..10_000).map(|at| [f64::from(at), 1.0]).collect();
        points[5_000][1] = f64::NAN;
        assert!(thin(&points, (0.0, 9_999.0), 100).iter().any(|point| point[1].is_nan()));
        assert_eq!(thin(&points[..5], (0.0, 4.0), 100).len(), 5);
    }
}
