//! Goals over goals: tiers, accelerators, chains, collective rewards.
//!
//! A contribution to a metric adds to the value of every goal that measures by it, in the period that holds its time
//! ([`take`]). What that reaches is granted afterwards, once ([`settle`]). A refund lowers a value, and no grant.

mod chain;
mod ladder;
#[cfg(test)]
mod properties;
mod publish;
mod row;
mod settle;
mod take;
#[cfg(test)]
mod tests;

pub use publish::publish;
pub use row::GoalRow;
pub use settle::settle;
pub use take::{close, forget, take};
