//! Commission plans.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Credit;
use crate::events::{Amount, Duration, Timestamp, Window};
use crate::rulebook::values::{Condition, DataPath, Percent, Subjects, Threshold};

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
