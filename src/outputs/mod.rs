//! What comes out: one closed type, [`Output`], that the rules return, and the [`Outbox`] that turns it into topic, key and
//! bytes in one hop.

mod actor;
pub mod bundle;
mod dead_letter;
mod json;
mod lead;
mod outbox;
mod ownership;
pub mod partitioner;
mod schema;
mod topic;

use serde::Serialize;

pub use actor::*;
pub use dead_letter::dead_letter;
pub use lead::*;
pub use outbox::{Headers, Outbox, Record, Route, STATE};
pub use ownership::*;
pub use schema::schema;
pub use topic::Topic;

use crate::events::keys;

/// A record for an output topic. Its JSON value is the struct it holds; [`Output::key`] gives the key.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Output<'a> {
    LeadScore(LeadScore<'a>),
    Timeline(TimelineEntry<'a>),
    SegmentChange(SegmentChange<'a>),
    RepProgress(RepProgress<'a>),
    Xp(XpEntry<'a>),
    Leaderboard(Leaderboard<'a>),
    Contest(Contest<'a>),
    Goal(GoalProgress<'a>),
    Grant(Grant<'a>),
    Coins(CoinsEntry<'a>),
    Redemption(Redemption<'a>),
    CommissionLine(CommissionLine<'a>),
    Statement(Statement<'a>),
    Ownership(Ownership<'a>),
    OwnershipChange(OwnershipChange<'a>),
    Assignment(Assignment<'a>),
    Relationship(Relationship<'a>),
    Announcement(Announcement<'a>),
    CommandResult(CommandResult<'a>),
}

impl Output<'_> {
    pub fn topic(&self) -> Topic {
        match self {
            Output::LeadScore(_) => Topic::LeadScores,
            Output::Timeline(_) => Topic::Timeline,
            Output::SegmentChange(_) => Topic::Segments,
            Output::RepProgress(_) => Topic::RepProgress,
            Output::Xp(_) => Topic::Xp,
            Output::Leaderboard(_) => Topic::Leaderboards,
            Output::Contest(_) => Topic::Contests,
            Output::Goal(_) => Topic::Goals,
            Output::Grant(_) => Topic::Grants,
            Output::Coins(_) => Topic::Coins,
            Output::Redemption(_) => Topic::Redemptions,
            Output::CommissionLine(_) => Topic::CommissionLines,
            Output::Statement(_) => Topic::Statements,
            Output::Ownership(_) => Topic::Ownership,
            Output::OwnershipChange(_) => Topic::OwnershipHistory,
            Output::Assignment(_) => Topic::Assignments,
            Output::Relationship(_) => Topic::Relationships,
            Output::Announcement(_) => Topic::Announcements,
            Output::CommandResult(_) => Topic::CommandResults,
        }
    }

    /// The record's key: components joined with `/`, or an id that is such a key already.
    pub fn key(&self) -> String {
        let mut key = Vec::new();
        self.write_key(&mut key);
        String::from_utf8_lossy(&key).into_owned()
    }

    fn write_key(&self, into: &mut Vec<u8>) {
        let join = |into: &mut Vec<u8>, components: &[&str]| keys::join_into(into, components);
        // an entry id that is a grant id or an event's key is joined already
        let append = |into: &mut Vec<u8>, components: &[&str], id: &str| {
            keys::join_into(into, components);
            into.push(b'/');
            into.extend_from_slice(id.as_bytes());
        };
        match self {
            Output::LeadScore(o) => join(into, &[o.account, o.contact]),
            Output::Timeline(o) if o.outcome == Outcome::Carried => {
                join(into, &[o.account, o.contact, "carried", o.group.unwrap_or_default()])
            }
            Output::Timeline(o) => join(into, &[o.account, o.contact, o.event.source, o.event.id, o.key]),
            Output::SegmentChange(o) => join(into, &[o.account, o.segment, o.contact]),
            Output::RepProgress(o) => join(into, &[o.account, o.rep]),
            Output::Xp(o) => append(into, &[o.account, o.rep], o.entry),
            Output::Coins(o) => append(into, &[o.account, o.rep], o.entry),
            Output::Leaderboard(o) => join(into, &[o.account, o.board, o.period]),
            Output::Contest(o) => join(into, &[o.account, o.contest]),
            Output::Goal(o) => join(into, &[o.account, o.goal, o.period, o.subject]),
            Output::Grant(o) => into.extend_from_slice(o.grant.as_bytes()),
            Output::Redemption(o) => join(into, &[o.account, o.redemption]),
            Output::CommissionLine(o) => into.extend_from_slice(o.line.as_bytes()),
            Output::Statement(o) => into.extend_from_slice(o.statement.as_bytes()),
            Output::Ownership(o) => join(into, &[o.account, o.contact]),
            Output::OwnershipChange(o) => append(into, &[o.account, o.contact], &o.version.to_string()),
            Output::Assignment(o) => join(into, &[o.account, o.kind, o.item]),
            Output::Relationship(o) => join(into, &[o.account, o.contact]),
            Output::Announcement(o) => append(into, &[o.account], o.id),
            Output::CommandResult(o) => join(into, &[o.account, o.command]),
        }
    }

    fn write_json(&self, into: &mut Vec<u8>) {
        match self {
            Output::LeadScore(output) => output.write_json(into),
            Output::Timeline(output) => output.write_json(into),
            Output::Xp(output) => output.write_json(into),
            Output::RepProgress(output) => output.write_json(into),
            Output::CommissionLine(output) => output.write_json(into),
            Output::Statement(output) => output.write_json(into),
            // writing into a Vec cannot fail, and every output has text keys
            output => serde_json::to_writer(into, output).unwrap_or_default(),
        }
    }
}
