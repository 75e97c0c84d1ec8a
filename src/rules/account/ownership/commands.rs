//! The commands of ownership. Each checks first what does not exist, then what is inactive, then the state of things.

use serde_json::{Value, json};

use super::super::commands::{Answer, Command, Rejected};
use super::super::{Account, roster};
use super::items::{self, Given, ItemRow, Kind};
use super::owners::{self, Why};
use super::{deals, endings, membership, new_contacts, portfolios, reps, transfers};

/// Carries out a command of ownership; any other is unknown.
pub fn carry_out(account: &mut Account<'_>, command: &Command<'_>) -> Answer {
    match command.kind {
        "contact.assign" => assign(account, command),
        "contact.unassign" => unassign(account, command),
        "contacts.transfer" => transfers::command(account, command),
        "record.assign" => assign_record(account, command),
        "item.claim" => claim(account, command),
        "conversation.reassign" => reassign(account, command),
        "portfolio.create" => portfolios::create(account, command),
        "portfolio.update" => portfolios::update(account, command),
        "portfolio.delete" => portfolios::delete(account, command),
        "portfolio.assign" => membership::assign(account, command),
        "portfolio.remove" => membership::remove(account, command),
        "rep.activate" => reps::activate(account, command),
        "rep.deactivate" => reps::deactivate(account, command),
        _ => Err(Rejected::because("unknown_command")),
    }
}

/// `contact.assign {contact, rep}`. To the present owner: accepted, and nothing changes.
fn assign(account: &mut Account<'_>, command: &Command<'_>) -> Answer {
    let contact = contact(account, command)?;
    let rep = active_rep(account, command.text("rep")?)?;
    let reason = command.optional_text("reason")?.unwrap_or("assigned");
    if !command.dry_run {
        owners::set_owner(account, &contact, Some(rep), &why(command, reason));
        new_contacts::assigned(account, &contact, rep, command.time);
    }
    Ok(None)
}

/// `contact.unassign {contact}`
fn unassign(account: &mut Account<'_>, command: &Command<'_>) -> Answer {
    let contact = contact(account, command)?;
    let reason = command.optional_text("reason")?.unwrap_or("unassigned");
    if !command.dry_run {
        owners::set_owner(account, &contact, None, &why(command, reason));
    }
    Ok(None)
}

/// `record.assign {kind: deal|conversation, id, rep}`: whom the record belongs to, also when the conversation is closed.
fn assign_record(account: &mut Account<'_>, command: &Command<'_>) -> Answer {
    let id = command.text("id")?;
    match command.text("kind")? {
        "deal" => {
            let Some(contact) = deals::contact(account, id) else { return Err(Rejected::because("unknown_deal")) };
            let rep = active_rep(account, command.text("rep")?)?;
            if !command.dry_run {
                transfers::catch_up(account, &contact);
                deals::assign(account, id, rep, command.time);
            }
            Ok(None)
        }
        "conversation" => {
            let row = item(account, Kind::Conversation, id)?;
            let rep = active_rep(account, command.text("rep")?)?;
            Ok(hand_over(account, command, id, &row, rep, "assigned"))
        }
        _ => Err(Rejected::because("invalid_kind")),
    }
}

/// `conversation.reassign {conversation, rep}`, where the rules allow it; comments cannot be reassigned.
fn reassign(account: &mut Account<'_>, command: &Command<'_>) -> Answer {
    let id = command.text("conversation")?;
    let row = item(account, Kind::Conversation, id)?;
    let rep = active_rep(account, command.text("rep")?)?;
    if account.book.ownership.conversations.as_ref().is_some_and(|rules| !rules.allow_reassign) {
        return Err(Rejected::because("not_allowed"));
    }
    if row.closed_at.is_some() {
        return Err(Rejected::because("wrong_status"));
    }
    Ok(hand_over(account, command, id, &row, rep, "reassigned"))
}

/// `item.claim {kind: conversation|comment, id}` by the actor. What its rep, being inactive, can no longer work on is free.
fn claim(account: &mut Account<'_>, command: &Command<'_>) -> Answer {
    let kind = Kind::from_name(command.text("kind")?).filter(|kind| *kind != Kind::Contact);
    let Some(kind) = kind else { return Err(Rejected::because("invalid_kind")) };
    let id = command.text("id")?;
    let row = item(account, kind, id)?;
    let Some(actor) = command.actor else { return Err(Rejected::because("unknown_rep")) };
    let rep = active_rep(account, actor)?;
    if row.rep.as_deref().is_some_and(|holder| roster::is_active(account, holder)) {
        return Err(Rejected::because("already_claimed"));
    }
    if row.closed_at.is_some() {
        return Err(Rejected::because("wrong_status"));
    }
    if !command.dry_run {
        give(account, command, kind, id, rep, "claimed");
    }
    Ok(None)
}

/// Gives a conversation to a rep by hand, which no rotation counts; nothing changes if the rep has it already.
fn hand_over(
    account: &mut Account<'_>,
    command: &Command<'_>,
    conversation: &str,
    row: &ItemRow,
    rep: &str,
    reason: &str,
) -> Option<Value> {
    if row.rep.as_deref() == Some(rep) {
        return Some(json!({ "unchanged": true }));
    }
    if !command.dry_run {
        give(account, command, Kind::Conversation, conversation, rep, reason);
    }
    None
}

fn give(account: &mut Account<'_>, command: &Command<'_>, kind: Kind, item: &str, rep: &str, reason: &str) {
    let given = Given { rep: Some(rep), strategy: None, backup: false, reason, at: command.time };
    items::give(account, kind, item, &given);
}

/// The item of that id, after any transfer of its contact that is under way.
fn item(account: &mut Account<'_>, kind: Kind, id: &str) -> Result<ItemRow, Rejected> {
    if let Some(contact) = items::row(account, kind, id).and_then(|row| row.contact) {
        transfers::catch_up(account, &contact);
    }
    items::row(account, kind, id).ok_or_else(|| Rejected::because(format!("unknown_{}", kind.name())))
}

/// The contact that a command names, after merges and any transfer that is under way.
fn contact(account: &mut Account<'_>, command: &Command<'_>) -> Result<String, Rejected> {
    let contact = endings::resolve(account, command.text("contact")?);
    transfers::catch_up(account, &contact);
    Ok(contact)
}

/// A rep that exists and is active.
fn active_rep<'r>(account: &mut Account<'_>, rep: &'r str) -> Result<&'r str, Rejected> {
    if account.book.rep(rep).is_none() {
        return Err(Rejected::because("unknown_rep"));
    }
    if !roster::is_active(account, rep) {
        return Err(Rejected::because("inactive_rep"));
    }
    Ok(rep)
}

fn why<'w>(command: &Command<'w>, reason: &'w str) -> Why<'w> {
    Why { at: command.time, by: command.actor, reason, transfer: None }
}
