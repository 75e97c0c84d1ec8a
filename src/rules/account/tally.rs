//! Tallies: a subject's value of a metric over a period, and when it was reached.
//!
//! All tallies of a subject are in one row, and a rep's are with the rest that the rep has: an event moves many of them at
//! once (XP, boards, leagues, contests, badges), and so it changes one row.

use serde::{Deserialize, Serialize};

use super::Account;
use super::xp::RepRow;
use crate::events::{Amount, Timestamp, keys};

/// A subject's value over a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    pub value: Amount,
    /// The greatest event time among the contributions that made the value.
    pub reached_at: Timestamp,
}

impl Tally {
    const NOTHING: Tally = Tally { value: Amount::ZERO, reached_at: Timestamp::MIN };
}

/// What a subject has, by the number of a ranking, in order of the numbers.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tallies(pub Vec<(u32, Tally)>);

impl Clone for Tallies {
    fn clone(&self) -> Tallies {
        Tallies(self.0.clone())
    }
    fn clone_from(&mut self, other: &Tallies) {
        self.0.clone_from(&other.0);
    }
}

impl Tallies {
    pub fn get(&self, ranking: u32) -> Option<Tally> {
        self.find(ranking).ok().map(|place| self.0[place].1)
    }

    fn find(&self, ranking: u32) -> Result<usize, usize> {
        self.0.binary_search_by_key(&ranking, |(number, _)| *number)
    }

    fn add(&mut self, ranking: u32, value: Amount, at: Timestamp) {
        let place = self.find(ranking).unwrap_or_else(|place| {
            self.0.insert(place, (ranking, Tally::NOTHING));
            place
        });
        let tally = &mut self.0[place].1;
        tally.value += value;
        tally.reached_at = tally.reached_at.max(at);
    }
}

fn key(account: &Account<'_>, subject: &str) -> String {
    keys::join(&[account.id, subject])
}

/// Adds a contribution to a subject's tallies of some rankings. A reversal is a negative value at its own time.
pub fn add(account: &mut Account<'_>, rankings: &[u32], subject: &str, value: Amount, at: Timestamp) {
    let key = key(account, subject);
    let tallies = &mut account.state.entry::<RepRow>(&key, RepRow::default).tallies;
    account.orders.follow(account.id, subject, tallies, |tallies| {
        for ranking in rankings {
            tallies.add(*ranking, value, at);
        }
    });
}

/// What a subject has in a ranking.
pub fn get(account: &mut Account<'_>, ranking: u32, subject: &str) -> Option<Tally> {
    let key = key(account, subject);
    account.state.get::<RepRow>(&key)?.tallies.get(ranking)
}

/// Removes a subject's tally of a ranking.
pub fn remove(account: &mut Account<'_>, ranking: u32, subject: &str) {
    let key = key(account, subject);
    let Some(row) = account.state.get_mut::<RepRow>(&key) else { return };
    if let Ok(place) = row.tallies.find(ranking) {
        row.tallies.0.remove(place);
    }
    if *row == RepRow::default() {
        account.state.delete::<RepRow>(&key);
    }
}

/// Shows every subject of an account with its tallies.
pub fn for_each(account: &mut Account<'_>, mut show: impl FnMut(&str, &Tallies)) {
    let prefix = format!("{}/", keys::join(&[account.id]));
    for (key, row) in account.state.scan::<RepRow>(&prefix, usize::MAX) {
        if let Some(subject) = keys::split(&key).pop() {
            show(&subject, &row.tallies);
        }
    }
}

/// Removes a ranking from everyone who has a tally of it.
pub fn clear(account: &mut Account<'_>, ranking: u32) {
    let mut subjects = Vec::new();
    for_each(account, |subject, tallies| {
        if tallies.get(ranking).is_some() {
            subjects.push(subject.to_owned());
        }
    });
    for subject in subjects {
        remove(account, ranking, &subject);
    }
}
