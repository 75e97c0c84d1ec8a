//! Coins: a ledger of movements; the balance is their sum.

use rust_decimal::prelude::ToPrimitive;

use super::commands::{Answer, Command, Rejected};
use super::publish::Dirty;
use super::xp::RepRow;
use super::{Account, Cause, metrics};
use crate::events::keys;
use crate::outputs::{CoinsEntry, Output};
use crate::rulebook::EventContext;

/// Posts a movement, whatever the balance.
pub fn post(
    account: &mut Account<'_>,
    rep: &str,
    coins: i64,
    entry: &str,
    reason: &str,
    reference: Option<&str>,
    cause: &Cause<'_>,
) {
    let row = account.state.entry::<RepRow>(&keys::join(&[account.id, rep]), RepRow::default);
    // at the end of the range less is posted than asked for: the ledger adds up to the balance even there
    let balance = row.coins.saturating_add(coins);
    let coins = balance.saturating_sub(row.coins);
    row.coins = balance;
    let account_id = account.id;
    account.emit(&Output::Coins(CoinsEntry { account: account_id, entry, rep, coins, balance, reason, reference, at: cause.at }));
    account.touch(Dirty::Rep { rep });
}

/// Posts coins that were earned: they count in the metric `coins_earned` too.
pub fn earn(account: &mut Account<'_>, rep: &str, coins: i64, entry: &str, reason: &str, cause: &Cause<'_>) {
    earn_from(account, rep, coins, entry, reason, cause, None);
}

/// As [`earn`], for coins that an event gives: `event` is what conditions may look at.
pub fn earn_from(
    account: &mut Account<'_>,
    rep: &str,
    coins: i64,
    entry: &str,
    reason: &str,
    cause: &Cause<'_>,
    event: Option<EventContext<'_>>,
) {
    post(account, rep, coins, entry, reason, None, cause);
    metrics::contribute_built_in(account, metrics::COINS_EARNED, rep, coins, cause, event);
}

/// Coins for XP earned from events: `per_xp` of the running total, rounded down, less what was given for the total before.
pub fn earn_per_xp(
    account: &mut Account<'_>,
    rep: &str,
    xp: i64,
    entry: &str,
    cause: &Cause<'_>,
    event: Option<EventContext<'_>>,
) {
    let per_xp = account.book.coins.per_xp;
    if per_xp.is_zero() {
        return;
    }
    let total = account.state.get::<RepRow>(&keys::join(&[account.id, rep])).map_or(0, |row| row.xp_from_events);
    let coins_for = |xp: i64| {
        let coins = per_xp.0.checked_mul(xp.into()).map(|coins| coins.floor());
        coins.and_then(|coins| coins.to_i64()).unwrap_or(0)
    };
    let coins = coins_for(total).saturating_sub(coins_for(total.saturating_sub(xp)));
    if coins != 0 {
        let entry = format!("{entry}/per_xp");
        earn_from(account, rep, coins, &entry, "per_xp", cause, event);
    }
}

/// The balance of a rep.
pub fn balance(account: &mut Account<'_>, rep: &str) -> i64 {
    account.state.get::<RepRow>(&keys::join(&[account.id, rep])).map_or(0, |row| row.coins)
}

/// `coins.adjust {rep, coins, reason}`; it may not go below zero.
pub fn adjust(account: &mut Account<'_>, command: &Command<'_>) -> Answer {
    let rep = command.text("rep")?;
    if account.book.rep(rep).is_none() {
        return Err(Rejected::because("unknown_rep"));
    }
    let coins = command.integer("coins")?;
    match balance(account, rep).checked_add(coins) {
        None => return Err(Rejected::because("invalid_coins")),
        Some(after) if coins < 0 && after < 0 => return Err(Rejected::because("insufficient_coins")),
        Some(_) => {}
    }
    let reason = command.data.text_at("reason");
    let reason = reason.as_deref().unwrap_or("adjusted");
    if !command.dry_run {
        post(account, rep, coins, &command.entry(), reason, None, &command.cause());
    }
    Ok(None)
}
