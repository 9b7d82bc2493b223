//! Numbers as the product writes them: fixed decimals, thin-space groups, true minus, en dash.
//!
//! A value that is missing or not finite is an en dash, never "NaN" and never 0.

/// The sign of a missing value.
pub const MISSING: &str = "–";
const THIN: char = '\u{2009}';
const MINUS: char = '−';

/// `value` with `decimals` digits after the point, groups of three by thin spaces.
///
/// ```
/// assert_eq!(yard_ui::fmt::fixed(-1399.42, 1), "−1\u{2009}399.4");
/// assert_eq!(yard_ui::fmt::fixed(f64::NAN, 1), "–");
/// ```
pub fn fixed(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return MISSING.to_owned();
    }
    let plain = format!("{:.*}", decimals, value.abs());
    let (whole, rest) = plain.split_at(plain.find('.').unwrap_or(plain.len()));
    let negative = value < 0.0 && plain.bytes().any(|digit| (b'1'..=b'9').contains(&digit));
    let mut text = String::with_capacity(plain.len() + 4);
    if negative {
        text.push(MINUS);
    }
    push_grouped(&mut text, whole);
    text.push_str(rest);
    text
}

fn push_grouped(text: &mut String, digits: &str) {
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(THIN);
        }
        text.push(digit);
    }
}

/// A metric: three decimals.
pub fn metric(value: f64) -> String {
    fixed(value, 3)
}

/// A metric that may be absent.
pub fn metric_opt(value: Option<f64>) -> String {
    value.map_or_else(|| MISSING.to_owned(), metric)
}

/// `value` with `digits` significant digits, as for a loss: `0.4362`, `12.53`, `1 234`.
pub fn significant(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return MISSING.to_owned();
    }
    if value == 0.0 {
        return fixed(0.0, digits.saturating_sub(1));
    }
    let magnitude = value.abs().log10().floor() as i64;
    let decimals = (digits as i64 - 1 - magnitude).clamp(0, 12);
    fixed(value, decimals as usize)
}

/// A loss: four significant digits.
pub fn loss(value: f64) -> String {
    significant(value, 4)
}

/// A count with thin-space groups.
pub fn count(value: impl TryInto<u64>) -> String {
    let Ok(value) = value.try_into() else {
        return MISSING.to_owned();
    };
    let mut text = String::new();
    push_grouped(&mut text, &value.to_string());
    text
}

/// "1 row", "2 rows": a count with its noun; `plural` is the noun for every count but 1.
pub fn counted(value: u64, singular: &str, plural: &str) -> String {
    format!("{} {}", count(value), if value == 1 { singular } else { plural })
}

/// A share of 1 as percent with one decimal: `26.5 %`.
pub fn percent(share: f64) -> String {
    percent_with(share, 1)
}

/// A share of 1 as percent with `decimals` digits.
pub fn percent_with(share: f64, decimals: usize) -> String {
    if !share.is_finite() {
        return MISSING.to_owned();
    }
    format!("{}{THIN}%", fixed(share * 100.0, decimals))
}

/// A difference with its sign: `+0.007`, `−15`, `0.000`.
pub fn difference(value: f64, decimals: usize) -> String {
    let text = fixed(value, decimals);
    let positive = value > 0.0 && text.bytes().any(|digit| (b'1'..=b'9').contains(&digit));
    if positive { format!("+{text}") } else { text }
}

/// An interval with an en dash: `0.802–0.912`; "to" between signed or negative ends.
pub fn interval(low: f64, high: f64, decimals: usize) -> String {
    if !low.is_finite() || !high.is_finite() {
        return MISSING.to_owned();
    }
    let join = if low < 0.0 { " to " } else { "–" };
    format!("{}{join}{}", fixed(low, decimals), fixed(high, decimals))
}

/// A value with its interval: `0.861 (0.802–0.912)`; without the interval if an end is missing.
pub fn with_interval(value: f64, low: f64, high: f64, decimals: usize) -> String {
    if !value.is_finite() || !low.is_finite() || !high.is_finite() {
        return fixed(value, decimals);
    }
    format!("{} ({})", fixed(value, decimals), interval(low, high, decimals))
}

/// A difference with its interval: `−15 (−39 to +9)`.
pub fn difference_interval(value: f64, low: f64, high: f64, decimals: usize) -> String {
    if !value.is_finite() || !low.is_finite() || !high.is_finite() {
        return difference(value, decimals);
    }
    format!(
        "{} ({} to {})",
        difference(value, decimals),
        difference(low, decimals),
        difference(high, decimals)
    )
}

/// A duration in its two largest units: `0.63 ms`, `11.7 s`, `1 min 20 s`, `2 h 5 min`, `3 d 4 h`.
pub fn duration(secs: f64) -> String {
    if !secs.is_finite() || secs < 0.0 {
        return MISSING.to_owned();
    }
    if secs == 0.0 {
        return "0 s".to_owned();
    }
    if secs < 0.001 {
        return format!("{} ms", fixed(secs * 1e3, 2));
    }
    if secs < 1.0 {
        return format!("{} ms", significant(secs * 1e3, 3));
    }
    if secs < 59.95 {
        return format!("{} s", fixed(secs, 1));
    }
    let whole = secs.round() as u64;
    let (big, big_unit, small, small_unit) = if whole < 3_600 {
        (whole / 60, "min", whole % 60, "s")
    } else if whole < 86_400 {
        (whole / 3_600, "h", whole % 3_600 / 60, "min")
    } else {
        (whole / 86_400, "d", whole % 86_400 / 3_600, "h")
    };
    if small == 0 {
        format!("{} {big_unit}", count(big))
    } else {
        format!("{} {big_unit} {small} {small_unit}", count(big))
    }
}

/// Time left in whole seconds and up: `10 s`, `1 min 20 s`.
pub fn time_left(secs: f64) -> String {
    if !secs.is_finite() || secs < 0.0 {
        return MISSING.to_owned();
    }
    let whole = secs.ceil();
    if whole < 60.0 { format!("{whole:.0} s") } else { duration(whole) }
}

/// A past moment, `secs` ago: `now`, `5 min ago`, `2 h ago`, `3 d ago`.
pub fn ago(secs: f64) -> String {
    if !secs.is_finite() {
        return MISSING.to_owned();
    }
    let whole = secs.max(0.0) as u64;
    match whole {
        0..60 => "now".to_owned(),
        60..3_600 => format!("{} min ago", whole / 60),
        3_600..86_400 => format!("{} h ago", whole / 3_600),
        _ => format!("{} d ago", count(whole / 86_400)),
    }
}

/// A size: `812 B`, `947.7 KiB`, `41.7 MiB`.
pub fn bytes(size: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = size as f64;
    let mut unit = 0;
    // 1023.95 of a unit would print as 1024.0.
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{} B", count(size)) } else { format!("{} {}", fixed(value, 1), UNITS[unit]) }
}

/// The first `digits` characters of a hash.
pub fn hash(hex: &str, digits: usize) -> String {
    hex.chars().take(digits).collect()
}

/// A tick of an axis whose ticks are `step` apart: as many decimals as the step needs, SI prefix
/// from a million on.
pub fn tick(value: f64, step: f64) -> String {
    if !value.is_finite() || !step.is_finite() || step <= 0.0 {
        return MISSING.to_owned();
    }
    for (limit, divisor, prefix) in [(1e9, 1e9, "G"), (1e6, 1e6, "M")] {
        if step * 10.0 >= limit || value.abs() >= limit * 10.0 {
            return format!("{}{THIN}{prefix}", fixed(value / divisor, decimals_of(step / divisor)));
        }
    }
    if step < 1e-4 {
        return format!("{value:.1e}").replace('-', "−");
    }
    fixed(value, decimals_of(step))
}

fn decimals_of(step: f64) -> usize {
    (0..6)
        .find(|&decimals| {
            ((step * 10_f64.powi(decimals)).round() / 10_f64.powi(decimals) - step).abs() < step * 1e-6
        })
        .unwrap_or(6) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_group_by_thin_space_with_true_minus() {
        assert_eq!(fixed(7043.0, 0), "7\u{2009}043");
        assert_eq!(fixed(-12_345_678.9, 1), "−12\u{2009}345\u{2009}678.9");
        assert_eq!(fixed(-0.0004, 3), "0.000");
        assert_eq!(fixed(999.0, 0), "999");
        assert_eq!(count(1_000_000_u64), "1\u{2009}000\u{2009}000");
        assert_eq!(count(-3_i64), MISSING);
    }

    #[test]
    fn missing_is_an_en_dash_everywhere() {
        for text in [
            metric(f64::NAN),
            metric_opt(None),
            loss(f64::INFINITY),
            percent(f64::NAN),
            interval(f64::NAN, 1.0, 3),
            duration(f64::NAN),
            difference(f64::NAN, 1),
            tick(f64::NAN, 1.0),
            ago(f64::NAN),
        ] {
            assert_eq!(text, MISSING);
        }
        assert_eq!(with_interval(0.5, f64::NAN, 1.0, 2), "0.50");
    }

    #[test]
    fn losses_keep_four_significant_digits() {
        assert_eq!(loss(0.436_21), "0.4362");
        assert_eq!(loss(12.527), "12.53");
        assert_eq!(loss(0.012_345), "0.01235");
        assert_eq!(loss(98_765.4), "98\u{2009}765");
        assert_eq!(loss(0.0), "0.000");
    }

    #[test]
    fn intervals_and_differences_follow_the_plot_contract() {
        assert_eq!(with_interval(0.861, 0.802, 0.912, 3), "0.861 (0.802–0.912)");
        assert_eq!(difference_interval(-15.0, -39.2, 9.1, 0), "−15 (−39 to +9)");
        assert_eq!(difference(0.0071, 3), "+0.007");
        assert_eq!(difference(0.0001, 3), "0.000");
        assert_eq!(interval(-2.0, 3.0, 1), "−2.0 to 3.0");
    }

    #[test]
    fn durations_use_two_units() {
        assert_eq!(duration(0.000_63), "0.63 ms");
        assert_eq!(duration(0.0205), "20.5 ms");
        assert_eq!(duration(11.7), "11.7 s");
        assert_eq!(duration(59.97), "1 min");
        assert_eq!(duration(80.0), "1 min 20 s");
        assert_eq!(duration(7_500.0), "2 h 5 min");
        assert_eq!(duration(273_600.0), "3 d 4 h");
        assert_eq!(time_left(9.2), "10 s");
        assert_eq!(ago(7_300.0), "2 h ago");
        assert_eq!(ago(12.0), "now");
    }

    #[test]
    fn sizes_are_binary() {
        assert_eq!(bytes(812), "812 B");
        assert_eq!(bytes(970_457), "947.7 KiB");
        assert_eq!(bytes(1_048_570), "1.0 MiB");
        assert_eq!(bytes(43_725_619), "41.7 MiB");
    }

    #[test]
    fn ticks_take_their_decimals_from_the_step() {
        assert_eq!(tick(0.25, 0.25), "0.25");
        assert_eq!(tick(1200.0, 400.0), "1\u{2009}200");
        assert_eq!(tick(0.3, 0.1), "0.3");
        assert_eq!(tick(20_000_000.0, 5_000_000.0), "20\u{2009}M");
        assert_eq!(percent(0.2654), "26.5\u{2009}%");
    }
}
