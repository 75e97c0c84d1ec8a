//! Announcements: news for the wallboard and the panel, of the kinds that the account broadcasts.

use super::Account;
use super::event::AccountEvent;
use super::roster;
use crate::events::Timestamp;
use crate::outputs::{self, Output, Subject};
use crate::rulebook::{AnnouncementKind, CatalogEntry};

/// A piece of news. Its id is made from its cause, so that it is told once.
#[derive(Clone, Debug)]
pub struct News<'n> {
    pub id: &'n str,
    pub kind: AnnouncementKind,
    pub subject: Subject<'n>,
    pub title: &'n str,
    pub message: &'n str,
    pub at: Timestamp,
}

/// Announces, if the account broadcasts that kind.
pub fn announce(account: &mut Account<'_>, news: &News<'_>) {
    let book = account.book;
    if book.announcements.kinds.as_ref().is_some_and(|kinds| !kinds.contains(&news.kind)) {
        return;
    }
    let account_id = account.id;
    account.emit(&Output::Announcement(outputs::Announcement {
        account: account_id,
        id: news.id,
        kind: kind_name(news.kind),
        subject: news.subject,
        title: news.title,
        message: news.message,
        at: news.at,
    }));
}

/// A catalog entry that is to be celebrated.
pub fn sale(account: &mut Account<'_>, event: &AccountEvent<'_>, entry: &CatalogEntry, actor: Option<&str>) {
    let book = account.book;
    let stamped = event.stamped;
    let name = entry.name.as_deref().unwrap_or(&entry.key);
    let subject = match actor {
        Some(rep) => Subject { kind: "rep", id: rep },
        None => Subject { kind: "account", id: account.id },
    };
    let who = actor.map_or("", |rep| roster::rep_name(book, rep));
    let message = match event.data.text_at("amount").filter(|_| !stamped.no_money) {
        Some(amount) => format!("{who} {} {amount}", book.currency.0).trim().to_owned(),
        None => who.to_owned(),
    };
    let id = crate::events::keys::join(&["sale", stamped.source, stamped.id, &entry.key]);
    announce(account, &News { id: &id, kind: AnnouncementKind::Sale, subject, title: name, message: &message, at: stamped.time });
}

fn kind_name(kind: AnnouncementKind) -> &'static str {
    match kind {
        AnnouncementKind::Tier => "tier",
        AnnouncementKind::Badge => "badge",
        AnnouncementKind::Level => "level",
        AnnouncementKind::Promotion => "promotion",
        AnnouncementKind::Contest => "contest",
        AnnouncementKind::Recognition => "recognition",
        AnnouncementKind::Sale => "sale",
        AnnouncementKind::Unassigned => "unassigned",
        AnnouncementKind::OwnershipConflict => "ownership_conflict",
    }
}
