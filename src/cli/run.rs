//! `scorekeeper run`: the service.

use std::path::PathBuf;

use super::{Exit, Failure, Format, rules};
use crate::runtime::log::LogError;
use crate::runtime::settings::{LogFormat, Settings};
use crate::runtime::{service, telemetry};

/// Run the service: read events, keep scores, write outputs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  scorekeeper run --config config/scorekeeper.toml")]
pub struct Args {
    /// The settings. The environment (SCOREKEEPER__SECTION__KEY) wins over the file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Process what the inputs hold now, through both stages, print one line of JSON, and end.
    #[arg(long)]
    stop_at_end: bool,
}

pub fn run(args: &Args, log_format: Format) -> Result<Exit, Failure> {
    let mut settings = Settings::load(args.config.as_deref()).map_err(|error| Failure::new(Exit::Config, error))?;
    if log_format == Format::Json {
        settings.telemetry.log_format = LogFormat::Json;
    }
    telemetry::start(&settings.telemetry);
    let rules = match &settings.rules.dir {
        Some(dir) => Some(rules::load(std::slice::from_ref(dir))?),
        None if settings.rules.topic => None,
        None => return Err(Failure::new(Exit::Config, "no rules: set rules.dir, or rules.topic")),
    };
    let log = service::open_log(&settings, args.stop_at_end)?;
    let context = service::prepare(settings, log, rules, args.stop_at_end)?;
    service::stop_on_signals(&context)?;
    let summary = service::run(context)?;
    if args.stop_at_end {
        println!("{}", serde_json::to_string(&summary).map_err(|error| Failure::new(Exit::Software, error))?);
    }
    Ok(Exit::Success)
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Failure {
        let exit = match error {
            LogError::Fatal(_) => Exit::Config,
            LogError::Session(_) => Exit::Unavailable,
        };
        Failure::new(exit, error)
    }
}
