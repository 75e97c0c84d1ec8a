//! Ownership: who answers for which contact, and who gets which conversation or comment.
//!
//! Contacts have versions of their ownership ([`owners`]), which transfers move ([`transfers`]) and portfolios route
//! ([`portfolios`], [`membership`]). Items, that is conversations and comments ([`items`]), are assigned by strategies
//! ([`assignment`], [`strategies`]) among pools of reps; what finds nobody waits ([`queue`]). New contacts find their owner
//! in [`new_contacts`]. [`relationships`] and [`conflicts`] tell what is going on.

mod assignment;
mod commands;
mod conflicts;
mod deals;
mod desk;
mod endings;
mod items;
mod jobs;
mod listed;
mod load;
mod membership;
mod new_contacts;
mod owners;
mod pools;
mod portfolios;
mod presence;
mod queue;
mod relationships;
mod reps;
mod rotation;
mod strategies;
#[cfg(test)]
mod tests;
mod transfers;

pub use jobs::{PACERS, accounts as accounts_at_work, is_at_work};
pub use reps::introduce;

use self::items::Kind;
use self::jobs::Job;
use self::queue::Line;
use super::commands::{Answer, Command};
use super::event::AccountEvent;
use super::{Account, roster};
use crate::events::Timestamp;
use crate::rulebook::Strategy;

/// Takes an event: new contacts, items, presence, relationships, conflicts, erasure and merge of contacts.
pub fn on_event(account: &mut Account<'_>, event: &AccountEvent<'_>) {
    let kind = event.stamped.kind;
    if matches!(kind, "rep.online" | "rep.offline") {
        if presence::on_event(account, event) {
            jobs::start(account, Job::offer(Line::Items, event.stamped.time));
        }
        return;
    }
    let Some(contact) = event.stamped.contact else { return };
    match kind {
        "contact.erased" => return endings::erase(account, contact),
        "contact.merged" => return endings::merge(account, event),
        _ => {}
    }
    transfers::catch_up(account, contact);
    new_contacts::on_event(account, event);
    answered(account, event, contact);
    match kind.split('.').next() {
        Some("conversation") => items::on_event(account, event, Kind::Conversation),
        Some("comment") => items::on_event(account, event, Kind::Comment),
        Some("deal" | "followup" | "proposal") => relationships::on_event(account, event),
        _ => {}
    }
    conflicts::on_event(account, event);
}

/// Notes who answered a contact, if any version of the rules asks who answered last. What of the contact waits for someone
/// is offered.
fn answered(account: &mut Account<'_>, event: &AccountEvent<'_>, contact: &str) {
    let stamped = event.stamped;
    let Some(actor) = stamped.actor.filter(|_| matches!(stamped.kind, "message.sent" | "comment.answered")) else { return };
    if !asks_for_last_responder(account) || !roster::is_active(account, actor) {
        return;
    }
    if desk::answered(account, contact, actor, stamped.time) {
        assignment::offer_waiting(account, contact, stamped.time);
    }
}

fn asks_for_last_responder(account: &Account<'_>) -> bool {
    let asks = |strategy: Option<Strategy>| strategy == Some(Strategy::LastResponder);
    account.rules.versions().iter().any(|book| {
        let rules = &book.ownership;
        let items = rules.conversations.iter().chain(&rules.comments);
        items.clone().any(|rules| asks(Some(rules.strategy)) || asks(rules.within))
            || rules.new_contacts.as_ref().is_some_and(|rules| asks(rules.strategy))
    })
}

/// The owner at an instant: of the deal, else of the contact. An instant before the first owner gives that first one.
pub fn owner_at(account: &mut Account<'_>, contact: Option<&str>, deal: Option<&str>, at: Timestamp) -> Option<String> {
    if let Some(owner) = deal.and_then(|deal| deals::owner_at(account, deal, at)) {
        return Some(owner);
    }
    match contact.map(|contact| owners::at(account, contact, at)) {
        Some((owner, true)) => owner,
        _ => deal.and_then(|deal| deals::first_owner(account, deal)),
    }
}

/// Every command that is about ownership; any other is `unknown_command`.
pub fn command(account: &mut Account<'_>, command: &Command<'_>) -> Answer {
    commands::carry_out(account, command)
}

/// A contact showed no event for the time that a transfer rule names; `since` is its last.
pub fn on_inactive(account: &mut Account<'_>, contact: &str, since: Timestamp) {
    transfers::on_inactive(account, contact, since);
}

/// An item has waited long enough for a rep.
pub fn alert_unassigned(account: &mut Account<'_>, kind: &str, item: &str) {
    if let Some(kind) = Kind::from_name(kind) {
        queue::alert(account, kind, item);
    }
}

/// An item was closed so long ago that it can be forgotten.
pub fn forget_item(account: &mut Account<'_>, kind: &str, item: &str) {
    if let Some(kind) = Kind::from_name(kind) {
        items::forget(account, kind, item);
    }
}

/// A follow-up should have been completed by now.
pub fn follow_up_due(account: &mut Account<'_>, contact: &str, follow_up: &str) {
    relationships::follow_up_due(account, contact, follow_up);
}

/// Does the next slice of the account's unfinished work: transfers, offers, portfolios to be emptied.
pub fn go_on(account: &mut Account<'_>) {
    jobs::go_on(account);
}

/// Publishes a contact's relationship as it stands.
pub fn publish_relationship(account: &mut Account<'_>, contact: &str) {
    relationships::publish(account, contact);
}
