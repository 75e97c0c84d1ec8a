//! Commissions: a tenth of the net basis of November, in statements that are approved and paid.

use std::collections::BTreeMap;

use rust_decimal::{Decimal, RoundingStrategy};

use super::MONTH_ENDS;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Status {
    #[default]
    Accrued,
    Approved,
    Paid,
}

#[derive(Debug, Default)]
struct Payment {
    rep: String,
    amount: Decimal,
    refunded: Decimal,
}

/// All events fall into November; what comes after its statement was approved goes to December's.
#[derive(Debug, Default)]
pub struct Commissions {
    /// Net basis of November, by rep.
    basis: BTreeMap<String, Decimal>,
    payments: BTreeMap<String, Vec<Payment>>,
    waiting: BTreeMap<String, Vec<Decimal>>,
    /// By month and rep: status and total.
    pub statements: BTreeMap<(u8, String), (Status, Decimal)>,
}

impl Commissions {
    fn post(&mut self, rep: &str, amount: Decimal) {
        let status = self.statements.get(&(11, rep.to_owned())).map_or(Status::Accrued, |(status, _)| *status);
        let month = if status == Status::Accrued { 11 } else { 12 };
        self.statements.entry((month, rep.to_owned())).or_default().1 += amount;
    }

    fn change(&mut self, rep: &str, by: Decimal) {
        let round = |basis: Decimal| (basis / Decimal::TEN).round_dp_with_strategy(2, RoundingStrategy::MidpointNearestEven);
        let basis = self.basis.entry(rep.to_owned()).or_default();
        let before = round(*basis);
        *basis += by;
        let after = round(*basis);
        self.post(rep, after - before);
    }

    pub fn pay(&mut self, rep: &str, payment: &str, amount: Decimal) {
        self.change(rep, amount);
        let paid = Payment { rep: rep.to_owned(), amount, refunded: Decimal::ZERO };
        self.payments.entry(payment.to_owned()).or_default().push(paid);
        for refund in self.waiting.remove(payment).unwrap_or_default() {
            self.refund(payment, refund);
        }
    }

    pub fn refund(&mut self, payment: &str, amount: Decimal) {
        if payment.is_empty() {
            return;
        }
        let Some(mut payments) = self.payments.remove(payment) else {
            return self.waiting.entry(payment.to_owned()).or_default().push(amount);
        };
        let mut left = amount;
        for paid in &mut payments {
            let part = left.min(paid.amount - paid.refunded);
            (left, paid.refunded) = (left - part, paid.refunded + part);
            self.change(&paid.rep, -part);
        }
        self.payments.insert(payment.to_owned(), payments);
    }

    /// A command about a statement, whose id ends with `month/rep`. Whether it is accepted.
    pub fn command(&mut self, kind: &str, statement: &str, amount: Option<Decimal>, now: i64) -> bool {
        let mut parts = statement.rsplit('/');
        let (rep, month) = (parts.next().unwrap().to_owned(), parts.next().unwrap());
        let month: u8 = month.rsplit('-').next().unwrap().parse().unwrap();
        let Some((status, total)) = self.statements.get_mut(&(month, rep.clone())) else { return false };
        match (kind, *status) {
            ("statement.adjust", Status::Accrued) => *total += amount.unwrap(),
            ("statement.adjust", _) => self.statements.entry((month + 1, rep)).or_default().1 += amount.unwrap(),
            ("statement.approve", Status::Accrued) if month == 11 && now >= MONTH_ENDS => *status = Status::Approved,
            ("statement.pay", Status::Approved) => {
                *status = Status::Paid;
                let rest = -*total;
                if rest > Decimal::ZERO {
                    *total += rest;
                    self.statements.entry((month + 1, rep)).or_default().1 -= rest;
                }
            }
            _ => return false,
        }
        true
    }
}
