//! Open Inference Protocol v2 over REST: tensors in JSON become rows, and tensors as bytes behind the JSON
//! (the binary tensor data extension).
//!
//! Beyond the protocol, `null` in `data` is a missing value.

use crate::{
    api::{
        raw::read_raw,
        tensor::{Datatype, Header, Output, Tensors, Wanted, add_wanted, bad, check_product, push_dimension},
    },
    http::reply::Refusal,
    json::{self, Kind, Reader, Span},
    rows::{Cell, Inputs, Rows, bool_cell, request_id_of},
};
use hyper::body::Bytes;
use std::collections::BTreeSet;
use yard_types::schema::FieldType;

/// Keys of a request.
const KEYS: [&str; 6] = ["id", "parameters", "inputs", "outputs", "model_name", "model_version"];

/// A request read.
#[derive(Debug)]
pub(crate) struct InferRequest {
    pub(crate) rows: Rows,
    /// Outputs asked for, in order.
    pub(crate) outputs: Vec<Wanted>,
}

/// A body: JSON, and behind it the bytes of tensors, if any.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) bytes: Bytes,
    /// Length of the JSON part when the client gave it.
    pub(crate) json: Option<usize>,
}

impl Body {
    /// Divides a body; `header` is the value of `Inference-Header-Content-Length`.
    pub(crate) fn new(bytes: Bytes, header: Option<&str>) -> Result<Self, Refusal> {
        let Some(text) = header else { return Ok(Self { bytes, json: None }) };
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let length = text.parse::<usize>().ok().filter(|length| digits && *length <= bytes.len());
        let Some(length) = length else {
            let (text, all) = (json::shortened(text), bytes.len());
            let message = format!(
                "header Inference-Header-Content-Length: expected the length of the JSON, 0 to {all}, got \"{text}\""
            );
            return Err(Refusal::bad("header", message));
        };
        Ok(Self { bytes, json: Some(length) })
    }

    /// Returns the JSON part.
    pub(crate) fn json(&self) -> &[u8] {
        self.json.and_then(|length| self.bytes.get(..length)).unwrap_or(&self.bytes)
    }
}

/// Reads an inference request.
pub(crate) fn read_infer(
    body: &Body,
    inputs: &Inputs,
    outputs: &'static [Output],
    limit: usize,
) -> Result<InferRequest, Refusal> {
    let mut tensors = Tensors::new(inputs, limit, body.bytes.len());
    if body.json == Some(0) {
        return read_bare(body, tensors, inputs, outputs);
    }
    let mut reader = Reader::new(body.json())?;
    let (mut wanted, mut id, mut seen) = (None, None, BTreeSet::new());
    let (mut first, mut all_binary, mut binaries) = (true, false, Vec::new());
    reader.open_object()?;
    while let Some(key) = reader.next_key(&mut first)? {
        match known_key(&reader, key, &KEYS, &mut seen, "request")? {
            // KServe's client repeats the name of the path, and an absent version as null.
            "model_name" | "model_version" => reader.skip_value()?,
            "id" if reader.kind()? == Kind::Null => reader.skip_value()?,
            "id" => {
                let span = reader.string()?;
                id = Some(request_id_of(reader.get(span))?);
            }
            "parameters" => all_binary = read_parameters(&mut reader)?.binary_data_output.unwrap_or(false),
            "inputs" => read_inputs(&mut tensors, &mut reader, &mut binaries)?,
            _ => wanted = Some(read_outputs(&mut reader, outputs)?),
        }
    }
    reader.end()?;
    read_binaries(&mut tensors, body, &binaries)?;
    let cells = tensors.finish()?;
    let scratch = reader.take_scratch();
    let mut rows = Rows::new(body.bytes.clone(), scratch, inputs.fields.len(), cells);
    rows.request_id = id;
    let wanted = wanted.unwrap_or_else(|| outputs.iter().map(|output| (*output, None)).collect());
    let outputs = wanted
        .into_iter()
        .map(|(output, binary)| Wanted { output, binary: binary.unwrap_or(all_binary) })
        .collect();
    Ok(InferRequest { rows, outputs })
}

/// Reads a body without JSON: the elements of the model's one input, one row.
fn read_bare(
    body: &Body,
    mut tensors: Tensors<'_>,
    inputs: &Inputs,
    outputs: &'static [Output],
) -> Result<InferRequest, Refusal> {
    let [field] = inputs.fields.as_slice() else {
        let count = inputs.fields.len();
        return Err(bad(format!("a body without JSON needs a model of one input; this one has {count}")));
    };
    let datatype = Datatype::read(super::tensors::datatype_of(field.field_type))?;
    let header = tensors.begin(&field.name, datatype, &[1])?;
    read_raw(&mut tensors, &header, &body.bytes, 0..body.bytes.len())?;
    let rows = Rows::new(body.bytes.clone(), String::new(), 1, tensors.finish()?);
    let outputs = outputs.iter().map(|output| Wanted { output: *output, binary: true }).collect();
    Ok(InferRequest { rows, outputs })
}

/// Reads the inputs whose elements stand behind the JSON, in their order.
fn read_binaries(
    tensors: &mut Tensors<'_>,
    body: &Body,
    binaries: &[(Header, usize)],
) -> Result<(), Refusal> {
    let mut at = body.json.unwrap_or(body.bytes.len());
    for (header, size) in binaries {
        let end = at.checked_add(*size).filter(|end| *end <= body.bytes.len());
        let Some(end) = end else {
            let left = body.bytes.len() - at;
            return Err(bad(format!(
                "input '{}': binary_data_size is {size}; the body has {left} more bytes",
                header.name
            )));
        };
        read_raw(tensors, header, &body.bytes, at..end)?;
        at = end;
    }
    if at == body.bytes.len() {
        return Ok(());
    }
    Err(bad(format!("{} bytes of the body belong to no input", body.bytes.len() - at)))
}

/// Returns the key if it is one of `known` and appears for the first time.
fn known_key(
    reader: &Reader<'_>,
    key: Span,
    known: &[&'static str],
    seen: &mut BTreeSet<&'static str>,
    what: &str,
) -> Result<&'static str, Refusal> {
    let text = reader.get(key);
    let Some(name) = known.iter().find(|name| **name == text) else {
        return Err(bad(format!(
            "{what}: unknown key \"{}\"; expected {}",
            json::shortened(text),
            known.join(", ")
        )));
    };
    if !seen.insert(name) {
        return Err(bad(format!("{what}: key \"{name}\" appears twice")));
    }
    Ok(name)
}

/// Parameters that change how a request is read or answered.
#[derive(Debug, Default)]
struct Parameters {
    binary_data: Option<bool>,
    binary_data_output: Option<bool>,
    binary_data_size: Option<usize>,
}

/// Reads `parameters`: strings, numbers and booleans. Those of binary data are used, others are not.
fn read_parameters(reader: &mut Reader<'_>) -> Result<Parameters, Refusal> {
    reader.open_object()?;
    let (mut first, mut seen, mut read) = (true, BTreeSet::new(), Parameters::default());
    while let Some(key) = reader.next_key(&mut first)? {
        let name = reader.get(key).to_owned();
        let wrong =
            |expected: &str| bad(format!("parameter \"{}\": expected {expected}", json::shortened(&name)));
        let kind = reader.kind()?;
        match (name.as_str(), kind) {
            (_, Kind::Null | Kind::Array | Kind::Object) => {
                return Err(wrong("a string, a number or a boolean"));
            }
            ("binary_data" | "binary_data_output", Kind::True | Kind::False) => {
                reader.word(kind)?;
                let slot =
                    if name == "binary_data" { &mut read.binary_data } else { &mut read.binary_data_output };
                *slot = Some(kind == Kind::True);
            }
            ("binary_data" | "binary_data_output", _) => return Err(wrong("true or false")),
            ("binary_data_size", _) => {
                let text = if kind == Kind::Number { reader.number()?.text } else { "" };
                let size = text.parse().map_err(|_| wrong("a whole number of bytes"))?;
                read.binary_data_size = Some(size);
            }
            _ => reader.skip_value()?,
        }
        if !seen.insert(name.clone()) {
            return Err(bad(format!("parameter \"{}\" appears twice", json::shortened(&name))));
        }
    }
    Ok(read)
}

fn read_outputs(
    reader: &mut Reader<'_>,
    outputs: &'static [Output],
) -> Result<Vec<(Output, Option<bool>)>, Refusal> {
    let (mut wanted, mut result) = (Vec::new(), Vec::new());
    let mut first_item = true;
    reader.open_list()?;
    while reader.next_item(&mut first_item)? {
        reader.open_object()?;
        let (mut first, mut seen, mut found, mut binary) = (true, BTreeSet::new(), None, None);
        while let Some(key) = reader.next_key(&mut first)? {
            if known_key(reader, key, &["name", "parameters"], &mut seen, "output")? == "parameters" {
                binary = read_parameters(reader)?.binary_data;
                continue;
            }
            let span = reader.string()?;
            found = Some(Output::find(reader.get(span), outputs)?);
        }
        let output = found.ok_or_else(|| bad("an output has no name"))?;
        add_wanted(&mut wanted, output, false)?;
        result.push((output, binary));
    }
    Ok(result)
}

fn read_inputs(
    tensors: &mut Tensors<'_>,
    reader: &mut Reader<'_>,
    binaries: &mut Vec<(Header, usize)>,
) -> Result<(), Refusal> {
    reader.open_list()?;
    let mut first = true;
    while reader.next_item(&mut first)? {
        let (header, data) = read_header(tensors, reader)?;
        match data {
            Data::At(at) => read_data(tensors, reader, &header, at)?,
            Data::Binary(size) => binaries.push((header, size)),
        }
    }
    Ok(())
}

/// Where the elements of an input are.
enum Data {
    /// In the JSON, from this byte.
    At(usize),
    /// Behind the JSON, this many bytes.
    Binary(usize),
}

fn read_header(tensors: &mut Tensors<'_>, reader: &mut Reader<'_>) -> Result<(Header, Data), Refusal> {
    let (mut name, mut shape, mut datatype, mut data_at, mut size) = (None, None, None, None, None);
    let (mut first, mut seen) = (true, BTreeSet::new());
    reader.open_object()?;
    while let Some(key) = reader.next_key(&mut first)? {
        let keys = ["name", "shape", "datatype", "parameters", "data"];
        match known_key(reader, key, &keys, &mut seen, "input")? {
            "name" => {
                let span = reader.string()?;
                name = Some(reader.get(span).to_owned());
            }
            "datatype" => {
                let span = reader.string()?;
                datatype = Some(Datatype::read(reader.get(span))?);
            }
            "shape" => shape = Some(read_shape(reader)?),
            "parameters" => size = read_parameters(reader)?.binary_data_size,
            _ => {
                reader.kind()?;
                data_at = Some(reader.at());
                reader.skip_value()?;
            }
        }
    }
    let name = name.ok_or_else(|| bad("an input has no name"))?;
    let lacks = |what: &str| bad(format!("input '{}': {what}", json::shortened(&name)));
    let shape = shape.ok_or_else(|| lacks("no shape"))?;
    let datatype = datatype.ok_or_else(|| lacks("no datatype"))?;
    let data = match (data_at, size) {
        (Some(at), None) => Data::At(at),
        (None, Some(size)) => Data::Binary(size),
        (Some(_), Some(_)) => return Err(lacks("both data and binary_data_size; give one")),
        (None, None) => return Err(lacks("no data")),
    };
    if matches!((&data, datatype), (Data::At(_), Datatype::Fp16 | Datatype::Bf16)) {
        let name = datatype.name();
        return Err(bad(format!("datatype {name} has no form in JSON; send FP32 or FP64, or binary data")));
    }
    Ok((tensors.begin(&name, datatype, &shape)?, data))
}

/// Reads the data of an input, flat or nested to its shape, once shape and type are known.
fn read_data(
    tensors: &mut Tensors<'_>,
    reader: &mut Reader<'_>,
    header: &Header,
    data_at: usize,
) -> Result<(), Refusal> {
    let after = reader.jump(data_at);
    let (mut first, mut count) = (true, 0);
    reader.open_list()?;
    while reader.next_item(&mut first)? {
        let nested = reader.kind()? == Kind::Array;
        if nested {
            read_nested(tensors, reader, header, count)?;
        } else {
            read_element(tensors, reader, header, count)?;
        }
        count += 1;
    }
    reader.jump(after);
    if count == header.rows { Ok(()) } else { Err(header.miscounted(count)) }
}

fn read_nested(
    tensors: &mut Tensors<'_>,
    reader: &mut Reader<'_>,
    header: &Header,
    row: usize,
) -> Result<(), Refusal> {
    let mismatch = || bad(format!("input '{}': the nesting of data does not match its shape", header.name));
    if !header.nested {
        return Err(mismatch());
    }
    let mut first = true;
    reader.open_list()?;
    if !reader.next_item(&mut first)? {
        return Err(mismatch());
    }
    read_element(tensors, reader, header, row)?;
    if reader.next_item(&mut first)? { Err(mismatch()) } else { Ok(()) }
}

fn read_element(
    tensors: &mut Tensors<'_>,
    reader: &mut Reader<'_>,
    header: &Header,
    row: usize,
) -> Result<(), Refusal> {
    let cell = read_cell(header.datatype, reader, header.field_type)?;
    tensors.set(header, row, cell.map_err(|got| header.wrong(row, &got))?);
    Ok(())
}

fn read_shape(reader: &mut Reader<'_>) -> Result<Vec<u64>, Refusal> {
    let (mut shape, mut first) = (Vec::new(), true);
    reader.open_list()?;
    while reader.next_item(&mut first)? {
        let number = reader.number()?;
        let Ok(dimension) = number.text.parse::<u64>() else {
            let text = json::shortened(number.text);
            return Err(bad(format!("shape: expected whole numbers of at least 0, got {text}")));
        };
        push_dimension(&mut shape, dimension)?;
    }
    check_product(&shape)?;
    Ok(shape)
}

/// Reads one element; the inner error says what was found instead.
fn read_cell(
    datatype: Datatype,
    reader: &mut Reader<'_>,
    field_type: FieldType,
) -> Result<Result<Cell, String>, json::JsonError> {
    let kind = reader.kind()?;
    Ok(match (datatype, kind) {
        (_, Kind::Null) => reader.word(kind).map(|()| Ok(Cell::Missing))?,
        (Datatype::Bool, Kind::True | Kind::False) => {
            reader.word(kind)?;
            bool_cell(kind == Kind::True, field_type).map_err(|got| format!("{got} for this field"))
        }
        (Datatype::Bytes, Kind::String) => Ok(Cell::Text(reader.string()?)),
        (Datatype::Fp64, Kind::Number) => Ok(Cell::Number(reader.number()?.value)),
        (Datatype::Fp32, Kind::Number) => {
            let value = reader.number()?.value as f32;
            if value.is_finite() {
                Ok(Cell::Number(f64::from(value)))
            } else {
                Err("a larger number".to_owned())
            }
        }
        (Datatype::Int(_) | Datatype::Uint(_), Kind::Number) => {
            let number = reader.number()?;
            match number.text.parse::<i128>() {
                Ok(whole) if datatype.holds(whole) => Ok(Cell::Number(number.value)),
                _ => Err(json::shortened(number.text)),
            }
        }
        _ => {
            reader.skip_value()?;
            Err(kind.word().to_owned())
        }
    })
}

#[cfg(test)]
mod tests;
