//! The rules of the contact stage: identity, the catalog's judgement, score, timeline, segments; erasure and merges;
//! retention and inactivity; and what of an event the account stage needs to see.
//!
//! All that an event reads and changes is one row, [`ContactRow`].

pub mod apply;
pub mod compiled;
pub mod dedup;
pub mod forward;
pub mod identity;
pub mod lead;
pub mod money;
pub mod row;
pub mod segments;

pub use compiled::ContactRules;
pub use row::ContactRow;

#[cfg(test)]
mod tests;
