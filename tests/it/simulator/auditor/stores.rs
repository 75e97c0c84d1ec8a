//! The stores of the processes: each is the changelog folded up to its position, and that of the last owner of a partition is
//! what the replay has, row by row.

use std::collections::BTreeMap;

use scorekeeper::outputs::{STATE, Topic};
use scorekeeper::runtime::settings;
use scorekeeper::runtime::store::Stores;
use scorekeeper::state::{MemStore, Store, Table};

use super::Auditor;
use crate::simulator::archive::Kept;
use crate::simulator::replay::Replay;

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// Rows with keys that can be read.
fn readable(rows: Rows) -> BTreeMap<String, Vec<u8>> {
    rows.into_iter().map(|(key, value)| (format!("{} {}", key[0], String::from_utf8_lossy(&key[1..])), value)).collect()
}

fn rows_of(store: &MemStore) -> Rows {
    store.rows().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

/// Takes a record of a changelog in. The rows of contacts stand beside their lead scores, or in the contact changelog while
/// there is none: the copy with the highest revision, its first number, is the newest.
fn fold(rows: &mut Rows, topic: Topic, record: &Kept) {
    let revision = |row: &[u8]| postcard::take_from_bytes::<u32>(row).map_or(0, |(revision, _)| revision);
    let is_contact = record.key.first() == Some(&(Table::Contact as u8));
    if topic == Topic::LeadScores {
        if let Some((_, row)) = record.headers.iter().find(|(name, _)| name == STATE) {
            rows.insert([&[Table::Contact as u8], record.key.as_slice()].concat(), row.clone());
        }
        return;
    }
    match &record.value {
        Some(row) if is_contact && rows.get(&record.key).is_some_and(|known| revision(known) > revision(row)) => {}
        Some(row) => drop(rows.insert(record.key.clone(), row.clone())),
        None if is_contact => {}
        None => drop(rows.remove(&record.key)),
    }
}

/// A restore that ended after the lead scores were read, and before the changelog was, leaves rows that are newer than the
/// position. They do no harm: the next restore reads both from there.
fn allow_newer(expected: &mut Rows, found: &Rows, changelogs: &[(Topic, &[Kept])], next: impl Fn(Topic) -> usize) {
    for (topic, changelog) in changelogs.iter().filter(|(topic, _)| *topic == Topic::LeadScores) {
        for record in changelog.iter().skip(next(*topic)) {
            let mut newer = Rows::new();
            fold(&mut newer, *topic, record);
            expected.extend(newer.into_iter().filter(|(key, row)| found.get(key) == Some(row)));
        }
    }
}

impl Auditor<'_> {
    /// One process, after it was closed. Of `owned` partitions its stores are up to date. One that was damaged may have been
    /// wiped when it was opened. `late_rules`: accounts may have learned of a version of their rules
    /// later than it came into force, and the replay has it from the start.
    pub fn stores(
        mut self,
        state: &settings::State,
        owned: &[u32],
        is_damaged: bool,
        replay: &Replay,
        late_rules: bool,
    ) -> Vec<String> {
        let stores = Stores::open(state).expect("the state directory");
        let contact = [Topic::LeadScores, Topic::ContactChangelog];
        let stages = [(&contact[..], "contact", &replay.contact), (&[Topic::AccountChangelog][..], "account", &replay.account)];
        for (topics, stage, replayed) in stages {
            for partition in 0..self.archive.partitions {
                let name = format!("store {stage}-{partition}");
                let changelogs: Vec<_> = topics.iter().map(|&topic| (topic, self.archive.partition(topic, partition))).collect();
                let store = match stores.task(&format!("{stage}-{partition}")) {
                    Ok(store) => store,
                    Err(error) => {
                        self.expect(is_damaged, || format!("{name}: {error}"));
                        continue;
                    }
                };
                let is_owned = owned.contains(&partition) && !is_damaged;
                let Some(position) = store.position() else {
                    let is_empty = is_damaged || changelogs.iter().all(|(_, changelog)| changelog.is_empty()) || !is_owned;
                    self.expect(is_empty, || format!("{name} is empty"));
                    continue;
                };
                let mut expected = Rows::new();
                for (topic, changelog) in &changelogs {
                    let next = (position.changelog(topic.name()) as usize).min(changelog.len());
                    changelog[..next].iter().for_each(|record| fold(&mut expected, *topic, record));
                }
                let mut found: Rows = store.scan(&[], &[], usize::MAX).unwrap_or_default().into_iter().collect();
                found.remove(&[0][..]); // the position
                if !is_owned {
                    allow_newer(&mut expected, &found, &changelogs, |topic| position.changelog(topic.name()) as usize);
                }
                self.equal_maps(&name, &readable(found.clone()), &readable(expected));
                if is_owned {
                    for (topic, changelog) in &changelogs {
                        let next = position.changelog(topic.name()) as usize;
                        self.equal(&format!("position of {name} in {}", topic.name()), &next, &changelog.len());
                    }
                    if stage == "contact" || !late_rules {
                        let expected = rows_of(&replayed[partition as usize]);
                        self.equal_maps(&format!("{name} and the replay"), &readable(found), &readable(expected));
                    }
                }
            }
        }
        stores.close().expect("closes");
        self.errors
    }
}
