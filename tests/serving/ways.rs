//! The ways by which a row gets its answer: a table in memory (validation, evaluation), one row at a time,
//! and the server's two dialects. Each gives [`Answers`], which are compared bit by bit.

use serde_json::{Map, Value, json};
use yard_data::{OutColumn, OutKind, ReadOptions, TableWriter, Wanted};
use yard_package::golden;
use yard_score::scorer::Scorer;
use yard_serve::{Config, LogLevel, Running, start};
use yard_tests::{http::Client, place::Place, rows::Cells};
use yard_types::{
    contract::Contract,
    frame::Task,
    schema::FieldType,
    table::{Column, FieldValue, Table},
};

/// Answers to rows in order, as bits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answers {
    /// Margins; `None` where a way does not tell them.
    pub(crate) margins: Option<Vec<u32>>,
    /// Probabilities in class order; empty for regression.
    pub(crate) probabilities: Vec<u32>,
    /// Predicted class or number as text.
    pub(crate) predictions: Vec<String>,
}

impl Answers {
    fn with_margins() -> Self {
        Self { margins: Some(Vec::new()), ..Self::default() }
    }

    /// Fails unless `other` has the same bits; names the first row that differs.
    pub(crate) fn assert_same(&self, other: &Self, what: &str) {
        assert_eq!(self.predictions.len(), other.predictions.len(), "{what}: number of rows");
        if let (Some(own), Some(their)) = (&self.margins, &other.margins) {
            first_difference(own, their, self.predictions.len(), &format!("{what}: margins"));
        }
        let rows = self.predictions.len();
        first_difference(&self.probabilities, &other.probabilities, rows, &format!("{what}: probabilities"));
        first_difference(&self.predictions, &other.predictions, rows, &format!("{what}: predictions"));
    }
}

fn first_difference<T: PartialEq + std::fmt::Debug>(own: &[T], their: &[T], rows: usize, what: &str) {
    assert_eq!(own.len(), their.len(), "{what}: count");
    if let Some(at) = own.iter().zip(their).position(|(a, b)| a != b) {
        let differ = own.iter().zip(their).filter(|(a, b)| a != b).count();
        let row = at / (own.len() / rows.max(1)).max(1);
        panic!("{what}: {differ} differ, first in row {row}: {:?} and {:?}", own[at], their[at]);
    }
}

/// The bits of an f32 that was printed as a number; it must be that f32 exactly.
fn bits(value: &Value) -> u32 {
    let number = value.as_f64().unwrap_or_else(|| panic!("{value} is no number"));
    let single = number as f32;
    assert_eq!(f64::from(single), number, "the printed number is not an f32");
    single.to_bits()
}

/// Reads cells by the types of training.
pub(crate) fn table(place: &Place, scorer_inputs: &[Wanted], cells: &Cells) -> Table {
    let path = place.file("fresh.csv", cells.to_csv());
    yard_data::read_table(&path, scorer_inputs, &ReadOptions::default()).unwrap().table
}

/// Writes a table in the format of the file's ending.
pub(crate) fn write_table(place: &Place, name: &str, table: &Table) {
    let kind = |column: &Column| match column {
        Column::Number(_) => OutKind::Number,
        Column::Text(_) => OutKind::Text,
        Column::Instant(_) => OutKind::Instant,
    };
    let columns = table.names().iter().zip(table.columns());
    let columns: Vec<OutColumn> =
        columns.map(|(name, column)| OutColumn { name: name.clone(), kind: kind(column) }).collect();
    let mut writer = TableWriter::create(&place.path(name), &columns).unwrap();
    writer.write(table).unwrap();
    writer.finish().unwrap();
}

/// The whole table at once, as validation and evaluation do.
pub(crate) fn by_table(scorer: &Scorer, table: &Table) -> Answers {
    let scored = scorer.score_table(table).unwrap();
    let mut answers = Answers::with_margins();
    for row in 0..scored.rows() {
        answers.push(scored.row(row).unwrap());
    }
    answers
}

/// One row at a time from a JSON object, as "Try it" and the golden examples do.
pub(crate) fn by_row(scorer: &Scorer, requests: &[Map<String, Value>]) -> Answers {
    let mut scratch = scorer.scratch();
    let mut answers = Answers::with_margins();
    for request in requests {
        let row = scorer.row_from_json(request).unwrap();
        answers.push(scorer.score_row(&row, &mut scratch).unwrap());
    }
    answers
}

impl Answers {
    fn push(&mut self, row: yard_score::predictions::RowPrediction<'_>) {
        let margins = self.margins.get_or_insert_default();
        margins.extend(row.margins.iter().map(|margin| margin.to_bits()));
        self.probabilities.extend(row.probabilities.iter().map(|p| p.to_bits()));
        let number = || Value::from(f64::from(row.margins[0])).to_string();
        self.predictions.push(row.label().map_or_else(number, str::to_owned));
    }
}

/// Rows of a table as requests with typed values.
pub(crate) fn requests(contract: &Contract, table: &Table) -> Vec<Map<String, Value>> {
    (0..table.rows()).map(|row| golden::request(contract, table, row)).collect()
}

/// Rows as requests in which every cell is the text of the file, as a script without types sends them.
pub(crate) fn text_requests(contract: &Contract, cells: &Cells) -> Vec<Map<String, Value>> {
    let columns: Vec<(&str, usize)> =
        contract.fields.iter().map(|field| (field.name.as_str(), cells.column(&field.name))).collect();
    let value = |cell: &String| if cell.is_empty() { Value::Null } else { Value::from(cell.as_str()) };
    let request =
        |row: &Vec<String>| columns.iter().map(|(name, at)| ((*name).to_owned(), value(&row[*at]))).collect();
    cells.rows.iter().map(request).collect()
}

/// `modelyard score` from a file to a file, read back.
pub(crate) fn by_score(place: &Place, contract: &Contract, (input, output): (&str, &str)) -> Answers {
    let done = place.json(&format!("score m.modelpack --in {input} --out {output} --threads 2"));
    let number =
        |name: &str| Wanted { field_type: FieldType::Number, verbatim: false, ..Wanted::verbatim(name) };
    let names: Vec<String> = contract.classes.iter().map(|class| format!("p_{class}")).collect();
    let regression = contract.task == Task::Regression;
    let prediction = if regression { number("prediction") } else { Wanted::verbatim("prediction") };
    let wanted: Vec<Wanted> =
        std::iter::once(prediction).chain(names.iter().map(|name| number(name))).collect();
    let table = yard_data::read_table(&place.path(output), &wanted, &ReadOptions::default()).unwrap().table;
    assert_eq!(done["rows"].as_u64(), Some(table.rows() as u64));
    let cell = |name: &str, row: usize| table.column(name).unwrap().value(row);
    let float = |name: &str, row: usize| match cell(name, row) {
        FieldValue::Number(number) => number,
        other => panic!("{name}, row {row}: {other:?}"),
    };
    let mut answers = Answers::default();
    for row in 0..table.rows() {
        if regression {
            let value = float("prediction", row) as f32;
            answers.margins.get_or_insert_default().push(value.to_bits());
            answers.predictions.push(Value::from(f64::from(value)).to_string());
            continue;
        }
        answers.probabilities.extend(names.iter().map(|name| (float(name, row) as f32).to_bits()));
        match cell("prediction", row) {
            FieldValue::Text(text) => answers.predictions.push(text.to_owned()),
            other => panic!("row {row}: {other:?}"),
        }
    }
    answers
}

/// A server in this process with one model.
pub(crate) struct Served {
    pub(crate) running: Running,
    pub(crate) contract: Contract,
    classes: Vec<String>,
    task: Task,
    #[allow(dead_code, reason = "deleted when the test ends")]
    store: Place,
}

impl Served {
    pub(crate) fn empty() -> (Running, Place) {
        let store = Place::new();
        let mut config = Config::new(store.path("store"));
        config.log_level = LogLevel::Off;
        config.threads = Some(2);
        (start(&config).unwrap(), store)
    }

    pub(crate) fn start(contract: &Contract, package: &[u8]) -> Self {
        let (running, store) = Self::empty();
        let mut client = client(&running, "manage");
        let name = &contract.name;
        let reply = client.post_bytes(&format!("/manage/models/{name}/versions"), package).good().json();
        let routed =
            client.post(&format!("/manage/models/{name}/route"), &json!({"stable": reply["version"]}));
        assert_eq!(routed.status, 200, "{}", routed.text());
        let (classes, task) = (contract.classes.clone(), contract.task);
        Self { running, contract: contract.clone(), classes, task, store }
    }

    /// `POST /v1/models/{m}:predict` in batches.
    pub(crate) fn by_predict(&self, requests: &[Map<String, Value>], batch: usize) -> Answers {
        let mut client = client(&self.running, "infer");
        let path = format!("/v1/models/{}:predict", self.contract.name);
        let mut answers = Answers::default();
        for rows in requests.chunks(batch) {
            let reply = client.post(&path, &json!({"instances": rows})).good().json();
            let predictions = reply["predictions"].as_array().unwrap();
            assert_eq!(predictions.len(), rows.len());
            for prediction in predictions {
                if self.task == Task::Regression {
                    answers.predictions.push(prediction["prediction"].to_string());
                    answers.margins.get_or_insert_default().push(bits(&prediction["prediction"]));
                    continue;
                }
                let p = &prediction["probabilities"];
                assert_eq!(p.as_object().unwrap().len(), self.classes.len());
                answers.probabilities.extend(self.classes.iter().map(|class| bits(&p[class])));
                answers.predictions.push(prediction["prediction"].as_str().unwrap().to_owned());
            }
        }
        answers
    }

    /// `POST /v2/models/{m}/infer` in batches, each field in the datatype of the metadata.
    pub(crate) fn by_infer(&self, requests: &[Map<String, Value>], batch: usize) -> Answers {
        let mut client = client(&self.running, "infer");
        let base = format!("/v2/models/{}", self.contract.name);
        let info = client.get(&base).good().json();
        let mut answers = Answers::with_margins();
        for rows in requests.chunks(batch) {
            let body = json!({"inputs": tensors(rows, &info)});
            let reply = client.post(&format!("{base}/infer"), &body).good().json();
            self.take_tensors(&reply, rows.len(), &mut answers);
        }
        answers
    }

    fn take_tensors(&self, reply: &Value, rows: usize, answers: &mut Answers) {
        let margins = answers.margins.get_or_insert_default();
        if self.task == Task::Regression {
            let values = output(reply, "prediction");
            assert_eq!(values.len(), rows);
            margins.extend(values.iter().map(bits));
            answers.predictions.extend(values.iter().map(Value::to_string));
            return;
        }
        margins.extend(output(reply, "margin").iter().map(bits));
        answers.probabilities.extend(output(reply, "probability").iter().map(bits));
        let labels = output(reply, "label");
        assert_eq!(labels.len(), rows);
        answers.predictions.extend(labels.iter().map(|label| label.as_str().unwrap().to_owned()));
    }
}

/// Connects with the token of a scope.
pub(crate) fn client(running: &Running, scope: &str) -> Client {
    let file = if scope == "infer" { &running.tokens.infer } else { &running.tokens.manage };
    Client::connect(&running.url, &std::fs::read_to_string(file).unwrap()).unwrap()
}

fn tensors(rows: &[Map<String, Value>], info: &Value) -> Value {
    let input = |input: &Value| {
        let name = input["name"].as_str().unwrap();
        let data: Vec<&Value> = rows.iter().map(|row| &row[name]).collect();
        // A number with a fraction in a field of whole numbers goes as a float.
        let float = data.iter().any(|value| value.is_f64());
        let datatype = if float { &json!("FP64") } else { &input["datatype"] };
        json!({"name": name, "shape": [rows.len(), 1], "datatype": datatype, "data": data})
    };
    Value::Array(info["inputs"].as_array().unwrap().iter().map(input).collect())
}

fn output<'a>(reply: &'a Value, name: &str) -> &'a Vec<Value> {
    let outputs = reply["outputs"].as_array().unwrap();
    let found = outputs.iter().find(|output| output["name"] == name);
    found.unwrap_or_else(|| panic!("no output {name}: {reply}"))["data"].as_array().unwrap()
}

/// Counts what makes the rows hard: missing values and unseen words in the fields of a model.
pub(crate) fn hard_cells(contract: &Contract, requests: &[Map<String, Value>]) -> (usize, usize) {
    let (mut missing, mut unseen) = (0, 0);
    for field in &contract.fields {
        for request in requests {
            match &request[&field.name] {
                Value::Null => missing += 1,
                Value::String(word) if field.field_type == FieldType::Category => {
                    unseen += usize::from(!field.categories.contains(word));
                }
                _ => {}
            }
        }
    }
    (missing, unseen)
}
