//! What touches the world: settings, the loop, the two logs, the store, metrics, the admin listener.
//!
//! - [`clock`]: the wall clock and time that passes;
//! - [`settings`]: one file and the environment;
//! - [`log`]: where records come from and go to, Kafka or a directory, behind one interface;
//! - [`store`]: the state of tasks on disk, a cache that the changelog can rebuild;
//! - [`worker`]: the loop: poll, apply, seal, commit;
//! - [`service`]: threads, restarts, shutdown, `--stop-at-end`;
//! - [`rules`]: rules from their topic;
//! - [`metrics`] and [`admin`]: what an operator sees;
//! - [`topics`]: `topics/*.yaml` against the cluster;
//! - [`failpoint`]: where tests have the process killed.

// clocks, and the end of the process, are this folder's business
#![allow(clippy::disallowed_methods)]

pub mod admin;
pub mod clock;
pub mod failpoint;
pub mod log;
pub mod metrics;
pub mod rules;
pub mod service;
pub mod settings;
pub mod store;
pub mod telemetry;
pub mod topics;
pub mod worker;

use std::fs::{File, TryLockError};
use std::io;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::events::Timestamp;

/// The wall clock.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(since.as_millis() as i64)
}

/// Takes a lock file for this process. One that was just killed may take a moment to let it go.
fn lock(file: &File) -> io::Result<()> {
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if started.elapsed() > Duration::from_secs(3) => {
                return Err(io::Error::new(io::ErrorKind::ResourceBusy, "in use by another process"));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}
