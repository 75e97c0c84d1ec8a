//! The engagement catalog: what events are worth to a lead.

use schemars::JsonSchema;
use serde::Deserialize;

use super::yes;
use crate::events::Duration;
use crate::rulebook::values::{CatalogMatch, Condition, Dedup};

/// A named counter that adds up points by theme.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    pub key: String,
    pub name: String,
}

/// An entry of the engagement catalog: what an event is worth.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogEntry {
    /// Also the event type, unless `match` says otherwise.
    pub key: String,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default, rename = "match")]
    pub matches: Option<CatalogMatch>,
    #[serde(default)]
    pub group: Option<String>,
    #[serde(default)]
    pub icon: Option<String>,
    /// The weight; 0 records without scoring, and it may be negative.
    #[serde(default)]
    pub points: i64,
    /// Dual credit, to the actor.
    #[serde(default)]
    pub xp: i64,
    #[serde(default)]
    pub coins: i64,
    /// The wallboard celebrates it.
    #[serde(default)]
    pub announce: bool,
    #[serde(default = "yes")]
    pub active: bool,
    #[serde(default)]
    pub dedup: Dedup,
}

/// Contacts that fulfil a condition on `score`, `groups`, `events`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    pub key: String,
    #[serde(default)]
    pub name: Option<String>,
    pub when: Condition,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Timeline {
    /// How long timeline entries are kept; absent: for ever. Points stay.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub retention: Option<Duration>,
}
