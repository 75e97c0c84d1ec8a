//! Rules from the topic `rules`: one JSON document a record, keyed by account, several versions of an account allowed. They
//! are read whole before work starts, and followed from then on.
//!
//! Who reads the topic decides what stands, so that every worker has the same versions with the same numbers: a version is
//! taken if it is valid, starts after the one before it, and not before its publication (the first may). Anything else is
//! left out, and what is in force goes on.

mod publish;
#[cfg(test)]
mod tests;

pub use publish::{LEAD, Refused, publish};

use std::collections::BTreeMap;
use std::time::Duration;

use super::log::{Log, LogError, Place};
use crate::events::Timestamp;
use crate::outputs::Topic;
use crate::rulebook::{Draft, RuleSet};

/// The topic as far as it has been read.
#[derive(Default)]
pub struct RulesTopic {
    /// Every record since the account's last deletion, in the order of the log.
    accounts: BTreeMap<String, Vec<Published>>,
    rules: RuleSet,
    /// The next offset of each partition.
    next: BTreeMap<u32, u64>,
    read: u64,
}

/// A record of the topic.
#[derive(Clone, Debug)]
pub struct Published {
    pub published_at: Timestamp,
    pub standing: Standing,
}

/// What became of a record.
#[derive(Clone, Debug)]
pub enum Standing {
    /// A version of the account's rules.
    Version { number: u32, draft: Draft },
    /// Left out, and why.
    LeftOut(String),
}

impl RulesTopic {
    /// Reads what is new. Gives the rules if there is any.
    pub fn refresh(&mut self, log: &dyn Log) -> Result<Option<RuleSet>, LogError> {
        let partitions = log.partitions_of(Topic::Rules);
        let from: Vec<(u32, u64)> = (0..partitions).map(|p| (p, self.next.get(&p).copied().unwrap_or(0))).collect();
        // to ask how far the topic reaches is cheaper than to open a reader
        let places: Vec<Place> = (0..partitions).map(|partition| Place::new(Topic::Rules, partition)).collect();
        if log.ends(&places)?.iter().zip(&from).all(|((_, end), (_, next))| end <= next) {
            return Ok(None);
        }
        let mut records = Vec::new();
        let mut reader = log.read_to_end(Topic::Rules, &from)?;
        while !reader.read(Duration::from_millis(100), &mut |(_, key, value, timestamp)| {
            records.push((text(key), value.map(text), timestamp));
        })? {}
        for (partition, _) in from {
            self.next.insert(partition, reader.bounds(partition).1);
        }
        if records.is_empty() {
            return Ok(None);
        }
        for (account, document, timestamp) in records {
            self.read += 1;
            self.take(account, document, timestamp);
        }
        Ok(Some(self.rules.clone()))
    }

    /// What was published for each account, the oldest first.
    pub fn accounts(&self) -> impl Iterator<Item = (&str, &[Published])> {
        self.accounts.iter().map(|(account, published)| (account.as_str(), published.as_slice()))
    }

    /// The versions of an account, the first first.
    pub fn versions(&self, account: &str) -> impl DoubleEndedIterator<Item = &Draft> {
        let published = self.accounts.get(account).into_iter().flatten();
        published.filter_map(|published| match &published.standing {
            Standing::Version { draft, .. } => Some(draft),
            Standing::LeftOut(_) => None,
        })
    }

    fn take(&mut self, account: String, document: Option<String>, published_at: Timestamp) {
        let Some(text) = document else {
            self.accounts.remove(&account);
            self.rules.remove(&account);
            return;
        };
        let name = format!("rules topic, record {} ({account})", self.read);
        let judged = Draft::read(&name, &text).map_err(|errors| errors.to_string());
        let judged = judged.and_then(|draft| {
            if draft.account != account {
                return Err(format!("its key is {account}, its account {}", draft.account));
            }
            // a producer that was not sure whether it had written it
            let last = self.versions(&account).next_back();
            let repeats = |last: &Draft| {
                draft.effective_from <= last.effective_from && draft.clone().placed(&account, last.effective_from) == *last
            };
            if last.is_some_and(repeats) {
                return Err("it is the version before it, written again".to_owned());
            }
            // who wrote it without `publish` may have given an instant that is over, or none
            let from = match self.versions(&account).next() {
                Some(_) => draft.effective_from.max(Some(published_at)),
                None => draft.effective_from,
            };
            self.join(draft.placed(&account, from))
        });
        let standing = judged.map(|(rules, draft)| {
            let number = rules.account(&account).map_or(0, |rules| rules.versions().len() as u32);
            self.rules.replace(rules);
            Standing::Version { number, draft }
        });
        let standing = standing.unwrap_or_else(|reason| {
            tracing::error!(account, reason, "a version on the rules topic is left out");
            Standing::LeftOut(reason)
        });
        self.accounts.entry(account).or_default().push(Published { published_at, standing });
    }

    /// The rules of an account with one more version, or why it cannot be one.
    fn join(&self, draft: Draft) -> Result<(RuleSet, Draft), String> {
        if let Some(last) = self.versions(&draft.account).next_back()
            && last.effective_from >= draft.effective_from
        {
            let (from, last) = (shown(draft.effective_from), shown(last.effective_from));
            return Err(format!("a version starts after the one before it: this one {from}, that one {last}"));
        }
        let known = self.versions(&draft.account).map(Draft::json).enumerate();
        let known = known.map(|(i, json)| (format!("version {} of {}", i + 1, draft.account), json));
        let sources: Vec<_> = known.chain([(format!("the new version of {}", draft.account), draft.json())]).collect();
        let rules = RuleSet::load(sources).map_err(|errors| errors.to_string())?;
        Ok((rules, draft))
    }
}

/// When a version starts, in words.
pub fn shown(effective_from: Option<Timestamp>) -> String {
    effective_from.map_or("since ever".to_owned(), |time| format!("from {time}"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
