//! Work on more contacts or items than one batch should hold: done in slices, one with the command or event that asks for
//! it, then one with every watermark of [`PACERS`] partitions, until it is finished. The row that says where it stands is
//! committed with each slice, so a crash in the middle leaves the rest to be done.

use serde::{Deserialize, Serialize};

use super::super::Account;
use super::owners::{self, MemberRow, Why};
use super::queue::{self, Line};
use super::transfers::{self, Move};
use crate::events::{Timestamp, keys};
use crate::state::{Row, State, Table};

/// How many contacts or items one slice takes.
pub const SLICE: usize = 1000;

/// How many partitions' watermarks move work on. Those of one second often come in one batch: with more partitions it would
/// hold more slices, and other events of the account would wait longer.
pub const PACERS: u32 = 4;

/// The unfinished work of an account, in the order in which it was asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct JobsRow {
    jobs: Vec<Job>,
}

impl Row for JobsRow {
    const TABLE: Table = Table::Transfer;
}

/// A piece of work, and where it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Job {
    /// Moves a rep's contacts.
    Move(Move),
    /// Takes the contacts of a deleted portfolio out of it.
    Free { portfolio: String, by: Option<String>, at: Timestamp, from: String },
    /// Offers what waits.
    Offer { line: Line, at: Timestamp, from: String },
}

impl Job {
    pub fn offer(line: Line, at: Timestamp) -> Job {
        Job::Offer { line, at, from: String::new() }
    }
}

/// Starts work: its first slice at once, the rest with the next watermarks. Moves wait for moves that began before them.
pub fn start(account: &mut Account<'_>, job: Job) {
    let mut jobs = take(account);
    if let Job::Offer { line, .. } = &job {
        // from the start again: those that were passed over may be wanted now
        jobs.retain(|known| !matches!(known, Job::Offer { line: known, .. } if known == line));
    }
    let waits = matches!(job, Job::Move(_)) && jobs.iter().any(|known| matches!(known, Job::Move(_)));
    put(account, jobs);
    let rest = if waits { Some(job) } else { slice(account, job) };
    if let Some(rest) = rest {
        let mut jobs = take(account);
        jobs.push(rest);
        put(account, jobs);
    }
}

/// Does the next slice of everything that is under way; only the first of several moves goes on.
pub fn go_on(account: &mut Account<'_>) {
    let mut moving = false;
    let mut rest = Vec::new();
    for job in take(account) {
        let waits = matches!(job, Job::Move(_)) && std::mem::replace(&mut moving, true);
        let next = if waits { Some(job) } else { slice(account, job) };
        rest.extend(next);
    }
    rest.append(&mut take(account));
    put(account, rest);
}

/// The moves that are not finished, in their order.
pub fn moves(account: &mut Account<'_>) -> Vec<Move> {
    let Some(row) = account.state.get::<JobsRow>(&keys::join(&[account.id])) else { return Vec::new() };
    let moves = row.jobs.iter().filter_map(|job| match job {
        Job::Move(one) => Some(one.clone()),
        _ => None,
    });
    moves.collect()
}

/// Whether contacts of a deleted portfolio are still being freed.
pub fn frees(account: &mut Account<'_>, key: &str) -> bool {
    let row = account.state.get::<JobsRow>(&keys::join(&[account.id]));
    row.is_some_and(|row| row.jobs.iter().any(|job| matches!(job, Job::Free { portfolio, .. } if portfolio == key)))
}

/// The accounts with unfinished work.
pub fn accounts(state: &mut State<'_>) -> Vec<String> {
    let rows = state.scan::<JobsRow>("", usize::MAX);
    rows.into_iter().map(|(key, _)| keys::split(&key).remove(0)).collect()
}

/// Whether any account has unfinished work.
pub fn is_at_work(state: &mut State<'_>) -> bool {
    !state.scan::<JobsRow>("", 1).is_empty()
}

fn slice(account: &mut Account<'_>, job: Job) -> Option<Job> {
    match job {
        Job::Move(one) => transfers::slice(account, one).map(Job::Move),
        Job::Free { portfolio, by, at, from } => free(account, portfolio, by, at, &from),
        Job::Offer { line, at, from } => {
            let from = queue::offer(account, line, at, &from, SLICE)?;
            Some(Job::Offer { line, at, from })
        }
    }
}

fn free(account: &mut Account<'_>, portfolio: String, by: Option<String>, at: Timestamp, from: &str) -> Option<Job> {
    let prefix = format!("{}/", keys::join(&[account.id, &portfolio]));
    let members = account.state.scan_from::<MemberRow>(&prefix, from, SLICE);
    let why = Why { at, by: by.as_deref(), reason: "portfolio_deleted", transfer: None };
    for (key, _) in &members {
        if let Some(contact) = keys::split(key).pop() {
            owners::set_portfolio(account, &contact, None, &why);
        }
    }
    let next = (members.len() == SLICE).then(|| members.last().map(|(key, _)| format!("{key}\0"))).flatten();
    next.map(|from| Job::Free { portfolio, by, at, from })
}

fn take(account: &mut Account<'_>) -> Vec<Job> {
    let key = keys::join(&[account.id]);
    if !account.state.contains::<JobsRow>(&key) {
        return Vec::new();
    }
    account.state.get_mut::<JobsRow>(&key).map_or(Vec::new(), |row| std::mem::take(&mut row.jobs))
}

fn put(account: &mut Account<'_>, jobs: Vec<Job>) {
    let key = keys::join(&[account.id]);
    if !jobs.is_empty() {
        account.state.put(&key, JobsRow { jobs });
    } else if account.state.contains::<JobsRow>(&key) {
        account.state.delete::<JobsRow>(&key);
    }
}
