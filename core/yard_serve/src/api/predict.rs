//! `POST /v1/models/{m}:predict`: records in, predictions out, in order.

use crate::{
    json,
    served::{Answers, Served},
};

/// Writes the answer.
///
/// Probabilities and numbers are the f64 of the scorer's f32, with the fewest digits that parse back to it.
pub(crate) fn write_predictions(served: &Served, request_id: &str, answers: &Answers) -> Vec<u8> {
    let classes = &served.fragments.classes;
    let class_bytes: usize = classes.iter().map(|class| class.len() + 24).sum();
    let mut out = Vec::with_capacity(128 + request_id.len() + answers.rows * (class_bytes + 64));
    out.extend_from_slice(&served.fragments.head);
    json::write_string(&mut out, request_id);
    out.push(b',');
    write_list(&mut out, classes, answers);
    out
}

/// Writes the answer of `/invocations`: the predictions alone.
pub(crate) fn write_bare(served: &Served, answers: &Answers) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + answers.rows * 96);
    out.push(b'{');
    write_list(&mut out, &served.fragments.classes, answers);
    out
}

fn write_list(out: &mut Vec<u8>, classes: &[Vec<u8>], answers: &Answers) {
    out.extend_from_slice(b"\"predictions\":[");
    for row in 0..answers.rows {
        if row > 0 {
            out.push(b',');
        }
        write_row(out, classes, answers, row);
    }
    out.extend_from_slice(b"]}");
}

/// Writes one prediction as an object.
pub(crate) fn write_row(out: &mut Vec<u8>, classes: &[Vec<u8>], answers: &Answers, row: usize) {
    out.extend_from_slice(b"{\"prediction\":");
    if classes.is_empty() {
        let margin = answers.margins.get(row * answers.outputs).copied().unwrap_or(f32::NAN);
        json::write_real(out, f64::from(margin));
        out.push(b'}');
        return;
    }
    let label = answers.labels.get(row).and_then(|label| classes.get(*label as usize));
    out.extend_from_slice(label.map_or(b"null", |class| class.as_slice()));
    out.extend_from_slice(b",\"probabilities\":{");
    let own = answers.probabilities.get(row * answers.classes..(row + 1) * answers.classes).unwrap_or(&[]);
    for (index, (class, probability)) in classes.iter().zip(own).enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(class);
        out.push(b':');
        json::write_real(out, f64::from(*probability));
    }
    out.push(b'}');
    if let Some(decision) = answers.decisions.get(row) {
        out.extend_from_slice(if *decision { b",\"decision\":true" } else { b",\"decision\":false" });
    }
    out.push(b'}');
}
