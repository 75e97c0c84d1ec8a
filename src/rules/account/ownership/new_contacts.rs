//! New contacts: the first rule that matches, else the strategy. A contact is new at its first event or at
//! `contact.created`, whichever comes first.

use super::super::Account;
use super::super::event::AccountEvent;
use super::assignment::{MANUAL, NO_ELIGIBLE_REP, NO_STRATEGY};
use super::items::{self, ItemRow, Kind, Traits};
use super::load::{self, Served};
use super::owners::{self, Why};
use super::strategies::{self, NEW_CONTACTS, Plan, Question};
use super::{assignment, pools, portfolios, queue, rotation};
use crate::events::{Data, Timestamp};
use crate::outputs::{self, Output};
use crate::rulebook::{EventContext, NewContacts, Strategy};

/// Where a new contact goes.
#[derive(Clone, Debug, Default)]
struct Place {
    owner: Option<String>,
    portfolio: Option<String>,
    /// The strategy, or `rule`.
    strategy: Option<&'static str>,
    /// Why it has no owner.
    nobody: &'static str,
}

/// Looks whether an event makes a contact new; or, of one that waits, tells traits that decide.
pub fn on_event(account: &mut Account<'_>, event: &AccountEvent<'_>) {
    let (stamped, book) = (event.stamped, account.book);
    let (Some(contact), Some(rules)) = (stamped.contact, &book.ownership.new_contacts) else { return };
    let created = stamped.kind == "contact.created";
    if !(created || stamped.first || stamped.kind == "contact.updated") {
        return;
    }
    let row = owners::row(account, contact).unwrap_or_default();
    let waits = items::row(account, Kind::Contact, contact);
    if row.owner.is_some() || (row.introduced && waits.is_none()) || (!row.introduced && !created && !stamped.first) {
        // an owner by command, before the contact showed up
        if row.owner.is_some() && !row.introduced {
            owners::introduce(account, contact);
        }
        return;
    }
    owners::introduce(account, contact);
    let traits = Traits {
        kind: stamped.kind.to_owned(),
        source: stamped.source.to_owned(),
        id: stamped.id.to_owned(),
        actor: stamped.actor.map(str::to_owned),
        data: stamped.data.to_owned(),
    };
    let place = place(account, rules, contact, &event.context());
    let found = take(account, contact, &place, stamped.time);
    if !found {
        let opened_at = waits.as_ref().map_or(stamped.time, |row| row.opened_at);
        let key = items::key(account, Kind::Contact, contact);
        let reason = place.nobody.to_owned();
        let strategy = place.strategy.map(str::to_owned);
        let known = waits.is_some();
        let before = waits.unwrap_or_default();
        account.state.put(
            &key,
            ItemRow {
                contact: Some(contact.to_owned()),
                opened_at,
                strategy,
                reason,
                assigned_at: stamped.time,
                traits: Some(traits),
                ..before
            },
        );
        if !known {
            items::publish(account, Kind::Contact, contact);
            queue::wait(account, Kind::Contact, contact, place.nobody == NO_ELIGIBLE_REP);
        }
    }
}

/// Offers a new contact that waits, by the event that made it new.
pub fn offer(account: &mut Account<'_>, contact: &str, at: Timestamp) -> bool {
    let Some(rules) = &account.book.ownership.new_contacts else { return false };
    let Some(traits) = items::row(account, Kind::Contact, contact).and_then(|row| row.traits) else { return false };
    let data = Data::new(traits.data.as_str());
    let context = EventContext {
        kind: &traits.kind,
        source: &traits.source,
        id: &traits.id,
        time: at,
        account: account.id,
        contact: Some(contact),
        actor: traits.actor.as_deref(),
        data: &data,
    };
    let place = place(account, rules, contact, &context);
    take(account, contact, &place, at)
}

/// A contact that waited has an owner, or is no more.
pub fn stop_waiting(account: &mut Account<'_>, contact: &str) {
    let Some(row) = items::row(account, Kind::Contact, contact) else { return };
    if row.queued {
        queue::leave(account, Kind::Contact, contact, row.opened_at);
    }
    let key = items::key(account, Kind::Contact, contact);
    account.state.delete::<ItemRow>(&key);
}

fn place(account: &mut Account<'_>, rules: &NewContacts, contact: &str, context: &EventContext<'_>) -> Place {
    if let Some(rule) = rules.rules.iter().find(|rule| rule.when.holds_for_event(context)) {
        let pool = pools::of_target(account, &rule.to);
        let portfolio = rule.to.portfolio.clone();
        let active = |account: &mut Account<'_>, portfolio: &str| portfolios::find(account, portfolio).is_some_and(|p| p.active);
        return Place {
            owner: rotation::next(account, NEW_CONTACTS, &pool),
            portfolio: portfolio.filter(|portfolio| active(account, portfolio)),
            strategy: Some("rule"),
            nobody: NO_ELIGIBLE_REP,
        };
    }
    let Some(strategy) = rules.strategy else { return Place { nobody: NO_STRATEGY, ..Place::default() } };
    let channel = context.data.text_at("channel");
    let question = Question { contact: Some(contact), channel: channel.as_deref(), served: Served::Contact };
    let found = strategies::find(account, &Plan::of_new_contacts(strategy, rules), &question);
    Place {
        owner: found.map(|found| found.rep),
        portfolio: None,
        strategy: Some(strategy.name()),
        nobody: if strategy == Strategy::Manual { MANUAL } else { NO_ELIGIBLE_REP },
    }
}

/// Puts a contact where it goes; false if it has no owner yet.
fn take(account: &mut Account<'_>, contact: &str, place: &Place, at: Timestamp) -> bool {
    let present = owners::row(account, contact).and_then(|row| row.portfolio);
    // a command may have put it into one before it showed up
    let portfolio = present.or(place.portfolio.clone());
    let why = Why { at, by: None, reason: "new_contact", transfer: None };
    if owners::set(account, contact, place.owner.as_deref(), portfolio.as_deref(), &why) {
        // conversations of its own may have waited for a portfolio
        assignment::offer_waiting(account, contact, at);
    }
    let Some(rep) = place.owner.as_deref() else { return false };
    load::serve(account, rep, Served::Contact);
    stop_waiting(account, contact);
    publish(account, contact, rep, place.strategy, place.strategy.unwrap_or_default(), at);
    true
}

/// A command gave the contact an owner: if it waited for one, it no longer does.
pub fn assigned(account: &mut Account<'_>, contact: &str, rep: &str, at: Timestamp) {
    if items::row(account, Kind::Contact, contact).is_some() {
        stop_waiting(account, contact);
        publish(account, contact, rep, None, "assigned", at);
    }
}

fn publish(account: &mut Account<'_>, contact: &str, rep: &str, strategy: Option<&str>, reason: &str, at: Timestamp) {
    let account_id = account.id;
    account.emit(&Output::Assignment(outputs::Assignment {
        account: account_id,
        kind: Kind::Contact.name(),
        item: contact,
        contact: Some(contact),
        rep: Some(rep),
        strategy,
        backup: false,
        reason,
        at,
    }));
}
