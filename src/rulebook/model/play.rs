//! The game: levels, leagues, leaderboards, contests, badges, certifications, coins and prizes.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::yes;
use crate::events::{Amount, Duration, Timestamp, Window};
use crate::outputs::Reward;
use crate::rulebook::values::{Condition, Places, Threshold};

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Level {
    pub level: u32,
    #[serde(default)]
    pub name: Option<String>,
    /// XP from which on it is reached.
    pub xp: i64,
    #[serde(default)]
    pub reward: Reward,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Leagues {
    /// From the lowest to the highest.
    pub order: Vec<String>,
    #[serde(default = "xp")]
    pub metric: String,
    pub window: Window,
    #[serde(default)]
    pub promote: u32,
    #[serde(default)]
    pub relegate: u32,
}

fn xp() -> String {
    "xp".to_owned()
}

/// Who is ranked or aims at a goal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Of {
    #[default]
    Rep,
    Team,
    Account,
}

impl Of {
    pub fn name(self) -> &'static str {
        match self {
            Of::Rep => "rep",
            Of::Team => "team",
            Of::Account => "account",
        }
    }
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Leaderboard {
    pub key: String,
    #[serde(default)]
    pub name: Option<String>,
    pub metric: String,
    pub window: Window,
    #[serde(default)]
    pub of: Of,
    /// How many are published.
    #[serde(default = "fifty")]
    pub top: u32,
}

fn fifty() -> u32 {
    50
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contest {
    pub key: String,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub of: Of,
    pub metric: String,
    #[serde(default)]
    pub when: Option<Condition>,
    #[schemars(with = "String")]
    pub starts: Timestamp,
    #[schemars(with = "String")]
    pub ends: Timestamp,
    #[serde(default)]
    pub prizes: Vec<ContestPrize>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContestPrize {
    /// `1` or `2-3`.
    pub places: Places,
    #[serde(default)]
    pub reward: Reward,
}

/// The tiers of a badge, from the lowest to the highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BadgeTier {
    Bronze,
    Silver,
    Gold,
    Platinum,
    Diamond,
}

impl BadgeTier {
    pub const ALL: [BadgeTier; 5] =
        [BadgeTier::Bronze, BadgeTier::Silver, BadgeTier::Gold, BadgeTier::Platinum, BadgeTier::Diamond];

    pub fn name(self) -> &'static str {
        match self {
            BadgeTier::Bronze => "bronze",
            BadgeTier::Silver => "silver",
            BadgeTier::Gold => "gold",
            BadgeTier::Platinum => "platinum",
            BadgeTier::Diamond => "diamond",
        }
    }
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Badge {
    pub key: String,
    #[serde(default)]
    pub name: Option<String>,
    /// Absent: the badge is only given as a reward.
    #[serde(default)]
    pub metric: Option<String>,
    #[serde(default = "all_time")]
    pub window: Window,
    /// The value at which each tier is reached.
    #[serde(default)]
    pub tiers: BTreeMap<BadgeTier, Threshold>,
    #[serde(default)]
    pub rewards: BTreeMap<BadgeTier, Reward>,
}

fn all_time() -> Window {
    Window::All
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Certification {
    pub key: String,
    #[serde(default)]
    pub name: Option<String>,
    /// Absent: for ever.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub valid_for: Option<Duration>,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Coins {
    /// Coins for each XP earned from events, rounded down over the running total.
    #[serde(default)]
    #[schemars(with = "String")]
    pub per_xp: Amount,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    #[default]
    Manual,
    Auto,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prize {
    pub key: String,
    #[serde(default)]
    pub name: Option<String>,
    /// Coins for one.
    #[serde(default)]
    pub cost: i64,
    /// Absent: without limit.
    #[serde(default)]
    pub stock: Option<i64>,
    #[serde(default)]
    pub approval: Approval,
    #[serde(default = "yes")]
    pub active: bool,
}
