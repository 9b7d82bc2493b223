//! A text encoder through the loop: free text beside a number, its own tokenizer in the package, the same
//! bits from the batch and from the server, whatever the text is.

use crate::shapes::{deployed, metric, sha};
use serde_json::{Value, json};
use yard_tests::{http::Client, place::Place};

const TRAIN: &str = "train p.modelyard --family text --param width=16 --param blocks=1 --param epochs=8 \
                     --param pieces=200 --param max_pieces=16 --param learning_rate=0.005 --param dropout=0";

/// Whether "not" stands before "good" tells one half, whether the number is large the other.
fn data(place: &Place) {
    let mut lines = vec!["note,weight,class".to_owned()];
    let fillers = ["the soup", "our room", "this film", "a walk", "her song", "no lamp"];
    for at in 0..600_usize {
        let (negated, heavy) = (at % 2, at / 2 % 2);
        let first = fillers[at * 7 % 6];
        let end = fillers[(at / 3 + 1) % 6];
        let text = if negated == 1 { "was not good and" } else { "was good and not" };
        let class = ["a", "b", "c", "d"][negated * 2 + heavy];
        lines.push(format!(
            "{first} {text} {end} {} in the long evening of that day,{}.{},{class}",
            at % 50,
            heavy * 10,
            at % 9
        ));
    }
    place.file("data.csv", lines.join("\n"));
}

#[test]
fn free_text_beside_a_number_from_training_to_answers() {
    let place = Place::new();
    data(&place);
    place.json("new p.modelyard --data data.csv --target class --metric accuracy");
    let trained = place.json(&format!("{TRAIN} --threads 1"));
    assert_eq!(trained["family"], "text");
    let again = place.json(&format!("{TRAIN} --threads 2"));
    assert_eq!(sha(&trained["model_sha256"]), sha(&again["model_sha256"]));
    let evaluation = place.json("evaluate p.modelyard");
    let accuracy = metric(&evaluation["metrics"]["accuracy"], "accuracy");
    assert!(accuracy > 0.8, "neither column alone comes beyond one half: {accuracy}");
    place.json("package p.modelyard --out p.modelpack");
    assert_eq!(place.json("verify p.modelpack")["ok"], true);
    answers(&place);
}

/// The server's answers are those of the batch, bit by bit.
fn answers(place: &Place) {
    let long = "was not good and 漢 ".repeat(100_000 / 19);
    let texts = [
        json!("the soup was good"),
        Value::Null,
        json!(""),
        json!("\u{1f642} Ünï [CLS] 漢字\u{1}"),
        json!(long),
    ];
    let rows: Vec<Value> = texts.iter().map(|text| json!({"note": text, "weight": 10.5})).collect();
    let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
    place.file("rows.ndjson", lines.join("\n"));
    place.json("score p.modelpack --in rows.ndjson --out s.csv --reasons");
    let text = std::fs::read_to_string(place.path("s.csv")).unwrap();
    let head: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    assert!(head.contains(&"reason_note") && head.contains(&"reason_weight"), "{head:?}");
    let status = place.json("deploy p.modelyard");
    deployed(&status);
    let token = std::fs::read_to_string(status["token_file"].as_str().unwrap()).unwrap();
    let mut client = Client::connect(status["url"].as_str().unwrap(), &token).unwrap();
    let path = format!("/v1/models/{}:predict", status["deployment"].as_str().unwrap());
    let reply = client.post(&path, &json!({"instances": rows})).good().json();
    for (at, line) in text.lines().skip(1).enumerate() {
        let cells: Vec<&str> = line.split(',').collect();
        for class in ["a", "b", "c", "d"] {
            let cell = head.iter().position(|name| *name == format!("p_{class}")).unwrap();
            let own = reply["predictions"][at]["probabilities"][class].as_f64().unwrap() as f32;
            assert_eq!(own.to_bits(), cells[cell].parse::<f32>().unwrap().to_bits(), "{at} {class}");
        }
    }
    place.json("stop p.modelyard");
}

#[test]
fn tables_without_free_text_say_what_to_do() {
    let place = Place::new();
    place.file("data.csv", (0..60).fold("x,y\n".to_owned(), |all, at| format!("{all}{at},{}\n", at % 2)));
    place.json("new p.modelyard --data data.csv --target y");
    let _ = place.run("train p.modelyard --family text").exits(1).says(&["needs a column of free text"]);
}
