//! What is published at the end of a batch: the last value of every row that outputs show.
//!
//! Full boards are large, so live they go out at most once a second: what is waiting is kept in the state, and is still
//! published after a crash.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Account, boards, commissions, contests, goals, levels, ownership};
use crate::engine::Publish;
use crate::events::{Timestamp, keys};
use crate::state::{Row, State, Table};

/// Something that outputs show and that has changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Dirty {
    Rep { rep: String },
    Goal { goal: String, period: String, subject: String },
    Statement { statement: String },
    Relationship { contact: String },
    Board { board: String, period: String },
    Contest { contest: String },
}

impl Dirty {
    /// Full boards wait; the rest goes out with every batch.
    fn waits(&self) -> bool {
        matches!(self, Dirty::Board { .. } | Dirty::Contest { .. })
    }
}

/// What the batch has touched: account and thing, with the log's timestamp of the last record that touched it.
pub type Touched = BTreeMap<(String, Dirty), Timestamp>;

/// A full board that waits to be published.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Waiting {
    pub account: String,
    pub dirty: Dirty,
    pub logged_at: Timestamp,
}

impl Row for Waiting {
    const TABLE: Table = Table::Dirty;
}

pub(super) fn touch(account: &mut Account<'_>, dirty: Dirty) {
    if dirty.waits() {
        let name = match &dirty {
            Dirty::Board { board, period } => keys::join(&[account.id, "board", board, period]),
            Dirty::Contest { contest } => keys::join(&[account.id, "contest", contest]),
            _ => return,
        };
        let (id, logged_at) = (account.id, account.logged_at);
        account.state.entry(&name, || Waiting { account: id.to_owned(), dirty, logged_at }).logged_at = logged_at;
    } else {
        account.touched.insert((account.id.to_owned(), dirty), account.logged_at);
    }
}

/// What a seal is to publish now, in order: account, thing, timestamp.
pub fn due(state: &mut State<'_>, touched: &mut Touched, publish: Publish) -> Vec<(String, Dirty, Timestamp)> {
    let mut due: Vec<_> = std::mem::take(touched).into_iter().map(|((account, dirty), at)| (account, dirty, at)).collect();
    if publish == Publish::All {
        for (key, waiting) in state.scan::<Waiting>("", usize::MAX) {
            state.delete::<Waiting>(&key);
            due.push((waiting.account, waiting.dirty, waiting.logged_at));
        }
    }
    due
}

/// Publishes one thing as it stands.
pub fn publish(account: &mut Account<'_>, dirty: &Dirty) {
    match dirty {
        Dirty::Rep { rep } => levels::publish_progress(account, rep),
        Dirty::Goal { goal, period, subject } => goals::publish(account, goal, period, subject),
        Dirty::Statement { statement } => commissions::publish(account, statement),
        Dirty::Relationship { contact } => ownership::publish_relationship(account, contact),
        Dirty::Board { board, period } => boards::publish(account, board, period),
        Dirty::Contest { contest } => contests::publish(account, contest),
    }
}
