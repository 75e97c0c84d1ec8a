//! Contests: upcoming, running, final; prizes by places.
//!
//! A contest keeps the first version of the rules in which it appears. Its key is its name for ever: a later version that
//! reuses it brings in no second one.

use serde::{Deserialize, Serialize};

use super::metrics::Contribution;
use super::ranking::{self, Kind, Scope, Standing};
use super::rewards::{self, NewGrant};
use super::timers::{self, Timer};
use super::{Account, AccountRow, Cause, announcements, publish, roster};
use crate::events::{Amount, Span, Timestamp, keys};
use crate::outputs::{self, GrantSource, Output, Reward, Subject};
use crate::rulebook::{AnnouncementKind, Contest, Of, Rulebook};
use crate::state::{Row, Table};

/// How many are published; more only where there are prizes for more. (Boards say it themselves, by `top`.)
const SHOWN: usize = 100;

/// A contest that is not final yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenContest {
    pub key: String,
    /// The version of the rules that it keeps.
    pub version: u32,
    pub span: Span,
}

/// How far a contest has come. The row stays, so that a contest is never held twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ContestRow {
    version: u32,
    status: Status,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Status {
    Upcoming,
    Running,
    Final,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Status::Upcoming => "upcoming",
            Status::Running => "running",
            Status::Final => "final",
        }
    }
}

impl Row for ContestRow {
    const TABLE: Table = Table::Contest;
}

/// Brings in the contests that a version of the rules is the first to have.
pub fn introduce(account: &mut Account<'_>, book: &Rulebook) {
    for contest in &book.contests {
        let row_key = keys::join(&[account.id, &contest.key]);
        if account.state.contains::<ContestRow>(&row_key) {
            continue;
        }
        let span = span_of(contest);
        let status = if account.time >= contest.starts { Status::Running } else { Status::Upcoming };
        account.state.put(&row_key, ContestRow { version: book.version, status });
        let open = OpenContest { key: contest.key.clone(), version: book.version, span };
        account.state.entry::<AccountRow>(account.id, AccountRow::default).contests.push(open);
        if status == Status::Upcoming {
            timers::set(account, contest.starts, &row_key, Timer::ContestStarts { contest: contest.key.clone() });
        }
        if let Some(due) = account.final_at(span) {
            close_at(account, due, &contest.key);
        }
        publish::contest_waits(account, &contest.key);
    }
}

/// `[starts, ends)`; one whose end is before its start holds no instant.
fn span_of(contest: &Contest) -> Span {
    Span::new(contest.starts, contest.ends)
}

fn close_at(account: &mut Account<'_>, due: Timestamp, contest: &str) {
    timers::set(account, due, &keys::join(&[contest]), Timer::ContestCloses { contest: contest.to_owned() });
}

/// The rules of a contest, in the version that it keeps.
fn rule<'a>(account: &Account<'a>, version: u32, contest: &str) -> Option<(&'a Rulebook, &'a Contest)> {
    let book = account.rules.version(version)?;
    book.contests.iter().find(|rule| rule.key == contest).map(|rule| (&**book, rule))
}

/// Takes a contribution to the contests that rank by its metric. A contest with a condition takes only what an event made:
/// rewards and commands have nothing that it could look at.
pub fn take(account: &mut Account<'_>, contribution: &Contribution<'_>) {
    let Some(row) = account.state.get::<AccountRow>(account.id) else { return };
    let at_that_time: Vec<OpenContest> =
        row.contests.iter().filter(|contest| contest.span.contains(contribution.at)).cloned().collect();
    for open in at_that_time {
        let Some((_, rule)) = rule(account, open.version, &open.key) else { continue };
        let fits = |when: &crate::rulebook::values::Condition| {
            contribution.event.as_ref().is_some_and(|event| when.holds_for_event(event))
        };
        if rule.metric != contribution.metric || !rule.when.as_ref().is_none_or(fits) {
            continue;
        }
        let Some(subject) = ranking::subject_of(account, rule.of, contribution.rep) else { continue };
        if account.is_final(open.span) {
            account.pending.late = true;
            continue;
        }
        let scope = scope(&open.key);
        ranking::add(account, scope, open.span, open.version, subject, contribution.value, contribution.at);
        publish::contest_waits(account, &open.key);
    }
}

/// A contest starts.
pub fn start(account: &mut Account<'_>, contest: &str) {
    let row_key = keys::join(&[account.id, contest]);
    let Some(row) = account.state.get_mut::<ContestRow>(&row_key) else { return };
    if row.status == Status::Upcoming {
        row.status = Status::Running;
        publish::contest_waits(account, contest);
    }
}

/// A contest is final: its prizes are granted, and its rows leave the state.
pub fn close(account: &mut Account<'_>, contest: &str) {
    let row_key = keys::join(&[account.id, contest]);
    let Some(row) = account.state.get::<ContestRow>(&row_key).copied() else { return };
    let Some((_, rule)) = rule(account, row.version, contest).filter(|_| row.status != Status::Final) else { return };
    if let Some(due) = account.final_at(span_of(rule)).filter(|due| *due > account.time) {
        return close_at(account, due, contest); // a newer version waits longer
    }
    let row = ContestRow { status: Status::Final, ..row };
    account.state.put(&row_key, row);
    account.state.entry::<AccountRow>(account.id, AccountRow::default).contests.retain(|open| open.key != contest);
    let scope = scope(contest);
    let now = account.time;
    ranking::note_day(account, scope, now);
    write(account, contest, row);
    let places = ranking::listed(account, scope, last_place(rule));
    // who has nothing, or less, wins nothing
    for standing in places.iter().filter(|standing| standing.value > Amount::ZERO) {
        let prize = rule.prizes.iter().find(|prize| (prize.places.first..=prize.places.last).contains(&standing.position));
        if let Some(prize) = prize {
            award(account, rule, standing, &prize.reward);
        }
    }
    ranking::clear(account, scope);
}

/// Grants a place's prize: to the rep, or in full to every active member of the team. Who is no active rep by now gets
/// nothing, and the place is not passed on.
fn award(account: &mut Account<'_>, rule: &Contest, standing: &Standing, reward: &Reward) {
    let (book, account_id) = (account.book, account.id);
    let place = standing.position.to_string();
    let ids = [account_id, "contest", &rule.key, &place, &standing.subject];
    let winners: Vec<(String, String)> = match rule.of {
        Of::Rep if roster::is_active(account, &standing.subject) => vec![(keys::join(&ids), standing.subject.clone())],
        Of::Rep => Vec::new(),
        Of::Team => {
            let members = roster::members(account, &standing.subject).into_iter();
            members.map(|rep| (keys::join(&[&ids[..], &[&rep]].concat()), rep)).collect()
        }
        Of::Account => roster::active(account).into_iter().map(|rep| (keys::join(&[&ids[..], &[&rep]].concat()), rep)).collect(),
    };
    if winners.is_empty() {
        return;
    }
    let cause = Cause { at: account.time, event: None };
    for (id, rep) in &winners {
        let source = GrantSource { kind: "contest", key: &rule.key, tier: Some(&place), period: Some(&rule.key) };
        let grant = NewGrant { id, subject: Subject { kind: "rep", id: rep }, source, reward, to: Some(rep) };
        rewards::grant(account, &grant, &cause);
    }
    let (kind, name) = match rule.of {
        Of::Team => ("team", roster::team_name(book, &standing.subject)),
        Of::Rep | Of::Account => (rule.of.name(), roster::rep_name(book, &standing.subject)),
    };
    announcements::announce(
        account,
        &announcements::News {
            id: &keys::join(&ids[1..]),
            kind: AnnouncementKind::Contest,
            subject: Subject { kind, id: &standing.subject },
            title: &format!("{name} takes place {place}"),
            message: rule.name.as_deref().unwrap_or(&rule.key),
            at: cause.at,
        },
    );
}

/// Publishes a contest as it stands, unless it is final: its close has published it for the last time.
pub fn publish(account: &mut Account<'_>, contest: &str) {
    let Some(row) = account.state.get::<ContestRow>(&keys::join(&[account.id, contest])).copied() else { return };
    if row.status != Status::Final {
        write(account, contest, row);
    }
}

fn write(account: &mut Account<'_>, contest: &str, row: ContestRow) {
    let Some((book, rule)) = rule(account, row.version, contest) else { return };
    let scope = scope(contest);
    let standings = ranking::listed(account, scope, SHOWN.max(last_place(rule)));
    let names = account.book;
    let entries = ranking::entries(account, scope, &standings, names, rule.of, &rule.metric, book);
    let account_id = account.id;
    account.emit(&Output::Contest(outputs::Contest {
        account: account_id,
        contest,
        name: rule.name.as_deref().unwrap_or(&rule.key),
        metric: &rule.metric,
        of: rule.of.name(),
        starts: rule.starts,
        ends: rule.ends,
        status: row.status.name(),
        r#final: row.status == Status::Final,
        entries,
    }));
}

fn last_place(rule: &Contest) -> usize {
    rule.prizes.iter().map(|prize| prize.places.last as usize).max().unwrap_or(0)
}

fn scope(contest: &str) -> Scope<'_> {
    Scope { kind: Kind::Contest, key: contest, period: "" }
}
