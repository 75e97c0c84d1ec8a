//! Rankings: who has how much, in order.
//!
//! Boards, contests and leagues rank alike: value descending, then who reached it first, then id; zero is not listed. What
//! is kept are the subjects' tallies. The order is made from them when an account is first looked at, and from then on held
//! in memory, where a credit moves one entry, however many subjects there are.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};

use super::tally::{self, Tally};
use super::{Account, AccountRow, metrics, roster};
use crate::events::{Amount, Span, Timestamp, Window, keys};
use crate::outputs::BoardEntry;
use crate::rulebook::{Of, Rulebook};
use crate::state::{Row, Table};

/// What is kept of a ranking beside its tallies, by `account/scope`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    /// Its number within the account, for the tallies.
    pub number: u32,
    pub span: Span,
    /// The version of the rules that it is published by: the newest that has credited someone.
    pub version: u32,
    /// The end of the local day whose start the start positions are of.
    day_ends: Option<Timestamp>,
    /// How many rows of start positions there are.
    start_rows: u32,
}

impl Row for Ranking {
    const TABLE: Table = Table::Board;
}

/// The orders of all rankings that were looked at. They follow the state, uncommitted changes included: whoever undoes those
/// must [`clear`](Orders::clear) the orders with them.
#[derive(Debug, Default)]
pub struct Orders {
    accounts: HashMap<String, HashMap<u32, Order, FixedState>, FixedState>,
    entries: usize,
}

/// One ranking in its order.
#[derive(Debug, Default)]
struct Order {
    listed: BTreeSet<(Reverse<Amount>, Timestamp, String)>,
    /// Those who are back at zero.
    unlisted: BTreeSet<String>,
}

/// Entries that are held in memory at most, between two batches: some 100 bytes each.
const HELD: usize = 4_000_000;

impl Orders {
    pub fn clear(&mut self) {
        self.accounts.clear();
        self.entries = 0;
    }

    /// Keeps the memory bounded: what is looked at again is made again.
    pub fn trim(&mut self) {
        if self.entries > HELD {
            self.clear();
        }
    }
}

impl Order {
    fn insert(&mut self, subject: &str, tally: Tally) {
        if tally.value.is_zero() {
            self.unlisted.insert(subject.to_owned());
        } else {
            self.listed.insert((Reverse(tally.value), tally.reached_at, subject.to_owned()));
        }
    }

    /// Moves a subject from its tally before to that after.
    fn shift(&mut self, subject: &str, before: Tally, after: Tally) {
        let mut place = (Reverse(before.value), before.reached_at, subject.to_owned());
        if before.value.is_zero() {
            self.unlisted.remove(subject);
        } else {
            self.listed.remove(&place);
        }
        if after.value.is_zero() {
            self.unlisted.insert(place.2);
        } else {
            (place.0, place.1) = (Reverse(after.value), after.reached_at);
            self.listed.insert(place);
        }
    }
}

/// Makes the orders of an account from its tallies, if it was not looked at yet. To be done before a tally changes.
fn make_orders(account: &mut Account<'_>) {
    if account.orders.accounts.contains_key(account.id) {
        return;
    }
    let prefix = key(account, "");
    let rankings = account.state.scan::<Ranking>(&prefix, usize::MAX);
    let ranked = rankings.into_iter().filter(|(key, _)| !key[prefix.len()..].starts_with(UNRANKED));
    let mut orders: HashMap<u32, Order, FixedState> = ranked.map(|(_, row)| (row.number, Order::default())).collect();
    let mut entries = 0;
    tally::for_each(account, |subject, ranking, tally| {
        if let Some(order) = orders.get_mut(&ranking) {
            order.insert(subject, tally);
            entries += 1;
        }
    });
    account.orders.entries += entries;
    account.orders.accounts.insert(account.id.to_owned(), orders);
}

/// The order of a ranking.
fn order<'o>(account: &'o mut Account<'_>, ranking: u32) -> &'o mut Order {
    make_orders(account);
    match account.orders.accounts.get_mut(account.id) {
        Some(orders) => orders.entry(ranking).or_default(),
        None => unreachable!("just made"),
    }
}

/// How the scopes of tallies start that rank nobody: those of badges.
pub const UNRANKED: &str = "badge/";

/// Some of the subjects in the order in which they stood at the start of the local day; the key is `ranking/number`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct StartOrder(Vec<String>);

impl Row for StartOrder {
    const TABLE: Table = Table::BoardStart;
}

/// Subjects in one row of start positions.
const START_ROW: usize = 256;

/// A listed subject with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// 1, 2, 3, 4.
    pub position: u32,
    /// 1, 2, 2, 4.
    pub rank: u32,
    pub subject: String,
    pub value: Amount,
    pub reached_at: Timestamp,
}

/// Adds a contribution to a ranking. Returns whether the ranking is new.
pub fn add(
    account: &mut Account<'_>,
    scope: &str,
    span: Span,
    version: u32,
    subject: &str,
    value: Amount,
    at: Timestamp,
) -> bool {
    make_orders(account);
    let (number, new) = open(account, scope, span, version);
    // a fast input may be ahead of account time
    let now = account.time.max(at);
    note_day(account, scope, now);
    let (before, after) = tally::add(account, number, subject, value, at);
    match before {
        Some(before) => order(account, number).shift(subject, before, after),
        None => {
            account.orders.entries += 1;
            order(account, number).insert(subject, after);
        }
    }
    new
}

/// Opens a ranking, or notes a newer version. Returns its number, and whether it is new.
pub fn open(account: &mut Account<'_>, scope: &str, span: Span, version: u32) -> (u32, bool) {
    let key = key(account, scope);
    match account.state.get::<Ranking>(&key).map(|row| (row.number, row.version)) {
        Some((number, known)) if known >= version => (number, false),
        Some((number, _)) => {
            if let Some(row) = account.state.get_mut::<Ranking>(&key) {
                row.version = version;
            }
            (number, false)
        }
        None => {
            let account_row = account.state.entry::<AccountRow>(account.id, AccountRow::default);
            account_row.rankings = account_row.rankings.wrapping_add(1);
            let number = account_row.rankings;
            account.state.put(&key, Ranking { number, span, version, day_ends: None, start_rows: 0 });
            (number, true)
        }
    }
}

/// What is kept of a ranking, while it is open.
pub fn get(account: &mut Account<'_>, scope: &str) -> Option<Ranking> {
    let key = key(account, scope);
    account.state.get::<Ranking>(&key).cloned()
}

/// Keeps the present order as that of the day's start, if a new day has begun since. Called before anything changes, so that
/// the order is the one in which the day found the ranking.
pub fn note_day(account: &mut Account<'_>, scope: &str, now: Timestamp) {
    let key = key(account, scope);
    let Some(row) = account.state.get::<Ranking>(&key) else { return };
    if row.day_ends.is_some_and(|ends| now < ends) {
        return;
    }
    let (number, rows_before) = (row.number, row.start_rows);
    let subjects: Vec<String> = order(account, number).listed.iter().map(|(_, _, subject)| subject.clone()).collect();
    let rows = subjects.chunks(START_ROW);
    let start_rows = rows.len() as u32;
    for (i, subjects) in rows.enumerate() {
        account.state.put(&start_key(&key, i as u32), StartOrder(subjects.to_vec()));
    }
    for i in start_rows..rows_before {
        account.state.delete::<StartOrder>(&start_key(&key, i));
    }
    let day_ends = account.period(Window::Day, now).span.end;
    if let Some(row) = account.state.get_mut::<Ranking>(&key) {
        row.day_ends = day_ends;
        row.start_rows = start_rows;
    }
}

/// The first subjects of a ranking; none of one that is not open.
pub fn listed(account: &mut Account<'_>, scope: &str, limit: usize) -> Vec<Standing> {
    let Some(number) = get(account, scope).map(|row| row.number) else { return Vec::new() };
    let mut standings: Vec<Standing> = Vec::new();
    for (Reverse(value), reached_at, subject) in order(account, number).listed.iter().take(limit) {
        let position = standings.len() as u32 + 1;
        let rank = standings.last().filter(|before| before.value == *value).map_or(position, |before| before.rank);
        standings.push(Standing { position, rank, subject: subject.clone(), value: *value, reached_at: *reached_at });
    }
    standings
}

/// Positions at the start of the day, of those that were listed then.
fn start_positions<'s>(account: &mut Account<'_>, scope: &str, standings: &'s [Standing]) -> HashMap<&'s str, i64> {
    let key = key(account, scope);
    let rows = account.state.get::<Ranking>(&key).map_or(0, |row| row.start_rows);
    let mut wanted: BTreeSet<&str> = standings.iter().map(|standing| standing.subject.as_str()).collect();
    let mut found = HashMap::new();
    for i in 0..rows {
        if wanted.is_empty() {
            break;
        }
        let Some(StartOrder(subjects)) = account.state.get(&start_key(&key, i)) else { continue };
        for (subject, position) in subjects.iter().zip(i64::from(i) * START_ROW as i64 + 1..) {
            if let Some(subject) = wanted.take(subject.as_str()) {
                found.insert(subject, position);
            }
        }
    }
    found
}

/// The entries that a board shows of its standings. Names are those of the version that the account sees.
pub fn entries<'e>(
    account: &mut Account<'_>,
    scope: &str,
    standings: &'e [Standing],
    names: &'e Rulebook,
    of: Of,
    metric: &str,
    metrics_of: &Rulebook,
) -> Vec<BoardEntry<'e>> {
    let starts = start_positions(account, scope, standings);
    let entry = |standing: &'e Standing| BoardEntry {
        position: standing.position,
        rank: standing.rank,
        subject: &standing.subject,
        name: match of {
            Of::Team => roster::team_name(names, &standing.subject),
            Of::Rep | Of::Account => roster::rep_name(names, &standing.subject),
        },
        value: metrics::shown(metrics_of, metric, standing.value),
        moved: starts.get(standing.subject.as_str()).map(|start| start - i64::from(standing.position)),
        reached_at: standing.reached_at,
    };
    standings.iter().map(entry).collect()
}

/// Deletes a ranking with all that is kept of it.
pub fn clear(account: &mut Account<'_>, scope: &str) {
    let key = key(account, scope);
    let Some((number, start_rows)) = account.state.get::<Ranking>(&key).map(|row| (row.number, row.start_rows)) else { return };
    make_orders(account);
    for i in 0..start_rows {
        account.state.delete::<StartOrder>(&start_key(&key, i));
    }
    account.state.delete::<Ranking>(&key);
    let orders = account.orders.accounts.get_mut(account.id);
    let order = orders.and_then(|orders| orders.remove(&number)).unwrap_or_default();
    let subjects = order.listed.into_iter().map(|(_, _, subject)| subject).chain(order.unlisted);
    for subject in subjects {
        account.orders.entries -= 1;
        tally::remove(account, number, &subject);
    }
}

/// Whom a rep's contribution is credited to in a ranking.
pub fn subject_of<'s>(account: &Account<'s>, of: Of, rep: &'s str) -> Option<&'s str> {
    match of {
        Of::Rep => Some(rep),
        Of::Team => roster::team_of(account.book, rep),
        Of::Account => Some(account.id),
    }
}

fn key(account: &Account<'_>, scope: &str) -> String {
    let mut key = keys::join(&[account.id]);
    key.push('/');
    key.push_str(scope);
    key
}

fn start_key(ranking: &str, number: u32) -> String {
    format!("{ranking}/{number:06}")
}
