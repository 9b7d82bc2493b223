//! Images through the loop: a folder with one sub-folder a class, broken files among them, and a column of
//! paths beside numbers.

use crate::shapes::{deployed, list, metric};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use yard_tests::{http::Client, place::Place, repository};

fn digits() -> PathBuf {
    repository().join("sample-data/digits/images")
}

/// The classes "0", "1" and "7" of the sample, with three files that are no images.
fn folder(place: &Place) -> PathBuf {
    let to = place.path("three");
    for class in ["0", "1", "7"] {
        std::fs::create_dir_all(to.join(class)).unwrap();
        for entry in std::fs::read_dir(digits().join(class)).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), to.join(class).join(entry.file_name())).unwrap();
        }
    }
    let whole = std::fs::read(first(&to.join("0"))).unwrap();
    std::fs::write(to.join("0/cut.png"), &whole[..40]).unwrap();
    std::fs::write(to.join("1/empty.png"), b"").unwrap();
    std::fs::write(to.join("1/words.png"), b"hello\n").unwrap();
    std::fs::write(to.join("notes.txt"), b"no image").unwrap();
    to
}

fn first(folder: &Path) -> PathBuf {
    let mut all: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all.remove(0)
}

fn finding<'a>(profile: &'a Value, code: &str) -> &'a Value {
    let found = list(&profile["findings"], "findings").iter().find(|own| own["code"] == code);
    found.unwrap_or_else(|| panic!("no finding {code}: {profile:#}"))
}

fn uri(path: &Path) -> String {
    yard_score::image::to_data_uri(&std::fs::read(path).unwrap())
}

const TRAIN: &str = "train p.modelyard --family cnn --param epochs=30 --param channels=8 --param hidden=32 --param learning_rate=0.01";

#[test]
fn a_folder_from_profile_to_answers() {
    let place = Place::new();
    let data = folder(&place);
    let profile = place.json("profile three");
    assert_eq!(profile["rows"], 93);
    let broken = finding(&profile, "broken_images");
    assert_eq!((&broken["count"], list(&broken["examples"], "examples").len()), (&json!(3), 3), "{broken}");
    for name in ["0/cut.png", "1/empty.png", "1/words.png"] {
        assert!(broken["examples"].to_string().contains(name), "{broken}");
    }
    assert_eq!(finding(&profile, "not_images")["count"], 1);
    let types: Vec<&Value> = list(&profile["columns"], "columns").iter().map(|own| &own["type"]).collect();
    assert_eq!(types, ["image", "category"]);
    place.json("new p.modelyard --data three --target label --metric accuracy");
    let trained = place.json(TRAIN);
    assert_eq!(trained["family"], "cnn");
    let evaluation = place.json("evaluate p.modelyard");
    let accuracy = metric(&evaluation["metrics"]["accuracy"], "accuracy");
    assert!(accuracy > 0.8, "{accuracy}");
    place.json("package p.modelyard --out p.modelpack");
    assert_eq!(place.json("verify p.modelpack")["ok"], true);
    let scored = place.json("score p.modelpack --in three --out s.csv");
    assert_eq!((&scored["rows"], &finding(&scored, "broken_images")["count"]), (&json!(93), &json!(3)));
    let text = std::fs::read_to_string(place.path("s.csv")).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("image,prediction,p_0,p_1,p_7"));
    served(&place, &data, lines.next().unwrap());
    // A changed image is a changed dataset.
    std::fs::copy(first(&data.join("7")), first(&data.join("0"))).unwrap();
    let run = place.run("evaluate p.modelyard");
    assert!(run.code == Some(1) && run.stderr.contains("changed since its import"), "{}", run.stderr);
}

/// The server's answer to an image is that of the batch, bit by bit; what is no image is refused.
fn served(place: &Place, data: &Path, line: &str) {
    let status = place.json("deploy p.modelyard");
    deployed(&status);
    let token = std::fs::read_to_string(status["token_file"].as_str().unwrap()).unwrap();
    let mut client = Client::connect(status["url"].as_str().unwrap(), &token).unwrap();
    let path = format!("/v1/models/{}:predict", status["deployment"].as_str().unwrap());
    let cells: Vec<&str> = line.split(',').collect();
    let image = uri(&data.join(cells[0]));
    let reply = client.post(&path, &json!({"instances": [{"image": image}, {"image": null}]})).good().json();
    for (class, cell) in ["0", "1", "7"].iter().zip(&cells[2..]) {
        let own = reply["predictions"][0]["probabilities"][class].as_f64().unwrap() as f32;
        assert_eq!(own.to_bits(), cell.parse::<f32>().unwrap().to_bits(), "{reply} {line}");
    }
    for wrong in [uri(&data.join("0/cut.png")), "0/0000.png".to_owned()] {
        let refused = client.post(&path, &json!({"instances": [{"image": wrong}]}));
        assert_eq!(refused.status, 400, "{}", refused.text());
    }
    let sent = place.json("simulate p.modelyard --requests 20");
    assert_eq!((&sent["answered"], &sent["failed"]), (&json!(20), &json!(0)), "{sent}");
    place.json("stop p.modelyard");
}

/// The image tells the digit's first bit, a number the second; both together the class.
#[test]
fn paths_beside_numbers_are_fused() {
    let place = Place::new();
    std::fs::create_dir(place.path("data")).unwrap();
    std::fs::rename(folder(&place), place.path("data/three")).unwrap();
    let data = place.path("data/three");
    let mut lines = vec!["photo,weight,class".to_owned()];
    for (at, class) in ["0", "1"].iter().enumerate() {
        for entry in std::fs::read_dir(data.join(class)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            for heavy in [0, 1] {
                let label = ["a", "b", "c", "d"][at * 2 + heavy];
                lines.push(format!("three/{class}/{name},{}.5,{label}", heavy * 10));
            }
        }
    }
    lines.extend(["../secret.png,0.5,a", "/etc/hostname.png,0.5,a"].map(str::to_owned));
    place.file("data/fused.csv", lines.join("\n"));
    place.file("secret.png", std::fs::read(first(&data.join("0"))).unwrap());
    let profile = place.json("profile data/fused.csv");
    let broken = finding(&profile, "broken_images");
    assert!(broken["examples"].to_string().contains("../secret.png: the path leads out"), "{broken}");
    place.json("new p.modelyard --data data/fused.csv --target class --metric accuracy");
    place.json(TRAIN);
    let evaluation = place.json("evaluate p.modelyard");
    let accuracy = metric(&evaluation["metrics"]["accuracy"], "accuracy");
    assert!(accuracy > 0.8, "neither column alone comes beyond one half: {accuracy}");
    let used: Vec<&Value> =
        list(&evaluation["importance"], "importance").iter().map(|own| &own["field"]).collect();
    assert_eq!(used.len(), 2, "{evaluation}");
}
