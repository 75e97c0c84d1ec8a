//! What a document declares, by kind: what its references may name.

use std::collections::{BTreeMap, BTreeSet};

use super::place::Place;
use crate::rulebook::model::BadgeTier;

/// The declared names by kind. They are taken from the document as it was written, so that a reference to something that
/// is itself wrong is no second error.
pub struct Names<'a> {
    by_kind: BTreeMap<&'static str, BTreeSet<String>>,
    root: Place<'a>,
}

/// Kinds of things, where their lists are, and the key that names them.
const LISTS: &[(&str, &[&str], &str)] = &[
    ("group", &["groups"], "key"),
    ("team", &["teams"], "key"),
    ("rep", &["reps"], "id"),
    ("metric", &["metrics"], "key"),
    ("board", &["leaderboards"], "key"),
    ("contest", &["contests"], "key"),
    ("badge", &["badges"], "key"),
    ("prize", &["prizes"], "key"),
    ("goal", &["goals"], "key"),
    ("portfolio", &["ownership", "portfolios"], "key"),
];

/// Metrics that need no declaration.
pub const BUILT_IN_METRICS: [&str; 2] = ["xp", "coins_earned"];

impl<'a> Names<'a> {
    pub fn of(root: Place<'a>) -> Names<'a> {
        let mut by_kind = BTreeMap::new();
        for (kind, path, key) in LISTS {
            let list = path.iter().fold(root, |place, part| place.key(part));
            let names: BTreeSet<String> = list.items().filter_map(|item| item.text_of(key)).map(str::to_owned).collect();
            by_kind.insert(*kind, names);
        }
        let mut names = Names { by_kind, root };
        names.add("metric", BUILT_IN_METRICS.map(str::to_owned));
        names.add("league", root.key("leagues").key("order").items().filter_map(Place::text).map(str::to_owned));
        for goal in root.key("goals").items() {
            let Some(key) = goal.text_of("key") else { continue };
            let tiers = goal.key("tiers").items().filter_map(|tier| tier.text_of("key"));
            names.add("goal tier", tiers.map(|tier| format!("{key}/{tier}")));
        }
        for badge in root.key("badges").items() {
            let Some(key) = badge.text_of("key") else { continue };
            let tiers: Vec<&str> = badge.key("tiers").keys().collect();
            // without thresholds of its own a badge is only ever given, in any tier
            let tiers = if tiers.is_empty() { BadgeTier::ALL.map(BadgeTier::name).to_vec() } else { tiers };
            names.add("badge tier", tiers.into_iter().map(|tier| format!("{key}/{tier}")));
        }
        names
    }

    fn add(&mut self, kind: &'static str, names: impl IntoIterator<Item = String>) {
        self.by_kind.entry(kind).or_default().extend(names);
    }

    pub fn has(&self, kind: &str, name: &str) -> bool {
        self.by_kind.get(kind).is_some_and(|names| names.contains(name))
    }

    /// The declared name that is most like one that is not, if any is near.
    pub fn nearest(&self, kind: &str, name: &str) -> Option<&str> {
        let names = self.by_kind.get(kind)?.iter().map(|known| (strsim::jaro_winkler(name, known), known.as_str()));
        names.filter(|(similarity, _)| *similarity > 0.8).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, known)| known)
    }

    /// How a goal or board says it counts, as written; `rep` where it does not say.
    pub fn of_whom(&self, list: &str, key: &str) -> &'a str {
        let item = self.root.key(list).items().find(|item| item.text_of("key") == Some(key));
        item.and_then(|item| item.text_of("of")).unwrap_or("rep")
    }
}
