//! Fields and features in PMML: numbers, flags and one-hot columns are derived fields; categories are asked for
//! by the splits themselves; parts of dates are fields of their own, as PMML has no UTC calendar.

use super::xml::Xml;
use crate::subject::Subject;
use yard_types::{
    recipe::{Feature, FeatureOp, FittedInput, Scale},
    schema::FieldType,
};

/// Returns the name of the field that a feature stands for.
pub(super) fn feature_name(subject: &Subject<'_>, index: usize) -> String {
    let recipe = &subject.parts.recipe;
    let Some(feature) = recipe.features.get(index) else { return String::new() };
    match (&feature.op, recipe.inputs.get(feature.input as usize)) {
        (FeatureOp::Code, Some(input)) => input.name.clone(),
        _ => format!("feature {index}"),
    }
}

/// Returns the name of the field that holds a part of a date.
fn part_name(input: &FittedInput, op: &FeatureOp) -> Option<String> {
    match op {
        FeatureOp::Date { part, .. } => Some(format!("{} {}", input.name, part.word())),
        _ => None,
    }
}

/// Lists the fields that a row has: name, type and words for missing.
pub(super) fn columns<'a>(subject: &Subject<'a>) -> Vec<(String, &'static str, &'a [String])> {
    let recipe = &subject.parts.recipe;
    let mut out: Vec<(String, &'static str, &[String])> = Vec::new();
    for (index, input) in recipe.inputs.iter().enumerate() {
        let nulls = input.rules.null_words.as_slice();
        match input.field_type {
            FieldType::Category | FieldType::Text => out.push((input.name.clone(), "string", nulls)),
            FieldType::Datetime => {
                let own = recipe.features.iter().filter(|feature| feature.input as usize == index);
                for name in own.filter_map(|feature| part_name(input, &feature.op)) {
                    if out.iter().all(|(known, ..)| *known != name) {
                        out.push((name, "double", &[]));
                    }
                }
            }
            _ => out.push((input.name.clone(), "double", nulls)),
        }
    }
    out
}

pub(super) fn dictionary(xml: &mut Xml, subject: &Subject<'_>, target: &str) {
    xml.open("DataDictionary", &[]);
    for (name, kind, nulls) in columns(subject) {
        let optype = if kind == "string" { "categorical" } else { "continuous" };
        xml.open("DataField", &[("name", &name), ("optype", optype), ("dataType", kind)]);
        for word in nulls {
            xml.empty("Value", &[("value", word), ("property", "missing")]);
        }
        xml.close();
    }
    let classes = &subject.parts.classes;
    if classes.is_empty() {
        xml.empty("DataField", &[("name", target), ("optype", "continuous"), ("dataType", "double")]);
    } else {
        xml.open("DataField", &[("name", target), ("optype", "categorical"), ("dataType", "string")]);
        for class in classes {
            xml.empty("Value", &[("value", class)]);
        }
        xml.close();
    }
    xml.close();
}

/// Writes the derived fields.
pub(super) fn transformations(xml: &mut Xml, subject: &Subject<'_>) {
    let recipe = &subject.parts.recipe;
    xml.open("TransformationDictionary", &[]);
    for (index, feature) in recipe.features.iter().enumerate() {
        let Some(input) = recipe.inputs.get(feature.input as usize) else { continue };
        if feature.op == FeatureOp::Code {
            continue;
        }
        let name = feature_name(subject, index);
        xml.open("DerivedField", &[("name", &name), ("optype", "continuous"), ("dataType", "float")]);
        derived(xml, subject, (input, feature));
        xml.close();
    }
    xml.close();
}

fn constant(xml: &mut Xml, value: f64) {
    xml.text("Constant", &[("dataType", "double")], &format!("{value:?}"));
}

/// Returns the field that tells whether a date is missing: the first of its parts.
pub(super) fn first_part(subject: &Subject<'_>, feature: &Feature) -> Option<String> {
    let recipe = &subject.parts.recipe;
    let input = recipe.inputs.get(feature.input as usize)?;
    let mut own = recipe.features.iter().filter(|other| other.input == feature.input);
    own.find_map(|other| part_name(input, &other.op))
}

fn derived(xml: &mut Xml, subject: &Subject<'_>, (input, feature): (&FittedInput, &Feature)) {
    let own = part_name(input, &feature.op).unwrap_or_else(|| input.name.clone());
    match &feature.op {
        FeatureOp::Number { fill, scale } | FeatureOp::Date { fill, scale, .. } => {
            number(xml, &own, (*fill, *scale));
        }
        FeatureOp::OneHot { code } => one_hot(xml, input, *code),
        _ => {
            let own = first_part(subject, feature).unwrap_or(own);
            missing_or(xml, &own, 1.0, |xml| constant(xml, 0.0));
        }
    }
}

/// `if(isMissing(field), value, otherwise)`.
fn missing_or(xml: &mut Xml, field: &str, value: f64, otherwise: impl FnOnce(&mut Xml)) {
    xml.open("Apply", &[("function", "if")]);
    xml.open("Apply", &[("function", "isMissing")]);
    xml.empty("FieldRef", &[("field", field)]);
    xml.close();
    constant(xml, value);
    otherwise(xml);
    xml.close();
}

fn number(xml: &mut Xml, field: &str, (fill, scale): (Option<f64>, Option<Scale>)) {
    if let Some(scale) = scale {
        xml.open("Apply", &[("function", "*")]);
        xml.open("Apply", &[("function", "-")]);
        number(xml, field, (fill, None));
        constant(xml, scale.mean);
        xml.close();
        constant(xml, scale.inverse_sd);
        xml.close();
    } else if let Some(fill) = fill {
        missing_or(xml, field, fill, |xml| xml.empty("FieldRef", &[("field", field)]));
    } else {
        xml.empty("FieldRef", &[("field", field)]);
    }
}

fn one_hot(xml: &mut Xml, input: &FittedInput, code: u32) {
    missing_or(xml, &input.name, 0.0, |xml| {
        xml.open("Apply", &[("function", "if")]);
        let word = input.categories.get(code as usize);
        // The code behind the last stands for every word that is not known.
        xml.open("Apply", &[("function", if word.is_some() { "isIn" } else { "isNotIn" })]);
        xml.empty("FieldRef", &[("field", &input.name)]);
        let words = word.map_or(input.categories.as_slice(), std::slice::from_ref);
        for word in words {
            xml.text("Constant", &[("dataType", "string")], word);
        }
        xml.close();
        constant(xml, 1.0);
        constant(xml, 0.0);
        xml.close();
    });
}
