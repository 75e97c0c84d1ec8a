//! Teams, reps, and measures of what they do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::yes;
use crate::rulebook::values::{Condition, DataPath};

/// A team of reps.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Team {
    /// Its key.
    pub key: String,
    /// What people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A rep: somebody who is measured.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rep {
    /// The id that events name as `actor`.
    pub id: String,
    /// What people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Their team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// The inboxes they see, for `isolation: inbox`.
    #[serde(default)]
    pub inboxes: Vec<String>,
    /// The league they start in; absent: the lowest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub league: Option<String>,
    /// Inactive reps are not credited and get nothing; `rep.deactivate` has the same effect.
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
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// Its key.
    pub key: String,
    /// The event type it takes.
    #[serde(rename = "type")]
    pub kind: String,
    /// Which events count; absent: all of the type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    /// Each event is 1. Either this or `sum`.
    #[serde(default)]
    pub count: bool,
    /// The field it sums; `data.amount` is money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sum: Option<DataPath>,
    /// The event type that takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minus: Option<String>,
    /// Whose measure it is.
    #[serde(default)]
    pub credit: Credit,
}
