//! The variables of conditions, as CEL values.

use std::collections::HashMap;

use cel::common::types::{CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelTimestamp, CelUInt};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;
use serde_json::Value;

use super::EventContext;
use crate::events::Timestamp;

/// Texts are borrowed from the event; `data` is converted before the evaluation, if the condition names it.
pub struct EventVariables<'a> {
    kind: &'a str,
    source: &'a str,
    id: &'a str,
    time: Timestamp,
    account: &'a str,
    contact: Option<&'a str>,
    actor: Option<&'a str>,
    data: Option<Box<dyn Val + 'a>>,
}

impl<'a> EventVariables<'a> {
    pub fn new(event: &EventContext<'a>, data: Option<&'a Value>) -> EventVariables<'a> {
        let EventContext { kind, source, id, time, account, contact, actor, .. } = *event;
        EventVariables { kind, source, id, time, account, contact, actor, data: data.map(from_json) }
    }
}

impl VariableResolver for EventVariables<'_> {
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        let text = match name {
            "type" => self.kind,
            "source" => self.source,
            "id" => self.id,
            "account" => self.account,
            "contact" => self.contact?,
            "actor" => self.actor?,
            "data" => return self.data.as_deref().map(CowVal::Borrowed),
            "time" => {
                let time = chrono::DateTime::from_timestamp_millis(self.time.0)?;
                return Some(CowVal::owned(CelTimestamp::from(time.fixed_offset())));
            }
            _ => return None,
        };
        Some(CowVal::owned(CelString::from(text)))
    }
}

pub struct ScoreVariables<'a> {
    score: i64,
    groups: CelMap<'a>,
    events: i64,
}

impl<'a> ScoreVariables<'a> {
    pub fn new(score: i64, groups: impl Iterator<Item = (&'a str, i64)>, events: u64) -> ScoreVariables<'a> {
        let groups: HashMap<_, _> = groups.map(|(key, points)| (CelMapKey::from(key), boxed(CelInt::from(points)))).collect();
        ScoreVariables { score, groups: groups.into(), events: i64::try_from(events).unwrap_or(i64::MAX) }
    }
}

impl VariableResolver for ScoreVariables<'_> {
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        match name {
            "score" => Some(CowVal::owned(CelInt::from(self.score))),
            "events" => Some(CowVal::owned(CelInt::from(self.events))),
            "groups" => Some(CowVal::Borrowed(&self.groups)),
            _ => None,
        }
    }
}

fn boxed<'a>(value: impl Val + 'a) -> Box<dyn Val + 'a> {
    Box::new(value)
}

/// JSON as CEL: whole numbers are `int` (beyond its range `uint`), others `double`.
fn from_json(value: &Value) -> Box<dyn Val + '_> {
    match value {
        Value::Null => boxed(CelNull),
        Value::Bool(flag) => boxed(CelBool::from(*flag)),
        Value::String(text) => boxed(CelString::from(text.as_str())),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(integer), _) => boxed(CelInt::from(integer)),
            (_, Some(integer)) => boxed(CelUInt::from(integer)),
            _ => boxed(CelDouble::from(number.as_f64().unwrap_or(f64::NAN))),
        },
        Value::Array(items) => boxed(CelList::from(items.iter().map(from_json).collect::<Vec<_>>())),
        Value::Object(entries) => {
            let entries = entries.iter().map(|(key, value)| (CelMapKey::from(key.as_str()), from_json(value)));
            boxed(CelMap::from(entries.collect::<HashMap<_, _>>()))
        }
    }
}
