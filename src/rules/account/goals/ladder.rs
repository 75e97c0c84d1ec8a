//! What a goal grants and from which value on: its tiers and the steps of its accelerator.

use rust_decimal::Decimal;

use crate::events::Amount;
use crate::outputs::Reward;
use crate::rulebook::values::Percent;
use crate::rulebook::{Goal, GoalAccelerator};

/// More steps than this no accelerator has, whatever its rules say.
const MAX_STEPS: u32 = 10_000;

/// A subject's target.
pub(super) fn target(goal: &Goal, subject: &str) -> Amount {
    goal.targets.get(subject).copied().unwrap_or(goal.target)
}

/// The value at which a percentage of a target is reached, exactly.
pub(super) fn threshold(target: Amount, at: Percent) -> Amount {
    let mut exact = target.0.checked_mul(at.0.0).unwrap_or(Decimal::MAX).normalize();
    // shown with as many decimals as the target
    if exact.scale() < target.0.scale() {
        exact.rescale(target.0.scale());
    }
    Amount(exact)
}

/// A step of an accelerator, by its number from 1: the percentage at which it ends, and what it gives. `None` beyond the
/// last one.
pub(super) fn step(accelerator: &GoalAccelerator, number: u32) -> Option<(Percent, Reward)> {
    let (from, every) = (accelerator.from.0.0, accelerator.every.0.0);
    let up_to = accelerator.up_to?.0.0;
    if every <= Decimal::ZERO || number == 0 || number > MAX_STEPS {
        return None;
    }
    let ends = from.checked_add(every.checked_mul(Decimal::from(number))?)?;
    (ends <= up_to).then(|| (Percent(Amount(ends.normalize())), grown(&accelerator.reward, &accelerator.grows, number - 1)))
}

/// A reward after growing so many times. Badges and prizes don't grow.
fn grown(reward: &Reward, grows: &Reward, times: u32) -> Reward {
    let add = |first: Option<i64>, each: Option<i64>| match (first, each) {
        (None, None) => None,
        (first, each) => Some(first.unwrap_or(0).saturating_add(each.unwrap_or(0).saturating_mul(times.into()))),
    };
    Reward { xp: add(reward.xp, grows.xp), coins: add(reward.coins, grows.coins), ..reward.clone() }
}
