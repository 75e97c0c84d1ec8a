//! A goal's record.

use rust_decimal::{Decimal, RoundingStrategy};

use super::super::{Account, metrics};
use super::ladder::{target, threshold};
use super::row::load;
use crate::events::{Amount, Timestamp};
use crate::outputs::{GoalProgress, Output, TierProgress};

/// Publishes a goal as it stands.
pub fn publish(account: &mut Account<'_>, goal: &str, period: &str, subject: &str) {
    let Some((book, goal, row)) = load(account, goal, period, subject) else { return };
    let target = target(goal, subject);
    let tiers = goal.tiers.iter().map(|tier| TierProgress {
        key: &tier.key,
        threshold: threshold(target, tier.at),
        reached_at: row.reached_at(&tier.key),
    });
    let account_id = account.id;
    account.emit(&Output::Goal(GoalProgress {
        account: account_id,
        goal: &goal.key,
        of: goal.of.name(),
        subject,
        period,
        starts: row.span.start.unwrap_or(Timestamp::MIN),
        ends: row.span.end.unwrap_or(Timestamp::MAX),
        target,
        value: metrics::shown(book, &goal.metric, row.value),
        attainment: attainment(row.value, target),
        locked: row.locked,
        tiers: tiers.collect(),
        r#final: row.is_final,
    }));
}

/// value ÷ target to six digits, cut, so that 1 is only shown where the target has been reached.
fn attainment(value: Amount, target: Amount) -> Amount {
    let ratio = value.0.checked_div(target.0).unwrap_or(Decimal::ZERO);
    Amount(ratio.round_dp_with_strategy(6, RoundingStrategy::ToZero).normalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attainment_is_never_rounded_up() {
        let ratio = |value: &str, target: &str| attainment(value.parse().unwrap(), target.parse().unwrap()).to_string();
        assert_eq!(ratio("1100.00", "1000.00"), "1.1");
        assert_eq!(ratio("9999.999999", "10000"), "0.999999");
        assert_eq!(ratio("-1", "3"), "-0.333333");
        assert_eq!(ratio("5", "0"), "0");
    }
}
