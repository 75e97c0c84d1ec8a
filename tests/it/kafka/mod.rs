//! The real program on a real broker. The tests start one broker between them on a free port, and wipe it when they end.

mod harness;
mod logs;
mod races;
mod runs;
