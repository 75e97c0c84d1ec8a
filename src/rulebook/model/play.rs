//! The game: levels, leagues, leaderboards, contests, badges, certifications, coins and prizes.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::yes;
use crate::events::{Amount, Duration, Timestamp, Window};
use crate::outputs::Reward;
use crate::rulebook::values::{Condition, Places, Threshold, WrittenAmount, WrittenDuration, WrittenTime};

/// A level by XP.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// Its number, rising with the XP.
    pub level: u32,
    /// What people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// XP from which on it is reached.
    pub xp: i64,
    /// What reaching it gives, once.
    #[serde(default)]
    pub reward: Reward,
}

/// Leagues, between which reps move when a window closes.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Leagues {
    /// From the lowest to the highest.
    pub order: Vec<String>,
    /// What is ranked by.
    #[serde(default = "xp")]
    pub metric: String,
    /// The period at whose close reps move.
    pub window: Window,
    /// How many of each league move up.
    #[serde(default)]
    pub promote: u32,
    /// How many of each league move down.
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

/// A ranking over a window of time.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Leaderboard {
    /// Its key.
    pub key: String,
    /// What people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What is ranked by.
    pub metric: String,
    /// The period it ranks.
    pub window: Window,
    /// Who is ranked: reps or teams.
    #[serde(default)]
    pub of: Of,
    /// How many are published.
    #[serde(default = "fifty")]
    pub top: u32,
}

fn fifty() -> u32 {
    50
}

/// A competition with a start, an end and prizes.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contest {
    /// Its key.
    pub key: String,
    /// What people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who competes: reps or teams.
    #[serde(default)]
    pub of: Of,
    /// What is measured.
    pub metric: String,
    /// Which events count; absent: all that the metric takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    /// The start, part of it.
    #[schemars(with = "WrittenTime")]
    pub starts: Timestamp,
    /// The end, not part of it.
    #[schemars(with = "WrittenTime")]
    pub ends: Timestamp,
    /// What the places win.
    #[serde(default)]
    pub prizes: Vec<ContestPrize>,
}

/// What places of a contest win.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContestPrize {
    /// `1` or `2-3`.
    pub places: Places,
    /// What each of these places wins.
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

/// A badge with its tiers.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Badge {
    /// Its key.
    pub key: String,
    /// What people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Absent: the badge is only given as a reward.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// The period over which the metric is taken; `all` for a lifetime.
    #[serde(default = "all_time")]
    pub window: Window,
    /// The value at which each tier is reached.
    #[serde(default)]
    pub tiers: BTreeMap<BadgeTier, Threshold>,
    /// What each tier gives besides the badge.
    #[serde(default)]
    pub rewards: BTreeMap<BadgeTier, Reward>,
}

fn all_time() -> Window {
    Window::All
}

/// A proof of skill that may expire.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Certification {
    /// Its key.
    pub key: String,
    /// What people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Absent: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<WrittenDuration>")]
    pub valid_for: Option<Duration>,
}

/// How coins are earned.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Coins {
    /// Coins for each XP earned from events, rounded down over the running total.
    #[serde(default)]
    #[schemars(with = "WrittenAmount")]
    pub per_xp: Amount,
}

/// Whether a redemption waits for a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    #[default]
    Manual,
    Auto,
}

/// What coins buy.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prize {
    /// Its key.
    pub key: String,
    /// What people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Coins for one.
    #[serde(default)]
    pub cost: i64,
    /// Absent: without limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stock: Option<i64>,
    /// Whether a redemption waits for approval.
    #[serde(default)]
    pub approval: Approval,
    /// An inactive prize cannot be redeemed.
    #[serde(default = "yes")]
    pub active: bool,
}
