//! Integration tests, in one binary.

mod cdnow;
mod cli;
mod examples;
mod golden;
mod kafka;
mod simulator;
