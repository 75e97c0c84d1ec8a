//! Statements: sums of lines. Lines are posted to accrued statements alone, and never change.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::super::Account;
use super::super::publish::Dirty;
use super::curve::Earned;
use super::plans::{period_at, plan_of};
use crate::events::{Amount, Period, Span, Timestamp, keys};
use crate::outputs::{self, EventRef, Output};
use crate::rulebook::{Plan, Rulebook};
use crate::state::{Row, Table};

/// A statement, by its id, and the net basis of its plan, period and rep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatementRow {
    /// The version of the rules that the period keeps; 0 until something of the period itself happens.
    pub version: u32,
    pub span: Span,
    pub status: Status,
    /// What was paid in the period less what was taken back since.
    pub basis: Amount,
    pub base: Amount,
    pub accelerator: Amount,
    pub spif: Amount,
    pub clawback: Amount,
    pub adjustment: Amount,
    pub lines: u64,
}

impl Row for StatementRow {
    const TABLE: Table = Table::Statement;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    Accrued,
    Approved,
    Paid,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Status::Accrued => "accrued",
            Status::Approved => "approved",
            Status::Paid => "paid",
        }
    }
}

impl StatementRow {
    pub fn new(span: Span) -> StatementRow {
        let zero = Amount::ZERO;
        StatementRow {
            version: 0,
            span,
            status: Status::Accrued,
            basis: zero,
            base: zero,
            accelerator: zero,
            spif: zero,
            clawback: zero,
            adjustment: zero,
            lines: 0,
        }
    }

    pub fn total(&self) -> Amount {
        self.base + self.accelerator + self.spif + self.clawback + self.adjustment
    }
}

/// The id of a statement: `account/plan/period/rep`.
pub(super) fn statement_id(account: &str, plan: &str, period: &str, rep: &str) -> String {
    keys::join(&[account, plan, period, rep])
}

/// Plan, period and rep of a statement, from its id.
pub(super) fn parts_of(statement: &str) -> Option<(Cow<'_, str>, Cow<'_, str>, Cow<'_, str>)> {
    let mut parts = keys::parts(statement).skip(1);
    Some((parts.next()?, parts.next()?, parts.next()?))
}

/// What a line is, and so which sum it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Base,
    Spif,
    Clawback,
    Adjustment,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Base => "base",
            Kind::Spif => "spif",
            Kind::Clawback => "clawback",
            Kind::Adjustment => "adjustment",
        }
    }
}

/// A line to post.
#[derive(Clone, Debug)]
pub(super) struct NewLine<'l> {
    pub plan: &'l str,
    pub rep: &'l str,
    pub version: u32,
    pub kind: Kind,
    pub event: Option<EventRef<'l>>,
    /// The period that it belongs to.
    pub for_period: &'l str,
    /// Signed, as the amounts are.
    pub basis: Amount,
    pub earned: Earned,
    pub spif: Amount,
    pub explain: &'l str,
    pub at: Timestamp,
}

/// Posts a line to a statement. Its id is the statement's with the number of the line.
pub(super) fn post(account: &mut Account<'_>, statement: &str, line: &NewLine<'_>) {
    let digits = account.book.currency.minor_digits();
    let amount = line.earned.total() + line.spif;
    let Some(row) = account.state.get_mut::<StatementRow>(statement) else { return };
    match line.kind {
        Kind::Base => {
            row.base += line.earned.base;
            row.accelerator += line.earned.accelerator;
        }
        Kind::Spif => row.spif += amount,
        Kind::Clawback => row.clawback += amount,
        Kind::Adjustment => row.adjustment += amount,
    }
    row.lines += 1;
    let mut id = String::with_capacity(statement.len() + 8);
    id.push_str(statement);
    id.push('/');
    id.push_str(itoa::Buffer::new().format(row.lines));
    let account_id = account.id;
    account.emit(&Output::CommissionLine(outputs::CommissionLine {
        account: account_id,
        line: &id,
        statement,
        plan: line.plan,
        rules_version: line.version,
        rep: line.rep,
        kind: line.kind.name(),
        event: line.event,
        for_period: line.for_period,
        basis: line.basis,
        base: money(line.earned.base, digits),
        accelerator: money(line.earned.accelerator, digits),
        spif: money(line.spif, digits),
        amount: money(amount, digits),
        explain: line.explain,
        at: line.at,
    }));
    account.touch(Dirty::Statement { statement });
}

/// A statement that lines can be posted to: the one of a period if it is accrued or not there yet.
fn accrued(account: &mut Account<'_>, plan: &str, rep: &str, period: &Period) -> Option<String> {
    let id = statement_id(account.id, plan, &period.label, rep);
    let row = account.state.entry::<StatementRow>(&id, || StatementRow::new(period.span));
    (row.status == Status::Accrued).then_some(id)
}

/// The rep's next accrued statement after a period: the first that there is, else that of the account's present period.
pub(super) fn next_accrued(account: &mut Account<'_>, book: &Rulebook, plan: &Plan, rep: &str, after: Span) -> Option<String> {
    let mut end = after.end?;
    loop {
        let period = period_at(account, plan, book, end);
        let is_past = period.span.end.is_some_and(|end| end <= account.time);
        let id = statement_id(account.id, &plan.key, &period.label, rep);
        // what has passed without a statement gets none now
        if (!is_past || account.state.contains::<StatementRow>(&id))
            && let Some(id) = accrued(account, &plan.key, rep, &period)
        {
            return Some(id);
        }
        end = period.span.end.filter(|next| *next > end)?;
    }
}

/// The rep's open statement: that of the account's present period, else the next accrued one.
pub(super) fn open(account: &mut Account<'_>, book: &Rulebook, plan: &Plan, rep: &str) -> Option<String> {
    let now = account.time;
    let present = period_at(account, plan, book, now);
    match accrued(account, &plan.key, rep, &present) {
        Some(id) => Some(id),
        None => next_accrued(account, book, plan, rep, present.span),
    }
}

/// Publishes a statement as it stands.
pub fn publish(account: &mut Account<'_>, statement: &str) {
    let Some((plan, period, rep)) = parts_of(statement) else { return };
    let Some(row) = account.state.get::<StatementRow>(statement).cloned() else { return };
    let rules = account.rules;
    let book = plan_of(rules, row.version, &plan).map_or(account.book, |(book, _)| book);
    let digits = book.currency.minor_digits();
    let account_id = account.id;
    account.emit(&Output::Statement(outputs::Statement {
        account: account_id,
        statement,
        plan: &plan,
        rep: &rep,
        period: &period,
        status: row.status.name(),
        base: money(row.base, digits),
        accelerator: money(row.accelerator, digits),
        spif: money(row.spif, digits),
        clawback: money(row.clawback, digits),
        adjustment: money(row.adjustment, digits),
        total: money(row.total(), digits),
        currency: &book.currency.0,
        lines: row.lines,
    }));
}

/// An amount that is rounded already, with all the decimals of its currency.
fn money(amount: Amount, digits: u32) -> Amount {
    let mut shown = amount.0;
    if shown.scale() < digits {
        shown.rescale(digits);
    }
    Amount(shown)
}
