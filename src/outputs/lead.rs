//! Outputs of the lead axis.

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::events::Timestamp;

/// A contact's score: the sum of its timeline's counted points, overall and per group.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LeadScore<'a> {
    pub account: &'a str,
    pub contact: &'a str,
    pub score: i64,
    /// Every declared group, 0 when empty.
    #[schemars(with = "std::collections::BTreeMap<String, i64>")]
    pub groups: Pairs<'a, i64>,
    pub segments: Vec<&'a str>,
    /// Timeline entries.
    pub events: u64,
    pub last_event_at: Option<Timestamp>,
    pub rules_version: u32,
}

/// A JSON object with its members in the order given.
#[derive(Clone, Debug, Default)]
pub struct Pairs<'a, V>(pub Vec<(&'a str, V)>);

impl<V: Serialize> Serialize for Pairs<'_, V> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// What became of an event by a catalog entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It gave its points.
    Counted,
    /// The entry weighs nothing.
    Recorded,
    /// `once` has seen one before.
    Repeated,
    /// Too near to a counted one.
    Cooling,
    /// Older than what the cooldown remembers.
    Late,
    /// The sum of what retention removed.
    Carried,
}

/// One entry of a contact's timeline.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TimelineEntry<'a> {
    pub account: &'a str,
    pub contact: &'a str,
    pub event: EventRef<'a>,
    /// The catalog entry.
    pub key: &'a str,
    pub name: &'a str,
    /// Null for an entry without a group.
    pub group: Option<&'a str>,
    pub points: i64,
    pub outcome: Outcome,
    pub actor: Option<&'a str>,
    pub time: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EventRef<'a> {
    pub id: &'a str,
    pub source: &'a str,
    #[serde(rename = "type")]
    pub kind: &'a str,
}

/// A contact came into a segment, or left it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SegmentChange<'a> {
    pub account: &'a str,
    pub segment: &'a str,
    pub contact: &'a str,
    /// `entered` or `left`.
    pub change: &'a str,
    pub score: i64,
    pub at: Timestamp,
}
