//! `track` calls of Segment and RudderStack.

use std::borrow::Cow;

use serde::Deserialize;

use super::cloudevents::attribute_time;
use super::{Members, Rejection, account, json, optional, required};
use crate::engine::Limits;
use crate::events::{Data, Event};

/// The source of every track call.
pub const SOURCE: &str = "segment";

pub fn is_track(members: &Members<'_>) -> bool {
    members.kind.and_then(json::text).is_some_and(|kind| kind == "track")
}

/// What is looked for below `context` and `properties`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Below {
    #[serde(rename = "groupId")]
    group_id: Option<serde_json::Value>,
    actor: Option<serde_json::Value>,
}

fn below(object: Option<&str>) -> Below {
    object.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

fn as_text(value: Option<serde_json::Value>) -> Option<String> {
    value.as_ref().and_then(serde_json::Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// A call whose members are known. Its event is renamed by the mapping; one that the mapping does not have is the type as it
/// is.
pub fn read<'a>(members: &Members<'a>, limits: &Limits) -> Result<Event<'a>, Rejection> {
    let event = required("event", members.event)?;
    let contact = match optional("userId", members.user_id)? {
        Some(user) => Some(user),
        None => optional("anonymousId", members.anonymous_id)?,
    };
    Ok(Event {
        id: required("messageId", members.message_id)?,
        source: Cow::Borrowed(SOURCE),
        kind: limits.segment_types.get(event.as_ref()).cloned().map_or(event, Cow::Owned),
        time: attribute_time(members.timestamp)?,
        account: account(as_text(below(members.context).group_id).map(Cow::Owned), limits)?,
        contact,
        actor: as_text(below(members.properties).actor).map(Cow::Owned),
        data: Data::new(members.properties.unwrap_or_default()),
        digest: members.digest,
    })
}
