//! Files that are no projects, or not for this program.

use crate::open::{options, penguins};
use yard_engine::Engine;
use yard_tests::place::Place;

fn refusal(place: &Place, name: &str) -> String {
    match Engine::open(&place.path(name), options(place)) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("{name} opens"),
    }
}

#[test]
fn a_project_of_a_newer_version_is_left_alone() {
    let place = Place::new();
    drop(penguins(&place));
    let path = place.path("penguins.modelyard");
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.execute_batch("PRAGMA user_version = 1000").unwrap();
    drop(raw);
    let before = std::fs::read(&path).unwrap();
    let error = refusal(&place, "penguins.modelyard");
    assert!(error.contains("1000") && error.contains("update"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before, "nothing was written to it");
}

#[test]
fn what_is_no_project_is_named() {
    let place = Place::new();
    drop(penguins(&place));
    let whole = std::fs::read(place.path("penguins.modelyard")).unwrap();
    place.file("cut.modelyard", &whole[..whole.len() / 2]);
    place.file("empty.modelyard", "");
    place.file("text.modelyard", "a,b\n1,2\n");
    for (name, word) in [
        ("cut.modelyard", "damaged"),
        ("empty.modelyard", "empty"),
        ("text.modelyard", "SQLite"),
        ("absent.modelyard", "no project"),
        ("", "folder"),
    ] {
        let error = refusal(&place, name);
        assert!(error.contains(word), "{name}: {error}");
    }
    let taken = Engine::create(&place.path("penguins.modelyard"), options(&place));
    assert!(taken.err().unwrap().to_string().contains("exists"));
    assert_eq!(std::fs::read(place.path("penguins.modelyard")).unwrap(), whole);
}
