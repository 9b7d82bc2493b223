//! Tests of the parser by its blocks, of the drawing by role and name.
#![allow(clippy::unwrap_used, clippy::panic)]

use egui::{Key, Role, vec2};
use egui_kittest::{Harness, kittest::Queryable as _};

use super::{Block, Side, Span, draw::share_out, parse, plain, show};

fn text(text: &str) -> Span {
    Span { text: text.to_owned(), ..Span::default() }
}

fn one(source: &str) -> Vec<Span> {
    match parse(source).as_slice() {
        [Block::Paragraph(spans)] => spans.clone(),
        other => panic!("{source:?}: {other:?}"),
    }
}

#[test]
fn emphasis_code_and_links_are_found() {
    let bold = |words: &str| Span { bold: true, ..text(words) };
    let italic = |words: &str| Span { italic: true, ..text(words) };
    let code = |words: &str| Span { code: true, ..text(words) };
    assert_eq!(one("a **b** c"), [text("a "), bold("b"), text(" c")]);
    assert_eq!(one("*a* _b_"), [italic("a"), text(" "), italic("b")]);
    assert_eq!(one("***a***"), [Span { bold: true, ..italic("a") }]);
    assert_eq!(one("**a *b***"), [bold("a "), Span { bold: true, ..italic("b") }]);
    assert_eq!(one("`x_1 * 2`"), [code("x_1 * 2")]);
    assert_eq!(one("``a ` b``"), [code("a ` b")]);
    assert_eq!(
        one("see [the *page*](a.md \"title\")."),
        [
            text("see "),
            Span { link: Some("a.md".to_owned()), ..text("the ") },
            Span { link: Some("a.md".to_owned()), ..italic("page") },
            text(".")
        ]
    );
    assert_eq!(one("<https://x.org>")[0].link.as_deref(), Some("https://x.org"));
    assert_eq!(one("![a picture](p.png)"), [text("a picture")]);
}

#[test]
fn what_is_no_markup_stays_text() {
    for source in [
        "snake_case_name",
        "2 * 3 * 4",
        "a ** b",
        "[no link]",
        "[open",
        "`open",
        "*open",
        "a < b > c",
        "!",
        "[](",
        "**",
        "1.5 points",
        "-5 to 5",
        "#tag",
    ] {
        assert_eq!(one(source), [text(source)], "{source}");
    }
    assert_eq!(one(r"\*a\* \[b\]"), [text("*a* [b]")]);
    assert_eq!(one("a  \nb\nc\\\nd"), [text("a\nb c\nd")]);
}

#[test]
fn blocks_are_told_apart() {
    let source = "# Title #\n\nOne\ntwo\n\nUnder\n---\n\n- a\n  more\n- b\n\n  c\n    - deep\n\n3. x\n4. y\n\n> q\n> r\n\n***\n```rust,ignore\nlet a = 1;\n\n  b\n```\n<!-- hidden\n-->\nend";
    let blocks = parse(source);
    let paragraph = |words: &str| Block::Paragraph(vec![text(words)]);
    assert_eq!(
        blocks,
        [
            Block::Heading(1, vec![text("Title")]),
            paragraph("One two"),
            Block::Heading(2, vec![text("Under")]),
            Block::List(
                None,
                vec![
                    vec![paragraph("a more")],
                    vec![paragraph("b"), paragraph("c"), Block::List(None, vec![vec![paragraph("deep")]])],
                ]
            ),
            Block::List(Some(3), vec![vec![paragraph("x")], vec![paragraph("y")]]),
            Block::Quote(vec![paragraph("q r")]),
            Block::Rule,
            Block::Code("rust".to_owned(), "let a = 1;\n\n  b".to_owned()),
            paragraph("end"),
        ]
    );
}

#[test]
fn tables_have_sides_and_rows_of_one_length() {
    let blocks = parse("| a | b |\n|:--|--:|\n| 1 | x \\| y |\n| only |\n\nafter");
    let Block::Table(sides, head, rows) = &blocks[0] else { panic!("{blocks:?}") };
    assert_eq!(sides, &[Side::Left, Side::Right]);
    assert_eq!(head.iter().map(|cell| plain(cell)).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(plain(&rows[0][1]), "x | y");
    assert_eq!(rows[1].len(), 2);
    assert_eq!(blocks.len(), 2);
    assert!(matches!(parse("a | b\nc | d").as_slice(), [Block::Paragraph(_)]));
}

#[test]
fn hostile_text_ends_in_bounded_time() {
    for source in [
        "*".repeat(4_000),
        "[".repeat(4_000),
        "> ".repeat(2_000),
        "- ".repeat(2_000),
        "`a ".repeat(4_000),
        "*a ".repeat(4_000),
        "|".repeat(2_000),
        "a\u{301}*\u{1f600}_é_**".repeat(500),
        "\\".repeat(2_000),
        "```".to_owned(),
    ] {
        let blocks = parse(&source);
        assert!(!blocks.is_empty(), "{}", &source[..8.min(source.len())]);
    }
    assert!(parse("").is_empty());
}

#[test]
fn columns_share_the_width() {
    assert_eq!(share_out(&[50.0, 60.0], 300.0), [50.0, 60.0]);
    assert_eq!(share_out(&[50.0, 500.0, 500.0], 450.0), [50.0, 200.0, 200.0]);
}

#[test]
fn parts_have_roles_and_links_work_by_mouse_and_key() {
    let source = "# Ranking\n\nThe **ROC AUC** is [the chance](auc.md) that a pair is in order, which is told at \
                  length so that [a long link of several words](long.md) wraps.\n\n- first\n- second\n\n\
                  | metric | best |\n|---|--:|\n| AUC | 1 |\n\n```sh\nmodelyard train\n```\n";
    let mut harness = Harness::builder().with_size(vec2(300.0, 500.0)).build_ui_state(
        |ui, opened: &mut Vec<String>| {
            crate::apply(ui.ctx(), crate::Theme::Light);
            show(ui, source, |target| opened.push(target.to_owned()));
        },
        Vec::new(),
    );
    harness.run();
    for (role, name) in [
        (Role::Heading, "Ranking"),
        (Role::ListItem, "second"),
        (Role::ColumnHeader, "best"),
        (Role::Cell, "AUC"),
        (Role::Table, "metric, best: 1 rows"),
        (Role::Code, "Code, sh: modelyard train"),
        (Role::Button, "Copy code"),
    ] {
        assert!(harness.query_by_role_and_label(role, name).is_some(), "{role:?} {name}");
    }
    harness.get_by_role_and_label(Role::Link, "the chance").click();
    harness.run();
    for _ in 0..2 {
        harness.key_press(Key::Tab);
        harness.run();
    }
    harness.key_press(Key::Enter);
    harness.run();
    assert_eq!(harness.state(), &["auc.md", "long.md"]);
    harness.get_by_role_and_label(Role::Button, "Copy code").click();
    harness.step();
    let copied =
        harness.output().platform_output.commands.iter().any(
            |command| matches!(command, egui::OutputCommand::CopyText(text) if text == "modelyard train"),
        );
    assert!(copied);
}
