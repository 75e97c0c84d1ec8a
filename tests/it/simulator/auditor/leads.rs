//! Contacts: timelines, scores, segments.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use scorekeeper::outputs::Topic;

use super::{Auditor, is_modelled};
use crate::simulator::model::{Contact, LeadModel};

impl Auditor<'_> {
    /// Contacts that are never merged.
    pub(super) fn contacts(&mut self, lead: &LeadModel) {
        let is_single = |key: &str| is_modelled(key) && !key.contains("/m");
        let expected: BTreeMap<&String, &Contact> = lead.contacts.iter().filter(|(key, _)| is_single(key)).collect();
        let mut timeline: BTreeMap<String, (String, i64)> = BTreeMap::new();
        for (key, entry) in self.archive.latest(Topic::Timeline).into_iter().filter(|(key, _)| is_single(key)) {
            timeline.insert(key, (entry["outcome"].as_str().unwrap().to_owned(), entry["points"].as_i64().unwrap()));
        }
        let mut wanted = BTreeMap::new();
        let mut scores = BTreeMap::new();
        for (key, contact) in &expected {
            for (entry, (outcome, points)) in &contact.timeline {
                wanted.insert(format!("{key}/{entry}"), ((*outcome).to_owned(), *points));
            }
            if !contact.timeline.is_empty() {
                scores.insert((*key).clone(), (contact.score, contact.events, contact.score >= 100));
            }
        }
        self.equal_maps("timeline", &timeline, &wanted);
        let latest = self.archive.latest(Topic::LeadScores).into_iter().filter(|(key, _)| is_single(key));
        let hot = |lead: &Value| lead["segments"] == serde_json::json!(["hot"]);
        let found = latest.map(|(key, lead)| {
            let values = (lead["score"].as_i64().unwrap(), lead["events"].as_u64().unwrap(), hot(&lead));
            (key, values)
        });
        self.equal_maps("lead", &found.collect(), &scores);
        self.segments(&scores);
    }

    /// Contacts enter and leave a segment in turn, and are in it in the end if their score says so.
    fn segments(&mut self, scores: &BTreeMap<String, (i64, u64, bool)>) {
        let mut inside: BTreeMap<String, bool> = BTreeMap::new();
        for (key, value) in self.archive.all(Topic::Segments) {
            let change: Value = serde_json::from_slice(&value.unwrap_or_default()).unwrap_or_default();
            let now = change["change"] == "entered";
            let before = inside.insert(key.replacen("/hot/", "/", 1), now).unwrap_or(false);
            self.expect(before != now, || format!("segment {key}: {} twice", change["change"]));
        }
        inside.retain(|key, inside| *inside && is_modelled(key) && !key.contains("/m"));
        let expected: BTreeMap<String, bool> =
            scores.iter().filter(|(_, (_, _, hot))| *hot).map(|(key, _)| (key.clone(), true)).collect();
        self.equal_maps("segment", &inside, &expected);
    }

    /// Contacts that may be merged, in pairs: however they were, the entries are the same, each in one place.
    pub(super) fn groups(&mut self, lead: &LeadModel) {
        let group = |key: &str| -> Option<String> {
            let (account, contact) = key.split_once('/').filter(|_| is_modelled(key))?;
            let number: u64 = contact.strip_prefix('m')?.split('/').next()?.parse().ok()?;
            Some(format!("{account}/m{}", number / 2 * 2))
        };
        let merges = lead.taken.values().flatten().filter(|taken| taken.kind == "contact.merged");
        let merged: BTreeSet<String> = merges.filter_map(|taken| group(&taken.contact)).collect();
        let mut expected: BTreeMap<String, (i64, BTreeSet<String>)> = BTreeMap::new();
        let mut again: BTreeSet<String> = BTreeSet::new();
        for (key, contact) in &lead.contacts {
            let Some(name) = group(key) else { continue };
            // an event that came again after its identity was forgotten counts again, under the key it had
            if contact.events != contact.timeline.len() as u64 {
                again.insert(name.clone());
            }
            let (score, entries) = expected.entry(name.clone()).or_default();
            *score += contact.score;
            let forms = |entries: &BTreeSet<String>| entries.iter().any(|entry| entry.ends_with("/form.submitted"));
            let mine: BTreeSet<String> = contact.timeline.keys().cloned().collect();
            if merged.contains(&name) && forms(entries) && forms(&mine) {
                *score -= 7; // once in all
            }
            entries.extend(mine);
        }
        expected.retain(|_, (_, entries)| !entries.is_empty());
        let mut found: BTreeMap<String, (i64, BTreeSet<String>)> = BTreeMap::new();
        for (key, value) in self.archive.latest(Topic::LeadScores) {
            let Some(name) = group(&key) else { continue };
            found.entry(name).or_default().0 += value["score"].as_i64().unwrap();
        }
        let mut sums: BTreeMap<String, i64> = BTreeMap::new();
        for (key, value) in self.archive.latest(Topic::Timeline) {
            let Some(name) = group(&key) else { continue };
            let entry = key.splitn(3, '/').nth(2).unwrap_or_default().to_owned();
            *sums.entry(name.clone()).or_default() += value["points"].as_i64().unwrap();
            let is_new = found.entry(name).or_default().1.insert(entry);
            self.expect(is_new, || format!("timeline {key} is there under both contacts"));
        }
        self.equal_maps("merged contacts", &found, &expected);
        expected.retain(|name, _| !again.contains(name));
        sums.retain(|name, _| expected.contains_key(name));
        self.equal_maps(
            "timeline of merged contacts",
            &sums,
            &expected.into_iter().map(|(key, (score, _))| (key, score)).collect(),
        );
    }
}
