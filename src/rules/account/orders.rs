//! The orders of rankings, in memory: made from the tallies when an account's rankings are first read, and brought up to
//! date whenever they are read again. A credit only notes what its subject had before; however often a subject is credited
//! between two readings, it moves once.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use foldhash::fast::FixedState;

use super::Account;
use super::tally::{self, Tallies, Tally};
use crate::events::{Amount, Timestamp};

/// The orders of all accounts that were looked at. They follow the state, uncommitted changes included: whoever undoes those
/// must [`clear`](Orders::clear) the orders with them.
#[derive(Debug, Default)]
pub struct Orders {
    accounts: HashMap<String, AccountOrders, FixedState>,
    entries: usize,
}

#[derive(Debug, Default)]
struct AccountOrders {
    by_number: HashMap<u32, Order, FixedState>,
    /// The subjects that were credited since the orders were last read.
    moved: HashMap<String, Moved, FixedState>,
}

/// What a subject had when the orders were last read, and what it has now.
#[derive(Debug)]
struct Moved {
    before: Tallies,
    now: Tallies,
}

/// One ranking in its order.
#[derive(Debug, Default)]
pub(super) struct Order {
    listed: BTreeSet<(Reverse<Amount>, Timestamp, Arc<str>)>,
    /// Those who are back at zero.
    unlisted: BTreeSet<Arc<str>>,
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

    /// A ranking was opened.
    pub(super) fn open(&mut self, account: &str, ranking: u32) {
        if let Some(orders) = self.accounts.get_mut(account) {
            orders.by_number.insert(ranking, Order::default());
        }
    }

    /// Changes a subject's tallies, and notes that it moves.
    pub(super) fn follow(&mut self, account: &str, subject: &str, tallies: &mut Tallies, change: impl FnOnce(&mut Tallies)) {
        let Some(orders) = self.accounts.get_mut(account) else { return change(tallies) };
        match orders.moved.get_mut(subject) {
            Some(moved) => {
                change(tallies);
                moved.now.clone_from(tallies);
            }
            None => {
                let before = tallies.clone();
                change(tallies);
                self.entries += tallies.0.len();
                orders.moved.insert(subject.to_owned(), Moved { before, now: tallies.clone() });
            }
        }
    }
}

impl Order {
    /// Those who are listed, with their values and when they reached them, the best first.
    pub fn listed(&self) -> impl Iterator<Item = (&str, Amount, Timestamp)> {
        self.listed.iter().map(|(Reverse(value), reached_at, subject)| (&**subject, *value, *reached_at))
    }

    /// Everyone who has a tally.
    fn into_subjects(self) -> impl Iterator<Item = Arc<str>> {
        self.listed.into_iter().map(|(_, _, subject)| subject).chain(self.unlisted)
    }

    fn insert(&mut self, subject: Arc<str>, tally: Tally) {
        if tally.value.is_zero() {
            self.unlisted.insert(subject);
        } else {
            self.listed.insert((Reverse(tally.value), tally.reached_at, subject));
        }
    }

    fn remove(&mut self, subject: &Arc<str>, tally: Tally) {
        if tally.value.is_zero() {
            self.unlisted.remove(subject);
        } else {
            self.listed.remove(&(Reverse(tally.value), tally.reached_at, subject.clone()));
        }
    }
}

/// The order of a ranking, up to date.
pub(super) fn of<'o>(account: &'o mut Account<'_>, ranking: u32) -> &'o Order {
    bring_up_to_date(account).by_number.entry(ranking).or_default()
}

/// Forgets the order of a ranking, and gives everyone who has a tally of it.
pub(super) fn close(account: &mut Account<'_>, ranking: u32) -> Vec<Arc<str>> {
    let order = bring_up_to_date(account).by_number.remove(&ranking).unwrap_or_default();
    let subjects: Vec<_> = order.into_subjects().collect();
    account.orders.entries = account.orders.entries.saturating_sub(subjects.len());
    subjects
}

fn bring_up_to_date<'o>(account: &'o mut Account<'_>) -> &'o mut AccountOrders {
    if !account.orders.accounts.contains_key(account.id) {
        make(account);
    }
    let Orders { accounts, entries } = &mut *account.orders;
    let Some(AccountOrders { by_number, moved }) = accounts.get_mut(account.id) else { unreachable!("just made") };
    // where each subject goes depends on nothing but its own tallies, so that their order does not matter
    for (subject, Moved { before, now }) in moved.drain() {
        *entries -= now.0.len().min(*entries);
        let subject: Arc<str> = subject.into();
        for (ranking, tally) in &now.0 {
            let known = before.get(*ranking);
            // badges have tallies, but no order
            let Some(order) = by_number.get_mut(ranking).filter(|_| known != Some(*tally)) else { continue };
            match known {
                Some(known) => order.remove(&subject, known),
                None => *entries += 1,
            }
            order.insert(subject.clone(), *tally);
        }
    }
    match account.orders.accounts.get_mut(account.id) {
        Some(orders) => orders,
        None => unreachable!("just made"),
    }
}

/// Makes the orders of an account from its tallies.
fn make(account: &mut Account<'_>) {
    let mut orders = AccountOrders::default();
    orders.by_number.extend(super::ranking::ordered(account).into_iter().map(|number| (number, Order::default())));
    let mut entries = 0;
    tally::for_each(account, |subject, tallies| {
        let subject: Arc<str> = subject.into();
        for (ranking, tally) in &tallies.0 {
            if let Some(order) = orders.by_number.get_mut(ranking) {
                order.insert(subject.clone(), *tally);
                entries += 1;
            }
        }
    });
    account.orders.entries += entries;
    account.orders.accounts.insert(account.id.to_owned(), orders);
}
