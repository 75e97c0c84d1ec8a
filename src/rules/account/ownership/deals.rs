//! Deals with an owner of their own. A deal without one is its contact's owner's.

use serde::{Deserialize, Serialize};

use super::super::Account;
use super::super::publish::Dirty;
use super::relationships;
use crate::events::{Timestamp, keys};
use crate::state::{Row, Table};

/// A deal, and who owned it when.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct DealRow {
    contact: Option<String>,
    /// From when on each owner held it, the earliest first.
    owners: Vec<(Timestamp, String)>,
}

impl Row for DealRow {
    const TABLE: Table = Table::Deal;
}

/// Makes a deal known, as a deal of a contact. A deal is that of the contact whom its latest event was about.
pub fn know(account: &mut Account<'_>, deal: &str, contact: &str) {
    let key = keys::join(&[account.id, deal]);
    if account.state.get::<DealRow>(&key).is_none_or(|row| row.contact.as_deref() != Some(contact)) {
        let row = account.state.entry::<DealRow>(&key, DealRow::default);
        if let Some(former) = row.contact.replace(contact.to_owned()) {
            account.touch(Dirty::Relationship { contact: &former });
        }
    }
}

/// The contact of a deal; `None` for a deal that no event was about.
pub fn contact(account: &mut Account<'_>, deal: &str) -> Option<String> {
    account.state.get::<DealRow>(&keys::join(&[account.id, deal]))?.contact.clone()
}

/// The deal's own owner, if it is a deal of this contact.
pub fn owner_for(account: &mut Account<'_>, deal: &str, of: &str) -> Option<String> {
    if contact(account, deal).as_deref() == Some(of) { owner(account, deal) } else { None }
}

/// The deal's own owner.
pub fn owner(account: &mut Account<'_>, deal: &str) -> Option<String> {
    let row = account.state.get::<DealRow>(&keys::join(&[account.id, deal]))?;
    row.owners.last().map(|(_, owner)| owner.clone())
}

/// The deal's own owner at an instant; `None` before it had one.
pub fn owner_at(account: &mut Account<'_>, deal: &str, at: Timestamp) -> Option<String> {
    let row = account.state.get::<DealRow>(&keys::join(&[account.id, deal]))?;
    row.owners.iter().rev().find(|(since, _)| *since <= at).map(|(_, owner)| owner.clone())
}

/// The first that a deal had of its own.
pub fn first_owner(account: &mut Account<'_>, deal: &str) -> Option<String> {
    let row = account.state.get::<DealRow>(&keys::join(&[account.id, deal]))?;
    row.owners.first().map(|(_, owner)| owner.clone())
}

/// Gives a deal an owner of its own.
pub fn assign(account: &mut Account<'_>, deal: &str, rep: &str, at: Timestamp) {
    let key = keys::join(&[account.id, deal]);
    let Some(row) = account.state.get_mut::<DealRow>(&key) else { return };
    if row.owners.last().is_some_and(|(_, owner)| owner == rep) {
        return;
    }
    let since = row.owners.last().map_or(at, |(since, _)| at.max(*since));
    row.owners.push((since, rep.to_owned()));
    if let Some(contact) = row.contact.clone() {
        account.touch(Dirty::Relationship { contact: &contact });
    }
}

/// Takes along the deals of a contact that are the giver's own.
pub fn carry(account: &mut Account<'_>, contact: &str, from: &str, to: &str, at: Timestamp) {
    for deal in relationships::deals(account, contact) {
        if owner_for(account, &deal, contact).as_deref() == Some(from) {
            assign(account, &deal, to, at);
        }
    }
}

/// Deletes a deal.
pub fn delete(account: &mut Account<'_>, deal: &str) {
    account.state.delete::<DealRow>(&keys::join(&[account.id, deal]));
}
