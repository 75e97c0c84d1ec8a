//! Rule files from disk.

use std::path::{Path, PathBuf};

use super::{Exit, Failure};
use crate::rulebook::RuleSet;

/// The files under the given paths: files as they are, and of folders every file below them whose name is wanted, in the
/// order of their names.
pub fn files(paths: &[PathBuf], exit: Exit, wanted: fn(&str) -> bool) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for path in paths {
        let unreadable = |error: std::io::Error| Failure::new(exit, format!("{}: {error}", path.display()));
        if path.is_dir() {
            walk(path, wanted, &mut found).map_err(unreadable)?;
        } else {
            std::fs::metadata(path).map_err(unreadable)?;
            found.push(path.clone());
        }
    }
    Ok(found)
}

fn walk(folder: &Path, wanted: fn(&str) -> bool, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    entries.sort();
    for path in entries {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_dir() {
            walk(&path, wanted, found)?;
        } else if wanted(&name) {
            found.push(path);
        }
    }
    Ok(())
}

/// Rules, but not their tests.
fn is_rules(name: &str) -> bool {
    !is_test(name) && [".yaml", ".yml", ".json"].iter().any(|ending| name.ends_with(ending))
}

/// The tests written beside rules.
pub fn is_test(name: &str) -> bool {
    name.ends_with(".test.yaml")
}

/// Reads and validates all rules under the given paths.
pub fn load(paths: &[PathBuf]) -> Result<RuleSet, Failure> {
    let mut sources = Vec::new();
    for path in files(paths, Exit::Config, is_rules)? {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(&path).map_err(|error| Failure::new(Exit::Config, format!("{name}: {error}")))?;
        sources.push((name, text));
    }
    if sources.is_empty() {
        return Err(Failure::new(Exit::Config, "no rule files found"));
    }
    RuleSet::load(sources).map_err(|errors| Failure::new(Exit::Config, errors))
}
