//! Runs whose process is killed go on and end with the model of an undisturbed run.

use crate::shapes::{new_churn, sha};
use serde_json::Value;
use std::{
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};
use yard_tests::place::Place;

const NET: &str = "--family mlp --param layers=32,16 --param epochs=40 --param patience=0 \
                   --param checkpoint=5 --param dropout=0.1 --device cpu";

/// Starts a command and kills it once `ready` says so, or lets it end.
fn kill_when(place: &Place, arguments: &str, ready: impl Fn() -> bool) -> bool {
    let mut command = place.command(arguments);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    while !ready() {
        assert!(start.elapsed() < Duration::from_mins(4), "{arguments}: nothing to kill");
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    true
}

/// When the newest checkpoint of a run was written.
fn newest(folder: &Path) -> Option<std::time::SystemTime> {
    let files = std::fs::read_dir(folder).ok()?.flatten();
    files
        .filter(|file| file.path().extension().is_some_and(|ending| ending == "checkpoint"))
        .filter_map(|file| file.metadata().and_then(|data| data.modified()).ok())
        .max()
}

fn last_run(place: &Place) -> Value {
    let runs = place.json("runs p.modelyard");
    runs["runs"].as_array().unwrap().last().unwrap().clone()
}

#[test]
fn a_killed_net_goes_on_and_ends_with_the_same_hash() {
    let place = Place::new();
    new_churn(&place, "p.modelyard");
    let whole = place.json(&format!("train p.modelyard {NET}"));
    let folder = place.path(".p.modelyard.checkpoints/run-2");
    let train = format!("train p.modelyard {NET} --json");
    assert!(kill_when(&place, &train, || newest(&folder).is_some()), "the run ended before it was killed");
    let run = last_run(&place);
    assert_eq!(run["state"]["state"], "cancelled", "{run}");
    assert_eq!(run["stopped"]["interrupted"], true, "{run}");
    assert_eq!(run["stopped"]["checkpoint"]["unit"], "epochs", "{run}");
    // Killed once more, a little further.
    let before = newest(&folder);
    let further = || newest(&folder) > before;
    assert!(kill_when(&place, "train p.modelyard --resume --json", further), "{}", last_run(&place));
    let text = place.run("runs p.modelyard").exits(0);
    assert!(text.stdout.contains("interrupted at") && text.stdout.contains("can be resumed"), "{text}");
    let done = place.json("train p.modelyard --resume 2");
    assert_eq!(done["run"], 2, "{done}");
    assert!(done["resumed"]["done"].is_u64(), "{done}");
    assert_eq!(sha(&done["model_sha256"]), sha(&whole["model_sha256"]));
    assert_eq!(done["metrics"], whole["metrics"]);
    assert!(!folder.exists(), "checkpoints of a finished run are removed");
    place.run("train p.modelyard --resume 2").exits(1).says(&["ended with model"]);
    place.run("train p.modelyard --resume").exits(1).says(&["nothing to resume"]);
    place.run("train p.modelyard --resume 9").exits(1).says(&["unknown"]);
    place.run("train p.modelyard --resume 1 --family mlp").exits(2);
}

#[test]
fn a_killed_boosting_run_starts_again_and_ends_with_the_same_hash() {
    let place = Place::new();
    new_churn(&place, "p.modelyard");
    let train = "train p.modelyard --family boosting --param trees=400 --param early_stopping=0";
    let whole = place.json(train);
    // Killed a little later each time, until it was stated as started and not done.
    let run = (1..100).find_map(|turn| {
        let started = Instant::now();
        kill_when(&place, train, || started.elapsed() > Duration::from_millis(turn * 40));
        Some(last_run(&place)).filter(|run| run["id"] != 1)
    });
    let run = run.expect("a run is stated as started sooner or later");
    assert_eq!(run["state"]["state"], "cancelled", "{run}");
    assert_eq!(run["stopped"]["checkpoint"], Value::Null, "{run}");
    let done = place.json("train p.modelyard --resume");
    assert_eq!(done["resumed"], Value::Null);
    assert_eq!(sha(&done["model_sha256"]), sha(&whole["model_sha256"]));
}
