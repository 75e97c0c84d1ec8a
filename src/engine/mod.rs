//! A batch of records through a stage: apply each, seal the batch, commit. Live, `score`, the simulator and the tests all
//! drive the same two tasks, [`ContactTask`] and [`AccountTask`].

mod account_task;
mod task;

pub use account_task::AccountTask;
pub use task::{Input, Limits, Publish, Task};
