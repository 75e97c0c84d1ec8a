//! Teams, reps, and measures of what they do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::yes;
use crate::rulebook::values::{Condition, DataPath};

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Team {
    pub key: String,
    #[serde(default)]
    pub name: Option<String>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rep {
    pub id: String,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub team: Option<String>,
    #[serde(default)]
    pub inboxes: Vec<String>,
    /// The league they start in; absent: the lowest.
    #[serde(default)]
    pub league: Option<String>,
    #[serde(default = "yes")]
    pub active: bool,
}

/// Whom a measure credits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Credit {
    Actor,
    Owner,
    #[default]
    ActorOrOwner,
}

/// A measure of what reps do. `xp` and `coins_earned` are built in.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    pub key: String,
    /// The event type it takes.
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub when: Option<Condition>,
    /// Each event is 1. Either this or `sum`.
    #[serde(default)]
    pub count: bool,
    /// The field it sums; `data.amount` is money.
    #[serde(default)]
    pub sum: Option<DataPath>,
    /// The event type that takes back.
    #[serde(default)]
    pub minus: Option<String>,
    #[serde(default)]
    pub credit: Credit,
}
