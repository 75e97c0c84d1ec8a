//! `statement.approve|pay|adjust`: accrued → approved → paid, each once.

use serde_json::Value;

use super::super::Account;
use super::super::commands::{Answer, Command, Rejected};
use super::super::publish::Dirty;
use super::curve::Earned;
use super::plans::plan_of;
use super::statements::{Kind, NewLine, StatementRow, Status, next_accrued, post};
use crate::events::{Amount, keys};

/// A statement that a command names.
struct Named {
    id: String,
    plan: String,
    period: String,
    rep: String,
    row: StatementRow,
}

/// `statement.approve|pay|adjust`
pub fn command(account: &mut Account<'_>, command: &Command<'_>) -> Answer {
    match command.kind {
        "statement.approve" => approve(account, command),
        "statement.pay" => pay(account, command),
        "statement.adjust" => adjust(account, command),
        _ => Err(Rejected::because("unknown_command")),
    }
}

fn named(account: &mut Account<'_>, command: &Command<'_>) -> Result<Named, Rejected> {
    let id = command.text("statement")?;
    let unknown = || Rejected::because("unknown_statement");
    let parts = keys::split(id);
    let [owner, plan, period, rep] = parts.as_slice() else { return Err(unknown()) };
    if owner != account.id {
        return Err(unknown());
    }
    // written again from its parts, whichever way its author has encoded them
    let id = keys::join(&[owner, plan, period, rep]);
    let row = account.state.get::<StatementRow>(&id).cloned().ok_or_else(unknown)?;
    Ok(Named { id, plan: plan.clone(), period: period.clone(), rep: rep.clone(), row })
}

/// `statement.approve {statement}`, once its period has ended.
fn approve(account: &mut Account<'_>, command: &Command<'_>) -> Answer {
    let statement = named(account, command)?;
    if statement.row.status != Status::Accrued {
        return Err(Rejected::because("wrong_status"));
    }
    if statement.row.span.end.is_none_or(|end| account.time < end) {
        return Err(Rejected::because("period_open"));
    }
    if !command.dry_run {
        set_status(account, &statement.id, Status::Approved);
    }
    Ok(None)
}

/// `statement.pay {statement, reference}`. A negative total pays 0: the rest is carried to the next accrued statement.
fn pay(account: &mut Account<'_>, command: &Command<'_>) -> Answer {
    let statement = named(account, command)?;
    command.optional_text("reference")?;
    if statement.row.status != Status::Approved {
        return Err(Rejected::because("wrong_status"));
    }
    if command.dry_run {
        return Ok(None);
    }
    let rest = -statement.row.total();
    if rest > Amount::ZERO {
        let next = next(account, &statement).ok_or_else(|| Rejected::because("wrong_status"))?;
        let explain = format!("the total is below zero: {rest} is carried to the next statement");
        adjustment(account, &statement, &statement.id, rest, &explain, command);
        adjustment(account, &statement, &next, -rest, &format!("carried from {}", statement.id), command);
    }
    set_status(account, &statement.id, Status::Paid);
    Ok(None)
}

/// `statement.adjust {statement, amount, reason}`; where the statement is no longer accrued, in the rep's next one.
fn adjust(account: &mut Account<'_>, command: &Command<'_>) -> Answer {
    let statement = named(account, command)?;
    let amount = command.amount("amount")?;
    if amount.normalized().0.scale() > account.book.currency.minor_digits() {
        return Err(Rejected::because("invalid_amount"));
    }
    let reason = command.optional_text("reason")?.unwrap_or("adjusted");
    if command.dry_run {
        return Ok(None);
    }
    let target = match statement.row.status {
        Status::Accrued => Some(statement.id.clone()),
        _ => next(account, &statement),
    };
    let target = target.ok_or_else(|| Rejected::because("wrong_status"))?;
    adjustment(account, &statement, &target, amount, reason, command);
    Ok((target != statement.id).then(|| Value::from(target)))
}

fn next(account: &mut Account<'_>, statement: &Named) -> Option<String> {
    let rules = account.rules;
    let (book, plan) = plan_of(rules, statement.row.version, &statement.plan)?;
    next_accrued(account, book, plan, &statement.rep, statement.row.span)
}

/// Posts an adjustment that belongs to a named statement, there or elsewhere.
fn adjustment(account: &mut Account<'_>, of: &Named, to: &str, amount: Amount, explain: &str, command: &Command<'_>) {
    let version = if of.row.version == 0 { account.book.version } else { of.row.version };
    let line = NewLine {
        plan: &of.plan,
        rep: &of.rep,
        version,
        kind: Kind::Adjustment,
        event: None,
        for_period: &of.period,
        basis: Amount::ZERO,
        earned: Earned { base: amount, accelerator: Amount::ZERO },
        spif: Amount::ZERO,
        explain,
        at: command.time,
    };
    post(account, to, &line);
}

fn set_status(account: &mut Account<'_>, statement: &str, status: Status) {
    if let Some(row) = account.state.get_mut::<StatementRow>(statement) {
        row.status = status;
    }
    account.touch(Dirty::Statement { statement });
}
