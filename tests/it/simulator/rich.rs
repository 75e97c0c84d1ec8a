//! What only the rich account sees: ownership, assignment, presence, certifications, recognition.

use serde_json::{Value, json};

use super::random::Random;

/// Names given so far.
#[derive(Default)]
pub struct Names {
    items: u64,
    deals: u64,
}

const REPS: [&str; 6] = ["r1", "r2", "r3", "r4", "r5", "r9"];

impl Names {
    /// A deal, mostly one that is known.
    pub fn deal(&mut self, random: &mut Random) -> String {
        if self.deals == 0 || random.one_in(3) {
            self.deals += 1;
        }
        format!("deal{}", self.deals - random.below(self.deals.min(6)))
    }

    fn item(&mut self, random: &mut Random) -> String {
        format!("i{}", self.items.saturating_sub(random.below(self.items.min(6) + 1)))
    }

    fn contacts(random: &mut Random) -> Vec<String> {
        (0..1 + random.below(4)).map(|_| format!("c{}", random.below(8))).collect()
    }

    /// An event's type and data; `None` where one needs an actor and there is none.
    pub fn event(&mut self, random: &mut Random, number: u64, actor: &str) -> Option<(&'static str, Value)> {
        Some(match random.below(16) {
            0..3 => {
                self.items = number;
                let channel = *random.pick(&["whatsapp", "instagram"]);
                ("conversation.opened", json!({"conversation": format!("i{number}"), "channel": channel}))
            }
            3..5 => {
                self.items = number;
                let channel = *random.pick(&["messenger", "instagram", "whatsapp"]);
                ("comment.created", json!({"comment": format!("i{number}"), "channel": channel}))
            }
            5 => (*random.pick(&["conversation.closed", "conversation.archived"]), json!({"conversation": self.item(random)})),
            6 => (*random.pick(&["comment.closed", "comment.answered"]), json!({"comment": self.item(random)})),
            7 => (*random.pick(&["message.sent", "message.received"]), json!({"conversation": self.item(random)})),
            8 => {
                let amount = format!("{}.00", random.below(300));
                (
                    *random.pick(&["deal.created", "deal.stage_changed", "deal.lost"]),
                    json!({"deal": self.deal(random), "amount": amount}),
                )
            }
            9 => (
                *random.pick(&["followup.scheduled", "followup.completed"]),
                json!({"followup": format!("f{}", random.below(5))}),
            ),
            10 => ("proposal.viewed", json!({"proposal": format!("o{}", random.below(5))})),
            11..15 if !actor.is_empty() => (*random.pick(&["rep.online", "rep.online", "rep.offline"]), json!({})),
            15 => ("contact.created", json!({"region": "south"})),
            _ => return None,
        })
    }

    pub fn command(&mut self, random: &mut Random) -> (&'static str, Value) {
        let (rep, other) = (*random.pick(&REPS), *random.pick(&REPS));
        let contact = format!("c{}", random.below(8));
        match random.below(15) {
            0 => ("contact.unassign", json!({"contact": contact})),
            1 => ("contacts.transfer", json!({"from": rep, "to": random.pick(&[other, "round_robin"]), "reason": "leave"})),
            2 => ("contacts.transfer", json!({"from": rep, "to": other, "contacts": Self::contacts(random), "reason": "swap"})),
            3 => ("record.assign", json!({"kind": "deal", "id": self.deal(random), "rep": rep})),
            4 => ("item.claim", json!({"kind": random.pick(&["conversation", "comment"]), "id": self.item(random)})),
            5 => ("portfolio.create", json!({"portfolio": format!("f{}", random.below(3)), "name": "New", "reps": [rep, other]})),
            6 => ("portfolio.update", json!({"portfolio": "f0", "active": random.one_in(2)})),
            7 | 8 => {
                let portfolio = *random.pick(&["vip", "mid", "f0", "f1"]);
                let on_conflict = *random.pick(&["report", "move", "keep"]);
                let contacts = Self::contacts(random);
                ("portfolio.assign", json!({"portfolio": portfolio, "contacts": contacts, "on_conflict": on_conflict}))
            }
            9 => ("portfolio.remove", json!({"contacts": Self::contacts(random)})),
            10 => ("conversation.reassign", json!({"conversation": self.item(random), "rep": rep})),
            11 => (*random.pick(&["rep.activate", "rep.activate", "rep.deactivate"]), json!({"rep": rep})),
            12 => (
                *random.pick(&["certification.grant", "certification.revoke"]),
                json!({"rep": rep, "certification": "product-pro"}),
            ),
            13 => ("recognition.give", json!({"from": rep, "to": other, "message": "thanks", "coins": random.below(4)})),
            _ => ("contact.assign", json!({"contact": contact, "rep": rep})),
        }
    }
}
