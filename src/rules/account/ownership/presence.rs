//! Presence: who is online. Before any presence event a rep is offline.

use serde::{Deserialize, Serialize};

use super::super::Account;
use super::super::event::AccountEvent;
use crate::events::{Timestamp, keys};
use crate::state::{Row, Table};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct PresenceRow {
    online: bool,
    at: Timestamp,
}

impl Row for PresenceRow {
    const TABLE: Table = Table::Presence;
}

pub fn is_online(account: &mut Account<'_>, rep: &str) -> bool {
    account.state.get::<PresenceRow>(&keys::join(&[account.id, rep])).is_some_and(|row| row.online)
}

/// Takes `rep.online` or `rep.offline`, about the actor. True if somebody came online who was not.
pub fn on_event(account: &mut Account<'_>, event: &AccountEvent<'_>) -> bool {
    let (online, at) = (event.stamped.kind == "rep.online", event.stamped.time);
    let named = event.data.text_at("rep");
    let Some(rep) = event.stamped.actor.or(named.as_deref()) else { return false };
    let key = keys::join(&[account.id, rep]);
    let before = account.state.get::<PresenceRow>(&key).cloned();
    if before.as_ref().is_some_and(|row| row.at > at) {
        return false;
    }
    account.state.put(&key, PresenceRow { online, at });
    online && !before.is_some_and(|row| row.online)
}
