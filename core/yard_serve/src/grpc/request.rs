//! `ModelInferRequest`: read straight from the wire into rows that point into the message.

use super::wire::{Value, Wire, malformed, place, text};
use crate::{
    api::{
        raw::{read_raw, text_cell},
        tensor::{Datatype, Header, Output, Tensors, Wanted, add_wanted, bad, check_product, push_dimension},
    },
    http::reply::Refusal,
    json,
    rows::{Cell, Inputs, Rows, bool_cell, request_id_of},
};
use hyper::body::Bytes;
use std::ops::Range;

/// Most inputs, parameters and outputs in a request.
const MAX_PARTS: usize = 10_000;

/// A request of which the addressee is known.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) body: Bytes,
    pub(crate) model: String,
    pub(crate) version: String,
    pub(crate) id: Option<String>,
    inputs: Vec<Range<usize>>,
    outputs: Vec<Range<usize>>,
    raw: Vec<Range<usize>>,
}

/// A request read.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) rows: Rows,
    pub(crate) outputs: Vec<Wanted>,
}

impl Message {
    /// Finds the parts of a request.
    pub(crate) fn new(body: Bytes) -> Result<Self, Refusal> {
        let (mut model, mut version, mut id) = (String::new(), String::new(), None);
        let (mut inputs, mut outputs, mut raw) = (Vec::new(), Vec::new(), Vec::new());
        let (mut wire, mut parts) = (Wire::new(&body, 0..body.len()), 0);
        while let Some((number, value)) = wire.next()? {
            parts += 1;
            if parts > 4 * MAX_PARTS {
                return Err(malformed("it has too many fields"));
            }
            match number {
                1 => text(&body, &value, "model_name")?.clone_into(&mut model),
                2 => text(&body, &value, "model_version")?.clone_into(&mut version),
                3 => {
                    let given = text(&body, &value, "id")?;
                    id = if given.is_empty() { None } else { Some(request_id_of(given)?) };
                }
                4 => {
                    place(value, "parameters")?;
                }
                5 => inputs.push(place(value, "inputs")?),
                6 => outputs.push(place(value, "outputs")?),
                7 => raw.push(place(value, "raw_input_contents")?),
                _ => {}
            }
        }
        if inputs.len() > MAX_PARTS {
            return Err(bad(format!("{} inputs; at most {MAX_PARTS}", inputs.len())));
        }
        Ok(Self { body, model, version, id, inputs, outputs, raw })
    }

    /// Reads the rows for a model with these inputs and outputs.
    pub(crate) fn read(
        &self,
        inputs: &Inputs,
        outputs: &'static [Output],
        limit: usize,
    ) -> Result<Read, Refusal> {
        if !self.raw.is_empty() && self.raw.len() != self.inputs.len() {
            let (got, expected) = (self.raw.len(), self.inputs.len());
            return Err(bad(format!(
                "raw_input_contents: expected one element for each of the {expected} inputs, got {got}"
            )));
        }
        let mut tensors = Tensors::new(inputs, limit, self.body.len());
        for (index, range) in self.inputs.iter().enumerate() {
            let input = self.input(range.clone())?;
            let header = tensors.begin(input.name, input.datatype, &input.shape)?;
            match (input.contents, self.raw.get(index)) {
                (Some(_), Some(_)) => {
                    let name = input.name;
                    return Err(bad(format!(
                        "input '{name}' has contents, and the request has raw_input_contents; give one"
                    )));
                }
                (None, Some(raw)) => read_raw(&mut tensors, &header, &self.body, raw.clone())?,
                (contents, None) => self.read_contents(&mut tensors, &header, contents.unwrap_or(0..0))?,
            }
        }
        let mut rows = Rows::new(self.body.clone(), String::new(), inputs.fields.len(), tensors.finish()?);
        rows.request_id.clone_from(&self.id);
        Ok(Read { rows, outputs: self.wanted(outputs)? })
    }

    fn wanted(&self, outputs: &'static [Output]) -> Result<Vec<Wanted>, Refusal> {
        let binary = !self.raw.is_empty();
        if self.outputs.is_empty() {
            return Ok(outputs.iter().map(|output| Wanted { output: *output, binary }).collect());
        }
        let mut wanted = Vec::new();
        for range in &self.outputs {
            let mut wire = Wire::new(&self.body, range.clone());
            let mut name = "";
            while let Some((number, value)) = wire.next()? {
                if number == 1 {
                    name = text(&self.body, &value, "an output's name")?;
                }
            }
            add_wanted(&mut wanted, Output::find(name, outputs)?, binary)?;
        }
        Ok(wanted)
    }

    fn input(&self, range: Range<usize>) -> Result<Input<'_>, Refusal> {
        let mut wire = Wire::new(&self.body, range);
        let (mut name, mut datatype, mut shape, mut contents) = ("", "", Vec::new(), None);
        while let Some((number, value)) = wire.next()? {
            match (number, value) {
                (1, value) => name = text(&self.body, &value, "an input's name")?,
                (2, value) => datatype = text(&self.body, &value, "datatype")?,
                (3, Value::Varint(dimension)) => push_signed(&mut shape, dimension)?,
                (3, value) => {
                    let mut packed = Wire::new(&self.body, place(value, "shape")?);
                    while !packed.at_end() {
                        push_signed(&mut shape, packed.varint()?)?;
                    }
                }
                (5, _) if contents.is_some() => return Err(malformed("contents appear twice")),
                (5, value) => contents = Some(place(value, "contents")?),
                _ => {}
            }
        }
        if name.is_empty() {
            return Err(bad("an input has no name"));
        }
        check_product(&shape)?;
        Ok(Input { name, datatype: Datatype::read(datatype)?, shape, contents })
    }

    /// Reads elements from the field of the contents that belongs to the datatype.
    fn read_contents(
        &self,
        tensors: &mut Tensors<'_>,
        header: &Header,
        range: Range<usize>,
    ) -> Result<(), Refusal> {
        let Some(own) = field_of(header.datatype) else {
            let message = format!("input '{}': {} needs raw contents", header.name, header.datatype.name());
            return Err(bad(message));
        };
        let (mut wire, mut row) = (Wire::new(&self.body, range), 0);
        while let Some((number, value)) = wire.next()? {
            let Some(name) = CONTENTS.get(number as usize - 1) else { continue };
            if number != own {
                return Err(bad(format!(
                    "input '{}': elements of {} belong in {}, not in {name}",
                    header.name,
                    header.datatype.name(),
                    CONTENTS[own as usize - 1],
                )));
            }
            match value {
                Value::Bytes(range) if header.datatype != Datatype::Bytes => {
                    let mut packed = Wire::new(&self.body, range);
                    while !packed.at_end() {
                        let value = match header.datatype {
                            Datatype::Fp32 => Value::Fixed32(u32::from_le_bytes(packed.fixed()?)),
                            Datatype::Fp64 => Value::Fixed64(u64::from_le_bytes(packed.fixed()?)),
                            _ => Value::Varint(packed.varint()?),
                        };
                        self.set(tensors, header, &mut row, value)?;
                    }
                }
                value => self.set(tensors, header, &mut row, value)?,
            }
        }
        if row == header.rows { Ok(()) } else { Err(header.miscounted(row)) }
    }

    fn set(
        &self,
        tensors: &mut Tensors<'_>,
        header: &Header,
        row: &mut usize,
        value: Value,
    ) -> Result<(), Refusal> {
        if *row < header.rows {
            tensors.set(header, *row, cell(header, *row, &self.body, value)?);
        }
        *row += 1;
        Ok(())
    }
}

/// The fields of `InferTensorContents`, from number 1.
const CONTENTS: [&str; 8] = [
    "bool_contents",
    "int_contents",
    "int64_contents",
    "uint_contents",
    "uint64_contents",
    "fp32_contents",
    "fp64_contents",
    "bytes_contents",
];

/// Returns the number of the field that holds elements of a datatype; `None` when there is none.
fn field_of(datatype: Datatype) -> Option<u32> {
    match datatype {
        Datatype::Bool => Some(1),
        Datatype::Int(64) => Some(3),
        Datatype::Int(_) => Some(2),
        Datatype::Uint(64) => Some(5),
        Datatype::Uint(_) => Some(4),
        Datatype::Fp32 => Some(6),
        Datatype::Fp64 => Some(7),
        Datatype::Bytes => Some(8),
        Datatype::Fp16 | Datatype::Bf16 => None,
    }
}

fn cell(header: &Header, row: usize, body: &[u8], value: Value) -> Result<Cell, Refusal> {
    match (header.datatype, value) {
        (Datatype::Bool, Value::Varint(yes)) => bool_cell(yes != 0, header.field_type)
            .map_err(|got| header.wrong(row, &format!("{got} for this field"))),
        (Datatype::Int(_), Value::Varint(bits)) => whole(header, row, i128::from(bits as i64)),
        (Datatype::Uint(_), Value::Varint(bits)) => whole(header, row, i128::from(bits)),
        (Datatype::Fp32, Value::Fixed32(bits)) => Ok(Cell::Number(f64::from(f32::from_bits(bits)))),
        (Datatype::Fp64, Value::Fixed64(bits)) => Ok(Cell::Number(f64::from_bits(bits))),
        (Datatype::Bytes, Value::Bytes(range)) => text_cell(header, row, body, range),
        _ => Err(malformed("an element has another wire type")),
    }
}

fn whole(header: &Header, row: usize, whole: i128) -> Result<Cell, Refusal> {
    if header.datatype.holds(whole) {
        return Ok(Cell::Number(whole as f64));
    }
    Err(header.wrong(row, &json::shortened(&whole.to_string())))
}

/// An input without its elements.
struct Input<'a> {
    name: &'a str,
    datatype: Datatype,
    shape: Vec<u64>,
    contents: Option<Range<usize>>,
}

fn push_signed(shape: &mut Vec<u64>, dimension: u64) -> Result<(), Refusal> {
    if (dimension as i64) < 0 {
        let got = dimension as i64;
        return Err(bad(format!("shape: expected whole numbers of at least 0, got {got}")));
    }
    push_dimension(shape, dimension)
}
