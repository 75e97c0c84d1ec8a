//! Rankings: who has how much, in an order that the state itself keeps.
//!
//! Boards, contests and leagues rank alike. Each listed subject has a row whose key sorts as the ranking does: value
//! descending, then who reached it first, then id. So a credit moves one row, however many subjects there are, and the first
//! positions are the first rows. Zero is not listed.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::tally::{self, Tally};
use super::timers::sortable;
use super::{Account, metrics, roster};
use crate::events::{Amount, Span, Timestamp, Window};
use crate::outputs::BoardEntry;
use crate::rulebook::{Of, Rulebook};
use crate::state::{Row, Table};

/// What is kept of a ranking beside its rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
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

/// A listed subject; the key is `ranking/order/subject`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Listed {
    value: Amount,
    reached_at: Timestamp,
}

impl Row for Listed {
    const TABLE: Table = Table::BoardIndex;
}

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
    ranking: &str,
    span: Span,
    version: u32,
    subject: &str,
    value: Amount,
    at: Timestamp,
) -> bool {
    let new = open(account, ranking, span, version);
    // a fast input may be ahead of account time
    let now = account.time.max(at);
    note_day(account, ranking, now);
    let (before, after) = tally::add(account, ranking, subject, value, at);
    if !before.value.is_zero() {
        account.state.delete::<Listed>(&listed_key(ranking, subject, before));
    }
    if !after.value.is_zero() {
        let listed = Listed { value: after.value, reached_at: after.reached_at };
        account.state.put(&listed_key(ranking, subject, after), listed);
    }
    new
}

fn open(account: &mut Account<'_>, ranking: &str, span: Span, version: u32) -> bool {
    match account.state.get::<Ranking>(ranking).map(|row| row.version) {
        Some(known) if known >= version => false,
        Some(_) => {
            account.state.entry(ranking, || empty(span, version)).version = version;
            false
        }
        None => {
            account.state.put(ranking, empty(span, version));
            true
        }
    }
}

fn empty(span: Span, version: u32) -> Ranking {
    Ranking { span, version, day_ends: None, start_rows: 0 }
}

/// Keeps the present order as that of the day's start, if a new day has begun since. Called before anything changes, so that
/// the order is the one in which the day found the ranking.
pub fn note_day(account: &mut Account<'_>, ranking: &str, now: Timestamp) {
    let Some(row) = account.state.get::<Ranking>(ranking) else { return };
    if row.day_ends.is_some_and(|ends| now < ends) {
        return;
    }
    let rows_before = row.start_rows;
    let order: Vec<String> = listed(account, ranking, usize::MAX).into_iter().map(|standing| standing.subject).collect();
    let rows = order.chunks(START_ROW);
    let start_rows = rows.len() as u32;
    for (i, subjects) in rows.enumerate() {
        account.state.put(&start_key(ranking, i as u32), StartOrder(subjects.to_vec()));
    }
    for i in start_rows..rows_before {
        account.state.delete::<StartOrder>(&start_key(ranking, i));
    }
    let day_ends = account.period(Window::Day, now).span.end;
    if let Some(row) = account.state.get_mut::<Ranking>(ranking) {
        row.day_ends = day_ends;
        row.start_rows = start_rows;
    }
}

/// The first subjects of a ranking.
pub fn listed(account: &mut Account<'_>, ranking: &str, limit: usize) -> Vec<Standing> {
    let prefix = format!("{ranking}/");
    let mut standings: Vec<Standing> = Vec::new();
    for (key, listed) in account.state.scan::<Listed>(&prefix, limit) {
        let Some((_, subject)) = key[prefix.len()..].split_once('/') else { continue };
        let position = standings.len() as u32 + 1;
        let rank = standings.last().filter(|before| before.value == listed.value).map_or(position, |before| before.rank);
        let (value, reached_at) = (listed.value, listed.reached_at);
        standings.push(Standing { position, rank, subject: subject.to_owned(), value, reached_at });
    }
    standings
}

/// Positions at the start of the day, of those that were listed then.
fn start_positions<'s>(account: &mut Account<'_>, ranking: &str, standings: &'s [Standing]) -> HashMap<&'s str, i64> {
    let rows = account.state.get::<Ranking>(ranking).map_or(0, |row| row.start_rows);
    let mut wanted: BTreeSet<&str> = standings.iter().map(|standing| standing.subject.as_str()).collect();
    let mut found = HashMap::new();
    for i in 0..rows {
        if wanted.is_empty() {
            break;
        }
        let Some(StartOrder(subjects)) = account.state.get(&start_key(ranking, i)) else { continue };
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
    ranking: &str,
    standings: &'e [Standing],
    names: &'e Rulebook,
    of: Of,
    metric: &str,
    metrics_of: &Rulebook,
) -> Vec<BoardEntry<'e>> {
    let starts = start_positions(account, ranking, standings);
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

/// Deletes a ranking with all its rows.
pub fn clear(account: &mut Account<'_>, ranking: &str) {
    let prefix = format!("{ranking}/");
    for (key, _) in account.state.scan::<Listed>(&prefix, usize::MAX) {
        account.state.delete::<Listed>(&key);
    }
    for (key, _) in account.state.scan::<StartOrder>(&prefix, usize::MAX) {
        account.state.delete::<StartOrder>(&key);
    }
    tally::clear(account, ranking);
    account.state.delete::<Ranking>(ranking);
}

/// Whom a rep's contribution is credited to in a ranking.
pub fn subject_of<'s>(account: &Account<'s>, of: Of, rep: &'s str) -> Option<&'s str> {
    match of {
        Of::Rep => Some(rep),
        Of::Team => roster::team_of(account.book, rep),
        Of::Account => Some(account.id),
    }
}

fn start_key(ranking: &str, number: u32) -> String {
    format!("{ranking}/{number:06}")
}

/// The id comes last and as it is, so that equals sort by its bytes.
fn listed_key(ranking: &str, subject: &str, tally: Tally) -> String {
    let mut key = String::with_capacity(ranking.len() + subject.len() + 40);
    key.push_str(ranking);
    key.push('/');
    push_descending(&mut key, tally.value);
    key.push_str(&sortable(tally.reached_at.0));
    key.push('/');
    key.push_str(subject);
    key
}

/// Appends a text that sorts as the number does, the greatest first: the sign, how many digits there are before the point,
/// the digits, and an end mark. Digits and their number are complemented for positive numbers, where more comes first.
fn push_descending(key: &mut String, value: Amount) {
    let negative = value.is_negative();
    let number = value.0.normalize();
    let mantissa = number.mantissa().unsigned_abs().to_string();
    let scale = number.scale() as usize;
    // 0.05 has the mantissa 5 and the scale 2: no digit before the point, and after it 05
    let (whole, zeros) = (mantissa.len().saturating_sub(scale), scale.saturating_sub(mantissa.len()));
    let complement = |digit: u8| if negative { digit } else { b'9' - (digit - b'0') };
    key.push(if negative { 'n' } else { 'a' });
    let length = if negative { whole } else { 99 - whole };
    key.push(char::from(b'0' + (length / 10) as u8));
    key.push(char::from(b'0' + (length % 10) as u8));
    let digits = std::iter::repeat_n(b'0', zeros).chain(mantissa.bytes());
    key.extend(digits.map(|digit| char::from(complement(digit))));
    key.push(if negative { '!' } else { '~' });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descending(text: &str) -> String {
        let mut key = String::new();
        push_descending(&mut key, Amount::parse(text).unwrap());
        key
    }

    #[test]
    fn values_sort_from_the_greatest_to_the_least() {
        let values = [
            "79228162514264337593543950335",
            "1000000",
            "100.5",
            "100.49",
            "100.05",
            "100",
            "99.999",
            "10",
            "9",
            "1.51",
            "1.5",
            "1",
            "0.5",
            "0.45",
            "0.05",
            "0.0000000000000000000000000001",
            "-0.0000000000000000000000000001",
            "-0.05",
            "-0.5",
            "-1",
            "-1.5",
            "-9",
            "-10",
            "-10.01",
            "-79228162514264337593543950335",
        ];
        let keys = values.map(descending);
        for pair in keys.windows(2) {
            assert!(pair[0] < pair[1], "{pair:?}");
        }
        assert_eq!(descending("1.50"), descending("1.5"), "equal values are equal, however they are written");
    }
}
