//! kill -9 at random moments during `new`, `train`, `package` and `deploy`: the project opens each time, no
//! acknowledged act is missing, and the server answers with the old or the new version.
//! `MODELYARD_KILLS` sets the number of kills.

use crate::shapes::{new_churn, new_penguins};
use serde_json::{Value, json};
use std::{
    process::Stdio,
    time::{Duration, Instant},
};
use yard_tests::{count_from_env, http::Client, place::Place, rows::sample_path};
use yard_types::rng::Rng;

/// What is killed, by turns.
const ACTS: [&str; 4] = ["new", "train", "package", "deploy"];

struct Killer {
    place: Place,
    rng: Rng,
    /// Longest time seen for each act.
    usual: [Duration; 4],
    /// Hashes of the events that were seen.
    seen: Vec<String>,
    /// Acts that printed their result, by event kind, and what names them there.
    acknowledged: Vec<(&'static str, String)>,
    killed: usize,
}

impl Killer {
    fn start() -> Self {
        let place = Place::new();
        new_churn(&place, "p.modelyard");
        let begin = Instant::now();
        new_penguins(&place, "timed.modelyard");
        let usual = [begin.elapsed(); 4];
        let mut killer = Self {
            place,
            rng: Rng::new(99, 1),
            usual,
            seen: Vec::new(),
            acknowledged: Vec::new(),
            killed: 0,
        };
        for act in 1..ACTS.len() {
            killer.time(act);
        }
        killer
    }

    fn arguments(&self, act: usize) -> String {
        let model = 1 + self.killed % 2;
        match ACTS[act] {
            "new" => format!(
                "new n{}.modelyard --data {} --target species --json",
                self.killed,
                sample_path("penguins").display()
            ),
            "train" => "train p.modelyard --family boosting --param trees=30 --json".to_owned(),
            "package" => "package p.modelyard --out m.modelpack --json".to_owned(),
            _ => {
                format!("deploy p.modelyard --model {} --json", if self.seen.is_empty() { 1 } else { model })
            }
        }
    }

    /// Runs an act whole and keeps its time.
    fn time(&mut self, act: usize) {
        let start = Instant::now();
        let run = self.place.run(&self.arguments(act)).exits(0);
        self.usual[act] = start.elapsed();
        self.acknowledge(act, &run.json());
    }

    fn acknowledge(&mut self, act: usize, result: &Value) {
        match ACTS[act] {
            "train" => self.acknowledged.push(("run_finished", result["model_sha256"].to_string())),
            "package" => self.acknowledged.push(("package_built", result["sha256"].to_string())),
            _ => {}
        }
    }

    /// Starts an act and kills it at a random moment; an act that was done before counts as acknowledged.
    fn kill(&mut self, act: usize) {
        let arguments = self.arguments(act);
        let out = tempfile_of(&self.place);
        let mut command = self.place.command(&arguments);
        command.stdout(std::fs::File::create(&out).unwrap()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        std::thread::sleep(self.usual[act].mul_f64(self.rng.uniform() * 1.1));
        let _ = child.kill();
        let _ = child.wait();
        if let Ok(result) = serde_json::from_slice::<Value>(&std::fs::read(out).unwrap()) {
            self.acknowledge(act, &result);
        }
        self.killed += 1;
    }

    /// The log is whole, begins with all that was seen before, and holds what was acknowledged.
    fn check_project(&mut self, what: &str) {
        let log = self.place.run("log p.modelyard --verify --json").exits(0).json();
        let events = log["events"].as_array().unwrap();
        let hashes: Vec<String> = events.iter().map(|own| own["hash"].as_str().unwrap().to_owned()).collect();
        assert!(hashes.starts_with(&self.seen), "{what}: the log lost events");
        self.seen = hashes;
        let text: Vec<(String, String)> = events
            .iter()
            .map(|own| (own["body"]["kind"].as_str().unwrap().to_owned(), own["body"].to_string()))
            .collect();
        for (kind, name) in &self.acknowledged {
            let found = text.iter().any(|(own, body)| own == kind && body.contains(name));
            assert!(found, "{what}: {kind} {name} was acknowledged and is missing");
        }
    }

    /// A project whose making was killed opens, or does not exist; making it again works either way.
    fn check_new(&self, number: usize) {
        let name = format!("n{number}.modelyard");
        if self.place.path(&name).exists() {
            let log = self.place.run(&format!("log {name} --verify --json")).exits(0).json();
            let imported =
                log["events"].as_array().unwrap().iter().any(|own| own["body"]["kind"] == "dataset_imported");
            if imported {
                return;
            }
        }
        let again =
            format!("new {name} --data {} --target species --json", sample_path("penguins").display());
        let _ = self.place.run(&again).exits(0);
    }

    /// The server, once there, answers with one of the two versions.
    fn check_server(&self, what: &str) {
        let status = self.place.json("status p.modelyard");
        assert_eq!(status["state"], "running", "{what}: {status}");
        let token = std::fs::read_to_string(status["token_file"].as_str().unwrap()).unwrap();
        let mut client = Client::connect(status["url"].as_str().unwrap(), &token).unwrap();
        let path = format!("/v1/models/{}:predict", status["deployment"].as_str().unwrap());
        let reply = client.post(&path, &json!({"instances": [{"tenure": 5}]})).good().json();
        assert_eq!(reply["version"], status["stable"]["version"], "{what}");
        assert!(["1", "2"].contains(&reply["version"].to_string().as_str()), "{what}: {reply}");
    }

    /// A package file is there whole or not at all.
    fn check_package(&self, what: &str) {
        let verified = self.place.run("verify m.modelpack --json");
        assert_eq!(verified.code, Some(0), "{what}: {verified}");
    }
}

fn tempfile_of(place: &Place) -> std::path::PathBuf {
    place.path("killed.out")
}

#[test]
fn nothing_acknowledged_is_lost() {
    let mut killer = Killer::start();
    // The second model, so that a deployment switches.
    killer.time(1);
    killer.check_project("before the first kill");
    for turn in 0..count_from_env("MODELYARD_KILLS", 48) {
        let act = turn % ACTS.len();
        let what = format!("kill {turn} ({})", ACTS[act]);
        killer.kill(act);
        killer.check_project(&what);
        match ACTS[act] {
            "new" => killer.check_new(turn),
            "package" => killer.check_package(&what),
            "deploy" => killer.check_server(&what),
            _ => {}
        }
    }
    for act in 1..ACTS.len() {
        killer.time(act);
    }
    killer.check_project("after the last kill");
    killer.check_server("after the last kill");
    killer.place.json("stop p.modelyard");
    assert!(killer.place.servers().is_empty(), "nothing is left running");
}
