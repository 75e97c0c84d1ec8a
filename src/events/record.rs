//! The records of `account-events`: all that the account stage ever reads, in the order in which it is applied.

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// One record of `account-events`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum AccountRecord<'a> {
    /// A product event that decides something on the account's side.
    #[serde(borrow)]
    Event(StampedEvent<'a>),
    /// A command, routed here from the `commands` topic.
    #[serde(borrow)]
    Command(CommandRecord<'a>),
    /// How far a partition of the product events has come, about once a second, to every partition.
    Watermark {
        partition: u32,
        /// The greatest event time processed; the wall clock once caught up.
        time: Timestamp,
        caught_up: bool,
    },
    /// From here on the account has this version of its rules.
    RuleStamp { account: &'a str, version: u32 },
    /// The contact showed no event for the time that a transfer rule of its account names.
    Inactive { account: &'a str, contact: &'a str, since: Timestamp, time: Timestamp },
}

/// A product event with what the contact stage found out about it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StampedEvent<'a> {
    pub account: &'a str,
    pub contact: Option<&'a str>,
    pub actor: Option<&'a str>,
    pub source: &'a str,
    pub id: &'a str,
    pub kind: &'a str,
    pub time: Timestamp,
    /// The number of the rule version by which the catalog judged it.
    pub version: u32,
    /// Positions, in that version's catalog, of the entries it counted or was recorded for.
    pub scored: Vec<u16>,
    /// It is the first event of its contact.
    pub first: bool,
    /// It carries no usable amount of the account's currency: what is money passes it over (it is a dead letter already).
    pub no_money: bool,
    /// JSON text of `data`; empty where no rule of the account looks into it.
    pub data: &'a str,
    /// For events that the account stage may yet have to reject.
    #[serde(borrow)]
    pub original: Option<Original<'a>>,
    /// Content hash; for events without a contact, which are deduplicated by the account stage.
    pub digest: u64,
    /// When the identity of an event without a contact can be forgotten; `None`: never.
    pub forget_at: Option<Timestamp>,
}

/// A command on its way to the account stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CommandRecord<'a> {
    pub account: &'a str,
    pub id: &'a str,
    pub kind: &'a str,
    /// Who asks.
    pub actor: Option<&'a str>,
    pub time: Timestamp,
    /// JSON text of `data`.
    pub data: &'a str,
    pub digest: u64,
    #[serde(borrow)]
    pub original: Original<'a>,
}

/// An input record as it came, for its dead letter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Original<'a> {
    pub topic: &'a str,
    pub partition: u32,
    pub offset: u64,
    pub timestamp: Timestamp,
    #[serde(borrow)]
    pub key: Option<&'a [u8]>,
    #[serde(borrow)]
    pub value: Option<&'a [u8]>,
    #[serde(borrow)]
    pub headers: Vec<(&'a str, &'a [u8])>,
}

impl AccountRecord<'_> {
    /// The binary form: a format byte, then the record in postcard.
    pub fn encode(&self, into: &mut Vec<u8>) {
        into.push(Self::FORMAT);
        let buffer = std::mem::take(into);
        // postcard only fails where a type cannot be serialized at all, and these all can
        *into = postcard::to_extend(self, buffer).unwrap_or_default();
    }

    const FORMAT: u8 = 1;
}

impl<'a> AccountRecord<'a> {
    /// Reads the binary form; `None` for anything else.
    pub fn decode(bytes: &'a [u8]) -> Option<AccountRecord<'a>> {
        match bytes.split_first() {
            Some((&Self::FORMAT, rest)) => postcard::from_bytes(rest).ok(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_survive_their_binary_form() {
        let event = StampedEvent {
            account: "acme",
            contact: Some("c1"),
            scored: vec![0, 3],
            time: Timestamp(-5),
            data: "{}",
            ..Default::default()
        };
        let original = Original { topic: "commands", value: Some(&[0xff, 0]), ..Default::default() };
        for record in [
            AccountRecord::Event(event),
            AccountRecord::Command(CommandRecord { id: "k1", original, ..Default::default() }),
            AccountRecord::Watermark { partition: 3, time: Timestamp(7), caught_up: true },
        ] {
            let mut bytes = Vec::new();
            record.encode(&mut bytes);
            assert_eq!(AccountRecord::decode(&bytes), Some(record));
        }
        assert_eq!(AccountRecord::decode(&[]), None);
        assert_eq!(AccountRecord::decode(&[9, 1, 2]), None);
    }
}
