//! Which file of an MLflow model folder is the model: the `data` of a flavour that is data only. A folder whose flavours
//! run Python is refused, and so is a name that leads out of the folder. Knows nothing of file systems.
//! Format: `MLflow`, "MLflow Models", storage format of `MLmodel`.

use crate::error::ImportError;

/// Flavours that are read, the best first.
const FLAVOURS: [&str; 3] = ["onnx", "lightgbm", "xgboost"];
const WAY_OUT: &str = "an MLflow folder with the flavour onnx, lightgbm or xgboost: log the model with mlflow.onnx, \
                       mlflow.lightgbm or mlflow.xgboost";

/// Returns the name of the model's file in its folder, given the text of `MLmodel`.
pub fn mlflow_model_file(text: &str) -> Result<String, ImportError> {
    let mut found: Vec<(&str, &str)> = Vec::new();
    let (mut inside, mut flavour) = (false, "");
    let mut others = Vec::new();
    for line in text.lines().take(10_000) {
        let indent = line.len() - line.trim_start().len();
        match (indent, line.trim().split_once(':')) {
            (0, Some((key, _))) => inside = key == "flavors",
            (2, Some((key, ""))) if inside => {
                flavour = key;
                others.push(key);
            }
            (4, Some(("data", name))) if inside => {
                found.push((flavour, name.trim().trim_matches(['"', '\''])));
            }
            _ => {}
        }
    }
    let best = FLAVOURS.iter().find_map(|own| found.iter().find(|(flavour, _)| flavour == own));
    let Some((_, name)) = best else {
        let shown: String = others.join(", ").chars().take(80).collect();
        let found =
            format!("an MLflow folder with the flavours {shown:?}, which run Python when they are loaded");
        return Err(ImportError::Kind { found, expected: WAY_OUT });
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.is_empty() || name.len() > 128 || name.starts_with('.') || !name.chars().all(plain) {
        let shown: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
        return Err(ImportError::Malformed {
            format: "MLmodel",
            place: "data".to_owned(),
            problem: format!("the file {shown:?}"),
            expected: "a plain name of a file in the folder",
        });
    }
    Ok((*name).to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn file(flavours: &str) -> Result<String, String> {
        let text = format!("artifact_path: m\nflavors:\n{flavours}mlflow_version: 3.0.0\n");
        mlflow_model_file(&text).map_err(|error| error.to_string())
    }

    #[test]
    fn the_flavour_that_is_data_is_taken() {
        let python = "  python_function:\n    data: model.lgb\n    loader_module: mlflow.lightgbm\n";
        let own = "  lightgbm:\n    code: null\n    data: model.lgb\n";
        assert_eq!(file(&format!("{own}{python}")).unwrap(), "model.lgb");
        assert_eq!(file(&format!("{own}  onnx:\n    data: \"model.onnx\"\n")).unwrap(), "model.onnx");
    }

    #[test]
    fn folders_that_run_code_and_names_that_lead_out_are_refused() {
        let error =
            file("  python_function:\n    data: x\n  sklearn:\n    pickled_model: model.pkl\n").unwrap_err();
        assert!(error.contains("run Python") && error.contains("mlflow.onnx"), "{error}");
        for name in ["../model.onnx", "/etc/passwd", "a/b", "..", ".hidden", "C:\\m", ""] {
            assert!(file(&format!("  onnx:\n    data: {name}\n")).is_err(), "{name}");
        }
        assert!(mlflow_model_file("").is_err());
    }
}
