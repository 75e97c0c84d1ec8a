//! `scorekeeper completions`: shell completions.

use clap::CommandFactory;

use super::{Cli, Exit, Failure};

/// Print the completions of a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  scorekeeper completions bash > /etc/bash_completion.d/scorekeeper")]
pub struct Args {
    shell: clap_complete::Shell,
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    clap_complete::generate(args.shell, &mut Cli::command(), "scorekeeper", &mut std::io::stdout());
    Ok(Exit::Success)
}
