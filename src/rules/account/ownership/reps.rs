//! Reps that commands deactivate and activate again.

use super::super::commands::{Answer, Command, Rejected};
use super::super::{Account, AccountRow};
use super::jobs::{self, Job};
use super::queue::Line;
use super::transfers;
use crate::rulebook::Rulebook;

/// `rep.activate {rep}`: takes part again, if the rules have the rep active; what waits is offered.
pub fn activate(account: &mut Account<'_>, command: &Command<'_>) -> Answer {
    let rep = known(account, command)?;
    if command.dry_run {
        return Ok(None);
    }
    if account.state.entry::<AccountRow>(account.id, AccountRow::default).deactivated.remove(rep) {
        for line in [Line::Items, Line::Contacts] {
            jobs::start(account, Job::offer(line, command.time));
        }
    }
    Ok(None)
}

/// `rep.deactivate {rep}`: takes part in nothing any more. Contacts go where the rules for it say. Conversations and
/// comments go only with their contact; what the rep still holds can be reassigned, and claimed.
pub fn deactivate(account: &mut Account<'_>, command: &Command<'_>) -> Answer {
    let rep = known(account, command)?;
    if command.dry_run {
        return Ok(None);
    }
    if account.state.entry::<AccountRow>(account.id, AccountRow::default).deactivated.insert(rep.to_owned()) {
        transfers::on_deactivation(account, rep, command.actor, command.time);
    }
    Ok(None)
}

fn known<'c>(account: &mut Account<'_>, command: &Command<'c>) -> Result<&'c str, Rejected> {
    let rep = command.text("rep")?;
    if account.book.rep(rep).is_none() { Err(Rejected::because("unknown_rep")) } else { Ok(rep) }
}

/// A version of the rules comes into force: reps it no longer has active are deactivated, and what waits is offered to those
/// it brings.
pub fn introduce<'a>(account: &mut Account<'a>, book: &'a Rulebook) {
    let Some(before) = book.version.checked_sub(1).and_then(|number| account.rules.version(number)) else { return };
    let judged_by = std::mem::replace(&mut account.book, book);
    for rep in before.reps.iter().filter(|rep| rep.active) {
        if book.rep(&rep.id).is_none_or(|rep| !rep.active) {
            transfers::on_deactivation(account, &rep.id, None, book.effective_from);
        }
    }
    for line in [Line::Items, Line::Contacts] {
        jobs::start(account, Job::offer(line, book.effective_from));
    }
    account.book = judged_by;
}
