//! Rankings: who has how much, in order.
//!
//! Boards, contests and leagues rank alike: value descending, then who reached it first, then id; zero is not listed. What
//! is kept are the subjects' [tallies](tally), and one row for each account that says which rankings are open. The
//! [orders] are made from them, in memory.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::{Account, metrics, orders, roster, tally};
use crate::events::{Amount, Span, Timestamp, Window, keys};
use crate::outputs::BoardEntry;
use crate::rulebook::{Of, Rulebook};
use crate::state::{Row, Table};

/// What a ranking is of: the period of a board, league or badge, or a contest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope<'s> {
    pub kind: Kind,
    pub key: &'s str,
    pub period: &'s str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    Board,
    Contest,
    League,
    /// Ranks nobody: only the tallies are used.
    Badge,
}

/// What is kept of a ranking beside its tallies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    kind: Kind,
    key: String,
    period: String,
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

impl Ranking {
    pub fn scope(&self) -> Scope<'_> {
        Scope { kind: self.kind, key: &self.key, period: &self.period }
    }
}

/// The open rankings of an account, by `account`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rankings {
    /// In order of their scopes.
    open: Vec<Ranking>,
    /// How many there have been.
    last: u32,
}

impl Row for Rankings {
    const TABLE: Table = Table::Board;
}

impl Rankings {
    fn place(&self, scope: Scope<'_>) -> Result<usize, usize> {
        self.open.binary_search_by(|ranking| ranking.scope().cmp(&scope))
    }

    fn find(&self, scope: Scope<'_>) -> Option<&Ranking> {
        self.place(scope).ok().map(|place| &self.open[place])
    }

    fn find_mut(&mut self, scope: Scope<'_>) -> Option<&mut Ranking> {
        self.place(scope).ok().map(|place| &mut self.open[place])
    }

    pub fn iter(&self) -> impl Iterator<Item = &Ranking> {
        self.open.iter()
    }
}

/// Some of the subjects in the order in which they stood at the start of the local day; the key is `account/ranking/number`.
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

/// The number of the ranking that a contribution goes to, and whether it is new. To be asked before the contribution is
/// added: the order in which a day finds the ranking is kept as that of its start.
pub fn enter(account: &mut Account<'_>, scope: Scope<'_>, span: Span, version: u32, at: Timestamp) -> (u32, bool) {
    // a fast input may be ahead of account time
    let now = account.time.max(at);
    let known = account.state.get::<Rankings>(account.id).and_then(|row| row.find(scope));
    if let Some(ranking) = known.filter(|ranking| ranking.version >= version && ranking.day_ends.is_some_and(|ends| now < ends)) {
        return (ranking.number, false);
    }
    let opened = open(account, scope, span, version);
    note_day(account, scope, now);
    opened
}

/// Adds a contribution to a ranking. Returns the ranking's number, and whether it is new.
pub fn add(
    account: &mut Account<'_>,
    scope: Scope<'_>,
    span: Span,
    version: u32,
    subject: &str,
    value: Amount,
    at: Timestamp,
) -> (u32, bool) {
    let (number, new) = enter(account, scope, span, version, at);
    tally::add(account, &[number], subject, value, at);
    (number, new)
}

/// Opens a ranking, or notes a newer version. Returns its number, and whether it is new.
pub fn open(account: &mut Account<'_>, scope: Scope<'_>, span: Span, version: u32) -> (u32, bool) {
    let known = account.state.get::<Rankings>(account.id).and_then(|row| row.find(scope));
    if let Some(ranking) = known.filter(|ranking| ranking.version >= version) {
        return (ranking.number, false);
    }
    let row = account.state.entry::<Rankings>(account.id, Rankings::default);
    match row.place(scope) {
        Ok(place) => {
            row.open[place].version = version;
            (row.open[place].number, false)
        }
        Err(place) => {
            row.last = row.last.wrapping_add(1);
            let number = row.last;
            let (kind, key, period) = (scope.kind, scope.key.to_owned(), scope.period.to_owned());
            row.open.insert(place, Ranking { kind, key, period, number, span, version, day_ends: None, start_rows: 0 });
            if scope.kind != Kind::Badge {
                account.orders.open(account.id, number);
            }
            (number, true)
        }
    }
}

/// What is kept of a ranking, while it is open.
pub fn get(account: &mut Account<'_>, scope: Scope<'_>) -> Option<Ranking> {
    account.state.get::<Rankings>(account.id)?.find(scope).cloned()
}

/// The numbers of the rankings that have an order.
pub(super) fn ordered(account: &mut Account<'_>) -> Vec<u32> {
    let Some(row) = account.state.get::<Rankings>(account.id) else { return Vec::new() };
    row.open.iter().filter(|ranking| ranking.kind != Kind::Badge).map(|ranking| ranking.number).collect()
}

/// Keeps the present order as that of the day's start, if a new day has begun since. Called before anything changes, so that
/// the order is the one in which the day found the ranking.
pub fn note_day(account: &mut Account<'_>, scope: Scope<'_>, now: Timestamp) {
    let Some(ranking) = get(account, scope) else { return };
    if ranking.day_ends.is_some_and(|ends| now < ends) {
        return;
    }
    let number = ranking.number;
    // nobody was on a ranking that is new
    let subjects: Vec<String> = match ranking.day_ends {
        None => Vec::new(),
        Some(_) => orders::of(account, number).listed().map(|(subject, ..)| subject.to_owned()).collect(),
    };
    let rows = subjects.chunks(START_ROW);
    let start_rows = rows.len() as u32;
    for (i, subjects) in rows.enumerate() {
        account.state.put(&start_key(account.id, number, i as u32), StartOrder(subjects.to_vec()));
    }
    for i in start_rows..ranking.start_rows {
        account.state.delete::<StartOrder>(&start_key(account.id, number, i));
    }
    let day_ends = account.period(Window::Day, now).span.end;
    if let Some(ranking) = account.state.get_mut::<Rankings>(account.id).and_then(|row| row.find_mut(scope)) {
        (ranking.day_ends, ranking.start_rows) = (day_ends, start_rows);
    }
}

/// The first subjects of a ranking; none of one that is not open.
pub fn listed(account: &mut Account<'_>, scope: Scope<'_>, limit: usize) -> Vec<Standing> {
    let Some(number) = get(account, scope).map(|ranking| ranking.number) else { return Vec::new() };
    let mut standings: Vec<Standing> = Vec::new();
    for (subject, value, reached_at) in orders::of(account, number).listed().take(limit) {
        let position = standings.len() as u32 + 1;
        let rank = standings.last().filter(|before| before.value == value).map_or(position, |before| before.rank);
        standings.push(Standing { position, rank, subject: subject.to_owned(), value, reached_at });
    }
    standings
}

/// Positions at the start of the day, of those that were listed then.
fn start_positions<'s>(account: &mut Account<'_>, scope: Scope<'_>, standings: &'s [Standing]) -> HashMap<&'s str, i64> {
    let (number, rows) = get(account, scope).map_or((0, 0), |ranking| (ranking.number, ranking.start_rows));
    let mut wanted: BTreeSet<&str> = standings.iter().map(|standing| standing.subject.as_str()).collect();
    let mut found = HashMap::new();
    for i in 0..rows {
        if wanted.is_empty() {
            break;
        }
        let Some(StartOrder(subjects)) = account.state.get(&start_key(account.id, number, i)) else { continue };
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
    scope: Scope<'_>,
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
pub fn clear(account: &mut Account<'_>, scope: Scope<'_>) {
    let Some(Ranking { number, kind, start_rows, .. }) = get(account, scope) else { return };
    for i in 0..start_rows {
        account.state.delete::<StartOrder>(&start_key(account.id, number, i));
    }
    match kind {
        Kind::Badge => tally::clear(account, number),
        _ => {
            for subject in orders::close(account, number) {
                tally::remove(account, number, &subject);
            }
        }
    }
    if let Some(row) = account.state.get_mut::<Rankings>(account.id)
        && let Ok(place) = row.place(scope)
    {
        row.open.remove(place);
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

fn start_key(account: &str, ranking: u32, number: u32) -> String {
    format!("{}/{ranking}/{number:06}", keys::join(&[account]))
}
