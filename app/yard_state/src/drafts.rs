//! What the user has typed and not yet sent: the forms of the places. Plain text, so that half a
//! number is kept as typed; parsed when it is sent.

use std::collections::BTreeMap;
use yard_types::{
    command::Command,
    frame::{Costs, Floor, Frame, Task},
    run::{Family, RunSpec},
};

/// A field of a form that can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftError {
    /// Field.
    pub field: String,
    /// What was expected.
    pub message: String,
}

/// The frame's form.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FrameDraft {
    /// Decision.
    pub decision: String,
    /// Unit.
    pub unit: String,
    /// Action.
    pub action: String,
    /// Unit of the costs.
    pub cost_unit: String,
    /// Target column.
    pub target: String,
    /// Positive class.
    pub positive: String,
    /// Costs as typed: false positive, false negative, true positive, true negative.
    pub costs: [String; 4],
    /// Metric.
    pub metric: String,
    /// Floor of the metric, empty for none.
    pub floor: String,
    /// Protected columns.
    pub protected: Vec<String>,
    /// Latency budget in ms, empty for none.
    pub latency: String,
    /// Size budget in MiB, empty for none.
    pub size: String,
}

impl FrameDraft {
    /// Fills the form from a frame.
    pub fn from_frame(frame: &Frame) -> Self {
        let costs = frame.costs;
        let cost = |pick: fn(&Costs) -> f64| costs.as_ref().map_or(String::new(), |own| number(pick(own)));
        let floor = frame.floors.iter().find(|floor| floor.metric == frame.metric);
        Self {
            decision: frame.decision.clone(),
            unit: frame.unit.clone(),
            action: frame.action.clone(),
            cost_unit: frame.cost_unit.clone(),
            target: frame.target.clone(),
            positive: frame.positive.clone().unwrap_or_default(),
            costs: [
                cost(|c| c.false_positive),
                cost(|c| c.false_negative),
                cost(|c| c.true_positive),
                cost(|c| c.true_negative),
            ],
            metric: frame.metric.clone(),
            floor: floor.map_or(String::new(), |floor| number(floor.value)),
            protected: frame.protected.clone(),
            latency: frame.latency_budget_ms.map_or(String::new(), number),
            size: frame.size_budget_bytes.map_or(String::new(), |bytes| number(bytes as f64 / 1_048_576.0)),
        }
    }

    /// Reads the form into a frame, keeping of `base` what the form doesn't hold.
    pub fn to_frame(&self, base: &Frame) -> Result<Frame, DraftError> {
        let mut frame = base.clone();
        frame.decision.clone_from(&self.decision);
        frame.unit.clone_from(&self.unit);
        frame.action.clone_from(&self.action);
        frame.cost_unit.clone_from(&self.cost_unit);
        frame.target.clone_from(&self.target);
        frame.positive =
            (frame.task == Task::Binary && !self.positive.is_empty()).then(|| self.positive.clone());
        frame.metric.clone_from(&self.metric);
        frame.protected.clone_from(&self.protected);
        frame.costs = self.read_costs()?;
        frame.floors.retain(|floor| floor.metric != self.metric);
        if let Some(value) = optional("floor", &self.floor)? {
            frame.floors.push(Floor { metric: self.metric.clone(), value });
        }
        frame.latency_budget_ms = optional("latency", &self.latency)?;
        frame.size_budget_bytes = optional("size", &self.size)?.map(|mib| (mib * 1_048_576.0) as u64);
        Ok(frame)
    }

    fn read_costs(&self) -> Result<Option<Costs>, DraftError> {
        let names = ["false positive", "false negative", "true positive", "true negative"];
        let mut values = [None; 4];
        for (slot, (name, text)) in values.iter_mut().zip(names.iter().zip(&self.costs)) {
            *slot = optional(name, text)?;
        }
        let (Some(false_positive), Some(false_negative)) = (values[0], values[1]) else { return Ok(None) };
        let costs = Costs {
            false_positive,
            false_negative,
            true_positive: values[2].unwrap_or(0.0),
            true_negative: values[3].unwrap_or(0.0),
        };
        if costs.threshold().is_none() {
            let message = "an error must cost more than the right answer to the same case".to_owned();
            return Err(DraftError { field: "false positive".to_owned(), message });
        }
        Ok(Some(costs))
    }
}

/// The recipe form of Train.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainDraft {
    /// Family.
    pub family: Family,
    /// Hyperparameters as typed; empty means the default.
    pub params: BTreeMap<String, String>,
    /// Device.
    pub device: String,
    /// Seed as typed.
    pub seed: String,
    /// Trials of a search as typed; empty trains once.
    pub trials: String,
    /// Time budget of a search in seconds as typed; empty for none.
    pub budget: String,
    /// Folds of cross-validation as typed; empty uses the validation part.
    pub folds: String,
    /// How often rows are dealt into folds anew, as typed; empty for once.
    pub repeats: String,
    /// Whether the whole run is tested by nested cross-validation.
    pub nested: bool,
}

impl Default for TrainDraft {
    fn default() -> Self {
        Self {
            family: Family::Auto,
            params: BTreeMap::new(),
            device: "auto".to_owned(),
            seed: "0".to_owned(),
            trials: String::new(),
            budget: String::new(),
            folds: String::new(),
            repeats: String::new(),
            nested: false,
        }
    }
}

impl TrainDraft {
    /// Fills the form from a run, so that it can be repeated with changes.
    pub fn from_spec(spec: &RunSpec) -> Self {
        let unless = |value: u32, plain: u32| if value == plain { String::new() } else { value.to_string() };
        Self {
            family: spec.family,
            params: spec.params.clone(),
            device: spec.device.clone(),
            seed: spec.seed.to_string(),
            trials: unless(spec.trials, 1),
            budget: spec.budget_secs.map_or(String::new(), number),
            folds: unless(spec.folds, 0),
            repeats: unless(spec.repeats, 1),
            nested: spec.nested,
        }
    }

    /// Reads the form.
    pub fn to_command(&self, recipe: &yard_types::recipe::RecipeSpec) -> Result<Command, DraftError> {
        let seed = self.seed.trim().parse().map_err(|_| DraftError {
            field: "seed".to_owned(),
            message: format!("expected a whole number, got \"{}\"", self.seed),
        })?;
        let mut spec = RunSpec::new(self.family);
        spec.recipe = recipe.clone();
        spec.seed = seed;
        spec.trials = whole("trials", &self.trials)?.unwrap_or(1);
        spec.budget_secs = optional("budget", &self.budget)?;
        spec.folds = whole("folds", &self.folds)?.unwrap_or(0);
        spec.repeats = whole("repeats", &self.repeats)?.unwrap_or(1);
        spec.nested = self.nested;
        spec.device.clone_from(&self.device);
        spec.params = self
            .params
            .iter()
            .filter(|(_, value)| !value.trim().is_empty())
            .map(|(name, value)| (name.clone(), value.trim().to_owned()))
            .collect();
        Ok(Command::StartTraining { spec: Box::new(spec) })
    }
}

/// Settings of Deploy.
#[derive(Clone, Debug, PartialEq)]
pub struct DeployDraft {
    /// Target name.
    pub target: String,
    /// Percent of a canary as typed.
    pub percent: String,
    /// Shadow instead of canary.
    pub shadow: bool,
    /// `Form`, `JSON` or `curl` in "Try it".
    pub try_tab: usize,
}

impl Default for DeployDraft {
    fn default() -> Self {
        Self { target: "local".to_owned(), percent: "10".to_owned(), shadow: false, try_tab: 0 }
    }
}

/// Settings of Monitor.
#[derive(Clone, Debug, PartialEq)]
pub struct MonitorDraft {
    /// Fresh data for a retrain, as a path; empty = the current dataset.
    pub retrain_data: String,
    /// Deploy as canary when the gates pass.
    pub deploy: bool,
    /// Requests of sample traffic as typed.
    pub requests: String,
    /// Kind of drift of sample traffic.
    pub drift: String,
    /// Path of a labels file.
    pub labels: String,
}

impl Default for MonitorDraft {
    fn default() -> Self {
        Self {
            retrain_data: String::new(),
            deploy: true,
            requests: "2000".to_owned(),
            drift: "none".to_owned(),
            labels: String::new(),
        }
    }
}

/// The "Try it" form: field values as typed; empty means missing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TryDraft {
    /// Values by field.
    pub values: BTreeMap<String, String>,
    /// Row of the dataset that filled the form.
    pub row: Option<u64>,
}

impl TryDraft {
    /// Reads the form by field types into JSON values.
    pub fn to_row(&self, schema: &yard_types::schema::Schema) -> serde_json::Map<String, serde_json::Value> {
        use yard_types::schema::FieldType;
        let mut row = serde_json::Map::new();
        for field in schema.features() {
            let text = self.values.get(&field.name).map_or("", |text| text.trim());
            let value = match field.field_type {
                _ if field.rules.missing(text) => serde_json::Value::Null,
                FieldType::Number | FieldType::Integer => field
                    .rules
                    .number(text)
                    .and_then(serde_json::Number::from_f64)
                    .map_or_else(|| serde_json::Value::String(text.to_owned()), serde_json::Value::Number),
                _ => serde_json::Value::String(text.to_owned()),
            };
            row.insert(field.name.clone(), value);
        }
        row
    }
}

/// All forms, as one snapshot for undo.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drafts {
    /// Frame.
    pub frame: FrameDraft,
    /// Split.
    pub split: crate::split_draft::SplitDraft,
    /// Train.
    pub train: TrainDraft,
    /// Deploy.
    pub deploy: DeployDraft,
    /// Monitor.
    pub monitor: MonitorDraft,
    /// Try it.
    pub try_it: TryDraft,
}

/// Formats a number for a text field: no exponent for everyday values, no trailing zeros.
pub fn number(value: f64) -> String {
    format!("{value}")
}

fn whole(field: &str, text: &str) -> Result<Option<u32>, DraftError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| DraftError {
        field: field.to_owned(),
        message: format!("expected a whole number, got \"{text}\""),
    })
}

fn optional(field: &str, text: &str) -> Result<Option<f64>, DraftError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    match text.replace(',', ".").parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Some(value)),
        _ => {
            Err(DraftError { field: field.to_owned(), message: format!("expected a number, got \"{text}\"") })
        }
    }
}
