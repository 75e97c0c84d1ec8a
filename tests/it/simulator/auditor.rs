//! What must hold when everything is worked off: outputs equal the shadow models, ledgers add up, nothing is there twice, and
//! stores equal the folded changelog.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rust_decimal::Decimal;
use serde_json::Value;

use scorekeeper::outputs::{Topic, partitioner};
use scorekeeper::runtime::log::local::{LocalLog, LocalSession};
use scorekeeper::runtime::log::{self, Session};
use scorekeeper::runtime::settings;
use scorekeeper::runtime::store::Stores;
use scorekeeper::state::Store;

use super::accounts::ActorModel;
use super::model::{Contact, LeadModel};
use super::workload::{ACCOUNTS, Sent};

type Row = (String, Option<Vec<u8>>);
type Count = BTreeMap<(String, Vec<u8>), u64>;

/// The records of a topic, partition by partition, in order.
pub fn rows(log: &LocalLog, partitions: u32, topic: Topic) -> Vec<Vec<Row>> {
    raw(log, partitions, topic)
        .into_iter()
        .map(|rows| rows.into_iter().map(|(key, value)| (String::from_utf8_lossy(&key).into_owned(), value)).collect())
        .collect()
}

type RawRow = (Vec<u8>, Option<Vec<u8>>);

fn raw(log: &LocalLog, partitions: u32, topic: Topic) -> Vec<Vec<RawRow>> {
    let session = LocalSession::open(log.clone(), Vec::new());
    let from: Vec<(u32, u64)> = (0..partitions).map(|partition| (partition, 0)).collect();
    let mut found = vec![Vec::new(); partitions as usize];
    let mut changelog = session.changelog(topic, &from).unwrap();
    let mut row = |(partition, key, value, _): log::Row<'_>| {
        found[partition as usize].push((key.to_vec(), value.map(<[u8]>::to_vec)));
    };
    while !changelog.read(Duration::from_secs(3600), &mut row).unwrap() {}
    drop(changelog);
    found
}

pub struct Auditor<'l> {
    pub log: &'l LocalLog,
    pub partitions: u32,
    errors: Vec<String>,
}

impl<'l> Auditor<'l> {
    pub fn new(log: &'l LocalLog, partitions: u32) -> Auditor<'l> {
        Auditor { log, partitions, errors: Vec::new() }
    }

    fn expect(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds && self.errors.len() < 12 {
            self.errors.push(what());
        }
    }

    fn equal<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, found: &T, expected: &T) {
        self.expect(found == expected, || format!("{what}: found {found:?}, expected {expected:?}"));
    }

    /// As [`Auditor::equal`], naming the keys that differ.
    fn equal_maps<K: Ord + std::fmt::Debug, V: PartialEq + std::fmt::Debug>(
        &mut self,
        what: &str,
        found: &BTreeMap<K, V>,
        expected: &BTreeMap<K, V>,
    ) {
        for key in found.keys().chain(expected.keys()).collect::<BTreeSet<_>>() {
            let (found, expected) = (found.get(key), expected.get(key));
            self.expect(found == expected, || format!("{what} {key:?}: found {found:?}, expected {expected:?}"));
        }
    }

    fn all(&self, topic: Topic) -> Vec<Row> {
        rows(self.log, self.partitions, topic).into_iter().flatten().collect()
    }

    /// The last values of the keys of a topic.
    fn latest(&self, topic: Topic) -> BTreeMap<String, Value> {
        let mut latest = BTreeMap::new();
        for (key, value) in self.all(topic) {
            match value {
                Some(value) => latest.insert(key, serde_json::from_slice(&value).unwrap()),
                None => latest.remove(&key),
            };
        }
        latest
    }

    /// Checks everything; gives what does not hold.
    pub fn audit(mut self, produced: &[Sent], attempted: &[Sent]) -> Vec<String> {
        let inputs = rows(self.log, self.partitions, Topic::ProductEvents);
        let inputs: Vec<Vec<(String, Vec<u8>)>> = inputs
            .into_iter()
            .map(|rows| rows.into_iter().map(|(key, value)| (key, value.unwrap_or_default())).collect())
            .collect();
        let lead = LeadModel::of(&inputs);
        self.inputs(&inputs, &lead, produced, attempted);
        self.contacts(&lead);
        self.groups(&lead);
        let mut dead = lead.dead.clone();
        let account_events = rows(self.log, self.partitions, Topic::AccountEvents);
        let mut models = Vec::new();
        for account in ACCOUNTS {
            let partition = partitioner::partition(account.as_bytes(), self.partitions) as usize;
            if !models.iter().any(|(known, _)| *known == partition) {
                let records: Vec<Vec<u8>> = account_events[partition].iter().filter_map(|(_, value)| value.clone()).collect();
                models.push((partition, ActorModel::of(&lead, self.partitions as usize, &records)));
            }
        }
        for (_, model) in &models {
            for error in &model.errors {
                self.expect(false, || error.clone());
            }
            for (value, times) in &model.dead {
                *dead.entry(value.clone()).or_default() += times;
            }
            let missing: Vec<_> = model.missing().filter(|(account, _)| model.accounts.contains_key(account)).cloned().collect();
            self.expect(missing.is_empty(), || format!("never sent on: {missing:?}"));
            self.actors(model);
        }
        self.commands(&models.iter().map(|(_, model)| model).collect::<Vec<_>>());
        let mut found = Count::new();
        for (key, value) in self.all(Topic::DeadLetters) {
            *found.entry((key, value.unwrap_or_default())).or_default() += 1;
        }
        let readable = |count: Count| -> BTreeMap<(String, String), u64> {
            count.into_iter().map(|((key, value), times)| ((key, String::from_utf8_lossy(&value).into_owned()), times)).collect()
        };
        self.equal_maps("dead letter", &readable(found), &readable(dead));
        self.errors
    }

    /// Every record that a producer was told is in the log is there, and each one with a wrong key was sent on once.
    fn inputs(&mut self, inputs: &[Vec<(String, Vec<u8>)>], lead: &LeadModel, produced: &[Sent], attempted: &[Sent]) {
        let count = |sent: &[Sent]| {
            let mut count = Count::new();
            for sent in sent.iter().filter(|sent| sent.topic == Topic::ProductEvents) {
                *count.entry((sent.key.clone(), sent.value.clone())).or_default() += 1;
            }
            count
        };
        let (produced, attempted) = (count(produced), count(attempted));
        let mut found = Count::new();
        for record in inputs.iter().flatten() {
            *found.entry(record.clone()).or_default() += 1;
        }
        for record in found.keys().chain(produced.keys()).collect::<BTreeSet<_>>() {
            let of = |count: &Count| count.get(record).copied().unwrap_or(0);
            let least = of(&produced) + of(&lead.rerouted);
            let range = least..=least + of(&attempted);
            self.expect(range.contains(&of(&found)), || {
                let text = String::from_utf8_lossy(&record.1);
                format!("{} {text} is {} times in product-events, expected {range:?}", record.0, of(&found))
            });
        }
    }

    /// Contacts that are never merged.
    fn contacts(&mut self, lead: &LeadModel) {
        let is_single = |key: &str| !key.contains("/m");
        let expected: BTreeMap<&String, &Contact> = lead.contacts.iter().filter(|(key, _)| is_single(key)).collect();
        let mut timeline: BTreeMap<String, (String, i64)> = BTreeMap::new();
        for (key, entry) in self.latest(Topic::Timeline).into_iter().filter(|(key, _)| is_single(key)) {
            timeline.insert(key, (entry["outcome"].as_str().unwrap().to_owned(), entry["points"].as_i64().unwrap()));
        }
        let mut wanted = BTreeMap::new();
        let mut scores = BTreeMap::new();
        for (key, contact) in &expected {
            for (entry, (outcome, points)) in &contact.timeline {
                wanted.insert(format!("{key}/{entry}"), ((*outcome).to_owned(), *points));
            }
            if !contact.timeline.is_empty() {
                scores.insert((*key).clone(), (contact.score(), contact.timeline.len() as u64, contact.score() >= 100));
            }
        }
        self.equal_maps("timeline", &timeline, &wanted);
        let latest = self.latest(Topic::LeadScores).into_iter().filter(|(key, _)| is_single(key));
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
        for (key, value) in self.all(Topic::Segments) {
            let change: Value = serde_json::from_slice(&value.unwrap_or_default()).unwrap_or_default();
            let now = change["change"] == "entered";
            let before = inside.insert(key.replacen("/hot/", "/", 1), now).unwrap_or(false);
            self.expect(before != now, || format!("segment {key}: {} twice", change["change"]));
        }
        inside.retain(|key, inside| *inside && !key.contains("/m"));
        let expected: BTreeMap<String, bool> =
            scores.iter().filter(|(_, (_, _, hot))| *hot).map(|(key, _)| (key.clone(), true)).collect();
        self.equal_maps("segment", &inside, &expected);
    }

    /// Contacts that may be merged, in pairs: however they were, the entries are the same, each in one place.
    fn groups(&mut self, lead: &LeadModel) {
        let group = |key: &str| -> Option<String> {
            let (account, contact) = key.split_once('/')?;
            let number: u64 = contact.strip_prefix('m')?.split('/').next()?.parse().ok()?;
            Some(format!("{account}/m{}", number / 2 * 2))
        };
        let merged: BTreeSet<String> = lead
            .taken
            .values()
            .filter(|taken| taken.kind == "contact.merged")
            .filter_map(|taken| group(&taken.contact))
            .collect();
        let mut expected: BTreeMap<String, (i64, BTreeSet<String>)> = BTreeMap::new();
        for (key, contact) in &lead.contacts {
            let Some(name) = group(key) else { continue };
            let (score, entries) = expected.entry(name.clone()).or_default();
            *score += contact.score();
            let forms = |entries: &BTreeSet<String>| entries.iter().any(|entry| entry.ends_with("/form.submitted"));
            let mine: BTreeSet<String> = contact.timeline.keys().cloned().collect();
            if merged.contains(&name) && forms(entries) && forms(&mine) {
                *score -= 7; // once in all
            }
            entries.extend(mine);
        }
        expected.retain(|_, (_, entries)| !entries.is_empty());
        let mut found: BTreeMap<String, (i64, BTreeSet<String>)> = BTreeMap::new();
        for (key, value) in self.latest(Topic::LeadScores) {
            let Some(name) = group(&key) else { continue };
            found.entry(name).or_default().0 += value["score"].as_i64().unwrap();
        }
        let mut sums: BTreeMap<String, i64> = BTreeMap::new();
        for (key, value) in self.latest(Topic::Timeline) {
            let Some(name) = group(&key) else { continue };
            let entry = key.splitn(3, '/').nth(2).unwrap_or_default().to_owned();
            *sums.entry(name.clone()).or_default() += value["points"].as_i64().unwrap();
            let is_new = found.entry(name).or_default().1.insert(entry);
            self.expect(is_new, || format!("timeline {key} is there under both contacts"));
        }
        self.equal_maps("merged contacts", &found, &expected);
        sums.retain(|name, _| expected.contains_key(name));
        self.equal_maps(
            "timeline of merged contacts",
            &sums,
            &expected.into_iter().map(|(key, (score, _))| (key, score)).collect(),
        );
    }

    /// The sums of a ledger by account/rep. Every entry is there once.
    fn ledger(&mut self, topic: Topic, field: &str) -> (BTreeMap<String, i64>, BTreeSet<String>) {
        let (mut sums, mut keys) = (BTreeMap::new(), BTreeSet::new());
        for (key, value) in self.all(topic) {
            let entry: Value = serde_json::from_slice(&value.unwrap_or_default()).unwrap_or_default();
            let rep = format!("{}/{}", entry["account"].as_str().unwrap_or("?"), entry["rep"].as_str().unwrap_or("?"));
            *sums.entry(rep).or_default() += entry[field].as_i64().unwrap_or(0);
            self.expect(keys.insert(key.clone()), || format!("{} {key} is there twice", topic.name()));
        }
        (sums, keys)
    }

    fn actors(&mut self, model: &ActorModel<'_>) {
        let is_of = |key: &str| ACCOUNTS.iter().any(|a| model.accounts.contains_key(*a) && key.starts_with(&format!("{a}/")));
        let nonzero = |mut sums: BTreeMap<String, i64>| {
            sums.retain(|key, sum| *sum != 0 && is_of(key));
            sums
        };
        let ((xp, entries), (coins, _)) = (self.ledger(Topic::Xp, "xp"), self.ledger(Topic::Coins, "coins"));
        let progress = self.latest(Topic::RepProgress);
        let of_progress = |field: &str| progress.iter().map(|(key, rep)| (key.clone(), rep[field].as_i64().unwrap())).collect();
        let by_rep = |of: &dyn Fn(&super::accounts::Account) -> BTreeMap<String, i64>| -> BTreeMap<String, i64> {
            let all = model.accounts.iter();
            all.flat_map(|(name, account)| of(account).into_iter().map(move |(rep, sum)| (format!("{name}/{rep}"), sum)))
                .collect()
        };
        let (expected_xp, expected_coins) = (by_rep(&|a| a.xp.clone()), by_rep(&|a| a.coins.clone()));
        self.equal_maps("xp ledger", &nonzero(xp.clone()), &nonzero(expected_xp.clone()));
        self.equal_maps("xp of rep-progress", &nonzero(of_progress("xp")), &nonzero(xp.clone()));
        self.equal_maps("coins ledger", &nonzero(coins.clone()), &nonzero(expected_coins));
        self.equal_maps("coins of rep-progress", &nonzero(of_progress("coins")), &nonzero(coins));
        let expected: BTreeSet<String> = model.accounts.values().flat_map(|account| account.entries.clone()).collect();
        let found = entries.into_iter().filter(|key| is_of(key) && key.contains("/crm/")).collect();
        self.equal("xp entries", &expected, &found);
        self.board(model, &nonzero(expected_xp));

        let mut grants = BTreeSet::new();
        for (key, _) in self.all(Topic::Grants).into_iter().filter(|(key, _)| is_of(key)) {
            self.expect(grants.insert(key.clone()), || format!("grant {key} is there twice"));
        }
        let expected = model.accounts.values().flat_map(|account| account.grants.clone()).collect();
        self.equal("grants", &grants, &expected);

        let redemptions = self.latest(Topic::Redemptions).into_iter().filter(|(key, _)| is_of(key));
        let found = redemptions.map(|(key, value)| (key, value["status"].as_str().unwrap().to_owned())).collect();
        let expected = model.accounts.iter().flat_map(|(name, account)| {
            account.redemptions.iter().map(move |(id, (status, ..))| (format!("{name}/{id}"), (*status).to_owned()))
        });
        self.equal_maps("redemption", &found, &expected.collect());

        let owners = self.latest(Topic::Ownership).into_iter().filter(|(key, _)| is_of(key));
        let found = owners.map(|(key, value)| {
            (key, (value["owner"].as_str().unwrap_or_default().to_owned(), value["version"].as_u64().unwrap_or(0)))
        });
        let expected = model.accounts.values().flat_map(|account| account.owners.clone());
        self.equal_maps("owner", &found.collect(), &expected.collect());
        self.money(model);
    }

    fn money(&mut self, model: &ActorModel<'_>) {
        let decimal = |value: &Value| value.as_str().unwrap().parse::<Decimal>().unwrap().normalize();
        let is_of = |key: &str| ACCOUNTS.iter().any(|a| model.accounts.contains_key(*a) && key.starts_with(&format!("{a}/")));
        let goals = self.latest(Topic::Goals).into_iter().filter(|(key, goal)| is_of(key) && goal["goal"] == "revenue");
        let found = goals.map(|(key, goal)| (key, decimal(&goal["value"]))).collect();
        let expected = model.accounts.iter().flat_map(|(name, account)| {
            account.revenue.iter().map(move |(rep, value)| (format!("{name}/revenue/2026-11/{rep}"), *value))
        });
        self.equal_maps("goal", &found, &expected.collect());

        let statements = self.latest(Topic::Statements).into_iter().filter(|(key, _)| is_of(key));
        let found: BTreeMap<String, Decimal> = statements.map(|(key, value)| (key, decimal(&value["total"]))).collect();
        let expected = model.accounts.iter().flat_map(|(name, account)| {
            account.statements().into_iter().map(move |(rep, total)| (format!("{name}/ae/2026-11/{rep}"), total))
        });
        self.equal_maps("statement", &found, &expected.collect());
        let (mut lines, mut sums) = (BTreeSet::new(), BTreeMap::<String, Decimal>::new());
        for (key, value) in self.all(Topic::CommissionLines).into_iter().filter(|(key, _)| is_of(key)) {
            let line: Value = serde_json::from_slice(&value.unwrap_or_default()).unwrap_or_default();
            self.expect(lines.insert(key.clone()), || format!("commission line {key} is there twice"));
            *sums.entry(line["statement"].as_str().unwrap_or("?").to_owned()).or_default() += decimal(&line["amount"]);
        }
        self.equal_maps("lines of statement", &sums.into_iter().map(|(key, sum)| (key, sum.normalize())).collect(), &found);
    }

    fn board(&mut self, model: &ActorModel<'_>, xp: &BTreeMap<String, i64>) {
        let boards = self.latest(Topic::Leaderboards);
        for account in model.accounts.keys() {
            let entries = boards.get(&format!("{account}/xp-all/all")).map(|board| board["entries"].clone()).unwrap_or_default();
            let entries = entries.as_array().cloned().unwrap_or_default();
            let value = |entry: &Value| entry["value"].as_i64().or_else(|| entry["value"].as_str()?.parse().ok());
            let found = entries.iter().map(|entry| {
                (format!("{account}/{}", entry["subject"].as_str().unwrap_or("?")), value(entry).unwrap_or(i64::MIN))
            });
            let expected = xp.iter().filter(|(key, _)| key.starts_with(&format!("{account}/")));
            self.equal_maps("board", &found.collect(), &expected.map(|(key, value)| (key.clone(), *value)).collect());
        }
    }

    /// Each command was routed once, in order, and answered once for each time it came.
    fn commands(&mut self, models: &[&ActorModel<'_>]) {
        let sent = self.all(Topic::Commands);
        let mut answers: BTreeMap<String, Vec<bool>> = BTreeMap::new();
        for (key, value) in self.all(Topic::CommandResults) {
            let answer: Value = serde_json::from_slice(&value.unwrap_or_default()).unwrap_or_default();
            answers.entry(key).or_default().push(answer["status"] == "accepted");
        }
        for account in ACCOUNTS {
            let of = |key: &str| key == account;
            let sent: Vec<_> =
                sent.iter().filter(|(key, _)| of(key)).map(|(_, value)| value.clone().unwrap_or_default()).collect();
            let routed: Vec<_> = models
                .iter()
                .flat_map(|model| model.commands.iter().filter(|(key, _)| of(key)).map(|(_, value)| value.clone()))
                .collect();
            self.expect(sent == routed, || format!("commands of {account}: {} sent, {} routed", sent.len(), routed.len()));
            let model = models.iter().find_map(|model| model.accounts.get(account));
            let expected = model.into_iter().flat_map(|model| &model.answers);
            let expected: BTreeMap<String, Vec<bool>> =
                expected.map(|(id, (status, times))| (format!("{account}/{id}"), vec![*status; *times as usize])).collect();
            let found = answers.iter().filter(|(key, _)| key.starts_with(&format!("{account}/")));
            self.equal_maps("answer", &found.map(|(key, value)| (key.clone(), value.clone())).collect(), &expected);
        }
    }

    /// Every store of a process that was closed is the changelog folded up to its position; those of the partitions that the
    /// process worked on in the end are up to its end. One that was damaged may have been wiped when it was opened.
    pub fn stores(mut self, state: &settings::State, owned: &[u32], is_damaged: bool) -> Vec<String> {
        let stores = Stores::open(state).expect("the state directory");
        for (topic, name) in [(Topic::ContactChangelog, "contact"), (Topic::AccountChangelog, "account")] {
            for (partition, rows) in raw(self.log, self.partitions, topic).into_iter().enumerate() {
                let store = match stores.task(&format!("{name}-{partition}")) {
                    Ok(store) => store,
                    Err(error) => {
                        self.expect(is_damaged, || format!("store {name}-{partition}: {error}"));
                        continue;
                    }
                };
                let Some(position) = store.position() else {
                    let is_empty = is_damaged || rows.is_empty() || !owned.contains(&(partition as u32));
                    self.expect(is_empty, || format!("store {name}-{partition} is empty"));
                    continue;
                };
                let next = position.changelog_next as usize;
                if owned.contains(&(partition as u32)) && !is_damaged {
                    self.equal(&format!("position of {name}-{partition}"), &next, &rows.len());
                }
                let mut expected: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
                for (key, value) in rows.into_iter().take(next) {
                    match value {
                        Some(value) => expected.insert(key, value),
                        None => expected.remove(&key),
                    };
                }
                let mut found: BTreeMap<Vec<u8>, Vec<u8>> =
                    store.scan(&[], &[], usize::MAX).unwrap_or_default().into_iter().collect();
                found.remove(&[0][..]); // the position
                let readable = |rows: BTreeMap<Vec<u8>, Vec<u8>>| -> BTreeMap<String, Vec<u8>> {
                    rows.into_iter()
                        .map(|(key, value)| (format!("{} {}", key[0], String::from_utf8_lossy(&key[1..])), value))
                        .collect()
                };
                self.equal_maps(&format!("store {name}-{partition}"), &readable(found), &readable(expected));
            }
        }
        stores.close().expect("closes");
        self.errors
    }
}
