//! Program packs: complete rules for a trade, with a week of sample events, to start from.

/// One pack. Its account is its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pack {
    pub name: &'static str,
    pub title: &'static str,
    /// The rule file, YAML.
    pub rules: &'static str,
    /// Sample events and commands, one JSON object a line, in order of time.
    pub events: &'static str,
}

macro_rules! packs {
    ($($name:literal: $title:literal,)*) => {
        &[$(Pack {
            name: $name,
            title: $title,
            rules: include_str!(concat!("../../config/packs/", $name, "/rules.yaml")),
            events: include_str!(concat!("../../config/packs/", $name, "/events.jsonl")),
        },)*]
    };
}

/// All packs, in the order in which they are listed.
pub const PACKS: &[Pack] = packs! {
    "saas": "SaaS: from trial to paid subscription, and renewals",
    "retail": "Retail: shops and an online counter, many small sales and returns",
    "real-estate": "Real estate: viewings, offers, few large deals",
    "infoproduct": "Infoproducts: launches, checkouts, refunds under a guarantee",
    "agency": "Agencies: briefs, pitches, projects and retainers",
    "b2b": "B2B: long sales to companies, from first call to contract",
};

/// A pack by its name.
pub fn pack(name: &str) -> Option<&'static Pack> {
    PACKS.iter().find(|pack| pack.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::*;
    use crate::engine::Offline;
    use crate::engine::case::Case;
    use crate::events::Timestamp;
    use crate::rulebook::RuleSet;

    fn rules(pack: &Pack) -> RuleSet {
        RuleSet::load([(pack.name, pack.rules)]).unwrap_or_else(|errors| panic!("{errors}"))
    }

    #[test]
    fn every_pack_uses_every_section() {
        for pack in PACKS {
            let rules = rules(pack);
            let rules = rules.accounts().map(|(name, rules)| (name.to_owned(), rules.clone())).collect::<Vec<_>>();
            let [(account, versions)] = rules.as_slice() else { panic!("{}: one account", pack.name) };
            assert_eq!((account.as_str(), versions.versions().len()), (pack.name, 1));
            let document = serde_json::to_value(&***versions.latest().unwrap()).unwrap();
            for (section, value) in document.as_object().unwrap() {
                let empty = value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(|keys| keys.is_empty());
                assert!(!empty || section == "timeline", "{}: {section}", pack.name);
            }
            let goals = document["goals"].as_array().unwrap();
            for key in ["accelerator", "after", "collective", "tiers"] {
                let used = goals.iter().any(|goal| goal.get(key).is_some_and(|value| *value != Value::Array(vec![])));
                assert!(used, "{}: no goal with {key}", pack.name);
            }
        }
        assert!(pack("saas").is_some() && pack("bakery").is_none());
    }

    #[test]
    fn samples_are_a_week_in_order_of_people_who_exist() {
        for pack in PACKS {
            let rules = rules(pack);
            let version = rules.account(pack.name).unwrap().latest().unwrap().clone();
            let events: Vec<Value> = pack.events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            assert!((40..=80).contains(&events.len()), "{}: {} events", pack.name, events.len());
            let times: Vec<Timestamp> =
                events.iter().map(|event| Timestamp::parse(event["time"].as_str().unwrap()).unwrap()).collect();
            assert!(times.is_sorted() && times.last().unwrap().0 - times[0].0 < 7 * 86_400_000, "{}", pack.name);
            for event in &events {
                assert_eq!(event["account"], pack.name);
                let actor = event["actor"].as_str().unwrap_or("admin");
                assert!(actor == "admin" || version.rep(actor).is_some(), "{}: {actor}", pack.name);
            }
        }
    }

    #[test]
    fn samples_are_scored_without_a_dead_letter() {
        for pack in PACKS {
            let mut offline = Offline::new(rules(pack), None);
            let mut topics: BTreeMap<String, usize> = BTreeMap::new();
            let mut refused = Vec::new();
            offline.batch(pack.events.lines().map(str::as_bytes), &mut |record| {
                *topics.entry(record.topic.name().to_owned()).or_default() += 1;
                let value = String::from_utf8_lossy(record.value.unwrap_or_default());
                if value.contains("\"rejected\"") {
                    refused.push(value.into_owned());
                }
            });
            assert_eq!(topics.get("dead-letters"), None, "{}", pack.name);
            assert_eq!(refused, Vec::<String>::new(), "{}", pack.name);
            for topic in [
                "lead-scores",
                "timeline",
                "segments",
                "rep-progress",
                "xp",
                "leaderboards",
                "contests",
                "goals",
                "grants",
                "coins",
                "redemptions",
                "commission-lines",
                "statements",
                "ownership",
                "ownership-history",
                "assignments",
                "relationships",
                "announcements",
                "command-results",
            ] {
                assert!(topics.contains_key(topic), "{}: nothing in {topic}: {topics:?}", pack.name);
            }
        }
    }

    /// The tests beside the rules of each pack, as `scorekeeper test config/packs` runs them.
    #[test]
    fn the_tests_beside_the_rules_pass() {
        for pack in PACKS {
            let file = format!("{}/config/packs/{}/rules.test.yaml", env!("CARGO_MANIFEST_DIR"), pack.name);
            let cases: Vec<Case> = serde_saphyr::from_multiple(&std::fs::read_to_string(file).unwrap()).unwrap();
            assert!(cases.len() >= 2, "{}", pack.name);
            for case in cases {
                assert_eq!(case.run(rules(pack)), Vec::<String>::new(), "{}: {:?}", pack.name, case.name);
            }
        }
    }
}
