//! Events that take back: a refund lowers the net basis of its payment's own period, under that period's rules.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::super::Account;
use super::super::event::AccountEvent;
use super::super::timers::{self, Timer};
use super::curve::{Curve, Earned};
use super::explain;
use super::payments::{Paid, PaymentRow, payment_name};
use super::plans::plan_of;
use super::statements::{Kind, NewLine, StatementRow, Status, open, post, statement_id};
use crate::decode::Reason;
use crate::events::{Amount, Data, Duration, Original, Timestamp, keys};
use crate::outputs::{EventRef, dead_letter};
use crate::rulebook::values::DataPath;
use crate::rulebook::{Clawback, Plan};
use crate::state::{Row, Table};

/// A refund that has not seen its payment yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Waiting {
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

/// The refunds that wait for a payment, under the name that the payment will have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct WaitingRow(Vec<Waiting>);

impl Row for WaitingRow {
    const TABLE: Table = Table::PendingRefund;
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
            if by == DataPath::payment()
                && let Some(original) = &stamped.original
            {
                dead_letter(account.out, original, "account", Reason::UnknownPayment, "the refund names no payment");
            }
            continue;
        };
        let name = payment_name(account.id, &by.to_string(), &link);
        if account.state.contains::<PaymentRow>(&name) {
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
            account.state.entry::<WaitingRow>(&name, WaitingRow::default).0.push(waiting);
        }
    }
}

/// By what the clawbacks of an event type find their payment, and how long the longest of them takes back. Every version
/// has a say, as a payment keeps that of its own period.
fn windows(account: &Account<'_>, event: &AccountEvent<'_>) -> Vec<(DataPath, Duration)> {
    let mut windows: Vec<(DataPath, Duration)> = Vec::new();
    for plan in account.rules.versions().iter().flat_map(|book| &book.commissions) {
        let Some(clawback) = &plan.clawback else { continue };
        if !clawback.events.iter().any(|kind| kind == event.stamped.kind) {
            continue;
        }
        // an amount that is there but cannot be used is a dead letter already; without one, the whole is taken back
        if event.stamped.no_money && event.data.get(plan.amount.below_data()).is_some() {
            continue;
        }
        match windows.iter_mut().find(|(by, _)| *by == clawback.by) {
            Some((_, within)) => *within = clawback.within.max(*within),
            None => windows.push((clawback.by.clone(), clawback.within)),
        }
    }
    windows
}

/// A payment came: what waited for it takes back now.
pub(super) fn take_waiting(account: &mut Account<'_>, name: &str) {
    let Some(WaitingRow(waiting)) = account.state.get::<WaitingRow>(name).cloned() else { return };
    account.state.delete::<WaitingRow>(name);
    for refund in waiting {
        timers::cancel(account, refund.until, name, &Timer::RefundExpires { payment: name.to_owned() });
        let data = Data::new(refund.data.as_str());
        let event = EventRef { id: &refund.id, source: &refund.source, kind: &refund.kind };
        take_back(account, name, &Refund { event, at: refund.at, data: &data });
    }
}

/// A refund whose payment never came. Only a payment can be missed: a deal that is lost was mostly never won.
pub fn expire_refund(account: &mut Account<'_>, payment: &str) {
    let now = account.time;
    let Some(WaitingRow(waiting)) = account.state.get::<WaitingRow>(payment).cloned() else { return };
    let (expired, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|refund| refund.until <= now);
    if rest.is_empty() {
        account.state.delete::<WaitingRow>(payment);
    } else {
        account.state.put(payment, WaitingRow(rest));
    }
    let parts = keys::split(payment);
    let [_, by, link] = parts.as_slice() else { return };
    if *by != DataPath::payment().to_string() {
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
    let Some(row) = account.state.get::<PaymentRow>(name).cloned() else { return };
    // several plans may have paid for it: each takes back the refund's amount, once
    let mut left: BTreeMap<String, Left> = BTreeMap::new();
    for (i, paid) in row.paid.iter().enumerate() {
        let Some((_, plan)) = plan_of(rules, paid.version, &paid.plan) else { continue };
        if !plan.clawback.as_ref().is_some_and(|clawback| reaches(clawback, refund, paid)) {
            continue;
        }
        let given = refund.data.get(plan.amount.below_data());
        let amount = given.and_then(Amount::from_json);
        if given.is_some() && amount.is_none_or(Amount::is_negative) {
            continue;
        }
        let left = left.entry(paid.plan.clone()).or_insert(Left { amount, posted: false });
        let rest = paid.amount - paid.refunded;
        let part = left.amount.map_or(rest, |amount| amount.min(rest));
        let is_last = !row.paid[i + 1..].iter().any(|later| later.plan == paid.plan);
        // where several were paid under one name, only those that lose something get a line
        if part.is_zero() && (left.posted || !is_last) {
            continue;
        }
        left.posted = true;
        left.amount = left.amount.map(|amount| amount - part);
        let changed = lower(account, plan, paid, part, refund);
        if let Some(row) = account.state.get_mut::<PaymentRow>(name) {
            row.paid[i] = changed;
        }
    }
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
fn lower(account: &mut Account<'_>, plan: &Plan, paid: &Paid, part: Amount, refund: &Refund<'_>) -> Paid {
    let rules = account.rules;
    let Some(book) = rules.version(paid.version) else { return paid.clone() };
    let curve = Curve::new(plan, &paid.rep, &book.currency);
    let id = statement_id(account.id, &paid.plan, &paid.period, &paid.rep);
    let Some(row) = account.state.get_mut::<StatementRow>(&id) else { return paid.clone() };
    let (before, after) = (row.basis, row.basis - part);
    row.basis = after;
    let statement = if row.status == Status::Accrued { Some(id) } else { open(account, book, plan, &paid.rep) };
    let refunded = paid.refunded + part;
    let returned = curve.round(share(paid.spif, refunded, paid.amount));
    let mut explain = format!("taken back {} of {}: ", explain::money(&curve, part), explain::money(&curve, paid.amount));
    explain.push_str(&explain::change(&curve, before, after));
    if returned != paid.returned {
        explain.push_str(&format!("; SPIF {}", explain::money(&curve, returned - paid.returned)));
    }
    let earned: Earned = curve.earned(after).since(curve.earned(before));
    let line = NewLine {
        plan: &paid.plan,
        rep: &paid.rep,
        version: paid.version,
        kind: Kind::Clawback,
        event: Some(refund.event),
        for_period: &paid.period,
        basis: -part,
        earned,
        spif: paid.returned - returned,
        explain: &explain,
        at: refund.at,
    };
    if let Some(statement) = statement {
        post(account, &statement, &line);
    }
    Paid { refunded, returned, ..paid.clone() }
}

/// The part of a SPIF that belongs to the refunded part of its payment.
fn share(spif: Amount, refunded: Amount, amount: Amount) -> Amount {
    if refunded >= amount {
        return spif;
    }
    let share = spif.0.checked_mul(refunded.0).and_then(|product| product.checked_div(amount.0));
    Amount(share.unwrap_or(Decimal::ZERO))
}
