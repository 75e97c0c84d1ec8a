//! Which plans there are at an instant, and in which of their periods.

use super::super::event::AccountEvent;
use crate::events::{Amount, Period, Timestamp};
use crate::rulebook::{AccountRules, Plan, Rulebook};

/// A plan in one of its periods.
#[derive(Clone, Debug)]
pub(super) struct Running<'a> {
    /// The version that the period keeps.
    pub book: &'a Rulebook,
    pub plan: &'a Plan,
    pub period: Period,
}

/// The plans that `wanted` asks for, each in the period that holds an instant. For the whole of a period the first version
/// counts in which the plan appears for it; `up_to` is the version that the instant is judged by.
pub(super) fn running<'a>(
    rules: &'a AccountRules,
    up_to: u32,
    at: Timestamp,
    wanted: impl Fn(&Plan) -> bool,
) -> Vec<Running<'a>> {
    let mut settled: Vec<&str> = Vec::new();
    let mut found = Vec::new();
    let known = &rules.versions()[..(up_to as usize).min(rules.versions().len())];
    let only = known.len() == 1;
    for book in known {
        for plan in &book.commissions {
            // with a single version no other can have a say, so that what is not asked for costs nothing
            if (only && !wanted(plan)) || settled.contains(&plan.key.as_str()) {
                continue;
            }
            let period = book.calendar.period(plan.period, at);
            if !rules.is_in_force_in(book.version, period.span) {
                continue;
            }
            settled.push(&plan.key);
            if wanted(plan) {
                found.push(Running { book, plan, period });
            }
        }
    }
    found
}

/// A plan as a version has it; where that has none, as the last one that does.
pub(super) fn plan_of<'a>(rules: &'a AccountRules, version: u32, key: &str) -> Option<(&'a Rulebook, &'a Plan)> {
    let has = |book: &'a Rulebook| book.commissions.iter().find(|plan| plan.key == key).map(|plan| (book, plan));
    let kept = rules.version(version).and_then(|book| has(book));
    kept.or_else(|| rules.versions().iter().rev().find_map(|book| has(book)))
}

/// The period of a plan that holds an instant, by the version in force then.
pub(super) fn period_at(rules: &AccountRules, plan: &Plan, book: &Rulebook, at: Timestamp) -> Period {
    let up_to = rules.at(at).map_or(0, |book| book.version);
    let found = running(rules, up_to, at, |p| p.key == plan.key).pop();
    found.map_or_else(|| book.calendar.period(plan.period, at), |running| running.period)
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
