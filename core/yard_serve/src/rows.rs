//! Rows of a request: cells that point into the body, so that nothing is copied between the connection,
//! the scorer and the request log.

use crate::{
    http::reply::Refusal,
    json::{self, Kind, Reader, Span},
};
use hyper::body::Bytes;
use std::collections::{BTreeSet, HashMap};
use yard_types::{contract::Contract, schema::FieldType, table::FieldValue};

/// One cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell {
    /// No value.
    Missing,
    /// Number, or a boolean as 0 and 1.
    Number(f64),
    /// Text in the body or the scratch text.
    Text(Span),
    /// A boolean in a text field.
    Word(&'static str),
}

/// An input field of a model.
#[derive(Clone, Debug)]
pub(crate) struct InputField {
    pub(crate) name: String,
    pub(crate) field_type: FieldType,
    pub(crate) nullable: bool,
}

impl InputField {
    /// Returns what the field takes, for messages.
    pub(crate) fn expected(&self) -> &'static str {
        match self.field_type {
            FieldType::Number => "a number",
            FieldType::Integer => "a whole number",
            FieldType::Boolean => "true or false",
            FieldType::Category | FieldType::Text => "text",
            FieldType::Datetime => "a date and time",
            FieldType::Image => "a PNG or JPEG as data:image/png;base64,...",
        }
    }
}

/// What a name means to a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    /// The input at this position.
    Input(u32),
    /// A column of the contract that is not an input: id or target.
    Unused,
}

impl Column {
    /// Returns the position of an input.
    pub(crate) fn input(self) -> Option<usize> {
        match self {
            Self::Input(index) => Some(index as usize),
            Self::Unused => None,
        }
    }
}

/// The input fields in the scorer's order, findable by name.
#[derive(Clone, Debug)]
pub(crate) struct Inputs {
    pub(crate) fields: Vec<InputField>,
    by_name: HashMap<String, Column>,
}

impl Inputs {
    /// Joins the scorer's input names and types with the contract.
    pub(crate) fn new(names: impl Iterator<Item = (String, FieldType)>, contract: &Contract) -> Self {
        let mut by_name = HashMap::new();
        let unused = contract.fields.iter().map(|field| &field.name).chain(&contract.id_field);
        for name in unused.chain([&contract.target]) {
            by_name.insert(name.clone(), Column::Unused);
        }
        let nullable = |name: &str| {
            contract.fields.iter().find(|field| field.name == name).is_none_or(|field| field.nullable)
        };
        let fields: Vec<InputField> = names
            .map(|(name, field_type)| InputField { nullable: nullable(&name), name, field_type })
            .collect();
        for (index, field) in fields.iter().enumerate() {
            by_name.insert(field.name.clone(), Column::Input(index as u32));
        }
        Self { fields, by_name }
    }

    /// Returns what a name means; `None` when it is unknown.
    pub(crate) fn find(&self, name: &str) -> Option<Column> {
        self.by_name.get(name).copied()
    }
}

/// Rows read from one request.
#[derive(Debug)]
pub(crate) struct Rows {
    body: Bytes,
    scratch: String,
    width: usize,
    cells: Vec<Cell>,
    /// Fields that are not in the contract.
    pub(crate) ignored: BTreeSet<String>,
    /// Request id given by the client.
    pub(crate) request_id: Option<String>,
}

impl Rows {
    /// Puts rows together; `cells` are row-major.
    pub(crate) fn new(body: Bytes, scratch: String, width: usize, cells: Vec<Cell>) -> Self {
        Self { body, scratch, width, cells, ignored: BTreeSet::new(), request_id: None }
    }

    /// Returns the number of rows.
    pub(crate) fn len(&self) -> usize {
        self.cells.len() / self.width.max(1)
    }

    /// Returns the body.
    pub(crate) fn body(&self) -> &Bytes {
        &self.body
    }

    /// Returns roughly how many bytes of memory these rows hold.
    pub(crate) fn memory(&self) -> usize {
        self.body.len() + self.scratch.len() + self.cells.len() * size_of::<Cell>()
    }

    /// Returns the value of a cell; missing when out of range.
    pub(crate) fn value(&self, row: usize, field: usize) -> FieldValue<'_> {
        match self.cells.get(row * self.width + field) {
            None | Some(Cell::Missing) => FieldValue::Missing,
            Some(Cell::Number(number)) => FieldValue::Number(*number),
            Some(Cell::Text(span)) => FieldValue::Text(span.text(&self.body, &self.scratch)),
            Some(Cell::Word(word)) => FieldValue::Text(word),
        }
    }

    /// Returns the same rows for another model, whose inputs must be the same fields.
    pub(crate) fn arranged(&self, own: &Inputs, other: &Inputs) -> Result<Self, Refusal> {
        let unknown = own.fields.iter().find(|field| other.find(&field.name).is_none());
        if let Some(field) = unknown {
            return Err(Refusal::bad("tensor", format!("input '{}' is unknown to this model", field.name)));
        }
        let place = |field: &InputField| {
            own.find(&field.name)
                .and_then(Column::input)
                .ok_or_else(|| Refusal::bad("tensor", format!("input '{}' is missing", field.name)))
        };
        let places = other.fields.iter().map(place).collect::<Result<Vec<usize>, Refusal>>()?;
        let mut cells = Vec::with_capacity(self.len() * places.len());
        for row in 0..self.len() {
            for (place, field) in places.iter().zip(&other.fields) {
                let cell = self.cells.get(row * self.width + place).copied().unwrap_or(Cell::Missing);
                if cell == Cell::Missing && !field.nullable {
                    return Err(wrong_value(row, &field.name, field.expected(), "nothing"));
                }
                cells.push(cell);
            }
        }
        Ok(Self::new(self.body.clone(), self.scratch.clone(), places.len(), cells))
    }

    /// Fills `out` with the values of a row.
    pub(crate) fn row<'a>(&'a self, row: usize, out: &mut Vec<FieldValue<'a>>) {
        out.clear();
        out.extend((0..self.width).map(|field| self.value(row, field)));
    }
}

/// Reads `{"instances": [{FIELD: value or null, ..}, ..], "request_id"?: text}`.
pub(crate) fn read_instances(body: Bytes, inputs: &Inputs, limit: usize) -> Result<Rows, Refusal> {
    let mut reader = Reader::new(&body)?;
    let mut records = Records {
        inputs,
        limit,
        cells: Vec::with_capacity(inputs.fields.len()),
        seen: vec![0; inputs.fields.len()],
        rows: 0,
        ignored: BTreeSet::new(),
    };
    let (mut first, mut has_instances, mut request_id) = (true, false, None);
    reader.open_object()?;
    while let Some(key) = reader.next_key(&mut first)? {
        match reader.get(key) {
            "instances" if has_instances => return Err(reader.duplicate::<()>("instances").into_refusal()),
            "instances" => {
                has_instances = true;
                records.read_all(&mut reader)?;
            }
            "request_id" if request_id.is_some() => {
                return Err(reader.duplicate::<()>("request_id").into_refusal());
            }
            "request_id" => {
                let span = reader.string()?;
                request_id = Some(request_id_of(reader.get(span))?);
            }
            other => {
                let message = format!(
                    "body: unknown key \"{}\"; expected \"instances\" and, if wanted, \"request_id\"",
                    json::shortened(other)
                );
                return Err(Refusal::bad("unknown-key", message));
            }
        }
    }
    reader.end()?;
    if records.rows == 0 {
        return Err(Refusal::bad(
            "no-instances",
            "body: no instances; expected {\"instances\": [{FIELD: value, ..}, ..]} with at least one",
        ));
    }
    let (cells, ignored) = (records.cells, records.ignored);
    let scratch = reader.take_scratch();
    let mut rows = Rows::new(body, scratch, inputs.fields.len(), cells);
    (rows.ignored, rows.request_id) = (ignored, request_id);
    Ok(rows)
}

trait IntoRefusal {
    fn into_refusal(self) -> Refusal;
}

impl IntoRefusal for Result<(), json::JsonError> {
    fn into_refusal(self) -> Refusal {
        match self {
            Err(error) => error.into(),
            Ok(()) => Refusal::internal("no error to report"),
        }
    }
}

/// Checks a request id: 1 to 128 characters without control characters.
pub(crate) fn request_id_of(text: &str) -> Result<String, Refusal> {
    if (1..=128).contains(&text.len()) && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    Err(Refusal::bad("request-id", "request id: expected 1 to 128 bytes without control characters"))
}

struct Records<'i> {
    inputs: &'i Inputs,
    limit: usize,
    cells: Vec<Cell>,
    /// Row number, from 1, in which each field was last seen.
    seen: Vec<u32>,
    rows: u32,
    ignored: BTreeSet<String>,
}

impl Records<'_> {
    fn read_all(&mut self, reader: &mut Reader<'_>) -> Result<(), Refusal> {
        reader.open_list()?;
        let mut first = true;
        while reader.next_item(&mut first)? {
            if self.rows as usize >= self.limit {
                let message = format!("more than {} instances; send fewer at a time", self.limit);
                return Err(Refusal::bad("too-many-rows", message));
            }
            self.rows += 1;
            self.read_record(reader)?;
        }
        Ok(())
    }

    fn read_record(&mut self, reader: &mut Reader<'_>) -> Result<(), Refusal> {
        let kind = reader.kind()?;
        if kind != Kind::Object {
            let message =
                format!("instance {}: expected an object of fields, got {}", self.rows - 1, kind.word());
            return Err(Refusal::bad("instance", message));
        }
        let start = self.cells.len();
        self.cells.resize(start + self.inputs.fields.len(), Cell::Missing);
        reader.open_object()?;
        let (mut first, mut guess, mut known) = (true, 0, false);
        let mut unknown: BTreeSet<String> = BTreeSet::new();
        while let Some(key) = reader.next_key(&mut first)? {
            let name = reader.get(key);
            let guessed = self.inputs.fields.get(guess).is_some_and(|field| field.name == name);
            match if guessed { Some(Column::Input(guess as u32)) } else { self.inputs.find(name) } {
                Some(Column::Input(index)) => {
                    known = true;
                    guess = index as usize + 1;
                    self.read_field(reader, index as usize, start)?;
                }
                other => {
                    let name = name.to_owned();
                    if unknown.contains(&name) {
                        return Err(reader.duplicate::<()>(&name).into_refusal());
                    }
                    if other.is_none() {
                        self.ignored.insert(name.clone());
                    }
                    unknown.insert(name);
                    reader.skip_value()?;
                }
            }
        }
        self.check_record(start, known, unknown.first())
    }

    fn read_field(&mut self, reader: &mut Reader<'_>, index: usize, start: usize) -> Result<(), Refusal> {
        let field = &self.inputs.fields[index];
        if self.seen[index] == self.rows {
            return Err(reader.duplicate::<()>(&field.name).into_refusal());
        }
        self.seen[index] = self.rows;
        self.cells[start + index] = match read_cell(reader, field.field_type)? {
            Ok(cell) => cell,
            Err(got) => {
                return Err(wrong_value(self.rows as usize - 1, &field.name, field.expected(), got));
            }
        };
        Ok(())
    }

    fn check_record(&self, start: usize, known: bool, unknown: Option<&String>) -> Result<(), Refusal> {
        let row = self.rows - 1;
        if let (false, Some(unknown), Some(expected)) = (known, unknown, self.inputs.fields.first()) {
            let message = format!(
                "instance {row}: no field is known (first: \"{}\"); expected fields such as \"{}\"; check the names",
                json::shortened(unknown),
                expected.name
            );
            return Err(Refusal::bad("no-known-field", message));
        }
        for (field, cell) in self.inputs.fields.iter().zip(&self.cells[start..]) {
            if *cell == Cell::Missing && !field.nullable {
                return Err(wrong_value(row as usize, &field.name, field.expected(), "nothing"));
            }
        }
        Ok(())
    }
}

/// Builds the refusal of one value.
pub(crate) fn wrong_value(row: usize, field: &str, expected: &str, got: &str) -> Refusal {
    Refusal::bad("value", format!("instance {row}, field \"{field}\": expected {expected}, got {got}"))
}

/// Reads the value of a field; the inner error says what was found instead.
fn read_cell(
    reader: &mut Reader<'_>,
    field_type: FieldType,
) -> Result<Result<Cell, &'static str>, json::JsonError> {
    let kind = reader.kind()?;
    Ok(match kind {
        Kind::Null => reader.word(kind).map(|()| Ok(Cell::Missing))?,
        Kind::True | Kind::False => {
            reader.word(kind)?;
            bool_cell(kind == Kind::True, field_type)
        }
        Kind::Number => Ok(Cell::Number(reader.number()?.value)),
        Kind::String => Ok(Cell::Text(reader.string()?)),
        Kind::Array | Kind::Object => {
            reader.skip_value()?;
            Err(kind.word())
        }
    })
}

/// A JSON boolean: 0 or 1 in a boolean field, its word in a text field.
pub(crate) fn bool_cell(yes: bool, field_type: FieldType) -> Result<Cell, &'static str> {
    match field_type {
        FieldType::Boolean => Ok(Cell::Number(f64::from(yes))),
        FieldType::Category | FieldType::Text => Ok(Cell::Word(if yes { "true" } else { "false" })),
        _ => Err(if yes { "true" } else { "false" }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use yard_types::{contract::ContractField, frame::Task};

    fn inputs() -> Inputs {
        let types = [("age", FieldType::Number), ("plan", FieldType::Category), ("paid", FieldType::Boolean)];
        let contract = Contract {
            name: "m".to_owned(),
            task: Task::Binary,
            fields: types
                .map(|(name, field_type)| ContractField {
                    name: name.to_owned(),
                    field_type,
                    nullable: name != "age",
                    min: None,
                    max: None,
                    categories: Vec::new(),
                    example: serde_json::Value::Null,
                })
                .to_vec(),
            id_field: Some("id".to_owned()),
            target: "churn".to_owned(),
            classes: Vec::new(),
        };
        Inputs::new(types.map(|(name, kind)| (name.to_owned(), kind)).into_iter(), &contract)
    }

    fn read(body: &str) -> Result<Rows, Refusal> {
        read_instances(Bytes::copy_from_slice(body.as_bytes()), &inputs(), 3)
    }

    #[test]
    fn values_of_every_kind() {
        let rows = read(
            r#"{"request_id":"r-1","instances":[{"plan":"p\u0072o","age":41,"id":"x","paid":true,"extra":{"a":1}},
            {"age":"4.5","plan":true,"paid":null}]}"#,
        )
        .unwrap();
        assert_eq!(rows.len(), 2);
        let mut row = Vec::new();
        rows.row(0, &mut row);
        assert_eq!(row, [FieldValue::Number(41.0), FieldValue::Text("pro"), FieldValue::Number(1.0)]);
        rows.row(1, &mut row);
        assert_eq!(row, [FieldValue::Text("4.5"), FieldValue::Text("true"), FieldValue::Missing]);
        assert_eq!(rows.ignored, BTreeSet::from(["extra".to_owned()]));
        assert_eq!(rows.request_id.as_deref(), Some("r-1"));
    }

    #[test]
    fn what_is_refused_names_the_place() {
        let check = |body: &str, part: &str| {
            let refusal = read(body).expect_err(body);
            assert_eq!(refusal.status, hyper::StatusCode::BAD_REQUEST);
            assert!(refusal.message.contains(part), "{body}: {}", refusal.message);
        };
        check(
            r#"{"instances":[{"age":1},{"age":[2]}]}"#,
            r#"instance 1, field "age": expected a number, got a list"#,
        );
        check(r#"{"instances":[{"age":true}]}"#, "expected a number, got true");
        check(
            r#"{"instances":[{"plan":"a"}]}"#,
            r#"instance 0, field "age": expected a number, got nothing"#,
        );
        check(r#"{"instances":[{"age":1,"age":2}]}"#, "key \"age\" appears twice");
        check(r#"{"instances":[{"age":1,"zip":2,"zip":3}]}"#, "key \"zip\" appears twice");
        check(r#"{"instances":[{"Age":1}]}"#, "no field is known (first: \"Age\")");
        check(r#"{"instances":[3]}"#, "instance 0: expected an object of fields, got a number");
        check(r#"{"instances":[]}"#, "no instances");
        check("{}", "no instances");
        check(r#"{"instance":[]}"#, "unknown key \"instance\"");
        check(r#"{"instances":[{"age":1}],"instances":[{"age":1}]}"#, "key \"instances\" appears twice");
        check(r#"{"instances":[{"age":1},{"age":1},{"age":1},{"age":1}]}"#, "more than 3 instances");
        check(r#"{"instances":[{"age":NaN}]}"#, "expected a value");
        check(r#"{"request_id":"","instances":[{"age":1}]}"#, "request id");
        check(r#"{"instances":[{"age":1}]} x"#, "expected the end of the body");
        check("[1]", "expected an object");
    }
}
