//! Relationships: the deals, follow-ups and proposals of a contact, each with its state, and what is open with it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::Account;
use super::super::event::AccountEvent;
use super::super::publish::Dirty;
use super::super::timers::{self, Timer};
use super::items::{self, Kind};
use super::{deals, desk, endings, owners};
use crate::events::{Amount, Timestamp, keys};
use crate::outputs::{self, OpenItem, Output, RelationshipItem, Route, Topic};
use crate::state::{Row, Table};

/// What events told of a contact's records. Their owners are looked up when they are published.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct RelationshipRow {
    deals: BTreeMap<String, RelationshipItem>,
    follow_ups: BTreeMap<String, RelationshipItem>,
    proposals: BTreeMap<String, RelationshipItem>,
}

impl Row for RelationshipRow {
    const TABLE: Table = Table::Relationship;
}

/// The families of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Deal,
    FollowUp,
    Proposal,
}

impl Family {
    /// The family that an event type is about, and the field of the data that names the record.
    fn of(kind: &str) -> Option<(Family, &'static str)> {
        match kind.split('.').next()? {
            "deal" => Some((Family::Deal, "deal")),
            "followup" => Some((Family::FollowUp, "followup")),
            "proposal" => Some((Family::Proposal, "proposal")),
            _ => None,
        }
    }
}

impl RelationshipRow {
    fn family(&mut self, family: Family) -> &mut BTreeMap<String, RelationshipItem> {
        match family {
            Family::Deal => &mut self.deals,
            Family::FollowUp => &mut self.follow_ups,
            Family::Proposal => &mut self.proposals,
        }
    }
}

/// The state of a follow-up that is still to be completed.
const SCHEDULED: &str = "scheduled";

/// Whether there is a record of any family.
pub fn exists(account: &mut Account<'_>, contact: &str) -> bool {
    account.state.contains::<RelationshipRow>(&keys::join(&[account.id, contact]))
}

/// The deals of a contact.
pub fn deals(account: &mut Account<'_>, contact: &str) -> Vec<String> {
    let row = account.state.get::<RelationshipRow>(&keys::join(&[account.id, contact]));
    row.map_or(Vec::new(), |row| row.deals.keys().cloned().collect())
}

/// Takes an event about a deal, a follow-up or a proposal.
pub fn on_event(account: &mut Account<'_>, event: &AccountEvent<'_>) {
    let stamped = event.stamped;
    let (Some(contact), Some((family, field))) = (stamped.contact, Family::of(stamped.kind)) else { return };
    let Some(record) = event.data.text_at(field) else { return };
    let amount = event.data.get("amount").and_then(Amount::from_json).filter(|_| !stamped.no_money);
    let due_at = event.data.text_at("due_at").and_then(|due_at| Timestamp::parse(&due_at).ok());
    let row = account.state.entry::<RelationshipRow>(&keys::join(&[account.id, contact]), RelationshipRow::default);
    let known = row.family(family).entry(record.clone().into_owned());
    let item = known.or_insert_with(|| RelationshipItem {
        created_at: stamped.time,
        updated_at: Timestamp::MIN,
        ..RelationshipItem::default()
    });
    item.created_at = item.created_at.min(stamped.time);
    let latest = stamped.time >= item.updated_at;
    if latest {
        item.updated_at = stamped.time;
        item.state = stamped.kind.rsplit('.').next().unwrap_or_default().to_owned();
    }
    // an older event tells what no later one has told
    if latest || item.amount.is_none() {
        item.amount = amount.or(item.amount);
    }
    if latest || item.due_at.is_none() {
        item.due_at = due_at.or(item.due_at);
    }
    if family == Family::FollowUp {
        let due_at = item.due_at.filter(|_| item.state == SCHEDULED);
        item.overdue = due_at.is_some_and(|due_at| due_at <= account.time);
        if let Some(due_at) = due_at.filter(|due_at| *due_at > account.time) {
            let timer = Timer::FollowUpDue { contact: contact.to_owned(), follow_up: record.clone().into_owned() };
            timers::set(account, due_at, &keys::join(&[contact, &record]), timer);
        }
    }
    if family == Family::Deal {
        deals::know(account, &record, contact);
    }
    account.touch(Dirty::Relationship { contact });
}

/// A follow-up should have been completed by now.
pub fn follow_up_due(account: &mut Account<'_>, contact: &str, follow_up: &str) {
    let contact = endings::resolve(account, contact);
    let now = account.time;
    let Some(row) = account.state.get_mut::<RelationshipRow>(&keys::join(&[account.id, &contact])) else { return };
    let Some(item) = row.follow_ups.get_mut(follow_up) else { return };
    if item.state == SCHEDULED && item.due_at.is_some_and(|due_at| due_at <= now) {
        item.overdue = true;
        account.touch(Dirty::Relationship { contact: &contact });
    }
}

/// Publishes a contact's relationship as it stands; a tombstone if nothing is left of it.
pub fn publish(account: &mut Account<'_>, contact: &str) {
    let row = account.state.get::<RelationshipRow>(&keys::join(&[account.id, contact])).cloned();
    let open = desk::open(account, contact);
    if row.is_none() && open.is_empty() {
        let key = keys::join(&[account.id, contact]);
        account.out.tombstone(Topic::Relationships, Route::Key, &key, account.logged_at);
        return;
    }
    let mut row = row.unwrap_or_default();
    let owner = owners::of(account, contact);
    for (deal, item) in &mut row.deals {
        item.owner = deals::owner_for(account, deal, contact).or(owner.clone());
    }
    for item in row.follow_ups.values_mut().chain(row.proposals.values_mut()) {
        item.owner = owner.clone();
    }
    let (mut conversations, mut comments) = (BTreeMap::new(), BTreeMap::new());
    for (kind, item) in open {
        let Some(row) = items::row(account, kind, &item) else { continue };
        let open = OpenItem { rep: row.rep, channel: row.channel, opened_at: row.opened_at };
        let of_kind = if kind == Kind::Comment { &mut comments } else { &mut conversations };
        of_kind.insert(item, open);
    }
    let account_id = account.id;
    account.emit(&Output::Relationship(outputs::Relationship {
        account: account_id,
        contact,
        deals: &row.deals,
        follow_ups: &row.follow_ups,
        proposals: &row.proposals,
        conversations: &conversations,
        comments: &comments,
    }));
}

/// Deletes the records of a contact.
pub fn delete(account: &mut Account<'_>, contact: &str) {
    for deal in deals(account, contact) {
        if deals::contact(account, &deal).as_deref() == Some(contact) {
            deals::delete(account, &deal);
        }
    }
    if exists(account, contact) {
        account.state.delete::<RelationshipRow>(&keys::join(&[account.id, contact]));
        account.touch(Dirty::Relationship { contact });
    }
}

/// Moves the records of a contact to another contact.
pub fn merge(account: &mut Account<'_>, from: &str, into: &str) {
    let from_key = keys::join(&[account.id, from]);
    if let Some(moved) = account.state.get::<RelationshipRow>(&from_key).cloned() {
        for deal in moved.deals.keys() {
            if deals::contact(account, deal).as_deref() == Some(from) {
                deals::know(account, deal, into);
            }
        }
        account.state.delete::<RelationshipRow>(&from_key);
        let row = account.state.entry::<RelationshipRow>(&keys::join(&[account.id, into]), RelationshipRow::default);
        for (to, from) in
            [(&mut row.deals, moved.deals), (&mut row.follow_ups, moved.follow_ups), (&mut row.proposals, moved.proposals)]
        {
            for (record, item) in from {
                if to.get(&record).is_none_or(|known| known.updated_at < item.updated_at) {
                    to.insert(record, item);
                }
            }
        }
    }
    for contact in [from, into] {
        account.touch(Dirty::Relationship { contact });
    }
}
