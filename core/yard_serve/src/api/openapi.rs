//! `GET /openapi.json`: the routes of the table, with the request of each model made from its contract.

use crate::{
    http::routes::{ROUTES, Route},
    registry::table::Table,
    served::Served,
};
use serde_json::{Map, Value, json};
use yard_types::{contract::ContractField, schema::FieldType};

/// Makes the document.
pub(crate) fn document(table: &Table) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        let path = route.path.replace("{m}", "{model}").replace("{v}", "{version}");
        if let Some(methods) = entry(&mut paths, path) {
            methods.insert(route.method.as_str().to_ascii_lowercase(), operation(route));
        }
    }
    let mut schemas = Map::new();
    for model in table.sorted() {
        let Some(served) = model.stable.as_ref().or_else(|| model.versions.values().next_back()) else {
            continue;
        };
        let record = format!("{}-record", model.name);
        schemas.insert(record.clone(), record_schema(served));
        for verb in ["predict", "explain"] {
            let path = format!("/v1/models/{}:{verb}", model.name);
            if let Some(methods) = entry(&mut paths, path) {
                methods.insert("post".to_owned(), model_operation(&model.name, verb, &record, served));
            }
        }
    }
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": "Modelyard model server",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Every error is {\"error\": message} with a 4xx or 5xx status."
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas
        }
    })
}

fn entry(paths: &mut Map<String, Value>, path: String) -> Option<&mut Map<String, Value>> {
    paths.entry(path).or_insert_with(|| Value::Object(Map::new())).as_object_mut()
}

fn operation(route: &Route) -> Value {
    let scopes: Vec<&str> = route.scopes.iter().map(|scope| scope.word()).collect();
    let parameters: Vec<Value> = [("{m}", "model", "string"), ("{v}", "version", "integer")]
        .into_iter()
        .filter(|(mark, _, _)| route.path.contains(mark))
        .map(
            |(_, name, kind)| json!({"name": name, "in": "path", "required": true, "schema": {"type": kind}}),
        )
        .collect();
    let mut operation = json!({
        "summary": route.summary,
        "parameters": parameters,
        "responses": {"200": {"description": "Done."}, "default": {"description": "Refused, with the reason."}}
    });
    if let Some(operation) = operation.as_object_mut() {
        if scopes.is_empty() {
            operation.insert("security".to_owned(), json!([]));
        } else {
            operation.insert("x-scopes".to_owned(), json!(scopes));
        }
    }
    operation
}

fn model_operation(model: &str, verb: &str, record: &str, served: &Served) -> Value {
    let example: Map<String, Value> =
        served.contract.fields.iter().map(|field| (field.name.clone(), field.example.clone())).collect();
    json!({
        "summary": format!("{verb} with model {model}"),
        "x-scopes": ["infer"],
        "requestBody": {"required": true, "content": {"application/json": {
            "schema": {
                "type": "object",
                "required": ["instances"],
                "additionalProperties": false,
                "properties": {
                    "request_id": {"type": "string", "minLength": 1, "maxLength": 128},
                    "instances": {
                        "type": "array",
                        "minItems": 1,
                        "items": {"$ref": format!("#/components/schemas/{record}")}
                    }
                }
            },
            "example": {"instances": [example]}
        }}},
        "responses": {
            "200": {"description": "Answers in the order of the instances."},
            "default": {"description": "Refused, with the reason."}
        }
    })
}

fn record_schema(served: &Served) -> Value {
    let properties: Map<String, Value> =
        served.contract.fields.iter().map(|field| (field.name.clone(), field_schema(field))).collect();
    let required: Vec<&str> = served
        .contract
        .fields
        .iter()
        .filter(|field| !field.nullable)
        .map(|field| field.name.as_str())
        .collect();
    let mut schema = json!({"type": "object", "properties": properties});
    if let (false, Some(schema)) = (required.is_empty(), schema.as_object_mut()) {
        schema.insert("required".to_owned(), json!(required));
    }
    schema
}

fn field_schema(field: &ContractField) -> Value {
    let mut schema = match field.field_type {
        FieldType::Number => json!({"type": "number"}),
        FieldType::Integer => json!({"type": "integer"}),
        FieldType::Boolean => json!({"type": "boolean"}),
        FieldType::Datetime => json!({"type": "string", "format": "date-time"}),
        FieldType::Category | FieldType::Text => json!({"type": "string"}),
        FieldType::Image => json!({"type": "string", "pattern": "^data:image/(png|jpeg);base64,"}),
    };
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("nullable".to_owned(), json!(field.nullable));
        if !field.example.is_null() {
            schema.insert("example".to_owned(), field.example.clone());
        }
        if !field.categories.is_empty() {
            // Others are accepted and scored as unseen: so this is no "enum".
            schema.insert("x-categories".to_owned(), json!(field.categories));
        }
        if let (FieldType::Number | FieldType::Integer, Some(min), Some(max)) =
            (field.field_type, field.min, field.max)
        {
            schema.insert("x-range".to_owned(), json!([min, max]));
        }
    }
    schema
}
