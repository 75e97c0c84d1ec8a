//! Badges: bronze to diamond, each tier once, in order.

use super::metrics::Contribution;
use super::ranking::{self, Kind, Scope};
use super::rewards::{self, GrantRow, NewGrant};
use super::tally;
use super::timers::{self, Timer};
use super::xp::{HeldBadge, RepRow};
use super::{Account, Cause, announcements, publish::Dirty, roster};
use crate::events::{Timestamp, Window, keys};
use crate::outputs::{GrantSource, Reward, Subject};
use crate::rulebook::values::Threshold;
use crate::rulebook::{AnnouncementKind, Badge, BadgeTier};

/// Takes a contribution to the badges that measure by its metric.
pub fn take(account: &mut Account<'_>, contribution: &Contribution<'_>) {
    let book = account.book;
    for badge in book.badges.iter().filter(|badge| badge.metric.as_deref() == Some(contribution.metric)) {
        let period = account.period(badge.window, contribution.at);
        if account.is_final(period.span) {
            account.pending.late = true;
            continue;
        }
        let scope = scope(&badge.key, &period.label);
        let (ranking, new) = ranking::open(account, scope, period.span, book.version);
        if let Some(due) = account.final_at(period.span).filter(|_| new) {
            close_at(account, due, &badge.key, &period.label);
        }
        tally::add(account, &[ranking], contribution.rep, contribution.value, contribution.at);
        account.pending.badges.insert((badge.key.clone(), period.label.clone(), contribution.rep.to_owned()));
    }
}

fn close_at(account: &mut Account<'_>, due: Timestamp, badge: &str, period: &str) {
    let timer = Timer::BadgeCloses { badge: badge.to_owned(), period: period.to_owned() };
    timers::set(account, due, &keys::join(&[badge, period]), timer);
}

/// Awards the tiers that the value has reached.
pub fn settle(account: &mut Account<'_>, badge: &str, period: &str, rep: &str, cause: &Cause<'_>) {
    let book = account.book;
    let Some(rule) = book.badges.iter().find(|rule| rule.key == badge) else { return };
    let Some(ranking) = ranking::get(account, scope(badge, period)) else { return };
    let Some(value) = tally::get(account, ranking.number, rep).map(|tally| tally.value) else { return };
    for (tier, threshold) in &rule.tiers {
        match threshold {
            Threshold::Amount(threshold) if value >= *threshold => award(account, rule, *tier, period, rep, cause),
            // of what would it be a percent
            Threshold::Amount(_) | Threshold::Percent(_) => continue,
        }
    }
}

/// Awards a badge that a reward names with its tier, `closer/gold`, under the badge's own grant id. That of a window is the
/// one of the period that holds the cause; a final period takes none.
pub fn award_as_reward(account: &mut Account<'_>, badge_and_tier: &str, rep: &str, cause: &Cause<'_>) {
    let book = account.book;
    let Some((badge, tier)) = badge_and_tier.rsplit_once('/') else { return };
    let Some(tier) = BadgeTier::ALL.into_iter().find(|known| known.name() == tier) else { return };
    let Some(rule) = book.badges.iter().find(|rule| rule.key == badge) else { return };
    let period = account.period(rule.window, cause.at);
    if !account.is_final(period.span) {
        award(account, rule, tier, &period.label, rep, cause);
    }
}

fn award(account: &mut Account<'_>, rule: &Badge, tier: BadgeTier, period: &str, rep: &str, cause: &Cause<'_>) {
    let windowed = rule.window != Window::All;
    let id = match windowed {
        true => keys::join(&[account.id, "badge", &rule.key, period, rep, tier.name()]),
        false => keys::join(&[account.id, "badge", &rule.key, rep, tier.name()]),
    };
    if account.state.contains::<GrantRow>(&id) {
        return;
    }
    // held before it is paid, as the reward may lead here again
    hold(account, rule, tier, rep, cause.at);
    let nothing = Reward::default();
    let reward = rule.rewards.get(&tier).unwrap_or(&nothing);
    let period = windowed.then_some(period);
    let source = GrantSource { kind: "badge", key: &rule.key, tier: Some(tier.name()), period };
    announce(account, rule, tier, period, rep, cause.at);
    let grant = NewGrant { id: &id, subject: Subject { kind: "rep", id: rep }, source, reward, to: Some(rep) };
    rewards::grant(account, &grant, cause);
}

/// Puts a tier among what the rep has. One entry for a tier: that of a window shows its latest award.
fn hold(account: &mut Account<'_>, rule: &Badge, tier: BadgeTier, rep: &str, at: Timestamp) {
    let row = account.state.entry::<RepRow>(&keys::join(&[account.id, rep]), RepRow::default);
    match row.badges.iter_mut().find(|held| held.key == rule.key && held.tier == tier.name()) {
        Some(held) => held.awarded_at = held.awarded_at.max(at),
        None => row.badges.push(HeldBadge { key: rule.key.clone(), tier: tier.name().to_owned(), awarded_at: at }),
    }
    account.touch(Dirty::Rep { rep });
}

fn announce(account: &mut Account<'_>, rule: &Badge, tier: BadgeTier, period: Option<&str>, rep: &str, at: Timestamp) {
    let name = rule.name.as_deref().unwrap_or(&rule.key);
    let id = match period {
        Some(period) => keys::join(&["badge", &rule.key, period, rep, tier.name()]),
        None => keys::join(&["badge", &rule.key, rep, tier.name()]),
    };
    let title = format!("{} earned {name}", roster::rep_name(account.book, rep));
    let message = match period {
        Some(period) => format!("{name}, {}, of {period}", tier.name()),
        None => format!("{name}, {}", tier.name()),
    };
    let subject = Subject { kind: "rep", id: rep };
    let news = announcements::News { id: &id, kind: AnnouncementKind::Badge, subject, title: &title, message: &message, at };
    announcements::announce(account, &news);
}

/// A period of a badge is final: its tallies leave the state. What was awarded stays.
pub fn close(account: &mut Account<'_>, badge: &str, period: &str) {
    let scope = scope(badge, period);
    let Some(ranking) = ranking::get(account, scope) else { return };
    if let Some(due) = account.final_at(ranking.span).filter(|due| *due > account.time) {
        return close_at(account, due, badge, period); // a newer version waits longer
    }
    ranking::clear(account, scope);
}

fn scope<'s>(badge: &'s str, period: &'s str) -> Scope<'s> {
    Scope { kind: Kind::Badge, key: badge, period }
}
