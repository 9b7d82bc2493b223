//! Input tensors of the Open Inference Protocol, whatever their encoding: names, datatypes, shapes, and the
//! way from elements to rows. Knows nothing of JSON, of binary forms and of gRPC.
//!
//! One input per field of the model, `[n]` or `[n, 1]`. A missing value is `null` in JSON, NaN in a float
//! tensor, and the empty element in a binary `BYTES` tensor.

use crate::{
    http::reply::Refusal,
    json,
    rows::{Cell, Column, Inputs},
};
use yard_types::schema::FieldType;

/// Most dimensions of a shape.
const MAX_DIMENSIONS: usize = 8;

/// Builds the refusal of a tensor.
pub(crate) fn bad(message: impl Into<String>) -> Refusal {
    Refusal::bad("tensor", message)
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

    /// Finds an output by name among those of the model.
    pub(crate) fn find(name: &str, outputs: &[Self]) -> Result<Self, Refusal> {
        outputs.iter().copied().find(|output| output.name() == name).ok_or_else(|| {
            let names: Vec<&str> = outputs.iter().map(|output| output.name()).collect();
            bad(format!("output '{}' is unknown; expected {}", json::shortened(name), names.join(", ")))
        })
    }
}

/// An output that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) output: Output,
    /// Whether its elements are sent as bytes.
    pub(crate) binary: bool,
}

/// Adds an output to those asked for; each may be asked for once.
pub(crate) fn add_wanted(wanted: &mut Vec<Wanted>, output: Output, binary: bool) -> Result<(), Refusal> {
    if wanted.iter().any(|own| own.output == output) {
        return Err(bad(format!("output '{}' is asked for twice", output.name())));
    }
    wanted.push(Wanted { output, binary });
    Ok(())
}

/// A datatype of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Datatype {
    Bool,
    /// Bits.
    Int(u32),
    /// Bits.
    Uint(u32),
    Fp16,
    Bf16,
    Fp32,
    Fp64,
    Bytes,
}

impl Datatype {
    const ALL: [(&'static str, Self); 14] = [
        ("BOOL", Self::Bool),
        ("INT8", Self::Int(8)),
        ("INT16", Self::Int(16)),
        ("INT32", Self::Int(32)),
        ("INT64", Self::Int(64)),
        ("UINT8", Self::Uint(8)),
        ("UINT16", Self::Uint(16)),
        ("UINT32", Self::Uint(32)),
        ("UINT64", Self::Uint(64)),
        ("FP16", Self::Fp16),
        ("BF16", Self::Bf16),
        ("FP32", Self::Fp32),
        ("FP64", Self::Fp64),
        ("BYTES", Self::Bytes),
    ];

    /// Reads the name of a datatype.
    pub(crate) fn read(name: &str) -> Result<Self, Refusal> {
        let found = Self::ALL.iter().find(|(own, _)| *own == name);
        found
            .map(|(_, own)| *own)
            .ok_or_else(|| bad(format!("datatype '{}' is unknown", json::shortened(name))))
    }

    /// Returns the name on the wire.
    pub(crate) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, own)| *own == self).map_or("", |(name, _)| name)
    }

    /// Returns the bytes of an element; `None` when elements differ in length.
    pub(crate) fn size(self) -> Option<usize> {
        match self {
            Self::Bool => Some(1),
            Self::Int(bits) | Self::Uint(bits) => Some(bits as usize / 8),
            Self::Fp16 | Self::Bf16 => Some(2),
            Self::Fp32 => Some(4),
            Self::Fp64 => Some(8),
            Self::Bytes => None,
        }
    }

    /// Returns whether a whole number is in the range of an integer type.
    pub(crate) fn holds(self, whole: i128) -> bool {
        match self {
            Self::Int(bits) => (-(1_i128 << (bits - 1))..1_i128 << (bits - 1)).contains(&whole),
            Self::Uint(bits) => (0..1_i128 << bits).contains(&whole),
            _ => false,
        }
    }
}

/// An input whose elements have not been read yet.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) name: String,
    pub(crate) datatype: Datatype,
    pub(crate) rows: usize,
    pub(crate) nested: bool,
    /// Type of the field; text for a column that the model does not use.
    pub(crate) field_type: FieldType,
    slot: Option<usize>,
}

impl Header {
    /// Builds the refusal of one element.
    pub(crate) fn wrong(&self, row: usize, got: &str) -> Refusal {
        bad(format!("input '{}', element {row}: expected {}, got {got}", self.name, self.datatype.name()))
    }

    /// Builds the refusal of a wrong number of elements.
    pub(crate) fn miscounted(&self, got: usize) -> Refusal {
        let shape = if self.nested { format!("[{},1]", self.rows) } else { format!("[{}]", self.rows) };
        bad(format!("input '{}': expected {} elements for shape {shape}, got {got}", self.name, self.rows))
    }
}

/// The inputs of one request, gathered into rows.
pub(crate) struct Tensors<'i> {
    inputs: &'i Inputs,
    limit: usize,
    /// Bytes of the request: no tensor can have more elements.
    body: usize,
    /// Rows, known from the first input.
    rows: Option<usize>,
    cells: Vec<Cell>,
    given: Vec<bool>,
    /// Given columns that the model does not use.
    unused: Vec<String>,
    first_name: String,
}

impl<'i> Tensors<'i> {
    /// Starts with the model's inputs, the most rows, and the bytes of the request.
    pub(crate) fn new(inputs: &'i Inputs, limit: usize, body: usize) -> Self {
        Self {
            inputs,
            limit,
            body,
            rows: None,
            cells: Vec::new(),
            given: vec![false; inputs.fields.len()],
            unused: Vec::new(),
            first_name: String::new(),
        }
    }

    /// Begins an input: checks its name and shape.
    pub(crate) fn begin(&mut self, name: &str, datatype: Datatype, shape: &[u64]) -> Result<Header, Refusal> {
        let rows = self.check_shape(name, shape)?;
        let slot = match self.inputs.find(name) {
            None => return Err(bad(format!("input '{}' is unknown to this model", json::shortened(name)))),
            Some(column) => Column::input(column),
        };
        let before = match slot {
            Some(index) => std::mem::replace(&mut self.given[index], true),
            None if self.unused.iter().any(|own| own == name) => true,
            None => {
                self.unused.push(name.to_owned());
                false
            }
        };
        if before {
            return Err(bad(format!("input '{name}' is given twice")));
        }
        let field_type = slot.and_then(|index| self.inputs.fields.get(index)).map(|field| field.field_type);
        let field_type = field_type.unwrap_or(FieldType::Text);
        Ok(Header { name: name.to_owned(), datatype, rows, nested: shape.len() == 2, field_type, slot })
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
        if rows > self.body {
            let body = self.body;
            return Err(bad(format!("input '{name}': {rows} rows can't be in a body of {body} bytes")));
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

    /// Stores one element.
    pub(crate) fn set(&mut self, header: &Header, row: usize, cell: Cell) {
        let Some(index) = header.slot else { return };
        if let Some(target) = self.cells.get_mut(row * self.inputs.fields.len() + index) {
            *target = match cell {
                Cell::Number(number) if number.is_nan() => Cell::Missing,
                cell => cell,
            };
        }
    }

    /// Returns the cells, row-major, when every input was given.
    pub(crate) fn finish(self) -> Result<Vec<Cell>, Refusal> {
        let fields = &self.inputs.fields;
        if let Some((field, _)) = fields.iter().zip(&self.given).find(|(_, given)| !**given) {
            let message = format!(
                "input '{}' is missing; give every input of the model (null for a missing value)",
                field.name
            );
            return Err(bad(message));
        }
        for (at, cell) in self.cells.iter().enumerate() {
            let field = &fields[at % fields.len()];
            if *cell == Cell::Missing && !field.nullable {
                let row = at / fields.len();
                return Err(bad(format!("input '{}', element {row}: null is not allowed", field.name)));
            }
        }
        Ok(self.cells)
    }
}

/// Adds a dimension to a shape.
pub(crate) fn push_dimension(shape: &mut Vec<u64>, dimension: u64) -> Result<(), Refusal> {
    shape.push(dimension);
    if shape.len() > MAX_DIMENSIONS {
        return Err(bad(format!("shape: more than {MAX_DIMENSIONS} dimensions")));
    }
    Ok(())
}

/// Checks that the number of elements of a shape can be counted.
pub(crate) fn check_product(shape: &[u64]) -> Result<(), Refusal> {
    let product = shape.iter().try_fold(1_u64, |product, dimension| product.checked_mul(*dimension));
    product.map(drop).ok_or_else(|| bad(format!("shape {shape:?}: the number of elements overflows")))
}
