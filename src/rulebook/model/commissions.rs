//! Commission plans.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Credit;
use crate::events::{Amount, Duration, Timestamp, Window};
use crate::rulebook::values::{Condition, DataPath, Percent, Subjects, Threshold, WrittenAmount, WrittenDuration, WrittenTime};

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

/// How halves of the minor unit are rounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    #[default]
    HalfEven,
    HalfUp,
}

/// A commission plan.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Its key.
    pub key: String,
    /// What people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who is paid by it.
    #[serde(default)]
    pub reps: Subjects,
    /// The event type it pays for.
    #[serde(default = "payment_confirmed")]
    pub trigger: String,
    /// The field that is the basis.
    #[serde(default = "data_amount")]
    pub amount: DataPath,
    /// Which events count; absent: all of the trigger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    /// Who is paid.
    #[serde(default)]
    pub credit: Credit,
    /// The period of a statement.
    #[serde(default = "month")]
    pub period: Window,
    /// What 100 % is, for each rep; needed where thresholds are percents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<WrittenAmount>")]
    pub quota: Option<Amount>,
    /// Per rep.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, WrittenAmount>")]
    pub quotas: BTreeMap<String, Amount>,
    /// How the bands apply.
    #[serde(default)]
    pub mode: Mode,
    /// The rates, from the lowest threshold to the highest.
    pub bands: Vec<Band>,
    /// What multiplies the rate above a threshold; where several apply, the highest.
    #[serde(default)]
    pub accelerators: Vec<PlanAccelerator>,
    /// Bonuses for single events, outside bands and cap.
    #[serde(default)]
    pub spifs: Vec<Spif>,
    /// What is taken back, and for how long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clawback: Option<Clawback>,
    /// The most that a period pays, SPIFs aside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<WrittenAmount>")]
    pub cap: Option<Amount>,
    /// To the minor unit of the currency.
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

/// A part of the basis with its rate.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// Inclusive: an amount, or a percent of the quota.
    pub from: Threshold,
    /// What is paid on it.
    pub rate: Percent,
}

/// Multiplies the rate of what lies above a threshold.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanAccelerator {
    /// Inclusive: an amount, or a percent of the quota.
    pub from: Threshold,
    /// What the rate is multiplied by.
    #[schemars(with = "WrittenAmount")]
    pub multiply: Amount,
}

/// A bonus per event in a window of time. Either `amount` or `rate`.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spif {
    /// Its key.
    pub key: String,
    /// Which events count; absent: all of the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    /// Inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<WrittenTime>")]
    pub starts: Option<Timestamp>,
    /// Exclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<WrittenTime>")]
    pub ends: Option<Timestamp>,
    /// What each event pays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<WrittenAmount>")]
    pub amount: Option<Amount>,
    /// The share of the amount that each event pays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Percent>,
    /// Per rep over the whole window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<WrittenAmount>")]
    pub limit: Option<Amount>,
}

/// What refunds take back.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Clawback {
    /// The event types that take a payment back.
    pub events: Vec<String>,
    /// What links a refund to its payment.
    #[serde(default = "data_payment")]
    pub by: DataPath,
    /// Inclusive.
    #[schemars(with = "WrittenDuration")]
    pub within: Duration,
}

fn data_payment() -> DataPath {
    DataPath::payment()
}
