//! Metrics: measures of what reps do. Each contribution goes to everything that measures by that metric: boards, leagues,
//! contests, badges, goals.

use super::credit::Credited;
use super::event::AccountEvent;
use super::{Account, Cause, badges, boards, contests, goals, leagues, roster};
use crate::events::{Amount, Timestamp};
use crate::outputs::Value;
use crate::rulebook::{EventContext, Metric, Rulebook};

/// The built-in measures.
pub const XP: &str = "xp";
pub const COINS_EARNED: &str = "coins_earned";

/// A change of a rep's value of a metric.
#[derive(Clone, Copy, Debug)]
pub struct Contribution<'c> {
    pub metric: &'c str,
    pub rep: &'c str,
    /// Signed: reversals are negative.
    pub value: Amount,
    /// The time it counts at.
    pub at: Timestamp,
    pub cause: Cause<'c>,
    /// The event, for conditions; none for rewards and commands.
    pub event: Option<EventContext<'c>>,
}

/// Takes an event into every metric of its type. What the event carries no usable amount for passes it over: that is a dead
/// letter already.
pub fn measure(account: &mut Account<'_>, event: &AccountEvent<'_>, credited: &mut Credited<'_>) {
    let book = account.book;
    for metric in &book.metrics {
        let Some(value) = value_of(metric, event) else { continue };
        if metric.when.as_ref().is_some_and(|when| !when.holds_for_event(&event.context())) {
            continue;
        }
        let Some(rep) = credited.by(account, event, metric.credit) else { continue };
        let cause = event.cause();
        let contribution = Contribution { metric: &metric.key, rep, value, at: cause.at, cause, event: Some(event.context()) };
        contribute(account, &contribution);
    }
}

/// What an event adds to a metric, or takes back from it; `None` where it does not concern it.
fn value_of(metric: &Metric, event: &AccountEvent<'_>) -> Option<Amount> {
    let kind = event.stamped.kind;
    let reversal = metric.minus.as_deref() == Some(kind);
    if metric.kind != kind && !reversal {
        return None;
    }
    let value = match &metric.sum {
        None => Amount::from(1),
        Some(path) if path.is_money() && event.stamped.no_money => return None,
        Some(path) => event.data.get(path.below_data()).and_then(Amount::from_json)?,
    };
    Some(if reversal { -value } else { value })
}

/// Takes XP or coins into the built-in metric; `event` where an event gave them, for conditions. A rep who is not active
/// has them, but is not ranked by them.
pub fn contribute_built_in(
    account: &mut Account<'_>,
    metric: &str,
    rep: &str,
    value: i64,
    cause: &Cause<'_>,
    event: Option<EventContext<'_>>,
) {
    if roster::is_active(account, rep) {
        let contribution = Contribution { metric, rep, value: Amount::from(value), at: cause.at, cause: *cause, event };
        contribute(account, &contribution);
    }
}

/// Takes a contribution to everything that measures by its metric.
fn contribute(account: &mut Account<'_>, contribution: &Contribution<'_>) {
    // nothing changes no value, and does not reach one either
    if !contribution.value.is_zero() {
        boards::take(account, contribution);
        leagues::take(account, contribution);
        contests::take(account, contribution);
        badges::take(account, contribution);
    }
    goals::take(account, contribution);
}

/// Whether values of a metric are whole numbers: points, coins and counts.
pub fn is_count(book: &Rulebook, metric: &str) -> bool {
    metric == XP || metric == COINS_EARNED || book.metrics.iter().any(|m| m.key == metric && m.count)
}

/// A value of a metric as it is shown.
pub fn shown(book: &Rulebook, metric: &str, value: Amount) -> Value {
    use rust_decimal::prelude::ToPrimitive;
    match value.0.to_i64() {
        Some(whole) if is_count(book, metric) => Value::Count(whole),
        _ => Value::Sum(value),
    }
}
