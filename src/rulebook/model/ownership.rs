//! Ownership, portfolios, and how conversations and comments find their rep.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{IntoDeserializer, MapAccess};
use serde::{Deserialize, Deserializer, Serialize, de};

use super::yes;
use crate::events::Duration;
use crate::rulebook::values::{Condition, Forms, Subjects, WrittenDuration, read_form};

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

/// Who answers for whom.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ownership {
    /// Who sees whose contacts.
    #[serde(default)]
    pub isolation: Isolation,
    /// Groups of contacts with the reps who look after them.
    #[serde(default)]
    pub portfolios: Vec<Portfolio>,
    /// How new contacts find their owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_contacts: Option<NewContacts>,
    /// How conversations find their rep; absent: they stay unassigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversations: Option<Assignment>,
    /// How comments find their rep; absent: they stay unassigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comments: Option<Assignment>,
    /// Automatic transfers; the first that applies.
    #[serde(default)]
    pub transfers: Vec<Transfer>,
    /// What happens to items that nobody has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unassigned: Option<Unassigned>,
}

/// Contacts that some reps look after.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Portfolio {
    /// Its key.
    pub key: String,
    /// What people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its reps.
    #[serde(default)]
    pub reps: Vec<String>,
    /// The team whose members are its reps, in place of `reps`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// An inactive portfolio takes no new contacts and does not route.
    #[serde(default = "yes")]
    pub active: bool,
}

/// How new contacts find their owner.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewContacts {
    /// The first that matches.
    #[serde(default)]
    pub rules: Vec<NewContactRule>,
    /// How an owner is found where no rule matches; absent: there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
    /// Who takes part in the rotation.
    #[serde(default)]
    pub reps: Subjects,
    /// The team that takes part, in place of `reps`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
}

/// Contacts that go to somebody by what is known of them.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewContactRule {
    /// What the first event of the contact has to fulfil.
    pub when: Condition,
    /// Who gets the contact.
    pub to: Target,
}

/// Reps named one way or another: exactly one of the keys.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// This rep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rep: Option<String>,
    /// These reps, in rotation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reps: Vec<String>,
    /// The members of a team, in rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// The reps of a portfolio, in rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub portfolio: Option<String>,
}

/// How a rep is found.
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
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// How the rep is found.
    pub strategy: Strategy,
    /// Who is chosen where the strategy finds several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Strategy>,
    /// Who takes part.
    #[serde(default)]
    pub reps: Subjects,
    /// The team that takes part, in place of `reps`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// By channel, for `channel`.
    #[serde(default)]
    pub channels: BTreeMap<String, Target>,
    /// Pass over who is offline; not for `channel`.
    #[serde(default)]
    pub only_online: bool,
    /// Who is tried where the strategy finds nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<Target>,
    /// Whether a command may give a conversation to another rep.
    #[serde(default = "yes")]
    pub allow_reassign: bool,
}

/// An automatic transfer.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// What causes it.
    pub when: TransferWhen,
    /// For `inactive`: how long.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "for")]
    #[schemars(with = "Option<WrittenDuration>")]
    pub inactive_for: Option<Duration>,
    /// Who gets the contacts.
    pub to: TransferTo,
}

/// What causes a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum TransferWhen {
    #[serde(rename = "rep.deactivated")]
    RepDeactivated,
    #[serde(rename = "inactive")]
    Inactive,
}

/// Who gets what is transferred.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(untagged)]
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

/// Every active rep but the giver, in turn.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RotationName {
    RoundRobin,
}

/// What happens to items without a rep.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unassigned {
    /// An item without a rep is announced after this long.
    #[schemars(with = "WrittenDuration")]
    pub alert_after: Duration,
}
