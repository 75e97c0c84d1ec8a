//! `contact-inbox`: what one partition of the contact stage hands to another when contacts are merged.

use serde::{Deserialize, Serialize};

use super::row::{Bytes, Mark};
use crate::events::{Original, Timestamp};
use crate::outputs::{self, Outbox, Route, Topic};

/// A record of `contact-inbox`. Those for one contact arrive in the order in which they were sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Record<'a> {
    /// The state of a contact that was merged away.
    Merge(Handoff),
    /// An event for a contact that was merged away, as it came.
    Event {
        /// The contact that stays.
        contact: String,
        hops: u8,
        #[serde(borrow)]
        original: Original<'a>,
    },
}

/// The state of a contact that was merged away, or a part of it: the last parts of a long timeline come in records of their
/// own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Handoff {
    pub account: String,
    pub ends: String,
    pub into: String,
    /// When they were merged, and the log's timestamp of the record that said so.
    pub time: Timestamp,
    pub logged: Timestamp,
    pub entries: Bytes,
    pub identities: Bytes,
    pub marks: Vec<Mark>,
    pub carried: Vec<super::row::Carried>,
    pub absorbed: Vec<u64>,
    pub last_seen: Option<Timestamp>,
    pub hops: u8,
}

const FORMAT: u8 = 1;

/// Sends a record to the partition of a contact's key.
pub fn send(record: &Record<'_>, key: &str, logged: Timestamp, out: &mut Outbox) {
    // postcard only fails where a type cannot be serialized at all, and these all can
    let value = postcard::to_extend(record, vec![FORMAT]).unwrap_or_default();
    out.push_raw(outputs::Record {
        topic: Topic::ContactInbox,
        route: Route::Key,
        timestamp: logged,
        key: key.as_bytes(),
        value: Some(&value),
        headers: &[],
    });
}

/// Reads a record; `None` for anything else.
pub fn read(bytes: &[u8]) -> Option<Record<'_>> {
    match bytes.split_first() {
        Some((&FORMAT, rest)) => postcard::from_bytes(rest).ok(),
        _ => None,
    }
}
