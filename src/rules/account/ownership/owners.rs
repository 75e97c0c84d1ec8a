//! Who owns which contact: versions, from 1 without gaps, and the owner at any instant.

use serde::{Deserialize, Serialize};

use super::super::publish::Dirty;
use super::super::{Account, AccountRow};
use super::rotation::{self, TRANSFERS};
use super::{load, portfolios, relationships};
use crate::events::{Timestamp, keys};
use crate::outputs::{self, Output, Route, Topic};
use crate::state::{Row, Table};

/// A contact's owner and portfolio, and who owned it when.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OwnerRow {
    pub owner: Option<String>,
    pub portfolio: Option<String>,
    /// It was new once: the rules for new contacts have seen it, or a command was faster.
    pub introduced: bool,
    /// The number of the last version; 0 before the first.
    pub version: u64,
    /// From when on each owner held it, the earliest first. (A version that only changes the portfolio is not among them.)
    owners: Vec<(Timestamp, Option<String>)>,
}

impl Row for OwnerRow {
    const TABLE: Table = Table::Owner;
}

impl OwnerRow {
    /// The owner at an instant. An instant before the first owner gives that first one.
    fn at(&self, at: Timestamp) -> Option<&str> {
        let in_force = self.owners.iter().rev().find(|(since, _)| *since <= at).or(self.owners.first());
        in_force.and_then(|(_, owner)| owner.as_deref())
    }
}

/// That a rep owns a contact. The row's key names both.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OwnedRow {
    /// How many transfers of the account had begun when the rep got it: later ones move it, earlier ones do not.
    pub given: u64,
}

impl Row for OwnedRow {
    const TABLE: Table = Table::Owned;
}

/// That a contact is in a portfolio. The row's key names both.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MemberRow {}

impl Row for MemberRow {
    const TABLE: Table = Table::PortfolioIndex;
}

/// Why something changes hands.
#[derive(Clone, Copy, Debug)]
pub struct Why<'w> {
    pub at: Timestamp,
    /// Who asked for it; rules ask in nobody's name.
    pub by: Option<&'w str>,
    pub reason: &'w str,
    /// The number of the transfer that moves it, if one does.
    pub transfer: Option<u64>,
}

pub fn row(account: &mut Account<'_>, contact: &str) -> Option<OwnerRow> {
    account.state.get::<OwnerRow>(&keys::join(&[account.id, contact])).cloned()
}

/// The present owner.
pub fn of(account: &mut Account<'_>, contact: &str) -> Option<String> {
    account.state.get::<OwnerRow>(&keys::join(&[account.id, contact]))?.owner.clone()
}

/// The owner at an instant, and whether the contact has ever had one.
pub fn at(account: &mut Account<'_>, contact: &str, at: Timestamp) -> (Option<String>, bool) {
    if !account.state.get::<AccountRow>(account.id).is_some_and(|row| row.owns_contacts) {
        return (None, false);
    }
    match account.state.get::<OwnerRow>(&keys::join(&[account.id, contact])) {
        Some(row) => (row.at(at).map(str::to_owned), !row.owners.is_empty()),
        None => (None, false),
    }
}

/// Marks a contact as one that the rules for new contacts need not look at again.
pub fn introduce(account: &mut Account<'_>, contact: &str) {
    account.state.entry::<OwnerRow>(&keys::join(&[account.id, contact]), OwnerRow::default).introduced = true;
}

/// Gives a contact another owner; the portfolio stays. False if that is its owner already: then nothing changes.
pub fn set_owner(account: &mut Account<'_>, contact: &str, owner: Option<&str>, why: &Why<'_>) -> bool {
    let portfolio = row(account, contact).and_then(|row| row.portfolio);
    set(account, contact, owner, portfolio.as_deref(), why)
}

/// Puts a contact into another portfolio, or none; the owner stays.
pub fn set_portfolio(account: &mut Account<'_>, contact: &str, portfolio: Option<&str>, why: &Why<'_>) -> bool {
    let owner = of(account, contact);
    set(account, contact, owner.as_deref(), portfolio, why)
}

/// Makes a new version of a contact's ownership, unless it is as it was.
pub fn set(account: &mut Account<'_>, contact: &str, owner: Option<&str>, portfolio: Option<&str>, why: &Why<'_>) -> bool {
    let key = keys::join(&[account.id, contact]);
    let present = account.state.get::<OwnerRow>(&key).map(|row| (row.owner.clone(), row.portfolio.clone()));
    let (before, portfolio_before) = present.unwrap_or_default();
    if before.as_deref() == owner && portfolio_before.as_deref() == portfolio {
        return false;
    }
    let transfers = rotation::turns(account, TRANSFERS);
    if owner.is_some() && account.state.get::<AccountRow>(account.id).is_none_or(|row| !row.owns_contacts) {
        account.state.entry::<AccountRow>(account.id, AccountRow::default).owns_contacts = true;
    }
    let row = account.state.entry::<OwnerRow>(&key, OwnerRow::default);
    row.version += 1;
    let version = row.version;
    if before.as_deref() != owner {
        // what is told late takes effect after what was told before: it re-credits nothing
        let since = row.owners.last().map_or(why.at, |(since, _)| why.at.max(*since));
        row.owners.push((since, owner.map(str::to_owned)));
        row.owner = owner.map(str::to_owned);
        row.introduced = true;
    }
    row.portfolio = portfolio.map(str::to_owned);
    if before.as_deref() != owner {
        index_owner(account, contact, before.as_deref(), owner, why.transfer.unwrap_or(transfers));
    }
    index_portfolio(account, contact, portfolio_before.as_deref(), portfolio);
    let account_id = account.id;
    let Why { at, by, reason, .. } = *why;
    account.emit(&Output::Ownership(outputs::Ownership {
        account: account_id,
        contact,
        owner,
        portfolio,
        since: at,
        version,
        by,
        reason,
    }));
    account.emit(&Output::OwnershipChange(outputs::OwnershipChange {
        account: account_id,
        contact,
        version,
        from: before.as_deref(),
        to: owner,
        portfolio,
        by,
        reason,
        at,
    }));
    if relationships::exists(account, contact) {
        account.touch(Dirty::Relationship { contact });
    }
    true
}

/// Deletes all that is known of who owns a contact, with tombstones for its record and its history.
pub fn delete(account: &mut Account<'_>, contact: &str) {
    let key = keys::join(&[account.id, contact]);
    let Some(row) = row(account, contact) else { return };
    account.state.delete::<OwnerRow>(&key);
    index_owner(account, contact, row.owner.as_deref(), None, 0);
    index_portfolio(account, contact, row.portfolio.as_deref(), None);
    if row.version == 0 {
        return;
    }
    account.out.tombstone(Topic::Ownership, Route::Key, &key, account.logged_at);
    for version in 1..=row.version {
        account.out.tombstone(Topic::OwnershipHistory, Route::Key, &format!("{key}/{version}"), account.logged_at);
    }
}

/// The prefix of the contacts of a rep in [`OwnedRow`]'s table.
pub fn owned_by(account: &Account<'_>, rep: &str) -> String {
    format!("{}/", keys::join(&[account.id, rep]))
}

/// Whether a contact is its owner's since before a transfer began.
pub fn given_before(account: &mut Account<'_>, contact: &str, owner: &str, transfer: u64) -> bool {
    let key = keys::join(&[account.id, owner, contact]);
    account.state.get::<OwnedRow>(&key).is_some_and(|row| row.given < transfer)
}

fn index_owner(account: &mut Account<'_>, contact: &str, from: Option<&str>, to: Option<&str>, given: u64) {
    if let Some(rep) = from {
        account.state.delete::<OwnedRow>(&keys::join(&[account.id, rep, contact]));
        load::contact_lost(account, rep);
    }
    if let Some(rep) = to {
        account.state.put(&keys::join(&[account.id, rep, contact]), OwnedRow { given });
        load::contact_gained(account, rep);
    }
}

fn index_portfolio(account: &mut Account<'_>, contact: &str, from: Option<&str>, to: Option<&str>) {
    if from == to {
        return;
    }
    if let Some(portfolio) = from {
        let key = portfolios::member_key(account, portfolio, contact);
        account.state.delete::<MemberRow>(&key);
    }
    if let Some(portfolio) = to {
        let key = portfolios::member_key(account, portfolio, contact);
        account.state.put(&key, MemberRow {});
    }
}
