//! Rules: YAML in, validated and compiled versions of each account's rules out.
//!
//! [`RuleSet::load`] is the way in: [`source`] reads texts into trees that know their places, [`parse`] reads these into the
//! [`model`], [`validate`] checks what only makes sense across keys, [`versions`] orders what stands.

mod condition;
mod draft;
mod model;
pub mod packs;
mod parse;
mod schema;
mod source;
#[cfg(test)]
mod tests;
mod validate;
pub mod values;
mod versions;

pub use condition::EventContext;
pub use draft::Draft;
pub use model::*;
pub use schema::schema;
pub use source::{RuleError, RuleErrors, SourceFile};
pub use versions::{AccountRules, RuleSet, Rulebook};
