//! Dead letters: what was rejected, as it came, with the reason in its headers.

use std::borrow::Cow;

use super::{Headers, Outbox, Record, Route, Topic};
use crate::decode::Reason;
use crate::events::Original;

/// Adds a dead letter: the original key, value, headers and timestamp, and `__connect.errors.…` headers that say why.
pub fn dead_letter(out: &mut Outbox, original: &Original<'_>, stage: &'static str, reason: Reason, message: &str) {
    let own = original.headers.iter().map(|(name, value)| (Cow::Owned((*name).to_owned()), value.to_vec()));
    let mut headers: Headers = own.collect();
    let mut add = |name: &'static str, value: &str| headers.push((Cow::Borrowed(name), value.as_bytes().to_vec()));
    add("__connect.errors.topic", original.topic);
    add("__connect.errors.partition", &original.partition.to_string());
    add("__connect.errors.offset", &original.offset.to_string());
    add("__connect.errors.stage", stage);
    add("__connect.errors.exception.class.name", reason.name());
    add("__connect.errors.exception.message", message);
    out.push_raw(Record {
        topic: Topic::DeadLetters,
        route: Route::Key,
        timestamp: original.timestamp,
        key: original.key.unwrap_or_default(),
        value: original.value,
        headers: &headers,
    });
}
