//! Contacts that end: erased, or merged into another.

use serde::{Deserialize, Serialize};

use super::super::Account;
use super::super::event::AccountEvent;
use super::items::{self, ItemRow, Kind};
use super::owners::{self, Why};
use super::{assignment, conflicts, desk, new_contacts, relationships, transfers};
use crate::events::keys;
use crate::outputs::{Route, Topic};
use crate::state::{Row, Table};

/// Which contact a merged one became.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct RedirectRow {
    into: String,
}

impl Row for RedirectRow {
    const TABLE: Table = Table::Redirect;
}

/// The contact that a contact is now, after all merges.
pub fn resolve(account: &mut Account<'_>, contact: &str) -> String {
    let mut contact = contact.to_owned();
    // merges make no circles; the limit is for state that was damaged
    for _ in 0..1000 {
        match account.state.get::<RedirectRow>(&keys::join(&[account.id, &contact])) {
            Some(row) => contact.clone_from(&row.into),
            None => break,
        }
    }
    contact
}

/// `contact.erased`: nothing of the contact stays. If it shows up again, it starts anew.
pub fn erase(account: &mut Account<'_>, contact: &str) {
    new_contacts::stop_waiting(account, contact);
    tombstone(account, Kind::Contact, contact);
    for (kind, item) in desk::clear(account, contact) {
        if let Some(row) = items::row(account, kind, &item) {
            // it may have come to another contact since
            if row.contact.as_deref() != Some(contact) {
                continue;
            }
            if row.closed_at.is_none() {
                items::leave(account, kind, &item, &row);
            }
            let key = items::key(account, kind, &item);
            account.state.delete::<ItemRow>(&key);
        }
        tombstone(account, kind, &item);
    }
    relationships::delete(account, contact);
    conflicts::delete(account, contact);
    owners::delete(account, contact);
}

/// `contact.merged {into}`: the contact that stays keeps its owner and portfolio, else it takes those of the one that ends.
/// Merging again, or in a circle, changes nothing.
pub fn merge(account: &mut Account<'_>, event: &AccountEvent<'_>) {
    let (Some(from), Some(into)) = (event.stamped.contact, event.data.text_at("into")) else { return };
    let into = &resolve(account, &into);
    if resolve(account, from) != from || from == into {
        return;
    }
    transfers::catch_up(account, from);
    transfers::catch_up(account, into);
    account.state.put(&keys::join(&[account.id, from]), RedirectRow { into: into.clone() });
    new_contacts::stop_waiting(account, from);
    tombstone(account, Kind::Contact, from);
    for (kind, item) in desk::merge(account, from, into) {
        let key = items::key(account, kind, &item);
        if let Some(row) = account.state.get_mut::<ItemRow>(&key).filter(|row| row.contact.as_deref() == Some(from)) {
            row.contact = Some(into.clone());
            items::publish(account, kind, &item);
        }
    }
    relationships::merge(account, from, into);
    conflicts::delete(account, from);
    let ended = owners::row(account, from).unwrap_or_default();
    owners::delete(account, from);
    let stays = owners::row(account, into).unwrap_or_default();
    let (owner, portfolio) = (stays.owner.or(ended.owner), stays.portfolio.or(ended.portfolio));
    let why = Why { at: event.stamped.time, by: event.stamped.actor, reason: "merged", transfer: None };
    if owner.is_some() {
        new_contacts::stop_waiting(account, into);
    }
    owners::set(account, into, owner.as_deref(), portfolio.as_deref(), &why);
    if ended.introduced {
        owners::introduce(account, into);
    }
    // together they have a portfolio, or a last responder, that one of them lacked
    assignment::offer_waiting(account, into, event.stamped.time);
}

fn tombstone(account: &mut Account<'_>, kind: Kind, item: &str) {
    let key = items::key(account, kind, item);
    account.out.tombstone(Topic::Assignments, Route::Key, &key, account.logged_at);
}
