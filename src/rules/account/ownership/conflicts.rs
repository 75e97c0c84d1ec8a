//! Conflicts: a rep acts on a contact that is another rep's. Announced once a day for each contact and pair of reps.

use serde::{Deserialize, Serialize};

use super::super::announcements::{self, News};
use super::super::event::AccountEvent;
use super::super::{Account, roster};
use super::owners;
use crate::events::keys;
use crate::outputs::Subject;
use crate::rulebook::AnnouncementKind;
use crate::state::{Row, Table};

/// The conflicts over a contact that were announced: day and pair, the earliest day first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct ConflictRow {
    announced: Vec<(String, String)>,
}

impl Row for ConflictRow {
    const TABLE: Table = Table::Conflict;
}

/// How many days are remembered. What is later than that is not announced any more.
const DAYS: usize = 3;

/// Looks at who acted on a contact.
pub fn on_event(account: &mut Account<'_>, event: &AccountEvent<'_>) {
    let stamped = event.stamped;
    let (Some(contact), Some(actor)) = (stamped.contact, stamped.actor) else { return };
    if !roster::is_active(account, actor) {
        return;
    }
    let (Some(owner), _) = owners::at(account, contact, stamped.time) else { return };
    if owner == actor {
        return;
    }
    let day = account.book.calendar.date(stamped.time).to_string();
    let pair = if owner.as_str() < actor { keys::join(&[&owner, actor]) } else { keys::join(&[actor, &owner]) };
    if !note(account, contact, &day, &pair) {
        return;
    }
    let book = account.book;
    let id = format!("{}/{pair}", keys::join(&["ownership_conflict", contact, &day]));
    let message = format!("{}, {}", roster::rep_name(book, &owner), roster::rep_name(book, actor));
    announcements::announce(
        account,
        &News {
            id: &id,
            kind: AnnouncementKind::OwnershipConflict,
            subject: Subject { kind: "contact", id: contact },
            title: "Two reps at one contact",
            message: &message,
            at: stamped.time,
        },
    );
}

/// Notes a conflict; false if it is known, or of a day that is no longer remembered.
fn note(account: &mut Account<'_>, contact: &str, day: &str, pair: &str) -> bool {
    let key = keys::join(&[account.id, contact]);
    let entry = (day.to_owned(), pair.to_owned());
    let mut announced = account.state.get::<ConflictRow>(&key).map_or(Vec::new(), |row| row.announced.clone());
    if announced.contains(&entry) {
        return false;
    }
    announced.push(entry);
    announced.sort();
    let mut days: Vec<String> = announced.iter().map(|(day, _)| day.clone()).collect();
    days.dedup();
    if let Some(first) = days.len().checked_sub(DAYS).and_then(|i| days.get(i)) {
        announced.retain(|(day, _)| day >= first);
    }
    let kept = announced.iter().any(|(known, _)| known == day);
    account.state.put(&key, ConflictRow { announced });
    kept
}

/// Deletes what is remembered of a contact.
pub fn delete(account: &mut Account<'_>, contact: &str) {
    let key = keys::join(&[account.id, contact]);
    if account.state.contains::<ConflictRow>(&key) {
        account.state.delete::<ConflictRow>(&key);
    }
}
