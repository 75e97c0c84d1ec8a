//! Tallies: a subject's value of a metric over a period, and when it was reached.
//!
//! All tallies of a subject are one row: an event moves many of them at once (boards, leagues, contests, badges), and so it
//! changes one row.

use serde::{Deserialize, Serialize};

use super::Account;
use crate::events::{Amount, Timestamp, keys};
use crate::state::{Row, Table};

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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Tallies(Vec<(u32, Tally)>);

impl Row for Tallies {
    const TABLE: Table = Table::Tally;
}

impl Tallies {
    fn find(&self, ranking: u32) -> Result<usize, usize> {
        self.0.binary_search_by_key(&ranking, |(number, _)| *number)
    }
}

fn key(account: &Account<'_>, subject: &str) -> String {
    keys::join(&[account.id, subject])
}

/// Adds a contribution; gives the tally before (`None`: the first of the ranking) and after. A reversal is a negative value at
/// its own time.
pub fn add(account: &mut Account<'_>, ranking: u32, subject: &str, value: Amount, at: Timestamp) -> (Option<Tally>, Tally) {
    let key = key(account, subject);
    let row = account.state.entry::<Tallies>(&key, Tallies::default);
    let (place, known) = match row.find(ranking) {
        Ok(place) => (place, true),
        Err(place) => {
            row.0.insert(place, (ranking, Tally::NOTHING));
            (place, false)
        }
    };
    let tally = &mut row.0[place].1;
    let before = known.then_some(*tally);
    tally.value += value;
    tally.reached_at = tally.reached_at.max(at);
    (before, *tally)
}

/// What a subject has in a ranking.
pub fn get(account: &mut Account<'_>, ranking: u32, subject: &str) -> Option<Tally> {
    let key = key(account, subject);
    let row = account.state.get::<Tallies>(&key)?;
    row.find(ranking).ok().map(|place| row.0[place].1)
}

/// Removes a subject's tally of a ranking.
pub fn remove(account: &mut Account<'_>, ranking: u32, subject: &str) {
    let key = key(account, subject);
    let Some(row) = account.state.get_mut::<Tallies>(&key) else { return };
    if let Ok(place) = row.find(ranking) {
        row.0.remove(place);
    }
    if row.0.is_empty() {
        account.state.delete::<Tallies>(&key);
    }
}

/// Shows every tally of an account: subject, number of the ranking, tally.
pub fn for_each(account: &mut Account<'_>, mut show: impl FnMut(&str, u32, Tally)) {
    let prefix = format!("{}/", keys::join(&[account.id]));
    for (key, Tallies(entries)) in account.state.scan::<Tallies>(&prefix, usize::MAX) {
        let Some(subject) = keys::split(&key).pop() else { continue };
        for (ranking, tally) in entries {
            show(&subject, ranking, tally);
        }
    }
}

/// Removes a ranking from everyone who has a tally of it.
pub fn clear(account: &mut Account<'_>, ranking: u32) {
    let mut subjects = Vec::new();
    for_each(account, |subject, of, _| {
        if of == ranking {
            subjects.push(subject.to_owned());
        }
    });
    for subject in subjects {
        remove(account, ranking, &subject);
    }
}
