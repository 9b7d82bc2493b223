#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]
use super::*;
use crate::clock::StepClock;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

fn author() -> Author {
    Author { actor: "tester".into(), clock: Arc::new(StepClock::new(1_700_000_000_000_000, 1_000_000)) }
}

fn target(n: u64) -> Event {
    Event::TargetAdded { name: format!("t{n}"), url: "http://127.0.0.1:1".into() }
}

fn with_events(folder: &Path, count: u64) -> PathBuf {
    let path = folder.join("p.modelyard");
    let mut project = Project::create(&path, "p", author()).unwrap();
    for n in 0..count {
        project.append(CommandId(n + 1), target(n)).unwrap();
    }
    path
}

#[test]
fn state_and_chain_survive_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = with_events(folder.path(), 5);
    let mut project = Project::open(&path, author()).unwrap();
    assert_eq!(project.state().targets.len(), 5);
    assert_eq!(project.state().name, "p");
    assert_eq!(project.verify_chain().unwrap(), 6);
    let object = NewObject::new("model", b"bytes".to_vec());
    let records = project.commit(CommandId(9), &[object.clone(), object.clone()], vec![target(9)]).unwrap();
    assert_eq!(records[0].seq, 7);
    assert_eq!(project.object(object.sha256()).unwrap(), b"bytes");
    let missing = project.object(Sha256([7; 32])).unwrap_err().to_string();
    assert!(missing.contains("not in the project"), "{missing}");
    assert_eq!(*project.state(), ProjectState::from_events(project.events()));
}

#[test]
fn a_second_opener_reads_and_follows_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = with_events(folder.path(), 1);
    let mut first = Project::open(&path, author()).unwrap();
    let mut second = Project::open(&path, author()).unwrap();
    assert!(first.read_only().is_none());
    let reason = second.read_only().unwrap().to_owned();
    assert!(reason.contains(&std::process::id().to_string()), "{reason}");
    let refused = second.append(CommandId(1), target(1)).unwrap_err();
    assert!(matches!(refused, ProjectError::ReadOnly { .. }), "{refused}");
    first.append(CommandId(2), target(2)).unwrap();
    assert_eq!(second.reload().unwrap().len(), 1);
    assert_eq!(*second.state(), *first.state());
    drop(first);
    drop(second);
    assert!(Project::open(&path, author()).unwrap().read_only().is_none(), "the lock ends with its holder");
}

#[test]
fn a_lock_left_by_a_dead_process_is_taken_over_but_not_one_of_another_host() {
    let folder = tempfile::tempdir().unwrap();
    let path = with_events(folder.path(), 0);
    let lock_path = folder.path().join("p.modelyard.lock");
    let project = Project::open(&path, author()).unwrap();
    let own: lock::Holder = serde_json::from_str(&std::fs::read_to_string(&lock_path).unwrap()).unwrap();
    drop(project);
    assert!(!lock_path.exists());
    let write =
        |holder: &lock::Holder| std::fs::write(&lock_path, serde_json::to_string(holder).unwrap()).unwrap();
    write(&lock::Holder { pid: u32::MAX, ..own.clone() });
    assert!(Project::open(&path, author()).unwrap().read_only().is_none());
    write(&lock::Holder { host: "another-host".into(), ..own });
    let reason = Project::open(&path, author()).unwrap().read_only().unwrap().to_owned();
    assert!(reason.contains("another-host"), "{reason}");
}

#[test]
fn the_log_is_append_only_and_a_forged_event_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = with_events(folder.path(), 3);
    let raw = Connection::open(&path).unwrap();
    for sql in ["UPDATE event SET actor = 'x' WHERE seq = 2", "DELETE FROM event WHERE seq = 2"] {
        let error = raw.execute(sql, []).unwrap_err().to_string();
        assert!(error.contains("append-only"), "{error}");
    }
    raw.execute_batch("DROP TRIGGER event_never_updated; UPDATE event SET actor = 'x' WHERE seq = 3")
        .unwrap();
    drop(raw);
    let project = Project::open(&path, author()).unwrap();
    assert!(project.read_only().unwrap().contains("event 3"));
    assert_eq!(project.events().len(), 2, "what lies before the damage is shown");
    assert!(matches!(project.verify_chain(), Err(ProjectError::Chain { seq: 3, .. })));
}

#[test]
fn files_that_are_not_projects_are_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let check = |path: &Path, words: &str| {
        let text = Project::open(path, author()).err().expect("refused").to_string();
        assert!(text.contains(words), "{text} should say {words}");
    };
    check(&file("none.modelyard"), "no project at");
    check(folder.path(), "is a folder");
    std::fs::write(file("empty"), b"").unwrap();
    check(&file("empty"), "the file is empty");
    std::fs::write(file("text"), b"a,b\n1,2\n").unwrap();
    check(&file("text"), "does not begin as an SQLite database");
    Connection::open(file("other")).unwrap().execute_batch("CREATE TABLE t(a)").unwrap();
    check(&file("other"), "another program");
    let path = with_events(folder.path(), 300);
    let whole = std::fs::read(&path).unwrap();
    for part in [50, 150, whole.len() / 2, whole.len() - 5000] {
        std::fs::write(file("cut"), &whole[..part]).unwrap();
        check(&file("cut"), "damaged");
    }
    std::fs::copy(&path, file("newer")).unwrap();
    let raw = Connection::open(file("newer")).unwrap();
    raw.execute_batch("PRAGMA user_version = 99").unwrap();
    drop(raw);
    check(&file("newer"), "file version 99");
    let taken = Project::create(&path, "p", author()).err().expect("refused");
    assert!(matches!(taken, ProjectError::Exists { .. }));
}

#[test]
fn an_older_file_is_copied_before_it_is_upgraded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.modelyard");
    let raw = Connection::open(&path).unwrap();
    raw.execute_batch(migrate::MIGRATIONS[0]).unwrap();
    raw.execute_batch(&format!(
        "PRAGMA application_id = {}; PRAGMA user_version = 1",
        migrate::APPLICATION_ID
    ))
    .unwrap();
    drop(raw);
    let project = Project::open(&path, author()).unwrap();
    let copy = folder.path().join("old.modelyard.v1-1.backup");
    assert!(copy.is_file());
    assert!(project.notes()[0].contains("v1-1.backup"), "{:?}", project.notes());
    drop(project);
    let version = |path: &Path| migrate::versions(&Connection::open(path).unwrap()).unwrap().1;
    assert_eq!((version(&copy), version(&path)), (1, migrate::newest()));
}

#[test]
fn figures_that_json_can_not_hold_are_refused_not_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = with_events(folder.path(), 0);
    let mut project = Project::open(&path, author()).unwrap();
    let mut spec = yard_types::run::RunSpec::new(yard_types::run::Family::Linear);
    spec.budget_secs = Some(f64::INFINITY);
    let event = Event::RunStarted {
        run: yard_types::ids::RunId(1),
        spec: Box::new(spec),
        dataset: yard_types::ids::DatasetId(1),
    };
    let refused = project.append(CommandId(1), event).unwrap_err();
    assert!(matches!(refused, ProjectError::Event { .. }), "{refused}");
    assert_eq!(project.events().len(), 1);
}

/// Not a test by itself: the process that [`kills_lose_nothing_acknowledged`] kills.
#[test]
fn child_that_appends_until_killed() {
    let Some(path) = std::env::var_os("MODELYARD_TEST_APPEND") else { return };
    let mut project = Project::open(Path::new(&path), author()).unwrap();
    assert!(project.read_only().is_none());
    for n in 0.. {
        let object = NewObject::new("blob", vec![(n % 251) as u8; 20_000]);
        let record = project.commit(CommandId(n), &[object], vec![target(n)]).unwrap().pop().unwrap();
        println!("acknowledged {}", record.seq);
    }
}

#[test]
fn kills_lose_nothing_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = with_events(folder.path(), 0);
    let mut draws = yard_types::rng::Rng::new(11, 0);
    for _ in 0..12 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "project::tests::child_that_appends_until_killed", "--nocapture"])
            .env("MODELYARD_TEST_APPEND", &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let wait = std::time::Duration::from_millis(draws.below(60));
        let mut acknowledged = 0;
        let mut killed = false;
        for line in lines.map_while(Result::ok) {
            let Some(at) = line.find("acknowledged ") else { continue };
            acknowledged = line[at + 13..].trim().parse().unwrap();
            if !killed {
                std::thread::sleep(wait);
                child.kill().unwrap();
                killed = true;
            }
        }
        child.wait().unwrap();
        assert!(killed, "the child never acknowledged anything");
        let project = Project::open(&path, author()).unwrap();
        assert!(project.read_only().is_none(), "{:?}", project.read_only());
        assert!(project.state().seq >= acknowledged, "{} < {acknowledged}", project.state().seq);
        assert_eq!(project.verify_chain().unwrap(), project.state().seq);
    }
}
