//! Conditions in CEL: over an event (`type`, `source`, `id`, `time`, `account`, `contact`, `actor`, `data`) or over a score
//! (`score`, `groups`, `events`).

use cel::{Context, Value};

use super::values::Condition;
use crate::events::Data;

/// A compiled expression.
pub struct Program(cel::Program);

impl Program {
    pub(super) fn compile(source: &str) -> Result<Program, String> {
        cel::Program::compile(source).map(Program).map_err(|error| format!("condition {source:?}: {error}"))
    }
}

/// What a condition over an event can name.
#[derive(Clone, Copy, Debug)]
pub struct EventContext<'a> {
    pub kind: &'a str,
    pub source: &'a str,
    pub id: &'a str,
    pub contact: Option<&'a str>,
    pub actor: Option<&'a str>,
    pub data: &'a Data<'a>,
}

impl Condition {
    /// Whether it holds for an event. A condition that names a missing field, or gives no boolean, does not.
    pub fn holds_for_event(&self, event: &EventContext<'_>) -> bool {
        let mut context = Context::default();
        context.add_variable_from_value("type", event.kind);
        context.add_variable_from_value("source", event.source);
        context.add_variable_from_value("id", event.id);
        context.add_variable_from_value("contact", event.contact.unwrap_or_default());
        context.add_variable_from_value("actor", event.actor.unwrap_or_default());
        if context.add_variable("data", event.data.value()).is_err() {
            return false;
        }
        self.holds(&context)
    }

    /// Whether it holds for a contact's score. Every declared group is to be among `groups`.
    pub fn holds_for_score<'g>(&self, score: i64, groups: impl Iterator<Item = (&'g str, i64)>, events: u64) -> bool {
        let groups: std::collections::HashMap<String, i64> = groups.map(|(key, points)| (key.to_owned(), points)).collect();
        let mut context = Context::default();
        context.add_variable_from_value("score", score);
        context.add_variable_from_value("groups", groups);
        context.add_variable_from_value("events", i64::try_from(events).unwrap_or(i64::MAX));
        self.holds(&context)
    }

    fn holds(&self, context: &Context<'_, '_>) -> bool {
        matches!(self.program.0.execute(context), Ok(Value::Bool(true)))
    }
}
