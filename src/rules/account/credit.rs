//! Whom an event credits: its actor, or the owner of its deal or contact at the event's time.

use super::event::AccountEvent;
use super::{Account, ownership, roster};
use crate::rulebook::Credit;

/// The reps an event can credit; both are active reps, or none. They are looked up once for all rules, the owner only where
/// a rule asks for one.
#[derive(Clone, Debug)]
pub struct Credited<'e> {
    actor: Option<&'e str>,
    owner: Option<Option<String>>,
}

impl<'e> Credited<'e> {
    pub fn of(account: &mut Account<'_>, event: &AccountEvent<'e>) -> Credited<'e> {
        Credited { actor: event.stamped.actor.filter(|actor| roster::is_active(account, actor)), owner: None }
    }

    /// The rep that a measure or plan with this rule credits.
    pub fn by(&mut self, account: &mut Account<'_>, event: &AccountEvent<'_>, credit: Credit) -> Option<&str> {
        match (credit, self.actor) {
            (Credit::Actor, actor) => actor,
            (Credit::ActorOrOwner, Some(actor)) => Some(actor),
            (Credit::Owner | Credit::ActorOrOwner, _) => self.owner.get_or_insert_with(|| owner(account, event)).as_deref(),
        }
    }
}

fn owner(account: &mut Account<'_>, event: &AccountEvent<'_>) -> Option<String> {
    let stamped = event.stamped;
    let deal = event.data.text_at("deal");
    let owner = ownership::owner_at(account, stamped.contact, deal.as_deref(), stamped.time);
    owner.filter(|owner| roster::is_active(account, owner))
}
