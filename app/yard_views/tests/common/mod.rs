//! A small project as events, and a window over it: what the tests of the places share.
#![allow(dead_code, reason = "each test binary uses a part of the fixture")]

pub(crate) mod names;

use egui_kittest::Harness;
use std::collections::BTreeMap;
use yard_state::{actions::Action, route::Place, state::StudioState};
use yard_types::{
    command::Command,
    event::{DatasetRecord, Event, EventRecord},
    frame::{Costs, Frame, Task},
    ids::{CommandId, DatasetId, ModelId, RunId, Sha256},
    metric::{MetricSet, MetricValue},
    profile::{ColumnProfile, Finding, Fingerprint, Fix, Histogram, Profile, Severity, TopValue},
    run::{Family, ModelRecord, Params, RunSpec, TrainPoint, Trial},
    schema::{Field, FieldType, Role, Schema, SourceFormat},
    split::{SplitCounts, SplitSpec},
};
use yard_views::Views;

/// Numbers events as the log does.
pub(crate) fn records(events: Vec<Event>) -> Vec<EventRecord> {
    let record = |(at, body): (usize, Event)| EventRecord {
        seq: at as u64 + 1,
        at: "2026-11-24T14:21:00Z".to_owned(),
        actor: "test".to_owned(),
        command_id: CommandId(at as u64),
        body,
        prev_hash: Sha256([0; 32]),
        hash: Sha256([0; 32]),
    };
    events.into_iter().enumerate().map(record).collect()
}

fn column(name: &str, field_type: FieldType, distinct: u64, top: &[(&str, u64)]) -> ColumnProfile {
    let value = |(value, count): &(&str, u64)| TopValue { value: (*value).to_owned(), count: *count };
    ColumnProfile {
        name: name.to_owned(),
        field_type,
        missing: 0,
        distinct,
        mean: None,
        sd: None,
        min: None,
        q25: None,
        median: None,
        q75: None,
        max: None,
        top: top.iter().map(value).collect(),
        histogram: None,
        alone: None,
    }
}

fn columns() -> Vec<ColumnProfile> {
    let histogram = Histogram {
        edges: vec![0.0, 24.0, 48.0, 72.0],
        counts: vec![500, 300, 200],
        positive: vec![200, 45, 20],
    };
    let tenure = ColumnProfile {
        mean: Some(32.4),
        min: Some(0.0),
        max: Some(72.0),
        histogram: Some(histogram),
        alone: Some(0.74),
        ..column("tenure", FieldType::Integer, 73, &[])
    };
    vec![
        column("customer", FieldType::Text, 1000, &[("a-1", 1)]),
        tenure,
        column("Contract", FieldType::Category, 2, &[("Month-to-month", 600), ("Two year", 400)]),
        column("Churn", FieldType::Category, 2, &[("No", 735), ("Yes", 265)]),
    ]
}

fn findings() -> Vec<Finding> {
    let finding = |severity, code: &str, column: &str, message: &str, fix| Finding {
        severity,
        code: code.to_owned(),
        column: Some(column.to_owned()),
        count: 1,
        message: message.to_owned(),
        examples: Vec::new(),
        fix,
    };
    let id = Some(Fix::MakeId { column: "customer".to_owned() });
    let drop = Some(Fix::Drop { column: "tenure".to_owned() });
    vec![
        finding(Severity::Warning, "identifier", "customer", "every row has a value of its own", id),
        finding(Severity::Info, "skewed", "tenure", "very uneven", drop),
    ]
}

/// The dataset of the fixture: 1,000 rows, four columns.
pub(crate) fn dataset() -> DatasetRecord {
    let field = |column: &ColumnProfile| Field {
        name: column.name.clone(),
        field_type: column.field_type,
        role: if column.name == "Churn" { Role::Target } else { Role::Feature },
        rules: yard_types::cell::CellRules::default(),
    };
    let columns = columns();
    DatasetRecord {
        id: DatasetId(1),
        name: "churn.csv".to_owned(),
        path: "/data/churn.csv".to_owned(),
        fingerprint: Fingerprint { bytes: 90_000, sha256: Sha256([7; 32]) },
        schema: Schema { fields: columns.iter().map(field).collect(), format: SourceFormat::default() },
        profile: Profile { rows: 1000, columns, findings: findings(), format: SourceFormat::default() },
    }
}

fn frame() -> Frame {
    Frame {
        decision: "Whom to call".to_owned(),
        unit: "customer".to_owned(),
        action: "call".to_owned(),
        cost_unit: "EUR".to_owned(),
        task: Task::Binary,
        target: "Churn".to_owned(),
        positive: Some("Yes".to_owned()),
        classes: vec!["No".to_owned(), "Yes".to_owned()],
        costs: Some(Costs { false_negative: 5.0, ..Costs::default() }),
        metric: "roc_auc".to_owned(),
        protected: Vec::new(),
        floors: Vec::new(),
        latency_budget_ms: None,
        size_budget_bytes: None,
    }
}

/// A project with data and no run.
pub(crate) fn with_data() -> Vec<Event> {
    let counts = SplitCounts { train: 600, validation: 200, test: 200 };
    vec![
        Event::ProjectCreated { name: "churn".to_owned() },
        Event::DatasetImported { dataset: Box::new(dataset()) },
        Event::FrameSet { frame: Box::new(frame()) },
        Event::SplitSet { dataset: DatasetId(1), spec: SplitSpec::default(), counts, notes: Vec::new() },
    ]
}

fn metrics(auc: f64) -> MetricSet {
    let around = |value: f64| MetricValue { value, low: Some(value - 0.02), high: Some(value + 0.02) };
    let pairs = [("roc_auc", auc), ("log_loss", 1.2 - auc), ("expected_cost", 1.3 - auc)];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), around(value))).collect()
}

/// Curve of the fixture's models: the best step is 2.
pub(crate) fn curve() -> Vec<TrainPoint> {
    let point = |step, train_loss, loss| TrainPoint {
        step,
        train_loss,
        validation_loss: Some(loss),
        validation_metric: Some(1.2 - loss),
    };
    vec![point(1, 0.6, 0.5), point(2, 0.5, 0.4), point(3, 0.4, 0.45)]
}

fn model(run: u64, family: Family, auc: f64) -> ModelRecord {
    ModelRecord {
        id: ModelId(run),
        run: RunId(run),
        family,
        params: Params::from([("l2".to_owned(), "1".to_owned())]),
        model_sha256: Sha256([run as u8; 32]),
        object: Sha256([run as u8; 32]),
        dataset: DatasetId(1),
        metrics: BTreeMap::from([("validation".to_owned(), metrics(auc)), ("test".to_owned(), metrics(auc))]),
        steps: 2,
        parameters: 40,
        size_bytes: 4096,
        seconds: 0.4,
        device: "cpu".to_owned(),
        features: 3,
        points: None,
        recipe_lines: vec!["scale 3 columns".to_owned()],
    }
}

/// A project with a linear run, a search, a failed run.
pub(crate) fn with_runs() -> Vec<Event> {
    let started = |run, family| Event::RunStarted {
        run: RunId(run),
        spec: Box::new(RunSpec::new(family)),
        dataset: DatasetId(1),
    };
    let finished = |run, family, auc, trials| Event::RunFinished {
        run: RunId(run),
        model: Box::new(model(run, family, auc)),
        curve: curve(),
        trials,
    };
    let trial = |family, auc, kept, note: &str| Trial {
        family,
        params: Params::new(),
        validation: metrics(auc),
        seconds: 1.0,
        kept,
        note: note.to_owned(),
        size_bytes: Some(2_048),
        latency_us: Some(1.5),
        front: kept,
    };
    let trials = vec![
        trial(Family::Linear, 0.80, false, "worse beyond noise"),
        trial(Family::Boosting, 0.84, true, "best"),
    ];
    let mut events = with_data();
    events.extend([
        started(1, Family::Linear),
        finished(1, Family::Linear, 0.80, Vec::new()),
        started(2, Family::Auto),
        finished(2, Family::Boosting, 0.84, trials),
        started(3, Family::Mlp),
        Event::RunFailed { run: RunId(3), message: "the loss is not finite; lower learning_rate".to_owned() },
    ]);
    events
}

/// State over events at a place.
pub(crate) fn state(events: Vec<Event>, place: Place) -> StudioState {
    let mut state = StudioState::new();
    state.open_project("/projects/churn.modelyard", false, &records(events));
    state.place = place;
    state
}

/// A window of 1440 × 900 over a state.
pub(crate) fn window(state: StudioState) -> Harness<'static, StudioState> {
    let mut views = Views::default();
    let mut harness = Harness::builder().with_size([1440.0, 900.0]).with_max_steps(20).build_ui_state(
        move |ui, state: &mut StudioState| {
            yard_ui::apply(ui.ctx(), yard_ui::Theme::Light);
            yard_views::show(ui, state, &mut views);
        },
        state,
    );
    harness.run_steps(4);
    harness
}

/// Commands sent to the engine so far, taken out.
pub(crate) fn sent(harness: &mut Harness<'static, StudioState>) -> Vec<Command> {
    let actions = harness.state_mut().take_actions();
    let engine = |action| match action {
        Action::Engine(command) => Some(*command),
        _ => None,
    };
    actions.into_iter().filter_map(engine).collect()
}
