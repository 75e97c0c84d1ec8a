//! Plans of versions past and present, and what events are worth to them.

use std::sync::Arc;

use super::super::Account;
use super::super::event::AccountEvent;
use super::super::running::running;
use crate::events::{Amount, Period, Timestamp};
use crate::rulebook::{AccountRules, Plan, Rulebook};

/// A plan as a version has it; where that has none, as the last one that does.
pub(super) fn plan_of<'a>(rules: &'a AccountRules, version: u32, key: &str) -> Option<(&'a Rulebook, &'a Plan)> {
    let has = |book: &'a Rulebook| book.commissions.iter().find(|plan| plan.key == key).map(|plan| (book, plan));
    let kept = rules.version(version).and_then(|book| has(book));
    kept.or_else(|| rules.versions().iter().rev().find_map(|book| has(book)))
}

/// The period of a plan that holds an instant, by the version in force then.
pub(super) fn period_at(account: &mut Account<'_>, plan: &Plan, book: &Rulebook, at: Timestamp) -> Arc<Period> {
    let up_to = account.rules.at(at).map_or(0, |book| book.version);
    let found = running::<Plan>(account, up_to, at, |p| p.key == plan.key).pop();
    found.map_or_else(|| account.periods.of(book.calendar, plan.period, at), |running| running.period)
}

/// What an event is worth to a plan; `None`: no amount that can be used, which is a dead
/// letter already.
pub(super) fn amount_of(plan: &Plan, event: &AccountEvent<'_>) -> Option<Amount> {
    if event.stamped.no_money {
        return None;
    }
    let amount = event.data.get(plan.amount.below_data()).and_then(Amount::from_json)?;
    (!amount.is_negative()).then_some(amount)
}
