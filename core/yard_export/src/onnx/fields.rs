//! Fields to features. Numbers of all fields are one matrix of f64, filled and scaled column by column; a
//! category becomes its code, from which come the code itself, the one-hot columns and the missing flag.
//! Groups of features are joined and put in the order of the recipe at the end.

use super::{
    Layout, Port, PortKind, dates,
    graph::{Attribute, Graph, Kind, Tensor, Value},
    images, text,
};
use crate::{error::ExportError, subject::Subject};
use yard_score::encode::DENSE_LIMIT;
use yard_types::{
    recipe::{Encoding, FeatureOp, FittedInput, FittedText, Scale},
    schema::FieldType,
};

/// An input with what the features are made of.
pub(super) struct Input {
    /// One, or one for each size of an image.
    pub(super) ports: Vec<Port>,
    value: Value,
    /// Steps of an image field with their pixels.
    steps: Vec<(usize, Value)>,
}

/// Declares one input for each field: `[N, 1]`, or `[N]` where a table's columns come in; pixels are
/// `[N, pixels]`.
pub(super) fn inputs(graph: &mut Graph, subject: &Subject<'_>, layout: Layout) -> Vec<Input> {
    let mut out = Vec::new();
    // A table of one column comes in whole.
    let flat = layout == Layout::Columns && subject.parts.recipe.inputs.len() > 1;
    for (index, input) in subject.parts.recipe.inputs.iter().enumerate() {
        let (kind, doc) = match input.field_type {
            FieldType::Number | FieldType::Integer => (Kind::Double, "a number; NaN is missing"),
            FieldType::Boolean => (Kind::Double, "0 or 1; NaN is missing"),
            FieldType::Category | FieldType::Text => (Kind::Text, "text; the empty string is missing"),
            FieldType::Image => {
                out.push(pixels(graph, subject, index));
                continue;
            }
            FieldType::Datetime => (Kind::Int64, "microseconds since 1970-01-01 UTC; -2^63 is missing"),
        };
        let value = if flat {
            graph.flat_input(&input.name, kind, doc)
        } else {
            graph.input(&input.name, (kind, 1), doc)
        };
        let port = Port { name: input.name.clone(), kind: PortKind::of(kind), width: 1 };
        out.push(Input { ports: vec![port], value, steps: Vec::new() });
    }
    if flat {
        for input in out.iter_mut().filter(|input| input.steps.is_empty()) {
            input.value = graph.unsqueeze(&input.value, 1);
        }
    }
    out
}

/// Declares the inputs of an image field, one for each size.
fn pixels(graph: &mut Graph, subject: &Subject<'_>, index: usize) -> Input {
    let recipe = &subject.parts.recipe;
    let own = || recipe.images.iter().enumerate().filter(move |(_, image)| image.input as usize == index);
    let only = own().all(|(_, image)| own().all(|(_, other)| size(other) == size(image)));
    let field = recipe.inputs.get(index).map_or("", |input| input.name.as_str());
    let mut out = Input { ports: Vec::new(), value: Value::new(), steps: Vec::new() };
    for (step, image) in own() {
        let name = images::name(field, image, only);
        if out.ports.iter().all(|port| port.name != name) {
            let doc = images::note(&name, image);
            graph.input(&name, (Kind::Float, image.pixels()), &doc);
            out.ports.push(Port { name: name.clone(), kind: PortKind::Float, width: image.pixels() });
        }
        out.steps.push((step, name));
    }
    out
}

fn size(image: &yard_types::image::FittedImage) -> [u32; 3] {
    [image.channels, image.height, image.width]
}

/// Returns what is said of the inputs of images.
pub(super) fn image_notes(subject: &Subject<'_>, inputs: &[Input]) -> Vec<String> {
    let mut out = Vec::new();
    for (step, name) in inputs.iter().flat_map(|input| &input.steps) {
        let note = subject.parts.recipe.images.get(*step).map(|image| images::note(name, image));
        out.extend(note.filter(|note| !out.contains(note)));
    }
    out
}

/// Returns why a feature has no form in the graph, if one has none.
pub(super) fn problem(subject: &Subject<'_>, layout: Layout) -> Option<ExportError> {
    let recipe = &subject.parts.recipe;
    let format = if layout == Layout::Columns { "an MLflow model" } else { "ONNX" };
    let known = |op: &FeatureOp| {
        matches!(
            op,
            FeatureOp::Number { .. }
                | FeatureOp::MissingFlag
                | FeatureOp::Code
                | FeatureOp::OneHot { .. }
                | FeatureOp::Date { .. }
                | FeatureOp::Term { .. }
                | FeatureOp::Pixel { .. }
        )
    };
    if let Some(feature) = recipe.features.iter().find(|feature| !known(&feature.op)) {
        return Some(ExportError::Unsupported {
            format,
            what: format!("the feature `{}`", feature.name),
            lost: "its computation",
            instead: "a package, which yard-serve runs",
        });
    }
    if layout == Layout::Columns && !recipe.images.is_empty() {
        return Some(ExportError::Unsupported {
            format,
            what: "images".to_owned(),
            lost: "a column of a table holds no pixels",
            instead: "onnx or triton",
        });
    }
    recipe.texts.iter().find_map(|text| text::problem(text, format))
}

/// A column of f64 before filling and scaling.
struct Number {
    value: Value,
    feature: usize,
    fill: Option<f64>,
    scale: Option<Scale>,
}

/// Features that are ready, with their places in the model's order.
#[derive(Default)]
struct Ready {
    values: Vec<Value>,
    features: Vec<usize>,
}

/// Computes the features: f32, `[N, features]`.
pub(super) fn features(graph: &mut Graph, subject: &Subject<'_>, inputs: &[Input]) -> Value {
    let recipe = &subject.parts.recipe;
    let mut numbers = Vec::new();
    let mut ready = Ready::default();
    for (index, (field, input)) in recipe.inputs.iter().zip(inputs).enumerate() {
        let own = || recipe.features.iter().enumerate().filter(move |(_, f)| f.input as usize == index);
        if own().next().is_none() {
            continue;
        }
        match field.field_type {
            FieldType::Category | FieldType::Text => {
                let code = code(graph, field, &input.value);
                let plain = own().filter(|(_, f)| !matches!(f.op, FeatureOp::Term { .. }));
                category(graph, &code, plain.map(|(at, f)| (at, &f.op)), &mut ready);
                terms(graph, (&recipe.texts, index), (&input.value, &code), &mut ready);
            }
            FieldType::Image => {
                for (step, pixels) in &input.steps {
                    let Some(image) = recipe.images.get(*step) else { continue };
                    ready.values.push(images::features(graph, image, pixels));
                    ready.features.extend(image.first as usize..image.first as usize + image.pixels());
                }
                let flags = own().filter(|(_, f)| f.op == FeatureOp::MissingFlag);
                for (at, _) in flags {
                    let Some((_, pixels)) = input.steps.first() else { continue };
                    ready.values.push(images::missing_flag(graph, pixels));
                    ready.features.push(at);
                }
            }
            FieldType::Datetime => {
                let ops = own().map(|(at, f)| (at, &f.op));
                date(graph, &input.value, ops, (&mut numbers, &mut ready));
            }
            _ => number(graph, &input.value, own().map(|(at, f)| (at, &f.op)), (&mut numbers, &mut ready)),
        }
    }
    if !numbers.is_empty() {
        let value = scaled(graph, &numbers);
        ready.values.push(value);
        ready.features.extend(numbers.iter().map(|number| number.feature));
    }
    let joined = graph.concat(&ready.values);
    let ordered = in_order(graph, &joined, &ready.features);
    if recipe.encoding == Encoding::Trees {
        return ordered;
    }
    clipped(graph, &ordered)
}

/// Keeps features within the limits of the dense encoding.
pub(super) fn clipped(graph: &mut Graph, features: &Value) -> Value {
    let low = graph.constant("low", &Tensor::Float(vec![-DENSE_LIMIT]), Some(&[]));
    let high = graph.constant("high", &Tensor::Float(vec![DENSE_LIMIT]), Some(&[]));
    graph.node("Clip", &[features, &low, &high], &[])
}

/// Puts columns into the order of the model.
fn in_order(graph: &mut Graph, joined: &Value, features: &[usize]) -> Value {
    if features.iter().enumerate().all(|(at, feature)| at == *feature) {
        return joined.clone();
    }
    let mut places = vec![0_i64; features.len()];
    for (at, feature) in features.iter().enumerate() {
        if let Some(place) = places.get_mut(*feature) {
            *place = at as i64;
        }
    }
    let places = graph.constant("order", &Tensor::Int64(places), None);
    graph.node("Gather", &[joined, &places], &[("axis", Attribute::Int(1))])
}

/// Adds the weights of the terms of a field.
fn terms(
    graph: &mut Graph,
    (texts, index): (&[FittedText], usize),
    (value, code): (&Value, &Value),
    ready: &mut Ready,
) {
    let mut lower = None;
    for text in texts.iter().filter(|text| text.input as usize == index && !text.terms.is_empty()) {
        let lower = lower.get_or_insert_with(|| text::lower(graph, value, code)).clone();
        ready.values.push(text::weights(graph, text, &lower));
        ready.features.extend(text.first as usize..text.first as usize + text.terms.len());
    }
}

/// Looks up the code of a category: f32, NaN when missing, the number of categories when unseen.
fn code(graph: &mut Graph, field: &FittedInput, value: &Value) -> Value {
    let null = |word: &str| field.rules.missing(word);
    let mut words = vec![String::new()];
    let mut codes = vec![f32::NAN];
    for word in field.rules.null_words.iter().filter(|word| !word.is_empty()) {
        if !words.contains(word) {
            words.push(word.clone());
            codes.push(f32::NAN);
        }
    }
    for (code, word) in field.categories.iter().enumerate() {
        if !null(word) {
            words.push(word.clone());
            codes.push(code as f32);
        }
    }
    let attributes = [
        ("keys_strings", Attribute::Texts(words)),
        ("values_floats", Attribute::Floats(codes)),
        ("default_float", Attribute::Float(field.categories.len() as f32)),
    ];
    graph.ml_node("LabelEncoder", &[value], &attributes)
}

fn category<'a>(
    graph: &mut Graph,
    code: &Value,
    ops: impl Iterator<Item = (usize, &'a FeatureOp)>,
    ready: &mut Ready,
) {
    let (mut hot, mut hot_features) = (Vec::new(), Vec::new());
    for (at, op) in ops {
        match op {
            FeatureOp::OneHot { code } => {
                hot.push(*code as f32);
                hot_features.push(at);
            }
            FeatureOp::MissingFlag => {
                let missing = graph.node("IsNaN", &[code], &[]);
                let flag = graph.cast(&missing, Kind::Float);
                ready.values.push(flag);
                ready.features.push(at);
            }
            _ => {
                ready.values.push(code.clone());
                ready.features.push(at);
            }
        }
    }
    if !hot.is_empty() {
        let codes = graph.row("codes", &Tensor::Float(hot));
        let equal = graph.node("Equal", &[code, &codes], &[]);
        let hot = graph.cast(&equal, Kind::Float);
        ready.values.push(hot);
        ready.features.extend(hot_features);
    }
}

fn number<'a>(
    graph: &mut Graph,
    value: &Value,
    ops: impl Iterator<Item = (usize, &'a FeatureOp)>,
    (numbers, ready): (&mut Vec<Number>, &mut Ready),
) {
    for (feature, op) in ops {
        if let FeatureOp::Number { fill, scale } = op {
            numbers.push(Number { value: value.clone(), feature, fill: *fill, scale: *scale });
        } else {
            let missing = graph.node("IsNaN", &[value], &[]);
            let flag = graph.cast(&missing, Kind::Float);
            ready.values.push(flag);
            ready.features.push(feature);
        }
    }
}

fn date<'a>(
    graph: &mut Graph,
    value: &Value,
    ops: impl Iterator<Item = (usize, &'a FeatureOp)>,
    (numbers, ready): (&mut Vec<Number>, &mut Ready),
) {
    let mut calendar = dates::Calendar::new(graph, value);
    for (feature, op) in ops {
        if let FeatureOp::Date { part, fill, scale } = op {
            let value = calendar.part(graph, *part);
            numbers.push(Number { value, feature, fill: *fill, scale: *scale });
        } else {
            let flag = calendar.missing_flag(graph);
            ready.values.push(flag);
            ready.features.push(feature);
        }
    }
}

/// Fills and scales all numbers at once, in f64, and rounds to f32.
fn scaled(graph: &mut Graph, numbers: &[Number]) -> Value {
    let columns: Vec<Value> = numbers.iter().map(|number| number.value.clone()).collect();
    let mut x = graph.concat(&columns);
    if numbers.iter().any(|number| number.fill.is_some()) {
        let fill = numbers.iter().map(|number| number.fill.unwrap_or(f64::NAN)).collect();
        let fill = graph.row("fill", &Tensor::Double(fill));
        let missing = graph.node("IsNaN", &[&x], &[]);
        x = graph.node("Where", &[&missing, &fill, &x], &[]);
    }
    if numbers.iter().any(|number| number.scale.is_some()) {
        let of = |part: fn(Scale) -> f64, none: f64| -> Vec<f64> {
            numbers.iter().map(|number| number.scale.map_or(none, part)).collect()
        };
        let means = graph.row("mean", &Tensor::Double(of(|scale| scale.mean, 0.0)));
        let factors = graph.row("inverse_sd", &Tensor::Double(of(|scale| scale.inverse_sd, 1.0)));
        let centred = graph.node("Sub", &[&x, &means], &[]);
        x = graph.node("Mul", &[&centred, &factors], &[]);
        let constant = |number: &Number| number.scale.is_some_and(|scale| scale.inverse_sd == 0.0);
        if numbers.iter().any(constant) {
            // A constant column is 0 whatever comes; an infinity times 0 would be NaN.
            let which = numbers.iter().map(|number| f64::from(u8::from(constant(number)))).collect();
            let which = graph.row("constant", &Tensor::Double(which));
            let which = graph.cast(&which, Kind::Bool);
            let zero = graph.double("zero", 0.0);
            x = graph.node("Where", &[&which, &zero, &x], &[]);
        }
    }
    graph.cast(&x, Kind::Float)
}
