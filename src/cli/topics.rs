//! `scorekeeper topics`: the files of `topics/` against the cluster.

use std::path::PathBuf;

use super::{Exit, Failure, Format};
use crate::runtime::settings::Settings;
use crate::runtime::topics::{Cluster, Step, read};

/// Compare the topics with their files, or make them so.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  scorekeeper topics apply --partitions 4 --replication-factor 1")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
    /// The settings: where the cluster is, and the topics' prefix.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder of topic files.
    #[arg(long, global = true, value_name = "DIR", default_value = "topics")]
    dir: PathBuf,
    /// Partitions of every topic, instead of what the files say.
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    partitions: Option<u32>,
    /// Replicas of every topic, instead of what the files say.
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    replication_factor: Option<u32>,
}

#[derive(Clone, Copy, Debug, clap::Subcommand)]
enum Action {
    /// Print what `apply` would do.
    Plan,
    /// Create what is missing and change what differs. A changed partition count is refused.
    Apply,
    /// As plan, but exit with 1 if anything differs.
    Check,
}

pub fn run(args: &Args, format: Format) -> Result<Exit, Failure> {
    let settings = Settings::load(args.config.as_deref()).map_err(|error| Failure::new(Exit::Config, error))?;
    let wanted = read(&args.dir, args.partitions, args.replication_factor)?;
    let cluster = Cluster::connect(&settings.kafka)?;
    let steps = match args.action {
        Action::Plan | Action::Check => cluster.plan(&wanted)?,
        Action::Apply => cluster.apply(&wanted)?,
    };
    print(&steps, format)?;
    let refused = steps.iter().any(|step| matches!(step, Step::Refuse { .. }));
    Ok(match args.action {
        Action::Check if !steps.is_empty() => Exit::Found,
        Action::Plan if refused => Exit::Found,
        _ => Exit::Success,
    })
}

fn print(steps: &[Step], format: Format) -> Result<(), Failure> {
    match format {
        Format::Json => {
            println!("{}", serde_json::to_string(steps).map_err(|error| Failure::new(Exit::Software, error))?);
        }
        Format::Text if steps.is_empty() => println!("the topics are as their files say"),
        Format::Text => steps.iter().for_each(|step| println!("{step}")),
    }
    Ok(())
}
