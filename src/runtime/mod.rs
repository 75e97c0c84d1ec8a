//! What touches the world: settings, the loop, the two logs, the store, metrics, the admin listener.
//!
//! - [`settings`]: one file and the environment;
//! - [`log`]: where records come from and go to, Kafka or a directory, behind one interface;
//! - [`store`]: the state of tasks on disk, a cache that the changelog can rebuild;
//! - [`worker`]: the loop: poll, apply, seal, commit;
//! - [`service`]: threads, restarts, shutdown, `--stop-at-end`;
//! - [`rules`]: rules from their topic;
//! - [`metrics`] and [`admin`]: what an operator sees;
//! - [`topics`]: `topics/*.yaml` against the cluster.

pub mod admin;
pub mod log;
pub mod metrics;
pub mod rules;
pub mod service;
pub mod settings;
pub mod store;
pub mod telemetry;
pub mod topics;
pub mod worker;

use std::time::{SystemTime, UNIX_EPOCH};

use crate::events::Timestamp;

/// The wall clock.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(since.as_millis() as i64)
}
