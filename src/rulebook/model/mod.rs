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
use serde::Deserialize;

use super::values::{Currency, Weekday, Zone};
use crate::events::{Duration, Timestamp};

/// One version of an account's rules.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The account; `*` serves every account without rules of its own.
    pub account: String,
    /// In force from here on (inclusive). Absent in the first version: since ever.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub effective_from: Option<Timestamp>,
    /// Periods are cut in this zone.
    #[serde(default)]
    pub timezone: Zone,
    #[serde(default)]
    pub week_starts: Weekday,
    /// ISO 4217 code of the account's money.
    #[serde(default)]
    pub currency: Currency,
    /// A period is final this long after its end.
    #[serde(default = "two_days")]
    #[schemars(with = "String")]
    pub lateness: Duration,
    #[serde(default)]
    pub modules: Modules,
    #[serde(default)]
    pub groups: Vec<Group>,
    #[serde(default)]
    pub catalog: Vec<CatalogEntry>,
    #[serde(default)]
    pub segments: Vec<Segment>,
    #[serde(default)]
    pub timeline: Timeline,
    #[serde(default)]
    pub teams: Vec<Team>,
    #[serde(default)]
    pub reps: Vec<Rep>,
    #[serde(default)]
    pub metrics: Vec<Metric>,
    #[serde(default)]
    pub levels: Vec<Level>,
    #[serde(default)]
    pub leagues: Option<Leagues>,
    #[serde(default)]
    pub leaderboards: Vec<Leaderboard>,
    #[serde(default)]
    pub contests: Vec<Contest>,
    #[serde(default)]
    pub badges: Vec<Badge>,
    #[serde(default)]
    pub certifications: Vec<Certification>,
    #[serde(default)]
    pub coins: Coins,
    #[serde(default)]
    pub prizes: Vec<Prize>,
    #[serde(default)]
    pub goals: Vec<Goal>,
    #[serde(default)]
    pub commissions: Vec<Plan>,
    #[serde(default)]
    pub ownership: Ownership,
    #[serde(default)]
    pub announcements: Announcements,
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
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Modules {
    #[serde(default = "yes")]
    pub engagement: bool,
    #[serde(default = "yes")]
    pub sales: bool,
}

impl Default for Modules {
    fn default() -> Modules {
        Modules { engagement: true, sales: true }
    }
}
