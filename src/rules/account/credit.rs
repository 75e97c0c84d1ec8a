//! Whom an event credits: its actor, or the owner of its deal or contact at the event's time.

use super::event::AccountEvent;
use super::{Account, ownership, roster};
use crate::rulebook::Credit;

/// The reps an event can credit; both are active reps, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credited {
    pub actor: Option<String>,
    pub owner: Option<String>,
}

impl Credited {
    pub fn of(account: &mut Account<'_>, event: &AccountEvent<'_>) -> Credited {
        let stamped = event.stamped;
        let actor = stamped.actor.filter(|actor| roster::is_active(account, actor)).map(str::to_owned);
        let deal = event.data.text_at("deal");
        let owner = ownership::owner_at(account, stamped.contact, deal.as_deref(), stamped.time);
        Credited { actor, owner: owner.filter(|owner| roster::is_active(account, owner)) }
    }

    /// The rep that a measure or plan with this rule credits.
    pub fn by(&self, credit: Credit) -> Option<&str> {
        match credit {
            Credit::Actor => self.actor.as_deref(),
            Credit::Owner => self.owner.as_deref(),
            Credit::ActorOrOwner => self.actor.as_deref().or(self.owner.as_deref()),
        }
    }
}
