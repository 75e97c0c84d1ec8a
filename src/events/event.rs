//! A product event, as the rules see it.

use std::borrow::Cow;
use std::cell::OnceCell;

use serde_json::Value;

use super::Timestamp;

/// A decoded product event or command. Texts borrow from the input where they can.
#[derive(Clone, Debug)]
pub struct Event<'a> {
    pub id: Cow<'a, str>,
    pub source: Cow<'a, str>,
    /// The event type, `payment.confirmed`.
    pub kind: Cow<'a, str>,
    /// When it happened, by its producer.
    pub time: Timestamp,
    pub account: Cow<'a, str>,
    /// The lead. `None`: the event touches the account stage only.
    pub contact: Option<Cow<'a, str>>,
    /// The rep who acted.
    pub actor: Option<Cow<'a, str>>,
    pub data: Data<'a>,
    /// A hash of the content: equal for contents that are equal as JSON, whatever the order of keys.
    pub digest: u64,
}

/// The `data` of an event: JSON text, parsed when a rule first looks into it.
#[derive(Clone, Debug)]
pub struct Data<'a> {
    text: Cow<'a, str>,
    parsed: OnceCell<Value>,
}

impl<'a> Data<'a> {
    /// From the text of a JSON object, already known to be valid; an empty text is an empty object.
    pub fn new(text: impl Into<Cow<'a, str>>) -> Data<'a> {
        Data { text: text.into(), parsed: OnceCell::new() }
    }

    /// The JSON text; empty for no data.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The parsed object; an empty one where there is none.
    pub fn value(&self) -> &Value {
        self.parsed.get_or_init(|| {
            let empty = || Value::Object(serde_json::Map::new());
            if self.text.is_empty() { empty() } else { serde_json::from_str(&self.text).unwrap_or_else(|_| empty()) }
        })
    }

    /// The value at a dotted path below `data`: `get("payment")`, `get("page.path")`.
    pub fn get(&self, path: &str) -> Option<&Value> {
        path.split('.').try_fold(self.value(), |value, part| value.get(part)).filter(|value| !value.is_null())
    }

    /// The text at a path; numbers as they were written.
    pub fn text_at(&self, path: &str) -> Option<Cow<'_, str>> {
        match self.get(path)? {
            Value::String(text) => Some(Cow::Borrowed(text)),
            Value::Number(number) => Some(Cow::Owned(number.to_string())),
            Value::Bool(flag) => Some(Cow::Borrowed(if *flag { "true" } else { "false" })),
            _ => None,
        }
    }
}
