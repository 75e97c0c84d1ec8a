//! Bytes and headers → an event, a command, or a rejection. Total: it never panics, whatever the bytes.
//!
//! [`json`] walks a JSON text once: it checks it, hashes its content and cuts out the top-level members. What those members
//! are is told by `cloudevents` (structured and binary mode) and `segment` (Segment and RudderStack `track` calls).

mod cloudevents;
pub mod commands;
pub mod digest;
mod json;
mod rejection;
mod segment;
mod time;

use std::borrow::Cow;

pub use rejection::{Reason, Rejection};

use crate::engine::{Input, Limits};
use crate::events::{Event, Timestamp};
use crate::outputs::Topic;

/// What a record turned out to be.
#[derive(Clone, Debug)]
pub enum Decoded<'a> {
    Event(Event<'a>),
    Command(Event<'a>),
    /// A blank line.
    Nothing,
}

/// Reads a record of `product-events` or `commands`. Offline, commands stand among the events, blank lines are nothing, and
/// there is no log time to hold an event's time against.
pub fn decode<'a>(input: &Input<'a>, limits: &Limits, offline: bool) -> Result<Decoded<'a>, Rejection> {
    let value = input.value.unwrap_or_default();
    if value.len() > limits.max_event_bytes {
        let message = format!("{} bytes, and {} are allowed", value.len(), limits.max_event_bytes);
        return Err(Rejection::new(Reason::TooLarge, message));
    }
    let event = match cloudevents::Binary::recognise(input.headers) {
        Some(binary) => binary.read(value, limits)?,
        None if offline && value.trim_ascii().is_empty() => return Ok(Decoded::Nothing),
        None => structured(value, limits)?,
    };
    if let (false, Some(logged)) = (offline, input.timestamp)
        && event.time > logged.plus(limits.max_future)
    {
        let message = format!("{} lies too far after its log timestamp {logged}", event.time);
        return Err(Rejection::new(Reason::FromFuture, message));
    }
    let named_command = commands::is_command(&event.kind);
    match input.topic {
        Topic::Commands if named_command => Ok(Decoded::Command(event)),
        Topic::Commands => Err(Rejection::new(Reason::NotAnEvent, format!("{:?} is no command", event.kind))),
        // live, only who may write to `commands` may command
        _ if offline && named_command => Ok(Decoded::Command(event)),
        _ => Ok(Decoded::Event(event)),
    }
}

/// An event that is the record's value.
fn structured<'a>(value: &'a [u8], limits: &Limits) -> Result<Event<'a>, Rejection> {
    let text = utf8(value)?;
    let mut members = Members::default();
    let document = json::document(text, |name, value, hash| members.take(name, value, hash))?;
    if !document.is_object {
        return Err(Rejection::new(Reason::NotAnEvent, "the value is no JSON object"));
    }
    match members.specversion {
        Some("\"1.0\"") => cloudevents::read(&members, limits),
        Some(version) => Err(Rejection::new(Reason::NotAnEvent, format!("CloudEvents of version {version}"))),
        None if segment::is_track(&members) => segment::read(&members, limits),
        None => Err(Rejection::new(Reason::NotAnEvent, "neither a CloudEvent (no specversion) nor a track call")),
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, Rejection> {
    std::str::from_utf8(bytes).map_err(|error| Rejection::new(Reason::MalformedJson, format!("no UTF-8: {error}")))
}

/// The top-level members that some form of event knows, as JSON text, and the digest of all.
#[derive(Debug, Default)]
struct Members<'a> {
    specversion: Option<&'a str>,
    id: Option<&'a str>,
    source: Option<&'a str>,
    kind: Option<&'a str>,
    time: Option<&'a str>,
    account: Option<&'a str>,
    contact: Option<&'a str>,
    actor: Option<&'a str>,
    data: Option<&'a str>,
    // of track calls
    message_id: Option<&'a str>,
    event: Option<&'a str>,
    user_id: Option<&'a str>,
    anonymous_id: Option<&'a str>,
    context: Option<&'a str>,
    properties: Option<&'a str>,
    timestamp: Option<&'a str>,
    digest: u64,
}

impl<'a> Members<'a> {
    fn take(&mut self, name: &str, value: &'a str, hash: u64) {
        let place = match name {
            "specversion" => &mut self.specversion,
            "id" => &mut self.id,
            "source" => &mut self.source,
            "type" => &mut self.kind,
            "time" => &mut self.time,
            "account" => &mut self.account,
            "contact" => &mut self.contact,
            "actor" => &mut self.actor,
            "data" => &mut self.data,
            "messageId" => &mut self.message_id,
            "event" => &mut self.event,
            "userId" => &mut self.user_id,
            "anonymousId" => &mut self.anonymous_id,
            "context" => &mut self.context,
            "properties" => &mut self.properties,
            "timestamp" => &mut self.timestamp,
            // how and when it was carried is not what it says
            "datacontenttype" | "sentAt" | "receivedAt" => return,
            _ => {
                self.digest = self.digest.wrapping_add(hash);
                return;
            }
        };
        *place = (value != "null").then_some(value);
        self.digest = self.digest.wrapping_add(hash);
    }
}

/// A text that has to be there.
fn required<'a>(name: &str, value: Option<&'a str>) -> Result<Cow<'a, str>, Rejection> {
    optional(name, value)?.ok_or_else(|| missing(name))
}

/// A text, or none; an empty one is none.
fn optional<'a>(name: &str, value: Option<&'a str>) -> Result<Option<Cow<'a, str>>, Rejection> {
    let Some(value) = value else { return Ok(None) };
    match json::text(value) {
        Some(text) => Ok((!text.is_empty()).then_some(text)),
        None => Err(Rejection::new(Reason::MissingAttribute, format!("{name} is no text"))),
    }
}

fn missing(name: &str) -> Rejection {
    Rejection::new(Reason::MissingAttribute, format!("{name} is missing"))
}

fn account<'a>(found: Option<Cow<'a, str>>, limits: &Limits) -> Result<Cow<'a, str>, Rejection> {
    found.or_else(|| limits.default_account.clone().map(Cow::Owned)).ok_or_else(|| missing("account"))
}

fn instant(text: &str) -> Result<Timestamp, Rejection> {
    if let Some(time) = time::parse_utc(text) {
        return Ok(time);
    }
    Timestamp::parse(text).map_err(|error| Rejection::new(Reason::InvalidTime, error.to_string()))
}

#[cfg(test)]
mod tests;
