//! Open Inference Protocol v2 over REST: tensors in JSON become rows.
//!
//! One input per field of the model, `[n]` or `[n, 1]`. Beyond the protocol, `null` in `data` is a missing
//! value. Tensors in binary form are not read here.

use crate::{
    http::reply::Refusal,
    json::{self, Kind, Reader, Span},
    rows::{Cell, Column, Inputs, Rows, bool_cell, request_id_of},
};
use hyper::body::Bytes;
use std::collections::BTreeSet;
use yard_types::schema::FieldType;

/// A request read.
#[derive(Debug)]
pub(crate) struct InferRequest {
    pub(crate) rows: Rows,
    /// Outputs asked for, in order; `None` is all.
    pub(crate) outputs: Option<Vec<Output>>,
}

/// An output tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Output {
    /// `FP32 [n, classes]`.
    Probability,
    /// `FP32 [n, outputs]`.
    Margin,
    /// `BYTES [n]`.
    Label,
    /// `BOOL [n]`.
    Decision,
    /// `FP32 [n]`.
    Prediction,
}

impl Output {
    /// Returns the name on the wire.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Probability => "probability",
            Self::Margin => "margin",
            Self::Label => "label",
            Self::Decision => "decision",
            Self::Prediction => "prediction",
        }
    }

    /// Returns the outputs of a task.
    pub(crate) fn of(task: yard_types::frame::Task) -> &'static [Self] {
        use yard_types::frame::Task::{Binary, Multiclass, Regression};
        match task {
            Binary => &[Self::Probability, Self::Margin, Self::Label, Self::Decision],
            Multiclass => &[Self::Probability, Self::Margin, Self::Label],
            Regression => &[Self::Prediction],
        }
    }
}

fn bad(message: impl Into<String>) -> Refusal {
    Refusal::bad("tensor", message)
}

/// Reads an inference request.
pub(crate) fn read_infer(
    body: Bytes,
    inputs: &Inputs,
    outputs: &'static [Output],
    limit: usize,
) -> Result<InferRequest, Refusal> {
    let mut reader = Reader::new(&body)?;
    let mut tensors = Tensors::new(inputs, limit);
    let (mut wanted, mut id, mut seen) = (None, None, BTreeSet::new());
    let mut first = true;
    reader.open_object()?;
    while let Some(key) = reader.next_key(&mut first)? {
        let key = known_key(&reader, key, &["id", "parameters", "inputs", "outputs"], &mut seen, "request")?;
        match key {
            "id" => {
                let span = reader.string()?;
                id = Some(request_id_of(reader.get(span))?);
            }
            "parameters" => read_parameters(&mut reader)?,
            "inputs" => tensors.read_inputs(&mut reader)?,
            _ => wanted = Some(read_outputs(&mut reader, outputs)?),
        }
    }
    reader.end()?;
    let cells = tensors.finish()?;
    let scratch = reader.take_scratch();
    let mut rows = Rows::new(body, scratch, inputs.fields.len(), cells);
    rows.request_id = id;
    Ok(InferRequest { rows, outputs: wanted })
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

/// Checks `parameters`: strings, numbers and booleans. None changes the answer, but a request for binary
/// data must not be answered with something else.
fn read_parameters(reader: &mut Reader<'_>) -> Result<(), Refusal> {
    reader.open_object()?;
    let (mut first, mut seen) = (true, BTreeSet::new());
    while let Some(key) = reader.next_key(&mut first)? {
        let name = reader.get(key).to_owned();
        match reader.kind()? {
            Kind::True if name == "binary_data" || name == "binary_data_output" => {
                return Err(Refusal::new(
                    hyper::StatusCode::NOT_IMPLEMENTED,
                    "unsupported",
                    "binary tensor data is not supported; ask for JSON",
                ));
            }
            Kind::Null | Kind::Array | Kind::Object => {
                return Err(bad(format!(
                    "parameter \"{}\": expected a string, a number or a boolean",
                    json::shortened(&name)
                )));
            }
            _ => reader.skip_value()?,
        }
        if !seen.insert(name.clone()) {
            return Err(bad(format!("parameter \"{}\" appears twice", json::shortened(&name))));
        }
    }
    Ok(())
}

fn read_outputs(reader: &mut Reader<'_>, outputs: &'static [Output]) -> Result<Vec<Output>, Refusal> {
    let mut wanted: Vec<Output> = Vec::new();
    let mut first_item = true;
    reader.open_list()?;
    while reader.next_item(&mut first_item)? {
        reader.open_object()?;
        let (mut first, mut seen, mut found) = (true, BTreeSet::new(), None);
        while let Some(key) = reader.next_key(&mut first)? {
            if known_key(reader, key, &["name", "parameters"], &mut seen, "output")? == "parameters" {
                read_parameters(reader)?;
                continue;
            }
            let span = reader.string()?;
            let name = reader.get(span);
            found = outputs.iter().copied().find(|output| output.name() == name);
            if found.is_none() {
                let names: Vec<&str> = outputs.iter().map(|output| output.name()).collect();
                let name = json::shortened(name);
                return Err(bad(format!("output '{name}' is unknown; expected {}", names.join(", "))));
            }
        }
        match found {
            None => return Err(bad("an output has no name")),
            Some(output) if wanted.contains(&output) => {
                return Err(bad(format!("output '{}' is asked for twice", output.name())));
            }
            Some(output) => wanted.push(output),
        }
    }
    Ok(wanted)
}

/// The inputs of one request, gathered into rows.
struct Tensors<'i> {
    inputs: &'i Inputs,
    limit: usize,
    /// Rows, known from the first input.
    rows: Option<usize>,
    cells: Vec<Cell>,
    given: BTreeSet<String>,
    first_name: String,
}

/// An input whose data has not been read yet.
struct Header {
    name: String,
    datatype: Datatype,
    rows: usize,
    nested: bool,
    data_at: usize,
}

impl<'i> Tensors<'i> {
    fn new(inputs: &'i Inputs, limit: usize) -> Self {
        Self {
            inputs,
            limit,
            rows: None,
            cells: Vec::new(),
            given: BTreeSet::new(),
            first_name: String::new(),
        }
    }

    fn read_inputs(&mut self, reader: &mut Reader<'_>) -> Result<(), Refusal> {
        reader.open_list()?;
        let mut first = true;
        while reader.next_item(&mut first)? {
            let header = self.read_header(reader)?;
            self.read_data(reader, &header)?;
        }
        Ok(())
    }

    fn read_header(&mut self, reader: &mut Reader<'_>) -> Result<Header, Refusal> {
        let (mut name, mut shape, mut datatype, mut data_at) = (None, None, None, None);
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
                "parameters" => read_parameters(reader)?,
                _ => {
                    reader.kind()?;
                    data_at = Some(reader.at());
                    reader.skip_value()?;
                }
            }
        }
        let name = name.ok_or_else(|| bad("an input has no name"))?;
        let lacks = |what: &str| bad(format!("input '{}': no {what}", json::shortened(&name)));
        let shape = shape.ok_or_else(|| lacks("shape"))?;
        let datatype = datatype.ok_or_else(|| lacks("datatype"))?;
        let data_at = data_at.ok_or_else(|| lacks("data"))?;
        let rows = self.check_shape(&name, &shape)?;
        if self.inputs.find(&name).is_none() {
            return Err(bad(format!("input '{}' is unknown to this model", json::shortened(&name))));
        }
        if !self.given.insert(name.clone()) {
            return Err(bad(format!("input '{name}' is given twice")));
        }
        Ok(Header { name, datatype, rows, nested: shape.len() == 2, data_at })
    }

    fn check_shape(&mut self, name: &str, shape: &[u64]) -> Result<usize, Refusal> {
        let name = json::shortened(name);
        let rows = match shape {
            [rows] | [rows, 1] => *rows,
            _ => return Err(bad(format!("input '{name}': expected shape [n,1] or [n], got {shape:?}"))),
        };
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        if rows == 0 {
            return Err(bad(format!("input '{name}': expected at least one row, got shape {shape:?}")));
        }
        if rows > self.limit {
            let message = format!("input '{name}': {rows} rows; at most {} at a time", self.limit);
            return Err(Refusal::bad("too-many-rows", message));
        }
        match self.rows {
            None => {
                self.rows = Some(rows);
                self.cells = vec![Cell::Missing; rows * self.inputs.fields.len()];
                self.first_name = name;
            }
            Some(own) if own != rows => {
                let message =
                    format!("input '{name}' has {rows} rows; input '{}' has {own}", self.first_name);
                return Err(bad(message));
            }
            Some(_) => {}
        }
        Ok(rows)
    }

    /// Reads the data of an input, flat or nested to its shape, once shape and type are known.
    fn read_data(&mut self, reader: &mut Reader<'_>, header: &Header) -> Result<(), Refusal> {
        let after = reader.jump(header.data_at);
        let (mut first, mut count) = (true, 0);
        reader.open_list()?;
        while reader.next_item(&mut first)? {
            let nested = reader.kind()? == Kind::Array;
            if nested {
                self.read_nested(reader, header, count)?;
            } else {
                self.read_element(reader, header, count)?;
            }
            count += 1;
        }
        reader.jump(after);
        if count == header.rows {
            return Ok(());
        }
        let shape = if header.nested { format!("[{},1]", header.rows) } else { format!("[{}]", header.rows) };
        Err(bad(format!(
            "input '{}': expected {} elements for shape {shape}, got {count}",
            header.name, header.rows
        )))
    }

    fn read_nested(&mut self, reader: &mut Reader<'_>, header: &Header, row: usize) -> Result<(), Refusal> {
        let mismatch =
            || bad(format!("input '{}': the nesting of data does not match its shape", header.name));
        if !header.nested {
            return Err(mismatch());
        }
        let mut first = true;
        reader.open_list()?;
        if !reader.next_item(&mut first)? {
            return Err(mismatch());
        }
        self.read_element(reader, header, row)?;
        if reader.next_item(&mut first)? { Err(mismatch()) } else { Ok(()) }
    }

    fn read_element(&mut self, reader: &mut Reader<'_>, header: &Header, row: usize) -> Result<(), Refusal> {
        let slot = self.inputs.find(&header.name).and_then(Column::input);
        let field_type = slot.and_then(|index| self.inputs.fields.get(index)).map(|field| field.field_type);
        let cell = header.datatype.read_cell(reader, field_type.unwrap_or(FieldType::Text));
        let cell = cell?.map_err(|got| {
            let name = &header.name;
            bad(format!("input '{name}', element {row}: expected {}, got {got}", header.datatype.name))
        })?;
        let Some(index) = slot else { return Ok(()) };
        if let Some(target) = self.cells.get_mut(row * self.inputs.fields.len() + index) {
            *target = cell;
        }
        Ok(())
    }

    fn finish(self) -> Result<Vec<Cell>, Refusal> {
        let absent = self.inputs.fields.iter().find(|field| !self.given.contains(&field.name));
        if let Some(field) = absent {
            let message = format!(
                "input '{}' is missing; give every input of the model (null for a missing value)",
                field.name
            );
            return Err(bad(message));
        }
        let width = self.inputs.fields.len();
        for (at, cell) in self.cells.iter().enumerate() {
            let field = &self.inputs.fields[at % width];
            if *cell == Cell::Missing && !field.nullable {
                return Err(bad(format!(
                    "input '{}', element {}: null is not allowed",
                    field.name,
                    at / width
                )));
            }
        }
        Ok(self.cells)
    }
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
        shape.push(dimension);
        if shape.len() > 8 {
            return Err(bad("shape: more than 8 dimensions"));
        }
    }
    shape
        .iter()
        .try_fold(1_u64, |product, dimension| product.checked_mul(*dimension))
        .ok_or_else(|| bad(format!("shape {shape:?}: the number of elements overflows")))?;
    Ok(shape)
}

/// A datatype of the protocol.
#[derive(Clone, Copy, Debug)]
struct Datatype {
    name: &'static str,
    kind: DataKind,
}

#[derive(Clone, Copy, Debug)]
enum DataKind {
    Bool,
    /// Smallest and largest value.
    Integer(i128, i128),
    F32,
    F64,
    Bytes,
}

impl Datatype {
    fn read(name: &str) -> Result<Self, Refusal> {
        let signed = |bits: u32| DataKind::Integer(-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1);
        let unsigned = |bits: u32| DataKind::Integer(0, (1_i128 << bits) - 1);
        let (name, kind) = match name {
            "BOOL" => ("BOOL", DataKind::Bool),
            "INT8" => ("INT8", signed(8)),
            "INT16" => ("INT16", signed(16)),
            "INT32" => ("INT32", signed(32)),
            "INT64" => ("INT64", signed(64)),
            "UINT8" => ("UINT8", unsigned(8)),
            "UINT16" => ("UINT16", unsigned(16)),
            "UINT32" => ("UINT32", unsigned(32)),
            "UINT64" => ("UINT64", unsigned(64)),
            "FP32" => ("FP32", DataKind::F32),
            "FP64" => ("FP64", DataKind::F64),
            "BYTES" => ("BYTES", DataKind::Bytes),
            "FP16" | "BF16" => {
                return Err(bad(format!("datatype {name} has no form in JSON; send FP32 or FP64")));
            }
            other => return Err(bad(format!("datatype '{}' is unknown", json::shortened(other)))),
        };
        Ok(Self { name, kind })
    }

    /// Reads one element; the inner error says what was found instead.
    fn read_cell(
        self,
        reader: &mut Reader<'_>,
        field_type: FieldType,
    ) -> Result<Result<Cell, String>, json::JsonError> {
        let kind = reader.kind()?;
        Ok(match (self.kind, kind) {
            (_, Kind::Null) => reader.word(kind).map(|()| Ok(Cell::Missing))?,
            (DataKind::Bool, Kind::True | Kind::False) => {
                reader.word(kind)?;
                bool_cell(kind == Kind::True, field_type).map_err(|got| format!("{got} for this field"))
            }
            (DataKind::Bytes, Kind::String) => Ok(Cell::Text(reader.string()?)),
            (DataKind::F64, Kind::Number) => Ok(Cell::Number(reader.number()?.value)),
            (DataKind::F32, Kind::Number) => {
                let value = reader.number()?.value as f32;
                if value.is_finite() {
                    Ok(Cell::Number(f64::from(value)))
                } else {
                    Err("a larger number".to_owned())
                }
            }
            (DataKind::Integer(low, high), Kind::Number) => {
                let number = reader.number()?;
                match number.text.parse::<i128>() {
                    Ok(whole) if (low..=high).contains(&whole) => Ok(Cell::Number(number.value)),
                    _ => Err(json::shortened(number.text)),
                }
            }
            _ => {
                reader.skip_value()?;
                Err(kind.word().to_owned())
            }
        })
    }
}

#[cfg(test)]
mod tests;
