//! The fitted recipe, executed: values of fields become features in f32. Training and scoring both come
//! through [`Encoder`], for one row and for blocks of rows, so that a feature has the same bits in both.
//! Knows nothing about models.
//!
//! Features are computed in f64 and rounded to f32 once. Under [`Encoding::Dense`] a result beyond
//! ±2^50 is ±2^50 ([`DENSE_LIMIT`]), so that linear models and nets never see an infinity; under [`Encoding::Trees`] infinities are kept, and NaN is a missing value.

mod compile;

pub(crate) use compile::may_be_missing;

use crate::{
    error::ScoreError,
    image::{
        ImageError,
        step::{self, ImageStep},
    },
    pieces::{self, PieceStep},
    text::{TextScratch, Vocabulary, vocabularies},
    value::{Input, InputValue, shown},
};
use compile::{check_inputs, compile};
use std::sync::Arc;
use yard_types::{
    files::Files,
    recipe::{DatePart, Encoding, FeatureOp, FittedRecipe, Scale},
    schema::FieldType,
    table::{Column, FieldValue, Table},
};

/// Largest absolute value of a feature under [`Encoding::Dense`]; exporters clip there too.
pub const DENSE_LIMIT: f32 = 1_125_899_906_842_624.0;
/// Rows that are encoded and scored together.
pub(crate) const BLOCK: usize = 256;

/// Most feature values of a block: a vocabulary makes rows wide.
const BLOCK_VALUES: usize = 1 << 20;

/// Returns the rows of a block of so many features.
pub(crate) fn block_rows(n_features: usize) -> usize {
    (BLOCK_VALUES / n_features.max(1)).clamp(4, BLOCK)
}

/// A checked recipe, ready to encode rows.
#[derive(Clone, Debug)]
pub struct Encoder {
    inputs: Vec<Input>,
    /// In the order of their inputs.
    steps: Vec<Step>,
    texts: Arc<[Vocabulary]>,
    ranks: Arc<[Ranks]>,
    images: Arc<[ImageStep]>,
    pieces: Arc<[PieceStep]>,
    n_features: usize,
    dense: bool,
    input_of: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Step {
    input: usize,
    feature: usize,
    op: Op,
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Number(Fill),
    MissingFlag,
    Code,
    OneHot(u32),
    Date(DatePart, Fill),
    /// Index into [`Encoder::ranks`].
    Rank(usize),
}

#[derive(Clone, Copy, Debug)]
struct Fill {
    fill: f64,
    scale: Option<Scale>,
}

impl Fill {
    fn new(fill: Option<f64>, scale: Option<Scale>) -> Self {
        Self { fill: fill.unwrap_or(f64::NAN), scale }
    }

    fn apply(self, value: Option<f64>) -> f64 {
        let value = value.unwrap_or(self.fill);
        match self.scale {
            None => value,
            Some(scale) if scale.inverse_sd == 0.0 => 0.0,
            Some(scale) => (value - scale.mean) * scale.inverse_sd,
        }
    }
}

/// Numbers this close to zero count as zero: LightGBM's `kZeroThreshold`, an f32.
const ZERO: f64 = 1e-35_f32 as f64;

/// Cuts of a number.
#[derive(Debug)]
struct Ranks {
    cuts: Vec<f64>,
    zero_missing: bool,
}

impl Ranks {
    fn of(&self, number: f64) -> f32 {
        if number.is_nan() || (self.zero_missing && number.abs() <= ZERO) {
            return f32::NAN;
        }
        self.cuts.partition_point(|cut| *cut < number) as f32
    }
}

/// Which rows of a table, in which order.
#[derive(Clone, Copy, Debug)]
pub enum Rows<'a> {
    /// From the first row up to and without the second.
    Range(usize, usize),
    /// The rows listed.
    List(&'a [u32]),
}

impl Rows<'_> {
    /// Returns how many rows these are.
    pub fn len(&self) -> usize {
        match self {
            Self::Range(from, to) => to.saturating_sub(*from),
            Self::List(rows) => rows.len(),
        }
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn get(&self, at: usize) -> usize {
        match self {
            Self::Range(from, _) => from + at,
            Self::List(rows) => rows[at] as usize,
        }
    }
}

/// Encoded rows without their zeros (compressed rows).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SparseRows {
    /// Where each row starts in the other two, and the end: rows + 1 numbers.
    pub starts: Vec<usize>,
    /// Feature of each value, rising within a row.
    pub columns: Vec<u32>,
    /// Values that are not zero.
    pub values: Vec<f32>,
}

/// A column of a table, read as an input.
#[derive(Debug)]
enum Bound<'a> {
    Numbers(&'a [f64]),
    Words { codes: &'a [u32], words: &'a [String], values: Vec<Option<InputValue>> },
    Other(&'a Column),
}

/// A table whose columns have been matched to the inputs of an encoder. Cheap to share between threads.
#[derive(Debug)]
pub struct BoundTable<'a> {
    encoder: &'a Encoder,
    columns: Vec<Bound<'a>>,
    files: Option<&'a Files>,
    rows: usize,
}

impl Encoder {
    /// Checks a recipe: inputs exist and have distinct names, steps fit the types of their inputs,
    /// categories are sorted and distinct, numbers are finite.
    pub fn new(recipe: &FittedRecipe) -> Result<Self, ScoreError> {
        check_inputs(recipe)?;
        let (mut steps, mut ranks) = (Vec::with_capacity(recipe.features.len()), Vec::new());
        for (index, feature) in recipe.features.iter().enumerate() {
            let block = matches!(
                feature.op,
                FeatureOp::Term { .. } | FeatureOp::Pixel { .. } | FeatureOp::Piece { .. }
            );
            if !block {
                let mut step = compile(recipe, index, feature)?;
                if let FeatureOp::Rank { cuts, zero_missing } = &feature.op {
                    step.op = Op::Rank(ranks.len());
                    ranks.push(Ranks { cuts: cuts.clone(), zero_missing: *zero_missing });
                }
                steps.push(step);
            }
        }
        steps.sort_by_key(|step| (step.input, step.feature));
        Ok(Self {
            inputs: recipe.inputs.iter().map(Input::new).collect(),
            steps,
            texts: vocabularies(recipe)?.into(),
            ranks: ranks.into(),
            images: step::steps(recipe)?.into(),
            pieces: pieces::steps(recipe)?.into(),
            n_features: recipe.features.len(),
            dense: recipe.encoding == Encoding::Dense,
            input_of: recipe.features.iter().map(|feature| feature.input).collect(),
        })
    }

    /// Returns the number of features.
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    /// Returns the number of input fields.
    pub fn n_inputs(&self) -> usize {
        self.inputs.len()
    }

    /// Returns the input field of each feature.
    pub fn input_of(&self) -> &[u32] {
        &self.input_of
    }

    /// Matches the columns of a table to the inputs by name; a column that is absent is an error.
    pub fn bind<'a>(&'a self, table: &'a Table) -> Result<BoundTable<'a>, ScoreError> {
        let mut columns = Vec::with_capacity(self.inputs.len());
        for input in &self.inputs {
            let column = table
                .column(&input.name)
                .ok_or_else(|| ScoreError::MissingColumn { column: input.name.clone() })?;
            columns.push(bind_column(input, column));
        }
        Ok(BoundTable { encoder: self, columns, files: table.files(), rows: table.rows() })
    }

    /// Encodes rows of a table: `[rows, n_features]`, row-major.
    pub fn encode(&self, table: &Table, rows: Rows<'_>) -> Result<Vec<f32>, ScoreError> {
        let bound = self.bind(table)?;
        let mut out = vec![0.0; rows.len() * self.n_features];
        let mut values = Vec::new();
        let block = block_rows(self.n_features);
        for start in (0..rows.len()).step_by(block) {
            let end = (start + block).min(rows.len());
            bound.encode_block(
                rows,
                (start, end),
                &mut values,
                &mut out[start * self.n_features..end * self.n_features],
            )?;
        }
        Ok(out)
    }

    /// Encodes rows of a table column by column: `[n_features, rows]`, the same bits as [`Self::encode`].
    pub fn encode_columns(&self, table: &Table, rows: Rows<'_>) -> Result<Vec<Vec<f32>>, ScoreError> {
        let bound = self.bind(table)?;
        let mut out = vec![Vec::with_capacity(rows.len()); self.n_features];
        let mut values = Vec::new();
        let size = block_rows(self.n_features);
        let mut block = vec![0.0; size * self.n_features];
        for start in (0..rows.len()).step_by(size) {
            let end = (start + size).min(rows.len());
            let block = &mut block[..(end - start) * self.n_features];
            bound.encode_block(rows, (start, end), &mut values, block)?;
            for (feature, column) in out.iter_mut().enumerate() {
                column.extend(block.iter().skip(feature).step_by(self.n_features));
            }
        }
        Ok(out)
    }

    /// Encodes rows of a table without their zeros: the same bits as [`Self::encode`], in the memory of the
    /// values that are not zero.
    pub fn encode_sparse(&self, table: &Table, rows: Rows<'_>) -> Result<SparseRows, ScoreError> {
        let bound = self.bind(table)?;
        let mut out = SparseRows { starts: vec![0], ..SparseRows::default() };
        let (mut entries, mut scratch) = (Vec::new(), TextScratch::default());
        for at in 0..rows.len() {
            entries.clear();
            bound.entries(rows.get(at), &mut entries, &mut scratch)?;
            entries.sort_unstable_by_key(|(feature, _): &(usize, f32)| *feature);
            out.columns.extend(entries.iter().map(|(feature, _)| *feature as u32));
            out.values.extend(entries.iter().map(|(_, value)| *value));
            out.starts.push(out.values.len());
        }
        Ok(out)
    }

    /// Encodes one row of values in input order into `features`; allocates only for text fields.
    pub fn encode_row(&self, row: &[FieldValue<'_>], features: &mut [f32]) -> Result<(), ScoreError> {
        if row.len() != self.inputs.len() {
            return Err(ScoreError::InputCount { expected: self.inputs.len(), got: row.len() });
        }
        if features.len() != self.n_features {
            return Err(ScoreError::Shape {
                what: "number of features".to_owned(),
                expected: self.n_features,
                got: features.len(),
            });
        }
        let mut steps = self.steps.iter().peekable();
        for (index, (input, value)) in self.inputs.iter().zip(row).enumerate() {
            let read = if input.field_type == FieldType::Image {
                let written = self.write_image(index, *value, None, features);
                written.map_err(|_| bad_value(input, None, *value))?
            } else {
                input.read(*value).ok_or_else(|| bad_value(input, None, *value))?
            };
            while let Some(step) = steps.next_if(|step| step.input == index) {
                self.run(step, &[read], features);
            }
        }
        if !self.texts.is_empty() {
            let mut scratch = TextScratch::default();
            for text in self.texts.iter() {
                self.write_text(text, row[text.input], &mut scratch, features);
            }
        }
        for step in self.pieces.iter() {
            step.write(self.inputs[step.input].text(row[step.input]).as_deref(), features);
        }
        Ok(())
    }

    /// Writes the weights of one text into its features of a row.
    fn write_text(
        &self,
        text: &Vocabulary,
        value: FieldValue<'_>,
        scratch: &mut TextScratch,
        features: &mut [f32],
    ) {
        features[text.first..text.first + text.len()].fill(0.0);
        if let Some(own) = self.inputs[text.input].text(value) {
            for (feature, weight) in text.weights(&own, scratch) {
                features[*feature] = *weight;
            }
        }
    }

    /// Writes the pieces of texts without words into a row.
    pub(crate) fn write_no_texts(&self, row: &mut [f32]) {
        self.pieces.iter().for_each(|step| step.write(None, row));
    }

    /// Writes the pixels of an image field into a row; the value tells whether there is an image.
    fn write_image(
        &self,
        index: usize,
        value: FieldValue<'_>,
        files: Option<&Files>,
        row: &mut [f32],
    ) -> Result<InputValue, ImageError> {
        let own = self.images.iter().filter(|step| step.input == index);
        let there = step::write(own, (&self.inputs[index], value), files, row)?;
        Ok(there.map_or(InputValue::Missing, |()| InputValue::Code(0)))
    }

    pub(crate) fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// Computes one feature for a block of values; `out` is `[values, n_features]`.
    fn run(&self, step: &Step, values: &[InputValue], out: &mut [f32]) {
        let slots = out[step.feature..].iter_mut().step_by(self.n_features.max(1));
        for (slot, value) in slots.zip(values) {
            *slot = self.feature(step.op, *value);
        }
    }

    fn feature(&self, op: Op, value: InputValue) -> f32 {
        let feature = match (op, value) {
            (Op::Rank(index), InputValue::Number(number)) => self.ranks[index].of(number),
            _ => compute(op, value) as f32,
        };
        if self.dense { feature.clamp(-DENSE_LIMIT, DENSE_LIMIT) } else { feature }
    }
}

impl BoundTable<'_> {
    /// Returns the number of rows of the table.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Encodes positions `span` of `rows` into `out`, `[span, n_features]`.
    pub(crate) fn encode_block(
        &self,
        rows: Rows<'_>,
        span: (usize, usize),
        values: &mut Vec<InputValue>,
        out: &mut [f32],
    ) -> Result<(), ScoreError> {
        for at in span.0..span.1 {
            if rows.get(at) >= self.rows {
                return Err(ScoreError::Row { row: rows.get(at), rows: self.rows });
            }
        }
        let mut steps = self.encoder.steps.iter().peekable();
        for (index, column) in self.columns.iter().enumerate() {
            values.clear();
            let image = self.encoder.inputs[index].field_type == FieldType::Image;
            let width = self.encoder.n_features.max(1);
            for at in span.0..span.1 {
                let row = rows.get(at);
                values.push(if image {
                    let place = (at - span.0) * width;
                    self.read_image(index, row, &mut out[place..place + self.encoder.n_features])
                } else {
                    self.read(index, column, row)?
                });
            }
            while let Some(step) = steps.next_if(|step| step.input == index) {
                self.encoder.run(step, values, out);
            }
        }
        if !self.encoder.texts.is_empty() {
            let mut scratch = TextScratch::default();
            for text in self.encoder.texts.iter() {
                let lines = out.chunks_exact_mut(self.encoder.n_features.max(1));
                for (line, at) in lines.zip(span.0..span.1) {
                    let value = self.value(text.input, rows.get(at));
                    self.encoder.write_text(text, value, &mut scratch, line);
                }
            }
        }
        for step in self.encoder.pieces.iter() {
            let lines = out.chunks_exact_mut(self.encoder.n_features.max(1));
            for (line, at) in lines.zip(span.0..span.1) {
                self.write_pieces(step, rows.get(at), line);
            }
        }
        Ok(())
    }

    fn write_pieces(&self, step: &PieceStep, row: usize, line: &mut [f32]) {
        let value = self.value(step.input, row);
        step.write(self.encoder.inputs[step.input].text(value).as_deref(), line);
    }

    /// Writes the pixels of an image into a row of features; one that can't be read is missing.
    fn read_image(&self, index: usize, row: usize, out: &mut [f32]) -> InputValue {
        let value = self.value(index, row);
        self.encoder.write_image(index, value, self.files, out).unwrap_or(InputValue::Missing)
    }

    /// Lists the features of a row that are not zero.
    fn entries(
        &self,
        row: usize,
        out: &mut Vec<(usize, f32)>,
        scratch: &mut TextScratch,
    ) -> Result<(), ScoreError> {
        if row >= self.rows {
            return Err(ScoreError::Row { row, rows: self.rows });
        }
        let mut steps = self.encoder.steps.iter().peekable();
        // Pixels and pieces are written side by side, so that a row of all features is needed for them.
        let blocks = !self.encoder.images.is_empty() || !self.encoder.pieces.is_empty();
        let mut pixels = vec![0.0; if blocks { self.encoder.n_features } else { 0 }];
        for (index, column) in self.columns.iter().enumerate() {
            let read = if self.encoder.inputs[index].field_type == FieldType::Image {
                self.read_image(index, row, &mut pixels)
            } else {
                self.read(index, column, row)?
            };
            while let Some(step) = steps.next_if(|step| step.input == index) {
                let value = self.encoder.feature(step.op, read);
                if value != 0.0 {
                    out.push((step.feature, value));
                }
            }
        }
        for step in self.encoder.pieces.iter() {
            self.write_pieces(step, row, &mut pixels);
        }
        let filled = pixels.iter().copied().enumerate().filter(|(_, value)| *value != 0.0);
        out.extend(filled);
        for text in self.encoder.texts.iter() {
            if let Some(own) = self.encoder.inputs[text.input].text(self.value(text.input, row)) {
                let weights = text.weights(&own, scratch).iter();
                out.extend(weights.copied().filter(|(_, weight)| *weight != 0.0));
            }
        }
        Ok(())
    }

    /// Returns the value of an input in a row.
    fn value(&self, input: usize, row: usize) -> FieldValue<'_> {
        match &self.columns[input] {
            Bound::Numbers(numbers) => FieldValue::Number(numbers[row]),
            Bound::Words { codes, words, .. } => {
                words.get(codes[row] as usize).map_or(FieldValue::Missing, |word| FieldValue::Text(word))
            }
            Bound::Other(column) => column.value(row),
        }
    }

    fn read(&self, index: usize, column: &Bound<'_>, row: usize) -> Result<InputValue, ScoreError> {
        let input = &self.encoder.inputs[index];
        let (read, value) = match column {
            Bound::Numbers(numbers) => {
                let number = numbers[row];
                let missing = input.missing_number(number);
                return Ok(if missing { InputValue::Missing } else { InputValue::Number(number) });
            }
            Bound::Words { codes, words, values } => {
                let code = codes[row] as usize;
                match values.get(code) {
                    None => return Ok(InputValue::Missing),
                    Some(read) => (*read, FieldValue::Text(&words[code])),
                }
            }
            Bound::Other(column) => {
                let value = column.value(row);
                (input.read(value), value)
            }
        };
        read.ok_or_else(|| bad_value(input, Some(row), value))
    }
}

fn bind_column<'a>(input: &Input, column: &'a Column) -> Bound<'a> {
    let number = matches!(input.field_type, FieldType::Number | FieldType::Integer);
    match column {
        Column::Number(numbers) if number => Bound::Numbers(numbers),
        // Words that are images are read row by row.
        _ if input.field_type == FieldType::Image => Bound::Other(column),
        Column::Text(text) => Bound::Words {
            codes: &text.codes,
            words: &text.words,
            values: text.words.iter().map(|word| input.read(FieldValue::Text(word))).collect(),
        },
        Column::Number(_) | Column::Instant(_) => Bound::Other(column),
    }
}

fn bad_value(input: &Input, row: Option<usize>, value: FieldValue<'_>) -> ScoreError {
    ScoreError::Value { field: input.name.clone(), row, expected: input.expected(), got: shown(value) }
}

fn compute(op: Op, value: InputValue) -> f64 {
    match (op, value) {
        (Op::Number(fill), InputValue::Number(number)) => fill.apply(Some(number)),
        (Op::MissingFlag, value) => f64::from(value == InputValue::Missing),
        (Op::Code, InputValue::Code(code)) => f64::from(code),
        (Op::Code | Op::Rank(_), _) => f64::NAN,
        (Op::OneHot(own), InputValue::Code(code)) => f64::from(own == code),
        (Op::OneHot(_), _) => 0.0,
        (Op::Date(part, fill), InputValue::Instant(micros)) => fill.apply(Some(part.of(micros))),
        (Op::Number(fill) | Op::Date(_, fill), _) => fill.apply(None),
    }
}
