//! XP: the ledger of what reps earned, and the running total beside it.

use serde::{Deserialize, Serialize};

use super::commands::{Answer, Command, Rejected};
use super::event::AccountEvent;
use super::publish::Dirty;
use super::tally::Tallies;
use super::{Account, Cause, announcements, coins, levels, metrics, roster};
use crate::events::{Timestamp, keys};
use crate::outputs::{Output, XpEntry};
use crate::rulebook::EventContext;
use crate::state::{Row, Table};

/// What a rep has; of a team there are tallies alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RepRow {
    /// The sum of the rep's XP entries.
    pub xp: i64,
    /// The part of it that came from events; coins per XP are counted over it.
    pub xp_from_events: i64,
    /// The sum of the rep's coin movements.
    pub coins: i64,
    /// The highest level granted.
    pub level_granted: u32,
    /// The league; `None`: where the rules start the rep.
    pub league: Option<String>,
    pub badges: Vec<HeldBadge>,
    pub certifications: Vec<HeldCertification>,
    pub tallies: Tallies,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldBadge {
    pub key: String,
    pub tier: String,
    pub awarded_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldCertification {
    pub key: String,
    pub granted_at: Timestamp,
    pub expires_at: Option<Timestamp>,
}

impl Row for RepRow {
    const TABLE: Table = Table::Rep;
}

/// Dual credit: what the catalog gives to the actor, entry by entry.
pub fn credit_catalog(account: &mut Account<'_>, event: &AccountEvent<'_>) {
    let stamped = event.stamped;
    let book = account.book;
    if !book.modules.engagement {
        return;
    }
    let scored = stamped.scored.iter().filter_map(|&i| book.catalog.get(usize::from(i)));
    for entry in scored {
        let actor = stamped.actor.filter(|actor| roster::is_active(account, actor));
        if entry.announce {
            announcements::sale(account, event, entry, actor);
        }
        let Some(rep) = actor else { continue };
        let ledger_entry = keys::join(&[stamped.source, stamped.id, &entry.key]);
        let (cause, context) = (event.cause(), Some(event.context()));
        if entry.xp != 0 {
            let xp = post_from(account, rep, entry.xp, &ledger_entry, &entry.key, &cause, context);
            coins::earn_per_xp(account, rep, xp, &ledger_entry, &cause, context);
        }
        if entry.coins != 0 {
            coins::earn_from(account, rep, entry.coins, &ledger_entry, &entry.key, &cause, context);
        }
    }
}

/// Posts a movement of XP to the ledger and has everything that measures XP look at it.
pub fn post(account: &mut Account<'_>, rep: &str, xp: i64, entry: &str, reason: &str, cause: &Cause<'_>) {
    post_from(account, rep, xp, entry, reason, cause, None);
}

/// As [`post`], for XP that an event gives: `event` is what conditions may look at. Returns what was posted, which is less
/// than `xp` only at the end of the range: the ledger adds up to the total even there.
fn post_from(
    account: &mut Account<'_>,
    rep: &str,
    xp: i64,
    entry: &str,
    reason: &str,
    cause: &Cause<'_>,
    event: Option<EventContext<'_>>,
) -> i64 {
    let row = account.state.entry::<RepRow>(&keys::join(&[account.id, rep]), RepRow::default);
    let after = row.xp.saturating_add(xp);
    let xp = after.saturating_sub(row.xp);
    row.xp = after;
    if event.is_some() {
        row.xp_from_events = row.xp_from_events.saturating_add(xp);
    }
    let account_id = account.id;
    account.emit(&Output::Xp(XpEntry { account: account_id, entry, rep, xp, reason, event: cause.event, at: cause.at }));
    account.touch(Dirty::Rep { rep });
    levels::look_at(account, rep);
    metrics::contribute_built_in(account, metrics::XP, rep, xp, cause, event);
    xp
}

/// `xp.adjust {rep, xp, reason}`
pub fn adjust(account: &mut Account<'_>, command: &Command<'_>) -> Answer {
    let rep = command.text("rep")?;
    if account.book.rep(rep).is_none() {
        return Err(Rejected::because("unknown_rep"));
    }
    let xp = command.integer("xp")?;
    let reason = command.data.text_at("reason");
    let reason = reason.as_deref().unwrap_or("adjusted");
    if !command.dry_run {
        post(account, rep, xp, &command.entry(), reason, &command.cause());
    }
    Ok(None)
}
