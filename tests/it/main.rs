//! Integration tests, in one binary.

// broker tests wait, with a limit
#![allow(clippy::disallowed_methods)]

mod cdnow;
mod cli;
mod examples;
mod golden;
mod kafka;
mod rules;
mod simulator;
mod transfers;
