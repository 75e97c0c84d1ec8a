//! A batch of records through a stage: apply each, seal the batch, commit. Live, `score`, the simulator and the tests all
//! drive the same two tasks, [`ContactTask`] and [`AccountTask`].

mod account_task;
pub mod case;
mod contact_task;
mod counters;
mod offline;
mod rules_cache;
mod task;

pub use account_task::AccountTask;
pub use contact_task::ContactTask;
pub use counters::Counters;
pub use offline::Offline;
pub use task::{Input, Limits, Publish, Task};
