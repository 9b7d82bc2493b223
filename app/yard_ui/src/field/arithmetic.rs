//! The arithmetic that a number field accepts: `256 * 2`, `(1 + 4) / 2`, `1e-3`.
//!
//! Recursive descent over + − * / and parentheses; knows nothing about fields.

/// The value of `text`, or nothing if it is not a finite number or expression.
/// Accepts thin spaces as groups, the true minus, `×` and a decimal comma between digits.
///
/// ```
/// assert_eq!(yard_ui::field::evaluate("256 * 2"), Some(512.0));
/// assert_eq!(yard_ui::field::evaluate("7 up"), None);
/// ```
pub fn evaluate(text: &str) -> Option<f64> {
    let clean: Vec<char> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| match c {
            '−' | '–' => '-',
            '×' => '*',
            '÷' => '/',
            ',' => '.',
            other => other,
        })
        .collect();
    let mut reader = Reader { chars: &clean, at: 0, depth: 0 };
    let value = reader.sum()?;
    (reader.at == clean.len() && value.is_finite()).then_some(value)
}

/// Nesting beyond this is refused, so that pasted text can't exhaust the stack.
const MAX_DEPTH: usize = 32;

struct Reader<'a> {
    chars: &'a [char],
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn sum(&mut self) -> Option<f64> {
        let mut value = self.product()?;
        loop {
            if self.take('+') {
                value += self.product()?;
            } else if self.take('-') {
                value -= self.product()?;
            } else {
                return Some(value);
            }
        }
    }

    fn product(&mut self) -> Option<f64> {
        let mut value = self.factor()?;
        loop {
            if self.take('*') {
                value *= self.factor()?;
            } else if self.take('/') {
                value /= self.factor()?;
            } else {
                return Some(value);
            }
        }
    }

    fn factor(&mut self) -> Option<f64> {
        let mut negative = false;
        while let Some(sign @ ('+' | '-')) = self.peek() {
            negative ^= sign == '-';
            self.at += 1;
        }
        let value = if self.take('(') { self.nested()? } else { self.number()? };
        Some(if negative { -value } else { value })
    }

    fn nested(&mut self) -> Option<f64> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let value = self.sum()?;
        self.depth -= 1;
        self.take(')').then_some(value)
    }

    fn number(&mut self) -> Option<f64> {
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_digit() || c == '.') {
            self.at += 1;
        }
        if self.at > start && matches!(self.peek(), Some('e' | 'E')) {
            let signed = matches!(self.chars.get(self.at + 1), Some('+' | '-'));
            let first = self.at + 1 + usize::from(signed);
            if self.chars.get(first).is_some_and(char::is_ascii_digit) {
                self.at = first;
                while self.peek().is_some_and(|c| c.is_ascii_digit()) {
                    self.at += 1;
                }
            }
        }
        let digits: String = self.chars.get(start..self.at)?.iter().collect();
        digits.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evaluates_with_precedence() {
        for (text, value) in [
            ("5", 5.0),
            ("-1", -1.0),
            ("−2,5", -2.5),
            ("256 * 2", 512.0),
            ("1 + 2 * 3", 7.0),
            ("(1 + 2) * 3", 9.0),
            ("1e-3", 0.001),
            ("2E2+1", 201.0),
            ("7\u{2009}043", 7043.0),
            ("10 / 4", 2.5),
            ("--3", 3.0),
        ] {
            assert_eq!(evaluate(text), Some(value), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_not_a_number() {
        let deep = "(".repeat(5000) + "1";
        for text in ["", "abc", "1 +", "1 / 0", "(1", "1)", "1..2", "1e", "NaN", "inf", deep.as_str()] {
            assert_eq!(evaluate(text), None, "{text}");
        }
    }
}
