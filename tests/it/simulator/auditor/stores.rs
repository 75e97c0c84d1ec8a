//! The stores of the processes: each is the changelog folded up to its position, and that of the last owner of a partition is
//! what the replay has, row by row.

use std::collections::BTreeMap;

use scorekeeper::outputs::Topic;
use scorekeeper::runtime::settings;
use scorekeeper::runtime::store::Stores;
use scorekeeper::state::{MemStore, Store};

use super::Auditor;
use crate::simulator::replay::Replay;

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// Rows with keys that can be read.
fn readable(rows: Rows) -> BTreeMap<String, Vec<u8>> {
    rows.into_iter().map(|(key, value)| (format!("{} {}", key[0], String::from_utf8_lossy(&key[1..])), value)).collect()
}

fn rows_of(store: &MemStore) -> Rows {
    store.rows().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
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
        let stages =
            [(Topic::ContactChangelog, "contact", &replay.contact), (Topic::AccountChangelog, "account", &replay.account)];
        for (topic, stage, replayed) in stages {
            for partition in 0..self.archive.partitions {
                let name = format!("store {stage}-{partition}");
                let changelog = self.archive.partition(topic, partition);
                let store = match stores.task(&format!("{stage}-{partition}")) {
                    Ok(store) => store,
                    Err(error) => {
                        self.expect(is_damaged, || format!("{name}: {error}"));
                        continue;
                    }
                };
                let is_owned = owned.contains(&partition) && !is_damaged;
                let Some(position) = store.position() else {
                    let is_empty = is_damaged || changelog.is_empty() || !is_owned;
                    self.expect(is_empty, || format!("{name} is empty"));
                    continue;
                };
                let next = position.changelog_next as usize;
                let mut expected = Rows::new();
                for record in &changelog[..next.min(changelog.len())] {
                    match &record.value {
                        Some(value) => expected.insert(record.key.clone(), value.clone()),
                        None => expected.remove(&record.key),
                    };
                }
                let mut found: Rows = store.scan(&[], &[], usize::MAX).unwrap_or_default().into_iter().collect();
                found.remove(&[0][..]); // the position
                self.equal_maps(&name, &readable(found.clone()), &readable(expected));
                if is_owned {
                    self.equal(&format!("position of {name}"), &next, &changelog.len());
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
