//! The golden cases under `tests/cases`: rules and events in, the output records of `score` out, each with its worked figures.

use std::path::{Path, PathBuf};

use scorekeeper::engine::case::Case;
use scorekeeper::rulebook::RuleSet;

fn case_files(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found.into_iter().flat_map(|path| if path.is_dir() { case_files(&path) } else { vec![path] }).collect()
}

#[test]
fn every_case_comes_out_as_written() {
    let (mut cases, mut wrong) = (0, Vec::new());
    for path in case_files(Path::new("tests/cases")) {
        let text = std::fs::read_to_string(&path).unwrap();
        let documents: Vec<Case> =
            serde_saphyr::from_multiple(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut rules_before = None;
        for (i, mut case) in documents.into_iter().enumerate() {
            // a case without rules has those of the case before it
            case.rules = case.rules.or(rules_before);
            rules_before = case.rules.clone();
            let name = format!("{} {}", path.display(), case.name.clone().unwrap_or_else(|| (i + 1).to_string()));
            let sources = case
                .own_rules()
                .expect("the first case of a file has its rules with it")
                .into_iter()
                .map(|text| (name.clone(), text));
            let rules = RuleSet::load(sources).unwrap_or_else(|errors| panic!("{errors}"));
            wrong.extend(case.run(rules).into_iter().map(|line| format!("{name}: {line}")));
            cases += 1;
        }
    }
    assert!(wrong.is_empty(), "{} of {cases} cases:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cases > 0);
}
