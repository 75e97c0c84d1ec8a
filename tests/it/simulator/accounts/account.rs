//! What an account's reps have earned.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::commissions::Commissions;
use super::{CONTEST_FINAL, FINAL, Names, is_active};
use crate::simulator::model::Taken;
use crate::simulator::rules::CONTEST;

#[derive(Debug, Default)]
pub struct Account {
    pub xp: BTreeMap<String, i64>,
    pub coins: BTreeMap<String, i64>,
    paid: BTreeMap<String, Decimal>,
    /// Of the month, while it is open; and all.
    calls: BTreeMap<String, u64>,
    all_calls: BTreeMap<String, u64>,
    /// What the goal shows.
    pub revenue: BTreeMap<String, Decimal>,
    pub commissions: Commissions,
    /// The contest: value, and the greatest time of what made it.
    pub contest: BTreeMap<String, (Decimal, i64)>,
    pub contest_is_final: bool,
    pub grants: Names,
    /// Status and pieces, prize, rep.
    pub redemptions: BTreeMap<String, (&'static str, i64, String, String)>,
    pub owners: BTreeMap<String, (String, u64)>,
    /// Whether each command was accepted.
    pub answers: BTreeMap<String, bool>,
    /// XP entries of events, with how often each was written.
    pub entries: BTreeMap<String, u64>,
}

impl Account {
    pub fn event(&mut self, account: &str, id: &str, taken: &Taken, now: i64) {
        if let Some(amount) = taken.amount
            && taken.kind == "payment.refunded"
        {
            self.commissions.refund(&taken.payment, amount);
        }
        if !is_active(&taken.actor) {
            return;
        }
        let rep = taken.actor.as_str();
        for (key, xp, coins) in &taken.credits {
            *self.xp.entry(rep.to_owned()).or_default() += xp;
            *self.coins.entry(rep.to_owned()).or_default() += coins;
            if *xp != 0 {
                *self.entries.entry(format!("{account}/{rep}/crm/{id}/{key}")).or_default() += 1;
            }
        }
        if let Some(amount) = taken.amount {
            let signed = if taken.kind == "payment.confirmed" { amount } else { -amount };
            if now < FINAL {
                *self.paid.entry(rep.to_owned()).or_default() += signed;
                self.revenue.insert(rep.to_owned(), self.paid[rep].normalize());
            }
            if (CONTEST.0..CONTEST.1).contains(&taken.time) && now < CONTEST_FINAL {
                let (value, reached_at) = self.contest.entry(rep.to_owned()).or_insert((Decimal::ZERO, taken.time));
                (*value, *reached_at) = (*value + signed, (*reached_at).max(taken.time));
            }
            if taken.kind == "payment.confirmed" {
                self.commissions.pay(rep, &taken.payment, amount);
            }
        }
        self.settle(account, rep);
    }

    /// A call was made.
    pub fn call(&mut self, account: &str, rep: &str, now: i64) {
        if !is_active(rep) {
            return;
        }
        *self.all_calls.entry(rep.to_owned()).or_default() += 1;
        if now < FINAL {
            *self.calls.entry(rep.to_owned()).or_default() += 1;
        }
        self.settle(account, rep);
    }

    /// The contest's standings: the best value, who had it first, the lowest id.
    pub fn standings(&self) -> Vec<(String, Decimal)> {
        let mut ranked: Vec<_> = self.contest.iter().filter(|(_, (value, _))| !value.is_zero()).collect();
        ranked.sort_by_key(|(rep, (value, reached_at))| (-*value, *reached_at, (*rep).clone()));
        ranked.into_iter().map(|(rep, (value, _))| (rep.clone(), value.normalize())).collect()
    }

    pub fn close_contest(&mut self, account: &str) {
        if std::mem::replace(&mut self.contest_is_final, true) {
            return;
        }
        for (place, (rep, value)) in (1..=3).zip(self.standings()) {
            if value > Decimal::ZERO {
                let (xp, coins) = if place == 1 { (0, 40) } else { (30, 0) };
                self.grant(format!("{account}/contest/sprint/{place}/{rep}"), &rep, xp, coins);
                self.settle(account, &rep);
            }
        }
    }

    fn grant(&mut self, id: String, rep: &str, xp: i64, coins: i64) {
        if self.grants.insert(id) {
            *self.xp.entry(rep.to_owned()).or_default() += xp;
            *self.coins.entry(rep.to_owned()).or_default() += coins;
        }
    }

    /// Grants what a rep has reached.
    pub fn settle(&mut self, account: &str, rep: &str) {
        let paid = self.paid.get(rep).copied().unwrap_or_default();
        let of = |counts: &BTreeMap<String, u64>| counts.get(rep).copied().unwrap_or(0);
        let (calls, all_calls) = (of(&self.calls), of(&self.all_calls));
        let reached = [
            (paid >= Decimal::from(300), format!("goal/revenue/2026-11/{rep}/base"), 0, 10),
            (paid >= Decimal::from(450), format!("goal/revenue/2026-11/{rep}/super"), 50, 0),
            (calls >= 3, format!("goal/calls/2026-11/{rep}/base"), 5, 0),
            (all_calls >= 2, format!("badge/caller/{rep}/bronze"), 0, 0),
            (all_calls >= 5, format!("badge/caller/{rep}/silver"), 0, 4),
        ];
        for (_, id, xp, coins) in reached.into_iter().filter(|(reached, ..)| *reached) {
            self.grant(format!("{account}/{id}"), rep, xp, coins);
        }
        for (level, xp, coins) in [(2, 300, 5), (3, 900, 7)] {
            if self.xp.get(rep).copied().unwrap_or_default() >= xp {
                self.grant(format!("{account}/level/{level}/{rep}"), rep, 0, coins);
            }
        }
    }
}
