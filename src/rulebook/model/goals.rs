//! Goals and what is granted on the way to them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{IntoDeserializer, MapAccess};
use serde::{Deserialize, Deserializer, de};

use super::Of;
use crate::events::{Amount, Timestamp, Window};
use crate::outputs::Reward;
use crate::rulebook::values::{Forms, Percent, Subjects, read_form};

/// A calendar period, or one with its own dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(untagged)]
pub enum GoalPeriod {
    Window(Window),
    Custom(CustomPeriod),
}

impl Forms for GoalPeriod {
    const EXPECTED: &'static str = "day, week, month, quarter, year, or {starts, ends}";

    fn from_word<E: de::Error>(word: &str) -> Result<GoalPeriod, E> {
        Window::deserialize(word.into_deserializer()).map(GoalPeriod::Window)
    }

    fn from_keys<'de, A: MapAccess<'de>>(keys: A) -> Result<GoalPeriod, A::Error> {
        CustomPeriod::deserialize(MapAccessDeserializer::new(keys)).map(GoalPeriod::Custom)
    }
}

impl<'de> Deserialize<'de> for GoalPeriod {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<GoalPeriod, D::Error> {
        read_form(d)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomPeriod {
    #[schemars(with = "String")]
    pub starts: Timestamp,
    #[schemars(with = "String")]
    pub ends: Timestamp,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    pub key: String,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub of: Of,
    #[serde(default)]
    pub subjects: Subjects,
    pub metric: String,
    pub period: GoalPeriod,
    #[schemars(with = "String")]
    pub target: Amount,
    /// Per subject.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub targets: BTreeMap<String, Amount>,
    #[serde(default)]
    pub tiers: Vec<GoalTier>,
    #[serde(default)]
    pub accelerator: Option<GoalAccelerator>,
    /// For goals of teams and accounts: each member gets it.
    #[serde(default)]
    pub collective: Vec<CollectiveReward>,
    /// Locked for a subject until that tier is reached.
    #[serde(default)]
    pub after: Option<After>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GoalTier {
    pub key: String,
    pub at: Percent,
    #[serde(default)]
    pub reward: Reward,
}

/// A reward for every step beyond the target, growing.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GoalAccelerator {
    pub from: Percent,
    pub every: Percent,
    /// Needed; optional here so that its absence gets a message of its own.
    #[serde(default)]
    pub up_to: Option<Percent>,
    #[serde(default)]
    pub reward: Reward,
    /// What each step gives more than the one before.
    #[serde(default)]
    pub grows: Reward,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CollectiveReward {
    pub tier: String,
    #[serde(default)]
    pub reward: Reward,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct After {
    pub goal: String,
    pub tier: String,
}
