//! What is computed from many points once and kept until points, zoom or size change: extents, the
//! thinned line, the density of a scatter.
//!
//! An entry knows its points by their address and holds them weakly: points that the caller lets go of
//! are freed, and their address is not taken again while an entry remembers it.

use std::sync::{Arc, Weak};

use egui::{Context, Id};

use super::{Axis, decimate};

/// Points shared between frames.
pub(super) type Shared = Arc<Vec<[f64; 2]>>;

/// Smallest and largest finite value, and the smallest above zero, for x and y.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Extents {
    pub(super) low: [f64; 2],
    pub(super) high: [f64; 2],
    pub(super) positive: [f64; 2],
}

impl Extents {
    fn of(points: &[[f64; 2]]) -> Self {
        let mut all =
            Self { low: [f64::INFINITY; 2], high: [f64::NEG_INFINITY; 2], positive: [f64::INFINITY; 2] };
        for point in points {
            for (axis, value) in point.iter().copied().enumerate().filter(|(_, value)| value.is_finite()) {
                all.low[axis] = all.low[axis].min(value);
                all.high[axis] = all.high[axis].max(value);
                if value > 0.0 {
                    all.positive[axis] = all.positive[axis].min(value);
                }
            }
        }
        all
    }
}

#[derive(Clone)]
struct Entry<K, V> {
    points: Weak<Vec<[f64; 2]>>,
    key: K,
    value: V,
}

/// The value of `make`, kept under `id` as long as points and key stay the same.
fn kept<K, V>(ctx: &Context, id: Id, (points, key): (&Shared, K), make: impl FnOnce() -> V) -> V
where
    K: Clone + PartialEq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    if points.len() <= decimate::LIMIT {
        return make();
    }
    let known: Option<Entry<K, V>> = ctx.data(|data| data.get_temp(id));
    if let Some(entry) = known
        && std::ptr::eq(entry.points.as_ptr(), Arc::as_ptr(points))
        && entry.key == key
    {
        return entry.value;
    }
    let value = make();
    let entry = Entry { points: Arc::downgrade(points), key, value: value.clone() };
    ctx.data_mut(|data| data.insert_temp(id, entry));
    value
}

pub(super) fn extents(ctx: &Context, id: Id, points: &Shared) -> Extents {
    kept(ctx, id.with("extents"), (points, ()), || Extents::of(points))
}

/// The line in plot space, thinned to `columns` pixel columns between the bounds of x.
pub(super) fn thinned(
    ctx: &Context,
    id: Id,
    (points, x, y): (&Shared, &Axis<'_>, &Axis<'_>),
    (range, columns): ((f64, f64), usize),
) -> Shared {
    let key = (range.0.to_bits(), range.1.to_bits(), columns, x.log, y.log);
    kept(ctx, id.with("thin"), (points, key), || {
        if x.log || y.log {
            let places: Vec<[f64; 2]> =
                points.iter().map(|point| [x.to_plot(point[0]), y.to_plot(point[1])]).collect();
            return Arc::new(decimate::thin(&places, range, columns));
        }
        if points.len() <= decimate::LIMIT {
            return Arc::clone(points);
        }
        Arc::new(decimate::thin(points, range, columns))
    })
}

/// How many points lie in each cell of a grid over the area, and the largest of the counts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Density {
    pub(super) size: [usize; 2],
    pub(super) counts: Arc<Vec<u32>>,
    pub(super) most: u32,
}

type Bounds = ((f64, f64), (f64, f64));

pub(super) fn density(
    ctx: &Context,
    id: Id,
    (points, x, y): (&Shared, &Axis<'_>, &Axis<'_>),
    (bounds, size): (Bounds, [usize; 2]),
) -> Density {
    let ((x0, x1), (y0, y1)) = bounds;
    let key = ([x0, x1, y0, y1].map(f64::to_bits), size, x.log, y.log);
    kept(ctx, id.with("density"), (points, key), || {
        let mut counts = vec![0_u32; size[0] * size[1]];
        let cell = |value: f64, low: f64, high: f64, cells: usize| {
            let share = (value - low) / (high - low);
            // NaN is in no range.
            (0.0..=1.0).contains(&share).then(|| ((share * cells as f64) as usize).min(cells - 1))
        };
        for point in points.iter() {
            let column = cell(x.to_plot(point[0]), x0, x1, size[0]);
            let row = cell(y.to_plot(point[1]), y0, y1, size[1]);
            if let (Some(column), Some(row)) = (column, row) {
                counts[row * size[0] + column] += 1;
            }
        }
        let most = counts.iter().copied().max().unwrap_or(0);
        Density { size, counts: Arc::new(counts), most }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn many(shift: f64) -> Shared {
        Arc::new((0..5_000).map(|at| [f64::from(at), shift + f64::from(at % 7)]).collect())
    }

    #[test]
    fn entries_follow_their_points() {
        let ctx = Context::default();
        let id = Id::unique("t");
        let first = many(0.0);
        assert_eq!(extents(&ctx, id, &first).high, [4_999.0, 6.0]);
        drop(first);
        for shift in 1..20 {
            let next = many(f64::from(shift));
            assert_eq!(extents(&ctx, id, &next).low[1], f64::from(shift), "no stale entry");
        }
    }

    #[test]
    fn every_point_inside_is_counted_once() {
        let ctx = Context::default();
        let points: Shared =
            Arc::new((0..30_000).map(|at| [f64::from(at % 100), f64::from(at / 100)]).collect());
        let axis = Axis::new("x");
        let bounds = ((0.0, 99.0), (0.0, 149.0));
        let density = density(&ctx, Id::unique("t"), (&points, &axis, &axis), (bounds, [50, 30]));
        assert_eq!(density.counts.iter().sum::<u32>(), 15_000);
        assert_eq!(density.counts.len(), 1_500);
        assert!(density.most >= 10);
    }
}
