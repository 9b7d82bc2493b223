//! C99 source of the whole pipeline: a struct of fields in, margins, probabilities, label and decision out. No
//! allocation, nothing of the library but `math.h` for NaN and infinity; the order of all operations is the
//! scorer's, its exponential included, so that answers have the same bits. `golden.c` re-computes the golden
//! examples of the package.

mod fields;
mod model;
mod outcome;
#[cfg(test)]
mod tests;
mod text;

use crate::{
    error::ExportError,
    exported::Exported,
    subject::{Subject, add},
    triton::{instant, number},
};
use fields::field_name;
use std::collections::BTreeMap;
use text::{c_double, c_int64, c_string, identifier};
use yard_score::model::{Link, Model};
use yard_types::schema::FieldType;

const USAGE: &str = "\
```
cc -std=c99 -O2 -Wall -Wextra -Werror -o golden model.c golden.c -lm && ./golden
```

compiles the model and re-computes the golden examples bit by bit. Use `model.h` in a program of your own; keep
`-std=c99`, or give `-ffp-contract=off`, so that the compiler joins no operations, and no `-ffast-math`.
A number is missing as NAN, a string as NULL or \"\", a point in time as INT64_MIN.
";

/// Exports the source.
pub(crate) fn export(subject: &Subject<'_>) -> Result<Exported, ExportError> {
    if matches!(subject.parts.model, Model::Ensemble(_)) {
        return Err(ExportError::Unsupported {
            format: "C99 source",
            what: subject.family().to_owned(),
            lost: "it holds one model",
            instead: "onnx",
        });
    }
    let notes = subject.reading_notes();
    let readme = subject.readme("C99 source", USAGE, &notes);
    let files = BTreeMap::from([
        ("model.h".to_owned(), header(subject).into_bytes()),
        ("model.c".to_owned(), source(subject).into_bytes()),
        ("golden.c".to_owned(), golden(subject).into_bytes()),
        ("README.md".to_owned(), readme.into_bytes()),
    ]);
    Ok(Exported { files, main: None, notes })
}

/// Returns the prefix of all names.
fn prefix(subject: &Subject<'_>) -> String {
    identifier(subject.name())
}

fn header(subject: &Subject<'_>) -> String {
    let name = prefix(subject);
    let guard = name.to_uppercase();
    let mut out = format!("/* {} version {}: {} */\n", subject.name(), subject.version, subject.model_sha256);
    add(
        &mut out,
        format_args!("#ifndef {guard}_MODEL_H\n#define {guard}_MODEL_H\n\n#include <stdint.h>\n\n"),
    );
    out.push_str("/* One row. */\ntypedef struct {\n");
    for (index, input) in subject.parts.recipe.inputs.iter().enumerate() {
        let kind = match input.field_type {
            FieldType::Category | FieldType::Text => "const char *",
            FieldType::Datetime => "int64_t ",
            _ => "double ",
        };
        add(
            &mut out,
            format_args!(
                "    {kind}{}; /* {} */\n",
                field_name(index, &input.name),
                text::comment(&input.name)
            ),
        );
    }
    add(&mut out, format_args!("}} {name}_row;\n\n/* The answer to a row. */\ntypedef struct {{\n"));
    let what = if subject.parts.classes.is_empty() { " /* the prediction */" } else { "" };
    add(&mut out, format_args!("    float margin[{}];{what}\n", subject.parts.model.outputs()));
    let classes = subject.parts.classes.len();
    if classes > 0 {
        add(
            &mut out,
            format_args!("    float probability[{classes}];\n    int label; /* index of {name}_classes */\n"),
        );
    }
    if subject.threshold.is_some() {
        out.push_str("    int decision; /* 1 from the decision threshold on */\n");
    }
    add(&mut out, format_args!("}} {name}_answer;\n\n"));
    if classes > 0 {
        add(&mut out, format_args!("extern const char *const {name}_classes[{classes}];\n"));
    }
    add(
        &mut out,
        format_args!("void {name}_score(const {name}_row *row, {name}_answer *answer);\n\n#endif\n"),
    );
    out
}

fn source(subject: &Subject<'_>) -> String {
    let name = prefix(subject);
    let mut out = String::from("#include \"model.h\"\n#include <math.h>\n\n");
    out.push_str("#ifdef __clang__\n#pragma STDC FP_CONTRACT OFF\n#endif\n\n");
    fields::encode(&mut out, subject);
    model::margins(&mut out, subject);
    outcome::answer(&mut out, subject, &name);
    add(&mut out, format_args!("void {name}_score(const {name}_row *row, {name}_answer *answer) {{\n"));
    add(&mut out, format_args!("    float x[{}];\n", subject.parts.recipe.features.len()));
    out.push_str("    encode(row, x);\n    margins(x, answer->margin);\n");
    out.push_str(if subject.parts.link == Link::Identity { "}\n" } else { "    finish(answer);\n}\n" });
    out
}

/// A program that compares the golden examples.
fn golden(subject: &Subject<'_>) -> String {
    let name = prefix(subject);
    let (outputs, classes) = (subject.parts.model.outputs(), subject.parts.classes.len());
    let mut out =
        String::from("#include \"model.h\"\n#include <math.h>\n#include <stdio.h>\n#include <string.h>\n\n");
    add(&mut out, format_args!("static const {name}_row rows[] = {{\n"));
    for golden in subject.golden {
        let value = |input: &yard_types::recipe::FittedInput| {
            let value = golden.request.get(&input.name).unwrap_or(&serde_json::Value::Null);
            match input.field_type {
                FieldType::Category | FieldType::Text => c_string(value.as_str().unwrap_or_default()),
                FieldType::Datetime => c_int64(instant(value)),
                _ => c_double(number(value)),
            }
        };
        let values: Vec<String> = subject.parts.recipe.inputs.iter().map(value).collect();
        add(&mut out, format_args!("    {{ {} }},\n", values.join(", ")));
    }
    let rows = subject.golden.len();
    let list = |values: &[f32]| values.iter().map(|v| text::c_float(*v)).collect::<Vec<_>>().join(", ");
    add(&mut out, format_args!("}};\n\nstatic const float margins[{rows}][{outputs}] = {{\n"));
    for golden in subject.golden {
        add(&mut out, format_args!("    {{ {} }},\n", list(&golden.margins)));
    }
    out.push_str("};\n\n");
    if classes > 0 {
        add(&mut out, format_args!("static const float probabilities[{rows}][{classes}] = {{\n"));
        for golden in subject.golden {
            add(&mut out, format_args!("    {{ {} }},\n", list(&golden.probabilities)));
        }
        out.push_str("};\n\n");
    }
    add(
        &mut out,
        format_args!("int main(void) {{\n    int equal = 0, i;\n    for (i = 0; i < {rows}; i++) {{\n"),
    );
    add(
        &mut out,
        format_args!(
            "        {name}_answer answer;\n        int same;\n        {name}_score(&rows[i], &answer);\n"
        ),
    );
    out.push_str("        same = memcmp(answer.margin, margins[i], sizeof margins[i]) == 0;\n");
    if classes > 0 {
        out.push_str("        same = same && memcmp(answer.probability, probabilities[i], sizeof probabilities[i]) == 0;\n");
    }
    add(
        &mut out,
        format_args!(
            "        equal += same;\n    }}\n    printf(\"%d of {rows} golden examples equal\\n\", equal);\n    \
             return equal == {rows} ? 0 : 1;\n}}\n"
        ),
    );
    out
}
