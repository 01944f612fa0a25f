//! What the OpenAPI document says of the fields of a body.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What the document says of a field.
pub(super) struct Field {
    pub(super) schema: Value,
}

impl Field {
    pub(super) fn has_type(&self, name: &str) -> bool {
        match &self.schema["type"] {
            Value::Array(types) => types.iter().any(|one| one == name),
            one => one == name,
        }
    }

    /// Values of other types than the field's, which it cannot take.
    pub(super) fn wrong_types(&self) -> Vec<Value> {
        let mut wrong = Vec::new();
        if !self.has_type("object") {
            wrong.push(json!({"wrong": true}));
        }
        if !self.has_type("boolean") {
            wrong.push(json!(true));
        }
        if !self.has_type("array") {
            wrong.push(json!([17]));
        }
        if !self.has_type("string") {
            wrong.push(json!("wrong"));
        }
        if !self.has_type("integer") && !self.has_type("number") {
            wrong.push(json!(17));
        }
        if self.has_type("array") {
            wrong.push(json!([17, true]));
        }
        wrong
    }

    /// The schema of what is a text in it: the field's own, or that of its items.
    pub(super) fn text(&self) -> Option<&Value> {
        [&self.schema, &self.schema["items"]].into_iter().find(|schema| match &schema["type"] {
            Value::Array(types) => types.iter().any(|one| one == "string"),
            one => one == "string",
        })
    }

    /// The field's value with this text in it.
    pub(super) fn holding(&self, text: &str) -> Value {
        if self.has_type("array") { json!([text]) } else { json!(text) }
    }
}

/// The schema with its references followed.
pub(super) fn resolved(document: &Value, schema: &Value) -> Value {
    if let Some(path) = schema["$ref"].as_str() {
        return resolved(document, document.pointer(path.trim_start_matches('#')).unwrap());
    }
    let mut schema = schema.clone();
    // `null` or something: the something.
    if let Some(one) =
        schema["oneOf"].as_array().and_then(|all| all.iter().find(|one| one["$ref"].is_string()))
    {
        return resolved(document, one);
    }
    if schema["items"].is_object() {
        schema["items"] = resolved(document, &schema["items"]);
    }
    schema
}

/// The fields of a body; of one of several shapes, all of them.
pub(super) fn fields(document: &Value, schema: &Value) -> BTreeMap<String, Field> {
    let schema = match schema["$ref"].as_str() {
        Some(path) => document.pointer(path.trim_start_matches('#')).unwrap(),
        None => schema,
    };
    let shapes: Vec<&Value> = schema["oneOf"].as_array().map_or(vec![schema], |all| all.iter().collect());
    let properties = shapes.iter().filter_map(|shape| shape["properties"].as_object()).flatten();
    properties.map(|(name, schema)| (name.clone(), Field { schema: resolved(document, schema) })).collect()
}
