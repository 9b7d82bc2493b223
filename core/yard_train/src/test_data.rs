//! Small generated tables with a known signal, for this crate's tests.
#![allow(clippy::unwrap_used)]

use crate::{Context, Silent, TrainInput};
use yard_types::{
    frame::{Costs, Frame, Task},
    recipe::RecipeSpec,
    rng::Rng,
    run::{Family, RunSpec},
    schema::{Field, FieldType, Role, Schema},
    split::Split,
    table::{Column, Table, TextColumn},
};

pub(crate) struct Data {
    pub(crate) table: Table,
    pub(crate) schema: Schema,
    pub(crate) frame: Frame,
    pub(crate) split: Split,
}

/// What the target depends on.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Signal {
    /// A sum of features.
    Sum,
    /// A product of two features, which no linear model finds.
    Product,
    /// Nothing.
    Noise,
}

impl Data {
    /// Makes columns `a` (number, some missing), `b` (number), `colour` (category, some missing), `id`, `y`.
    pub(crate) fn new(task: Task, signal: Signal, rows: usize) -> Self {
        let mut rng = Rng::new(17, rows as u64);
        let mut draw = || 2.0 * rng.uniform() - 1.0;
        let (mut a, mut b, mut colour, mut scores) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let words = ["blue", "green", "red"];
        for row in 0..rows {
            let missing = row % 17 == 3;
            let (x, z) = (if missing { 0.0 } else { draw() }, draw());
            let word = (row * 7 + row / 11) % 3;
            let shift = [-0.6, 0.0, 0.6][word];
            let score = match signal {
                Signal::Sum => 2.0 * x - z + shift,
                Signal::Product => 4.0 * x * z + shift,
                Signal::Noise => 0.0,
            };
            a.push(if missing { f64::NAN } else { x });
            b.push(z);
            colour.push((row % 23 != 5).then_some(words[word]));
            scores.push(score + 0.4 * draw() + if signal == Signal::Noise { draw() } else { 0.0 });
        }
        let classes: &[&str] = match task {
            Task::Binary => &["no", "yes"],
            Task::Multiclass => &["high", "low", "middle"],
            Task::Regression => &[],
        };
        let class = |score: &f64| match (task, *score) {
            (Task::Binary, score) => classes[usize::from(score > 0.3)],
            (_, score) if score < -0.7 => "low",
            (_, score) if score < 0.7 => "middle",
            _ => "high",
        };
        let target = if task == Task::Regression {
            Column::Number(scores.iter().map(|score| 100.0 + 30.0 * score).collect())
        } else {
            Column::Text(TextColumn::from_cells(scores.iter().map(|score| Some(class(score)))))
        };
        let columns = vec![
            ("id".to_owned(), Column::Number((0..rows).map(|row| row as f64).collect())),
            ("a".to_owned(), Column::Number(a)),
            ("b".to_owned(), Column::Number(b)),
            ("colour".to_owned(), Column::Text(TextColumn::from_cells(colour))),
            ("y".to_owned(), target),
        ];
        let part = |from: usize, to: usize| {
            (0..rows as u32).filter(|row| (from..to).contains(&(*row as usize * 7 % 10))).collect()
        };
        Self {
            table: Table::new(columns).unwrap(),
            schema: schema(task),
            frame: frame(task, classes),
            split: Split { train: part(0, 6), validation: part(6, 8), test: part(8, 10) },
        }
    }

    pub(crate) fn input(&self) -> TrainInput<'_> {
        TrainInput { table: &self.table, schema: &self.schema, frame: &self.frame, split: &self.split }
    }

    /// Replaces a column.
    pub(crate) fn set(&mut self, name: &str, column: &Column) {
        let names = self.table.names().to_vec();
        let columns = names.into_iter().zip(self.table.columns().to_vec());
        let replaced = columns.map(|(own, old)| if own == name { (own, column.clone()) } else { (own, old) });
        self.table = Table::new(replaced.collect()).unwrap();
    }

    pub(crate) fn set_role(&mut self, name: &str, role: Role) {
        self.schema.fields.iter_mut().find(|field| field.name == name).unwrap().role = role;
    }
}

fn schema(task: Task) -> Schema {
    let target = if task == Task::Regression { FieldType::Number } else { FieldType::Category };
    let fields = [
        ("id", FieldType::Integer, Role::Id),
        ("a", FieldType::Number, Role::Feature),
        ("b", FieldType::Number, Role::Feature),
        ("colour", FieldType::Category, Role::Feature),
        ("y", target, Role::Target),
    ];
    let field = |(name, field_type, role): (&str, FieldType, Role)| Field {
        name: name.to_owned(),
        field_type,
        role,
        rules: yard_types::cell::CellRules::default(),
    };
    Schema { fields: fields.map(field).to_vec(), format: yard_types::schema::SourceFormat::default() }
}

fn frame(task: Task, classes: &[&str]) -> Frame {
    Frame {
        decision: String::new(),
        unit: "row".to_owned(),
        action: "act".to_owned(),
        cost_unit: "EUR".to_owned(),
        task,
        target: "y".to_owned(),
        positive: (task == Task::Binary).then(|| "yes".to_owned()),
        classes: classes.iter().map(|class| (*class).to_owned()).collect(),
        costs: (task == Task::Binary).then(|| Costs { false_negative: 5.0, ..Costs::default() }),
        metric: yard_types::metric::default_metric(task).to_owned(),
        protected: vec!["colour".to_owned()],
        floors: Vec::new(),
        latency_budget_ms: None,
        size_budget_bytes: None,
    }
}

/// A run on the CPU with hyperparameters.
pub(crate) fn spec(family: Family, params: &[(&str, &str)]) -> RunSpec {
    RunSpec {
        params: params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        device: "cpu".to_owned(),
        recipe: RecipeSpec::default(),
        ..RunSpec::new(family)
    }
}

/// A clock that counts its readings in microseconds.
pub(crate) fn ticking() -> impl Fn() -> f64 + Sync {
    let ticks = std::sync::atomic::AtomicU64::new(0);
    move || ticks.fetch_add(1, std::sync::atomic::Ordering::Relaxed) as f64 * 1e-6
}

/// A context without observer and worker.
pub(crate) fn context(threads: usize, clock: &(dyn Fn() -> f64 + Sync)) -> Context<'_> {
    Context::new(threads, &Silent, clock)
}
