//! A tree of nodes as JSON that is read as the tree is.

use serde_json::{Map, Value};

use super::node::{Kind, Node};

/// Writes a node as JSON. Numbers that are not whole, and whatever else JSON would write otherwise than it was written,
/// become texts: rules take them as such.
pub fn to_json(node: &Node) -> Value {
    match &node.kind {
        _ if node.is_null() => Value::Null,
        Kind::Scalar { text, plain: true } => match text.as_str() {
            "true" | "True" | "TRUE" => Value::Bool(true),
            "false" | "False" | "FALSE" => Value::Bool(false),
            _ => whole_number(text).unwrap_or_else(|| Value::String(text.clone())),
        },
        Kind::Scalar { text, .. } => Value::String(text.clone()),
        Kind::List(items) => Value::Array(items.iter().map(to_json).collect()),
        Kind::Map(entries) => Value::Object(to_map(entries)),
    }
}

/// As [`to_json`], of the entries of a map.
pub fn to_map(entries: &[(Node, Node)]) -> Map<String, Value> {
    let named = entries.iter().filter_map(|(key, value)| Some((key.text()?.to_owned(), to_json(value))));
    named.collect()
}

/// A whole number, unless it is written in a way that JSON does not know, such as `+5` or `007`.
fn whole_number(text: &str) -> Option<Value> {
    let number = text.parse::<i64>().map(Value::from).or_else(|_| text.parse::<u64>().map(Value::from)).ok()?;
    let written = number.to_string();
    (written == text).then_some(number)
}
