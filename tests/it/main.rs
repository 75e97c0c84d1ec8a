//! Integration tests, in one binary.

mod cdnow;
mod cli;
mod golden;
mod simulator;
