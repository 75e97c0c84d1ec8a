//! The load of each rep: open conversations and comments, contacts, and when the rep was last served.
//!
//! One row a rep, so that a decision costs what the roster costs, however many contacts and items there are.

use serde::{Deserialize, Serialize};

use super::super::Account;
use super::rotation;
use crate::events::keys;
use crate::state::{Row, Table};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct LoadRow {
    /// Open conversations and comments.
    open: u64,
    contacts: u64,
    /// The turn at which the rep was last served a conversation or comment by a strategy.
    item_served: Option<u64>,
    /// As above, of new contacts.
    contact_served: Option<u64>,
}

impl Row for LoadRow {
    const TABLE: Table = Table::Load;
}

/// What a rep is served: turns of new contacts and of items are counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    Item,
    Contact,
}

/// The one of a pool (in roster order) with the fewest open items, then the least recently served, then the first.
pub fn least(account: &mut Account<'_>, pool: &[String], served: Served) -> Option<String> {
    let mut least: Option<((u64, Option<u64>), &String)> = None;
    for rep in pool {
        let row = account.state.get::<LoadRow>(&keys::join(&[account.id, rep]));
        let measure = row.map_or((0, None), |row| match served {
            Served::Item => (row.open, row.item_served),
            Served::Contact => (row.open, row.contact_served),
        });
        if least.as_ref().is_none_or(|(known, _)| measure < *known) {
            least = Some((measure, rep));
        }
    }
    least.map(|(_, rep)| rep.clone())
}

/// Notes that a strategy served a rep.
pub fn serve(account: &mut Account<'_>, rep: &str, served: Served) {
    match served {
        Served::Item => {
            let turn = rotation::count(account, "served/items");
            change(account, rep, |row| row.item_served = Some(turn));
        }
        Served::Contact => {
            let turn = rotation::count(account, "served/contacts");
            change(account, rep, |row| row.contact_served = Some(turn));
        }
    }
}

pub fn item_gained(account: &mut Account<'_>, rep: &str) {
    change(account, rep, |row| row.open += 1);
}

pub fn item_lost(account: &mut Account<'_>, rep: &str) {
    change(account, rep, |row| row.open = row.open.saturating_sub(1));
}

pub fn contact_gained(account: &mut Account<'_>, rep: &str) {
    change(account, rep, |row| row.contacts += 1);
}

pub fn contact_lost(account: &mut Account<'_>, rep: &str) {
    change(account, rep, |row| row.contacts = row.contacts.saturating_sub(1));
}

/// How many contacts a rep owns.
pub fn contacts(account: &mut Account<'_>, rep: &str) -> u64 {
    account.state.get::<LoadRow>(&keys::join(&[account.id, rep])).map_or(0, |row| row.contacts)
}

/// How many open conversations and comments a rep has.
#[cfg(test)]
pub fn open(account: &mut Account<'_>, rep: &str) -> u64 {
    account.state.get::<LoadRow>(&keys::join(&[account.id, rep])).map_or(0, |row| row.open)
}

fn change(account: &mut Account<'_>, rep: &str, change: impl FnOnce(&mut LoadRow)) {
    change(account.state.entry::<LoadRow>(&keys::join(&[account.id, rep]), LoadRow::default));
}
