//! Texts in rules that mean something: each type here reads one form and says what it wanted when it is another.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use chrono_tz::Tz;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

use super::condition::Program;
use crate::events::{Amount, Duration};

/// Implements `JsonSchema` for a type that is written as a string.
macro_rules! text_schema {
    ($name:ident, $description:literal) => {
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "description": $description })
            }
        }
    };
}

/// A time zone by its IANA name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone(pub Tz);

impl Default for Zone {
    fn default() -> Zone {
        Zone(Tz::UTC)
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Zone, D::Error> {
        let name = String::deserialize(d)?;
        name.parse()
            .map(Zone)
            .map_err(|_| de::Error::custom(format!("{name:?} is no time zone: write one like America/Sao_Paulo")))
    }
}

text_schema!(Zone, "An IANA time zone, America/Sao_Paulo.");

/// The first day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum Weekday {
    #[default]
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl From<Weekday> for chrono::Weekday {
    fn from(day: Weekday) -> chrono::Weekday {
        match day {
            Weekday::Monday => chrono::Weekday::Mon,
            Weekday::Tuesday => chrono::Weekday::Tue,
            Weekday::Wednesday => chrono::Weekday::Wed,
            Weekday::Thursday => chrono::Weekday::Thu,
            Weekday::Friday => chrono::Weekday::Fri,
            Weekday::Saturday => chrono::Weekday::Sat,
            Weekday::Sunday => chrono::Weekday::Sun,
        }
    }
}

/// An ISO 4217 currency code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Currency(pub String);

impl Default for Currency {
    fn default() -> Currency {
        Currency("USD".to_owned())
    }
}

impl Currency {
    /// Decimal places of its minor unit.
    /// Source: ISO 4217, table A.1.
    pub fn minor_digits(&self) -> u32 {
        match self.0.as_str() {
            "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI" | "VND" | "VUV"
            | "XAF" | "XOF" | "XPF" => 0,
            "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
            "CLF" | "UYW" => 4,
            _ => 2,
        }
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Currency, D::Error> {
        let code = String::deserialize(d)?;
        if code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase()) {
            Ok(Currency(code))
        } else {
            Err(de::Error::custom(format!("{code:?} is no currency: write an ISO 4217 code like BRL")))
        }
    }
}

text_schema!(Currency, "An ISO 4217 code, BRL.");

/// A percent, kept as a ratio: `110%` is 1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(pub Amount);

impl Percent {
    fn parse(text: &str) -> Option<Percent> {
        let number = Amount::parse(text.strip_suffix('%')?.trim_end())?;
        let ratio = number.0.checked_div(rust_decimal::Decimal::ONE_HUNDRED)?;
        Some(Percent(Amount(ratio.normalize())))
    }

    /// The bare number, without trailing zeros: `110` for 110 %.
    pub fn number(self) -> Amount {
        Amount((self.0.0 * rust_decimal::Decimal::ONE_HUNDRED).normalize())
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Percent, D::Error> {
        let text = String::deserialize(d)?;
        Percent::parse(&text).ok_or_else(|| de::Error::custom(format!("{text:?} is no percent: write one like \"110%\"")))
    }
}

text_schema!(Percent, "A percent, 110%.");

/// Where something starts: an amount, or a percent of a quota or target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threshold {
    Amount(Amount),
    Percent(Percent),
}

impl<'de> Deserialize<'de> for Threshold {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Threshold, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Integer(i64),
            Text(String),
        }
        match Form::deserialize(d)? {
            Form::Integer(number) => Ok(Threshold::Amount(Amount::from(number))),
            Form::Text(text) => {
                Percent::parse(&text).map(Threshold::Percent).or_else(|| Amount::parse(&text).map(Threshold::Amount)).ok_or_else(
                    || de::Error::custom(format!("{text:?} is neither an amount (\"150000.00\") nor a percent (\"100%\")")),
                )
            }
        }
    }
}

impl JsonSchema for Threshold {
    fn schema_name() -> Cow<'static, str> {
        "Threshold".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "integer"], "description": "An amount, 150000.00, or a percent, 100%." })
    }
}

/// Places of a contest: `1` or `2-3`, both inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Places {
    pub first: u32,
    pub last: u32,
}

impl<'de> Deserialize<'de> for Places {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Places, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            One(u32),
            Text(String),
        }
        let places = match Form::deserialize(d)? {
            Form::One(place) => Some((place, place)),
            Form::Text(text) => match text.split_once('-') {
                Some((first, last)) => first.trim().parse().ok().zip(last.trim().parse().ok()),
                None => text.trim().parse().ok().map(|place| (place, place)),
            },
        };
        match places {
            Some((first, last)) if first >= 1 && first <= last => Ok(Places { first, last }),
            _ => Err(de::Error::custom("places are 1 or 2-3: the best first")),
        }
    }
}

impl JsonSchema for Places {
    fn schema_name() -> Cow<'static, str> {
        "Places".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["integer", "string"], "description": "One place, 1, or several, 2-3." })
    }
}

/// Who takes part: everyone, some by id, or a team.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Subjects {
    #[default]
    All,
    Ids(Vec<String>),
    Team(String),
}

impl<'de> Deserialize<'de> for Subjects {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Subjects, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, deny_unknown_fields)]
        enum Form {
            Word(String),
            Ids(Vec<String>),
            Team { team: String },
        }
        match Form::deserialize(d)? {
            Form::Word(word) if word == "all" => Ok(Subjects::All),
            Form::Word(word) => Err(de::Error::custom(format!("{word:?}: write all, a list of ids or {{team: key}}"))),
            Form::Ids(ids) => Ok(Subjects::Ids(ids)),
            Form::Team { team } => Ok(Subjects::Team(team)),
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

/// A field of an event's data: `data.amount`, `data.page.path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataPath(String);

impl DataPath {
    pub fn amount() -> DataPath {
        DataPath("amount".to_owned())
    }

    pub fn payment() -> DataPath {
        DataPath("payment".to_owned())
    }

    /// The path below `data`, for [`crate::events::Data::get`].
    pub fn below_data(&self) -> &str {
        &self.0
    }

    /// Whether it is the amount of the event, which is money in the account's currency.
    pub fn is_money(&self) -> bool {
        self.0 == "amount"
    }
}

impl fmt::Display for DataPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "data.{}", self.0)
    }
}

impl<'de> Deserialize<'de> for DataPath {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<DataPath, D::Error> {
        let text = String::deserialize(d)?;
        match text.strip_prefix("data.") {
            Some(path) if path.split('.').all(|part| !part.is_empty()) => Ok(DataPath(path.to_owned())),
            _ => Err(de::Error::custom(format!("{text:?} is no field of the data: write one like data.amount"))),
        }
    }
}

text_schema!(DataPath, "A field of the event's data, data.amount.");

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

impl<'de> Deserialize<'de> for Dedup {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Dedup, D::Error> {
        #[derive(Clone, Copy, Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum Name {
            Always,
            Once,
            Cooldown,
        }
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Keys {
            policy: Name,
            #[serde(default)]
            every: Option<Duration>,
            #[serde(default)]
            per: Option<DataPath>,
        }
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Word(Name),
            Keys(Keys),
        }
        let keys = match Form::deserialize(d)? {
            Form::Word(policy) => Keys { policy, every: None, per: None },
            Form::Keys(keys) => keys,
        };
        let policy = match (keys.policy, keys.every) {
            (Name::Always, None) => Policy::Always,
            (Name::Once, None) => Policy::Once,
            (Name::Cooldown, Some(every)) if every.0 > 0 => Policy::Cooldown { every },
            (Name::Cooldown, _) => return Err(de::Error::custom("a cooldown needs `every`, such as 1h")),
            (_, Some(_)) => return Err(de::Error::custom("`every` goes with policy cooldown")),
        };
        Ok(Dedup { policy, per: keys.per })
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

/// What a catalog entry matches, where that is not the event type of its key.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogMatch {
    /// The event type; absent: the entry's key.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    #[serde(default)]
    pub when: Option<Condition>,
}

/// A condition in CEL, compiled once.
#[derive(Clone)]
pub struct Condition {
    pub source: String,
    pub(super) program: Arc<Program>,
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl FromStr for Condition {
    type Err = String;
    fn from_str(source: &str) -> Result<Condition, String> {
        let program = Program::compile(source)?;
        Ok(Condition { source: source.to_owned(), program: Arc::new(program) })
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Condition, D::Error> {
        String::deserialize(d)?.parse().map_err(de::Error::custom)
    }
}

text_schema!(Condition, "A condition in the Common Expression Language (CEL): data.amount > 100.");
