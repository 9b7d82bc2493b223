//! Colours and sizes of text are the kit's: the sources of the window outside of it name none.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// What a line has that belongs into the kit.
fn raw(line: &str) -> Option<&'static str> {
    let code = line.split("//").next().unwrap_or("");
    let colour = code.match_indices("Color32::").any(|(at, found)| {
        let word: String = code[at + found.len()..]
            .chars()
            .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
            .collect();
        !matches!(word.as_str(), "TRANSPARENT" | "PLACEHOLDER" | "")
    });
    let rules = [
        (colour, "a colour: take a token"),
        (code.contains("Rgba::"), "a colour: take a token"),
        (code.contains("FontId::new"), "a size of text: take `Type`"),
        (code.contains("RichText::new"), "a text: take `yard_ui::text`"),
    ];
    rules.into_iter().find(|(found, _)| *found).map(|(_, words)| words)
}

#[test]
fn no_raw_colour_or_text_size_outside_of_the_kit() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for folder in ["yard_views/src", "yard_state/src", "modelyard/src"] {
        sources(&root.join(folder), &mut files);
    }
    assert!(files.len() > 20, "the sources were found");
    let mut bad = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        // Tests at the end of a file may make colours up.
        let code = text.split("#[cfg(test)]\nmod").next().unwrap_or("");
        for (number, line) in code.lines().enumerate() {
            if let Some(words) = raw(line) {
                bad.push(format!("{}:{}: {words}", path.display(), number + 1));
            }
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn the_rule_sees_what_it_should() {
    for line in ["let c = Color32::RED;", "Color32::from_rgb(1, 2, 3)", "FontId::new(9.0, f)"] {
        assert!(raw(line).is_some(), "{line}");
    }
    for line in ["use egui::Color32;", "Color32::TRANSPARENT", "// Color32::RED", "fn f(c: Color32) {}"] {
        assert!(raw(line).is_none(), "{line}");
    }
}
