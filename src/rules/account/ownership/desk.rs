//! A contact's desk: its open conversations and comments, and who last answered it.

use serde::{Deserialize, Serialize};

use super::super::Account;
use super::items::Kind;
use crate::events::{Timestamp, keys};
use crate::state::{Row, Table};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct DeskRow {
    open: Vec<(Kind, String)>,
    responder: Option<(Timestamp, String)>,
}

impl Row for DeskRow {
    const TABLE: Table = Table::Desk;
}

/// That an item was once the contact's; the row's key names both. It stays when the item is gone, so that an erasure finds
/// every record that names the contact.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct ContactItemRow {}

impl Row for ContactItemRow {
    const TABLE: Table = Table::ContactItem;
}

/// The open items, in the order in which they were opened.
pub fn open(account: &mut Account<'_>, contact: &str) -> Vec<(Kind, String)> {
    account.state.get::<DeskRow>(&keys::join(&[account.id, contact])).map_or(Vec::new(), |row| row.open.clone())
}

/// Puts an open item on the desk.
pub fn put(account: &mut Account<'_>, contact: &str, kind: Kind, item: &str) {
    let row = account.state.entry::<DeskRow>(&keys::join(&[account.id, contact]), DeskRow::default);
    row.open.push((kind, item.to_owned()));
    account.state.put(&keys::join(&[account.id, contact, kind.name(), item]), ContactItemRow {});
}

/// Takes an item that is closed off the desk.
pub fn take(account: &mut Account<'_>, contact: &str, kind: Kind, item: &str) {
    if let Some(row) = account.state.get_mut::<DeskRow>(&keys::join(&[account.id, contact])) {
        row.open.retain(|(known_kind, known)| (*known_kind, known.as_str()) != (kind, item));
    }
}

/// Notes who answered a contact. True if that is news: another rep than before, and not an older answer.
pub fn answered(account: &mut Account<'_>, contact: &str, rep: &str, at: Timestamp) -> bool {
    let key = keys::join(&[account.id, contact]);
    let before = account.state.get::<DeskRow>(&key).and_then(|row| row.responder.clone());
    if before.as_ref().is_some_and(|(since, _)| *since > at) {
        return false;
    }
    account.state.entry::<DeskRow>(&key, DeskRow::default).responder = Some((at, rep.to_owned()));
    before.is_none_or(|(_, known)| known != rep)
}

/// Who last answered a contact.
pub fn last_responder(account: &mut Account<'_>, contact: &str) -> Option<String> {
    let row = account.state.get::<DeskRow>(&keys::join(&[account.id, contact]))?;
    row.responder.as_ref().map(|(_, rep)| rep.clone())
}

/// Every item the contact ever had.
pub fn all(account: &mut Account<'_>, contact: &str) -> Vec<(Kind, String)> {
    let prefix = format!("{}/", keys::join(&[account.id, contact]));
    let rows = account.state.scan::<ContactItemRow>(&prefix, usize::MAX);
    let named = rows.iter().filter_map(|(key, _)| {
        let mut parts = keys::split(&key[prefix.len()..]).into_iter();
        Some((Kind::from_name(&parts.next()?)?, parts.next()?))
    });
    named.collect()
}

/// Deletes a contact's desk, and gives every item it ever had.
pub fn clear(account: &mut Account<'_>, contact: &str) -> Vec<(Kind, String)> {
    let items = all(account, contact);
    for (kind, item) in &items {
        account.state.delete::<ContactItemRow>(&keys::join(&[account.id, contact, kind.name(), item]));
    }
    account.state.delete::<DeskRow>(&keys::join(&[account.id, contact]));
    items
}

/// Moves a contact's desk to another contact; gives the items that moved.
pub fn merge(account: &mut Account<'_>, from: &str, into: &str) -> Vec<(Kind, String)> {
    let moved = account.state.get::<DeskRow>(&keys::join(&[account.id, from])).cloned().unwrap_or_default();
    let items = clear(account, from);
    for (kind, item) in &items {
        account.state.put(&keys::join(&[account.id, into, kind.name(), item]), ContactItemRow {});
    }
    if !moved.open.is_empty() || moved.responder.is_some() {
        let row = account.state.entry::<DeskRow>(&keys::join(&[account.id, into]), DeskRow::default);
        row.open.extend(moved.open);
        row.responder = row.responder.take().max(moved.responder);
    }
    items
}
