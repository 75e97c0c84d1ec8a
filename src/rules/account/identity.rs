//! Identity of events without a contact: `(account, source, id)`. (Those with one are deduplicated by the contact stage.)

use serde::{Deserialize, Serialize};

use super::Account;
use super::timers::{self, Timer};
use crate::decode::Reason;
use crate::events::{StampedEvent, keys};
use crate::outputs::dead_letter;
use crate::state::{Row, Table};

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Identity {
    digest: u64,
}

impl Row for Identity {
    const TABLE: Table = Table::AccountIdentity;
}

/// Whether the event is the first of its identity. The same content again is nothing; other content is a dead letter.
pub fn is_new(account: &mut Account<'_>, event: &StampedEvent<'_>) -> bool {
    let key = keys::join(&[account.id, event.source, event.id]);
    if let Some(known) = account.state.get::<Identity>(&key) {
        if known.digest != event.digest
            && let Some(original) = &event.original
        {
            let message = format!("{}/{} was seen before with other content", event.source, event.id);
            dead_letter(account.out, original, "account", Reason::ConflictingDuplicate, &message);
        }
        return false;
    }
    account.state.put(&key, Identity { digest: event.digest });
    if let Some(until) = event.forget_at {
        timers::set(account, until, &key, Timer::IdentityForgotten { identity: key.clone() });
    }
    true
}

/// Forgets an identity.
pub fn forget(account: &mut Account<'_>, identity: &str) {
    account.state.delete::<Identity>(identity);
}
