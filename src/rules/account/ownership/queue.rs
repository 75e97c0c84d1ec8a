//! What waits for a rep: offered again, oldest first, when someone becomes eligible; announced when it waits too long.

use serde::{Deserialize, Serialize};

use super::super::Account;
use super::super::announcements::{self, News};
use super::super::timers::{self, Timer};
use super::items::{self, ItemRow, Kind};
use super::{assignment, new_contacts};
use crate::events::{Timestamp, keys};
use crate::outputs::Subject;
use crate::rulebook::AnnouncementKind;
use crate::state::{Row, Table};

/// That an item waits. The row's key says since when, so that they are in order of age.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct WaitingRow {}

impl Row for WaitingRow {
    const TABLE: Table = Table::Unassigned;
}

/// Conversations and comments wait in one line, new contacts in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Line {
    Items,
    Contacts,
}

impl Line {
    fn of(kind: Kind) -> Line {
        if kind == Kind::Contact { Line::Contacts } else { Line::Items }
    }

    fn name(self) -> &'static str {
        match self {
            Line::Items => "items",
            Line::Contacts => "contacts",
        }
    }
}

/// Has an item wait. It is offered again if its strategy found nobody; without a strategy it is there to be claimed. Either
/// way an alert is due.
pub fn wait(account: &mut Account<'_>, kind: Kind, item: &str, offered: bool) {
    let key = items::key(account, kind, item);
    let Some(row) = account.state.get_mut::<ItemRow>(&key) else { return };
    row.queued = offered;
    let since = row.opened_at;
    if offered {
        let key = place(account, kind, item, since);
        account.state.put(&key, WaitingRow {});
    }
    if let Some(unassigned) = account.book.ownership.unassigned {
        let timer = Timer::UnassignedAlert { kind: kind.name().to_owned(), item: item.to_owned() };
        timers::set(account, since.plus(unassigned.alert_after), &keys::join(&[kind.name(), item]), timer);
    }
}

/// Takes an item out of the line.
pub fn leave(account: &mut Account<'_>, kind: Kind, item: &str, since: Timestamp) {
    let key = place(account, kind, item, since);
    account.state.delete::<WaitingRow>(&key);
}

/// Offers up to `limit` of a line, from a key on, oldest first. Gives where to go on, if there is more.
pub fn offer(account: &mut Account<'_>, line: Line, at: Timestamp, from: &str, limit: usize) -> Option<String> {
    let prefix = format!("{}/", keys::join(&[account.id, line.name()]));
    let waiting = account.state.scan_from::<WaitingRow>(&prefix, from, limit);
    let next = (waiting.len() == limit).then(|| waiting.last().map(|(key, _)| format!("{key}\0"))).flatten();
    for (key, _) in waiting {
        let mut parts = keys::split(&key[prefix.len()..]).into_iter().skip(1);
        let (Some(kind), Some(item)) = (parts.next().and_then(|kind| Kind::from_name(&kind)), parts.next()) else { continue };
        match kind {
            Kind::Contact => new_contacts::offer(account, &item, at),
            _ => assignment::offer(account, kind, &item, at),
        };
    }
    next
}

/// Announces that an item still waits.
pub fn alert(account: &mut Account<'_>, kind: Kind, item: &str) {
    let (Some(rules), Some(row)) = (account.book.ownership.unassigned, items::row(account, kind, item)) else { return };
    let waits = row.rep.is_none() && row.closed_at.is_none() && !row.alerted;
    if !waits || row.opened_at.plus(rules.alert_after) > account.time {
        return;
    }
    let key = items::key(account, kind, item);
    if let Some(row) = account.state.get_mut::<ItemRow>(&key) {
        row.alerted = true;
    }
    let id = keys::join(&["unassigned", kind.name(), item, &row.opened_at.to_string()]);
    let at = account.time;
    announcements::announce(
        account,
        &News {
            id: &id,
            kind: AnnouncementKind::Unassigned,
            subject: Subject { kind: kind.name(), id: item },
            title: "Waiting for a rep",
            message: &row.reason,
            at,
        },
    );
}

fn place(account: &Account<'_>, kind: Kind, item: &str, since: Timestamp) -> String {
    keys::join(&[account.id, Line::of(kind).name(), &timers::sortable(since.0), kind.name(), item])
}
