//! Lead scores: one record for each contact that a batch changed. Live it carries the contact's row in a header, and so is
//! the row's changelog too: the most frequent row of all is written once, not twice.

use std::borrow::Cow;

use super::compiled::ContactRules;
use super::row::ContactRow;
use crate::events::{Timestamp, keys};
use crate::outputs::{LeadScore, Outbox, Output, Pairs, Route, STATE};

/// Publishes the score of the contact with this row key (`account/contact`), with its row's bytes if they are given. False if
/// there is none to publish.
pub fn publish(
    key: &str,
    row: &ContactRow,
    rules: Option<&ContactRules>,
    logged: Timestamp,
    own: Route,
    state: Option<&[u8]>,
    out: &mut Outbox,
) -> bool {
    let version = rules.and_then(|rules| rules.version(row.version));
    let (true, Some(rules), Some(version)) = (row.has_lead(), rules, version) else { return false };
    let Some((account, contact)) = split(key) else { return false };
    let mut groups: Vec<(&str, i64)> =
        version.groups.iter().map(|group| (group.key.as_str(), row.points_of(group.hash))).collect();
    // points that an earlier version gave to a group that this one does not declare
    let declared = |hash| version.groups.iter().any(|group| group.hash == hash);
    let undeclared = row.groups.iter().filter(|sum| sum.points != 0 && !declared(sum.group));
    groups.extend(undeclared.filter_map(|sum| Some((rules.group(sum.group)?, sum.points))));
    let segments = version.rules.segments.iter().map(|segment| segment.key.as_str());
    let score = LeadScore {
        account: &account,
        contact: &contact,
        score: row.score,
        groups: Pairs(groups),
        segments: segments.filter(|key| row.segments.iter().any(|inside| inside == key)).collect(),
        events: row.events,
        last_event_at: row.last_event_at,
        rules_version: row.version,
    };
    out.push_to(own, &Output::LeadScore(score), logged);
    if let Some(state) = state {
        out.add_header(STATE, state);
    }
    true
}

/// Account and contact of a row key.
pub fn split(key: &str) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
    let (account, contact) = key.split_once('/')?;
    let plain = |part: &'_ str| !part.contains('%');
    if plain(account) && plain(contact) {
        return Some((Cow::Borrowed(account), Cow::Borrowed(contact)));
    }
    let mut parts = keys::split(key).into_iter();
    Some((Cow::Owned(parts.next()?), Cow::Owned(parts.next()?)))
}
