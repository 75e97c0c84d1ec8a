//! The engagement catalog: what events are worth to a lead.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::yes;
use crate::events::Duration;
use crate::rulebook::values::{CatalogMatch, Condition, Dedup, WrittenDuration};

/// A named counter that adds up points by theme.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Its key.
    pub key: String,
    /// What people see; absent: the key.
    #[serde(default)]
    pub name: String,
}

/// An entry of the engagement catalog: what an event is worth.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogEntry {
    /// Also the event type, unless `match` says otherwise.
    pub key: String,
    /// What people see on the timeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it matches, where that is not the event type of its key.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "match")]
    pub matches: Option<CatalogMatch>,
    /// The group whose counter its points add to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The name of an icon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// The weight; 0 records without scoring, and it may be negative.
    #[serde(default)]
    pub points: i64,
    /// Dual credit, to the actor.
    #[serde(default)]
    pub xp: i64,
    /// Coins to the actor, with `xp`.
    #[serde(default)]
    pub coins: i64,
    /// The wallboard celebrates it.
    #[serde(default)]
    pub announce: bool,
    /// An inactive entry records nothing.
    #[serde(default = "yes")]
    pub active: bool,
    /// How often it counts for one contact.
    #[serde(default)]
    pub dedup: Dedup,
}

/// Contacts that fulfil a condition on `score`, `groups`, `events`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// Its key.
    pub key: String,
    /// What people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the score has to fulfil.
    pub when: Condition,
}

/// How long the timeline is kept.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Timeline {
    /// How long timeline entries are kept; absent: for ever. Points stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<WrittenDuration>")]
    pub retention: Option<Duration>,
}
