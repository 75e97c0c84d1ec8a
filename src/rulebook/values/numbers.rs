//! Percents, thresholds and places.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::forms::{Forms, read_form};
use crate::events::Amount;

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

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.number())
    }
}

text_schema!(Percent, "A percent, 110%.");

/// Where something starts: an amount, or a percent of a quota or target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threshold {
    Amount(Amount),
    Percent(Percent),
}

impl Forms for Threshold {
    const EXPECTED: &'static str = "an amount (\"150000.00\") or a percent (\"100%\")";

    fn from_word<E: de::Error>(word: &str) -> Result<Threshold, E> {
        let percent = Percent::parse(word).map(Threshold::Percent);
        percent
            .or_else(|| Amount::parse(word).map(Threshold::Amount))
            .ok_or_else(|| E::custom(format!("{word:?} is neither an amount (\"150000.00\") nor a percent (\"100%\")")))
    }
}

impl<'de> Deserialize<'de> for Threshold {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Threshold, D::Error> {
        read_form(d)
    }
}

impl Serialize for Threshold {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Threshold::Amount(amount) => amount.serialize(s),
            Threshold::Percent(percent) => percent.serialize(s),
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

impl Forms for Places {
    const EXPECTED: &'static str = "a place, 1, or several, 2-3";

    fn from_word<E: de::Error>(word: &str) -> Result<Places, E> {
        let (first, last) = word.split_once('-').unwrap_or((word, word));
        match (first.trim().parse(), last.trim().parse()) {
            (Ok(first), Ok(last)) if first >= 1 && first <= last => Ok(Places { first, last }),
            _ => Err(E::custom(format!("{word:?} are no places: write 1 or 2-3, the best first"))),
        }
    }
}

impl<'de> Deserialize<'de> for Places {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Places, D::Error> {
        read_form(d)
    }
}

impl Serialize for Places {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&format_args!("{}-{}", self.first, self.last))
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
