//! Conversations, comments, and new contacts that wait: who has each.

use serde::{Deserialize, Serialize};

use super::super::event::AccountEvent;
use super::super::publish::Dirty;
use super::super::timers::{self, Timer};
use super::super::{Account, roster};
use super::{assignment, desk, load, queue};
use crate::events::{Duration, Timestamp, keys};
use crate::outputs::{self, Output};
use crate::state::{Row, Table};

/// What can be assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    Conversation,
    Comment,
    /// A new contact. It is an item only as long as it waits; then it has an owner.
    Contact,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Conversation => "conversation",
            Kind::Comment => "comment",
            Kind::Contact => "contact",
        }
    }

    pub fn from_name(name: &str) -> Option<Kind> {
        [Kind::Conversation, Kind::Comment, Kind::Contact].into_iter().find(|kind| kind.name() == name)
    }
}

/// An item and who has it. A closed one is kept for a while, so that commands about it are answered rightly and it comes
/// back to its rep when it is opened again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ItemRow {
    pub contact: Option<String>,
    pub channel: Option<String>,
    /// Since when it is open; its place in the queue.
    pub opened_at: Timestamp,
    pub closed_at: Option<Timestamp>,
    pub rep: Option<String>,
    pub strategy: Option<String>,
    pub backup: bool,
    pub reason: String,
    pub assigned_at: Timestamp,
    /// It is in the queue of what is offered when someone becomes eligible.
    pub queued: bool,
    /// That it waits was announced.
    pub alerted: bool,
    /// Of a new contact: the event by which the rules judge it.
    pub traits: Option<Traits>,
}

impl Row for ItemRow {
    const TABLE: Table = Table::Item;
}

/// An event as the rules for new contacts see it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Traits {
    pub kind: String,
    pub source: String,
    pub id: String,
    pub actor: Option<String>,
    /// JSON text.
    pub data: String,
}

/// Who gets an item, and how it came about.
#[derive(Clone, Copy, Debug)]
pub struct Given<'g> {
    pub rep: Option<&'g str>,
    pub strategy: Option<&'g str>,
    pub backup: bool,
    pub reason: &'g str,
    pub at: Timestamp,
}

/// How long a closed item is remembered, in account time.
const MEMORY: Duration = Duration::days(30);

pub fn row(account: &mut Account<'_>, kind: Kind, item: &str) -> Option<ItemRow> {
    account.state.get::<ItemRow>(&key(account, kind, item)).cloned()
}

pub fn key(account: &Account<'_>, kind: Kind, item: &str) -> String {
    keys::join(&[account.id, kind.name(), item])
}

/// Takes an event of a conversation or comment: `opened` and `created` open it, `closed`, `archived` and `deleted` close it.
pub fn on_event(account: &mut Account<'_>, event: &AccountEvent<'_>, kind: Kind) {
    let Some(item) = event.data.text_at(kind.name()) else { return };
    let at = event.stamped.time;
    match event.stamped.kind.rsplit('.').next() {
        Some("opened" | "created") => open(account, event, kind, &item),
        Some("closed" | "archived") => close(account, kind, &item, at, false),
        Some("deleted") => close(account, kind, &item, at, true),
        _ => {}
    }
}

fn open(account: &mut Account<'_>, event: &AccountEvent<'_>, kind: Kind, item: &str) {
    let at = event.stamped.time;
    let contact = event.stamped.contact.map(str::to_owned);
    let channel = event.data.text_at("channel").map(|channel| channel.into_owned());
    let known = row(account, kind, item);
    let still_open = |row: &ItemRow| row.closed_at.is_none_or(|closed_at| closed_at > at);
    if known.as_ref().is_some_and(still_open) {
        return;
    }
    if let Some(contact) = &contact {
        desk::put(account, contact, kind, item);
        account.touch(Dirty::Relationship { contact });
    }
    let mut opened = known.unwrap_or_default();
    opened.closed_at = None;
    opened.opened_at = at;
    opened.contact = contact;
    opened.channel = channel.or(opened.channel);
    // a conversation that is opened again is still its rep's
    let rep = opened.rep.take().filter(|rep| roster::is_active(account, rep));
    let back = rep.is_some();
    if let Some(rep) = &rep {
        load::item_gained(account, rep);
    }
    opened.rep = rep;
    opened.alerted = false;
    let key = key(account, kind, item);
    account.state.put(&key, opened);
    if !back {
        assignment::assign(account, kind, item, at);
    }
}

fn close(account: &mut Account<'_>, kind: Kind, item: &str, at: Timestamp, deleted: bool) {
    let Some(row) = row(account, kind, item) else { return };
    let key = key(account, kind, item);
    if row.closed_at.is_none() {
        if at < row.opened_at && !deleted {
            return;
        }
        leave(account, kind, item, &row);
        if let Some(row) = account.state.get_mut::<ItemRow>(&key) {
            row.closed_at = Some(at);
            row.queued = false;
        }
        let forget_at = account.time.max(at).plus(MEMORY);
        let timer = Timer::ItemForgotten { kind: kind.name().to_owned(), item: item.to_owned() };
        timers::set(account, forget_at, &keys::join(&[kind.name(), item]), timer);
    }
    if deleted {
        account.state.delete::<ItemRow>(&key);
    }
}

/// What follows when an item is no longer open: queue, load and desk let it go.
pub fn leave(account: &mut Account<'_>, kind: Kind, item: &str, row: &ItemRow) {
    if row.queued {
        queue::leave(account, kind, item, row.opened_at);
    }
    if let Some(rep) = &row.rep {
        load::item_lost(account, rep);
    }
    if let Some(contact) = &row.contact {
        desk::take(account, contact, kind, item);
        account.touch(Dirty::Relationship { contact });
    }
}

/// Forgets an item that was closed long ago.
pub fn forget(account: &mut Account<'_>, kind: Kind, item: &str) {
    let Some(row) = row(account, kind, item) else { return };
    if row.closed_at.is_some_and(|closed_at| closed_at.plus(MEMORY) <= account.time) {
        let key = key(account, kind, item);
        account.state.delete::<ItemRow>(&key);
    }
}

/// Gives an item to a rep, or to nobody, and says so. A closed one is no load.
pub fn give(account: &mut Account<'_>, kind: Kind, item: &str, given: &Given<'_>) {
    let Some(before) = row(account, kind, item) else { return };
    let open = before.closed_at.is_none();
    if let Some(rep) = before.rep.as_ref().filter(|_| open) {
        load::item_lost(account, rep);
    }
    if let Some(rep) = given.rep.filter(|_| open) {
        load::item_gained(account, rep);
        if before.queued {
            queue::leave(account, kind, item, before.opened_at);
        }
    }
    let key = key(account, kind, item);
    if let Some(row) = account.state.get_mut::<ItemRow>(&key) {
        row.rep = given.rep.map(str::to_owned);
        row.strategy = given.strategy.map(str::to_owned);
        row.backup = given.backup;
        row.reason = given.reason.to_owned();
        row.assigned_at = given.at;
        row.queued &= given.rep.is_none();
    }
    if let Some(contact) = before.contact {
        account.touch(Dirty::Relationship { contact: &contact });
    }
    publish(account, kind, item);
}

/// Says who has an item.
pub fn publish(account: &mut Account<'_>, kind: Kind, item: &str) {
    let Some(row) = row(account, kind, item) else { return };
    let account_id = account.id;
    account.emit(&Output::Assignment(outputs::Assignment {
        account: account_id,
        kind: kind.name(),
        item,
        contact: row.contact.as_deref(),
        rep: row.rep.as_deref(),
        strategy: row.strategy.as_deref(),
        backup: row.backup,
        reason: &row.reason,
        at: row.assigned_at,
    }));
}
