//! Changes of a text before it is split, step by step as the library `tokenizers` makes them: its tables of
//! characters are used. Knows no words.

use unicode_categories::UnicodeCategories;
use unicode_normalization_alignments::UnicodeNormalization;
use yard_types::pieces::Clean;

/// Makes all changes in order.
pub(super) fn run(steps: &[Clean], text: &str) -> String {
    let mut text = text.to_owned();
    for step in steps {
        text = one(*step, &text);
    }
    text
}

fn one(step: Clean, text: &str) -> String {
    let ascii = text.is_ascii();
    match step {
        Clean::Control => text.chars().filter(|c| !is_control(*c)).map(blank).collect(),
        Clean::Lowercase if ascii => text.to_ascii_lowercase(),
        Clean::Lowercase => text.chars().flat_map(char::to_lowercase).collect(),
        // ASCII has neither marks nor another form.
        _ if ascii => text.to_owned(),
        Clean::Ideographs => {
            let mut out = String::with_capacity(text.len());
            for c in text.chars() {
                if is_ideograph(c) {
                    out.extend([' ', c, ' ']);
                } else {
                    out.push(c);
                }
            }
            out
        }
        Clean::Nfd => text.nfd().map(|(c, _)| c).collect(),
        Clean::Nfc => text.nfc().map(|(c, _)| c).collect(),
        Clean::Nfkd => text.nfkd().map(|(c, _)| c).collect(),
        Clean::Nfkc => text.nfkc().map(|(c, _)| c).collect(),
        Clean::Marks => text.chars().filter(|c| !c.is_mark_nonspacing()).collect(),
    }
}

fn is_control(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => false,
        '\0' | '\u{fffd}' => true,
        _ => c.is_other(),
    }
}

fn blank(c: char) -> char {
    if c.is_whitespace() { ' ' } else { c }
}

/// The blocks of Chinese characters; Hangul and kana are not among them.
fn is_ideograph(c: char) -> bool {
    matches!(
        u32::from(c),
        0x4E00..=0x9FFF
            | 0x3400..=0x4DBF
            | 0x20000..=0x2A6DF
            | 0x2A700..=0x2B73F
            | 0x2B740..=0x2B81F
            | 0x2B920..=0x2CEAF
            | 0xF900..=0xFAFF
            | 0x2F800..=0x2FA1F
    )
}
