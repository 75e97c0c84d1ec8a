//! Scorekeeper: product events in; lead scores, leaderboards, goals and commissions out.
//!
//! The folders, in the order in which data flows through them:
//!
//! - [`events`]: the closed types that everything speaks;
//! - [`decode`]: bytes and headers → an event, a command, or a rejection;
//! - [`rulebook`]: YAML → validated, compiled, versioned rules;
//! - [`rules`]: the rules themselves, `contact` and `account`, one file each;
//! - [`state`]: tables, rows, and the overlay of what a batch has changed;
//! - [`outputs`]: what comes out, as topic, key and bytes;
//! - [`engine`]: a batch of records through a stage: apply, seal, commit.
//!
//! So far everything is pure: no clock, no randomness, no I/O. With the feature `runtime`:
//!
//! - [`runtime`]: settings, the loop, the logs, the store;
//! - [`cli`]: one file a command.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]

#[cfg(feature = "runtime")]
pub mod cli;
pub mod decode;
pub mod engine;
pub mod events;
pub mod outputs;
pub mod rulebook;
pub mod rules;
#[cfg(feature = "runtime")]
pub mod runtime;
pub mod state;
