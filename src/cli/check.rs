//! `scorekeeper check`: validates rule files.

use std::path::PathBuf;

use super::{Exit, Failure, Format, rules};

/// Validate rule files: every error at once, with file, line, column and an excerpt.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  scorekeeper check config/rules")]
pub struct Args {
    /// Rule files, or folders of them.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
}

pub fn run(args: &Args, format: Format) -> Result<Exit, Failure> {
    match rules::load(&args.paths) {
        Ok(rules) => {
            let versions: Vec<(&str, usize)> =
                rules.accounts().map(|(account, rules)| (account, rules.versions().len())).collect();
            if format == Format::Json {
                let accounts: serde_json::Map<_, _> = versions.iter().map(|(a, n)| ((*a).to_owned(), (*n).into())).collect();
                println!("{}", serde_json::json!({ "valid": true, "versions": accounts }));
            } else {
                for (account, versions) in versions {
                    println!("{account}: {versions} version{}, valid", if versions == 1 { "" } else { "s" });
                }
            }
            Ok(Exit::Success)
        }
        Err(failure) => {
            eprintln!("{failure}");
            Ok(Exit::Found)
        }
    }
}
