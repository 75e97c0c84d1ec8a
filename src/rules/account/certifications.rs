//! Certifications: granted and revoked by command, gone at their expiry.

use super::commands::{Answer, Command, Rejected};
use super::publish::Dirty;
use super::timers::{self, Timer};
use super::xp::{HeldCertification, RepRow};
use super::{Account, roster};
use crate::events::{Timestamp, keys};

/// `certification.grant {rep, certification}`. Granting it again renews it; it never gets shorter by that.
pub fn grant(account: &mut Account<'_>, command: &Command<'_>) -> Answer {
    let (rep, key) = (command.text("rep")?, command.text("certification")?);
    let rule = account.book.certifications.iter().find(|rule| rule.key == key);
    if account.book.rep(rep).is_none() {
        return Err(Rejected::because("unknown_rep"));
    }
    let Some(rule) = rule else { return Err(Rejected::because("unknown_certification")) };
    if !roster::is_active(account, rep) {
        return Err(Rejected::because("inactive_rep"));
    }
    if command.dry_run {
        return Ok(None);
    }
    let expires_at = rule.valid_for.map(|valid_for| command.time.plus(valid_for));
    let row = account.state.entry::<RepRow>(&keys::join(&[account.id, rep]), RepRow::default);
    let expires_at = match row.certifications.iter_mut().find(|held| held.key == key) {
        Some(held) => {
            held.granted_at = held.granted_at.max(command.time);
            held.expires_at = held.expires_at.zip(expires_at).map(|(before, now)| before.max(now));
            held.expires_at
        }
        None => {
            row.certifications.push(HeldCertification { key: key.to_owned(), granted_at: command.time, expires_at });
            expires_at
        }
    };
    if let Some(due) = expires_at {
        let timer = Timer::CertificationExpires { rep: rep.to_owned(), certification: key.to_owned() };
        timers::set(account, due, &keys::join(&[rep, key]), timer);
    }
    account.touch(Dirty::Rep { rep });
    Ok(None)
}

/// `certification.revoke {rep, certification}`
pub fn revoke(account: &mut Account<'_>, command: &Command<'_>) -> Answer {
    let (rep, key) = (command.text("rep")?, command.text("certification")?);
    if account.book.rep(rep).is_none() {
        return Err(Rejected::because("unknown_rep"));
    }
    let row = account.state.get::<RepRow>(&keys::join(&[account.id, rep]));
    let held = row.is_some_and(|row| row.certifications.iter().any(|held| held.key == key));
    if !held {
        // one that the rules no longer name can still be taken back; one that nobody has granted cannot
        let known = account.book.certifications.iter().any(|rule| rule.key == key);
        return Err(Rejected::because(if known { "wrong_status" } else { "unknown_certification" }));
    }
    if !command.dry_run {
        remove(account, rep, key, None);
    }
    Ok(None)
}

/// A certification is no longer valid, unless it was renewed.
pub fn expire(account: &mut Account<'_>, rep: &str, certification: &str) {
    let now = account.time;
    remove(account, rep, certification, Some(now));
}

fn remove(account: &mut Account<'_>, rep: &str, certification: &str, expired_by: Option<Timestamp>) {
    let Some(row) = account.state.get_mut::<RepRow>(&keys::join(&[account.id, rep])) else { return };
    let before = row.certifications.len();
    let expired = |held: &HeldCertification| expired_by.is_none_or(|now| held.expires_at.is_some_and(|at| at <= now));
    row.certifications.retain(|held| held.key != certification || !expired(held));
    if row.certifications.len() < before {
        account.touch(Dirty::Rep { rep });
    }
}
