//! What happens to a contact by the passing of time: retention removes old timeline entries, and the account stage is told
//! of contacts that have been silent for long.
//!
//! Each contact has at most one timer, at a time when something may be due. It is set forward lazily: when it fires and
//! nothing is due yet, it is set again.

use serde::{Deserialize, Serialize};

use super::compiled::{ContactRules, Version};
use super::contacts::Contacts;
use super::history;
use super::lead;
use super::row::{ContactRow, Entry};
use super::segments::At;
use crate::events::{AccountRecord, Duration, Timestamp};
use crate::outputs::Route;
use crate::state::{Row, Table};

/// `time/account/contact` → nothing.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct TimerRow;

impl Row for TimerRow {
    const TABLE: Table = Table::ContactTimer;
}

/// The earliest timer of the partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Next {
    #[default]
    Unknown,
    At(Timestamp),
    None,
}

impl Next {
    fn earlier(&mut self, time: Timestamp) {
        *self = match *self {
            Next::Unknown => Next::Unknown,
            Next::At(before) => Next::At(before.min(time)),
            Next::None => Next::At(time),
        }
    }

    /// Whether a timer may be due.
    pub fn is_due(self, now: Timestamp) -> bool {
        match self {
            Next::Unknown => true,
            Next::At(time) => time <= now,
            Next::None => false,
        }
    }
}

/// Digits of a time in a key, so that the order of keys is that of times.
fn time_key(time: Timestamp) -> String {
    format!("{:020}", (time.0 as u64) ^ (1 << 63))
}

fn timer_key(time: Timestamp, key: &str) -> String {
    format!("{}/{key}", time_key(time))
}

fn read_key(timer: &str) -> Option<(Timestamp, &str)> {
    let (time, key) = timer.split_once('/')?;
    let time = time.parse::<u64>().ok()? ^ (1 << 63);
    Some((Timestamp(time as i64), key))
}

impl Contacts<'_> {
    /// Sets a contact's timer if something may be due before it would fire. `entry` is the time of a new timeline entry, or
    /// of the oldest.
    pub fn arm(&mut self, version: &Version, key: &str, entry: Option<Timestamp>) {
        let Some(row) = self.state.get::<ContactRow>(key) else { return };
        let told = row.rare.as_ref().map_or(0, |rare| rare.told);
        let silent = row.last_seen.zip(version.inactive.iter().find(|wait| wait.0 > told)).map(|(seen, wait)| seen.plus(*wait));
        let old = entry.zip(version.rules.timeline.retention).map(|(time, kept)| time.plus(kept).plus(Duration(1)));
        let Some(due) = silent.into_iter().chain(old).min() else { return };
        let armed = row.rare.as_ref().and_then(|rare| rare.timer);
        if armed.is_some_and(|armed| armed <= due) {
            return;
        }
        if let Some(armed) = armed {
            self.state.delete::<TimerRow>(&timer_key(armed, key));
        }
        self.state.put(&timer_key(due, key), TimerRow);
        self.state.entry::<ContactRow>(key, ContactRow::default).rare().timer = Some(due);
        self.next_timer.earlier(due);
    }

    /// The contacts whose timers are due, at most `limit`, their timers taken off. Notes when the next one is.
    pub fn due(&mut self, now: Timestamp, limit: usize) -> Vec<String> {
        if !self.next_timer.is_due(now) {
            return Vec::new();
        }
        let timers = self.state.scan::<TimerRow>("", limit);
        *self.next_timer = if timers.len() < limit { Next::None } else { Next::Unknown };
        let mut due = Vec::new();
        for (timer, _) in timers {
            let Some((time, key)) = read_key(&timer) else { continue };
            if time > now {
                *self.next_timer = Next::At(time);
                break;
            }
            self.state.delete::<TimerRow>(&timer);
            due.push(key.to_owned());
        }
        due
    }

    /// Does what is due for a contact and sets its timer again.
    pub fn look_at(&mut self, key: &str, rules: &ContactRules, now: Timestamp) {
        let Some((account, contact)) = lead::split(key) else { return };
        let row = self.state.entry::<ContactRow>(key, ContactRow::default);
        row.rare().timer = None;
        let Some(version) = rules.at(now) else { return };
        if row.redirect().is_some() {
            return;
        }
        let told = row.rare().told;
        if let Some(seen) = row.last_seen {
            let silence = Duration(now.0.saturating_sub(seen.0));
            for wait in version.inactive.iter().filter(|wait| wait.0 > told && **wait <= silence) {
                row.rare().told = wait.0;
                let record =
                    AccountRecord::Inactive { account: &account, contact: &contact, since: seen, time: seen.plus(*wait) };
                self.out.forward(Route::Key, &account, &record, now);
            }
        }
        let mut oldest = None;
        if let Some(kept) = version.rules.timeline.retention {
            let at = At { account: &account, contact: &contact, time: now, logged: now };
            oldest = self.remove_older(key, rules, now.minus(kept), at);
        }
        self.arm(version, key, oldest);
    }

    /// Removes timeline entries from before a time; their points go to the sums of their groups. Returns the time of the
    /// oldest that is left.
    fn remove_older(&mut self, key: &str, rules: &ContactRules, before: Timestamp, at: At<'_>) -> Option<Timestamp> {
        let own = self.place.own();
        let bytes = history::load(&mut self.state, key);
        let (old, kept): (Vec<Entry<'_>>, Vec<Entry<'_>>) =
            Entry::decode_all(&bytes).into_iter().partition(|entry| entry.time < before);
        if !old.is_empty() {
            let mut groups = std::collections::BTreeSet::new();
            for entry in &old {
                history::withdraw(at.account, at.contact, entry, rules, own, at.logged, self.out);
                let Some((_, catalog)) = history::judged(entry, rules) else { continue };
                let group = catalog.group.as_deref().unwrap_or_default();
                self.state.entry::<ContactRow>(key, ContactRow::default).carry(
                    group,
                    history::points(entry, catalog),
                    entry.time,
                );
                groups.insert(group);
            }
            history::replace(&mut self.state, key, &kept, rules);
            let row = self.state.entry::<ContactRow>(key, ContactRow::default);
            row.touched = Some(at.logged);
            let carried = row.rare().carried.iter().filter(|sum| groups.contains(sum.group.as_str()));
            for sum in carried {
                sum.publish(at.account, at.contact, own, at.logged, self.out);
            }
        }
        kept.iter().map(|entry| entry.time).min()
    }
}
