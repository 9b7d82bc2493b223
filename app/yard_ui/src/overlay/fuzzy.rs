//! Fuzzy search over labels: every typed letter in order, word starts and runs count more.
//!
//! A scoring in the manner of editors' file finders; deterministic, no state.

/// How well a text matches, and which letters to mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Larger is better.
    pub score: i32,
    /// Positions of the matched characters in the text, ascending.
    pub at: Vec<usize>,
}

/// Matches `query` against `text` without regard to case; an empty query matches everything.
///
/// A run inside one word is preferred ("pack" finds "Package" before "Copy as command ... package").
pub fn fuzzy(query: &str, text: &str) -> Option<Match> {
    let wanted: Vec<char> =
        query.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect();
    let letters: Vec<char> = text.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect();
    if wanted.is_empty() {
        return Some(Match { score: 0, at: Vec::new() });
    }
    if let Some(start) = best_run(&wanted, &letters) {
        let at: Vec<usize> = (start..start + wanted.len()).collect();
        let word_start = is_word_start(&letters, start);
        let score = 1000 + if word_start { 500 } else { 0 }
            - i32::try_from(start.min(200)).unwrap_or(200)
            - spare(&letters);
        return Some(Match { score, at });
    }
    scattered(&wanted, &letters)
}

fn spare(letters: &[char]) -> i32 {
    i32::try_from(letters.len().min(200)).unwrap_or(200) / 4
}

/// First occurrence of the whole query, at a word start if there is one.
fn best_run(wanted: &[char], letters: &[char]) -> Option<usize> {
    let starts = || {
        letters.windows(wanted.len()).enumerate().filter(|(_, window)| *window == wanted).map(|(at, _)| at)
    };
    starts().find(|&at| is_word_start(letters, at)).or_else(|| starts().next())
}

fn is_word_start(letters: &[char], at: usize) -> bool {
    at == 0 || letters.get(at - 1).is_some_and(|before| !before.is_alphanumeric())
}

/// Letters in order, each as early as possible, word starts first where the rest still fits.
fn scattered(wanted: &[char], letters: &[char]) -> Option<Match> {
    let mut at = Vec::with_capacity(wanted.len());
    let mut from = 0;
    let mut score = 0;
    for letter in wanted {
        let found = (from..letters.len()).find(|&place| letters[place] == *letter)?;
        let start = (found..letters.len())
            .find(|&place| letters[place] == *letter && is_word_start(letters, place))
            .filter(|&place| fits(&wanted[at.len() + 1..], &letters[place + 1..]));
        let place = start.unwrap_or(found);
        score += if is_word_start(letters, place) { 20 } else { 5 };
        score -= i32::try_from((place - from).min(10)).unwrap_or(10);
        from = place + 1;
        at.push(place);
    }
    Some(Match { score: score - spare(letters), at })
}

fn fits(wanted: &[char], letters: &[char]) -> bool {
    let mut rest = letters.iter();
    wanted.iter().all(|letter| rest.any(|other| other == letter))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn finds_runs_initials_and_scattered_letters() {
        assert_eq!(fuzzy("pack", "Package run 14").unwrap().at, [0, 1, 2, 3]);
        assert_eq!(fuzzy("pr", "Package run").unwrap().at, [0, 8]);
        assert!(fuzzy("xyz", "Package run").is_none());
        assert_eq!(fuzzy("", "anything").unwrap().at, Vec::<usize>::new());
    }

    #[test]
    fn prefers_word_starts_and_early_hits() {
        let score = |text| fuzzy("pack", text).unwrap().score;
        assert!(score("Package run 14") > score("Verify a package"));
        assert!(score("Verify a package") > score("Unpack the file"));
        assert!(score("Unpack the file") > score("put all checks in a kit"));
    }

    #[test]
    fn is_total_on_odd_text() {
        for text in ["", "ß", "İstanbul", "日本語", "a\u{301}"] {
            let _ = fuzzy("a", text);
        }
        assert!(fuzzy("本", "日本語").is_some());
    }
}
