//! The frame that a target column suggests, from the profile alone. The engine checks it against the
//! rows when it is sent.

use yard_types::{
    event::DatasetRecord,
    frame::{Frame, Task},
    metric::default_metric,
    schema::FieldType,
};

/// Most distinct whole numbers that still count as classes.
const MOST_CLASSES: u64 = 20;

/// Returns a frame for a target. Binary: the rarer class is positive. Classes are those of the
/// profile's most frequent values, sorted.
pub fn frame(dataset: &DatasetRecord, target: &str) -> Frame {
    let column = dataset.profile.columns.iter().find(|column| column.name == target);
    let distinct = column.map_or(0, |column| column.distinct);
    let field_type = column.map_or(FieldType::Number, |column| column.field_type);
    let task = match field_type {
        FieldType::Number | FieldType::Datetime => Task::Regression,
        FieldType::Integer if distinct > MOST_CLASSES => Task::Regression,
        _ if distinct == 2 => Task::Binary,
        _ => Task::Multiclass,
    };
    let mut classes: Vec<(u64, String)> = column.map_or_else(Vec::new, |column| {
        column.top.iter().map(|top| (top.count, top.value.clone())).collect()
    });
    if task == Task::Binary {
        // Negative first: the more frequent class.
        classes.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    } else {
        classes.sort_by(|a, b| a.1.cmp(&b.1));
    }
    let classes: Vec<String> = if task == Task::Regression {
        Vec::new()
    } else {
        classes.into_iter().map(|(_, word)| word).collect()
    };
    Frame {
        decision: String::new(),
        unit: String::new(),
        action: String::new(),
        cost_unit: String::new(),
        task,
        target: target.to_owned(),
        positive: if task == Task::Binary { classes.get(1).cloned() } else { None },
        classes,
        costs: None,
        metric: default_metric(task).to_owned(),
        protected: Vec::new(),
        floors: Vec::new(),
        latency_budget_ms: None,
        size_budget_bytes: None,
    }
}
