//! Levels by XP: each one's reward is given once and never taken back. And what a rep has, published as a whole.

use std::borrow::Cow;

use super::announcements::{self, News};
use super::rewards::{self, NewGrant};
use super::xp::RepRow;
use super::{Account, Cause, leagues, roster};
use crate::events::keys;
use crate::outputs::{AwardedBadge, GrantSource, HeldCertification, LevelProgress, Output, RepProgress, Subject};
use crate::rulebook::{AnnouncementKind, Level};

/// Notes that a rep's XP changed.
pub fn look_at(account: &mut Account<'_>, rep: &str) {
    if !account.book.levels.is_empty() {
        account.pending.levels.insert(rep.to_owned());
    }
}

/// Grants the levels that the rep has reached, each in its turn. The first level is where everyone starts: no grant.
pub fn settle(account: &mut Account<'_>, rep: &str, cause: &Cause<'_>) {
    let book = account.book;
    let key = keys::join(&[account.id, rep]);
    let Some(first) = book.levels.iter().map(|level| level.level).min() else { return };
    loop {
        let Some(row) = account.state.get::<RepRow>(&key) else { return };
        let (xp, granted) = (row.xp, row.level_granted.max(first));
        let reached = book.levels.iter().filter(|level| level.level > granted && level.xp <= xp);
        let Some(level) = reached.min_by_key(|level| level.level) else { return };
        account.state.entry::<RepRow>(&key, RepRow::default).level_granted = level.level;
        award(account, level, rep, cause);
    }
}

fn award(account: &mut Account<'_>, level: &Level, rep: &str, cause: &Cause<'_>) {
    let number = level.level.to_string();
    let id = keys::join(&[account.id, "level", &number, rep]);
    let source = GrantSource { kind: "level", key: &number, tier: None, period: None };
    let subject = Subject { kind: "rep", id: rep };
    let grant = NewGrant { id: &id, subject, source, reward: &level.reward, to: Some(rep) };
    if !rewards::grant(account, &grant, cause) {
        return;
    }
    let title = format!("{} reached level {number}", roster::rep_name(account.book, rep));
    let message = level_name(level);
    let id = keys::join(&["level", &number, rep]);
    let (kind, at) = (AnnouncementKind::Level, cause.at);
    announcements::announce(account, &News { id: &id, kind, subject, title: &title, message: &message, at });
}

fn level_name(level: &Level) -> Cow<'_, str> {
    level.name.as_deref().map_or_else(|| Cow::Owned(format!("Level {}", level.level)), Cow::Borrowed)
}

/// The level that an amount of XP is in (the lowest where it is below all), and the XP of the next.
fn level_at(levels: &[Level], xp: i64) -> Option<(&Level, Option<i64>)> {
    let reached = levels.iter().filter(|level| level.xp <= xp).max_by_key(|level| level.level);
    let level = reached.or_else(|| levels.iter().min_by_key(|level| level.level))?;
    let next = levels.iter().filter(|next| next.level > level.level).min_by_key(|next| next.level);
    Some((level, next.map(|next| next.xp)))
}

/// Publishes a rep's progress as it stands.
pub fn publish_progress(account: &mut Account<'_>, rep: &str) {
    let book = account.book;
    let row = account.state.get::<RepRow>(&keys::join(&[account.id, rep])).cloned().unwrap_or_default();
    let account_id = account.id;
    let badges = row.badges.iter().map(|b| AwardedBadge { key: &b.key, tier: &b.tier, awarded_at: b.awarded_at });
    let certifications = row.certifications.iter();
    let certifications =
        certifications.map(|c| HeldCertification { key: &c.key, granted_at: c.granted_at, expires_at: c.expires_at });
    let level = level_at(&book.levels, row.xp);
    let name = level.map(|(level, _)| level_name(level)).unwrap_or_default();
    let leagues = book.leagues.as_ref();
    account.emit(&Output::RepProgress(RepProgress {
        account: account_id,
        rep,
        name: roster::rep_name(book, rep),
        team: roster::team_of(book, rep),
        xp: row.xp,
        level: level.map(|(level, next_xp)| LevelProgress { level: level.level, name: &name, next_xp }),
        league: leagues.and_then(|leagues| leagues::league_name(book, leagues, row.league.as_deref(), rep)),
        coins: row.coins,
        badges: badges.collect(),
        certifications: certifications.collect(),
    }));
}
