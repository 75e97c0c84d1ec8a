//! The program as processes on a real broker, which the tests start.

mod answers;
mod broker;
mod disk;
mod failpoints;
mod harness;
mod invariants;
mod load;
mod logs;
mod mutations;
mod ownership;
mod processes;
mod proxy;
mod races;
mod recreated;
mod rules;
mod runs;
mod zombies;
