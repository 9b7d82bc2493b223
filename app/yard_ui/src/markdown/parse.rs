//! Blocks of Markdown: headings, paragraphs, lists, quotes, tables, code.
//!
//! Knows nothing about drawing. Every line ends up in some block.

use super::{Block, Side, Span, inline::spans};

/// How deep lists and quotes may nest; what is deeper is a paragraph.
const DEPTH: usize = 8;

/// The blocks of `source`.
pub fn parse(source: &str) -> Vec<Block> {
    let text = source.replace("\r\n", "\n").replace('\t', "    ");
    let lines: Vec<&str> = text.lines().collect();
    blocks(&lines, 0)
}

fn blocks(lines: &[&str], depth: usize) -> Vec<Block> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let rest = &lines[at..];
        let line = lines[at].trim_start();
        if line.is_empty() {
            at += 1;
        } else if let Some(taken) = comment(rest) {
            at += taken;
        } else if let Some((block, taken)) = fence(rest)
            .or_else(|| heading(line))
            .or_else(|| rule(line).then_some((Block::Rule, 1)))
            .or_else(|| nested(rest, depth))
            .or_else(|| table(rest))
        {
            out.push(block);
            at += taken;
        } else {
            let (block, taken) = paragraph(rest, depth);
            out.push(block);
            at += taken;
        }
    }
    out
}

fn nested(rest: &[&str], depth: usize) -> Option<(Block, usize)> {
    if depth >= DEPTH {
        return None;
    }
    quote(rest, depth).or_else(|| list(rest, depth))
}

fn comment(rest: &[&str]) -> Option<usize> {
    if !rest[0].trim_start().starts_with("<!--") {
        return None;
    }
    Some(rest.iter().position(|line| line.contains("-->"))? + 1)
}

/// The mark of a fence (three or more of one letter) and what follows it.
fn fence_of(line: &str) -> Option<(char, usize, &str)> {
    let line = line.trim_start();
    let mark = line.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let after = line.trim_start_matches(mark);
    let count = line.len() - after.len();
    (count >= 3 && !(mark == '`' && after.contains('`'))).then_some((mark, count, after.trim()))
}

fn fence(rest: &[&str]) -> Option<(Block, usize)> {
    let (mark, count, language) = fence_of(rest[0])?;
    let indent = indent_of(rest[0]);
    let closes = |line: &&str| {
        fence_of(line)
            .is_some_and(|(found, length, word)| found == mark && length >= count && word.is_empty())
    };
    let end = rest[1..].iter().position(closes).map_or(rest.len(), |end| end + 1);
    let body: Vec<&str> = rest[1..end].iter().map(|line| unindent(line, indent)).collect();
    let language =
        language.split(|letter: char| letter.is_whitespace() || letter == ',').next().unwrap_or("");
    Some((Block::Code(language.to_owned(), body.join("\n")), (end + 1).min(rest.len())))
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// `line` without at most `indent` spaces at its start.
fn unindent(line: &str, indent: usize) -> &str {
    &line[indent.min(indent_of(line))..]
}

fn heading(line: &str) -> Option<(Block, usize)> {
    let after = line.trim_start_matches('#');
    let level = line.len() - after.len();
    if !(1..=6).contains(&level) || !(after.is_empty() || after.starts_with(' ')) {
        return None;
    }
    let text = after.trim();
    let bare = text.trim_end_matches('#');
    let text = if bare.is_empty() || bare.ends_with(' ') { bare.trim_end() } else { text };
    Some((Block::Heading(level as u8, spans(text)), 1))
}

fn rule(line: &str) -> bool {
    let line = line.trim_end();
    let Some(mark) = line.chars().next().filter(|mark| matches!(mark, '-' | '*' | '_')) else {
        return false;
    };
    line.chars().all(|letter| letter == mark || letter == ' ') && line.matches(mark).count() >= 3
}

fn quote(rest: &[&str], depth: usize) -> Option<(Block, usize)> {
    let marked = |line: &str| line.trim_start().starts_with('>');
    let taken = rest.iter().take_while(|line| marked(line)).count();
    if taken == 0 {
        return None;
    }
    let inner: Vec<&str> = rest[..taken]
        .iter()
        .map(|line| {
            let line = &line.trim_start()[1..];
            line.strip_prefix(' ').unwrap_or(line)
        })
        .collect();
    Some((Block::Quote(blocks(&inner, depth + 1)), taken))
}

/// The mark of an item: its number if it has one, its letter, and where its text begins.
fn item_of(line: &str) -> Option<(Option<u64>, char, usize)> {
    let indent = indent_of(line);
    let text = &line[indent..];
    let digits = text.len() - text.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
    let mark = text[digits..].chars().next()?;
    let number = match (digits, mark) {
        (0, '-' | '*' | '+') => None,
        (1..=9, '.' | ')') => Some(text[..digits].parse().ok()?),
        _ => return None,
    };
    let after = &text[digits + 1..];
    let spaces = indent_of(after);
    if !after.is_empty() && spaces == 0 {
        return None;
    }
    let gap = if spaces == 0 || spaces > 4 { 1 } else { spaces };
    Some((number, mark, indent + digits + 1 + gap))
}

fn list(rest: &[&str], depth: usize) -> Option<(Block, usize)> {
    let (first, mark, _) = item_of(rest[0])?;
    let base = indent_of(rest[0]);
    let mut items = Vec::new();
    let mut at = 0;
    while at < rest.len() {
        let Some((_, _, offset)) = item_of(rest[at])
            .filter(|(_, found, _)| *found == mark)
            .filter(|_| indent_of(rest[at]) <= base + 1 && !rule(rest[at].trim_start()))
        else {
            break;
        };
        let (inner, taken) = item_lines(&rest[at..], offset);
        items.push(blocks(&inner, depth + 1));
        at += taken;
    }
    (!items.is_empty()).then_some((Block::List(first, items), at))
}

/// The lines of one item without their indentation, and how many were taken, blank ones included.
fn item_lines<'a>(rest: &[&'a str], offset: usize) -> (Vec<&'a str>, usize) {
    let mut inner = vec![rest[0].get(offset..).unwrap_or("")];
    let mut at = 1;
    while at < rest.len() {
        let line = rest[at];
        let blank = line.trim().is_empty();
        let goes_on = if blank {
            rest[at..]
                .iter()
                .find(|next| !next.trim().is_empty())
                .is_some_and(|next| indent_of(next) >= offset)
        } else {
            // A line that goes on with the paragraph need not be indented.
            let lazy = !rest[at - 1].trim().is_empty() && !begins(line) && item_of(line).is_none();
            indent_of(line) >= offset || lazy
        };
        if !goes_on {
            break;
        }
        inner.push(unindent(line, offset));
        at += 1;
    }
    while at < rest.len() && rest[at].trim().is_empty() {
        at += 1;
    }
    (inner, at)
}

/// Whether `line` begins a block of its own even right after a paragraph.
fn begins(line: &str) -> bool {
    let trimmed = line.trim_start();
    fence_of(line).is_some()
        || heading(trimmed).is_some()
        || rule(trimmed)
        || trimmed.starts_with('>')
        || trimmed.starts_with("<!--")
        || item_of(line).is_some_and(|(number, ..)| number.is_none_or(|number| number == 1))
}

fn paragraph(rest: &[&str], depth: usize) -> (Block, usize) {
    let mut taken = 1;
    while let Some(line) = rest.get(taken) {
        let trimmed = line.trim();
        let level = underline(trimmed);
        if let Some(level) = level {
            let text = rest[..taken].join("\n");
            return (Block::Heading(level, spans(text.trim())), taken + 1);
        }
        if trimmed.is_empty() || (depth < DEPTH && begins(line)) {
            break;
        }
        taken += 1;
    }
    let text = rest[..taken].join("\n");
    (Block::Paragraph(spans(text.trim())), taken)
}

/// The level of a heading that is underlined by `line`.
fn underline(line: &str) -> Option<u8> {
    let all = |mark| line.len() >= 2 && line.chars().all(|letter| letter == mark);
    if all('=') { Some(1) } else { all('-').then_some(2) }
}

fn table(rest: &[&str]) -> Option<(Block, usize)> {
    let sides = sides(rest.get(1)?)?;
    let head = cells(rest[0], sides.len());
    if !rest[0].contains('|') || row_length(rest[0]) != sides.len() {
        return None;
    }
    let mut rows = Vec::new();
    for line in rest[2..].iter().take_while(|line| line.contains('|')) {
        rows.push(cells(line, sides.len()));
    }
    let taken = 2 + rows.len();
    Some((Block::Table(sides, head, rows), taken))
}

fn sides(line: &str) -> Option<Vec<Side>> {
    if !line.contains('-') || !line.contains('|') {
        return None;
    }
    split_row(line)
        .iter()
        .map(|cell| {
            let cell = cell.trim();
            let dashes = cell.trim_start_matches(':').trim_end_matches(':');
            if dashes.is_empty() || !dashes.chars().all(|letter| letter == '-') {
                return None;
            }
            Some(match (cell.starts_with(':'), cell.ends_with(':')) {
                (true, true) => Side::Centre,
                (false, true) => Side::Right,
                _ => Side::Left,
            })
        })
        .collect()
}

fn row_length(line: &str) -> usize {
    split_row(line).len()
}

/// The cells of a row; a bar after a backslash is text.
fn split_row(line: &str) -> Vec<String> {
    let line = line.trim();
    let line = line.strip_prefix('|').unwrap_or(line);
    let mut cells = vec![String::new()];
    let mut escaped = false;
    for letter in line.chars() {
        match (letter, escaped) {
            ('|', false) => cells.push(String::new()),
            ('|', true) => {
                if let Some(cell) = cells.last_mut() {
                    cell.pop();
                    cell.push('|');
                }
            }
            _ => {
                if let Some(cell) = cells.last_mut() {
                    cell.push(letter);
                }
            }
        }
        escaped = letter == '\\' && !escaped;
    }
    if cells.len() > 1 && cells.last().is_some_and(|cell| cell.trim().is_empty()) {
        cells.pop();
    }
    cells
}

fn cells(line: &str, count: usize) -> Vec<Vec<Span>> {
    let mut cells: Vec<Vec<Span>> = split_row(line).iter().map(|cell| spans(cell.trim())).collect();
    cells.resize(count, Vec::new());
    cells
}
