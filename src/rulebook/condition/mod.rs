//! Conditions in CEL: over an event (`type`, `source`, `id`, `time`, `account`, `contact`, `actor`, `data`) or over a score
//! (`score`, `groups`, `events`).
//!
//! They are compiled once, when rules are loaded. The functions of CEL are shared by all evaluations of a thread; the
//! variables are made when an expression asks for them.

mod names;
mod variables;

use cel::common::types::CelBool;
use cel::{Context, Value};

use super::values::Condition;
use crate::events::{Data, Timestamp};
use names::Names;
pub(super) use names::{EVENT_NAMES, SCORE_NAMES};
use variables::{EventVariables, ScoreVariables};

/// A compiled expression.
pub struct Program {
    program: cel::Program,
    names: Names,
}

/// Longer expressions are refused: nobody could read them, and the parser's work grows with them.
const MAX_LENGTH: usize = 4096;

impl Program {
    pub(super) fn compile(source: &str) -> Result<Program, String> {
        if source.len() > MAX_LENGTH {
            return Err(format!("a condition has at most {MAX_LENGTH} characters"));
        }
        let program = cel::Program::compile(source).map_err(|errors| {
            let first = errors.errors.first();
            // after "expecting" the parser lists its tokens
            let message = first.and_then(|error| error.msg.split(" expecting ").next()).unwrap_or("it cannot be read");
            let column = first.map_or(1, |error| error.pos.1);
            format!("condition {source:?}, column {column}: {message}")
        })?;
        let names = Names::of(program.expression());
        match names.unknown_function() {
            Some(name) => Err(format!("condition {source:?}: there is no function `{name}`")),
            None => Ok(Program { program, names }),
        }
    }

    /// The variables it names, each once, in alphabetical order.
    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        self.names.variables.iter().map(String::as_str)
    }

    /// The keys of `groups` it names, each once.
    pub(super) fn groups(&self) -> impl Iterator<Item = &str> {
        self.names.groups.iter().map(String::as_str)
    }

    fn uses(&self, variable: &str) -> bool {
        self.names.variables.contains(variable)
    }

    fn holds(&self, variables: &dyn cel::context::VariableResolver) -> bool {
        thread_local! {
            static FUNCTIONS: Context<'static, 'static> = Context::default();
        }
        FUNCTIONS.with(|functions| {
            let functions: &Context<'_, '_> = functions;
            let mut context = functions.new_inner_scope();
            context.set_variable_resolver(variables);
            let value = Value::resolve_val(self.program.expression(), &context);
            matches!(value.as_ref().map(|value| value.downcast_ref::<CelBool>()), Ok(Some(held)) if *held.inner())
        })
    }
}

/// What a condition over an event can name.
#[derive(Clone, Copy, Debug)]
pub struct EventContext<'a> {
    pub kind: &'a str,
    pub source: &'a str,
    pub id: &'a str,
    pub time: Timestamp,
    pub account: &'a str,
    pub contact: Option<&'a str>,
    pub actor: Option<&'a str>,
    pub data: &'a Data<'a>,
}

impl Condition {
    /// Whether it holds for an event. A condition that fails, such as one that names a missing field, or gives no boolean,
    /// does not. As always in CEL, what `||` and `&&` can decide without a failing side is decided.
    pub fn holds_for_event(&self, event: &EventContext<'_>) -> bool {
        let data = self.program.uses("data").then(|| event.data.value());
        self.program.holds(&EventVariables::new(event, data))
    }

    /// Whether it holds for a contact's score. Every declared group is to be among `groups`.
    pub fn holds_for_score<'g>(&self, score: i64, groups: impl Iterator<Item = (&'g str, i64)>, events: u64) -> bool {
        let uses_groups = self.program.uses("groups");
        self.program.holds(&ScoreVariables::new(score, groups.filter(|_| uses_groups), events))
    }
}

#[cfg(test)]
mod tests;
