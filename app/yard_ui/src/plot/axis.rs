//! An axis: its name with unit, its range, its ticks; linear or logarithmic.

use std::rc::Rc;

use crate::fmt;

type Format = Rc<dyn Fn(f64) -> String>;

/// An axis of a plot.
#[derive(Clone)]
#[must_use = "a builder: give it to the plot"]
pub struct Axis<'a> {
    pub(super) label: &'a str,
    pub(super) range: Option<(f64, f64)>,
    pub(super) zero: bool,
    pub(super) log: bool,
    pub(super) format: Option<Format>,
    pub(super) ticks: Option<Vec<(f64, String)>>,
    pub(super) count: usize,
}

impl std::fmt::Debug for Axis<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Axis")
            .field("label", &self.label)
            .field("range", &self.range)
            .field("log", &self.log)
            .finish_non_exhaustive()
    }
}

impl<'a> Axis<'a> {
    /// An axis with its quantity and unit ("epoch", "cost per 1 000 customers").
    pub fn new(label: &'a str) -> Self {
        Self { label, range: None, zero: false, log: false, format: None, ticks: None, count: 5 }
    }

    /// A share from 0 to 1.
    pub fn share(label: &'a str) -> Self {
        Self::new(label).range(0.0, 1.0)
    }

    /// A fixed range.
    pub fn range(mut self, low: f64, high: f64) -> Self {
        self.range = Some((low, high));
        self
    }

    /// Starts at zero: counts and costs.
    pub fn zero_based(mut self) -> Self {
        self.zero = true;
        self
    }

    /// Logarithmic; values of 0 and less are left out.
    pub fn log(mut self, log: bool) -> Self {
        self.log = log;
        self
    }

    /// Own words for ticks and hover values (clock times, percent).
    pub fn format(mut self, format: impl Fn(f64) -> String + 'static) -> Self {
        self.format = Some(Rc::new(format));
        self
    }

    /// Own ticks with their words: categories, windows.
    pub fn ticks(mut self, ticks: Vec<(f64, String)>) -> Self {
        self.ticks = Some(ticks);
        self
    }

    /// About how many ticks; 5 by default.
    pub fn about(mut self, count: usize) -> Self {
        self.count = count.max(2);
        self
    }

    /// Value to plot space.
    pub(super) fn to_plot(&self, value: f64) -> f64 {
        if self.log { if value > 0.0 { value.log10() } else { f64::NAN } } else { value }
    }

    /// Plot space to value.
    pub(super) fn value_at(&self, place: f64) -> f64 {
        if self.log { 10_f64.powf(place) } else { place }
    }

    /// The words for a value under the pointer.
    pub(super) fn words(&self, value: f64) -> String {
        self.format.as_ref().map_or_else(|| fmt::significant(value, 4), |format| format(value))
    }

    /// The words for a place on this axis: whole numbers stay whole.
    pub(super) fn place(&self, value: f64) -> String {
        match &self.format {
            Some(format) => format(value),
            None if value.fract() == 0.0 && value.abs() < 1e15 => fmt::fixed(value, 0),
            None => self.words(value),
        }
    }

    /// Bounds in plot space for values between `low` and `high`, moved out to whole ticks.
    pub(super) fn bounds(&self, low: f64, high: f64, to_ticks: bool) -> (f64, f64) {
        let (mut low, mut high) = (self.to_plot(low), self.to_plot(high));
        if let Some((from, to)) = self.range {
            return (self.to_plot(from), self.to_plot(to));
        }
        if !low.is_finite() || !high.is_finite() {
            return (0.0, 1.0);
        }
        if self.zero && !self.log {
            (low, high) = (low.min(0.0), high.max(0.0));
        }
        if high - low <= f64::EPSILON * high.abs().max(low.abs()) {
            let pad = if low == 0.0 { 0.5 } else { low.abs() * 0.1 };
            (low, high) = (low - pad, high + pad);
        }
        if !to_ticks || self.ticks.is_some() {
            return (low, high);
        }
        if self.log {
            let step = 1.0_f64.min(high - low);
            return ((low / step + 1e-9).floor() * step, (high / step - 1e-9).ceil() * step);
        }
        let step = nice_step((high - low) / (self.count - 1) as f64);
        ((low / step + 1e-9).floor() * step, (high / step - 1e-9).ceil() * step)
    }

    /// The step between two bounds: one that ends at both of them if there is one, else the nearest.
    fn step(&self, low: f64, high: f64) -> f64 {
        let raw = (high - low) / (self.count - 1) as f64;
        let whole = |value: f64, step: f64| (value / step - (value / step).round()).abs() < 1e-6;
        let near = [1.0, 0.8, 1.25, 0.6, 1.6, 0.5, 2.0].map(|factor| nice_step(raw * factor));
        // The list starts at the wanted number of ticks, so the first that fits is the nearest to it.
        near.into_iter()
            .find(|step| whole(low, *step) && whole(high, *step))
            .unwrap_or_else(|| nice_step(raw))
    }

    /// Ticks between the bounds (plot space), with their words.
    pub(super) fn ticks_between(&self, low: f64, high: f64) -> Vec<(f64, String)> {
        if let Some(ticks) = &self.ticks {
            let inside = |place: f64| place >= low - 1e-9 && place <= high + 1e-9;
            return ticks
                .iter()
                .filter(|(value, _)| inside(self.to_plot(*value)))
                .map(|(value, word)| (self.to_plot(*value), word.clone()))
                .collect();
        }
        if self.log { self.log_ticks(low, high) } else { self.linear_ticks(low, high) }
    }

    fn linear_ticks(&self, low: f64, high: f64) -> Vec<(f64, String)> {
        let step = self.step(low, high);
        let first = (low / step - 1e-6).ceil() as i64;
        let last = (high / step + 1e-6).floor() as i64;
        (first..=last.min(first + 40))
            .map(|at| at as f64 * step)
            .map(|value| {
                (value, self.format.as_ref().map_or_else(|| fmt::tick(value, step), |format| format(value)))
            })
            .collect()
    }

    fn log_ticks(&self, low: f64, high: f64) -> Vec<(f64, String)> {
        let factors: &[f64] = if high - low < 1.5 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let decades = (low.floor() as i32)..=(high.ceil() as i32);
        let skip = ((high - low) / 8.0).ceil().max(1.0) as i32;
        decades
            .filter(|decade| decade % skip == 0)
            .flat_map(|decade| factors.iter().map(move |factor| factor * 10_f64.powi(decade)))
            .filter(|value| value.log10() >= low - 1e-9 && value.log10() <= high + 1e-9)
            .map(|value| {
                (value.log10(), self.format.as_ref().map_or_else(|| log_word(value), |format| format(value)))
            })
            .collect()
    }
}

fn log_word(value: f64) -> String {
    if (1e-3..1e5).contains(&value) {
        fmt::tick(value, value)
    } else {
        format!("{value:.0e}").replace('-', "−")
    }
}

/// The step of 1, 2, 2.5, 4 or 5 times a power of ten that is nearest to `raw` by ratio.
pub(super) fn nice_step(raw: f64) -> f64 {
    if !raw.is_finite() || raw <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(raw.log10().floor());
    let distance = |step: f64| (raw / (power * step)).ln().abs();
    [1.0, 2.0, 2.5, 4.0, 5.0, 10.0]
        .into_iter()
        .min_by(|one, other| distance(*one).total_cmp(&distance(*other)))
        .unwrap_or(1.0)
        * power
}
