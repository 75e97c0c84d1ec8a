//! `scorekeeper test`: the unit tests written beside rules.

use std::path::{Path, PathBuf};

use super::{Exit, Failure, Format, rules};
use crate::engine::case::Case;
use crate::rulebook::RuleSet;

/// Run the unit tests written beside rules: files named `*.test.yaml`, with `given` events and `expect`ed outputs.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  scorekeeper test config/packs\n\nA test without `rules` of its own, acme.test.yaml, tests the rules in acme.yaml beside it."
)]
pub struct Args {
    /// Test files, or folders of them.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
}

pub fn run(args: &Args, format: Format) -> Result<Exit, Failure> {
    let (mut passed, mut failed) = (0, Vec::new());
    for path in rules::files(&args.paths, Exit::Data, rules::is_test)? {
        for (name, wrong) in run_file(&path)? {
            if wrong.is_empty() {
                passed += 1;
                continue;
            }
            if format == Format::Text {
                println!("FAIL {name}");
                wrong.iter().for_each(|line| println!("    {line}"));
            }
            failed.push(serde_json::json!({ "test": name, "wrong": wrong }));
        }
    }
    match format {
        Format::Json => println!("{}", serde_json::json!({ "passed": passed, "failed": failed })),
        Format::Text => println!("{passed} passed, {} failed", failed.len()),
    }
    if passed == 0 && failed.is_empty() {
        return Err(Failure::new(Exit::Usage, "no tests found: they are files named *.test.yaml"));
    }
    Ok(if failed.is_empty() { Exit::Success } else { Exit::Found })
}

/// Runs the cases of a file: the name of each, and what was not as expected.
fn run_file(path: &Path) -> Result<Vec<(String, Vec<String>)>, Failure> {
    let wrong = |error: &dyn std::fmt::Display| Failure::new(Exit::Data, format!("{}: {error}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
    let cases: Vec<Case> = serde_saphyr::from_multiple(&text).map_err(|error| wrong(&error))?;
    let mut results = Vec::new();
    for (i, case) in cases.into_iter().enumerate() {
        let rules = match case.own_rules() {
            Some(texts) => {
                let name = path.display().to_string();
                RuleSet::load(texts.into_iter().map(|text| (name.clone(), text)))
                    .map_err(|errors| Failure::new(Exit::Config, errors))?
            }
            None => rules::load(&[PathBuf::from(path.to_string_lossy().replace(".test.yaml", ".yaml"))])?,
        };
        let name = case.name.clone().unwrap_or_else(|| format!("{}", i + 1));
        results.push((format!("{}: {name}", path.display()), case.run(rules)));
    }
    Ok(results)
}
