//! A rule document, key by key as it is written: the YAML (or JSON) of one version of an account's rules.
//!
//! Texts with a meaning of their own (durations, percents, conditions, …) are read into types of [`super::values`], so that
//! what has been read is also well-formed. What only makes sense across keys is checked in [`super::validate`].

mod commissions;
mod engagement;
mod goals;
mod ownership;
mod people;
mod play;
mod wallboards;

pub use commissions::*;
pub use engagement::*;
pub use goals::*;
pub use ownership::*;
pub use people::*;
pub use play::*;
pub use wallboards::*;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::values::{Currency, Weekday, WrittenDuration, WrittenTime, Zone};
use crate::events::{Duration, Timestamp};

/// One version of an account's rules.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The account; `*` serves every account without rules of its own.
    pub account: String,
    /// In force from here on (inclusive). Absent in the first version: since ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<WrittenTime>")]
    pub effective_from: Option<Timestamp>,
    /// Periods are cut in this zone.
    #[serde(default)]
    pub timezone: Zone,
    /// The first day of a week.
    #[serde(default)]
    pub week_starts: Weekday,
    /// ISO 4217 code of the account's money.
    #[serde(default)]
    pub currency: Currency,
    /// A period is final this long after its end.
    #[serde(default = "two_days")]
    #[schemars(with = "WrittenDuration")]
    pub lateness: Duration,
    /// Which halves of the product are on.
    #[serde(default)]
    pub modules: Modules,
    /// Counters that add up points by theme.
    #[serde(default)]
    pub groups: Vec<Group>,
    /// The engagement catalog: what events are worth.
    #[serde(default)]
    pub catalog: Vec<CatalogEntry>,
    /// Groups of contacts by their score.
    #[serde(default)]
    pub segments: Vec<Segment>,
    /// How long the timeline is kept.
    #[serde(default)]
    pub timeline: Timeline,
    /// Teams.
    #[serde(default)]
    pub teams: Vec<Team>,
    /// The roster, in its order of rotation.
    #[serde(default)]
    pub reps: Vec<Rep>,
    /// Measures of what reps do.
    #[serde(default)]
    pub metrics: Vec<Metric>,
    /// Levels by XP.
    #[serde(default)]
    pub levels: Vec<Level>,
    /// Leagues with promotion and relegation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leagues: Option<Leagues>,
    /// Rankings of reps and teams.
    #[serde(default)]
    pub leaderboards: Vec<Leaderboard>,
    /// Contests with a start and an end.
    #[serde(default)]
    pub contests: Vec<Contest>,
    /// Badges.
    #[serde(default)]
    pub badges: Vec<Badge>,
    /// Certifications, granted by command.
    #[serde(default)]
    pub certifications: Vec<Certification>,
    /// How coins are earned besides catalog and rewards.
    #[serde(default)]
    pub coins: Coins,
    /// What coins buy.
    #[serde(default)]
    pub prizes: Vec<Prize>,
    /// Goals.
    #[serde(default)]
    pub goals: Vec<Goal>,
    /// Commission plans.
    #[serde(default)]
    pub commissions: Vec<Plan>,
    /// Who answers for which contact.
    #[serde(default)]
    pub ownership: Ownership,
    /// What is broadcast.
    #[serde(default)]
    pub announcements: Announcements,
    /// Screens for the floor.
    #[serde(default)]
    pub wallboards: Vec<Wallboard>,
}

fn two_days() -> Duration {
    Duration::days(2)
}

fn yes() -> bool {
    true
}

/// Which halves of the product are on. Dual credit needs both.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Modules {
    /// The lead axis: catalog, scores, timeline, segments.
    #[serde(default = "yes")]
    pub engagement: bool,
    /// The actor axis: XP, boards, goals, commissions.
    #[serde(default = "yes")]
    pub sales: bool,
}

impl Default for Modules {
    fn default() -> Modules {
        Modules { engagement: true, sales: true }
    }
}
