//! Rules: YAML in, validated and compiled versions of each account's rules out.

mod condition;
mod model;
pub mod values;
mod versions;

pub use condition::EventContext;
pub use model::*;
pub use versions::{AccountRules, RuleSet, Rulebook};
