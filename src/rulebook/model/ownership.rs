//! Ownership, portfolios, and how conversations and comments find their rep.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{IntoDeserializer, MapAccess};
use serde::{Deserialize, Deserializer, Serialize, de};

use super::yes;
use crate::events::Duration;
use crate::rulebook::values::{Condition, Forms, Subjects, read_form};

/// Who sees whose contacts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Isolation {
    #[default]
    Strict,
    Team,
    Inbox,
    Open,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ownership {
    #[serde(default)]
    pub isolation: Isolation,
    #[serde(default)]
    pub portfolios: Vec<Portfolio>,
    #[serde(default)]
    pub new_contacts: Option<NewContacts>,
    #[serde(default)]
    pub conversations: Option<Assignment>,
    #[serde(default)]
    pub comments: Option<Assignment>,
    #[serde(default)]
    pub transfers: Vec<Transfer>,
    #[serde(default)]
    pub unassigned: Option<Unassigned>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Portfolio {
    pub key: String,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub reps: Vec<String>,
    #[serde(default)]
    pub team: Option<String>,
    #[serde(default = "yes")]
    pub active: bool,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewContacts {
    /// The first that matches.
    #[serde(default)]
    pub rules: Vec<NewContactRule>,
    #[serde(default)]
    pub strategy: Option<Strategy>,
    #[serde(default)]
    pub reps: Subjects,
    #[serde(default)]
    pub team: Option<String>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewContactRule {
    pub when: Condition,
    pub to: Target,
}

/// Reps named one way or another: exactly one of the keys.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    #[serde(default)]
    pub rep: Option<String>,
    #[serde(default)]
    pub reps: Vec<String>,
    #[serde(default)]
    pub team: Option<String>,
    #[serde(default)]
    pub portfolio: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    RoundRobin,
    Workload,
    Default,
    Channel,
    LastResponder,
    Portfolio,
    /// Conversations only.
    Manual,
}

impl Strategy {
    pub fn name(self) -> &'static str {
        match self {
            Strategy::RoundRobin => "round_robin",
            Strategy::Workload => "workload",
            Strategy::Default => "default",
            Strategy::Channel => "channel",
            Strategy::LastResponder => "last_responder",
            Strategy::Portfolio => "portfolio",
            Strategy::Manual => "manual",
        }
    }
}

/// How conversations, or comments, find their rep.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    pub strategy: Strategy,
    /// Who is chosen where the strategy finds several.
    #[serde(default)]
    pub within: Option<Strategy>,
    #[serde(default)]
    pub reps: Subjects,
    #[serde(default)]
    pub team: Option<String>,
    /// By channel, for `channel`.
    #[serde(default)]
    pub channels: BTreeMap<String, Target>,
    #[serde(default)]
    pub only_online: bool,
    #[serde(default)]
    pub backup: Option<Target>,
    #[serde(default = "yes")]
    pub allow_reassign: bool,
}

/// An automatic transfer.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    pub when: TransferWhen,
    /// For `inactive`: how long.
    #[serde(default, rename = "for")]
    #[schemars(with = "Option<String>")]
    pub inactive_for: Option<Duration>,
    pub to: TransferTo,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum TransferWhen {
    #[serde(rename = "rep.deactivated")]
    RepDeactivated,
    #[serde(rename = "inactive")]
    Inactive,
}

#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum TransferTo {
    Rotation(RotationName),
    Target(Target),
}

impl Forms for TransferTo {
    const EXPECTED: &'static str = "round_robin, or {rep}, {reps}, {team} or {portfolio}";

    fn from_word<E: de::Error>(word: &str) -> Result<TransferTo, E> {
        RotationName::deserialize(word.into_deserializer()).map(TransferTo::Rotation)
    }

    fn from_keys<'de, A: MapAccess<'de>>(keys: A) -> Result<TransferTo, A::Error> {
        Target::deserialize(MapAccessDeserializer::new(keys)).map(TransferTo::Target)
    }
}

impl<'de> Deserialize<'de> for TransferTo {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<TransferTo, D::Error> {
        read_form(d)
    }
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RotationName {
    RoundRobin,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unassigned {
    #[schemars(with = "String")]
    pub alert_after: Duration,
}
