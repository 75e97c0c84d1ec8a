//! A batch of records through a stage: apply each, seal the batch, commit. Live, `score`, the simulator and the tests all
//! drive the same two tasks, `ContactTask` and `AccountTask`.

mod contact_task;
mod counters;
mod rules_cache;
mod task;

pub use contact_task::ContactTask;
pub use counters::Counters;
pub use task::{Input, Limits, Publish, Task};
