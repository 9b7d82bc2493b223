//! `POST /v1/models/{m}:explain`: predictions with what each field added to them.

use crate::{
    api::predict::write_row,
    http::reply::Refusal,
    json,
    rows::Rows,
    served::{Answers, Served, row_refusal},
};

/// Rows that may be explained in one request: an explanation costs about a thousand predictions.
pub(crate) const MAX_ROWS: usize = 1_000;

/// Explains every row and writes the answer: as predict, with `base`, `residual` and `reasons` (largest
/// first) in margins: of the positive class, of the predicted class with several, or of the number.
pub(crate) fn write_explanations(
    served: &Served,
    request_id: &str,
    rows: &Rows,
    answers: &Answers,
) -> Result<Vec<u8>, Refusal> {
    let explainer = served.explainer()?;
    let mut out = served.fragments.head.clone();
    json::write_string(&mut out, request_id);
    out.extend_from_slice(b",\"explanations\":[");
    let mut row = Vec::new();
    let mut method = "";
    for index in 0..rows.len() {
        if index > 0 {
            out.push(b',');
        }
        rows.row(index, &mut row);
        let explanation = explainer.explain(&row).map_err(|error| row_refusal(index, error))?;
        method = explanation.method.word();
        let label = answers.labels.get(index).copied().unwrap_or(0) as usize;
        let output = if answers.outputs > 1 { label } else { 0 };
        write_row(&mut out, &served.fragments.classes, answers, index);
        out.pop();
        let number = |values: &[f64]| values.get(output).copied().unwrap_or(f64::NAN);
        out.extend_from_slice(b",\"margin\":");
        json::write_real(&mut out, explanation.margins.get(output).copied().map_or(f64::NAN, f64::from));
        out.extend_from_slice(b",\"base\":");
        json::write_real(&mut out, number(&explanation.base));
        out.extend_from_slice(b",\"residual\":");
        json::write_real(&mut out, number(&explanation.residual));
        out.extend_from_slice(b",\"reasons\":[");
        write_reasons(&mut out, served, &explanation.ranked(output));
        out.extend_from_slice(b"]}");
    }
    out.extend_from_slice(b"],\"method\":");
    json::write_string(&mut out, method);
    out.push(b'}');
    Ok(out)
}

fn write_reasons(out: &mut Vec<u8>, served: &Served, ranked: &[(usize, f64)]) {
    for (place, (input, contribution)) in ranked.iter().enumerate() {
        let Some(field) = served.inputs.fields.get(*input) else { continue };
        if place > 0 {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"field\":");
        json::write_string(out, &field.name);
        out.extend_from_slice(b",\"contribution\":");
        json::write_real(out, *contribution);
        out.push(b'}');
    }
}
