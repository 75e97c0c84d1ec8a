//! Who takes part in something.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::forms::{Forms, read_form};

/// Who takes part: everyone, some by id, or a team.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Subjects {
    #[default]
    All,
    Ids(Vec<String>),
    Team(String),
}

impl Forms for Subjects {
    const EXPECTED: &'static str = "all, a list of ids or {team: key}";

    fn from_word<E: de::Error>(word: &str) -> Result<Subjects, E> {
        match word {
            "all" => Ok(Subjects::All),
            _ => Err(E::custom(format!("{word:?}: write {}", Self::EXPECTED))),
        }
    }

    fn from_keys<'de, A: MapAccess<'de>>(keys: A) -> Result<Subjects, A::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Keys {
            team: String,
        }
        Keys::deserialize(MapAccessDeserializer::new(keys)).map(|keys| Subjects::Team(keys.team))
    }

    fn from_list<'de, A: SeqAccess<'de>>(list: A) -> Result<Subjects, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(Subjects::Ids)
    }
}

impl<'de> Deserialize<'de> for Subjects {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Subjects, D::Error> {
        read_form(d)
    }
}

impl Serialize for Subjects {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Subjects::All => s.serialize_str("all"),
            Subjects::Ids(ids) => ids.serialize(s),
            Subjects::Team(team) => s.collect_map([("team", team)]),
        }
    }
}

impl JsonSchema for Subjects {
    fn schema_name() -> Cow<'static, str> {
        "Subjects".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "oneOf": [
            { "const": "all" },
            { "type": "array", "items": { "type": "string" } },
            { "type": "object", "properties": { "team": { "type": "string" } }, "required": ["team"], "additionalProperties": false }
        ] })
    }
}
