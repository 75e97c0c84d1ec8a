//! JSON Schemas of instants, durations, amounts, and of what comes in.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::{Amount, Duration, Timestamp};

impl JsonSchema for Timestamp {
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time", "description": "RFC 3339, in UTC with milliseconds." })
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$", "description": "90s, 15m, 1h, 7d." })
    }
}

impl JsonSchema for Amount {
    fn schema_name() -> Cow<'static, str> {
        "Amount".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^-?[0-9]+(\\.[0-9]+)?$", "description": "An exact decimal number." })
    }
}

/// The schema of a product event or command: a CloudEvent with an account, and mostly a contact and an actor.
pub fn schema() -> Value {
    let text = |description: &str| json!({ "type": "string", "minLength": 1, "description": description });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Product event",
        "type": "object",
        "required": ["specversion", "id", "source", "type", "time"],
        "properties": {
            "specversion": { "const": "1.0" },
            "id": text("With the source, what tells the event from every other."),
            "source": text("Who produced it, /crm."),
            "type": text("payment.confirmed, message.received, …; or that of a command, coins.adjust, …"),
            "time": { "type": "string", "format": "date-time", "description": "When it happened, with any offset." },
            "account": text("Falls back to ingest.default_account."),
            "contact": text("The lead. Absent: the event touches the account only."),
            "actor": text("The rep who acted, or who asks for the command."),
            "data": {
                "type": "object",
                "properties": {
                    "amount": { "type": ["string", "number"], "description": "Not negative; read as written." },
                    "currency": { "type": "string", "description": "ISO 4217; absent: the account's." },
                    "dry_run": { "type": "boolean", "description": "Of a command: answer, but change nothing." }
                }
            }
        }
    })
}
