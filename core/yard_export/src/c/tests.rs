#![allow(clippy::unwrap_used, clippy::print_stderr)]

use crate::{
    Format,
    testing::{FAMILIES, TASKS, package, parts},
};
use std::process::Command;
use yard_score::model::{Link, ScorerParts};
use yard_types::{frame::Task, run::Family};

/// Compiles with the machine's compiler and runs the golden examples; where there is no compiler, only the
/// structure is looked at.
#[test]
fn golden_examples_have_the_same_bits() {
    let mut models: Vec<_> =
        FAMILIES.iter().flat_map(|family| TASKS.map(|task| parts(17, *family, task))).collect();
    models.push(ScorerParts { link: Link::Log, ..parts(17, Family::Boosting, Task::Regression) });
    let compiler = Command::new("cc").arg("--version").output().is_ok();
    for parts in models {
        let case = format!("{:?} {:?}", parts.task, parts.link);
        let package = package(parts);
        let exported = crate::export(package.bytes().to_vec(), Format::C).unwrap();
        let source = String::from_utf8(exported.files["model.c"].clone()).unwrap();
        assert!(source.contains("void offers_score(const offers_row *row, offers_answer *answer)"));
        assert!(!source.contains("malloc") && source.is_ascii());
        if !compiler {
            continue;
        }
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in &exported.files {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        let flags =
            ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-o", "golden", "model.c", "golden.c", "-lm"];
        let built = Command::new("cc").args(flags).current_dir(&folder).output().unwrap();
        assert!(built.status.success(), "{case}: {}", String::from_utf8_lossy(&built.stderr));
        let ran = Command::new(folder.path().join("golden")).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert!(ran.status.success(), "{case}: {said}");
    }
}
