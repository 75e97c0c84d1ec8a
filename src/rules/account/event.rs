//! The way of a product event through the account's rules.

use super::{Account, Cause, commissions, credit::Credited, identity, metrics, ownership, rewards, xp};
use crate::events::{Data, StampedEvent};
use crate::outputs::{EventRef, dead_letter};
use crate::rulebook::EventContext;
use crate::rules::contact::money::{self, Taker};

/// An event with what the rules of the account stage need of it at hand.
#[derive(Clone, Copy, Debug)]
pub struct AccountEvent<'e> {
    pub stamped: &'e StampedEvent<'e>,
    pub data: &'e Data<'e>,
}

impl<'e> AccountEvent<'e> {
    pub fn reference(&self) -> EventRef<'e> {
        EventRef { id: self.stamped.id, source: self.stamped.source, kind: self.stamped.kind }
    }

    pub fn cause(&self) -> Cause<'e> {
        Cause { at: self.stamped.time, event: Some(self.reference()) }
    }

    /// What a condition over the event can name.
    pub fn context(&self) -> EventContext<'e> {
        let stamped = self.stamped;
        EventContext {
            kind: stamped.kind,
            source: stamped.source,
            id: stamped.id,
            time: stamped.time,
            account: stamped.account,
            contact: stamped.contact,
            actor: stamped.actor,
            data: self.data,
        }
    }
}

/// Applies an event that the contact stage has sent on.
pub fn apply_event(account: &mut Account<'_>, stamped: &StampedEvent<'_>) {
    if stamped.contact.is_none() && !identity::is_new(account, stamped) {
        return;
    }
    let data = Data::new(stamped.data);
    let event = AccountEvent { stamped, data: &data };
    if stamped.contact.is_none() && stamped.no_money {
        reject_money(account, &event);
    }
    ownership::on_event(account, &event);
    // whom each rule credits is looked up once for all of them
    let mut credited = Credited::of(account, &event);
    if account.book.modules.sales {
        xp::credit_catalog(account, &event);
        metrics::measure(account, &event, &mut credited);
        commissions::on_event(account, &event, &mut credited);
        rewards::settle(account, event.cause());
    }
}

/// The money in an event cannot be used: a dead letter, while its counts go on. With a contact the contact stage has said so.
fn reject_money(account: &mut Account<'_>, event: &AccountEvent<'_>) {
    let takers: Vec<Taker> =
        Taker::all(account.book).into_iter().filter(|(kind, _)| kind == event.stamped.kind).map(|(_, taker)| taker).collect();
    if let Err(rejection) = money::check(&takers, account.book, &event.context())
        && let Some(original) = &event.stamped.original
    {
        dead_letter(account.out, original, "account", rejection.reason, &rejection.message);
    }
}
