//! What of the events the account stage gets to see: only what decides something there.

use std::collections::HashMap;

use crate::rulebook::{AccountRules, CatalogEntry, Credit, Isolation, Rulebook};

/// What the account stage wants of an event type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    /// Every event of the type.
    pub always: bool,
    /// Every event of the type that has an actor.
    pub actors: bool,
    /// The first event of a contact, whatever it is.
    pub first: bool,
    /// Some rule looks into the data.
    pub data: bool,
    /// The account stage may yet have to reject it.
    pub original: bool,
}

/// Families of event types whose items have owners, states and places of their own in the account stage.
const FAMILIES: [&str; 5] = ["conversation", "comment", "deal", "followup", "proposal"];

/// Further types that the account stage always needs: who answered last, who is online, traits, the ends of contacts.
const TYPES: [&str; 7] =
    ["message.sent", "rep.online", "rep.offline", "contact.created", "contact.updated", "contact.erased", "contact.merged"];

impl Interest {
    /// What an account, in any version of its rules, wants of each event type; under the empty name, of all others.
    pub fn of_account(account: &AccountRules) -> HashMap<String, Interest> {
        let mut wanted: HashMap<String, Interest> = HashMap::new();
        let all = || account.versions().iter();
        let others = Interest {
            first: all().any(|rules| rules.ownership.new_contacts.is_some()),
            actors: all().any(|rules| uses_ownership(rules)),
            ..Interest::default()
        };
        wanted.insert(String::new(), others);
        let mut want = |kind: &str, wish: Interest| {
            let interest = wanted.entry(kind.to_owned()).or_insert(others);
            interest.always |= wish.always;
            interest.data |= wish.data;
            interest.original |= wish.original;
        };
        let mut add = |kind: &str, data: bool, original: bool| want(kind, Interest { always: true, data, original, ..others });
        for kind in TYPES {
            add(kind, true, false);
        }
        for rules in all() {
            for metric in &rules.metrics {
                // the owner of a deal is found by the deal's id
                let filtered = rules.contests.iter().any(|contest| contest.metric == metric.key && contest.when.is_some());
                let data = metric.when.is_some() || metric.sum.is_some() || metric.credit != Credit::Actor || filtered;
                for kind in [Some(&metric.kind), metric.minus.as_ref()].into_iter().flatten() {
                    add(kind, data, false);
                }
            }
            for plan in &rules.commissions {
                add(&plan.trigger, true, false);
                for kind in plan.clawback.iter().flat_map(|clawback| &clawback.events) {
                    add(kind, true, true);
                }
            }
        }
        for rules in all() {
            let contests = rules.contests.iter().any(|contest| contest.when.is_some());
            for entry in rules.catalog.iter().filter(|entry| entry.active && (entry.announce || contests && rewards(entry))) {
                want(entry.event_type(), Interest { data: true, ..others });
            }
        }
        wanted
    }

    /// With what the family of the type adds to it.
    pub fn with_family(self, kind: &str) -> Interest {
        let family = kind.split_once('.').map_or(kind, |(family, _)| family);
        if FAMILIES.contains(&family) { Interest { always: true, data: true, ..self } } else { self }
    }
}

fn rewards(entry: &CatalogEntry) -> bool {
    entry.xp != 0 || entry.coins != 0
}

/// Whether contacts get owners by rule.
fn uses_ownership(rules: &Rulebook) -> bool {
    let ownership = &rules.ownership;
    ownership.isolation != Isolation::default()
        || !ownership.portfolios.is_empty()
        || ownership.new_contacts.is_some()
        || ownership.conversations.is_some()
        || ownership.comments.is_some()
        || !ownership.transfers.is_empty()
}
