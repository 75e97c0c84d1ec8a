//! Texts in rules that mean something: each type here reads one form and says what it wanted when it is another.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use chrono_tz::Tz;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::condition::Program;

/// Implements `JsonSchema` and `Serialize` for a type that is written as a string, and shown as it is written.
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

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
    };
}

mod dedup;
mod forms;
mod numbers;
mod subjects;
mod written;

pub use dedup::{Dedup, Policy};
pub(super) use forms::{Forms, read_form};
pub use numbers::{Percent, Places, Threshold};
pub use subjects::Subjects;
pub(super) use written::{WrittenAmount, WrittenDuration, WrittenTime};

/// A time zone by its IANA name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone(pub Tz);

impl Default for Zone {
    fn default() -> Zone {
        Zone(Tz::UTC)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema, Default)]
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

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
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

/// What a catalog entry matches, where that is not the event type of its key.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogMatch {
    /// The event type; absent: the entry's key.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "type")]
    pub kind: Option<String>,
    /// What the event has to fulfil besides its type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
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
