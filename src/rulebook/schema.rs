//! The JSON Schema of rule documents, for editors and other tools.

use serde_json::{Value, json};

use super::model::Document;

/// The schema of a document, descriptions and defaults included: draft 2020-12.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Document).to_value();
    if let Some(keys) = schema.as_object_mut() {
        keys.insert("title".into(), json!("Scorekeeper rules"));
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every object of the schema refuses other keys, and every key is described.
    #[test]
    fn says_what_there_is_and_what_is_assumed() {
        let schema = schema();
        for (pointer, wanted) in [
            ("/properties/lateness/default", json!("2d")),
            ("/properties/timezone/default", json!("UTC")),
            ("/properties/currency/default", json!("USD")),
            ("/properties/modules/default", json!({ "engagement": true, "sales": true })),
            ("/properties/catalog/default", json!([])),
            ("/$defs/Leaderboard/properties/top/default", json!(50)),
            ("/$defs/CatalogEntry/properties/dedup/default", json!({ "policy": "always" })),
            ("/$defs/Plan/properties/trigger/default", json!("payment.confirmed")),
            ("/$defs/Plan/properties/amount/default", json!("data.amount")),
            ("/$defs/Clawback/properties/by/default", json!("data.payment")),
            ("/$defs/Wallboard/properties/rotate/default", json!("20s")),
            ("/$defs/Assignment/properties/allow_reassign/default", json!(true)),
            ("/$defs/Goal/properties/subjects/default", json!("all")),
            ("/additionalProperties", json!(false)),
            ("/required", json!(["account"])),
            ("/properties/lateness/description", json!("A period is final this long after its end.")),
        ] {
            assert_eq!(schema.pointer(pointer), Some(&wanted), "{pointer}");
        }
        for (name, definition) in schema["$defs"].as_object().unwrap().iter().chain([(&"Document".to_owned(), &schema)]) {
            let Some(properties) = definition.get("properties").and_then(Value::as_object) else { continue };
            assert_eq!(definition["additionalProperties"], json!(false), "{name}");
            assert!(definition.get("description").is_some(), "{name}");
            for (key, value) in properties {
                assert!(value.get("description").is_some(), "{name}.{key}");
            }
        }
    }
}
