//! Ownership: who answers for which contact, and who gets which conversation or comment.

use super::Account;
use super::commands::{Answer, Command};
use super::event::AccountEvent;
use crate::events::Timestamp;

/// Takes an event: new contacts, items, presence, relationships, conflicts, erasure and merge of contacts.
pub fn on_event(_account: &mut Account<'_>, _event: &AccountEvent<'_>) {}

/// The owner at an instant: of the deal, else of the contact. An instant before the first owner gives that first one.
pub fn owner_at(_account: &mut Account<'_>, _contact: Option<&str>, _deal: Option<&str>, _at: Timestamp) -> Option<String> {
    None
}

/// Every command that is about ownership; any other is `unknown_command`.
pub fn command(_account: &mut Account<'_>, _command: &Command<'_>) -> Answer {
    Ok(None)
}

/// A contact showed no event for the time that a transfer rule names; `since` is its last.
pub fn on_inactive(_account: &mut Account<'_>, _contact: &str, _since: Timestamp) {}

/// An item has waited long enough for a rep.
pub fn alert_unassigned(_account: &mut Account<'_>, _kind: &str, _item: &str) {}

/// A follow-up should have been completed by now.
pub fn follow_up_due(_account: &mut Account<'_>, _contact: &str, _follow_up: &str) {}

/// A transfer goes on with its next contacts.
pub fn continue_transfer(_account: &mut Account<'_>, _transfer: &str) {}

/// Publishes a contact's relationship as it stands.
pub fn publish_relationship(_account: &mut Account<'_>, _contact: &str) {}
