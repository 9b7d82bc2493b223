//! From what the user said about a new project to frame, roles and split: infers what wasn't said,
//! refuses what can't work, and notes every choice.

use crate::error::DataError;
use crate::findings::counted;
use crate::open::Dataset;
use crate::recipe_text::{no_prose, word_counts};
use crate::target::{column_of, unknown_column};
use crate::text::Labels;
use yard_types::{
    command::NewProject,
    frame::{Costs, Frame, Task},
    metric::{all_metrics, default_metric, fits},
    schema::{Field, FieldType, Role, Schema},
    split::SplitSpec,
    table::{Column, Table},
};

/// Most classes of a target.
pub(crate) const MAX_CLASSES: usize = 1_000;
/// Most different whole numbers that are taken for class codes when the task isn't given.
const MAX_CLASS_CODES: usize = 10;

/// A framed dataset.
#[derive(Clone, Debug, PartialEq)]
pub struct Framed {
    /// Frame.
    pub frame: Frame,
    /// How to split.
    pub split: SplitSpec,
    /// What was inferred, in words.
    pub notes: Vec<String>,
}

/// Sets the roles in the dataset's schema and infers the frame. Without a target only the roles are set
/// and the result is `None`. On an error the schema is unchanged.
pub fn infer_frame(dataset: &mut Dataset, facts: &NewProject) -> Result<Option<Framed>, DataError> {
    let mut schema = dataset.schema.clone();
    let mut notes = assign_roles(&mut schema, &dataset.table, facts)?;
    let Some(target) = &facts.target else {
        dataset.schema = schema;
        return Ok(None);
    };
    let frame = frame_of(&dataset.table, &schema, target, facts, &mut notes)?;
    check_features(&schema, &dataset.table, target)?;
    let split = SplitSpec {
        seed: facts.seed,
        stratify: frame.task.is_classification(),
        group: facts.group.clone(),
        time: facts.time.clone(),
        column: facts.split_column.clone(),
        ..SplitSpec::default()
    };
    dataset.schema = schema;
    Ok(Some(Framed { frame, split, notes }))
}

/// Sets the roles that the user named; a column that plainly names the row becomes the id when none was
/// named. Returns notes.
pub fn assign_roles(
    schema: &mut Schema,
    table: &Table,
    facts: &NewProject,
) -> Result<Vec<String>, DataError> {
    let mut named: Vec<(&'static str, Role, &String)> = Vec::new();
    let single = [
        ("target", Role::Target, &facts.target),
        ("id", Role::Id, &facts.id),
        ("time", Role::Time, &facts.time),
        ("group", Role::Group, &facts.group),
        ("weight", Role::Weight, &facts.weight),
        ("split", Role::Split, &facts.split_column),
    ];
    named.extend(single.into_iter().filter_map(|(what, role, name)| Some((what, role, name.as_ref()?))));
    named.extend(facts.sensitive.iter().map(|name| ("sensitive", Role::Sensitive, name)));
    named.extend(facts.drop.iter().map(|name| ("dropped", Role::Dropped, name)));
    let mut uses: std::collections::BTreeMap<&String, &'static str> = std::collections::BTreeMap::new();
    for (what, role, name) in named {
        if let Some(first) = uses.insert(name, what)
            && first != what
        {
            return Err(DataError::TwoRoles { column: name.clone(), first, second: what });
        }
        let Some(field) = schema.fields.iter_mut().find(|field| field.name == *name) else {
            return Err(unknown_column(table.names(), name, what));
        };
        if role == Role::Weight && !matches!(field.field_type, FieldType::Number | FieldType::Integer) {
            return Err(DataError::Argument {
                what: "weight column",
                got: format!("\"{name}\" with {} values", field.field_type.word()),
                expected: "a column of numbers".to_owned(),
            });
        }
        field.role = role;
    }
    Ok(if facts.id.is_none() { find_id(schema, table) } else { Vec::new() })
}

/// A feature with a different value in every row and a name that says so becomes the id.
fn find_id(schema: &mut Schema, table: &Table) -> Vec<String> {
    for field in &mut schema.fields {
        let Some(column) = table.column(&field.name) else { continue };
        if field.role == Role::Feature && named_as_id(&field.name) && names_every_row(field, column) {
            field.role = Role::Id;
            return vec![format!(
                "\"{}\" differs in every row and is the id: it is kept beside predictions and is no feature",
                field.name
            )];
        }
    }
    Vec::new()
}

fn named_as_id(name: &str) -> bool {
    let lower = name.to_lowercase();
    let ends_as_word = name.ends_with("ID") || name.ends_with("Id") || lower == "id";
    let separated = [" id", "_id", "-id", ".id", "uuid", "guid"].iter().any(|end| lower.ends_with(end));
    ends_as_word || separated || ["index", "key", "row", "udi", "instant"].contains(&lower.as_str())
}

/// Returns whether each of at least 20 rows has a value of its own: whole numbers or words.
pub(crate) fn names_every_row(field: &Field, column: &Column) -> bool {
    if column.len() < 20
        || !matches!(field.field_type, FieldType::Integer | FieldType::Text | FieldType::Category)
    {
        return false;
    }
    match column {
        Column::Text(text) => text.words.len() == text.codes.len() && !text.codes.contains(&u32::MAX),
        Column::Number(values) => {
            let mut bits: Vec<u64> = values.iter().map(|value| value.to_bits()).collect();
            bits.sort_unstable();
            bits.windows(2).all(|pair| pair[0] != pair[1]) && values.iter().all(|value| value.is_finite())
        }
        Column::Instant(_) => false,
    }
}

fn frame_of(
    table: &Table,
    schema: &Schema,
    target: &str,
    facts: &NewProject,
    notes: &mut Vec<String>,
) -> Result<Frame, DataError> {
    let (field, column) = column_of(table, schema, target, "target")?;
    let values = Values::of(field, column);
    let task = task_of(field, &values, facts, notes)?;
    let (positive, classes) = classes_of(field, &values, task, facts, notes)?;
    let metric = metric_of(task, facts)?;
    let decision = facts.decision.clone().unwrap_or_else(|| match (&positive, task) {
        (Some(positive), _) => format!("Act on the rows where {target} is predicted to be {positive}"),
        (None, Task::Regression) => format!("Use the predicted {target}"),
        (None, _) => format!("Use the predicted class of {target}"),
    });
    Ok(Frame {
        decision,
        unit: "row".to_owned(),
        action: "act".to_owned(),
        cost_unit: "cost".to_owned(),
        task,
        target: target.to_owned(),
        positive,
        classes,
        costs: costs_of(target, task, facts)?,
        metric,
        protected: facts.sensitive.clone(),
        floors: facts.floors.clone(),
        latency_budget_ms: facts.latency_budget_ms,
        size_budget_bytes: None,
    })
}

/// The target's distinct values. For numbers beyond the class limit only their number is known.
struct Values {
    labels: Labels,
    counts: Vec<u64>,
    rows: u64,
    whole: bool,
}

impl Values {
    fn of(field: &Field, column: &Column) -> Self {
        let labels = Labels::of(field, column);
        let counts = labels.counts();
        let whole =
            matches!(column, Column::Number(values) if values.iter().all(|v| v.is_nan() || v.fract() == 0.0));
        Self { rows: counts.iter().sum(), labels, counts, whole }
    }

    fn distinct(&self) -> usize {
        self.labels.labels.len()
    }
}

fn task_of(
    field: &Field,
    values: &Values,
    facts: &NewProject,
    notes: &mut Vec<String>,
) -> Result<Task, DataError> {
    let target = field.name.clone();
    let distinct = values.distinct();
    if values.rows == 0 {
        return Err(DataError::NoRows { target, needed: 10 });
    }
    let numeric = matches!(field.field_type, FieldType::Number | FieldType::Integer | FieldType::Boolean);
    if facts.task == Some(Task::Regression) {
        if numeric && distinct > 1 {
            return Ok(Task::Regression);
        }
        let first = values.labels.labels.first().cloned().unwrap_or_default();
        return Err(if numeric {
            DataError::ConstantTarget { target, value: first, rows: values.rows }
        } else {
            let got = format!("{} values such as \"{first}\"", field.field_type.word());
            DataError::TargetType { target, got, task: "regression", expected: "numbers" }
        });
    }
    if field.field_type == FieldType::Datetime {
        let got = "points in time".to_owned();
        return Err(DataError::TargetType { target, got, task: "a model", expected: "classes or numbers" });
    }
    if let (1, Some(class)) = (distinct, values.labels.labels.first()) {
        return Err(DataError::OneClass { target, class: class.clone(), rows: values.rows });
    }
    let classes = if distinct == 2 { Task::Binary } else { Task::Multiclass };
    let classification = facts.task.is_some() || !numeric || distinct == 2 || is_class_code(values);
    if classification && distinct > MAX_CLASSES {
        let limit = MAX_CLASSES as u64;
        return Err(DataError::ManyClasses { target, classes: distinct as u64, rows: values.rows, limit });
    }
    let task = if classification { classes } else { Task::Regression };
    if facts.task == Some(Task::Binary) && task == Task::Multiclass {
        notes.push(format!("target \"{target}\" has {distinct} classes, so the task is multi-class"));
    } else if facts.task.is_none() {
        notes.push(format!(
            "the task is {}: target \"{target}\" has {}",
            task_word(task),
            described(values, numeric)
        ));
    }
    Ok(task)
}

fn described(values: &Values, numeric: bool) -> String {
    let kind = if numeric { "numbers" } else { "words" };
    format!("{} different {kind} in {}", values.distinct(), counted(values.rows, "row", "rows"))
}

/// Whole numbers 0..k or 1..k without a gap and few: codes of classes, not amounts.
fn is_class_code(values: &Values) -> bool {
    let distinct = values.distinct();
    if !values.whole || distinct > MAX_CLASS_CODES {
        return false;
    }
    let numbers: Vec<i64> = values.labels.labels.iter().filter_map(|label| label.parse().ok()).collect();
    let first = numbers.first().copied().unwrap_or(-1);
    (first == 0 || first == 1) && numbers.iter().zip(first..).all(|(own, expected)| *own == expected)
}

pub(crate) fn task_word(task: Task) -> &'static str {
    match task {
        Task::Binary => "binary classification",
        Task::Multiclass => "multi-class classification",
        Task::Regression => "regression",
    }
}

fn classes_of(
    field: &Field,
    values: &Values,
    task: Task,
    facts: &NewProject,
    notes: &mut Vec<String>,
) -> Result<(Option<String>, Vec<String>), DataError> {
    if task != Task::Binary {
        if facts.positive.is_some() {
            let target = field.name.clone();
            return Err(DataError::NotBinary { what: "a positive class", target, task: task_word(task) });
        }
        let classes = if task == Task::Regression { Vec::new() } else { values.labels.labels.clone() };
        return Ok((None, classes));
    }
    let labels = &values.labels.labels;
    let at = if let Some(given) = &facts.positive {
        find_class(labels, given).ok_or_else(|| DataError::PositiveNotFound {
            positive: given.clone(),
            target: field.name.clone(),
            classes: labels.clone(),
        })?
    } else {
        let at = usize::from(values.counts.get(1) <= values.counts.first());
        notes.push(format!(
            "the positive class is \"{}\", the rarer one ({} of {})",
            labels.get(at).map_or("", String::as_str),
            values.counts.get(at).copied().unwrap_or(0),
            counted(values.rows, "row", "rows")
        ));
        at
    };
    let mut classes = labels.clone();
    let positive = classes.remove(at);
    classes.push(positive.clone());
    Ok((Some(positive), classes))
}

fn find_class(labels: &[String], given: &str) -> Option<usize> {
    let given = given.trim();
    let exact = labels.iter().position(|label| label == given);
    let folded = || {
        let mut same =
            labels.iter().enumerate().filter(|(_, label)| label.to_lowercase() == given.to_lowercase());
        let first = same.next()?;
        same.next().is_none().then_some(first.0)
    };
    let as_number = || {
        let number: f64 = given.parse().ok()?;
        labels.iter().position(|label| label.parse::<f64>().is_ok_and(|own| own == number))
    };
    exact.or_else(folded).or_else(as_number)
}

fn metric_of(task: Task, facts: &NewProject) -> Result<String, DataError> {
    let Some(metric) = &facts.metric else { return Ok(default_metric(task).to_owned()) };
    if fits(metric, task) {
        return Ok(metric.clone());
    }
    let expected = all_metrics()
        .iter()
        .map(|info| info.name)
        .filter(|name| fits(name, task))
        .map(str::to_owned)
        .collect();
    Err(DataError::Metric { metric: metric.clone(), task: task_word(task), expected })
}

fn costs_of(target: &str, task: Task, facts: &NewProject) -> Result<Option<Costs>, DataError> {
    if facts.cost_fp.is_none() && facts.cost_fn.is_none() {
        return Ok(None);
    }
    if task != Task::Binary {
        let target = target.to_owned();
        return Err(DataError::NotBinary { what: "a cost", target, task: task_word(task) });
    }
    let default = Costs::default();
    let costs = Costs {
        false_positive: facts.cost_fp.unwrap_or(default.false_positive),
        false_negative: facts.cost_fn.unwrap_or(default.false_negative),
        ..default
    };
    if costs.threshold().is_none() || !costs.false_positive.is_finite() || !costs.false_negative.is_finite() {
        return Err(DataError::Argument {
            what: "costs",
            got: format!(
                "{} for a false positive and {} for a false negative",
                costs.false_positive, costs.false_negative
            ),
            expected: "finite costs above 0".to_owned(),
        });
    }
    Ok(Some(costs))
}

/// Refuses data that leave nothing to learn from.
fn check_features(schema: &Schema, table: &Table, target: &str) -> Result<(), DataError> {
    let usable = |field: &&Field| match table.column(&field.name) {
        Some(_) if field.field_type == FieldType::Image => true,
        Some(Column::Text(text)) if field.field_type == FieldType::Text => {
            let few = text.words.len() <= yard_types::recipe::RecipeSpec::default().max_categories;
            few || no_prose(text, &word_counts(text, 0..text.codes.len()).0).is_none()
        }
        other => other.is_some(),
    };
    if schema.features().any(|field| usable(&field)) {
        return Ok(());
    }
    let mut parts = Vec::new();
    let texts = schema.features().count();
    if texts > 0 {
        parts.push(counted(texts as u64, "column of names or codes", "columns of names or codes"));
    }
    let others =
        schema.fields.iter().filter(|field| !matches!(field.role, Role::Feature | Role::Target)).count();
    if others > 0 {
        parts.push(counted(others as u64, "column with another role", "columns with other roles"));
    }
    let reason = if parts.is_empty() { "it is the only column".to_owned() } else { parts.join(" and ") };
    Err(DataError::NoFeatures { target: target.to_owned(), reason })
}
