//! Text within a block: code, emphasis, links, escapes, breaks.
//!
//! Knows nothing about blocks. A delimiter without its partner is text.

use super::Span;

/// How far a partner of a delimiter is looked for, in bytes: bounds the work on text full of stars.
const REACH: usize = 1_000;
/// How deep emphasis and links may nest.
const DEPTH: usize = 6;

/// The spans of one paragraph, heading or cell.
pub(super) fn spans(text: &str) -> Vec<Span> {
    let mut out = Out { spans: Vec::new() };
    inline(text, &Span::default(), &mut out, 0);
    out.spans
}

struct Out {
    spans: Vec<Span>,
}

impl Out {
    /// Adds text in the look of `like`, to the last span if that looks the same.
    fn push(&mut self, text: &str, like: &Span) {
        if text.is_empty() {
            return;
        }
        if let Some(last) = self.spans.last_mut()
            && same(last, like)
        {
            last.text.push_str(text);
            return;
        }
        self.spans.push(Span { text: text.to_owned(), ..like.clone() });
    }
}

fn same(one: &Span, other: &Span) -> bool {
    (one.bold, one.italic, one.code, &one.link) == (other.bold, other.italic, other.code, &other.link)
}

fn inline(text: &str, like: &Span, out: &mut Out, depth: usize) {
    let mut rest = text;
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '\\' => escape(rest, like, out),
            '`' => code(rest, like, out),
            '!' | '[' if depth < DEPTH => link(rest, like, out, depth),
            '<' => autolink(rest, like, out),
            '*' | '_' if depth < DEPTH => emphasis((rest, before), like, out, depth),
            '\n' => Some(line_break(rest, like, out)),
            _ => None,
        };
        let taken = taken.unwrap_or_else(|| {
            // A run of one delimiter that opens nothing is text as a whole.
            let run = match first {
                '*' | '_' | '`' => rest.len() - rest.trim_start_matches(first).len(),
                _ => first.len_utf8(),
            };
            out.push(&rest[..run], like);
            run
        });
        before = rest[..taken].chars().next_back().unwrap_or(' ');
        rest = &rest[taken..];
    }
}

fn escape(rest: &str, like: &Span, out: &mut Out) -> Option<usize> {
    let next = rest[1..].chars().next()?;
    if next == '\n' {
        out.push("\n", like);
    } else if next.is_ascii_punctuation() {
        out.push(&rest[1..2], like);
    } else {
        return None;
    }
    Some(2)
}

/// A line end is a space; two spaces before it make it a break.
fn line_break(rest: &str, like: &Span, out: &mut Out) -> usize {
    let mut hard = false;
    if let Some(last) = out.spans.last_mut() {
        hard = last.text.ends_with("  ");
        last.text.truncate(last.text.trim_end_matches(' ').len());
    }
    out.push(if hard { "\n" } else { " " }, like);
    rest.len() - rest[1..].trim_start_matches(' ').len()
}

fn code(rest: &str, like: &Span, out: &mut Out) -> Option<usize> {
    let ticks = rest.len() - rest.trim_start_matches('`').len();
    let inside = &rest[ticks..];
    let mut from = 0;
    let end = loop {
        let at = from + inside.get(from..)?.find('`')?;
        let run = inside[at..].len() - inside[at..].trim_start_matches('`').len();
        if run == ticks {
            break at;
        }
        from = at + run;
        if from > REACH {
            return None;
        }
    };
    let content = inside[..end].replace('\n', " ");
    let padded = content.len() > 2 && content.starts_with(' ') && content.ends_with(' ');
    let content = if padded { &content[1..content.len() - 1] } else { content.as_str() };
    out.push(content, &Span { code: true, ..like.clone() });
    Some(ticks + end + ticks)
}

/// `[text](target "title")`; with `!` before, the text of an image.
fn link(rest: &str, like: &Span, out: &mut Out, depth: usize) -> Option<usize> {
    let image = rest.starts_with('!');
    let open = usize::from(image);
    let label_end = open + closing(rest.get(open..)?, '[', ']')?;
    let after = rest.get(label_end + 1..)?;
    if !after.starts_with('(') {
        return None;
    }
    let target_end = closing(after, '(', ')')?;
    let target = after[1..target_end].split_whitespace().next().unwrap_or("");
    let target = target.trim_start_matches('<').trim_end_matches('>');
    let label = &rest[open + 1..label_end];
    let inner = if image || like.link.is_some() {
        like.clone()
    } else {
        Span { link: Some(target.to_owned()), ..like.clone() }
    };
    inline(label, &inner, out, depth + 1);
    Some(label_end + 1 + target_end + 1)
}

/// Place of the bracket that closes the one at the start of `text`.
fn closing(text: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 0_usize;
    let mut escaped = false;
    for (at, letter) in text.char_indices().take_while(|(at, _)| *at <= REACH) {
        if escaped {
            escaped = false;
        } else if letter == '\\' {
            escaped = true;
        } else if letter == open {
            depth += 1;
        } else if letter == close {
            depth = depth.checked_sub(1)?;
            if depth == 0 {
                return Some(at);
            }
        } else if depth == 0 {
            return None;
        }
    }
    None
}

fn autolink(rest: &str, like: &Span, out: &mut Out) -> Option<usize> {
    let end = rest.find('>').filter(|end| *end <= REACH)?;
    let inside = &rest[1..end];
    let scheme = ["http://", "https://", "mailto:"].iter().any(|scheme| inside.starts_with(scheme));
    if !scheme || inside.contains(char::is_whitespace) {
        return None;
    }
    out.push(inside, &Span { link: Some(inside.to_owned()), ..like.clone() });
    Some(end + 1)
}

fn emphasis((rest, before): (&str, char), like: &Span, out: &mut Out, depth: usize) -> Option<usize> {
    let mark = rest.chars().next()?;
    let run = rest.len() - rest.trim_start_matches(mark).len();
    let next = rest[run..].chars().next()?;
    let inside_word = mark == '_' && before.is_alphanumeric();
    if run > 3 || next.is_whitespace() || inside_word {
        return None;
    }
    let end = partner(&rest[run..], mark, run)?;
    let inner = Span { bold: like.bold || run >= 2, italic: like.italic || run % 2 == 1, ..like.clone() };
    inline(&rest[run..run + end], &inner, out, depth + 1);
    Some(run + end + run)
}

/// Where the run of exactly `count` marks that closes the emphasis begins.
fn partner(text: &str, mark: char, count: usize) -> Option<usize> {
    let mut from = 0;
    while from <= REACH {
        let at = from + text.get(from..)?.find([mark, '`', '\\'])?;
        let tail = &text[at..];
        let letter = tail.chars().next()?;
        if letter == '\\' {
            from = at + 1 + tail[1..].chars().next().map_or(0, char::len_utf8);
            continue;
        }
        let run = tail.len() - tail.trim_start_matches(letter).len();
        if letter == '`' {
            // Marks inside code are no marks.
            let ticks = &tail[..run];
            from = at + run + tail[run..].find(ticks).map_or(0, |end| end + run);
            continue;
        }
        let closes = !text[..at].ends_with(char::is_whitespace) && at > 0;
        let word_goes_on = mark == '_' && tail[run..].starts_with(char::is_alphanumeric);
        if closes && !word_goes_on && (run == count || run == 3 && count < 3) {
            // Of three marks, the inner emphasis was closed by the first ones.
            return Some(if run == count { at } else { at + run - count });
        }
        from = at + run;
    }
    None
}
