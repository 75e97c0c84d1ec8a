//! Strategies: who gets a conversation, a comment or a new contact.

use std::collections::BTreeMap;

use super::super::{Account, roster};
use super::load::{self, Served};
use super::{desk, owners, pools, presence, rotation};
use crate::rulebook::values::Subjects;
use crate::rulebook::{Assignment, NewContacts, Strategy, Target};

/// What is to be assigned.
#[derive(Clone, Copy, Debug)]
pub struct Question<'q> {
    pub contact: Option<&'q str>,
    pub channel: Option<&'q str>,
    pub served: Served,
}

/// How a place in the rules assigns.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'p> {
    /// `conversations`, `comments` or `new_contacts`: the name of its rotation.
    place: &'static str,
    pub strategy: Strategy,
    within: Option<Strategy>,
    reps: &'p Subjects,
    team: Option<&'p str>,
    channels: Option<&'p BTreeMap<String, Target>>,
    only_online: bool,
    backup: Option<&'p Target>,
}

impl<'p> Plan<'p> {
    pub fn of_items(place: &'static str, rules: &'p Assignment) -> Plan<'p> {
        Plan {
            place,
            strategy: rules.strategy,
            within: rules.within,
            reps: &rules.reps,
            team: rules.team.as_deref(),
            channels: Some(&rules.channels),
            only_online: rules.only_online,
            backup: rules.backup.as_ref(),
        }
    }

    pub fn of_new_contacts(strategy: Strategy, rules: &'p NewContacts) -> Plan<'p> {
        Plan {
            place: NEW_CONTACTS,
            strategy,
            within: None,
            reps: &rules.reps,
            team: rules.team.as_deref(),
            channels: None,
            only_online: false,
            backup: None,
        }
    }
}

/// The rotation of new contacts, whether a rule or the strategy turns it.
pub const NEW_CONTACTS: &str = "new_contacts";

/// Who was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub rep: String,
    pub backup: bool,
}

/// Finds a rep by the plan's strategy, else among its backup.
pub fn find(account: &mut Account<'_>, plan: &Plan<'_>, question: &Question<'_>) -> Option<Found> {
    if let Some(rep) = by_strategy(account, plan, question) {
        return Some(Found { rep, backup: false });
    }
    let mut pool = pools::of_target(account, plan.backup?);
    if plan.only_online {
        pools::only_online(account, &mut pool);
    }
    let rep = rotation::next(account, &format!("{}/backup", plan.place), &pool)?;
    Some(Found { rep, backup: true })
}

fn by_strategy(account: &mut Account<'_>, plan: &Plan<'_>, question: &Question<'_>) -> Option<String> {
    let mut pool = match plan.strategy {
        Strategy::RoundRobin | Strategy::Workload | Strategy::Default => pools::of_subjects(account, plan.reps, plan.team),
        Strategy::Channel => pools::of_target(account, plan.channels?.get(question.channel?)?),
        Strategy::LastResponder => return last_responder(account, plan, question),
        Strategy::Portfolio => {
            let portfolio = owners::row(account, question.contact?)?.portfolio?;
            pools::of_portfolio(account, &portfolio)
        }
        Strategy::Manual => return None,
    };
    // by channel, it is the channel's reps whether they are online or not
    if plan.only_online && plan.strategy != Strategy::Channel {
        pools::only_online(account, &mut pool);
    }
    match (plan.strategy, plan.within) {
        (Strategy::Workload, _) | (_, Some(Strategy::Workload)) => load::least(account, &pool, question.served),
        (_, Some(Strategy::LastResponder)) => {
            let known = desk::last_responder(account, question.contact?).filter(|rep| pool.contains(rep));
            known.or_else(|| rotation::next(account, &format!("{}/within", plan.place), &pool))
        }
        (Strategy::Portfolio | Strategy::Channel, _) => rotation::next(account, &format!("{}/within", plan.place), &pool),
        _ => rotation::next(account, plan.place, &pool),
    }
}

fn last_responder(account: &mut Account<'_>, plan: &Plan<'_>, question: &Question<'_>) -> Option<String> {
    let rep = desk::last_responder(account, question.contact?)?;
    let eligible = roster::is_active(account, &rep) && (!plan.only_online || presence::is_online(account, &rep));
    eligible.then_some(rep)
}
