//! Events that take back: a refund lowers the net basis of its payment's own period, under that period's rules.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::super::Account;
use super::super::event::AccountEvent;
use super::super::timers::{self, Timer};
use super::curve::Curve;
use super::explain;
use super::payments::{Paid, PaymentRow, payment_name};
use super::plans::plan_of;
use super::statements::{Kind, NewLine, StatementRow, Status, open, parts_of, post};
use crate::decode::Reason;
use crate::events::{Amount, Data, Duration, Original, Timestamp, keys};
use crate::outputs::{EventRef, dead_letter};
use crate::rulebook::values::DataPath;
use crate::rulebook::{AccountRules, Clawback, Plan};

/// A refund that has not seen its payment yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Waiting {
    source: String,
    id: String,
    kind: String,
    at: Timestamp,
    /// JSON text.
    data: String,
    /// When it has waited long enough.
    until: Timestamp,
    /// The input record in postcard, for its dead letter.
    original: Option<Vec<u8>>,
}

/// A refund being applied.
struct Refund<'r> {
    event: EventRef<'r>,
    at: Timestamp,
    data: &'r Data<'r>,
}

/// Takes an event to the plans that it takes back from.
pub(super) fn take(account: &mut Account<'_>, event: &AccountEvent<'_>) {
    let stamped = event.stamped;
    for (by, within) in windows(account, event) {
        let Some(link) = event.data.text_at(by.below_data()) else {
            if *by == DataPath::payment()
                && let Some(original) = &stamped.original
            {
                dead_letter(account.out, original, "account", Reason::UnknownPayment, "the refund names no payment");
            }
            continue;
        };
        let name = payment_name(account.id, by.below_data(), &link);
        if account.state.get::<PaymentRow>(&name).is_some_and(|row| row.forget_at.is_some()) {
            take_back(account, &name, &Refund { event: event.reference(), at: stamped.time, data: event.data });
        } else {
            // one that comes late waits no less
            let until = stamped.time.max(account.time).plus(within).plus(Duration(1));
            timers::set(account, until, &name, Timer::RefundExpires { payment: name.clone() });
            let waiting = Waiting {
                source: stamped.source.to_owned(),
                id: stamped.id.to_owned(),
                kind: stamped.kind.to_owned(),
                at: stamped.time,
                data: event.data.text().to_owned(),
                until,
                original: stamped.original.as_ref().and_then(|original| postcard::to_stdvec(original).ok()),
            };
            account.state.entry::<PaymentRow>(&name, PaymentRow::default).waiting.push(waiting);
        }
    }
}

/// By what the clawbacks of an event type find their payment, and how long the longest of them takes back. Every version
/// has a say, as a payment keeps that of its own period.
fn windows<'a>(account: &Account<'a>, event: &AccountEvent<'_>) -> Vec<(&'a DataPath, Duration)> {
    let mut windows: Vec<(&DataPath, Duration)> = Vec::new();
    let rules = account.rules;
    for plan in rules.versions().iter().flat_map(|book| &book.commissions) {
        let Some(clawback) = &plan.clawback else { continue };
        if !clawback.events.iter().any(|kind| kind == event.stamped.kind) {
            continue;
        }
        // an amount that is there but cannot be used is a dead letter already; without one, the whole is taken back
        if event.stamped.no_money && event.data.get(plan.amount.below_data()).is_some() {
            continue;
        }
        match windows.iter_mut().find(|(by, _)| **by == clawback.by) {
            Some((_, within)) => *within = clawback.within.max(*within),
            None => windows.push((&clawback.by, clawback.within)),
        }
    }
    windows
}

/// A payment came: what waited for it takes back now.
pub(super) fn take_waiting(account: &mut Account<'_>, name: &str) {
    let Some(row) = account.state.get_mut::<PaymentRow>(name) else { return };
    for refund in std::mem::take(&mut row.waiting) {
        timers::cancel(account, refund.until, name, &Timer::RefundExpires { payment: name.to_owned() });
        let data = Data::new(refund.data.as_str());
        let event = EventRef { id: &refund.id, source: &refund.source, kind: &refund.kind };
        take_back(account, name, &Refund { event, at: refund.at, data: &data });
    }
}

/// A refund whose payment never came. Only a payment can be missed: a deal that is lost was mostly never won.
pub fn expire_refund(account: &mut Account<'_>, payment: &str) {
    let now = account.time;
    let Some(row) = account.state.get_mut::<PaymentRow>(payment) else { return };
    let (expired, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut row.waiting).into_iter().partition(|refund| refund.until <= now);
    row.waiting = rest;
    if row.waiting.is_empty() && row.forget_at.is_none() {
        account.state.delete::<PaymentRow>(payment);
    }
    let parts = keys::split(payment);
    let [_, by, link] = parts.as_slice() else { return };
    if by != DataPath::payment().below_data() {
        return;
    }
    for refund in expired {
        let Some(original) = refund.original.as_deref().and_then(|bytes| postcard::from_bytes::<Original<'_>>(bytes).ok()) else {
            continue;
        };
        dead_letter(account.out, &original, "account", Reason::UnknownPayment, &format!("no payment {link} came for its refund"));
    }
}

/// Applies a refund to what its payment was paid for.
fn take_back(account: &mut Account<'_>, name: &str, refund: &Refund<'_>) {
    let rules = account.rules;
    // the row is out of the state while its payments change
    let Some(mut row) = account.state.get_mut::<PaymentRow>(name).map(std::mem::take) else { return };
    let plans: Vec<Option<&Plan>> = row.paid.iter().map(|paid| plan_of_statement(rules, paid)).collect();
    // several plans may have paid for it: each takes back the refund's amount, once
    let mut left: BTreeMap<&str, Left> = BTreeMap::new();
    for (i, paid) in row.paid.iter_mut().enumerate() {
        let Some(plan) = plans[i] else { continue };
        if !plan.clawback.as_ref().is_some_and(|clawback| reaches(clawback, refund, paid)) {
            continue;
        }
        let given = refund.data.get(plan.amount.below_data());
        let amount = given.and_then(Amount::from_json);
        if given.is_some() && amount.is_none_or(Amount::is_negative) {
            continue;
        }
        let left = left.entry(&plan.key).or_insert(Left { amount, posted: false });
        let rest = paid.amount - paid.refunded;
        let part = left.amount.map_or(rest, |amount| amount.min(rest));
        let is_last = !plans[i + 1..].iter().flatten().any(|later| later.key == plan.key);
        // where several were paid under one name, only those that lose something get a line
        if part.is_zero() && (left.posted || !is_last) {
            continue;
        }
        left.posted = true;
        left.amount = left.amount.map(|amount| amount - part);
        lower(account, plan, paid, part, refund);
    }
    account.state.put(name, row);
}

/// The plan that has paid, as its period keeps it.
fn plan_of_statement<'a>(rules: &'a AccountRules, paid: &Paid) -> Option<&'a Plan> {
    let (plan, ..) = parts_of(&paid.statement)?;
    plan_of(rules, paid.version, &plan).map(|(_, plan)| plan)
}

/// What a plan has still to take back of a refund.
struct Left {
    /// `None`: all there is.
    amount: Option<Amount>,
    posted: bool,
}

/// Whether a plan takes back for a refund. A refund dated before its payment is one all the same, as clocks differ; but a
/// deal can be lost first and won afterwards.
fn reaches(clawback: &Clawback, refund: &Refund<'_>, paid: &Paid) -> bool {
    clawback.events.iter().any(|event| event == refund.event.kind)
        && refund.at <= paid.at.plus(clawback.within)
        && (refund.at >= paid.at || clawback.by == DataPath::payment())
}

/// Lowers the net basis of a payment's period, and posts what that takes back.
fn lower(account: &mut Account<'_>, plan: &Plan, paid: &mut Paid, part: Amount, refund: &Refund<'_>) {
    let rules = account.rules;
    let Some(book) = rules.version(paid.version) else { return };
    let Some((_, period, rep)) = parts_of(&paid.statement) else { return };
    let curve = Curve::new(plan, &rep, &book.currency);
    let Some(row) = account.state.get_mut::<StatementRow>(&paid.statement) else { return };
    let (before, after) = (row.basis, row.basis - part);
    row.basis = after;
    let elsewhere = if row.status == Status::Accrued { None } else { Some(open(account, book, plan, &rep)) };
    paid.refunded += part;
    let returned = curve.round(share(paid.spif, paid.refunded, paid.amount));
    let mut explain = String::from("taken back ");
    explain::money(&mut explain, &curve, part);
    explain.push_str(" of ");
    explain::money(&mut explain, &curve, paid.amount);
    explain.push_str(": ");
    explain::change(&mut explain, &curve, before, after);
    if returned != paid.returned {
        explain.push_str("; SPIF ");
        explain::money(&mut explain, &curve, returned - paid.returned);
    }
    let line = NewLine {
        plan: &plan.key,
        rep: &rep,
        version: paid.version,
        kind: Kind::Clawback,
        event: Some(refund.event),
        for_period: &period,
        basis: -part,
        earned: curve.earned(after).since(curve.earned(before)),
        spif: paid.returned - returned,
        explain: &explain,
        at: refund.at,
    };
    match &elsewhere {
        None => post(account, &paid.statement, &line),
        Some(Some(statement)) => post(account, statement, &line),
        Some(None) => {}
    }
    paid.returned = returned;
}

/// The part of a SPIF that belongs to the refunded part of its payment.
fn share(spif: Amount, refunded: Amount, amount: Amount) -> Amount {
    if refunded >= amount {
        return spif;
    }
    let share = spif.0.checked_mul(refunded.0).and_then(|product| product.checked_div(amount.0));
    Amount(share.unwrap_or(Decimal::ZERO))
}
