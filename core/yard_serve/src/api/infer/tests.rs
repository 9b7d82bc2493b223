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
    let body = Body::new(Bytes::copy_from_slice(body.as_bytes()), None).unwrap();
    read_infer(&body, &inputs(), Output::of(Task::Binary), 4)
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
        assert_eq!(request.outputs.len(), 4);
    }
}

#[test]
fn outputs_and_id() {
    let age = r#"{"name":"age","shape":[2],"datatype":"INT64","data":[1,2]}"#;
    let body = format!(
        r#"{{"id":"r-7","outputs":[{{"name":"label"}},{{"name":"probability"}}],"inputs":[{age},{PLAN}]}}"#
    );
    let request = read(&body).unwrap();
    let outputs: Vec<Output> = request.outputs.iter().map(|own| own.output).collect();
    assert_eq!(outputs, [Output::Label, Output::Probability]);
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

/// Puts JSON and bytes together and reads them; `length` is the header's value, by default the JSON's.
fn read_binary(json: &str, bytes: &[u8], length: Option<&str>) -> Result<InferRequest, Refusal> {
    let body = [json.as_bytes(), bytes].concat();
    let own = json.len().to_string();
    let body = Body::new(body.into(), Some(length.unwrap_or(&own)))?;
    read_infer(&body, &inputs(), Output::of(Task::Binary), 4)
}

const AGE_AND_PLAN: &[u8] = b"\x29\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x02\0\0\0ab\0\0\0\0";

fn binary_json(size: usize, more: &str) -> String {
    format!(
        r#"{{"inputs":[{{"name":"age","shape":[2,1],"datatype":"INT64","parameters":{{"binary_data_size":16}}}},
        {{"name":"plan","shape":[2],"datatype":"BYTES","parameters":{{"binary_data_size":{size}}}}}]{more}}}"#
    )
}

#[test]
fn tensors_as_bytes() {
    let asks = r#","parameters":{"binary_data_output":true},"outputs":[{"name":"label","parameters":{"binary_data":false}},{"name":"margin"}]"#;
    let request = read_binary(&binary_json(10, asks), AGE_AND_PLAN, None).unwrap();
    let mut row = Vec::new();
    request.rows.row(0, &mut row);
    assert_eq!(row, [FieldValue::Number(41.0), FieldValue::Text("ab")]);
    request.rows.row(1, &mut row);
    assert_eq!(row, [FieldValue::Number(-1.0), FieldValue::Missing]);
    let binary = |output, binary| Wanted { output, binary };
    assert_eq!(request.outputs, [binary(Output::Label, false), binary(Output::Margin, true)]);
}

#[test]
fn bytes_that_must_be_rejected() {
    let check = |json: &str, bytes: &[u8], length: Option<&str>, part: &str| {
        let refusal = read_binary(json, bytes, length).unwrap_err();
        assert_eq!(refusal.status, hyper::StatusCode::BAD_REQUEST);
        assert!(refusal.message.contains(part), "{part}: {}", refusal.message);
    };
    let good = binary_json(10, "");
    check(&good, &AGE_AND_PLAN[..20], None, "input 'plan': binary_data_size is 10; the body has 4 more");
    check(&good, &[AGE_AND_PLAN, b"x"].concat(), None, "1 bytes of the body belong to no input");
    check(&binary_json(6, ""), &AGE_AND_PLAN[..22], None, "expected 2 elements for shape [2], got 1");
    check(&binary_json(14, ""), &[AGE_AND_PLAN, &[0; 4]].concat(), None, "got 3");
    check(&binary_json(4, ""), &AGE_AND_PLAN[..20], None, "a length beyond the data");
    check(&binary_json(usize::MAX, ""), AGE_AND_PLAN, None, "binary_data_size");
    check(&good.replace("16", "8"), &AGE_AND_PLAN[8..], None, "expected 16 bytes for 2 elements of INT64");
    check(&good.replace("16", "-8"), AGE_AND_PLAN, None, "expected a whole number of bytes");
    let mut nul = AGE_AND_PLAN.to_vec();
    nul[20] = 0;
    check(&good, &nul, None, "input 'plan', element 0: expected BYTES, got a string with NUL");
    nul[20] = 0xff;
    check(&good, &nul, None, "not UTF-8");
    for length in ["-1", "999999", "x", "", "1e3", "99999999999999999999999"] {
        check(&good, AGE_AND_PLAN, Some(length), "Inference-Header-Content-Length");
    }
    check(&good, AGE_AND_PLAN, Some("5"), "body, byte");
    check("", AGE_AND_PLAN, Some("0"), "a model of one input; this one has 2");
}
