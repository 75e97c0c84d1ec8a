//! Rules from the topic `rules`: one JSON document a record, keyed by account, several versions of an account allowed. They
//! are read whole before work starts, and followed from then on.

use std::collections::BTreeMap;
use std::time::Duration;

use super::log::{Log, LogError};
use crate::outputs::Topic;
use crate::rulebook::RuleSet;

/// The topic as far as it has been read.
#[derive(Default)]
pub struct RulesTopic {
    /// In the order of the log; a document has a name that says where it came from.
    documents: Vec<(String, Document)>,
    /// The next offset of each partition.
    next: BTreeMap<u32, u64>,
    read: u64,
}

struct Document {
    account: String,
    text: String,
}

impl RulesTopic {
    /// Reads what is new. Gives the rules if there is any.
    pub fn refresh(&mut self, log: &dyn Log) -> Result<Option<RuleSet>, LogError> {
        let partitions = log.partitions_of(Topic::Rules);
        let from: Vec<(u32, u64)> = (0..partitions).map(|p| (p, self.next.get(&p).copied().unwrap_or(0))).collect();
        let mut records = Vec::new();
        let mut reader = log.read_to_end(Topic::Rules, &from)?;
        while !reader.read(Duration::from_millis(100), &mut |(_, key, value)| {
            records.push((text(key), value.map(text)));
        })? {}
        for (partition, _) in from {
            self.next.insert(partition, reader.bounds(partition).1);
        }
        if records.is_empty() {
            return Ok(None);
        }
        for (account, document) in records {
            self.read += 1;
            self.take(account, document);
        }
        let sources = self.documents.iter().map(|(name, document)| (name, &document.text));
        RuleSet::load(sources).map(Some).map_err(|errors| LogError::Fatal(errors.to_string()))
    }

    /// Takes a version in. One that would make the rules wrong is left out: what is in force goes on.
    fn take(&mut self, account: String, document: Option<String>) {
        let Some(text) = document else {
            self.documents.retain(|(_, document)| document.account != account);
            return;
        };
        let name = format!("rules topic, record {} ({account})", self.read);
        self.documents.push((name, Document { account, text }));
        let sources = self.documents.iter().map(|(name, document)| (name, &document.text));
        if let Err(errors) = RuleSet::load(sources) {
            tracing::error!(%errors, "a version on the rules topic is left out");
            self.documents.pop();
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Timestamp;
    use crate::outputs::{Outbox, Record, Route};
    use crate::runtime::log::local::{LocalLog, MemDisk};

    #[test]
    fn versions_are_followed_and_wrong_ones_left_out() {
        let log = LocalLog::open(Box::new(MemDisk::default()), 2, 1 << 20, 1 << 30).unwrap();
        let publish = |account: &str, text: Option<&str>| {
            let mut outbox = Outbox::default();
            let (topic, route, key) = (Topic::Rules, Route::Key, account.as_bytes());
            outbox.push_raw(Record { topic, route, timestamp: Timestamp(1), key, value: text.map(str::as_bytes), headers: &[] });
            log.append(&outbox).unwrap();
        };
        let mut topic = RulesTopic::default();
        assert!(topic.refresh(&log).unwrap().is_none());
        publish("a", Some(r#"{"account": "a", "catalog": [{"key": "x", "points": 1}]}"#));
        publish("b", Some(r#"{"account": "b", "catalog": [{"key": "x", "points": "many"}]}"#));
        publish("a", Some(r#"{"account": "a", "effective_from": "2026-01-01T00:00:00Z"}"#));
        let rules = topic.refresh(&log).unwrap().unwrap();
        assert_eq!(rules.account("a").unwrap().versions().len(), 2);
        assert!(rules.account("b").is_none());
        assert!(topic.refresh(&log).unwrap().is_none());
        publish("a", None);
        assert!(topic.refresh(&log).unwrap().unwrap().account("a").is_none());
    }
}
