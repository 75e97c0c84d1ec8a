//! Reps: ledgers and what they add up to, boards, grants, redemptions, commissions, commands.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde_json::Value;

use scorekeeper::outputs::Topic;

use super::Auditor;
use crate::simulator::accounts::{Account, ActorModel};

impl Auditor<'_> {
    /// The sums of a ledger by account/rep.
    pub(super) fn sums(&self, topic: Topic, field: &str) -> BTreeMap<String, i64> {
        let mut sums = BTreeMap::new();
        for (_, value) in self.archive.all(topic) {
            let entry: Value = serde_json::from_slice(&value.unwrap_or_default()).unwrap_or_default();
            let rep = format!("{}/{}", entry["account"].as_str().unwrap_or("?"), entry["rep"].as_str().unwrap_or("?"));
            *sums.entry(rep).or_default() += entry[field].as_i64().unwrap_or(0);
        }
        sums
    }

    pub(super) fn actors(&mut self, model: &ActorModel<'_>) {
        let is_of = |key: &str| model.accounts.keys().any(|account| key.starts_with(&format!("{account}/")));
        let nonzero = |mut sums: BTreeMap<String, i64>| {
            sums.retain(|key, sum| *sum != 0 && is_of(key));
            sums
        };
        let by_rep = |of: &dyn Fn(&Account) -> BTreeMap<String, i64>| -> BTreeMap<String, i64> {
            let all = model.accounts.iter();
            all.flat_map(|(name, account)| of(account).into_iter().map(move |(rep, sum)| (format!("{name}/{rep}"), sum)))
                .collect()
        };
        let (expected_xp, expected_coins) = (by_rep(&|a| a.xp.clone()), by_rep(&|a| a.coins.clone()));
        self.equal_maps("xp ledger", &nonzero(self.sums(Topic::Xp, "xp")), &nonzero(expected_xp.clone()));
        self.equal_maps("coins ledger", &nonzero(self.sums(Topic::Coins, "coins")), &nonzero(expected_coins));
        let expected: BTreeMap<String, u64> = model.accounts.values().flat_map(|account| account.entries.clone()).collect();
        let mut found: BTreeMap<String, u64> = BTreeMap::new();
        for (key, _) in self.archive.all(Topic::Xp).into_iter().filter(|(key, _)| is_of(key) && key.contains("/crm/")) {
            *found.entry(key).or_default() += 1;
        }
        self.equal_maps("xp entry", &found, &expected);
        self.board(model, &nonzero(expected_xp));
        self.contest(model);

        let grants: BTreeSet<String> =
            self.archive.all(Topic::Grants).into_iter().map(|(key, _)| key).filter(|key| is_of(key)).collect();
        let expected = model.accounts.values().flat_map(|account| account.grants.clone()).collect();
        self.equal("grants", &grants, &expected);

        let redemptions = self.archive.latest(Topic::Redemptions).into_iter().filter(|(key, _)| is_of(key));
        let found = redemptions.map(|(key, value)| (key, value["status"].as_str().unwrap().to_owned())).collect();
        let expected = model.accounts.iter().flat_map(|(name, account)| {
            account.redemptions.iter().map(move |(id, (status, ..))| (format!("{name}/{id}"), (*status).to_owned()))
        });
        self.equal_maps("redemption", &found, &expected.collect());

        let owners = self.archive.latest(Topic::Ownership).into_iter().filter(|(key, _)| is_of(key));
        let found = owners.map(|(key, value)| {
            (key, (value["owner"].as_str().unwrap_or_default().to_owned(), value["version"].as_u64().unwrap_or(0)))
        });
        let expected = model.accounts.values().flat_map(|account| account.owners.clone());
        self.equal_maps("owner", &found.collect(), &expected.collect());
        self.money(model);
    }

    fn money(&mut self, model: &ActorModel<'_>) {
        let decimal = |value: &Value| value.as_str().unwrap().parse::<Decimal>().unwrap().normalize();
        let is_of = |key: &str| model.accounts.keys().any(|account| key.starts_with(&format!("{account}/")));
        let goals = self.archive.latest(Topic::Goals).into_iter().filter(|(key, goal)| is_of(key) && goal["goal"] == "revenue");
        let found = goals.map(|(key, goal)| (key, decimal(&goal["value"]))).collect();
        let expected = model.accounts.iter().flat_map(|(name, account)| {
            account.revenue.iter().map(move |(rep, value)| (format!("{name}/revenue/2026-11/{rep}"), *value))
        });
        self.equal_maps("goal", &found, &expected.collect());

        let statements: BTreeMap<String, Value> =
            self.archive.latest(Topic::Statements).into_iter().filter(|(key, _)| is_of(key)).collect();
        let shown = |value: &Value| (value["status"].as_str().unwrap().to_owned(), decimal(&value["total"]));
        let found = statements.iter().map(|(key, value)| (key.clone(), shown(value)));
        let expected = model.accounts.iter().flat_map(|(name, account)| {
            account.commissions.statements.iter().map(move |((month, rep), (status, total))| {
                (format!("{name}/ae/2026-{month}/{rep}"), (format!("{status:?}").to_lowercase(), total.normalize()))
            })
        });
        self.equal_maps("statement", &found.collect(), &expected.collect());
        let totals: BTreeMap<String, Decimal> =
            self.archive.latest(Topic::Statements).iter().map(|(key, value)| (key.clone(), decimal(&value["total"]))).collect();
        let mut sums = BTreeMap::<String, Decimal>::new();
        for (_, value) in self.archive.all(Topic::CommissionLines) {
            let line: Value = serde_json::from_slice(&value.unwrap_or_default()).unwrap_or_default();
            *sums.entry(line["statement"].as_str().unwrap_or("?").to_owned()).or_default() += decimal(&line["amount"]);
        }
        self.equal_maps("lines of statement", &sums.into_iter().map(|(key, sum)| (key, sum.normalize())).collect(), &totals);
    }

    /// The contest's standings and status.
    fn contest(&mut self, model: &ActorModel<'_>) {
        let contests = self.archive.latest(Topic::Contests);
        for (name, account) in &model.accounts {
            let contest = contests.get(&format!("{name}/sprint")).cloned().unwrap_or_default();
            self.equal("contest final", &(contest["final"] == true), &account.contest_is_final);
            let entries = contest["entries"].as_array().cloned().unwrap_or_default();
            let decimal =
                |value: &Value| value.as_str().map_or(value.to_string(), str::to_owned).parse::<Decimal>().unwrap_or_default();
            let found: Vec<_> = entries
                .iter()
                .map(|entry| (entry["subject"].as_str().unwrap_or("?").to_owned(), decimal(&entry["value"]).normalize()))
                .collect();
            self.equal(&format!("contest of {name}"), &found, &account.standings());
        }
    }

    fn board(&mut self, model: &ActorModel<'_>, xp: &BTreeMap<String, i64>) {
        let boards = self.archive.latest(Topic::Leaderboards);
        for account in model.accounts.keys() {
            let entries = boards.get(&format!("{account}/xp-all/all")).map(|board| board["entries"].clone()).unwrap_or_default();
            let entries = entries.as_array().cloned().unwrap_or_default();
            let value = |entry: &Value| entry["value"].as_i64().or_else(|| entry["value"].as_str()?.parse().ok());
            let found = entries.iter().map(|entry| {
                (format!("{account}/{}", entry["subject"].as_str().unwrap_or("?")), value(entry).unwrap_or(i64::MIN))
            });
            let expected = xp.iter().filter(|(key, _)| key.starts_with(&format!("{account}/")));
            self.equal_maps("board", &found.collect(), &expected.map(|(key, value)| (key.clone(), *value)).collect());
        }
    }
}
