//! Events as comma-separated values (RFC 4180).

use serde_json::Value;

/// The columns.
pub const HEADING: &str =
    "sequence_id,timestamp,type,actor_type,actor_id,project_ids,task_id,channel_id,payload\r\n";

const COLUMNS: [&str; 9] = [
    "sequence_id",
    "timestamp",
    "type",
    "actor_type",
    "actor_id",
    "project_ids",
    "task_id",
    "channel_id",
    "payload",
];

/// Adds one event's line.
pub fn event(out: &mut String, json: &[u8]) {
    let event: Value = serde_json::from_slice(json).unwrap_or_default();
    for (index, column) in COLUMNS.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        match &event[column] {
            Value::Null => {}
            Value::String(text) => cell(out, text),
            Value::Array(items) => {
                let items: Vec<_> = items.iter().filter_map(Value::as_str).collect();
                cell(out, &items.join(" "));
            }
            other => cell(out, &other.to_string()),
        }
    }
    out.push_str("\r\n");
}

fn cell(out: &mut String, text: &str) {
    if text.contains([',', '"', '\r', '\n']) {
        out.push('"');
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_quotes_has_them() {
        let mut out = String::new();
        event(
            &mut out,
            br#"{"sequence_id":3,"type":"task.created","project_ids":["a","b"],"payload":{"x":"y,\"z"}}"#,
        );
        assert_eq!(out, "3,,task.created,,,a b,,,\"{\"\"x\"\":\"\"y,\\\"\"z\"\"}\"\r\n");
    }
}
