//! `POST /v1/models/{m}:explain`: predictions with what each field added to them.

use crate::{
    api::predict::write_row,
    http::reply::Refusal,
    json,
    rows::Rows,
    served::{Answers, Served, row_refusal},
};
use yard_score::explain::{Explainer, Explanation};

/// Rows that may be explained in one request: an explanation costs about a thousand predictions.
pub(crate) const MAX_ROWS: usize = 1_000;
/// Terms of a text that are named.
const MOST_TERMS: usize = 5;

/// Explains every row and writes the answer: as predict, with `base`, `residual` and `reasons` (largest
/// first; of text fields with the terms that add most) in margins: of the positive class, of the predicted class with several, or of the number.
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
        write_reasons(&mut out, served, &explainer, (&explanation, output));
        out.extend_from_slice(b"]}");
    }
    out.extend_from_slice(b"],\"method\":");
    json::write_string(&mut out, method);
    out.push(b'}');
    Ok(out)
}

fn write_reasons(
    out: &mut Vec<u8>,
    served: &Served,
    explainer: &Explainer,
    (explanation, output): (&Explanation, usize),
) {
    let terms = explanation.ranked_terms(output);
    for (place, (input, contribution)) in explanation.ranked(output).into_iter().enumerate() {
        let Some(field) = served.inputs.fields.get(input) else { continue };
        if place > 0 {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"field\":");
        json::write_string(out, &field.name);
        out.extend_from_slice(b",\"contribution\":");
        json::write_real(out, contribution);
        write_terms(out, explainer, input, &terms);
        out.push(b'}');
    }
}

/// Writes the terms of a text field that add most to its contribution, if there are any.
fn write_terms(out: &mut Vec<u8>, explainer: &Explainer, input: usize, terms: &[(u32, f64)]) {
    let own = terms.iter().filter_map(|(feature, value)| {
        let (of, term) = explainer.term(*feature)?;
        (of == input).then_some((term, *value))
    });
    for (place, (term, value)) in own.take(MOST_TERMS).enumerate() {
        out.extend_from_slice(if place == 0 { b",\"terms\":[{\"term\":" } else { b"},{\"term\":" });
        json::write_string(out, term);
        out.extend_from_slice(b",\"contribution\":");
        json::write_real(out, value);
    }
    if terms.iter().any(|(feature, _)| owns(explainer, *feature, input)) {
        out.extend_from_slice(b"}]");
    }
}

fn owns(explainer: &Explainer, feature: u32, input: usize) -> bool {
    explainer.term(feature).is_some_and(|(of, _)| of == input)
}
