//! A rule document, key by key as it is written: the YAML (or JSON) of one version of an account's rules.
//!
//! Texts with a meaning of their own (durations, percents, conditions, …) are read into types of [`super::values`], so that
//! what has been read is also well-formed. What only makes sense across keys is checked in [`super::validate`].

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::values::{CatalogMatch, Condition, Currency, DataPath, Dedup, Percent, Places, Subjects, Threshold, Weekday, Zone};
use crate::events::{Amount, Duration, Timestamp, Window};
use crate::outputs::Reward;

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

/// A named counter that adds up points by theme.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    pub key: String,
    pub name: String,
}

/// An entry of the engagement catalog: what an event is worth.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogEntry {
    /// Also the event type, unless `match` says otherwise.
    pub key: String,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default, rename = "match")]
    pub matches: Option<CatalogMatch>,
    #[serde(default)]
    pub group: Option<String>,
    #[serde(default)]
    pub icon: Option<String>,
    /// The weight; 0 records without scoring, and it may be negative.
    #[serde(default)]
    pub points: i64,
    /// Dual credit, to the actor.
    #[serde(default)]
    pub xp: i64,
    #[serde(default)]
    pub coins: i64,
    /// The wallboard celebrates it.
    #[serde(default)]
    pub announce: bool,
    #[serde(default = "yes")]
    pub active: bool,
    #[serde(default)]
    pub dedup: Dedup,
}

/// Contacts that fulfil a condition on `score`, `groups`, `events`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    pub key: String,
    #[serde(default)]
    pub name: Option<String>,
    pub when: Condition,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Timeline {
    /// How long timeline entries are kept; absent: for ever. Points stay.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub retention: Option<Duration>,
}

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

/// A calendar period, or one with its own dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum GoalPeriod {
    Window(Window),
    Custom(CustomPeriod),
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

/// How a commission plan applies its bands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Each part of the basis at its band's rate.
    #[default]
    Marginal,
    /// Up to the quota as marginal, all above it at the highest rate reached.
    Overage,
    /// All at the highest rate reached.
    Whole,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    #[default]
    HalfEven,
    HalfUp,
}

/// A commission plan.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    pub key: String,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub reps: Subjects,
    /// The event type it pays for.
    #[serde(default = "payment_confirmed")]
    pub trigger: String,
    #[serde(default = "data_amount")]
    pub amount: DataPath,
    #[serde(default)]
    pub when: Option<Condition>,
    #[serde(default)]
    pub credit: Credit,
    #[serde(default = "month")]
    pub period: Window,
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub quota: Option<Amount>,
    /// Per rep.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub quotas: BTreeMap<String, Amount>,
    #[serde(default)]
    pub mode: Mode,
    pub bands: Vec<Band>,
    #[serde(default)]
    pub accelerators: Vec<PlanAccelerator>,
    #[serde(default)]
    pub spifs: Vec<Spif>,
    #[serde(default)]
    pub clawback: Option<Clawback>,
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub cap: Option<Amount>,
    #[serde(default)]
    pub rounding: Rounding,
}

fn payment_confirmed() -> String {
    "payment.confirmed".to_owned()
}

fn data_amount() -> DataPath {
    DataPath::amount()
}

fn month() -> Window {
    Window::Month
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// Inclusive: an amount, or a percent of the quota.
    pub from: Threshold,
    pub rate: Percent,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanAccelerator {
    pub from: Threshold,
    #[schemars(with = "String")]
    pub multiply: Amount,
}

/// A bonus per event in a window of time. Either `amount` or `rate`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spif {
    pub key: String,
    #[serde(default)]
    pub when: Option<Condition>,
    /// Inclusive.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub starts: Option<Timestamp>,
    /// Exclusive.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub ends: Option<Timestamp>,
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub amount: Option<Amount>,
    #[serde(default)]
    pub rate: Option<Percent>,
    /// Per rep over the whole window.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub limit: Option<Amount>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Clawback {
    pub events: Vec<String>,
    /// What links a refund to its payment.
    #[serde(default = "data_payment")]
    pub by: DataPath,
    /// Inclusive.
    #[schemars(with = "String")]
    pub within: Duration,
}

fn data_payment() -> DataPath {
    DataPath::payment()
}

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

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum TransferTo {
    Rotation(RotationName),
    Target(Target),
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

/// The kinds of announcement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnnouncementKind {
    Tier,
    Badge,
    Level,
    Promotion,
    Contest,
    Recognition,
    Sale,
    Unassigned,
    OwnershipConflict,
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Announcements {
    /// What is broadcast; absent: all.
    #[serde(default)]
    pub kinds: Option<Vec<AnnouncementKind>>,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wallboard {
    pub key: String,
    #[serde(default)]
    pub title: Option<String>,
    #[serde(default)]
    pub brand: Brand,
    /// How long each scene stays.
    #[serde(default = "twenty_seconds")]
    #[schemars(with = "String")]
    pub rotate: Duration,
    pub scenes: Vec<Scene>,
}

fn twenty_seconds() -> Duration {
    Duration(20_000)
}

#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Brand {
    #[serde(default)]
    pub theme: Theme,
    /// A CSS colour.
    #[serde(default)]
    pub primary: Option<String>,
    /// An image address.
    #[serde(default)]
    pub logo: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    #[default]
    Dark,
    Light,
}

#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Scene {
    Leaderboard { board: String },
    Team { board: String },
    Contest { contest: String },
    Thermometer { goal: String },
}
