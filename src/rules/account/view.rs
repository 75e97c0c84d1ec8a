//! The view of an account that its rules work on.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::contests::OpenContest;
use super::orders::Orders;
use super::periods::Periods;
use super::publish::{Dirty, Touched};
use super::rewards::Pending;
use super::timers::{self, Timer};
use super::{contests, ownership};
use crate::events::{Duration, Period, Span, Timestamp, Window};
use crate::outputs::{EventRef, Outbox, Output};
use crate::rulebook::{AccountRules, Rulebook};
use crate::state::{Row, State, Table};

/// What a rule of the account stage sees: one account, at one moment.
pub struct Account<'a> {
    pub id: &'a str,
    /// All versions of its rules.
    pub rules: &'a AccountRules,
    /// The version that judges what is being applied: the event's stamp, or the one in force at the command's or timer's time.
    pub book: &'a Rulebook,
    /// Account time: what the slowest input has reached. While a timer is worked off, its due time.
    pub time: Timestamp,
    /// The log's timestamp of the record being applied; outputs carry it.
    pub logged_at: Timestamp,
    pub state: State<'a>,
    pub out: &'a mut Outbox,
    /// What the next seal is to publish.
    pub touched: &'a mut Touched,
    /// What rewards are still to be settled for.
    pub pending: Pending,
    /// Periods that were cut lately.
    pub periods: &'a mut Periods,
    /// The rankings in their order.
    pub orders: &'a mut Orders,
}

/// What an entry of a ledger or a grant is credited to.
#[derive(Clone, Copy, Debug)]
pub struct Cause<'c> {
    /// The time it counts at: the event's, the command's, or the due time of what closed.
    pub at: Timestamp,
    pub event: Option<EventRef<'c>>,
}

impl Account<'_> {
    pub fn emit(&mut self, output: &Output<'_>) {
        self.out.push(output, self.logged_at);
    }

    /// Has something published at the end of the batch.
    pub fn touch(&mut self, dirty: Dirty<&str>) {
        self.touched.insert(self.id, dirty, self.logged_at);
    }

    /// When a period is final: its end plus the lateness of the rules in force at that end. `None`: never.
    pub fn final_at(&self, span: Span) -> Option<Timestamp> {
        let end = span.end?;
        let lateness = self.rules.at(end).map_or(self.book.lateness, |book| book.lateness);
        Some(end.plus(lateness))
    }

    /// Whether a period is final: account time has got there.
    pub fn is_final(&self, span: Span) -> bool {
        self.final_at(span).is_some_and(|final_at| self.time >= final_at)
    }

    /// The period of a window that holds an instant.
    pub fn period(&mut self, window: Window, at: Timestamp) -> Arc<Period> {
        self.periods.of(self.book.calendar, window, at)
    }

    /// The number of the newest version that was brought in.
    pub fn newest_version(&mut self) -> u32 {
        let brought_in = self.state.get::<AccountRow>(self.id).map_or(0, |row| row.version);
        brought_in.max(self.book.version)
    }

    /// The newest version that the account has been told of; names and levels are published by it.
    pub fn newest_book(&mut self) -> &Rulebook {
        let version = self.state.get::<AccountRow>(self.id).map_or(0, |row| row.version);
        self.rules.version(version).map_or(self.book, |book| book)
    }

    /// Makes the account known at its first record, and brings in the versions of its rules that are in force by now.
    /// Later ones are brought in by a timer when their time comes.
    pub fn open(&mut self) {
        let known = self.state.get::<AccountRow>(self.id).map_or(0, |row| row.known);
        let versions = self.rules.versions().len() as u32;
        if known == versions && self.state.get::<AccountRow>(self.id).is_some_and(|row| row.version >= self.book.version) {
            return;
        }
        let now = self.time.max(Timestamp::MIN);
        for book in &self.rules.versions()[(known as usize).min(versions as usize)..] {
            if book.effective_from > now && book.version > self.book.version {
                timers::set(self, book.effective_from, &book.version.to_string(), Timer::Version { number: book.version });
            }
        }
        let in_force = self.rules.at(now).map_or(0, |book| book.version).max(self.book.version);
        self.state.entry::<AccountRow>(self.id, AccountRow::default).known = versions;
        self.introduce_up_to(in_force);
    }

    /// Brings in the versions up to a number: what they schedule is scheduled.
    pub fn introduce_up_to(&mut self, number: u32) {
        let from = self.state.entry::<AccountRow>(self.id, AccountRow::default).version;
        for version in from + 1..=number {
            let Some(book) = self.rules.version(version) else { return };
            self.state.entry::<AccountRow>(self.id, AccountRow::default).version = version;
            contests::introduce(self, book);
            ownership::introduce(self, book);
        }
    }
}

/// What there is to know of an account as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AccountRow {
    /// The newest version that was brought in.
    pub version: u32,
    /// How many versions were seen; those with a time to come have a timer.
    pub known: u32,
    /// Reps that a command deactivated.
    pub deactivated: BTreeSet<String>,
    /// Contests that are not final yet.
    pub contests: Vec<OpenContest>,
    /// Some contact has had an owner: until then nobody needs to ask for one.
    pub owns_contacts: bool,
}

impl Row for AccountRow {
    const TABLE: Table = Table::Account;
}

/// How long commands and their answers are remembered.
pub const COMMAND_MEMORY: Duration = Duration::days(30);
