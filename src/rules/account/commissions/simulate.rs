//! The commission simulator: what a plan would pay a rep for a list of sales. It plays them to the same account stage that
//! runs live, with rules from which everything but the plan was taken away.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::roster;
use crate::engine::{AccountTask, Publish, Task};
use crate::events::{AccountRecord, Amount, StampedEvent, Timestamp};
use crate::outputs::{Outbox, Topic};
use crate::rulebook::{AccountRules, Credit, Document, Plan, RuleSet};
use crate::state::MemStore;

/// Something that was, or would be, sold (or taken back).
#[derive(Clone, Debug, PartialEq)]
pub struct Sale {
    pub time: Timestamp,
    /// The event type; `None`: the one that triggers the plan.
    pub kind: Option<String>,
    /// The event's data: `amount`, `payment`, `product`, …
    pub data: Map<String, Value>,
}

/// A line of the simulated statement. The fields are those of the topic `commission-lines`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub statement: String,
    pub kind: String,
    pub for_period: String,
    pub basis: Amount,
    pub base: Amount,
    pub accelerator: Amount,
    pub spif: Amount,
    pub amount: Amount,
    pub explain: String,
    pub at: Timestamp,
}

/// A simulated statement. The fields are those of the topic `statements`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    pub statement: String,
    pub period: String,
    pub currency: String,
    #[serde(flatten)]
    pub totals: Totals,
    #[serde(rename = "lines")]
    pub count: u64,
}

/// Sums by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    pub base: Amount,
    pub accelerator: Amount,
    pub spif: Amount,
    pub clawback: Amount,
    pub adjustment: Amount,
    pub total: Amount,
}

impl Totals {
    fn add(&mut self, other: &Totals) {
        self.base += other.base;
        self.accelerator += other.accelerator;
        self.spif += other.spif;
        self.clawback += other.clawback;
        self.adjustment += other.adjustment;
        self.total += other.total;
    }
}

/// What a simulation gives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Simulation {
    pub lines: Vec<Line>,
    /// By id.
    pub statements: Vec<Statement>,
    /// Of all statements together.
    pub totals: Totals,
}

/// Why there is nothing to simulate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SimulationError {
    #[error("no plan {0:?} in these rules")]
    UnknownPlan(String),
    #[error("no rep {0:?} in these rules")]
    UnknownRep(String),
    #[error("rep {rep:?} takes no part in plan {plan:?}")]
    NotInPlan { rep: String, plan: String },
    /// The number of the sale, from 1.
    #[error("sale {0}: {1}")]
    Sale(usize, String),
}

/// Plays sales of a rep to a plan, in their order. Every sale is credited to the rep, whatever the plan's own rule of credit.
pub fn simulate(rules: &AccountRules, plan: &str, rep: &str, sales: &[Sale]) -> Result<Simulation, SimulationError> {
    let rules = narrowed(rules, plan, rep)?;
    let versions = rules.account(ACCOUNT).cloned().unwrap_or_default();
    let (mut task, mut store, mut out) = (AccountTask::new(0, 1), MemStore::default(), Outbox::default());
    for (i, sale) in sales.iter().enumerate() {
        let wrong = |why: &str| SimulationError::Sale(i + 1, why.to_owned());
        let book = versions.at(sale.time).ok_or_else(|| wrong("no version of the rules is in force at its time"))?;
        let found = book.commissions.iter().find(|p| p.key == plan);
        let trigger = found.map_or("payment.confirmed", |plan| plan.trigger.as_str());
        let kind = sale.kind.as_deref().unwrap_or(trigger);
        if let Some(plan) = found {
            check_money(sale, kind, plan, &book.currency.0).map_err(|why| wrong(&why))?;
        }
        let (id, data) = ((i + 1).to_string(), Value::Object(sale.data.clone()).to_string());
        let event = StampedEvent {
            account: ACCOUNT,
            // one contact for each sale, so that no two are the same event
            contact: Some(&id),
            actor: Some(rep),
            source: "simulation",
            id: &id,
            kind,
            time: sale.time,
            version: book.version,
            data: &data,
            ..StampedEvent::default()
        };
        let watermark = AccountRecord::Watermark { partition: 0, time: sale.time, caught_up: false };
        for record in [watermark, AccountRecord::Event(event)] {
            task.apply_record(&store, &rules, &record, sale.time, &mut out);
        }
    }
    task.seal(&store, &rules, Publish::All, &mut out);
    store.apply(task.take_changes());
    Ok(collect(&out))
}

/// The simulated account. It has the only rules there are.
const ACCOUNT: &str = "simulation";

/// Every version of the rules with the plan alone, open to the rep.
fn narrowed(rules: &AccountRules, plan: &str, rep: &str) -> Result<RuleSet, SimulationError> {
    let books = || rules.versions().iter();
    let plans = || books().flat_map(|book| &book.commissions).filter(|p| p.key == plan);
    if plans().next().is_none() {
        return Err(SimulationError::UnknownPlan(plan.to_owned()));
    }
    if books().all(|book| book.rep(rep).is_none()) {
        return Err(SimulationError::UnknownRep(rep.to_owned()));
    }
    if !books().any(|book| book.commissions.iter().any(|p| p.key == plan && roster::takes_part(book, &p.reps, rep))) {
        return Err(SimulationError::NotInPlan { rep: rep.to_owned(), plan: plan.to_owned() });
    }
    let documents = books().map(|book| {
        let mut reps = book.reps.clone();
        reps.retain(|r| r.id == rep);
        reps.iter_mut().for_each(|rep| rep.active = true);
        let mut commissions = book.commissions.clone();
        commissions.retain(|p| p.key == plan);
        commissions.iter_mut().for_each(|plan| plan.credit = Credit::Actor);
        Document {
            account: ACCOUNT.to_owned(),
            reps,
            commissions,
            catalog: Vec::new(),
            metrics: Vec::new(),
            levels: Vec::new(),
            leagues: None,
            leaderboards: Vec::new(),
            contests: Vec::new(),
            badges: Vec::new(),
            goals: Vec::new(),
            ownership: Default::default(),
            ..Document::clone(book)
        }
    });
    Ok(RuleSet::new(documents.collect()))
}

/// Money that the live intake would reject.
fn check_money(sale: &Sale, kind: &str, plan: &Plan, currency: &str) -> Result<(), String> {
    match sale.data.get("currency") {
        None | Some(Value::Null) => {}
        Some(given) if given.as_str() == Some(currency) => {}
        Some(given) => return Err(format!("{given}, and the rules count in {currency}")),
    }
    let data = crate::events::Data::new(Value::Object(sale.data.clone()).to_string());
    match data.get(plan.amount.below_data()) {
        Some(value) => match Amount::from_json(value) {
            Some(amount) if !amount.is_negative() => Ok(()),
            Some(_) => Err(format!("{} is negative", plan.amount)),
            None => Err(format!("{} is no decimal number", plan.amount)),
        },
        None if kind == plan.trigger => Err(format!("{} is missing", plan.amount)),
        None => Ok(()),
    }
}

fn collect(out: &Outbox) -> Simulation {
    let mut simulation = Simulation::default();
    for record in out.records() {
        let Some(value) = record.value else { continue };
        match record.topic {
            Topic::CommissionLines => simulation.lines.extend(serde_json::from_slice::<Line>(value)),
            Topic::Statements => simulation.statements.extend(serde_json::from_slice::<Statement>(value)),
            _ => {}
        }
    }
    simulation.statements.sort_by(|a, b| a.statement.cmp(&b.statement));
    for statement in &simulation.statements {
        simulation.totals.add(&statement.totals);
    }
    simulation
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const RULES: &str = r#"account: acme
currency: BRL
reps: [{id: r1, active: false, team: a}, {id: r2, team: b}]
teams: [{key: a}, {key: b}]
commissions:
  - {key: ae, reps: {team: a}, credit: owner, quota: "1000", bands: [{from: "0%", rate: "5%"}, {from: "100%", rate: "10%"}],
     clawback: {events: [payment.refunded], within: 90d}, spifs: [{key: s, when: 'data.product == "pro"', amount: "7"}]}"#;

    fn rules() -> RuleSet {
        RuleSet::load([("rules.yaml", RULES)]).unwrap()
    }

    fn sale(day: &str, kind: Option<&str>, data: Value) -> Sale {
        let time = Timestamp::parse(&format!("2026-{day}T12:00:00Z")).unwrap();
        Sale { time, kind: kind.map(str::to_owned), data: data.as_object().unwrap().clone() }
    }

    #[test]
    fn plays_sales_and_refunds_to_a_plan() {
        let sales = [
            sale("03-01", None, json!({"amount": "900", "payment": "p1", "product": "pro"})),
            sale("03-02", None, json!({"amount": 300.50, "payment": "p2", "currency": "BRL"})),
            sale("04-01", None, json!({"amount": "100", "payment": "p3"})),
            sale("04-02", Some("payment.refunded"), json!({"payment": "p1", "amount": "450"})),
        ];
        let rules = rules();
        let simulation = simulate(rules.account("acme").unwrap(), "ae", "r1", &sales).unwrap();
        let amounts: Vec<_> = simulation.lines.iter().map(|line| (line.kind.as_str(), line.amount.to_string())).collect();
        let expected = [("base", "45.00"), ("spif", "7.00"), ("base", "25.05"), ("base", "5.00"), ("clawback", "-36.03")];
        assert_eq!(amounts, expected.map(|(kind, amount)| (kind, amount.to_owned())));
        assert_eq!(simulation.totals.total.to_string(), "46.02");
        assert_eq!(simulation.statements.iter().map(|s| s.period.as_str()).collect::<Vec<_>>(), ["2026-03", "2026-04"]);
    }

    #[test]
    fn says_what_it_cannot_simulate() {
        let rules = rules();
        let rules = rules.account("acme").unwrap();
        let error = |plan: &str, rep: &str, data: Value| {
            simulate(rules, plan, rep, &[sale("03-01", None, data)]).unwrap_err().to_string()
        };
        assert_eq!(error("x", "r1", json!({})), "no plan \"x\" in these rules");
        assert_eq!(error("ae", "x", json!({})), "no rep \"x\" in these rules");
        assert_eq!(error("ae", "r2", json!({})), "rep \"r2\" takes no part in plan \"ae\"");
        assert_eq!(error("ae", "r1", json!({})), "sale 1: data.amount is missing");
        assert_eq!(error("ae", "r1", json!({"amount": "-1"})), "sale 1: data.amount is negative");
        assert_eq!(error("ae", "r1", json!({"amount": "1", "currency": "USD"})), "sale 1: \"USD\", and the rules count in BRL");
    }
}
