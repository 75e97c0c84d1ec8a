//! The rules of the accounts, both versions of each. The shadow models know those of [`MODELLED`] by heart; the rules of
//! [`RICH`] use what else there is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, SecondsFormat};

use scorekeeper::rulebook::RuleSet;

use super::workload::{HOUR, START};

/// Accounts that the shadow models recompute.
pub const MODELLED: [&str; 2] = ["acme", "beta"];
/// The account that is only replayed.
pub const RICH: &str = "gala";
pub const ACCOUNTS: [&str; 3] = [MODELLED[0], MODELLED[1], RICH];

/// When the second version of the rules comes into force.
pub const SECOND_VERSION: i64 = START + 10 * HOUR;
/// The contest of the modelled accounts.
pub const CONTEST: (i64, i64) = (START + 2 * HOUR, START + 20 * HOUR);

/// How many versions of each account are known, in the order of [`ACCOUNTS`].
pub type Known = [u8; 3];

/// All that there is.
pub const ALL: Known = [2, 2, 2];

/// The text of a version of an account's rules.
pub fn text(account: &str, version: u8) -> String {
    let effective_from = if version == 1 { String::new() } else { format!("effective_from: {}", time(SECOND_VERSION)) };
    let (points, xp) = if version == 1 { (50, 100) } else { (60, 120) };
    let catalog = format!(
        r#"
account: {account}
{effective_from}
currency: BRL
groups: [{{key: purchase}}, {{key: marketing}}]
catalog:
  - {{key: deal.won, group: purchase, points: {points}, xp: {xp}, coins: 3}}
  - {{key: pro, match: {{type: deal.won, when: 'data.product == "pro"'}}, group: purchase, points: 5}}
  - {{key: form.submitted, group: marketing, points: 7, dedup: {{policy: once}}}}
  - {{key: proposal.sent, group: purchase, points: 20, xp: 20, dedup: {{policy: once}}}}
  - {{key: page.viewed, group: marketing, points: 10, xp: 2, dedup: {{policy: cooldown, every: 1h}}}}
  - {{key: email.opened, group: marketing, points: 0, xp: 1}}
segments: [{{key: hot, when: 'score >= 100'}}]
"#
    );
    let (starts, ends) = (time(CONTEST.0), time(CONTEST.1));
    let rest = if account == RICH { RICH_RULES } else { MODELLED_RULES };
    catalog + &rest.replace("STARTS", &starts).replace("ENDS", &ends)
}

fn time(millis: i64) -> String {
    DateTime::from_timestamp_millis(millis).unwrap().to_rfc3339_opts(SecondsFormat::Secs, true)
}

const MODELLED_RULES: &str = r#"
timezone: America/Sao_Paulo
lateness: 48h
reps: [{id: r1}, {id: r2}, {id: r3}, {id: r4, active: false}]
metrics:
  - {key: paid, type: payment.confirmed, sum: data.amount, minus: payment.refunded, credit: actor}
  - {key: calls, type: call.made, count: true, credit: actor}
levels: [{level: 1, xp: 0}, {level: 2, xp: 300, reward: {coins: 5}}, {level: 3, xp: 900, reward: {coins: 7}}]
leaderboards: [{key: xp-all, metric: xp, window: all, of: rep, top: 50}]
badges: [{key: caller, metric: calls, window: all, tiers: {bronze: 2, silver: 5}, rewards: {silver: {coins: 4}}}]
contests:
  - {key: sprint, of: rep, metric: paid, starts: STARTS, ends: ENDS,
     prizes: [{places: 1, reward: {coins: 40}}, {places: 2-3, reward: {xp: 30}}]}
prizes: [{key: headset, cost: 12, stock: 2}, {key: mug, cost: 3, approval: auto}]
goals:
  - key: revenue
    of: rep
    metric: paid
    period: month
    target: "300.00"
    tiers: [{key: base, at: "100%", reward: {coins: 10}}, {key: super, at: "150%", reward: {xp: 50}}]
  - {key: calls, of: rep, metric: calls, period: month, target: "3", tiers: [{key: base, at: "100%", reward: {xp: 5}}]}
commissions:
  - {key: ae, amount: data.amount, credit: actor, period: month, bands: [{from: "0", rate: "10%"}],
     clawback: {events: [payment.refunded], by: data.payment, within: 90d}}
"#;

const RICH_RULES: &str = r#"
timezone: America/New_York
lateness: 24h
timeline: {retention: 5d}
teams: [{key: north}, {key: south}]
reps:
  - {id: r1, team: north, league: bronze}
  - {id: r2, team: north, league: bronze}
  - {id: r3, team: south, league: silver}
  - {id: r4, team: south, league: silver, active: false}
  - {id: r5, team: south, league: bronze}
metrics:
  - {key: paid, type: payment.confirmed, sum: data.amount, minus: payment.refunded, credit: actor_or_owner}
  - {key: calls, type: call.made, count: true, credit: actor}
  - {key: deals, type: deal.won, count: true, credit: owner}
levels: [{level: 1, xp: 0}, {level: 2, xp: 200, reward: {coins: 5}}, {level: 3, xp: 500, reward: {xp: 10, badge: starter/bronze}}]
leagues: {order: [bronze, silver], metric: xp, window: day, promote: 1, relegate: 1}
leaderboards:
  - {key: xp-day, metric: xp, window: day, of: rep, top: 50}
  - {key: paid-team, metric: paid, window: week, of: team, top: 5}
  - {key: deals-all, metric: deals, window: all, of: rep, top: 2}
badges:
  - {key: starter, metric: deals, window: week, tiers: {bronze: 2, silver: 6}, rewards: {silver: {coins: 9}}}
certifications: [{key: product-pro, valid_for: 2d}]
coins: {per_xp: "0.1"}
contests:
  - {key: sprint, of: team, metric: deals, starts: STARTS, ends: ENDS, prizes: [{places: 1, reward: {coins: 15, xp: 20}}]}
  - {key: pros, of: rep, metric: deals, when: 'data.product == "pro"', starts: STARTS, ends: ENDS, prizes: [{places: 1-2, reward: {prize: mug}}]}
prizes: [{key: headset, cost: 12, stock: 3}, {key: mug, cost: 3, approval: auto}]
goals:
  - key: revenue
    of: rep
    metric: paid
    period: day
    target: "200.00"
    tiers: [{key: base, at: "100%", reward: {coins: 10}}, {key: super, at: "150%", reward: {xp: 50}}]
    accelerator: {from: "100%", every: "20%", up_to: "300%", reward: {coins: 2}, grows: {coins: 1}}
  - key: calls
    of: team
    metric: calls
    period: week
    target: "4"
    tiers: [{key: base, at: "50%"}]
    collective: [{tier: base, reward: {xp: 5}}]
  - {key: deals, of: account, metric: deals, period: week, target: "10", tiers: [{key: base, at: "100%"}], collective: [{tier: base, reward: {coins: 3}}]}
  - {key: more, of: rep, metric: deals, period: week, target: "2", tiers: [{key: base, at: "100%", reward: {xp: 7}}], after: {goal: revenue, tier: base}}
commissions:
  - key: ae
    amount: data.amount
    credit: actor_or_owner
    period: week
    quota: "1000.00"
    mode: marginal
    bands: [{from: "0%", rate: "5%"}, {from: "50%", rate: "8%"}]
    accelerators: [{from: "80%", multiply: "1.5"}]
    spifs: [{key: pro, when: 'data.product == "pro"', starts: STARTS, ends: ENDS, amount: "10.00", limit: "35.00"}]
    clawback: {events: [payment.refunded], by: data.payment, within: 90d}
    cap: "150.00"
  - {key: won, trigger: deal.won, amount: data.amount, credit: owner, period: month, bands: [{from: "0", rate: "1%"}, {from: "500.00", rate: "2%"}], mode: whole,
     clawback: {events: [deal.lost], by: data.deal, within: 30d}}
ownership:
  isolation: team
  portfolios: [{key: vip, reps: [r1, r2]}, {key: mid, team: south}]
  new_contacts: {rules: [{when: 'data.product == "pro"', to: {team: north}}], strategy: round_robin}
  conversations: {strategy: portfolio, within: round_robin, only_online: true, backup: {team: south}, allow_reassign: true}
  comments: {strategy: workload, only_online: true}
  transfers: [{when: rep.deactivated, to: round_robin}, {when: inactive, for: 2d, to: {reps: [r1, r3]}}]
  unassigned: {alert_after: 15m}
"#;

/// The rules of which so many versions are known. Made once for all simulations.
pub fn known(known: Known) -> Arc<RuleSet> {
    static MADE: Mutex<BTreeMap<Known, Arc<RuleSet>>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().unwrap();
    let make = || {
        let texts = ACCOUNTS.iter().zip(known).flat_map(|(account, count)| (1..=count).map(|version| text(account, version)));
        let sources: Vec<(&str, String)> = texts.map(|text| ("rules.yaml", text)).collect();
        Arc::new(RuleSet::load(sources).unwrap_or_else(|errors| panic!("{errors}")))
    };
    made.entry(known).or_insert_with(make).clone()
}

/// How many versions of each account a set of rules has.
pub fn versions(rules: &RuleSet) -> Known {
    ACCOUNTS.map(|account| rules.account(account).map_or(0, |rules| rules.versions().len() as u8))
}
