//! PMML 4.4 of trees and linear models: a chain of a sum for each margin and of the function that makes
//! probabilities of margins, calibration included. Sums are in f64, exact for leaves on their grid.
//! Format: Data Mining Group, "PMML 4.4.1".

mod fields;
#[cfg(test)]
mod tests;
mod trees;
mod xml;

use crate::{error::ExportError, exported::Exported, subject::Subject};
use std::collections::BTreeMap;
use xml::Xml;
use yard_score::model::{LinearModel, Link, Model};
use yard_types::{recipe::FeatureOp, schema::FieldType};

const USAGE: &str = "\
Runs in evaluators of PMML 4.4. The fields are those of the data dictionary; parts of dates are fields of their own.
";

/// Exports the document.
pub(crate) fn export(subject: &Subject<'_>) -> Result<Exported, ExportError> {
    check(subject)?;
    let mut notes = subject.reading_notes();
    notes.retain(|note| !note.contains("microseconds"));
    notes.push("The threshold of the decision is not kept: compare the probability with it.".to_owned());
    if subject.parts.recipe.inputs.iter().any(|input| input.field_type == FieldType::Datetime) {
        notes.push(
            "Parts of dates are given as numbers (UTC, Monday is 0): a PMML document has no calendar."
                .to_owned(),
        );
    }
    let mut xml = Xml::default();
    let target = &subject.contract.target;
    xml.open("PMML", &[("xmlns", "http://www.dmg.org/PMML-4_4"), ("version", "4.4")]);
    xml.open("Header", &[("description", subject.name())]);
    xml.empty("Application", &[("name", "modelyard"), ("version", env!("CARGO_PKG_VERSION"))]);
    xml.close();
    fields::dictionary(&mut xml, subject, target);
    fields::transformations(&mut xml, subject);
    chain(&mut xml, subject);
    let readme = subject.readme("PMML document", USAGE, &notes);
    let files = BTreeMap::from([
        ("model.pmml".to_owned(), xml.finish()),
        ("README.md".to_owned(), readme.into_bytes()),
    ]);
    Ok(Exported { files, main: Some("model.pmml"), notes })
}

fn check(subject: &Subject<'_>) -> Result<(), ExportError> {
    let refuse =
        |what: String, lost| Err(ExportError::Unsupported { format: "PMML", what, lost, instead: "onnx" });
    if !matches!(subject.parts.model, Model::Trees(_) | Model::Linear(_)) {
        return refuse(subject.family().to_owned(), "it holds trees and linear models");
    }
    let inputs = &subject.parts.recipe.inputs;
    for feature in &subject.parts.recipe.features {
        let date =
            inputs.get(feature.input as usize).is_some_and(|own| own.field_type == FieldType::Datetime);
        let known = match feature.op {
            FeatureOp::MissingFlag => !date || fields::first_part(subject, feature).is_some(),
            FeatureOp::Number { .. }
            | FeatureOp::Code
            | FeatureOp::OneHot { .. }
            | FeatureOp::Date { .. } => true,
            _ => false,
        };
        if !known {
            return refuse(format!("the feature `{}`", feature.name), "its computation");
        }
    }
    Ok(())
}

fn function(subject: &Subject<'_>) -> &'static str {
    if subject.parts.classes.is_empty() { "regression" } else { "classification" }
}

fn schema(xml: &mut Xml, subject: &Subject<'_>, target: Option<&str>) {
    xml.open("MiningSchema", &[]);
    if let Some(target) = target {
        xml.empty("MiningField", &[("name", target), ("usageType", "target")]);
    }
    for (name, ..) in fields::columns(subject) {
        let attributes = [("name", name.as_str()), ("invalidValueTreatment", "asIs")];
        xml.empty("MiningField", &attributes);
    }
    xml.close();
}

fn margin_name(output: usize) -> String {
    format!("margin {output}")
}

/// A chain: the margins, then what is made of them.
fn chain(xml: &mut Xml, subject: &Subject<'_>) {
    let target = &subject.contract.target;
    xml.open("MiningModel", &[("functionName", function(subject))]);
    schema(xml, subject, Some(target));
    xml.open("Segmentation", &[("multipleModelMethod", "modelChain")]);
    let outputs = subject.parts.model.outputs();
    for output in 0..outputs {
        xml.open("Segment", &[("id", &format!("m{output}"))]);
        xml.empty("True", &[]);
        match &subject.parts.model {
            Model::Trees(model) => trees::sum(xml, subject, (model, output)),
            Model::Linear(model) => linear(xml, subject, (model, output)),
            _ => {}
        }
        xml.close();
    }
    xml.open("Segment", &[("id", "answer")]);
    xml.empty("True", &[]);
    answer(xml, subject, outputs);
    xml.close();
    xml.close();
    xml.close();
}

/// Declares the margin as an output.
fn output(xml: &mut Xml, output: usize) {
    xml.open("Output", &[]);
    let name = margin_name(output);
    let attributes = [
        ("name", name.as_str()),
        ("optype", "continuous"),
        ("dataType", "double"),
        ("feature", "predictedValue"),
        ("isFinalResult", "false"),
    ];
    xml.empty("OutputField", &attributes);
    xml.close();
}

fn linear(xml: &mut Xml, subject: &Subject<'_>, (model, index): (&LinearModel, usize)) {
    xml.open("RegressionModel", &[("functionName", "regression")]);
    schema(xml, subject, None);
    output(xml, index);
    let bias = model.bias.get(index).copied().unwrap_or(0.0);
    xml.open("RegressionTable", &[("intercept", &format!("{:?}", f64::from(bias)))]);
    let width = model.n_features as usize;
    for (feature, weight) in model.weights.iter().skip(index * width).take(width).enumerate() {
        let coefficient = format!("{:?}", f64::from(*weight));
        let name = fields::feature_name(subject, feature);
        xml.empty("NumericPredictor", &[("name", &name), ("coefficient", &coefficient)]);
    }
    xml.close();
    xml.close();
}

fn answer(xml: &mut Xml, subject: &Subject<'_>, outputs: usize) {
    let (slope, intercept) = subject.calibration();
    let link = match subject.parts.link {
        Link::Identity => "none",
        Link::Log => "exp",
        Link::Logistic => "logit",
        Link::Softmax => "softmax",
    };
    xml.open("RegressionModel", &[("functionName", function(subject)), ("normalizationMethod", link)]);
    xml.open("MiningSchema", &[]);
    xml.empty("MiningField", &[("name", &subject.contract.target), ("usageType", "target")]);
    (0..outputs).for_each(|output| xml.empty("MiningField", &[("name", &margin_name(output))]));
    xml.close();
    let classes = &subject.parts.classes;
    if !classes.is_empty() {
        xml.open("Output", &[]);
        for class in classes {
            let name = format!("probability({class})");
            let attributes = [
                ("name", name.as_str()),
                ("optype", "continuous"),
                ("dataType", "double"),
                ("feature", "probability"),
                ("value", class),
            ];
            xml.empty("OutputField", &attributes);
        }
        xml.close();
    }
    let table = |xml: &mut Xml, class: Option<&str>, margin: usize| {
        let intercept = format!("{intercept:?}");
        let mut attributes = vec![("intercept", intercept.as_str())];
        attributes.extend(class.map(|class| ("targetCategory", class)));
        xml.open("RegressionTable", &attributes);
        let slope = format!("{slope:?}");
        xml.empty("NumericPredictor", &[("name", &margin_name(margin)), ("coefficient", &slope)]);
        xml.close();
    };
    match (subject.parts.link, classes.as_slice()) {
        (Link::Logistic, [negative, positive]) => {
            table(xml, Some(positive), 0);
            xml.empty("RegressionTable", &[("intercept", "0"), ("targetCategory", negative)]);
        }
        (Link::Softmax, classes) => {
            classes.iter().enumerate().for_each(|(output, class)| table(xml, Some(class), output));
        }
        _ => table(xml, None, 0),
    }
    xml.close();
}
