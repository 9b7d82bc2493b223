#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use yard_types::{
    contract::{Contract, ContractField},
    frame::Task,
    table::FieldValue,
};

fn inputs() -> Inputs {
    let types = [("age", FieldType::Integer), ("plan", FieldType::Category)];
    let field = |name: &str, field_type| ContractField {
        name: name.to_owned(),
        field_type,
        nullable: true,
        min: None,
        max: None,
        categories: Vec::new(),
        example: serde_json::Value::Null,
    };
    let contract = Contract {
        name: "m".to_owned(),
        task: Task::Binary,
        fields: types.map(|(name, kind)| field(name, kind)).to_vec(),
        id_field: None,
        target: "churn".to_owned(),
        classes: Vec::new(),
    };
    Inputs::new(types.map(|(name, kind)| (name.to_owned(), kind)).into_iter(), &contract)
}

fn read(body: &str) -> Result<InferRequest, Refusal> {
    read_infer(Bytes::copy_from_slice(body.as_bytes()), &inputs(), Output::of(Task::Binary), 4)
}

const PLAN: &str = r#"{"name":"plan","shape":[2],"datatype":"BYTES","data":["a","b"]}"#;

fn with_plan(age: &str) -> String {
    format!(r#"{{"inputs":[{age},{PLAN}]}}"#)
}

#[test]
fn flat_nested_and_keys_in_any_order() {
    for age in [
        r#"{"name":"age","shape":[2,1],"datatype":"INT64","data":[[41],[null]]}"#,
        r#"{"name":"age","shape":[2],"datatype":"INT8","data":[41,null]}"#,
        r#"{"data":[41,null],"datatype":"FP32","shape":[2,1],"name":"age","parameters":{"x":1}}"#,
    ] {
        let request = read(&with_plan(age)).expect(age);
        let mut row = Vec::new();
        request.rows.row(0, &mut row);
        assert_eq!(row, [FieldValue::Number(41.0), FieldValue::Text("a")], "{age}");
        request.rows.row(1, &mut row);
        assert_eq!(row, [FieldValue::Missing, FieldValue::Text("b")], "{age}");
        assert!(request.outputs.is_none());
    }
}

#[test]
fn outputs_and_id() {
    let age = r#"{"name":"age","shape":[2],"datatype":"INT64","data":[1,2]}"#;
    let body = format!(
        r#"{{"id":"r-7","outputs":[{{"name":"label"}},{{"name":"probability"}}],"inputs":[{age},{PLAN}]}}"#
    );
    let request = read(&body).unwrap();
    assert_eq!(request.outputs, Some(vec![Output::Label, Output::Probability]));
    assert_eq!(request.rows.request_id.as_deref(), Some("r-7"));
}

#[test]
fn what_must_be_rejected() {
    let check = |body: String, part: &str| {
        let refusal = read(&body).expect_err(&body);
        assert_eq!(refusal.status, hyper::StatusCode::BAD_REQUEST);
        assert!(refusal.message.contains(part), "{body}: {}", refusal.message);
    };
    let age = |rest: &str| with_plan(&format!(r#"{{"name":"age",{rest}}}"#));
    check(
        age(r#""shape":[2,1],"datatype":"INT64","data":[1,2,3]"#),
        "input 'age': expected 2 elements for shape [2,1], got 3",
    );
    check(age(r#""shape":[2],"datatype":"INT64","data":[1]"#), "expected 2 elements for shape [2], got 1");
    check(age(r#""shape":[-2],"datatype":"INT64","data":[1]"#), "whole numbers of at least 0");
    check(
        age(r#""shape":[4294967296,4294967296],"datatype":"INT64","data":[1]"#),
        "the number of elements overflows",
    );
    check(age(r#""shape":[5],"datatype":"INT64","data":[1]"#), "5 rows; at most 4");
    check(age(r#""shape":[2,2],"datatype":"INT64","data":[1,2,3,4]"#), "expected shape [n,1] or [n]");
    check(age(r#""shape":[0],"datatype":"INT64","data":[]"#), "expected at least one row");
    check(age(r#""shape":[2],"datatype":"INT8","data":[1,300]"#), "element 1: expected INT8, got 300");
    check(age(r#""shape":[2],"datatype":"UINT8","data":[1,-1]"#), "expected UINT8, got -1");
    check(age(r#""shape":[2],"datatype":"INT64","data":[1,1.5]"#), "expected INT64, got 1.5");
    check(age(r#""shape":[2],"datatype":"INT64","data":["1","2"]"#), "expected INT64, got a string");
    check(age(r#""shape":[2],"datatype":"FP32","data":[1,1e300]"#), "expected FP32");
    check(age(r#""shape":[2],"datatype":"FP64","data":[1,NaN]"#), "expected a value");
    check(age(r#""shape":[2],"datatype":"FP16","data":[1,2]"#), "no form in JSON");
    check(age(r#""shape":[2],"datatype":"INT128","data":[1,2]"#), "datatype 'INT128' is unknown");
    check(age(r#""shape":[2,1],"datatype":"INT64","data":[[1,2],[3]]"#), "nesting of data");
    check(age(r#""shape":[2],"datatype":"INT64","data":[[1],[3]]"#), "nesting of data");
    check(age(r#""shape":[2,1],"datatype":"INT64","data":[[[1]],[3]]"#), "expected INT64, got a list");
    check(
        age(r#""shape":[3],"datatype":"INT64","data":[1,2,3]"#),
        "input 'plan' has 2 rows; input 'age' has 3",
    );
    check(age(r#""datatype":"INT64","data":[1,2]"#), "no shape");
    check(age(r#""shape":[2],"datatype":"INT64""#), "no data");
    check(format!(r#"{{"inputs":[{PLAN}]}}"#), "input 'age' is missing");
    check(format!(r#"{{"inputs":[{PLAN},{PLAN}]}}"#), "input 'plan' is given twice");
    check(
        with_plan(r#"{"name":"zip","shape":[2],"datatype":"INT64","data":[1,2]}"#),
        "input 'zip' is unknown",
    );
    let good = r#"{"name":"age","shape":[2],"datatype":"INT64","data":[1,2]}"#;
    let outputs = |outputs: &str| format!(r#"{{"inputs":[{good},{PLAN}],"outputs":{outputs}}}"#);
    check(outputs(r#"[{"name":"nothing"}]"#), "output 'nothing' is unknown");
    check(outputs(r#"[{"name":"label"},{"name":"label"}]"#), "asked for twice");
    check(outputs("[{}]"), "no name");
    check(with_plan(r#"{"name":"age","shape":[2],"datatype":"BYTES","data":["a\u0000","b"]}"#), "NUL");
    check(format!(r#"{{"inputs":[{good},{PLAN}],"input":1}}"#), "unknown key \"input\"");
    check(format!(r#"{{"inputs":[],"inputs":[{good},{PLAN}]}}"#), "appears twice");
    check(format!(r#"{{"parameters":{{"a":[1]}},"inputs":[{good},{PLAN}]}}"#), "parameter \"a\"");
}

#[test]
fn binary_output_is_not_pretended() {
    let good = r#"{"name":"age","shape":[2],"datatype":"INT64","data":[1,2]}"#;
    let body = format!(r#"{{"parameters":{{"binary_data_output":true}},"inputs":[{good},{PLAN}]}}"#);
    assert_eq!(read(&body).unwrap_err().status, hyper::StatusCode::NOT_IMPLEMENTED);
}
