#![allow(clippy::unwrap_used)]

use crate::{
    Exported, Format,
    testing::{FAMILIES, TASKS, package, parts},
};
use yard_score::model::{EnsembleModel, Link, Member, Model, ScorerParts};
use yard_types::{frame::Task, run::Family};

fn exported(family: Family, task: Task, format: Format) -> Exported {
    crate::export(package(parts(5, family, task)).bytes().to_vec(), format).unwrap()
}

fn text(exported: &Exported, name: &str) -> String {
    String::from_utf8(exported.files[name].clone()).unwrap()
}

#[test]
fn every_format_holds_every_model_or_says_which_does() {
    for family in FAMILIES {
        for task in TASKS {
            for format in Format::ALL {
                let package = package(parts(5, family, task));
                match crate::export(package.bytes().to_vec(), format) {
                    Ok(exported) => {
                        assert!(exported.files.contains_key("README.md"), "{format:?}");
                        assert!(exported.bytes() > 500 && !exported.notes.is_empty(), "{format:?}");
                        for path in exported.files.keys() {
                            let inside = !path.starts_with('/') && path.split('/').all(|part| part != "..");
                            assert!(inside && !path.contains('\\'), "{path}");
                        }
                    }
                    Err(error) if format == Format::Container => {
                        assert!(error.to_string().contains("--scorer"), "{error}");
                    }
                    Err(error) => {
                        let refused = match format {
                            Format::LightGbm => family != Family::Boosting,
                            Format::Wasm | Format::Pmml => family == Family::Mlp,
                            _ => false,
                        };
                        assert!(refused, "{format:?} {family:?}");
                        assert!(error.to_string().contains("export as"), "{error}");
                    }
                }
            }
        }
    }
}

#[test]
fn an_ensemble_is_one_graph_and_no_source() {
    let mut sum = parts(5, Family::Linear, Task::Binary);
    let Model::Linear(linear) = sum.model.clone() else { return };
    let member = Member { first: 0, n_features: linear.n_features, scale: 0.5, model: Model::Linear(linear) };
    sum.model = Model::Ensemble(EnsembleModel { members: vec![member.clone(), member], bias: vec![0.125] });
    let bytes = package(sum).bytes().to_vec();
    assert!(crate::export(bytes.clone(), Format::Onnx).unwrap().bytes() > 1_000);
    for format in [Format::C, Format::LightGbm] {
        let error = crate::export(bytes.clone(), format).unwrap_err().to_string();
        assert!(error.contains("can't hold an ensemble") && error.contains("export as onnx"), "{error}");
    }
}

#[test]
fn a_damaged_package_is_not_exported() {
    let mut bytes = package(parts(5, Family::Boosting, Task::Binary)).bytes().to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let error = crate::export(bytes, Format::Onnx).unwrap_err().to_string();
    assert!(error.starts_with("the package can't be exported"), "{error}");
}

#[test]
fn an_unknown_format_lists_those_there_are() {
    let error = Format::from_word("pickle").unwrap_err().to_string();
    for format in Format::ALL {
        assert!(error.contains(format.word()), "{error}");
        assert_eq!(Format::from_word(format.word()).unwrap(), format);
    }
}

#[test]
fn triton_repository() {
    let exported = exported(Family::Boosting, Task::Binary, Format::Triton);
    let config = text(&exported, "offers/config.pbtxt");
    assert!(exported.files.contains_key("offers/3/model.onnx"));
    assert_eq!(text(&exported, "offers/labels.txt"), "no\nyes\n");
    for line in [
        "name: \"offers\"",
        "backend: \"onnxruntime\"",
        "  name: \"Farbe \\303\\274\"\n  data_type: TYPE_STRING\n  dims: 1",
        "  name: \"day\"\n  data_type: TYPE_INT64",
        "  name: \"decision\"\n  data_type: TYPE_BOOL",
        "key: \"threshold\" value { string_value: \"0.25\" }",
    ] {
        assert!(config.contains(line), "{line} is not in\n{config}");
    }
    // Six inputs, one file each: strings with their length before them, numbers of eight bytes.
    for index in [0, 2, 3, 4, 5] {
        assert_eq!(exported.files[&format!("offers/warmup/input_{index}")].len(), 8);
    }
    let word = &exported.files["offers/warmup/input_1"];
    let length = u32::from_le_bytes(word[..4].try_into().unwrap());
    assert_eq!(word.len(), 4 + length as usize);
}

#[test]
fn mlflow_folder() {
    let exported = exported(Family::Linear, Task::Multiclass, Format::Mlflow);
    let model = text(&exported, "MLmodel");
    let quoted = |key: &str| -> serde_json::Value {
        let line = model.lines().find_map(|line| line.trim().strip_prefix(key)).unwrap();
        let inside = line.trim().trim_matches('\'').replace("''", "'");
        serde_json::from_str(&inside).unwrap()
    };
    let inputs = quoted("inputs:");
    assert_eq!(inputs[1]["name"], "Farbe ü");
    assert_eq!((&inputs[1]["type"], &inputs[5]["type"]), (&"string".into(), &"long".into()));
    assert_eq!(quoted("outputs:").as_array().unwrap().len(), 7);
    assert!(model.contains("loader_module: mlflow.onnx") && !model.contains("pickle"));
    let example: serde_json::Value = serde_json::from_slice(&exported.files["input_example.json"]).unwrap();
    assert_eq!(example["columns"].as_array().unwrap().len(), 6);
    assert!(!example["data"].as_array().unwrap().is_empty());
}

#[test]
fn manifests_name_the_model_and_its_threshold() {
    let kserve = exported(Family::Boosting, Task::Binary, Format::Kserve);
    let service = text(&kserve, "inferenceservice.yaml");
    assert!(
        service.contains("kind: InferenceService") && service.contains("storageUri: pvc://models/offers/3")
    );
    assert!(!service.contains("canaryTrafficPercent"));
    assert!(
        text(&kserve, "inferenceservice-canary.yaml").contains("    canaryTrafficPercent: 10\n    model:")
    );
    assert!(text(&kserve, "canary-route.yaml").contains("weight: 90"));
    let cluster = exported(Family::Boosting, Task::Binary, Format::Kubernetes);
    assert!(cluster.files.contains_key("models/offers/config.pbtxt"));
    let deployment = text(&cluster, "deployment.yaml");
    assert!(deployment.contains("kind: Deployment\nmetadata:\n  name: offers\n"));
    assert!(
        deployment.contains("modelyard/threshold: \"0.25\"") && deployment.contains("runAsNonRoot: true")
    );
}

#[test]
fn a_log_link_survives_where_it_can() {
    let parts = ScorerParts { link: Link::Log, ..parts(5, Family::Boosting, Task::Regression) };
    let bytes = package(parts).bytes().to_vec();
    let text_model = crate::export(bytes.clone(), Format::LightGbm).unwrap();
    assert!(text(&text_model, "model.txt").contains("\nobjective=poisson\n"));
    let triton = crate::export(bytes, Format::Triton).unwrap();
    assert!(text(&triton, "offers/config.pbtxt").contains("name: \"prediction\""));
    assert!(!triton.files.contains_key("offers/labels.txt"));
}
