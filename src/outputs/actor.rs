//! Outputs of the actor axis: XP, boards, goals, coins, commissions, and the answers to commands.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::EventRef;
use crate::events::{Amount, Timestamp};

/// A value of a metric: an integer for points and counts, a decimal text for sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Value {
    Count(i64),
    Sum(Amount),
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RepProgress<'a> {
    pub account: &'a str,
    pub rep: &'a str,
    pub name: &'a str,
    pub team: Option<&'a str>,
    pub xp: i64,
    pub level: Option<LevelProgress<'a>>,
    pub league: Option<&'a str>,
    pub coins: i64,
    /// One for each tier.
    pub badges: Vec<AwardedBadge<'a>>,
    pub certifications: Vec<HeldCertification<'a>>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LevelProgress<'a> {
    pub level: u32,
    pub name: &'a str,
    /// The XP of the next level; null at the top.
    pub next_xp: Option<i64>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct AwardedBadge<'a> {
    pub key: &'a str,
    pub tier: &'a str,
    pub awarded_at: Timestamp,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct HeldCertification<'a> {
    pub key: &'a str,
    pub granted_at: Timestamp,
    pub expires_at: Option<Timestamp>,
}

/// A movement of a rep's XP.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct XpEntry<'a> {
    pub account: &'a str,
    /// The ledger entry: the event's source/id/catalog key, the grant id, or the command id; part of the record's key.
    pub entry: &'a str,
    pub rep: &'a str,
    pub xp: i64,
    pub reason: &'a str,
    pub event: Option<EventRef<'a>>,
    pub at: Timestamp,
}

/// A movement of a rep's coins.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CoinsEntry<'a> {
    pub account: &'a str,
    /// As in [`XpEntry`].
    pub entry: &'a str,
    pub rep: &'a str,
    pub coins: i64,
    /// After this movement.
    pub balance: i64,
    pub reason: &'a str,
    #[serde(rename = "ref")]
    pub reference: Option<&'a str>,
    pub at: Timestamp,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Leaderboard<'a> {
    pub account: &'a str,
    pub board: &'a str,
    pub metric: &'a str,
    pub window: &'a str,
    pub period: &'a str,
    pub of: &'a str,
    pub starts: Option<Timestamp>,
    pub ends: Option<Timestamp>,
    pub r#final: bool,
    pub entries: Vec<BoardEntry<'a>>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Contest<'a> {
    pub account: &'a str,
    pub contest: &'a str,
    pub name: &'a str,
    pub metric: &'a str,
    pub of: &'a str,
    pub starts: Timestamp,
    pub ends: Timestamp,
    /// `upcoming`, `running` or `final`.
    pub status: &'a str,
    pub r#final: bool,
    pub entries: Vec<BoardEntry<'a>>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct BoardEntry<'a> {
    /// 1, 2, 3, 4: unique.
    pub position: u32,
    /// 1, 2, 2, 4: by value.
    pub rank: u32,
    pub subject: &'a str,
    pub name: &'a str,
    pub value: Value,
    /// Positions gained since the start of the account's day; null for who was not on the board then.
    pub moved: Option<i64>,
    pub reached_at: Timestamp,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct GoalProgress<'a> {
    pub account: &'a str,
    pub goal: &'a str,
    pub of: &'a str,
    pub subject: &'a str,
    pub period: &'a str,
    pub starts: Timestamp,
    pub ends: Timestamp,
    pub target: Amount,
    pub value: Value,
    /// value ÷ target.
    pub attainment: Amount,
    pub locked: bool,
    pub tiers: Vec<TierProgress<'a>>,
    pub r#final: bool,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TierProgress<'a> {
    pub key: &'a str,
    /// The amount at which it is reached.
    pub threshold: Amount,
    pub reached_at: Option<Timestamp>,
}

/// Something granted, once.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Grant<'a> {
    pub account: &'a str,
    pub grant: &'a str,
    pub subject: Subject<'a>,
    pub source: GrantSource<'a>,
    pub reward: Reward,
    pub event: Option<EventRef<'a>>,
    pub at: Timestamp,
}

#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Subject<'a> {
    /// `rep`, `team` or `account`.
    pub kind: &'a str,
    pub id: &'a str,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct GrantSource<'a> {
    /// `goal`, `accelerator`, `collective`, `badge`, `level` or `contest`.
    pub kind: &'a str,
    pub key: &'a str,
    pub tier: Option<&'a str>,
    pub period: Option<&'a str>,
}

/// What a grant gives; absent parts give nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reward {
    /// XP to add.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xp: Option<i64>,
    /// Coins to add.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coins: Option<i64>,
    /// A badge with its tier, `closer/gold`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub badge: Option<String>,
    /// A prize: becomes an approved redemption of cost 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prize: Option<String>,
}

impl Reward {
    pub fn is_empty(&self) -> bool {
        *self == Reward::default()
    }
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Redemption<'a> {
    pub account: &'a str,
    pub redemption: &'a str,
    pub rep: &'a str,
    pub prize: &'a str,
    pub quantity: i64,
    pub cost: i64,
    pub status: &'a str,
    pub history: Vec<RedemptionStep<'a>>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct RedemptionStep<'a> {
    pub status: &'a str,
    pub by: Option<&'a str>,
    pub reason: Option<&'a str>,
    pub at: Timestamp,
}

/// One line of a commission statement. `amount = base + accelerator + spif`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CommissionLine<'a> {
    pub account: &'a str,
    pub line: &'a str,
    pub statement: &'a str,
    pub plan: &'a str,
    pub rules_version: u32,
    pub rep: &'a str,
    /// `base`, `spif`, `clawback` or `adjustment`.
    pub kind: &'a str,
    pub event: Option<EventRef<'a>>,
    /// The period whose net basis the line belongs to.
    pub for_period: &'a str,
    /// Signed.
    pub basis: Amount,
    pub base: Amount,
    /// The extra over the plain rate.
    pub accelerator: Amount,
    pub spif: Amount,
    pub amount: Amount,
    pub explain: &'a str,
    pub at: Timestamp,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Statement<'a> {
    pub account: &'a str,
    pub statement: &'a str,
    pub plan: &'a str,
    pub rep: &'a str,
    pub period: &'a str,
    /// `accrued`, `approved` or `paid`.
    pub status: &'a str,
    pub base: Amount,
    pub accelerator: Amount,
    pub spif: Amount,
    pub clawback: Amount,
    pub adjustment: Amount,
    pub total: Amount,
    pub currency: &'a str,
    pub lines: u64,
}

/// News for the wallboard and the panel.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Announcement<'a> {
    pub account: &'a str,
    /// Unique within the account, made from its cause.
    pub id: &'a str,
    /// `tier`, `badge`, `level`, `promotion`, `contest`, `recognition`, `sale`, `unassigned` or `ownership_conflict`.
    pub kind: &'a str,
    pub subject: Subject<'a>,
    pub title: &'a str,
    pub message: &'a str,
    pub at: Timestamp,
}

/// The answer to a command.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct CommandResult<'a> {
    pub account: &'a str,
    pub command: &'a str,
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// `accepted` or `rejected`.
    pub status: &'a str,
    pub reason: Option<&'a str>,
    pub detail: Option<&'a serde_json::Value>,
    pub at: Timestamp,
}
