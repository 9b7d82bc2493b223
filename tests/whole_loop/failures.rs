//! Wrong usage is exit code 2, a stated failure is 1; each says what, where and what to do. Never a panic,
//! never output that a script would take for a result.

use crate::shapes::{new_churn, new_penguins};
use std::{net::TcpListener, process::Stdio, time::Duration};
use yard_tests::{
    bad::{Outcome, bad_files},
    http::Client,
    place::{Place, finish},
    program::{Run, signal},
    rows::sample_path,
};

fn fails(place: &Place, arguments: &str, code: i32, words: &[&str]) -> Run {
    let run = place.run(arguments).exits(code).says(words);
    assert!(run.stdout.is_empty(), "nothing on standard output: {run}");
    run
}

#[test]
fn wrong_arguments_are_exit_code_2() {
    let place = Place::new();
    new_penguins(&place, "p.modelyard");
    for (arguments, words) in [
        ("nonsense", &["nonsense"][..]),
        ("new p2.modelyard", &["--data"]),
        ("train p.modelyard --family tree", &["tree", "boosting"]),
        ("train p.modelyard --param trees", &["trees", "NAME=VALUE"]),
        ("train p.modelyard --trials 0", &["trials"]),
        ("train p.modelyard --budget soon", &["soon", "60s"]),
        ("train p.modelyard --threads 0", &["threads"]),
        ("evaluate p.modelyard --model worst", &["worst", "best"]),
        ("deploy p.modelyard --canary 10 --shadow", &["--shadow"]),
        ("simulate p.modelyard --drift sideways", &["sideways", "numeric"]),
        ("new q.modelyard --data x.csv --target y --cost-fp 1", &["--cost-fn"]),
    ] {
        fails(&place, arguments, 2, words);
    }
    let help = place.run("--help").exits(0);
    for command in ["demo", "new", "train", "deploy", "retrain"] {
        assert!(help.stdout.contains(command), "{help}");
    }
}

#[test]
fn stated_failures_are_exit_code_1() {
    let place = Place::new();
    new_penguins(&place, "p.modelyard");
    let data = sample_path("telco-churn");
    let data = data.display();
    for (arguments, words) in [
        (format!("new q.modelyard --data {data} --target Chrun"), &["Chrun", "did you mean", "Churn"][..]),
        (format!("new p.modelyard --data {data} --target Churn"), &["exists"]),
        ("new q.modelyard --data none.csv --target y".to_owned(), &["none.csv"]),
        ("train none.modelyard".to_owned(), &["none.modelyard"]),
        ("train p.modelyard --param tress=5 --family boosting".to_owned(), &["tress", "trees"]),
        ("train p.modelyard --family mlp --device cuda:0".to_owned(), &["cuda:0"]),
        ("evaluate p.modelyard".to_owned(), &["train"]),
        ("package p.modelyard".to_owned(), &["train"]),
        ("status p.modelyard".to_owned(), &["deploy"]),
        ("promote p.modelyard".to_owned(), &["deploy"]),
        ("deploy p.modelyard --to elsewhere".to_owned(), &["train"]),
        ("verify none.modelpack".to_owned(), &["none.modelpack"]),
        (format!("score none.modelpack --in {data} --out o.csv"), &["none.modelpack"]),
        ("lineage p.modelyard 99".to_owned(), &["99"]),
    ] {
        fails(&place, &format!("{arguments} --json"), 1, words);
    }
    assert!(!place.path("q.modelyard").exists(), "a refused import leaves no project");
}

/// Every bad file through `profile` and `new`: exit code 0 or 1 as stated, no panic, no leftover.
#[test]
fn every_bad_file_is_stated() {
    let place = Place::new();
    for bad in bad_files() {
        place.file(bad.name, &bad.bytes);
        let profile = place.run(&format!("profile {} --json", bad.name));
        let refused = matches!(bad.outcome, Outcome::Refused(_));
        assert!(profile.code == Some(0) || (profile.code == Some(1) && refused), "{profile}");
        assert!(!profile.stderr.contains("panicked"), "{profile}");
        let project = format!("{}.modelyard", bad.name);
        let made = place.run(&format!("new {project} --data {} --target target --json", bad.name));
        match bad.outcome {
            Outcome::Refused(words) => {
                let made = made.exits(1).says(words);
                assert!(made.stdout.is_empty(), "{made}");
                assert!(!place.path(&project).exists(), "{made}");
            }
            Outcome::Stated(code, _, (rows, _)) => {
                let value = made.exits(0).json();
                assert_eq!(value["rows"], rows, "{}", bad.name);
                let told = value["findings"].as_array().unwrap().iter().any(|own| own["code"] == code);
                assert!(told, "{}: no {code} in {}", bad.name, value["findings"]);
            }
        }
    }
}

#[test]
fn damaged_packages() {
    let place = Place::new();
    new_penguins(&place, "p.modelyard");
    place.json("train p.modelyard --family linear");
    place.json("package p.modelyard --out m.modelpack");
    let whole = std::fs::read(place.path("m.modelpack")).unwrap();
    let entries = yard_package::archive::read(&whole).unwrap();
    let weights = entries.iter().find(|entry| entry.name == "weights.safetensors").unwrap();
    let at = weights.range.end - 3;
    let mut flipped = whole.clone();
    flipped[at] ^= 1;
    place.file("flipped.modelpack", &flipped);
    place.file("cut.modelpack", &whole[..whole.len() / 2]);
    place.file("text.modelpack", "not a package");
    for (file, word) in [
        ("flipped.modelpack", "weights.safetensors"),
        ("cut.modelpack", "archive"),
        ("text.modelpack", "archive"),
    ] {
        let verified = place.run(&format!("verify {file} --json")).exits(1);
        let report = verified.json();
        assert_eq!(report["ok"], false);
        assert!(report["claims"].to_string().contains(word), "{file} should name {word}: {report:#}");
        let data = sample_path("penguins");
        fails(&place, &format!("score {file} --in {} --out o.csv", data.display()), 1, &[word]);
        assert!(!place.path("o.csv").exists(), "no scores of a damaged package");
        fails(&place, &format!("serve {file} --store store-{file}"), 1, &[word]);
    }
    place.json("verify m.modelpack");
    fails(&place, "deploy p.modelyard --to elsewhere", 1, &["elsewhere"]);
}

#[test]
fn data_that_lacks_a_column_of_training_is_refused_with_its_name() {
    let place = Place::new();
    new_penguins(&place, "p.modelyard");
    place.json("train p.modelyard --family linear");
    place.json("package p.modelyard --out m.modelpack");
    place.file("other.csv", "island,bill_length,year\nDream,39.1,2007\n");
    fails(&place, "score m.modelpack --in other.csv --out o.csv", 1, &["bill_length_mm"]);
    fails(&place, "evaluate p.modelyard --data other.csv", 1, &["bill_length_mm"]);
    fails(&place, "score m.modelpack --in other.csv --out o.xlsx", 1, &["o.xlsx", "csv"]);
}

#[test]
fn a_busy_port_is_named() {
    let place = Place::new();
    new_penguins(&place, "p.modelyard");
    place.json("train p.modelyard --family linear");
    place.json("package p.modelyard --out m.modelpack");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    fails(&place, &format!("serve m.modelpack --listen {address} --store s"), 1, &[&address]);
    fails(&place, "serve m.modelpack --listen 0.0.0.0:0 --store s", 1, &["0.0.0.0", "127.0.0.1"]);
    fails(&place, "serve m.modelpack --listen nowhere --store s", 1, &["nowhere"]);
}

#[test]
fn serve_runs_until_it_is_told_to_stop() {
    let place = Place::new();
    new_penguins(&place, "p.modelyard");
    place.json("train p.modelyard --family linear");
    place.json("package p.modelyard --out m.modelpack");
    let mut child = place
        .command("serve m.modelpack --store s --json")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut value = String::new();
    let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
    while serde_json::from_str::<serde_json::Value>(&value).is_err() {
        assert!(std::io::BufRead::read_line(&mut out, &mut value).unwrap() > 0, "it ended: {value}");
    }
    let value: serde_json::Value = serde_json::from_str(&value).unwrap();
    let token = std::fs::read_to_string(value["tokens"]["observe"].as_str().unwrap()).unwrap();
    let mut client = Client::connect(value["url"].as_str().unwrap(), &token).unwrap();
    assert_eq!(client.get("/v2/health/ready").status, 200);
    assert!(client.get("/metrics").good().text().contains("# TYPE"));
    drop(client);
    // A second server on the same store would write the same log.
    fails(&place, "serve m.modelpack --store s", 1, &["store"]);
    signal(child.id(), "TERM");
    assert!(child.wait().unwrap().success(), "it ends well");
}

#[test]
fn a_dead_server_is_stated_and_comes_back() {
    let place = Place::new();
    new_penguins(&place, "p.modelyard");
    place.json("train p.modelyard --family linear");
    let deployed = place.json("deploy p.modelyard");
    for pid in place.servers() {
        signal(pid, "KILL");
    }
    while !place.servers().is_empty() {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(place.json("status p.modelyard")["state"], "unreachable");
    let url = deployed["url"].as_str().unwrap();
    for command in ["monitor", "promote", "rollback", "simulate"] {
        fails(&place, &format!("{command} p.modelyard"), 1, &[url]);
    }
    let again = place.json("deploy p.modelyard");
    assert_eq!((&again["state"], &again["stable"]), (&deployed["state"], &deployed["stable"]));
    place.json("stop p.modelyard");
    assert!(place.servers().is_empty());
    place.json("stop p.modelyard");
}

#[test]
fn a_project_in_use_or_of_a_newer_version_is_left_alone() {
    let place = Place::new();
    new_churn(&place, "p.modelyard");
    let options = yard_engine::EngineOptions {
        clock: std::sync::Arc::new(yard_engine::SystemClock::default()),
        threads: 1,
        notify: std::sync::Arc::new(|| {}),
        actor: "tester".to_owned(),
        home: yard_engine::Home::at(place.home()),
        program: "modelyard".into(),
        worker: None,
    };
    let holder = yard_engine::Engine::open(&place.path("p.modelyard"), options).unwrap();
    fails(&place, "train p.modelyard --family linear", 1, &["read-only"]);
    place.json("log p.modelyard");
    drop(holder);
    place.json("train p.modelyard --family linear");
    let raw = rusqlite::Connection::open(place.path("p.modelyard")).unwrap();
    raw.execute_batch("PRAGMA user_version = 1000").unwrap();
    drop(raw);
    fails(&place, "log p.modelyard", 1, &["1000", "update"]);
}

/// Without a display the studio says so and names what works without one.
#[test]
fn without_a_display_the_studio_says_so() {
    let place = Place::new();
    new_penguins(&place, "p.modelyard");
    let run = finish(place.command("p.modelyard")).exits(1).says(&["display", "train", "deploy"]);
    assert!(run.stdout.is_empty(), "{run}");
}
