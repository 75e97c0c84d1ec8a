//! Which contact is in which portfolio: assignment of many at once, with conflicts named, and removal.

use serde_json::json;

use super::super::Account;
use super::super::commands::{Answer, Command, Rejected};
use super::jobs::{self, Job};
use super::owners::{self, Why};
use super::queue::Line;
use super::{listed, portfolios};

/// What becomes of contacts that are in another portfolio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OnConflict {
    /// Nothing is assigned; the conflicts are named.
    Report,
    /// They move.
    Move,
    /// They stay; only the free ones are assigned.
    Keep,
}

/// `portfolio.assign {portfolio, contacts, on_conflict}`. The detail names the conflicts with their present portfolio, apart
/// from the free contacts, and says how many were assigned. A report of conflicts is what was asked for, so it is accepted.
pub fn assign(account: &mut Account<'_>, command: &Command<'_>) -> Answer {
    let portfolio = command.text("portfolio")?;
    let contacts = listed::contacts(account, command)?;
    let on_conflict = match command.optional_text("on_conflict")? {
        None | Some("report") => OnConflict::Report,
        Some("move") => OnConflict::Move,
        Some("keep") => OnConflict::Keep,
        Some(_) => return Err(Rejected::because("invalid_on_conflict")),
    };
    let Some(found) = portfolios::find(account, portfolio) else { return Err(Rejected::because("unknown_portfolio")) };
    if !found.active {
        return Err(Rejected::because("inactive_portfolio"));
    }
    let (mut conflicts, mut free, mut moved) = (Vec::new(), Vec::new(), Vec::new());
    for contact in &contacts {
        match of(account, contact) {
            None => free.push(contact.as_str()),
            Some(present) if present == portfolio => {}
            Some(present) => {
                moved.push(contact.as_str());
                conflicts.push(json!({ "contact": contact, "portfolio": present }));
            }
        }
    }
    let assigned = match on_conflict {
        OnConflict::Report if conflicts.is_empty() => free.clone(),
        OnConflict::Report => Vec::new(),
        OnConflict::Move => free.iter().chain(&moved).copied().collect(),
        OnConflict::Keep => free.clone(),
    };
    if !command.dry_run {
        let reason = command.optional_text("reason")?.unwrap_or("portfolio_assigned");
        let why = Why { at: command.time, by: command.actor, reason, transfer: None };
        for contact in &assigned {
            owners::set_portfolio(account, contact, Some(portfolio), &why);
        }
        // conversations of theirs may have waited for a portfolio
        jobs::start(account, Job::offer(Line::Items, command.time));
    }
    Ok(Some(json!({ "assigned": assigned.len(), "conflicts": conflicts, "free": free })))
}

/// `portfolio.remove {contacts}`: from whatever portfolio they are in, or from the one that is named.
pub fn remove(account: &mut Account<'_>, command: &Command<'_>) -> Answer {
    let contacts = listed::contacts(account, command)?;
    let named = command.optional_text("portfolio")?;
    if named.is_some_and(|portfolio| portfolios::find(account, portfolio).is_none()) {
        return Err(Rejected::because("unknown_portfolio"));
    }
    let mut members = Vec::new();
    for contact in &contacts {
        if of(account, contact).is_some_and(|present| named.is_none_or(|named| named == present)) {
            members.push(contact.as_str());
        }
    }
    if !command.dry_run {
        let reason = command.optional_text("reason")?.unwrap_or("portfolio_removed");
        let why = Why { at: command.time, by: command.actor, reason, transfer: None };
        for contact in &members {
            owners::set_portfolio(account, contact, None, &why);
        }
    }
    Ok(Some(json!({ "removed": members.len() })))
}

/// The portfolio a contact is in. One that was deleted holds nobody, even while its contacts are still being freed.
fn of(account: &mut Account<'_>, contact: &str) -> Option<String> {
    let portfolio = owners::row(account, contact)?.portfolio?;
    portfolios::find(account, &portfolio).map(|_| portfolio)
}
