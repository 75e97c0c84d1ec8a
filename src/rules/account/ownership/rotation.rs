//! Rotation: whose turn it is, one pointer for each place in the rules that rotates.

use serde::{Deserialize, Serialize};

use super::super::Account;
use crate::events::keys;
use crate::rulebook::Rep;
use crate::state::{Row, Table};

/// Where a rotation stands.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct RotationRow {
    /// Who was served last.
    last: Option<String>,
    /// How often somebody was.
    turns: u64,
}

impl Row for RotationRow {
    const TABLE: Table = Table::Rotation;
}

/// The place that counts the transfers of an account.
pub const TRANSFERS: &str = "transfers";

/// The next of a pool after the one served last, in roster order; before anyone was served, the first. The pool is in
/// roster order.
pub fn next(account: &mut Account<'_>, place: &str, pool: &[String]) -> Option<String> {
    let key = keys::join(&[account.id, place]);
    let last = account.state.get::<RotationRow>(&key).and_then(|row| row.last.clone());
    let after = last.and_then(|last| after(&account.book.reps, &last, pool));
    let next = after.or(pool.first())?.clone();
    let row = account.state.entry::<RotationRow>(&key, RotationRow::default);
    row.last = Some(next.clone());
    row.turns += 1;
    Some(next)
}

/// The first of a pool that stands after a rep in the roster; both are in roster order.
fn after<'p>(roster: &[Rep], last: &str, pool: &'p [String]) -> Option<&'p String> {
    let mut passed = false;
    let mut pool = pool.iter().peekable();
    for rep in roster {
        if let Some(found) = pool.next_if(|candidate| **candidate == rep.id)
            && passed
        {
            return Some(found);
        }
        passed |= rep.id == last;
    }
    None
}

/// Counts a turn that has no rep, and gives its number, from 1.
pub fn count(account: &mut Account<'_>, place: &str) -> u64 {
    let row = account.state.entry::<RotationRow>(&keys::join(&[account.id, place]), RotationRow::default);
    row.turns += 1;
    row.turns
}

/// How many turns a place has had.
pub fn turns(account: &mut Account<'_>, place: &str) -> u64 {
    account.state.get::<RotationRow>(&keys::join(&[account.id, place])).map_or(0, |row| row.turns)
}

/// Forgets a rotation that is over.
pub fn end(account: &mut Account<'_>, place: &str) {
    account.state.delete::<RotationRow>(&keys::join(&[account.id, place]));
}
