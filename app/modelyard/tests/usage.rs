//! The program answers `--help` and `--version`, and refuses what it does not know. Being an integration
//! test of this package, it has cargo build the program for the larger tests in `tests/`, which run it.
#![allow(clippy::expect_used, reason = "tests fail by panicking")]

use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_modelyard")).args(arguments).output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn help_and_version_are_no_failures() {
    let help = run(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    for command in ["demo", "profile", "new", "train", "evaluate", "package", "deploy", "monitor", "retrain"]
    {
        assert!(text(&help.stdout).contains(command), "{}", text(&help.stdout));
    }
    let version = run(&["--version"]);
    assert_eq!(text(&version.stdout).trim(), format!("modelyard {}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn unknown_words_are_wrong_usage() {
    for arguments in [&["fly"][..], &["train"], &["train", "p.modelyard", "--wings"]] {
        let refused = run(arguments);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}: {}", text(&refused.stderr));
        assert!(refused.stdout.is_empty(), "{arguments:?}");
        assert!(!refused.stderr.is_empty(), "{arguments:?}");
    }
}
