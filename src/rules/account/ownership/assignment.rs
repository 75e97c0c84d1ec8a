//! The assignment of conversations and comments, each kind by its own strategy.

use super::super::Account;
use super::items::{self, Given, Kind};
use super::load::{self, Served};
use super::strategies::{self, Plan, Question};
use super::{desk, queue};
use crate::events::Timestamp;
use crate::rulebook::Strategy;

/// Why nobody has an item.
pub const NO_ELIGIBLE_REP: &str = "no_eligible_rep";
pub const NO_STRATEGY: &str = "no_strategy";
pub const MANUAL: &str = "manual";
const UNSUPPORTED_CHANNEL: &str = "unsupported_channel";

/// Where comments exist.
const COMMENT_CHANNELS: [&str; 2] = ["instagram", "messenger"];

/// Assigns an item that has just been opened. If nobody is found, it waits.
pub fn assign(account: &mut Account<'_>, kind: Kind, item: &str, at: Timestamp) {
    let strategy = plan(account, kind).map(|plan| plan.strategy);
    let nobody = match strategy {
        _ if is_unsupported(account, kind, item) => UNSUPPORTED_CHANNEL,
        None => NO_STRATEGY,
        Some(Strategy::Manual) => MANUAL,
        Some(_) if offer(account, kind, item, at) => return,
        Some(_) => NO_ELIGIBLE_REP,
    };
    let strategy = strategy.map(Strategy::name);
    items::give(account, kind, item, &Given { rep: None, strategy, backup: false, reason: nobody, at });
    queue::wait(account, kind, item, nobody == NO_ELIGIBLE_REP);
}

/// Gives an item to the rep that its strategy or the backup finds; false if there is nobody.
pub fn offer(account: &mut Account<'_>, kind: Kind, item: &str, at: Timestamp) -> bool {
    let (Some(plan), Some(row)) = (plan(account, kind), items::row(account, kind, item)) else { return false };
    let question = Question { contact: row.contact.as_deref(), channel: row.channel.as_deref(), served: Served::Item };
    let Some(found) = strategies::find(account, &plan, &question) else { return false };
    load::serve(account, &found.rep, Served::Item);
    let strategy = plan.strategy.name();
    let reason = if found.backup { "backup" } else { strategy };
    let given = Given { rep: Some(&found.rep), strategy: Some(strategy), backup: found.backup, reason, at };
    items::give(account, kind, item, &given);
    true
}

/// Offers what waits of a contact: something is known of it now that may decide.
pub fn offer_waiting(account: &mut Account<'_>, contact: &str, at: Timestamp) {
    for (kind, item) in desk::open(account, contact) {
        if items::row(account, kind, &item).is_some_and(|row| row.queued) {
            offer(account, kind, &item, at);
        }
    }
}

/// How the rules assign items of a kind. Comments are never assigned by hand, and never by the conversations' rules.
fn plan<'a>(account: &Account<'a>, kind: Kind) -> Option<Plan<'a>> {
    let ownership = &account.book.ownership;
    match kind {
        Kind::Conversation => ownership.conversations.as_ref().map(|rules| Plan::of_items("conversations", rules)),
        Kind::Comment => {
            let rules = ownership.comments.as_ref().filter(|rules| rules.strategy != Strategy::Manual);
            rules.map(|rules| Plan::of_items("comments", rules))
        }
        Kind::Contact => None,
    }
}

/// Whether it is a comment on a channel that has none. One that names no channel is taken as it is.
fn is_unsupported(account: &mut Account<'_>, kind: Kind, item: &str) -> bool {
    let channel = items::row(account, kind, item).and_then(|row| row.channel);
    kind == Kind::Comment && channel.is_some_and(|channel| !COMMENT_CHANNELS.contains(&channel.as_str()))
}
