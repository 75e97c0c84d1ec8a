//! How often an entry of the catalog counts.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{IntoDeserializer, MapAccess};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::DataPath;
use super::forms::{Forms, read_form};
use crate::events::Duration;

/// How often an entry counts for one contact: `always`, `once`, or a policy with its keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dedup {
    pub policy: Policy,
    /// Once per contact and value of this field.
    pub per: Option<DataPath>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    #[default]
    Always,
    Once,
    /// Counted ones of the same contact lie at least this far apart.
    Cooldown {
        every: Duration,
    },
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Name {
    Always,
    Once,
    Cooldown,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    policy: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    every: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    per: Option<DataPath>,
}

impl Keys {
    fn check<E: de::Error>(self) -> Result<Dedup, E> {
        let policy = match (self.policy, self.every) {
            (Name::Always, None) => Policy::Always,
            (Name::Once, None) => Policy::Once,
            (Name::Cooldown, Some(every)) if every.0 > 0 => Policy::Cooldown { every },
            (Name::Cooldown, _) => return Err(E::custom("a cooldown needs `every`, such as 1h")),
            (_, Some(_)) => return Err(E::custom("`every` goes with policy cooldown")),
        };
        Ok(Dedup { policy, per: self.per })
    }
}

impl Forms for Dedup {
    const EXPECTED: &'static str = "always, once, or {policy: cooldown, every: 1h}";

    fn from_word<E: de::Error>(word: &str) -> Result<Dedup, E> {
        let policy = Name::deserialize(word.into_deserializer())?;
        Keys { policy, every: None, per: None }.check()
    }

    fn from_keys<'de, A: MapAccess<'de>>(keys: A) -> Result<Dedup, A::Error> {
        Keys::deserialize(MapAccessDeserializer::new(keys))?.check()
    }
}

impl<'de> Deserialize<'de> for Dedup {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Dedup, D::Error> {
        read_form(d)
    }
}

impl Serialize for Dedup {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let (policy, every) = match self.policy {
            Policy::Always => (Name::Always, None),
            Policy::Once => (Name::Once, None),
            Policy::Cooldown { every } => (Name::Cooldown, Some(every)),
        };
        Keys { policy, every, per: self.per.clone() }.serialize(s)
    }
}

impl JsonSchema for Dedup {
    fn schema_name() -> Cow<'static, str> {
        "Dedup".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "oneOf": [
            { "enum": ["always", "once"] },
            { "type": "object", "required": ["policy"], "additionalProperties": false, "properties": {
                "policy": { "enum": ["always", "once", "cooldown"] },
                "every": { "type": "string", "description": "For a cooldown: 90s, 15m, 1h, 7d." },
                "per": { "type": "string", "description": "Per value of a field: data.email." } } }
        ] })
    }
}
