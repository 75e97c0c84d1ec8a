//! The command line: one file a command.

// progress is shown by the clock
#![allow(clippy::disallowed_methods)]

mod check;
mod completions;
mod demo;
mod exit;
mod generate;
mod packs;
mod rule_versions;
mod rules;
mod run;
mod schema;
mod score;
mod simulate;
mod test;
mod topics;

use clap::{Parser, Subcommand, ValueEnum};

pub use exit::{Exit, Failure};

/// Product events in; lead scores, leaderboards, goals and commissions out, exactly once.
#[derive(Debug, Parser)]
#[command(name = "scorekeeper", version, arg_required_else_help = true)]
struct Cli {
    /// How log lines are written, to standard error.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    log_format: Format,
    /// How data is printed, to standard output.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    output_format: Format,
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// See it work: a live sales floor in one process, nothing to set up.
    Demo(demo::Args),
    /// Run the service: read events, keep scores, write outputs.
    Run(run::Args),
    /// Score a file of events, offline and deterministically.
    Score(score::Args),
    /// Validate rule files: every error at once, with its place.
    Check(check::Args),
    /// Run the unit tests written beside rules.
    Test(test::Args),
    /// Simulate a commission statement.
    Simulate(simulate::Args),
    /// Publish versions of accounts' rules, and list them.
    Rules(rule_versions::Args),
    /// Compare the topics with their files, or make them so.
    Topics(topics::Args),
    /// Complete rule files for a trade, to start from.
    Packs(packs::Args),
    /// Write seeded sample events.
    Generate(generate::Args),
    /// Print a JSON Schema.
    Schema(schema::Args),
    /// Print shell completions.
    Completions(completions::Args),
}

/// Runs the command line and gives the exit code (those of sysexits: 64 usage, 65 data, 69 unavailable, 78 configuration).
pub fn main() -> std::process::ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Success.into() };
        }
    };
    let result = match cli.command {
        Command::Demo(args) => demo::run(&args),
        Command::Run(args) => run::run(&args, cli.log_format),
        Command::Rules(args) => rule_versions::run(&args, cli.output_format),
        Command::Topics(args) => topics::run(&args, cli.output_format),
        Command::Score(args) => score::run(&args, cli.output_format),
        Command::Check(args) => check::run(&args, cli.output_format),
        Command::Test(args) => test::run(&args, cli.output_format),
        Command::Simulate(args) => simulate::run(&args, cli.output_format),
        Command::Packs(args) => packs::run(&args, cli.output_format),
        Command::Generate(args) => generate::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Completions(args) => completions::run(&args),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprintln!("{failure}");
            failure.exit.into()
        }
    }
}
