//! Levels by XP: each one's reward is given once and never taken back. And what a rep has, published as a whole.

use super::xp::RepRow;
use super::{Account, Cause, roster};
use crate::events::keys;
use crate::outputs::{AwardedBadge, HeldCertification, Output, RepProgress};

/// Notes that a rep's XP changed.
pub fn look_at(account: &mut Account<'_>, rep: &str) {
    account.pending.levels.insert(rep.to_owned());
}

/// Grants the levels that the rep has reached.
pub fn settle(_account: &mut Account<'_>, _rep: &str, _cause: &Cause<'_>) {}

/// Publishes a rep's progress as it stands.
pub fn publish_progress(account: &mut Account<'_>, rep: &str) {
    let book = account.book;
    let row = account.state.get::<RepRow>(&keys::join(&[account.id, rep])).cloned().unwrap_or_default();
    let account_id = account.id;
    let badges = row.badges.iter().map(|b| AwardedBadge { key: &b.key, tier: &b.tier, awarded_at: b.awarded_at });
    let certifications = row.certifications.iter();
    let certifications =
        certifications.map(|c| HeldCertification { key: &c.key, granted_at: c.granted_at, expires_at: c.expires_at });
    account.emit(&Output::RepProgress(RepProgress {
        account: account_id,
        rep,
        name: roster::rep_name(book, rep),
        team: roster::team_of(book, rep),
        xp: row.xp,
        level: None,
        league: row.league.as_deref(),
        coins: row.coins,
        badges: badges.collect(),
        certifications: certifications.collect(),
    }));
}
