//! Pools: the active reps that a rule names one way or another, in roster order.

use super::super::{Account, roster};
use super::{portfolios, presence};
use crate::rulebook::Target;
use crate::rulebook::values::Subjects;

/// The active reps among subjects, or of a team if one is named.
pub fn of_subjects(account: &mut Account<'_>, subjects: &Subjects, team: Option<&str>) -> Vec<String> {
    if let Some(team) = team {
        return roster::members(account, team);
    }
    let book = account.book;
    let mut reps = roster::active(account);
    reps.retain(|rep| roster::takes_part(book, subjects, rep));
    reps
}

/// The active reps of a target.
pub fn of_target(account: &mut Account<'_>, target: &Target) -> Vec<String> {
    match (&target.portfolio, &target.team) {
        (Some(portfolio), _) => of_portfolio(account, portfolio),
        (None, Some(team)) => roster::members(account, team),
        (None, None) => named(account, |rep| target.rep.as_deref() == Some(rep) || target.reps.iter().any(|named| named == rep)),
    }
}

/// The active reps of an active portfolio; an inactive one has nobody.
pub fn of_portfolio(account: &mut Account<'_>, portfolio: &str) -> Vec<String> {
    match portfolios::find(account, portfolio) {
        Some(found) if found.active => match &found.team {
            Some(team) => roster::members(account, team),
            None => named(account, |rep| found.reps.iter().any(|named| named == rep)),
        },
        _ => Vec::new(),
    }
}

/// The active reps that a list names.
pub fn of_ids(account: &mut Account<'_>, ids: &[String]) -> Vec<String> {
    named(account, |rep| ids.iter().any(|id| id == rep))
}

/// Passes over who is offline.
pub fn only_online(account: &mut Account<'_>, pool: &mut Vec<String>) {
    pool.retain(|rep| presence::is_online(account, rep));
}

fn named(account: &mut Account<'_>, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let mut reps = roster::active(account);
    reps.retain(|rep| wanted(rep));
    reps
}
