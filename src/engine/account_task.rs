//! The account stage of one partition: a task over `account-events`.

use super::counters::Counters;
use super::task::{Input, Publish, Task};
use crate::decode::Reason;
use crate::events::{AccountRecord, Timestamp};
use crate::outputs::{Outbox, Record, Route, Topic, dead_letter};
use crate::rulebook::{RuleSet, Rulebook};
use crate::rules::account::orders::Orders;
use crate::rules::account::rewards::{self, Pending};
use crate::rules::account::{self, Account, AccountRow, Cause, Periods, Touched, clock, commands, ownership, publish, timers};
use crate::state::{Changes, Overlay, State, Store, StoreError};

/// Applies the records of a partition of `account-events`, in their order.
#[derive(Debug)]
pub struct AccountTask {
    partition: u32,
    /// Partitions of the product events: account time needs a watermark of each.
    partitions: u32,
    overlay: Overlay,
    touched: Touched,
    /// Periods that were cut lately; a cache, whatever becomes of the batch.
    periods: Periods,
    /// The rankings in their order, as the overlay has them.
    orders: Orders,
    /// The changes of a sealed batch, until it is committed.
    sealed: Changes,
    counters: Counters,
    /// As they were at the last commit.
    committed: Counters,
    lacks_rules: bool,
    /// The revision of the rules that every account has been told of.
    told: Option<u64>,
}

impl AccountTask {
    pub fn new(partition: u32, partitions: u32) -> AccountTask {
        AccountTask {
            partition,
            partitions,
            overlay: Overlay::default(),
            touched: Touched::default(),
            periods: Periods::default(),
            orders: Orders::default(),
            sealed: Changes::new(),
            counters: Counters::default(),
            committed: Counters::default(),
            lacks_rules: false,
            told: None,
        }
    }

    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Applies a decoded record.
    pub fn apply_record(
        &mut self,
        store: &dyn Store,
        rules: &RuleSet,
        record: &AccountRecord<'_>,
        logged_at: Timestamp,
        out: &mut Outbox,
    ) {
        match record {
            AccountRecord::Watermark { partition, time, .. } => {
                if self.told != Some(rules.revision()) {
                    self.tell(store, rules, logged_at, out);
                }
                let mut state = State::new(store, &mut self.overlay);
                if let Some(now) = clock::advance(&mut state, self.partitions, *partition, *time) {
                    self.work_off_timers(store, rules, now, logged_at, out);
                }
                if *partition < ownership::PACERS {
                    self.go_on(store, rules, logged_at, out);
                }
            }
            AccountRecord::Event(event) => {
                let book = |rules: &RuleSet| rules.account(event.account)?.version(event.version).cloned();
                self.with_account(store, rules, event.account, logged_at, out, book, |account| {
                    account::apply_event(account, event);
                });
            }
            AccountRecord::Command(command) => {
                let book = |rules: &RuleSet| rules.account(command.account)?.at(command.time).cloned();
                self.with_account(store, rules, command.account, logged_at, out, book, |account| {
                    commands::apply_command(account, command);
                });
            }
            AccountRecord::RuleStamp { account, version } => {
                let book = |rules: &RuleSet| rules.account(account)?.version(*version).cloned();
                self.with_account(store, rules, account, logged_at, out, book, |account| {
                    rewards::settle(account, Cause { at: account.time, event: None });
                });
            }
            AccountRecord::Inactive { account, contact, since, time } => {
                let book = |rules: &RuleSet| rules.account(account)?.at(*time).cloned();
                self.with_account(store, rules, account, logged_at, out, book, |account| {
                    ownership::on_inactive(account, contact, *since);
                });
            }
        }
    }

    /// Tells the accounts of new rules: those without events just now have contests that start, too, and items that wait.
    fn tell(&mut self, store: &dyn Store, rules: &RuleSet, logged_at: Timestamp, out: &mut Outbox) {
        self.told = Some(rules.revision());
        let accounts = State::new(store, &mut self.overlay).scan::<AccountRow>("", usize::MAX);
        for (id, row) in accounts {
            if rules.account(&id).is_some_and(|rules| rules.versions().len() as u32 != row.known) {
                let time = clock::now(&mut State::new(store, &mut self.overlay));
                let book = |rules: &RuleSet| rules.account(&id)?.at(time).cloned();
                self.with_account(store, rules, &id, logged_at, out, book, |account| {
                    rewards::settle(account, Cause { at: account.time, event: None });
                });
            }
        }
    }

    fn work_off_timers(&mut self, store: &dyn Store, rules: &RuleSet, now: Timestamp, logged_at: Timestamp, out: &mut Outbox) {
        while let Some((key, due, id, timer)) = timers::first_due(&mut State::new(store, &mut self.overlay), now) {
            State::new(store, &mut self.overlay).delete::<timers::Timer>(&key);
            let Some(versions) = rules.account(&id) else { continue };
            let Some(book) = versions.at(due).or_else(|| versions.latest()) else { continue };
            let mut account = Account {
                id: &id,
                rules: versions,
                book,
                time: due,
                logged_at,
                state: State::new(store, &mut self.overlay),
                out,
                touched: &mut self.touched,
                pending: Pending::default(),
                periods: &mut self.periods,
                orders: &mut self.orders,
            };
            timers::fire(&mut account, timer);
            self.counters.late += u64::from(account.pending.late);
        }
    }

    /// Does the next slice of what is too large for one record, in every account that has such work under way.
    fn go_on(&mut self, store: &dyn Store, rules: &RuleSet, logged_at: Timestamp, out: &mut Outbox) {
        for id in ownership::accounts_at_work(&mut State::new(store, &mut self.overlay)) {
            let time = clock::now(&mut State::new(store, &mut self.overlay));
            let book = |rules: &RuleSet| rules.account(&id)?.at(time).cloned();
            self.with_account(store, rules, &id, logged_at, out, book, ownership::go_on);
        }
    }

    /// Whether work is under way that goes on with the next watermark.
    pub fn is_at_work(&mut self, store: &dyn Store) -> bool {
        ownership::is_at_work(&mut State::new(store, &mut self.overlay))
    }

    #[allow(clippy::too_many_arguments)]
    fn with_account(
        &mut self,
        store: &dyn Store,
        rules: &RuleSet,
        id: &str,
        logged_at: Timestamp,
        out: &mut Outbox,
        book: impl FnOnce(&RuleSet) -> Option<std::sync::Arc<Rulebook>>,
        apply: impl FnOnce(&mut Account<'_>),
    ) {
        let (Some(versions), Some(book)) = (rules.account(id), book(rules)) else { return };
        let mut state = State::new(store, &mut self.overlay);
        let time = clock::now(&mut state);
        let (touched, pending) = (&mut self.touched, Pending::default());
        let (periods, orders) = (&mut self.periods, &mut self.orders);
        let mut account =
            Account { id, rules: versions, book: &book, time, logged_at, state, out, touched, pending, periods, orders };
        account.open();
        apply(&mut account);
        self.counters.late += u64::from(account.pending.late);
    }
}

/// Whether the rules hold the version by which an event was judged: else the event cannot be credited, and must not be lost.
fn knows_version(rules: &RuleSet, account: &str, version: u32) -> bool {
    rules.account(account).is_some_and(|versions| versions.version(version).is_some())
}

impl Task for AccountTask {
    fn apply(&mut self, store: &dyn Store, rules: &RuleSet, input: &Input<'_>, out: &mut Outbox) {
        let Some(bytes) = input.value else { return };
        let logged_at = input.timestamp.unwrap_or_default();
        match AccountRecord::decode(bytes) {
            Some(AccountRecord::Event(event)) if !knows_version(rules, event.account, event.version) => {
                self.lacks_rules = true;
                let message = format!("version {} of the rules of {} is not known here", event.version, event.account);
                dead_letter(out, &input.original(logged_at), "account", Reason::RuleFailure, &message);
            }
            Some(record) => self.apply_record(store, rules, &record, logged_at, out),
            None => {
                let message = "not a record of account-events that this version reads";
                dead_letter(out, &input.original(logged_at), "account", Reason::NotAnEvent, message);
            }
        }
    }

    fn reject(&mut self, input: &Input<'_>, message: &str, out: &mut Outbox) {
        let logged_at = input.timestamp.unwrap_or_default();
        dead_letter(out, &input.original(logged_at), "account", Reason::RuleFailure, message);
    }

    fn seal(&mut self, store: &dyn Store, rules: &RuleSet, publish: Publish, out: &mut Outbox) {
        let due = publish::due(&mut State::new(store, &mut self.overlay), &mut self.touched, publish);
        for (id, dirty, logged_at) in due {
            let mut state = State::new(store, &mut self.overlay);
            let time = clock::now(&mut state);
            let Some(versions) = rules.account(&id) else { continue };
            // names and levels are shown by the newest version that the account has been told of
            let newest = state.get::<AccountRow>(&id).map_or(1, |row| row.version);
            let Some(book) = versions.version(newest) else { continue };
            let (touched, pending) = (&mut self.touched, Pending::default());
            let (periods, orders) = (&mut self.periods, &mut self.orders);
            let mut account =
                Account { id: &id, rules: versions, book, time, logged_at, state, out, touched, pending, periods, orders };
            publish::publish(&mut account, &dirty);
        }
        self.sealed = self.overlay.changes();
        for (key, value) in &self.sealed {
            let timestamp = Timestamp::default();
            let (topic, route) = (Topic::AccountChangelog, Route::Partition(self.partition));
            out.push_raw(Record { topic, route, timestamp, key, value: value.as_deref(), headers: &[] });
        }
    }

    fn fault(&self) -> Option<&StoreError> {
        self.overlay.fault()
    }

    fn lacks_rules(&self) -> bool {
        self.lacks_rules
    }

    fn take_changes(&mut self) -> Changes {
        self.overlay.clear();
        self.lacks_rules = false;
        self.touched.clear();
        self.orders.trim();
        self.committed = self.counters.clone();
        std::mem::take(&mut self.sealed)
    }

    fn discard(&mut self) {
        self.told = None;
        self.overlay.clear();
        self.touched.clear();
        self.orders.clear();
        self.sealed.clear();
        self.counters = self.committed.clone();
        self.lacks_rules = false;
    }
}
