//! Temporary stand-ins.
use yard_data::{DataError, Dataset};
use yard_types::{command::NewProject, frame::{Costs, Frame, Task}, profile::{ColumnProfile, Finding, Profile}, schema::{FieldType, Role, Schema}, split::{Split, SplitSpec}, table::{FieldValue, Table}};

pub(crate) struct Planned { pub(crate) schema: Schema, pub(crate) frame: Option<Frame>, pub(crate) findings: Vec<Finding> }

pub(crate) fn plan(data: &Dataset, o: &NewProject) -> Result<Planned, DataError> {
    let mut schema = data.schema.clone();
    let Some(target) = &o.target else { return Ok(Planned { schema, frame: None, findings: vec![] }) };
    for f in &mut schema.fields {
        if f.name == *target { f.role = Role::Target }
        if o.id.as_ref() == Some(&f.name) { f.role = Role::Id }
        if o.drop.contains(&f.name) { f.role = Role::Dropped }
        if o.split_column.as_ref() == Some(&f.name) { f.role = Role::Split }
    }
    let col = data.table.column(target).ok_or_else(|| DataError::UnknownColumn { what: "target", column: target.clone(), near: String::new(), columns: data.table.names().to_vec() })?;
    let ft = schema.field(target).map_or(FieldType::Text, |f| f.field_type);
    let mut classes: Vec<String> = (0..col.len()).filter_map(|r| match col.value(r) { FieldValue::Text(t) => Some(t.to_owned()), FieldValue::Number(n) => Some(n.to_string()), _ => None }).collect::<std::collections::BTreeSet<_>>().into_iter().collect();
    let task = if matches!(ft, FieldType::Number | FieldType::Integer) && classes.len() > 2 { Task::Regression } else if classes.len() == 2 { Task::Binary } else { Task::Multiclass };
    if task == Task::Regression { classes.clear() }
    if let Some(p) = &o.positive { if classes.first() == Some(p) { classes.reverse() } }
    let frame = Frame { decision: o.decision.clone().unwrap_or_default(), unit: "row".into(), action: String::new(), cost_unit: String::new(), task, target: target.clone(), positive: (task == Task::Binary).then(|| classes[1].clone()), classes, costs: o.cost_fp.zip(o.cost_fn).map(|(a, b)| Costs { false_positive: a, false_negative: b, ..Costs::default() }), metric: o.metric.clone().unwrap_or_else(|| yard_types::metric::default_metric(task).into()), protected: o.sensitive.clone(), floors: o.floors.clone(), latency_budget_ms: o.latency_budget_ms, size_budget_bytes: None };
    Ok(Planned { schema, frame: Some(frame), findings: vec![] })
}
pub(crate) fn complete(_t: &Table, _s: &Schema, f: &Frame) -> Result<Frame, DataError> { Ok(f.clone()) }
pub(crate) fn profile(t: &Table, s: &Schema, _f: Option<&Frame>) -> Profile {
    let columns = s.fields.iter().map(|f| { let c = t.column(&f.name); let mut v: Vec<f64> = c.map_or(vec![], |c| (0..c.len()).filter_map(|r| match c.value(r) { FieldValue::Number(n) => Some(n), _ => None }).collect()); v.sort_by(f64::total_cmp); ColumnProfile { name: f.name.clone(), field_type: f.field_type, missing: 0, distinct: 0, mean: None, sd: None, min: v.first().copied(), q25: None, median: v.get(v.len()/2).copied(), q75: None, max: v.last().copied(), top: vec![], histogram: None, alone: None } }).collect();
    Profile { rows: t.rows() as u64, columns, findings: vec![], format: s.format.clone() }
}
pub(crate) fn split(t: &Table, _s: &Schema, _f: &Frame, spec: &SplitSpec) -> Result<(Split, Vec<String>), DataError> {
    let mut out = Split::default();
    for r in 0..t.rows() as u32 { let u = yard_types::rng::uniform(spec.seed, 5, u64::from(r)); if u < spec.test { out.test.push(r) } else if u < spec.test + spec.validation { out.validation.push(r) } else { out.train.push(r) } }
    Ok((out, vec![]))
}
