//! Transfers: all contacts of a rep, or some, go to another rep or round a rotation, with their deals and open
//! conversations. Past credit stays where it was.
//!
//! A transfer holds at once, although it is worked off in slices: a contact that is looked at before its slice came is
//! moved then ([`catch_up`]). What the giver gets while it runs stays the giver's.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::commands::{Answer, Command, Rejected};
use super::super::{Account, roster};
use super::items::{self, Given, Kind};
use super::jobs::{self, Job, SLICE};
use super::owners::{self, OwnedRow, Why};
use super::rotation::{self, TRANSFERS};
use super::{deals, desk, endings, listed, load, pools};
use crate::events::{Timestamp, keys};
use crate::rulebook::{Target, Transfer, TransferTo, TransferWhen};

/// A transfer of all contacts of a rep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Move {
    /// Counts the transfers of the account.
    number: u64,
    from: String,
    to: To,
    at: Timestamp,
    by: Option<String>,
    reason: String,
    /// The rotation that it turns.
    place: String,
    /// The index key at which to go on.
    next: String,
}

/// Who takes the contacts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum To {
    /// One rep, and nobody else.
    Rep(String),
    /// Every active rep but the giver, in turn.
    Everyone,
    Reps(Vec<String>),
    Team(String),
    Portfolio(String),
}

impl To {
    fn of_target(target: &Target) -> To {
        match (&target.portfolio, &target.team, &target.rep) {
            (Some(portfolio), ..) => To::Portfolio(portfolio.clone()),
            (_, Some(team), _) => To::Team(team.clone()),
            (_, _, Some(rep)) => To::Reps(vec![rep.clone()]),
            _ => To::Reps(target.reps.clone()),
        }
    }

    fn of_rule(rule: &Transfer) -> To {
        match &rule.to {
            TransferTo::Rotation(_) => To::Everyone,
            TransferTo::Target(target) => To::of_target(target),
        }
    }

    /// Who can take a contact of `from`; never `from` again.
    fn pool(&self, account: &mut Account<'_>, from: &str) -> Vec<String> {
        let mut pool = match self {
            To::Rep(rep) => vec![rep.clone()],
            To::Everyone => roster::active(account),
            To::Reps(reps) => pools::of_ids(account, reps),
            To::Team(team) => roster::members(account, team),
            To::Portfolio(portfolio) => pools::of_portfolio(account, portfolio),
        };
        pool.retain(|rep| rep != from);
        pool
    }
}

/// `contacts.transfer {from, to|"round_robin", contacts?, reason}`. The detail says how many contacts move, and names those
/// that were listed and are not `from`'s.
pub fn command(account: &mut Account<'_>, command: &Command<'_>) -> Answer {
    let from = command.text("from")?;
    let to = target(account, command)?;
    let owned = load::contacts(account, from);
    // a rep that has left the roster still leaves contacts behind
    let known = account.rules.versions().iter().any(|book| book.rep(from).is_some());
    if !known && owned == 0 {
        return Err(Rejected::because("unknown_rep"));
    }
    if let To::Rep(rep) = &to {
        if account.book.rep(rep).is_none() {
            return Err(Rejected::because("unknown_rep"));
        }
        if !roster::is_active(account, rep) {
            return Err(Rejected::because("inactive_rep"));
        }
    }
    let pool = to.pool(account, from);
    if pool.is_empty() {
        return Err(Rejected::because(if to == To::Rep(from.to_owned()) { "invalid_to" } else { "no_eligible_rep" }));
    }
    let listed = match command.data.get("contacts") {
        Some(_) => Some(listed::contacts(account, command)?),
        None => None,
    };
    let reason = command.optional_text("reason")?.unwrap_or("transferred");
    let Some(listed) = listed else {
        if !command.dry_run {
            start(account, from, to, &Why { at: command.time, by: command.actor, reason, transfer: None }, None);
        }
        return Ok(Some(json!({ "contacts": owned })));
    };
    let (mut moved, mut skipped) = (Vec::new(), Vec::new());
    for contact in listed {
        catch_up(account, &contact);
        let list = if owners::of(account, &contact).as_deref() == Some(from) { &mut moved } else { &mut skipped };
        list.push(contact);
    }
    if !command.dry_run {
        let number = rotation::count(account, TRANSFERS);
        let place = format!("transfer/{number}");
        let why = Why { at: command.time, by: command.actor, reason, transfer: Some(number) };
        for contact in &moved {
            give(account, contact, from, &pool, &place, &why);
        }
        rotation::end(account, &place);
    }
    Ok(Some(json!({ "contacts": moved.len(), "skipped": skipped })))
}

fn target(account: &mut Account<'_>, command: &Command<'_>) -> Result<To, Rejected> {
    match command.data.get("to") {
        Some(Value::String(to)) if to == "round_robin" => Ok(To::Everyone),
        Some(Value::String(rep)) if !rep.is_empty() => Ok(To::Rep(rep.clone())),
        Some(object @ Value::Object(_)) => {
            let target: Target = serde_json::from_value(object.clone()).map_err(|_| Rejected::because("invalid_to"))?;
            let known = target.team.as_ref().is_none_or(|team| account.book.teams.iter().any(|known| known.key == *team));
            if known { Ok(To::of_target(&target)) } else { Err(Rejected::because("unknown_team")) }
        }
        _ => Err(Rejected::because("invalid_to")),
    }
}

/// Applies the first rule for a deactivated rep that finds somebody.
pub fn on_deactivation(account: &mut Account<'_>, rep: &str, by: Option<&str>, at: Timestamp) {
    let book = account.book;
    let rules = book.ownership.transfers.iter().enumerate();
    for (i, rule) in rules.filter(|(_, rule)| rule.when == TransferWhen::RepDeactivated) {
        let to = To::of_rule(rule);
        if !to.pool(account, rep).is_empty() {
            let why = Why { at, by, reason: "rep.deactivated", transfer: None };
            start(account, rep, to, &why, Some(format!("transfers/{i}")));
            return;
        }
    }
}

/// Applies a rule for contacts without any event to one that has had none since then.
pub fn on_inactive(account: &mut Account<'_>, contact: &str, since: Timestamp) {
    let contact = &endings::resolve(account, contact);
    catch_up(account, contact);
    let Some(owner) = owners::of(account, contact) else { return };
    let book = account.book;
    let rules = book.ownership.transfers.iter().enumerate().filter(|(_, rule)| rule.when == TransferWhen::Inactive);
    let mut due: Vec<_> = rules.filter_map(|(i, rule)| Some((rule.inactive_for?, i, rule))).collect();
    due.sort_by_key(|(inactive_for, i, _)| (*inactive_for, *i));
    // of several, the longest that has passed; the contact stage told of the shortest at least
    let passed = due.iter().rposition(|(inactive_for, ..)| since.plus(*inactive_for) <= account.time).unwrap_or(0);
    let Some((inactive_for, i, rule)) = due.get(passed) else { return };
    let pool = To::of_rule(rule).pool(account, &owner);
    let why = Why { at: since.plus(*inactive_for), by: None, reason: "inactive", transfer: None };
    give(account, contact, &owner, &pool, &format!("transfers/{i}"), &why);
}

fn start(account: &mut Account<'_>, from: &str, to: To, why: &Why<'_>, place: Option<String>) {
    let number = rotation::count(account, TRANSFERS);
    let job = Move {
        number,
        from: from.to_owned(),
        to,
        at: why.at,
        by: why.by.map(str::to_owned),
        reason: why.reason.to_owned(),
        place: place.unwrap_or_else(|| format!("transfer/{number}")),
        next: String::new(),
    };
    jobs::start(account, Job::Move(job));
}

/// Moves the next contacts of a transfer; gives what is left to do.
pub fn slice(account: &mut Account<'_>, mut job: Move) -> Option<Move> {
    let prefix = owners::owned_by(account, &job.from);
    let owned = account.state.scan_from::<OwnedRow>(&prefix, &job.next, SLICE);
    let pool = job.to.pool(account, &job.from);
    for (key, row) in &owned {
        if let Some(contact) = keys::split(key).pop().filter(|_| row.given < job.number) {
            give(account, &contact, &job.from, &pool, &job.place, &job.why());
        }
    }
    match owned.last() {
        Some((last, _)) if owned.len() == SLICE => {
            job.next = format!("{last}\0");
            Some(job)
        }
        _ => {
            if job.place.starts_with("transfer/") {
                rotation::end(account, &job.place);
            }
            None
        }
    }
}

/// Moves a contact now that a transfer under way will come to later. To be called before a contact's owner is looked at.
pub fn catch_up(account: &mut Account<'_>, contact: &str) {
    for job in jobs::moves(account) {
        let owner = owners::of(account, contact);
        if owner.as_deref() == Some(&job.from) && owners::given_before(account, contact, &job.from, job.number) {
            let pool = job.to.pool(account, &job.from);
            give(account, contact, &job.from, &pool, &job.place, &job.why());
        }
    }
}

impl Move {
    fn why(&self) -> Why<'_> {
        Why { at: self.at, by: self.by.as_deref(), reason: &self.reason, transfer: Some(self.number) }
    }
}

/// Gives a contact of `from` to one of a pool, and with it the deals and open conversations that are `from`'s. (Follow-ups,
/// proposals and other deals have no owner of their own: they follow the contact.)
fn give(account: &mut Account<'_>, contact: &str, from: &str, pool: &[String], place: &str, why: &Why<'_>) {
    let Some(to) = rotation::next(account, place, pool) else { return };
    if !owners::set_owner(account, contact, Some(&to), why) {
        return;
    }
    deals::carry(account, contact, from, &to, why.at);
    for (kind, item) in desk::open(account, contact) {
        let held = items::row(account, kind, &item).is_some_and(|row| row.rep.as_deref() == Some(from));
        if kind == Kind::Conversation && held {
            let given = Given { rep: Some(&to), strategy: None, backup: false, reason: why.reason, at: why.at };
            items::give(account, kind, &item, &given);
        }
    }
}
