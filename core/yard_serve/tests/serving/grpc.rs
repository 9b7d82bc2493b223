//! gRPC gives the bits of the scorer and of REST, through the same guard, limits and log.

use crate::{
    client::TestServer,
    fixture::{Shape, churn, package, parts, requests},
    grpc_client::{Grpc, InferRequest, Requested, SERVICE},
    proto,
};
use hyper::body::Bytes;
use serde_json::{Map, Value, json};
use std::time::Duration;
use yard_score::scorer::Scorer;
use yard_serve::{Scope, method_table};
use yard_types::frame::Task;

pub(crate) fn started() -> TestServer {
    TestServer::with(|config| config.grpc = Some("127.0.0.1:0".to_owned()))
}

/// Elements of one input, in the datatype of the metadata: NaN and the empty text are missing values.
enum Elements {
    Numbers(Vec<f64>),
    Bools(Vec<bool>),
    Texts(Vec<String>),
}

fn elements(rows: &[Map<String, Value>], name: &str, datatype: &str) -> Elements {
    let cells = rows.iter().map(|row| row.get(name).unwrap_or(&Value::Null));
    match datatype {
        "FP64" => Elements::Numbers(cells.map(|cell| cell.as_f64().unwrap_or(f64::NAN)).collect()),
        "BOOL" => Elements::Bools(cells.map(|cell| cell.as_bool().unwrap()).collect()),
        _ => Elements::Texts(cells.map(|cell| cell.as_str().unwrap_or_default().to_owned()).collect()),
    }
}

fn raw(elements: &Elements) -> Bytes {
    match elements {
        Elements::Numbers(values) => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        Elements::Bools(values) => values.iter().map(|yes| u8::from(*yes)).collect(),
        Elements::Texts(values) => values
            .iter()
            .flat_map(|text| [&(text.len() as u32).to_le_bytes(), text.as_bytes()].concat())
            .collect(),
    }
}

fn contents(elements: Elements) -> proto::Contents {
    let none = proto::Contents::default();
    match elements {
        Elements::Numbers(fp64s) => proto::Contents { fp64s, ..none },
        Elements::Bools(bools) => proto::Contents { bools, ..none },
        Elements::Texts(texts) => {
            proto::Contents { texts: texts.into_iter().map(Bytes::from).collect(), ..none }
        }
    }
}

fn metadata(client: &mut Grpc, name: &str) -> proto::ModelMetadata {
    let asked = proto::ModelName { name: name.to_owned(), version: String::new() };
    client.call("ModelMetadata", &asked).read()
}

/// A request for some rows, with typed or raw contents.
fn request(info: &proto::ModelMetadata, rows: &[Map<String, Value>], as_raw: bool) -> InferRequest {
    let mut request =
        InferRequest { model_name: info.name.clone(), id: "r-7".to_owned(), ..InferRequest::default() };
    for input in &info.inputs {
        let elements = elements(rows, &input.name, &input.datatype);
        let mut tensor = proto::Tensor {
            name: input.name.clone(),
            datatype: input.datatype.clone(),
            shape: vec![rows.len() as i64, 1],
            ..proto::Tensor::default()
        };
        if as_raw {
            request.raw_input_contents.push(raw(&elements));
        } else {
            tensor.contents = Some(contents(elements));
        }
        request.inputs.push(tensor);
    }
    request
}

/// Numbers of an output, whichever way it came.
fn floats(reply: &proto::InferResponse, name: &str) -> Vec<f32> {
    let at = reply.outputs.iter().position(|output| output.name == name).unwrap();
    match reply.raw_output_contents.get(at) {
        Some(raw) => raw.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect(),
        None => reply.outputs[at].contents.as_ref().unwrap().fp32s.clone(),
    }
}

fn bits(values: impl IntoIterator<Item = f32>) -> Vec<u32> {
    values.into_iter().map(f32::to_bits).collect()
}

/// Sends rows in batches and compares each answer with the scorer's own, bit for bit.
fn compare(shape: Shape, client: &mut Grpc, rows: &[Map<String, Value>], batch: usize, as_raw: bool) {
    let scorer = Scorer::new(&parts(shape)).unwrap();
    let mut scratch = scorer.scratch();
    let info = metadata(client, shape.name);
    for chunk in rows.chunks(batch) {
        let reply: proto::InferResponse = client.infer(&request(&info, chunk, as_raw)).read();
        assert_eq!((reply.model_version.as_str(), reply.id.as_str()), ("1", "r-7"));
        assert_eq!(reply.raw_output_contents.is_empty(), !as_raw);
        let (mut margins, mut probabilities) = (Vec::new(), Vec::new());
        for row in chunk {
            let row = scorer.row_from_json(row).unwrap();
            let own = scorer.score_row(&row, &mut scratch).unwrap();
            margins.extend_from_slice(own.margins);
            probabilities.extend_from_slice(own.probabilities);
        }
        if shape.task == Task::Regression {
            assert_eq!(bits(floats(&reply, "prediction")), bits(margins));
            continue;
        }
        assert_eq!(bits(floats(&reply, "margin")), bits(margins));
        assert_eq!(bits(floats(&reply, "probability")), bits(probabilities));
    }
}

#[test]
fn ten_thousand_rows_have_the_scorers_bits_and_those_of_rest() {
    let server = started();
    let shape = churn(1);
    server.deploy(shape.name, &package(shape));
    let rows = requests(shape, 10_000, 23);
    let unseen = rows.iter().filter(|row| row["plan"] == "other\u{e9}").count();
    let missing = rows.iter().filter(|row| row["plan"].is_null() || row["amount_0"].is_null()).count();
    assert!(unseen > 1_000 && missing > 1_000);
    let mut client = Grpc::connect(&server, "infer");
    for (batch, as_raw) in [(1, true), (7, false), (7, true), (4_096, false), (4_096, true)] {
        compare(shape, &mut client, &rows, batch, as_raw);
    }
    let info = metadata(&mut client, shape.name);
    let mut rest = server.client("infer");
    for chunk in rows.chunks(4_096) {
        let reply: proto::InferResponse = client.infer(&request(&info, chunk, true)).read();
        let same = rest.post("/v1/models/churn:predict", &json!({"instances": chunk})).good().json();
        let p = |own: &Value| own["probabilities"]["yes"].as_f64().unwrap() as f32;
        let other = same["predictions"].as_array().unwrap().iter().map(p);
        let own = floats(&reply, "probability").chunks(2).map(|pair| pair[1]).collect::<Vec<f32>>();
        assert_eq!(bits(own), bits(other));
    }
}

#[test]
fn every_task_has_the_scorers_bits() {
    let server = started();
    let three = Shape { name: "grade", task: Task::Multiclass, trees: 30, ..churn(1) };
    for shape in [three, Shape { name: "price", task: Task::Regression, ..churn(1) }] {
        server.deploy(shape.name, &package(shape));
        let rows = requests(shape, 500, 5);
        for as_raw in [false, true] {
            compare(shape, &mut Grpc::connect(&server, "infer"), &rows, 100, as_raw);
        }
    }
}

#[test]
fn labels_and_decisions_in_both_forms() {
    let server = started();
    server.deploy("churn", &package(churn(1)));
    let mut client = Grpc::connect(&server, "infer");
    let info = metadata(&mut client, "churn");
    let rows = requests(churn(1), 50, 3);
    let mut asked = request(&info, &rows, false);
    asked.outputs = ["decision", "label"].map(|name| Requested { name: name.to_owned() }).to_vec();
    let typed: proto::InferResponse = client.infer(&asked).read();
    asked = InferRequest { outputs: asked.outputs, ..request(&info, &rows, true) };
    let raw: proto::InferResponse = client.infer(&asked).read();
    let names: Vec<&str> = typed.outputs.iter().map(|output| output.name.as_str()).collect();
    assert_eq!(names, ["decision", "label"]);
    let own = |at: usize| typed.outputs[at].contents.as_ref().unwrap();
    assert_eq!(own(0).bools.len(), 50);
    let decisions: Vec<u8> = own(0).bools.iter().map(|yes| u8::from(*yes)).collect();
    assert_eq!(raw.raw_output_contents[0], decisions);
    let labels: Vec<u8> = own(1)
        .texts
        .iter()
        .flat_map(|text| [&(text.len() as u32).to_le_bytes()[..], text].concat())
        .collect();
    assert_eq!(raw.raw_output_contents[1], labels);
    assert!(own(1).texts.iter().all(|text| text == "yes" || text == "no"));
}

#[test]
fn states_metadata_and_statistics() {
    let server = started();
    server.deploy("churn", &package(churn(3)));
    let mut client = Grpc::connect(&server, "manage");
    let nothing = proto::ModelName::default();
    assert!(client.call("ServerLive", &nothing).read::<proto::Yes>().yes);
    assert!(client.call("ServerReady", &nothing).read::<proto::Yes>().yes);
    let health = client.raw("/grpc.health.v1.Health/Check", b"").read::<proto::HealthResponse>();
    assert_eq!(health.status, 1);
    let about: proto::ServerMetadata = client.call("ServerMetadata", &nothing).read();
    assert_eq!(about.name, "modelyard");
    let info = metadata(&mut client, "churn");
    assert_eq!((info.platform.as_str(), &info.versions), ("modelyard_safetensors", &vec!["3".to_owned()]));
    assert_eq!((info.inputs.len(), info.outputs.len()), (8, 4));
    assert_eq!(info.outputs[0].shape, [-1, 2]);
    let named = |version: &str| proto::ModelName { name: "churn".to_owned(), version: version.to_owned() };
    assert!(client.call("ModelReady", &named("3")).read::<proto::Yes>().yes);
    assert!(!client.call("ModelReady", &named("4")).read::<proto::Yes>().yes);
    assert_eq!(client.call("ModelMetadata", &named("03")).code, 5);

    let rows = requests(churn(1), 6, 3);
    client.infer(&request(&info, &rows, true)).read::<proto::InferResponse>();
    let stats: proto::StatisticsResponse = client.call("ModelStatistics", &named("")).read();
    let own = &stats.model_stats[0];
    assert_eq!((own.version.as_str(), own.inference_count, own.execution_count), ("3", 6, 1));
    let rest = server.client("observe").get("/v2/models/churn/versions/3/stats").good().json();
    assert_eq!(rest["model_stats"][0]["inference_count"], 6);
    let log = server.client("manage").get("/manage/models/churn/log").good().text();
    assert!(log.contains("\"r-7\""), "{log}");
    let metrics = server.client("observe").get("/metrics").good().text();
    assert!(metrics.contains("version=\"3\",route=\"grpc\",code=\"200\"} 1\n"), "{metrics}");

    let index = |client: &mut Grpc, ready| {
        let asked = proto::IndexRequest { ready, ..proto::IndexRequest::default() };
        client.call("RepositoryIndex", &asked).read::<proto::IndexResponse>().models
    };
    assert_eq!(index(&mut client, true)[0].state, "READY");
    let churn = proto::RepositoryModel { model_name: "churn".to_owned(), ..Default::default() };
    assert_eq!(client.call("RepositoryModelUnload", &churn).code, 0);
    assert!(!client.call("ModelReady", &named("")).read::<proto::Yes>().yes);
    assert!(index(&mut client, true).is_empty());
    assert_eq!(index(&mut client, false).len(), 1);
    assert_eq!(client.infer(&request(&info, &rows, true)).code, 14);
    let mut rest = server.client("manage");
    rest.post("/v2/repository/models/churn/load", &json!({})).good();
    assert_eq!(rest.post("/v2/repository/index", &json!({"ready": true})).good().json()[0]["state"], "READY");
    client.infer(&request(&info, &rows, true)).read::<proto::InferResponse>();
}

#[test]
fn every_cell_of_method_and_scope() {
    let server = started();
    let mut cells = 0;
    for method in method_table() {
        let tokens = [None, Some(Scope::Infer), Some(Scope::Observe), Some(Scope::Manage)];
        for scope in tokens {
            let mut client = Grpc::connect(&server, scope.map_or("", Scope::word));
            let code = client.raw(method.path, b"").code;
            let cell = format!("{} {scope:?}: {code}", method.path);
            let open = method.scopes.is_empty() || scope.is_some_and(|own| own.opens(method.scopes));
            match scope {
                _ if open => assert!(![7, 12, 16].contains(&code), "{cell}"),
                None => assert_eq!(code, 16, "{cell}"),
                Some(_) => assert_eq!(code, 7, "{cell}"),
            }
            cells += 1;
        }
    }
    assert_eq!(cells, 11 * 4);
    let mut client = Grpc::connect(&server, "infer");
    let unknown = format!("{SERVICE}Nothing");
    assert_eq!(client.raw(&unknown, b"").code, 12);
    client.token = "0".repeat(64);
    assert_eq!(client.raw(&unknown, b"").code, 16);
}

#[test]
fn only_own_names_and_no_web_pages() {
    let server = started();
    let live = format!("{SERVICE}ServerLive");
    let mut client = Grpc::connect(&server, "manage");
    client.authority = "evil.example:80".to_owned();
    assert_eq!(client.raw(&live, b"").code, 7);
    client.authority = "localhost:80".to_owned();
    assert_eq!(client.raw(&live, b"").code, 0);
    client.headers = vec![("host", "evil.example".to_owned())];
    assert_eq!(client.raw(&live, b"").code, 7);
    client.headers = vec![("origin", "http://localhost".to_owned())];
    assert_eq!(client.raw(&live, b"").code, 7);
}

#[test]
fn limits_of_size_time_and_queue() {
    let server = TestServer::with(|config| {
        config.grpc = Some("127.0.0.1:0".to_owned());
        config.limits.body_bytes = 100_000;
        config.limits.rows = 100;
    });
    server.deploy("churn", &package(churn(1)));
    let mut client = Grpc::connect(&server, "infer");
    let info = metadata(&mut client, "churn");
    let good = request(&info, &requests(churn(1), 2, 3), true);
    let reply = client.raw(&format!("{SERVICE}ModelInfer"), &vec![0; 100_001]);
    assert_eq!(reply.code, 8, "{}", reply.message);
    assert_eq!(client.infer(&request(&info, &requests(churn(1), 101, 3), true)).code, 3);
    client.compressed = 1;
    assert!([12, 13].contains(&client.infer(&good).code));
    client.compressed = 0;
    client.headers = vec![("grpc-encoding", "gzip".to_owned())];
    assert_eq!(client.infer(&good).code, 12);
    for (timeout, code) in [("1n", 4), ("5S", 0), ("5", 3), ("S", 3), ("123456789S", 3)] {
        client.headers = vec![("grpc-timeout", timeout.to_owned())];
        assert_eq!(client.infer(&good).code, code, "{timeout}");
    }
}

#[test]
fn a_full_queue_sends_away() {
    let server = TestServer::with(|config| {
        config.grpc = Some("127.0.0.1:0".to_owned());
        config.limits.in_flight = 1;
        config.limits.queue = 0;
        config.limits.body_timeout = Duration::from_secs(2);
    });
    server.deploy("churn", &package(churn(1)));
    let mut held = server.client("infer");
    let head = held.head("POST", "/v1/models/churn:predict", 100, "");
    std::io::Write::write_all(held.stream(), head.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let mut client = Grpc::connect(&server, "infer");
    let info = metadata(&mut client, "churn");
    assert_eq!(client.infer(&request(&info, &requests(churn(1), 1, 3), true)).code, 8);
    assert_eq!(held.read().unwrap().status, 408);
    assert_eq!(client.infer(&request(&info, &requests(churn(1), 1, 3), true)).code, 0);
}

/// Damages a good request of two rows, typed or raw, and checks status and message of the refusal.
fn refused(client: &mut Grpc, damaged: (bool, &dyn Fn(&mut InferRequest)), code: u32, part: &str) {
    let info = metadata(client, "churn");
    let mut asked = request(&info, &requests(churn(1), 2, 3), damaged.0);
    damaged.1(&mut asked);
    let reply = client.infer(&asked);
    assert_eq!(reply.code, code, "{part}: {}", reply.message);
    assert!(reply.message.contains(part), "{part}: {}", reply.message);
}

#[test]
fn wrong_elements_and_shapes_are_rejected() {
    let server = started();
    server.deploy("churn", &package(churn(1)));
    let mut client = Grpc::connect(&server, "infer");
    let mut check = |as_raw: bool, code: u32, part: &str, damage: &dyn Fn(&mut InferRequest)| {
        refused(&mut client, (as_raw, damage), code, part);
    };
    let typed = |asked: &mut InferRequest, change: &dyn Fn(&mut proto::Contents)| {
        change(asked.inputs[0].contents.as_mut().unwrap());
    };
    check(false, 3, "expected 2 elements for shape [2,1], got 3", &|r| typed(r, &|c| c.fp64s.push(1.0)));
    check(false, 3, "got 1", &|r| typed(r, &|c| c.fp64s.truncate(1)));
    check(true, 3, "expected 16 bytes for 2 elements of FP64, got 8", &|r| {
        r.raw_input_contents[0].truncate(8);
    });
    check(true, 3, "expected 16 bytes", &|r| r.raw_input_contents[0] = vec![0; 24].into());
    check(true, 3, "at least 0, got -2", &|r| r.inputs[0].shape = vec![-2]);
    check(true, 3, "overflows", &|r| r.inputs[0].shape = vec![1 << 62, 4]);
    check(true, 3, "more than 8 dimensions", &|r| r.inputs[0].shape = vec![1; 9]);
    check(true, 3, "expected shape [n,1] or [n]", &|r| r.inputs[0].shape = vec![2, 2]);
    check(true, 3, "expected shape [n,1] or [n]", &|r| r.inputs[0].shape.clear());
    check(true, 3, "at most 100000", &|r| r.inputs[0].shape = vec![100_001]);
    check(true, 3, "can't be in a body", &|r| r.inputs[0].shape = vec![100_000]);
    check(true, 3, "has 1 rows", &|r| r.inputs[1].shape = vec![1]);
    check(false, 3, "expected UINT8, got 300", &|r| {
        r.inputs[0].datatype = "UINT8".to_owned();
        typed(r, &|c| (c.fp64s, c.uints) = (Vec::new(), vec![1, 300]));
    });
    check(false, 3, "expected INT8, got -129", &|r| {
        r.inputs[0].datatype = "INT8".to_owned();
        typed(r, &|c| (c.fp64s, c.ints) = (Vec::new(), vec![1, -129]));
    });
    check(false, 3, "belong in int64_contents, not in fp64_contents", &|r| {
        r.inputs[0].datatype = "INT64".to_owned();
    });
    check(false, 3, "FP16 needs raw contents", &|r| r.inputs[0].datatype = "FP16".to_owned());
    check(false, 3, "datatype 'FP128' is unknown", &|r| r.inputs[0].datatype = "FP128".to_owned());
}

#[test]
fn wrong_requests_are_rejected() {
    let server = started();
    server.deploy("churn", &package(churn(1)));
    let mut client = Grpc::connect(&server, "infer");
    let mut check = |as_raw: bool, code: u32, part: &str, damage: &dyn Fn(&mut InferRequest)| {
        refused(&mut client, (as_raw, damage), code, part);
    };
    check(true, 3, "give one", &|r| r.inputs[0].contents = Some(proto::Contents::default()));
    check(true, 3, "one element for each of the 8 inputs, got 7", &|r| {
        r.raw_input_contents.pop();
    });
    check(true, 3, "is missing; give every input", &|r| {
        r.inputs.remove(0);
        r.raw_input_contents.remove(0);
    });
    check(true, 3, "no name", &|r| r.inputs[0].name.clear());
    check(true, 3, "input 'zip' is unknown", &|r| r.inputs[0].name = "zip".to_owned());
    check(true, 3, "is given twice", &|r| r.inputs[1].name = r.inputs[0].name.clone());
    let ask = |r: &mut InferRequest, names: &[&str]| {
        r.outputs = names.iter().map(|name| Requested { name: (*name).to_owned() }).collect();
    };
    check(true, 3, "output 'nothing' is unknown", &|r| ask(r, &["nothing"]));
    check(true, 3, "asked for twice", &|r| ask(r, &["label", "label"]));
    check(false, 3, "a string with NUL", &|r| {
        r.inputs[5].contents.as_mut().unwrap().texts[1] = Bytes::from_static(b"a\0b");
    });
    check(false, 3, "not UTF-8", &|r| {
        r.inputs[5].contents.as_mut().unwrap().texts[1] = Bytes::from_static(b"\xff");
    });
    check(true, 3, "a length beyond the data", &|r| {
        r.raw_input_contents[5] = Bytes::from_static(b"\xff\xff\xff\xffab\0\0");
    });
    check(true, 3, "got the byte 2", &|r| r.raw_input_contents[6] = Bytes::from_static(b"\x02\0"));
    check(true, 3, "request id", &|r| r.id = "x".repeat(129));
    for name in ["", " ", "a/b", "..", "%2e%2e", "Churn"] {
        check(true, 5, "is unknown", &|r| name.clone_into(&mut r.model_name));
    }
    for version in ["2", "01", "-1", "x", "99999999999999999999"] {
        check(true, 5, "version", &|r| version.clone_into(&mut r.model_version));
    }
}

#[test]
fn damaged_messages_are_rejected_and_every_float_is_taken() {
    let server = started();
    server.deploy("churn", &package(churn(1)));
    let mut client = Grpc::connect(&server, "infer");
    let info = metadata(&mut client, "churn");
    let rows = requests(churn(1), 2, 3);
    let mut damaged = prost::Message::encode_to_vec(&request(&info, &rows, true));
    damaged.pop();
    let reply = client.raw(&format!("{SERVICE}ModelInfer"), &damaged);
    assert_eq!((reply.code, reply.message.contains("not valid protobuf")), (3, true), "{}", reply.message);
    // NaN and infinities are numbers: missing, and beyond every threshold.
    let mut asked = request(&info, &rows, false);
    asked.inputs[0].contents.as_mut().unwrap().fp64s = vec![f64::NAN, f64::INFINITY];
    client.infer(&asked).read::<proto::InferResponse>();
}

#[test]
fn a_shadow_scores_grpc_requests() {
    let server = started();
    server.deploy("churn", &package(churn(1)));
    let mut manage = server.client("manage");
    manage.upload("churn", &package(churn(2))).good();
    let canary = json!({"version": 2, "percent": 0, "shadow": true});
    manage.post("/manage/models/churn/route", &json!({"canary": canary})).good();
    let mut client = Grpc::connect(&server, "infer");
    let info = metadata(&mut client, "churn");
    client.infer(&request(&info, &requests(churn(1), 40, 3), true)).read::<proto::InferResponse>();
    let shown = manage.get("/manage/models/churn").good().json();
    assert_eq!((&shown["shadow"]["rows"], &shown["shadow"]["errors"]), (&json!(40), &json!(0)), "{shown}");
}
