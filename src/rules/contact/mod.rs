//! The rules of the contact stage: identity, the catalog's judgement, score, timeline, segments; erasure and merges;
//! retention and inactivity; and what of an event the account stage needs to see.
//!
//! All that an event reads and changes is one row, [`ContactRow`].

mod apply;
mod compiled;
mod contacts;
mod dedup;
mod erase;
mod forward;
mod history;
mod identity;
pub mod inbox;
pub mod lead;
mod merge;
pub mod money;
mod row;
mod segments;
mod stamp;
mod timers;

pub use compiled::ContactRules;
pub use contacts::{Arrival, Contacts, Place};
pub use row::ContactRow;
pub use timers::Next;

#[cfg(test)]
mod tests;
