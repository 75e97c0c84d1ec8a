//! Contributions to goals, and the end of their periods.

use super::super::metrics::Contribution;
use super::super::publish::Dirty;
use super::super::running::{Running, running};
use super::super::timers::{self, Timer};
use super::super::{Account, roster};
use super::chain;
use super::publish::publish;
use super::row::GoalRow;
use crate::events::{Amount, Timestamp, keys};
use crate::rulebook::values::Subjects;
use crate::rulebook::{Goal, Of};

/// Takes a contribution to the goals that measure by its metric.
pub fn take(account: &mut Account<'_>, contribution: &Contribution<'_>) {
    let version = account.book.version;
    for running in running::<Goal>(account, version, contribution.at, |goal| goal.metric == contribution.metric) {
        if let Some(subject) = subject_of(account, running.rule, contribution.rep) {
            credit(account, &running, &subject, contribution);
        }
    }
}

/// Whom a contribution of a rep counts for: the rep, the rep's team or the account, where the goal is theirs.
fn subject_of(account: &Account<'_>, goal: &Goal, rep: &str) -> Option<String> {
    let book = account.book;
    match goal.of {
        Of::Rep => roster::takes_part(book, &goal.subjects, rep).then(|| rep.to_owned()),
        Of::Team => {
            let team = roster::team_of(book, rep)?;
            let takes_part = match &goal.subjects {
                Subjects::All => true,
                Subjects::Ids(teams) => teams.iter().any(|id| id == team),
                Subjects::Team(key) => key == team,
            };
            takes_part.then(|| team.to_owned())
        }
        Of::Account => Some(account.id.to_owned()),
    }
}

fn credit(account: &mut Account<'_>, running: &Running<'_, Goal>, subject: &str, contribution: &Contribution<'_>) {
    let (goal, period) = (&running.rule.key, &running.period.label);
    let key = GoalRow::key(account.id, goal, period, subject);
    let closes_at = account.final_at(running.period.span);
    if closes_at.is_some_and(|closes_at| account.time >= closes_at) {
        account.pending.late = true;
        return;
    }
    let unlocked_at = match &running.rule.after {
        Some(after) => chain::unlocked_at(account, after, subject, contribution.at),
        None => Some(Timestamp::MIN),
    };
    let is_new = !account.state.contains::<GoalRow>(&key);
    let row = account.state.entry::<GoalRow>(&key, || GoalRow {
        version: running.book.version,
        span: running.period.span,
        value: Amount::ZERO,
        reached: Vec::new(),
        steps: 0,
        locked: unlocked_at.is_none(),
        looked_at: contribution.at,
        is_final: false,
    });
    let counts = unlocked_at.is_some_and(|unlocked_at| chain::counts(unlocked_at, &contribution.cause));
    if counts {
        row.value += contribution.value;
    }
    let was_locked = row.locked;
    if contribution.at >= row.looked_at {
        (row.locked, row.looked_at) = (unlocked_at.is_none(), contribution.at);
    }
    let changed = counts || is_new || row.locked != was_locked;
    if is_new && let Some(closes_at) = closes_at {
        close_at(account, closes_at, goal, period, subject);
    }
    if counts {
        account.pending.goals.insert((goal.clone(), period.clone(), subject.to_owned()));
    }
    if changed {
        account.touch(Dirty::Goal { goal, period, subject });
    }
}

fn close_at(account: &mut Account<'_>, due: Timestamp, goal: &str, period: &str, subject: &str) {
    let timer = Timer::GoalCloses { goal: goal.to_owned(), period: period.to_owned(), subject: subject.to_owned() };
    timers::set(account, due, &keys::join(&[goal, period, subject]), timer);
}

/// A period of a goal is final: it is published for the last time. Its row leaves the state, at once or as soon as no goal
/// that is chained to it can ask any more when it was reached.
pub fn close(account: &mut Account<'_>, goal: &str, period: &str, subject: &str) {
    let key = GoalRow::key(account.id, goal, period, subject);
    let Some(span) = account.state.get::<GoalRow>(&key).map(|row| row.span) else { return };
    if let Some(due) = account.final_at(span).filter(|due| *due > account.time) {
        return close_at(account, due, goal, period, subject); // a newer version waits longer
    }
    if let Some(row) = account.state.get_mut::<GoalRow>(&key) {
        row.is_final = true;
    }
    publish(account, goal, period, subject);
    match chain::asked_until(account, goal, span).filter(|until| *until > account.time) {
        Some(until) => timers::set(account, until, &key, Timer::GoalForgotten { goal: key.clone() }),
        None => forget(account, &key),
    }
}

/// Forgets a goal of a final period, by the key of its row.
pub fn forget(account: &mut Account<'_>, key: &str) {
    account.state.delete::<GoalRow>(key);
}
