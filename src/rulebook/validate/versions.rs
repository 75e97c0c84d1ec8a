//! What holds between the versions of one account's rules.

use std::collections::BTreeMap;

use super::place::Place;
use crate::events::Timestamp;
use crate::rulebook::parse::Parsed;
use crate::rulebook::source::{Problem, RuleError};

/// Checks the versions of each account against each other: no two from the same instant, and none that changes how its
/// periods and its money are counted.
pub fn check_versions(documents: &[Parsed], errors: &mut Vec<RuleError>) {
    let mut accounts: BTreeMap<&str, Vec<&Parsed>> = BTreeMap::new();
    for parsed in documents {
        accounts.entry(parsed.document.account.as_str()).or_default().push(parsed);
    }
    for (account, mut versions) in accounts {
        versions.sort_by_key(|version| version.document.effective_from.unwrap_or(Timestamp::MIN));
        for pair in versions.windows(2) {
            let [before, version] = pair else { continue };
            let mut report = |key: &str, message: String| {
                let place = Place::root(&version.root, &version.pruned);
                let place = if place.has(key) { place.key(key) } else { place.key("account") };
                errors.push(RuleError::new(Problem::new(message, place.span()), &version.file));
            };
            let (old, new) = (&before.document, &version.document);
            if old.effective_from == new.effective_from {
                let since = new.effective_from.map_or("without `effective_from`".to_owned(), |time| format!("from {time}"));
                report("effective_from", format!("account `{account}` has two versions {since}"));
            }
            for (key, same) in [
                ("timezone", old.timezone == new.timezone),
                ("week_starts", old.week_starts == new.week_starts),
                ("currency", old.currency == new.currency),
            ] {
                if !same {
                    report(key, format!("`{key}` never changes between the versions of an account"));
                }
            }
        }
    }
}
