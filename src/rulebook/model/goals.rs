//! Goals and what is granted on the way to them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{IntoDeserializer, MapAccess};
use serde::{Deserialize, Deserializer, Serialize, de};

use super::Of;
use crate::events::{Amount, Timestamp, Window};
use crate::outputs::Reward;
use crate::rulebook::values::{Forms, Percent, Subjects, WrittenAmount, WrittenTime, read_form};

/// A calendar period, or one with its own dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
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

/// A period with its own dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomPeriod {
    /// The start, part of it.
    #[schemars(with = "WrittenTime")]
    pub starts: Timestamp,
    /// The end, not part of it.
    #[schemars(with = "WrittenTime")]
    pub ends: Timestamp,
}

/// A value to reach in a period.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// Its key.
    pub key: String,
    /// What people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who aims at it: each rep, each team, or the account as a whole.
    #[serde(default)]
    pub of: Of,
    /// Which of the reps or teams aim at it.
    #[serde(default)]
    pub subjects: Subjects,
    /// What is measured.
    pub metric: String,
    /// The period in which the value is taken: a calendar period, or `{starts, ends}`.
    pub period: GoalPeriod,
    /// The value that is 100 %.
    #[schemars(with = "WrittenAmount")]
    pub target: Amount,
    /// Per subject.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, WrittenAmount>")]
    pub targets: BTreeMap<String, Amount>,
    /// What is reached on the way; each is granted once for each period and subject.
    #[serde(default)]
    pub tiers: Vec<GoalTier>,
    /// Rewards for steps beyond the tiers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accelerator: Option<GoalAccelerator>,
    /// For goals of teams and accounts: each member gets it.
    #[serde(default)]
    pub collective: Vec<CollectiveReward>,
    /// Locked for a subject until that tier is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<After>,
}

/// A step on the way to a goal.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GoalTier {
    /// Its key.
    pub key: String,
    /// The share of the target at which it is reached.
    pub at: Percent,
    /// What it gives.
    #[serde(default)]
    pub reward: Reward,
}

/// A reward for every step beyond the target, growing.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GoalAccelerator {
    /// Where the first step starts.
    pub from: Percent,
    /// The size of a step.
    pub every: Percent,
    /// Needed; optional here so that its absence gets a message of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to: Option<Percent>,
    /// What the first step gives.
    #[serde(default)]
    pub reward: Reward,
    /// What each step gives more than the one before.
    #[serde(default)]
    pub grows: Reward,
}

/// What each member gets when the group reaches a tier.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CollectiveReward {
    /// The tier of this goal that the group has to reach.
    pub tier: String,
    /// What each member gets.
    #[serde(default)]
    pub reward: Reward,
}

/// What unlocks a goal.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct After {
    /// The goal to reach first.
    pub goal: String,
    /// Its tier that unlocks this one.
    pub tier: String,
}
