//! Timers: what is to be done when account time gets somewhere.
//!
//! A timer is worked off at its due time, whenever the watermark that passes it arrives: its outputs do not depend on how
//! often watermarks come. Those due at the same instant are worked off in the order of [`Timer::order`], then account and key.

use serde::{Deserialize, Serialize};

use super::Cause;
use super::{
    Account, badges, boards, certifications, commands, commissions, contests, goals, identity, leagues, ownership, rewards,
};
use crate::events::{Timestamp, keys};
use crate::state::{Row, State, Table};

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Timer {
    /// A version of the rules comes into force.
    Version {
        number: u32,
    },
    ContestStarts {
        contest: String,
    },
    ContestCloses {
        contest: String,
    },
    /// A period of a leaderboard is final.
    BoardCloses {
        board: String,
        period: String,
    },
    /// A window of the leagues is final.
    LeagueCloses {
        period: String,
    },
    GoalCloses {
        goal: String,
        period: String,
        subject: String,
    },
    /// No goal that is chained to this one can ask any more when it was reached; `goal` is the key of its row.
    GoalForgotten {
        goal: String,
    },
    CertificationExpires {
        rep: String,
        certification: String,
    },
    /// A refund has waited long enough for its payment.
    RefundExpires {
        payment: String,
    },
    /// No refund can take the payments of this day back any more.
    PaymentsForgotten {
        day: i64,
    },
    /// An item has waited long enough for a rep.
    UnassignedAlert {
        kind: String,
        item: String,
    },
    /// A follow-up should have been completed by now.
    FollowUpDue {
        contact: String,
        follow_up: String,
    },
    /// A conversation or comment that was closed can be forgotten.
    ItemForgotten {
        kind: String,
        item: String,
    },
    /// An answered command can be forgotten.
    CommandForgotten {
        command: String,
    },
    /// The identity of an event without contact can be forgotten.
    IdentityForgotten {
        identity: String,
    },
    /// A period of a badge is final.
    BadgeCloses {
        badge: String,
        period: String,
    },
}

impl Timer {
    /// The order among timers due at the same instant: rules first, then what closes, then what forgets.
    fn order(&self) -> u8 {
        match self {
            Timer::Version { .. } => 10,
            Timer::ContestStarts { .. } => 20,
            Timer::GoalCloses { .. } => 30,
            Timer::BoardCloses { .. } => 40,
            Timer::BadgeCloses { .. } => 45,
            Timer::LeagueCloses { .. } => 50,
            Timer::ContestCloses { .. } => 60,
            Timer::CertificationExpires { .. } => 70,
            Timer::UnassignedAlert { .. } => 80,
            Timer::FollowUpDue { .. } => 81,
            Timer::RefundExpires { .. } => 85,
            Timer::PaymentsForgotten { .. } => 86,
            Timer::GoalForgotten { .. } => 88,
            Timer::ItemForgotten { .. } => 89,
            Timer::CommandForgotten { .. } => 90,
            Timer::IdentityForgotten { .. } => 91,
        }
    }
}

impl Row for Timer {
    const TABLE: Table = Table::Timer;
}

/// Sets a timer. `key` tells it from others of its kind that are due at the same instant; setting it again changes nothing.
pub fn set(account: &mut Account<'_>, due: Timestamp, key: &str, timer: Timer) {
    let key = timer_key(due, timer.order(), account.id, key);
    account.state.put(&key, timer);
}

/// Takes a timer back.
pub fn cancel(account: &mut Account<'_>, due: Timestamp, key: &str, timer: &Timer) {
    let key = timer_key(due, timer.order(), account.id, key);
    account.state.delete::<Timer>(&key);
}

/// The earliest timer that is due by `time`: its key, due time, account and what to do.
pub fn first_due(state: &mut State<'_>, time: Timestamp) -> Option<(String, Timestamp, String, Timer)> {
    let (key, timer) = state.scan::<Timer>("", 1).pop()?;
    let mut parts = key.splitn(4, '/');
    let due = Timestamp(from_sortable(parts.next()?)?);
    let account = parts.nth(1)?.to_owned();
    (due <= time).then(|| (key.clone(), due, keys::split(&account).remove(0), timer))
}

/// Works a timer off; its row is gone already.
pub fn fire(account: &mut Account<'_>, timer: Timer) {
    let cause = Cause { at: account.time, event: None };
    match timer {
        Timer::Version { number } => account.introduce_up_to(number),
        Timer::ContestStarts { contest } => contests::start(account, &contest),
        Timer::ContestCloses { contest } => contests::close(account, &contest),
        Timer::BoardCloses { board, period } => boards::close(account, &board, &period),
        Timer::BadgeCloses { badge, period } => badges::close(account, &badge, &period),
        Timer::LeagueCloses { period } => leagues::close(account, &period),
        Timer::GoalCloses { goal, period, subject } => goals::close(account, &goal, &period, &subject),
        Timer::GoalForgotten { goal } => goals::forget(account, &goal),
        Timer::CertificationExpires { rep, certification } => certifications::expire(account, &rep, &certification),
        Timer::RefundExpires { payment } => commissions::expire_refund(account, &payment),
        Timer::PaymentsForgotten { day } => commissions::forget_payments(account, day),
        Timer::UnassignedAlert { kind, item } => ownership::alert_unassigned(account, &kind, &item),
        Timer::FollowUpDue { contact, follow_up } => ownership::follow_up_due(account, &contact, &follow_up),
        Timer::ItemForgotten { kind, item } => ownership::forget_item(account, &kind, &item),
        Timer::CommandForgotten { command } => commands::forget(account, &command),
        Timer::IdentityForgotten { identity } => identity::forget(account, &identity),
    }
    rewards::settle(account, cause);
}

fn timer_key(due: Timestamp, order: u8, account: &str, key: &str) -> String {
    format!("{}/{order:02}/{}/{key}", sortable(due.0), keys::join(&[account]))
}

/// A text of 20 digits that sorts as the number does.
pub fn sortable(number: i64) -> String {
    format!("{:020}", (number as u64) ^ (1 << 63))
}

/// The number that [`sortable`] made a text of.
pub fn from_sortable(text: &str) -> Option<i64> {
    text.parse::<u64>().ok().map(|bits| (bits ^ (1 << 63)) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_sort_as_texts() {
        let numbers = [i64::MIN, -5, -1, 0, 1, 1_793_707_265_123, i64::MAX];
        let texts = numbers.map(sortable);
        assert!(texts.is_sorted());
        assert_eq!(texts.map(|text| from_sortable(&text).unwrap()), numbers);
    }
}
