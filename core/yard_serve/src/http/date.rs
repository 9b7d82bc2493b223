//! The time in answers: the fixed form of HTTP dates (RFC 9110, 5.6.7), made once a second on each thread.

use std::cell::RefCell;
use yard_types::date::parts;

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

thread_local! {
    static LAST: RefCell<(i64, String)> = RefCell::default();
}

/// Appends the date of a time in microseconds since 1970.
pub(crate) fn write(out: &mut Vec<u8>, micros: i64) {
    let second = micros.div_euclid(1_000_000);
    LAST.with_borrow_mut(|(made, text)| {
        if *made != second || text.is_empty() {
            (*made, *text) = (second, format(second));
        }
        out.extend_from_slice(text.as_bytes());
    });
}

fn format(second: i64) -> String {
    let parts = parts(second * 1_000_000);
    let word = |words: &[&'static str], at: u32| words.get(at as usize).copied().unwrap_or_default();
    format!(
        "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
        word(&DAYS, parts.weekday),
        parts.day,
        word(&MONTHS, parts.month.saturating_sub(1)),
        parts.year,
        parts.hour,
        second.div_euclid(60).rem_euclid(60),
        second.rem_euclid(60)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_rfc() {
        for (second, expected) in [
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        ] {
            let mut out = Vec::new();
            write(&mut out, second * 1_000_000 + 999_999);
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
    }
}
