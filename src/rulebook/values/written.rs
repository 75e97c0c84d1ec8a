//! How types of [`crate::events`] are written in rules, for the schema.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

macro_rules! written {
    ($($name:ident $schema:tt)*) => { $(
        pub struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn inline_schema() -> bool {
                true
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )* };
}

written! {
    WrittenAmount { "type": ["string", "number"] }
    WrittenTime { "type": "string", "format": "date-time" }
    WrittenDuration { "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$" }
}
