//! Recognition between people, with coins or without.

use super::announcements::{self, News};
use super::commands::{Answer, Command, Rejected};
use super::{Account, coins, roster};
use crate::events::keys;
use crate::outputs::Subject;
use crate::rulebook::AnnouncementKind;

/// `recognition.give {from, to, message, coins?}`: coins go from the giver's balance to the other's. They are a gift, not
/// earned: the metric `coins_earned` passes them over.
pub fn give(account: &mut Account<'_>, command: &Command<'_>) -> Answer {
    let (from, to, message) = (command.text("from")?, command.text("to")?, command.text("message")?);
    let gift = match command.data.get("coins") {
        None => 0,
        Some(_) => command.integer("coins")?,
    };
    if gift < 0 {
        return Err(Rejected::because("invalid_coins"));
    }
    if account.book.rep(from).is_none() || account.book.rep(to).is_none() {
        return Err(Rejected::because("unknown_rep"));
    }
    if from == to {
        return Err(Rejected::because("invalid_to"));
    }
    if !roster::is_active(account, from) || !roster::is_active(account, to) {
        return Err(Rejected::because("inactive_rep"));
    }
    if gift > 0 && coins::balance(account, from) < gift {
        return Err(Rejected::because("insufficient_coins"));
    }
    if command.dry_run {
        return Ok(None);
    }
    if gift > 0 {
        let (entry, cause) = (command.entry(), command.cause());
        coins::post(account, from, -gift, &entry, "recognition", Some(to), &cause);
        coins::post(account, to, gift, &entry, "recognition", Some(from), &cause);
    }
    let book = account.book;
    let (giver, receiver) = (roster::rep_name(book, from), roster::rep_name(book, to));
    let title = format!("{giver} recognizes {receiver}");
    let id = keys::join(&["recognition", command.id]);
    let subject = Subject { kind: "rep", id: to };
    let news = News { id: &id, kind: AnnouncementKind::Recognition, subject, title: &title, message, at: command.time };
    announcements::announce(account, &news);
    Ok(None)
}
