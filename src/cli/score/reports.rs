//! The reports at the end of the summary: how far goals have come, what is to be paid to whom, and which few make most of it.

use serde_json::Value;

use super::summary::{SHOWN, table};
use crate::events::Amount;
use crate::rules::account::reports::{Attainment, GoalRow, Pareto, Payout, PayoutRow, attainment, pareto, payout};

/// What the last values of goals, statements and reps come to.
pub struct Reports {
    /// By rep, team or account, over all periods.
    pub attainment: Vec<Attainment>,
    /// By rep: statements, and the balance of coins.
    pub payout: Vec<Payout>,
    /// Of XP: who makes 80 % of it. `None` where nobody has any.
    pub pareto: Option<Pareto>,
}

impl Reports {
    pub fn of(goals: &[Value], statements: &[Value], reps: &[Value]) -> Reports {
        let amount = |value: &Value| Amount::from_json(value).unwrap_or_default();
        let goal_rows = goals.iter().filter_map(|goal| {
            Some(GoalRow { by: goal["subject"].as_str()?, value: amount(&goal["value"]), target: amount(&goal["target"]) })
        });
        let statement_rows = statements.iter().filter_map(|statement| {
            let (by, status) = (statement["rep"].as_str()?, statement["status"].as_str()?);
            Some(PayoutRow { by, status, total: amount(&statement["total"]), coins: 0 })
        });
        let coin_rows = reps.iter().filter_map(|rep| {
            let coins = rep["coins"].as_i64().filter(|coins| *coins != 0)?;
            Some(PayoutRow { by: rep["rep"].as_str()?, status: "", total: Amount::ZERO, coins })
        });
        let xp = reps.iter().filter_map(|rep| Some((rep["rep"].as_str()?.to_owned(), Amount::from(rep["xp"].as_i64()?))));
        Reports {
            attainment: attainment(goal_rows),
            payout: payout(statement_rows.chain(coin_rows)),
            pareto: Some(pareto(xp)).filter(|pareto| pareto.subjects > 0),
        }
    }

    pub fn print(&self) {
        let goals = self
            .attainment
            .iter()
            .take(SHOWN)
            .map(|row| vec![row.by.clone(), row.goals.to_string(), row.reached.to_string(), percent(row.attainment)]);
        table("Attainment", &["subject", "goals", "reached", "mean"], goals);
        let payouts = self.payout.iter().take(SHOWN).map(|row| {
            let amounts = [row.accrued, row.approved, row.paid, row.total].map(|amount| amount.to_string());
            [vec![row.by.clone()], amounts.to_vec(), vec![row.coins.to_string()]].concat()
        });
        table("Payout", &["rep", "accrued", "approved", "paid", "total", "coins"], payouts);
        if let Some(pareto) = &self.pareto {
            let who: Vec<&str> =
                pareto.curve.iter().take(pareto.subjects.min(SHOWN)).map(|point| point.subject.as_str()).collect();
            let (share, makes) = (percent(pareto.share), percent(pareto.makes));
            println!("\n{} of {} reps ({share}) make {makes} of the XP: {}", pareto.subjects, pareto.of, who.join(" "));
        }
    }
}

/// A ratio as a percentage, with one decimal.
fn percent(ratio: Amount) -> String {
    let percent = ratio.0.checked_mul(rust_decimal::Decimal::ONE_HUNDRED).unwrap_or_default().round_dp(1).normalize();
    format!("{percent} %")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reports_say_what_the_last_values_come_to() {
        let goals = [json!({"subject": "r1", "value": "5", "target": "10"}), json!({"subject": "r1", "value": 3, "target": "2"})];
        let statement = |status: &str, total: &str| json!({"rep": "r1", "status": status, "total": total});
        let statements = [statement("paid", "10.50"), statement("accrued", "2.00")];
        let reps = [json!({"rep": "r1", "xp": 90, "coins": 7}), json!({"rep": "r2", "xp": 10, "coins": 0})];
        let reports = Reports::of(&goals, &statements, &reps);
        let shown = (percent(reports.attainment[0].attainment), reports.attainment[0].reached);
        assert_eq!(shown, ("100 %".to_owned(), 1));
        assert_eq!(
            (reports.payout.len(), reports.payout[0].coins, reports.payout[0].total.to_string().as_str()),
            (1, 7, "12.50")
        );
        let pareto = reports.pareto.unwrap();
        assert_eq!((pareto.subjects, percent(pareto.share)), (1, "50 %".to_owned()));
        assert!(Reports::of(&[], &[], &[]).pareto.is_none());
    }
}
