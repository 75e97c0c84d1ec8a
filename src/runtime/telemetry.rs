//! Logging, to standard error.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use super::settings::{LogFormat, Telemetry};

/// Starts logging. `RUST_LOG` wins over the settings. A second call does nothing.
pub fn start(settings: &Telemetry) {
    let filter = EnvFilter::try_from_default_env()
        .or_else(|_| EnvFilter::try_new(&settings.log_level))
        .unwrap_or_else(|_| EnvFilter::new("info"));
    let base = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match settings.log_format {
        LogFormat::Json => base.json().flatten_event(true).try_init(),
        LogFormat::Text => base.with_target(false).try_init(),
    };
    if let Err(error) = started {
        tracing::debug!(%error, "logging was started before");
    }
}
