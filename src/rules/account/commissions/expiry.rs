//! When payments can be forgotten: day by day, many with one timer.

use serde::{Deserialize, Serialize};

use super::super::Account;
use super::super::timers::{self, Timer};
use super::payments;
use crate::events::{Duration, Timestamp, keys};
use crate::state::{Row, Table};

/// Payments that can be forgotten at the end of a day (UTC): those named last by `account/day`, the others in full slices by
/// `account/day/number`, from 0.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct DayRow {
    payments: Vec<String>,
    /// How many full slices there are.
    slices: u32,
}

impl Row for DayRow {
    const TABLE: Table = Table::PaymentExpiry;
}

/// Payments in a full slice: a row is written again with every batch that names one more.
const SLICE: usize = 256;

const DAY: Duration = Duration::days(1);

fn day_of(time: Timestamp) -> i64 {
    time.0.div_euclid(DAY.0)
}

/// Has a payment forgotten at the end of the day of `at`, where it was to be forgotten at `before`, if ever.
pub(super) fn forget_later(account: &mut Account<'_>, before: Option<Timestamp>, at: Timestamp, payment: &str) {
    let day = day_of(at);
    if before.is_some_and(|before| day == day_of(before)) {
        return;
    }
    let key = day_key(account, day);
    let row = account.state.entry::<DayRow>(&key, DayRow::default);
    row.payments.push(payment.to_owned());
    let is_new = row.slices == 0 && row.payments.len() == 1;
    if row.payments.len() == SLICE {
        let full = DayRow { payments: std::mem::take(&mut row.payments), slices: 0 };
        let number = row.slices;
        row.slices += 1;
        account.state.put(&slice_key(&key, number), full);
    }
    if is_new {
        let ends = Timestamp(day.saturating_add(1).saturating_mul(DAY.0));
        timers::set(account, ends, &day.to_string(), Timer::PaymentsForgotten { day });
    }
}

/// A day has ended: forgets its payments, but for those that were named again since.
pub fn forget_payments(account: &mut Account<'_>, day: i64) {
    let key = day_key(account, day);
    let Some(last) = account.state.get::<DayRow>(&key).cloned() else { return };
    account.state.delete::<DayRow>(&key);
    let forget = |account: &mut Account<'_>, payments: &[String]| {
        payments.iter().for_each(|payment| payments::forget(account, payment));
    };
    for number in 0..last.slices {
        let key = slice_key(&key, number);
        let Some(slice) = account.state.get::<DayRow>(&key).cloned() else { continue };
        account.state.delete::<DayRow>(&key);
        forget(account, &slice.payments);
    }
    forget(account, &last.payments);
}

fn day_key(account: &Account<'_>, day: i64) -> String {
    keys::join(&[account.id, itoa::Buffer::new().format(day)])
}

fn slice_key(day: &str, number: u32) -> String {
    format!("{day}/{number}")
}
