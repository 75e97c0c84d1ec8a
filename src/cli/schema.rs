//! `scorekeeper schema`: JSON Schemas of what is read and written.

use clap::ValueEnum;

use super::{Exit, Failure};
use crate::{events, outputs, rulebook};

/// Print a JSON Schema.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  scorekeeper schema rules > rules.schema.json")]
pub struct Args {
    of: Of,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Of {
    /// A rule document; the defaults are in it.
    Rules,
    /// The settings file.
    Config,
    /// A product event or command.
    Events,
    /// The value of every output topic.
    Outputs,
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    let schema = match args.of {
        Of::Rules => rulebook::schema(),
        Of::Config => crate::runtime::settings::schema(),
        Of::Events => events::schema(),
        Of::Outputs => outputs::schema(),
    };
    println!("{schema:#}");
    Ok(Exit::Success)
}
