//! Money is checked where the record's bytes still are: an event whose amount is of no use to a rule that takes money is a
//! dead letter, while its points and counts go on.

use crate::decode::{Reason, Rejection};
use crate::events::{Amount, Data};
use crate::rulebook::values::{Condition, DataPath};
use crate::rulebook::{EventContext, Rulebook};

/// A rule that takes money from an event type.
#[derive(Clone, Debug)]
pub struct Taker {
    pub amount: DataPath,
    pub when: Option<Condition>,
    /// Whether it can do without an amount, as a clawback can that takes back the whole.
    pub optional: bool,
}

impl Taker {
    /// The takers of a version, with the event type of each.
    pub fn all(rules: &Rulebook) -> Vec<(String, Taker)> {
        let mut takers = Vec::new();
        for metric in &rules.metrics {
            let Some(amount) = metric.sum.as_ref().filter(|path| path.is_money()) else { continue };
            for kind in [Some(&metric.kind), metric.minus.as_ref()].into_iter().flatten() {
                takers.push((kind.clone(), Taker { amount: amount.clone(), when: metric.when.clone(), optional: false }));
            }
        }
        for plan in &rules.commissions {
            let taker = Taker { amount: plan.amount.clone(), when: plan.when.clone(), optional: false };
            takers.push((plan.trigger.clone(), taker));
            for kind in plan.clawback.iter().flat_map(|clawback| &clawback.events) {
                takers.push((kind.clone(), Taker { amount: plan.amount.clone(), when: None, optional: true }));
            }
        }
        takers
    }
}

/// Whether what an event says of money can be used by all rules of a version that take it.
pub fn check(takers: &[Taker], rules: &Rulebook, event: &EventContext<'_>) -> Result<(), Rejection> {
    for taker in takers {
        if taker.when.as_ref().is_none_or(|when| when.holds_for_event(event)) {
            check_amount(event.data, taker)?;
            check_currency(event.data, &rules.currency.0)?;
        }
    }
    Ok(())
}

fn check_amount(data: &Data<'_>, taker: &Taker) -> Result<(), Rejection> {
    let invalid = |what: &str| Err(Rejection::new(Reason::InvalidAmount, format!("{} {what}", taker.amount)));
    match data.get(taker.amount.below_data()) {
        None if taker.optional => Ok(()),
        None => invalid("is missing"),
        Some(value) => match Amount::from_json(value) {
            None => invalid("is no decimal number"),
            Some(amount) if amount.is_negative() => invalid("is negative"),
            Some(_) => Ok(()),
        },
    }
}

fn check_currency(data: &Data<'_>, account: &str) -> Result<(), Rejection> {
    match data.get("currency") {
        None => Ok(()),
        Some(value) if value.as_str() == Some(account) => Ok(()),
        Some(value) => Err(Rejection::new(Reason::CurrencyMismatch, format!("{value}, and the account counts in {account}"))),
    }
}
