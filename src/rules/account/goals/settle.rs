//! Grants of goals: tiers first, then accelerator steps, then collective shares; ascending within each.

use std::collections::BTreeSet;

use super::super::announcements::{self, News};
use super::super::rewards::{self, NewGrant};
use super::super::{Account, Cause, roster};
use super::chain;
use super::ladder::{self, target, threshold};
use super::row::{GoalRow, load};
use crate::events::keys;
use crate::outputs::{GrantSource, Subject};
use crate::rulebook::{AnnouncementKind, Goal, GoalTier, Of};

/// A goal in a period, for a subject.
struct Place<'p> {
    goal: &'p Goal,
    period: &'p str,
    subject: &'p str,
}

impl Place<'_> {
    fn grant_id(&self, account: &str, kind: &str, rest: &[&str]) -> String {
        keys::join(&[&[account, kind, &self.goal.key, self.period, self.subject], rest].concat())
    }

    fn source<'s>(&'s self, kind: &'s str, tier: &'s str) -> GrantSource<'s> {
        GrantSource { kind, key: &self.goal.key, tier: Some(tier), period: Some(self.period) }
    }

    fn subject(&self) -> Subject<'_> {
        Subject { kind: self.goal.of.name(), id: self.subject }
    }

    /// The rep whom a reward of the goal itself goes to; teams and accounts share through `collective`.
    fn rep(&self) -> Option<&str> {
        (self.goal.of == Of::Rep).then_some(self.subject)
    }
}

/// Grants what the touched goals (goal, period, subject) have reached: tiers, then steps, then collective shares.
pub fn settle(account: &mut Account<'_>, touched: &BTreeSet<(String, String, String)>, cause: &Cause<'_>) {
    let mut reached: Vec<(Place<'_>, &GoalTier)> = Vec::new();
    for (goal, period, subject) in touched {
        let Some((_, goal, row)) = load(account, goal, period, subject) else { continue };
        let target = target(goal, subject);
        // ascending, as the rulebook has them
        for tier in &goal.tiers {
            if row.value >= threshold(target, tier.at) && row.reached_at(&tier.key).is_none() {
                let place = Place { goal, period, subject };
                reach(account, &place, tier, cause);
                reached.push((place, tier));
            }
        }
    }
    for (goal, period, subject) in touched {
        if let Some((_, goal, row)) = load(account, goal, period, subject) {
            accelerate(account, &Place { goal, period, subject }, &row, cause);
        }
    }
    for (place, tier) in reached {
        share(account, &place, tier, cause);
    }
}

fn reach(account: &mut Account<'_>, place: &Place<'_>, tier: &GoalTier, cause: &Cause<'_>) {
    let key = GoalRow::key(account.id, &place.goal.key, place.period, place.subject);
    if let Some(row) = account.state.get_mut::<GoalRow>(&key) {
        row.reached.push((tier.key.clone(), cause.at));
    }
    let id = place.grant_id(account.id, "goal", &[&tier.key]);
    let source = place.source("goal", &tier.key);
    let new = NewGrant { id: &id, subject: place.subject(), source, reward: &tier.reward, to: place.rep() };
    if rewards::grant(account, &new, cause) {
        announce(account, place, tier, cause);
    }
    chain::unlock(account, place.goal, &tier.key, place.subject, cause.at);
}

fn announce(account: &mut Account<'_>, place: &Place<'_>, tier: &GoalTier, cause: &Cause<'_>) {
    let book = account.book;
    let title = place.goal.name.as_deref().unwrap_or(&place.goal.key);
    let who = match place.goal.of {
        Of::Rep => roster::rep_name(book, place.subject),
        Of::Team => roster::team_name(book, place.subject),
        Of::Account => place.subject,
    };
    let message = format!("{who} reached {} of {title}", tier.key);
    let id = keys::join(&["tier", &place.goal.key, place.period, place.subject, &tier.key]);
    let (kind, subject) = (AnnouncementKind::Tier, place.subject());
    announcements::announce(account, &News { id: &id, kind, subject, title, message: &message, at: cause.at });
}

/// Grants the steps that the value has passed the end of.
fn accelerate(account: &mut Account<'_>, place: &Place<'_>, row: &GoalRow, cause: &Cause<'_>) {
    let Some(accelerator) = &place.goal.accelerator else { return };
    let target = target(place.goal, place.subject);
    let key = GoalRow::key(account.id, &place.goal.key, place.period, place.subject);
    let mut steps = row.steps;
    while let Some((ends, reward)) = ladder::step(accelerator, steps + 1) {
        if row.value < threshold(target, ends) {
            break;
        }
        steps += 1;
        // noted before it is granted: its reward may come back to this goal
        if let Some(row) = account.state.get_mut::<GoalRow>(&key) {
            row.steps = steps;
        }
        let percent = ends.number().to_string();
        let id = place.grant_id(account.id, "accelerator", &[&percent]);
        let source = place.source("accelerator", &percent);
        let new = NewGrant { id: &id, subject: place.subject(), source, reward: &reward, to: place.rep() };
        rewards::grant(account, &new, cause);
    }
}

/// Grants the shares of a tier to everyone who is an active member now.
fn share(account: &mut Account<'_>, place: &Place<'_>, tier: &GoalTier, cause: &Cause<'_>) {
    let members = match place.goal.of {
        Of::Rep => return,
        Of::Team => roster::members(account, place.subject),
        Of::Account => roster::active(account),
    };
    for collective in place.goal.collective.iter().filter(|collective| collective.tier == tier.key) {
        for rep in &members {
            let id = place.grant_id(account.id, "collective", &[&tier.key, rep]);
            let source = place.source("collective", &tier.key);
            let subject = Subject { kind: "rep", id: rep };
            rewards::grant(account, &NewGrant { id: &id, subject, source, reward: &collective.reward, to: Some(rep) }, cause);
        }
    }
}
