//! Civil dates without a time zone database: parsing to microseconds since 1970 in UTC and parts back.
//! Day arithmetic after Howard Hinnant, "chrono-compatible low-level date algorithms" (2013).

use crate::cell::DateFormat;

const DAY_MICROS: i64 = 86_400_000_000;

/// Parts of a point in time (proleptic Gregorian calendar, UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateParts {
    /// Year.
    pub year: i32,
    /// Month 1..=12.
    pub month: u32,
    /// Day 1..=31.
    pub day: u32,
    /// Weekday, Monday 0 .. Sunday 6.
    pub weekday: u32,
    /// Hour 0..=23.
    pub hour: u32,
    /// Day of the year 1..=366.
    pub day_of_year: u32,
}

/// Returns days since 1970-01-01 of a civil date; `None` for an impossible date.
pub fn days_from_civil(year: i32, month: u32, day: u32) -> Option<i64> {
    if !(1..=12).contains(&month) || day < 1 || day > month_days(year, month) {
        return None;
    }
    let y = i64::from(year) - i64::from(month <= 2);
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let m = i64::from(month);
    let day_of_year = (153 * (m + if m > 2 { -3 } else { 9 }) + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

fn month_days(year: i32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Splits microseconds since 1970 into calendar parts.
pub fn parts(micros: i64) -> DateParts {
    let days = micros.div_euclid(DAY_MICROS);
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let mp = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * mp + 2) / 5 + 1) as u32;
    let month = if mp < 10 { mp + 3 } else { mp - 9 } as u32;
    let year = (year_of_era + era * 400 + i64::from(month <= 2)) as i32;
    let start = days_from_civil(year, 1, 1).unwrap_or(days);
    DateParts {
        year,
        month,
        day,
        weekday: (days + 3).rem_euclid(7) as u32,
        hour: (micros.rem_euclid(DAY_MICROS) / 3_600_000_000) as u32,
        day_of_year: (days - start + 1) as u32,
    }
}

/// Formats as `2021-09-25T13:45:00Z` (fraction only when there is one).
pub fn format_iso(micros: i64) -> String {
    let p = parts(micros);
    let rest = micros.rem_euclid(DAY_MICROS);
    let (minute, second) = (rest / 60_000_000 % 60, rest / 1_000_000 % 60);
    let fraction = rest % 1_000_000;
    let head = format!("{:04}-{:02}-{:02}T{:02}:{minute:02}:{second:02}", p.year, p.month, p.day, p.hour);
    if fraction == 0 { format!("{head}Z") } else { format!("{head}.{fraction:06}Z") }
}

/// Parses trimmed text by a format; `None` when it doesn't fit or names an impossible date.
pub fn parse(text: &str, format: DateFormat) -> Option<i64> {
    if format == DateFormat::MonthName {
        return parse_month_name(text);
    }
    let (date, time) = split_time(text);
    let days = match format {
        DateFormat::Iso => ordered(date, &['-'], [0, 1, 2]),
        DateFormat::MonthDayYear => ordered(date, &['/', '-'], [2, 0, 1]),
        DateFormat::DayMonthYear => ordered(date, &['/', '.', '-'], [2, 1, 0]),
        DateFormat::YearMonthDay => ordered(date, &['/', '.'], [0, 1, 2]),
        DateFormat::Compact => compact(date),
        DateFormat::MonthName => None,
    }?;
    let micros = match time {
        None => 0,
        Some(time) => time_micros(time)?,
    };
    days.checked_mul(DAY_MICROS)?.checked_add(micros)
}

fn split_time(text: &str) -> (&str, Option<&str>) {
    match text.find(['T', ' ']) {
        Some(at) => (&text[..at], Some(text[at + 1..].trim())),
        None => (text, None),
    }
}

fn digits(text: &str, most: usize) -> Option<u32> {
    let fits = !text.is_empty() && text.len() <= most && text.bytes().all(|b| b.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

/// `order` holds the positions of year, month, day. The year must have four digits.
fn ordered(date: &str, separators: &[char], order: [usize; 3]) -> Option<i64> {
    let separator = date.chars().find(|c| separators.contains(c))?;
    let pieces: Vec<&str> = date.split(separator).collect();
    let [_, _, _] = pieces[..] else { return None };
    let year = pieces[order[0]];
    if year.len() != 4 {
        return None;
    }
    days_from_civil(digits(year, 4)? as i32, digits(pieces[order[1]], 2)?, digits(pieces[order[2]], 2)?)
}

fn compact(date: &str) -> Option<i64> {
    if date.len() != 8 || !date.is_ascii() {
        return None;
    }
    days_from_civil(digits(&date[..4], 4)? as i32, digits(&date[4..6], 2)?, digits(&date[6..], 2)?)
}

fn parse_month_name(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let words: Vec<&str> = text.split([' ', ',', '-']).filter(|word| !word.is_empty()).collect();
    let [first, second, year] = words[..] else { return None };
    let month_of = |word: &str| {
        let word = word.to_ascii_lowercase();
        let at = MONTHS
            .iter()
            .position(|month| *month == word || (word.len() == 3 && month.starts_with(&word)))?;
        Some(at as u32 + 1)
    };
    let (month, day) = match month_of(first) {
        Some(month) => (month, digits(second, 2)?),
        None => (month_of(second)?, digits(first, 2)?),
    };
    if year.len() != 4 {
        return None;
    }
    days_from_civil(digits(year, 4)? as i32, month, day)?.checked_mul(DAY_MICROS)
}

fn time_micros(time: &str) -> Option<i64> {
    let (clock, offset_minutes) = split_offset(time)?;
    let mut pieces = clock.split(':');
    let hour = digits(pieces.next()?, 2)?;
    let minute = digits(pieces.next()?, 2)?;
    let (second, fraction) = match pieces.next() {
        None => (0, 0),
        Some(text) => match text.split_once('.') {
            None => (digits(text, 2)?, 0),
            Some((whole, part)) => (digits(whole, 2)?, fraction_micros(part)?),
        },
    };
    if pieces.next().is_some() || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
    Some((seconds - i64::from(offset_minutes) * 60) * 1_000_000 + fraction)
}

fn fraction_micros(text: &str) -> Option<i64> {
    if text.is_empty() || text.len() > 9 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    format!("{text:0<6}")[..6].parse().ok()
}

fn split_offset(time: &str) -> Option<(&str, i32)> {
    if let Some(clock) = time.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let Some(at) = time.rfind(['+', '-']) else { return Some((time, 0)) };
    let (clock, offset) = time.split_at(at);
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    let offset = &offset[1..];
    let (hours, minutes) = match offset.split_once(':') {
        Some((hours, minutes)) => (digits(hours, 2)?, digits(minutes, 2)?),
        None if offset.len() == 4 && offset.is_ascii() => {
            (digits(&offset[..2], 2)?, digits(&offset[2..], 2)?)
        }
        None => (digits(offset, 2)?, 0),
    };
    if hours > 14 || minutes > 59 {
        return None;
    }
    Some((clock, sign * (hours as i32 * 60 + minutes as i32)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_instants() {
        let check = |text: &str, format, expected: Option<i64>| {
            assert_eq!(parse(text, format), expected, "{text}");
        };
        check("1970-01-01", DateFormat::Iso, Some(0));
        check("2021-09-25T13:45:00.5Z", DateFormat::Iso, Some(1_632_577_500_500_000));
        check("2021-09-25 13:45+02:00", DateFormat::Iso, Some(1_632_570_300_000_000));
        check("2021-02-29", DateFormat::Iso, None);
        check("9/25/2021", DateFormat::MonthDayYear, Some(1_632_528_000_000_000));
        check("25.9.2021", DateFormat::DayMonthYear, Some(1_632_528_000_000_000));
        check("September 25, 2021", DateFormat::MonthName, Some(1_632_528_000_000_000));
        check("25 Sep 2021", DateFormat::MonthName, Some(1_632_528_000_000_000));
        check("20210925", DateFormat::Compact, Some(1_632_528_000_000_000));
        check("1/1/21", DateFormat::MonthDayYear, None);
    }

    #[test]
    fn parts_invert_parsing() {
        for days in (-800_000..800_000).step_by(977) {
            let p = parts(days * DAY_MICROS);
            assert_eq!(days_from_civil(p.year, p.month, p.day), Some(days));
        }
        assert_eq!(parts(0).weekday, 3, "1970-01-01 was a Thursday");
        assert_eq!(format_iso(1_632_577_500_500_000), "2021-09-25T13:45:00.500000Z");
    }
}
