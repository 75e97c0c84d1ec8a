//! SPIFs: a bonus for each event in a window of time, until the rep's limit. They stand outside the plan's function.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::super::Account;
use super::super::event::AccountEvent;
use super::super::running::Running;
use super::curve::Curve;
use crate::events::{Amount, keys};
use crate::rulebook::{Plan, Spif};

use crate::state::{Row, Table};

/// What a rep got from a SPIF that has a limit, by `account/plan/spif/rep`. What is returned does not lower it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Given(Amount);

impl Row for Given {
    const TABLE: Table = Table::Spif;
}

/// What an event earns from the SPIFs of a plan: each one's key and amount, the last before a limit cut to fit. Beyond the
/// limit there is nothing, not even a line.
pub(super) fn earn<'a>(
    account: &mut Account<'_>,
    running: &Running<'a, Plan>,
    curve: &Curve,
    rep: &str,
    event: &AccountEvent<'_>,
    amount: Amount,
) -> Vec<(&'a Spif, Amount)> {
    let mut earned = Vec::new();
    let at = event.stamped.time;
    for spif in &running.rule.spifs {
        let in_window = spif.starts.is_none_or(|starts| at >= starts) && spif.ends.is_none_or(|ends| at < ends);
        if !in_window || spif.when.as_ref().is_some_and(|when| !when.holds_for_event(&event.context())) {
            continue;
        }
        let rated = spif.rate.map(|rate| Amount(amount.0.checked_mul(rate.0.0).unwrap_or(Decimal::MAX)));
        let bonus = curve.round(spif.amount.or(rated).unwrap_or(Amount::ZERO));
        let bonus = match spif.limit {
            None => bonus,
            Some(limit) => {
                let key = keys::join(&[account.id, &running.rule.key, &spif.key, rep]);
                let given = account.state.entry::<Given>(&key, Given::default);
                let cut = bonus.min(limit - given.0);
                if cut <= Amount::ZERO {
                    continue;
                }
                given.0 += cut;
                cut
            }
        };
        earned.push((spif, bonus));
    }
    earned
}
