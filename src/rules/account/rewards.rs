//! Rewards: grants, each given once, and the fixed order in which they settle.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Account, Cause, badges, coins, goals, levels, redemptions, xp};
use crate::events::Timestamp;
use crate::outputs::{self, GrantSource, Output, Reward, Subject};
use crate::state::{Row, Table};

/// What has changed in a way that may be rewarded. Sets, so that everything is looked at once and in a fixed order.
#[derive(Clone, Debug, Default)]
pub struct Pending {
    /// Goal, period, subject.
    pub goals: BTreeSet<(String, String, String)>,
    /// Badge, period, rep.
    pub badges: BTreeSet<(String, String, String)>,
    /// Reps whose XP changed.
    pub levels: BTreeSet<String>,
    /// Something came too late for a final period. The task counts it.
    pub late: bool,
}

/// A grant that was given.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GrantRow {
    pub at: Timestamp,
}

impl Row for GrantRow {
    const TABLE: Table = Table::Grant;
}

/// Settles rewards in their fixed order until nothing new follows: goal tiers, accelerator steps and collective shares,
/// badges, levels. (Contest places are granted by the contest's close, which settles afterwards.) Each turn looks at what
/// the turns before it have given.
///
/// It ends because every grant is given once, and there are finitely many for the periods that a moment lies in.
pub fn settle(account: &mut Account<'_>, cause: Cause<'_>) {
    loop {
        let goals = std::mem::take(&mut account.pending.goals);
        if !goals.is_empty() {
            goals::settle(account, &goals, &cause);
        }
        let badges = std::mem::take(&mut account.pending.badges);
        for (badge, period, rep) in &badges {
            badges::settle(account, badge, period, rep, &cause);
        }
        let levels = std::mem::take(&mut account.pending.levels);
        for rep in &levels {
            levels::settle(account, rep, &cause);
        }
        if goals.is_empty() && badges.is_empty() && levels.is_empty() {
            break;
        }
    }
}

/// Something to grant.
#[derive(Clone, Debug)]
pub struct NewGrant<'g> {
    pub id: &'g str,
    pub subject: Subject<'g>,
    pub source: GrantSource<'g>,
    pub reward: &'g Reward,
    /// The rep whom the reward goes to, if to anyone.
    pub to: Option<&'g str>,
}

/// Gives a grant unless it was given before. Returns whether it is new.
pub fn grant(account: &mut Account<'_>, new: &NewGrant<'_>, cause: &Cause<'_>) -> bool {
    if account.state.contains::<GrantRow>(new.id) {
        return false;
    }
    account.state.put(new.id, GrantRow { at: cause.at });
    let account_id = account.id;
    account.emit(&Output::Grant(outputs::Grant {
        account: account_id,
        grant: new.id,
        subject: new.subject,
        source: new.source.clone(),
        reward: new.reward.clone(),
        event: cause.event,
        at: cause.at,
    }));
    if let Some(rep) = new.to {
        pay(account, rep, new, cause);
    }
    true
}

fn pay(account: &mut Account<'_>, rep: &str, new: &NewGrant<'_>, cause: &Cause<'_>) {
    // XP and coins of a reward are entries of their own: what they are for is the grant, not the event behind it
    let ledger_cause = &Cause { at: cause.at, event: None };
    let reason = new.source.kind;
    if let Some(xp) = new.reward.xp.filter(|xp| *xp != 0) {
        xp::post(account, rep, xp, new.id, reason, ledger_cause);
    }
    if let Some(coins) = new.reward.coins.filter(|coins| *coins != 0) {
        coins::earn(account, rep, coins, new.id, reason, ledger_cause);
    }
    if let Some(badge) = &new.reward.badge {
        badges::award_as_reward(account, badge, rep, cause);
    }
    if let Some(prize) = &new.reward.prize {
        redemptions::redeem_reward(account, prize, rep, new.id, cause);
    }
}
