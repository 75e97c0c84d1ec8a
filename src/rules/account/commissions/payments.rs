//! Events that pay: each adds to the net basis of its period, and its line is what the plan's function grows by.

use serde::{Deserialize, Serialize};

use super::super::credit::Credited;
use super::super::event::AccountEvent;
use super::super::running::{Running, running};
use super::super::{Account, roster};
use super::clawback::{self, Waiting};
use super::curve::{Curve, Earned};
use super::plans::amount_of;
use super::spifs;
use super::statements::{Kind, NewLine, StatementRow, Status, next_accrued, post, statement_id};
use super::{expiry, explain};
use crate::events::{Amount, Duration, Timestamp, keys};
use crate::rulebook::Plan;
use crate::state::{Row, Table};

/// What refunds that name the same payment (or deal) can take back, by `account/payment/p9`. Several events that pay under
/// one name all count; a refund takes from the first of them first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PaymentRow {
    pub paid: Vec<Paid>,
    /// As long as refunds can take back. `None`: no payment has come yet; one that was credited to nobody is known too.
    pub forget_at: Option<Timestamp>,
    /// Refunds that came before their payment.
    pub waiting: Vec<Waiting>,
}

impl Row for PaymentRow {
    const TABLE: Table = Table::Payment;
}

/// A payment as one plan paid for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Paid {
    /// The statement of its period, whose id names plan, period and rep.
    pub statement: String,
    /// The version of the rules that the period keeps.
    pub version: u32,
    pub at: Timestamp,
    pub amount: Amount,
    /// The part of it taken back so far.
    pub refunded: Amount,
    /// Its SPIFs, and the part of them returned so far.
    pub spif: Amount,
    pub returned: Amount,
    pub forget_at: Timestamp,
}

/// Takes an event to the plans that it triggers.
pub(super) fn take(account: &mut Account<'_>, event: &AccountEvent<'_>, credited: &mut Credited<'_>) {
    let version = account.book.version;
    let stamped = event.stamped;
    let mut names: Vec<String> = Vec::new();
    for running in running::<Plan>(account, version, stamped.time, |plan| plan.trigger == stamped.kind) {
        let Some(amount) = amount_of(running.rule, event) else { continue };
        let rep = credited_rep(account, &running, event, credited);
        let paid = rep.map(|rep| pay(account, &running, rep, event, amount));
        if let Some(name) = remember(account, &running, event, paid)
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    // refunds that came before what they refund
    for name in names {
        clawback::take_waiting(account, &name);
    }
}

fn credited_rep<'c>(
    account: &mut Account<'_>,
    running: &Running<'_, Plan>,
    event: &AccountEvent<'_>,
    credited: &'c mut Credited<'_>,
) -> Option<&'c str> {
    let plan = running.rule;
    let rep = credited.by(account, event, plan.credit).filter(|rep| roster::takes_part(account.book, &plan.reps, rep))?;
    plan.when.as_ref().is_none_or(|when| when.holds_for_event(&event.context())).then_some(rep)
}

fn pay(account: &mut Account<'_>, running: &Running<'_, Plan>, rep: &str, event: &AccountEvent<'_>, amount: Amount) -> Paid {
    let Running { book, rule: plan, period } = running;
    let curve = Curve::new(plan, rep, &book.currency);
    let id = statement_id(account.id, &plan.key, &period.label, rep);
    let row = account.state.entry::<StatementRow>(&id, || StatementRow::new(period.span));
    row.version = book.version;
    let (before, after) = (row.basis, row.basis + amount);
    row.basis = after;
    let is_accrued = row.status == Status::Accrued;
    // what belongs to a statement that is no longer open to it comes as an adjustment of the next
    let statement = if is_accrued { Some(id.clone()) } else { next_accrued(account, book, plan, rep, period.span) };
    let kind = |own: Kind| if is_accrued { own } else { Kind::Adjustment };
    let mut explain = String::new();
    explain::change(&mut explain, &curve, before, after);
    let line = NewLine {
        plan: &plan.key,
        rep,
        version: book.version,
        kind: kind(Kind::Base),
        event: Some(event.reference()),
        for_period: &period.label,
        basis: amount,
        earned: curve.earned(after).since(curve.earned(before)),
        spif: Amount::ZERO,
        explain: &explain,
        at: event.stamped.time,
    };
    if let Some(statement) = &statement {
        post(account, statement, &line);
    }
    let mut spif_total = Amount::ZERO;
    for (spif, bonus) in spifs::earn(account, running, &curve, rep, event, amount) {
        spif_total += bonus;
        let mut explain = format!("SPIF {}: ", spif.key);
        explain::money(&mut explain, &curve, bonus);
        let (basis, earned) = (Amount::ZERO, Earned::default());
        let line = NewLine { kind: kind(Kind::Spif), basis, earned, spif: bonus, explain: &explain, ..line.clone() };
        if let Some(statement) = &statement {
            post(account, statement, &line);
        }
    }
    Paid {
        statement: id,
        version: book.version,
        at: event.stamped.time,
        amount,
        refunded: Amount::ZERO,
        spif: spif_total,
        returned: Amount::ZERO,
        forget_at: Timestamp::MIN,
    }
}

/// Keeps a payment for its refunds, where the plan takes back. Gives the name it is kept under, if refunds wait for it.
fn remember(
    account: &mut Account<'_>,
    running: &Running<'_, Plan>,
    event: &AccountEvent<'_>,
    paid: Option<Paid>,
) -> Option<String> {
    let clawback = running.rule.clawback.as_ref()?;
    let link = event.data.text_at(clawback.by.below_data())?;
    let name = payment_name(account.id, clawback.by.below_data(), &link);
    // commissions know no finality: a refund of the window may come as late as one may wait for its payment
    let reach = event.stamped.time.plus(clawback.within).max(account.time);
    let forget_at = reach.plus(clawback.within).plus(running.book.lateness).plus(Duration(1));
    let row = account.state.entry::<PaymentRow>(&name, PaymentRow::default);
    let known_until = row.forget_at;
    row.forget_at = known_until.max(Some(forget_at));
    row.paid.extend(paid.map(|paid| Paid { forget_at, ..paid }));
    let is_waited_for = !row.waiting.is_empty();
    if Some(forget_at) > known_until {
        expiry::forget_later(account, known_until, forget_at, &name);
    }
    is_waited_for.then_some(name)
}

/// What a payment's row is kept under.
pub(super) fn payment_name(account: &str, by: &str, link: &str) -> String {
    keys::join(&[account, by, link])
}

/// Forgets what no refund can take back any more.
pub(super) fn forget(account: &mut Account<'_>, payment: &str) {
    let now = account.time;
    let Some(row) = account.state.get_mut::<PaymentRow>(payment) else { return };
    row.paid.retain(|paid| paid.forget_at > now);
    if row.forget_at.is_some_and(|forget_at| forget_at <= now) {
        account.state.delete::<PaymentRow>(payment);
    }
}
