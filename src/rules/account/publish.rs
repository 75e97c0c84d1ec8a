//! What is published at the end of a batch: the last value of every row that outputs show.
//!
//! Full boards are large, so live they go out at most once a second: what is waiting is kept in the state, and is still
//! published after a crash.

use std::hash::{BuildHasher, Hash};

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use serde::{Deserialize, Serialize};

use super::ranking::{Kind, Rankings};
use super::{Account, boards, commissions, contests, goals, levels, ownership};
use crate::engine::Publish;
use crate::events::Timestamp;
use crate::state::{Row, State, Table};

/// Something that outputs show and that has changed. The texts are borrowed (`&str`) or owned (`String`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dirty<S> {
    Rep { rep: S },
    Goal { goal: S, period: S, subject: S },
    Statement { statement: S },
    Relationship { contact: S },
    Board { board: S, period: S },
    Contest { contest: S },
}

impl<S: AsRef<str>> Dirty<S> {
    fn map<'d, T>(&'d self, text: impl Fn(&'d str) -> T) -> Dirty<T> {
        let text = |part: &'d S| text(part.as_ref());
        match self {
            Dirty::Rep { rep } => Dirty::Rep { rep: text(rep) },
            Dirty::Goal { goal, period, subject } => {
                Dirty::Goal { goal: text(goal), period: text(period), subject: text(subject) }
            }
            Dirty::Statement { statement } => Dirty::Statement { statement: text(statement) },
            Dirty::Relationship { contact } => Dirty::Relationship { contact: text(contact) },
            Dirty::Board { board, period } => Dirty::Board { board: text(board), period: text(period) },
            Dirty::Contest { contest } => Dirty::Contest { contest: text(contest) },
        }
    }
}

/// Something to publish: the account, the thing, and the log's timestamp of the last record that touched it.
type Due = (String, Dirty<String>, Timestamp);

/// What the batch has touched, in the order in which it was first touched. Each thing is there once, and only the first time
/// costs an allocation.
#[derive(Debug, Default)]
pub struct Touched {
    things: Vec<Due>,
    places: HashTable<u32>,
    hasher: FixedState,
}

impl Touched {
    pub fn insert(&mut self, account: &str, dirty: Dirty<&str>, at: Timestamp) {
        let Touched { things, places, hasher } = self;
        let hash = hasher.hash_one((account, dirty));
        let known = places.find(hash, |place| {
            let (known, thing, _) = &things[*place as usize];
            known == account && thing.map(|text| text) == dirty
        });
        if let Some(place) = known {
            things[*place as usize].2 = at;
            return;
        }
        let place = things.len() as u32;
        things.push((account.to_owned(), dirty.map(str::to_owned), at));
        places.insert_unique(hash, place, |place| {
            let (account, thing, _) = &things[*place as usize];
            hasher.hash_one((account.as_str(), thing.map(|text| text)))
        });
    }

    pub fn clear(&mut self) {
        self.things.clear();
        self.places.clear();
    }
}

/// The full boards of an account that wait to be published, by `account`; each with the log's timestamp of the last record
/// that touched it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Waiting {
    /// By the numbers of their rankings.
    boards: Vec<(u32, Timestamp)>,
    contests: Vec<(String, Timestamp)>,
}

impl Row for Waiting {
    const TABLE: Table = Table::Dirty;
}

/// Has boards published with the next that are.
pub(super) fn boards_wait(account: &mut Account<'_>, rankings: &[u32]) {
    let logged_at = account.logged_at;
    let waiting = account.state.entry::<Waiting>(account.id, Waiting::default);
    for ranking in rankings {
        match waiting.boards.iter_mut().find(|(number, _)| number == ranking) {
            Some((_, at)) => *at = logged_at,
            None => waiting.boards.push((*ranking, logged_at)),
        }
    }
}

/// As [`boards_wait`], for a contest.
pub(super) fn contest_waits(account: &mut Account<'_>, contest: &str) {
    let logged_at = account.logged_at;
    let waiting = account.state.entry::<Waiting>(account.id, Waiting::default);
    match waiting.contests.iter_mut().find(|(key, _)| key == contest) {
        Some((_, at)) => *at = logged_at,
        None => waiting.contests.push((contest.to_owned(), logged_at)),
    }
}

/// What a seal is to publish now, in order.
pub fn due(state: &mut State<'_>, touched: &mut Touched, publish: Publish) -> Vec<Due> {
    let mut due = std::mem::take(&mut touched.things);
    touched.clear();
    if publish != Publish::All {
        return due;
    }
    for (account, waiting) in state.scan::<Waiting>("", usize::MAX) {
        state.delete::<Waiting>(&account);
        if let Some(rankings) = state.get::<Rankings>(&account) {
            for ranking in rankings.iter() {
                // a board that has closed meanwhile was published for the last time
                let at = waiting.boards.iter().find(|(number, _)| *number == ranking.number);
                if let Some((_, at)) = at.filter(|_| ranking.scope().kind == Kind::Board) {
                    let scope = ranking.scope();
                    let board = Dirty::Board { board: scope.key.to_owned(), period: scope.period.to_owned() };
                    due.push((account.clone(), board, *at));
                }
            }
        }
        due.extend(waiting.contests.into_iter().map(|(contest, at)| (account.clone(), Dirty::Contest { contest }, at)));
    }
    due
}

/// Publishes one thing as it stands.
pub fn publish(account: &mut Account<'_>, dirty: &Dirty<String>) {
    match dirty {
        Dirty::Rep { rep } => levels::publish_progress(account, rep),
        Dirty::Goal { goal, period, subject } => goals::publish(account, goal, period, subject),
        Dirty::Statement { statement } => commissions::publish(account, statement),
        Dirty::Relationship { contact } => ownership::publish_relationship(account, contact),
        Dirty::Board { board, period } => boards::publish(account, board, period),
        Dirty::Contest { contest } => contests::publish(account, contest),
    }
}
