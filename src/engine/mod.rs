//! A batch of records through a stage: apply each, seal the batch, commit. Live, `score`, the simulator and the tests all
//! drive the same two tasks, [`ContactTask`] and [`AccountTask`].

mod task;

pub use task::{Input, Limits, Publish, Task};
