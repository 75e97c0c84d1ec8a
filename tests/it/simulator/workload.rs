//! What producers send: events and commands of two accounts, with everything that goes wrong among producers.

use chrono::{DateTime, SecondsFormat};
use serde_json::{Value, json};

use scorekeeper::outputs::Topic;

use super::random::Random;
use super::rich;
use super::rules::{ACCOUNTS, RICH, SECOND_VERSION};

/// 2026-11-10T12:00:00Z: all events fall into November.
pub const START: i64 = 1_794_312_000_000;
const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;

pub const DAY: i64 = 24 * HOUR;

/// A record as a producer sends it.
#[derive(Clone, Debug)]
pub struct Sent {
    pub topic: Topic,
    pub key: String,
    pub value: Vec<u8>,
    pub timestamp: i64,
}

impl Sent {
    fn is_of_merged(&self) -> bool {
        let value: Value = serde_json::from_slice(&self.value).unwrap();
        value["contact"].as_str().is_some_and(|contact| contact.starts_with('m'))
    }
}

pub struct Workload {
    random: Random,
    /// The producers' time, which is also the log's.
    now: i64,
    next: u64,
    left: u64,
    /// Records that may be sent again.
    again: Vec<Sent>,
    redemptions: u64,
    /// The number of the newest payment.
    payments: u64,
    /// How often the log's time jumps ahead by a week.
    jumps: u64,
    rich: rich::Names,
    /// Whether contacts are also merged in both directions.
    circles: bool,
}

impl Workload {
    pub fn new(mut random: Random, records: u64) -> Workload {
        let (circles, jumps) = (random.one_in(3), if random.one_in(3) { 1 + random.below(2) } else { 0 });
        let (again, rich) = (Vec::new(), rich::Names::default());
        Workload { random, now: START, next: 0, left: records, again, redemptions: 0, payments: 0, jumps, rich, circles }
    }

    /// The producers' time.
    pub fn now(&self) -> i64 {
        self.now
    }

    pub fn is_done(&self) -> bool {
        self.left == 0
    }

    /// The next records.
    pub fn take(&mut self, records: u64) -> Vec<Sent> {
        let records = records.min(self.left);
        self.left -= records;
        (0..records).map(|_| self.one()).collect()
    }

    fn one(&mut self) -> Sent {
        self.now += self.random.below(12 * MINUTE as u64) as i64;
        self.next += 1;
        if self.jumps > 0 && self.now > SECOND_VERSION && self.random.one_in(40) {
            // identities are forgotten; in merged contacts an entry is told from another by its event alone
            self.jumps -= 1;
            self.now += 7 * DAY + self.random.below(DAY as u64) as i64;
            self.again.retain(|sent| !sent.is_of_merged());
        }
        let timestamp = self.now;
        match self.random.below(100) {
            0..12 if !self.again.is_empty() => {
                let known = self.random.pick(&self.again).clone();
                Sent { timestamp, ..self.changed(known) }
            }
            12..15 => self.malformed(),
            15..35 => self.command(),
            _ => self.event(),
        }
    }

    /// The same again, sometimes with other content.
    fn changed(&mut self, mut sent: Sent) -> Sent {
        let mut value: Value = serde_json::from_slice(&sent.value).unwrap();
        if self.random.one_in(3) && value["type"] != "contact.merged" {
            value["data"]["note"] = json!(self.random.below(3));
            sent.value = value.to_string().into_bytes();
        }
        if sent.topic == Topic::ProductEvents && value["contact"].is_string() && self.random.one_in(2) {
            sent.key = right_key(&value);
        }
        sent
    }

    fn malformed(&mut self) -> Sent {
        let number = self.next;
        let value = match self.random.below(4) {
            0 => format!("{{not json {number}"),
            1 => format!("[{number}]"),
            2 => json!({"specversion": "1.0", "id": format!("x{number}"), "source": "crm", "account": "acme", "contact": "c1",
                        "time": text(self.now)})
            .to_string(),
            _ => json!({"specversion": "1.0", "id": format!("x{number}"), "source": "crm", "type": "deal.won", "account": "acme",
                        "contact": "c1", "time": "yesterday"})
            .to_string(),
        };
        let key = format!("acme/c{}", self.random.below(8));
        Sent { topic: Topic::ProductEvents, key, value: value.into_bytes(), timestamp: self.now }
    }

    fn event_time(&mut self) -> i64 {
        let ago = match self.random.below(10) {
            0..6 => self.random.below(5 * MINUTE as u64),
            6..9 => self.random.below(3 * HOUR as u64),
            _ => self.random.below(75 * HOUR as u64),
        };
        self.now - ago as i64
    }

    fn event(&mut self) -> Sent {
        let account = *self.random.pick(&ACCOUNTS);
        let family = *self.random.pick(&["c", "c", "c", "e", "m"]);
        let contact = format!("{family}{}", self.random.below(if family == "c" { 8 } else { 4 }));
        let actor = *self.random.pick(&["r1", "r1", "r2", "r3", "r4", "r9", ""]);
        let amount = format!("{}.{:02}", self.random.below(200), self.random.below(100));
        let mut data = json!({});
        let special =
            if account == RICH && self.random.one_in(2) { self.rich.event(&mut self.random, self.next, actor) } else { None };
        let has_contact = special.as_ref().is_none_or(|(kind, _)| !kind.starts_with("rep."));
        let kind = match self.random.below(100) {
            _ if special.is_some() => {
                let (kind, of_kind) = special.unwrap();
                data = of_kind;
                kind
            }
            0..20 => {
                data["product"] = json!(self.random.pick(&["pro", "basic"]));
                if account == RICH {
                    (data["amount"], data["deal"]) = (json!(amount), json!(self.rich.deal(&mut self.random)));
                }
                "deal.won"
            }
            20..40 if family != "m" => "page.viewed",
            40..50 => "form.submitted",
            50..58 if family != "m" => "proposal.sent",
            58..68 => "email.opened",
            68..82 => {
                data = json!({"amount": amount, "payment": format!("p{}", self.next)});
                self.payments = self.next;
                match self.random.below(12) {
                    0 => data["amount"] = json!("much"),
                    1 => data["currency"] = json!("USD"),
                    _ => {}
                }
                "payment.confirmed"
            }
            82..86 => {
                // of a payment, or of one that may come yet, or of another account's
                let payment = if self.payments == 0 || self.random.one_in(6) {
                    self.next + self.random.below(9)
                } else {
                    self.payments - self.random.below(self.payments.min(30))
                };
                data = json!({"amount": amount, "payment": format!("p{payment}")});
                "payment.refunded"
            }
            86..92 => "call.made",
            92..96 if family == "e" => "contact.erased",
            92..100 if family == "m" => {
                let number: u64 = contact[1..].parse().unwrap();
                if number % 2 == 1 && !self.circles {
                    "email.opened"
                } else {
                    data["into"] = json!(format!("m{}", number ^ 1));
                    "contact.merged"
                }
            }
            _ => "note.written",
        };
        let is_future = self.random.one_in(50);
        let time = if is_future { self.now + 11 * MINUTE } else { self.event_time() };
        data["future"] = json!(is_future);
        let mut value = json!({
            "specversion": "1.0", "id": format!("e{}", self.next), "source": "crm", "type": kind, "time": text(time),
            "account": account, "data": data,
        });
        if !actor.is_empty() {
            value["actor"] = json!(actor);
        }
        let mut key = format!("{account}/{}", if actor.is_empty() { "nobody" } else { actor });
        if kind != "call.made" && has_contact {
            value["contact"] = json!(contact);
            key = if self.random.one_in(16) { format!("{account}/z{}", self.random.below(9)) } else { right_key(&value) };
        }
        let sent = Sent { topic: Topic::ProductEvents, key, value: value.to_string().into_bytes(), timestamp: self.now };
        if !is_future {
            self.again.push(sent.clone());
        }
        sent
    }

    fn command(&mut self) -> Sent {
        let account = *self.random.pick(&ACCOUNTS);
        let rep = *self.random.pick(&["r1", "r2", "r3", "r9"]);
        let special = if account == RICH && self.random.one_in(2) { Some(self.rich.command(&mut self.random)) } else { None };
        let (kind, data) = match self.random.below(13) {
            _ if special.is_some() => special.unwrap(),
            0..3 => ("coins.adjust", json!({"rep": rep, "coins": self.random.below(30) as i64 - 10})),
            3 => ("xp.adjust", json!({"rep": rep, "xp": self.random.below(200) as i64 - 50})),
            4..8 => {
                self.redemptions += 1;
                let redemption = format!("d{}", self.redemptions - u64::from(self.random.one_in(8)));
                let prize = *self.random.pick(&["headset", "headset", "mug", "yacht"]);
                (
                    "redemption.request",
                    json!({"redemption": redemption, "rep": rep, "prize": prize, "quantity": 1 + self.random.below(2)}),
                )
            }
            8..10 => {
                let redemption = format!("d{}", 1 + self.random.below(self.redemptions + 1));
                let kind =
                    *self.random.pick(&["redemption.approve", "redemption.reject", "redemption.cancel", "redemption.deliver"]);
                (kind, json!({"redemption": redemption}))
            }
            10 => {
                let contact = format!("c{}", self.random.below(8));
                ("contact.assign", json!({"contact": contact, "rep": self.random.pick(&["r1", "r2", "r4", "r9"])}))
            }
            _ => {
                let amount = format!("{}{}.50", self.random.pick(&["", "-"]), self.random.below(20));
                let periods: &[&str] =
                    if account == RICH { &["2026-W46", "2026-W47"] } else { &["2026-11", "2026-11", "2026-11", "2026-12"] };
                let statement = format!("{account}/ae/{}/{rep}", self.random.pick(periods));
                let kind = *self.random.pick(&["statement.adjust", "statement.adjust", "statement.approve", "statement.pay"]);
                let data = match kind {
                    "statement.adjust" => json!({"statement": statement, "amount": amount, "reason": "bonus"}),
                    _ => json!({"statement": statement}),
                };
                (kind, data)
            }
        };
        let value = json!({
            "specversion": "1.0", "id": format!("k{}", self.next), "source": "api", "type": kind, "time": text(self.now),
            "account": account, "actor": if kind == "item.claim" { rep } else { "boss" }, "data": data,
        });
        let sent =
            Sent { topic: Topic::Commands, key: account.to_owned(), value: value.to_string().into_bytes(), timestamp: self.now };
        self.again.push(sent.clone());
        sent
    }
}

/// The key that an event should have.
pub fn right_key(event: &Value) -> String {
    format!("{}/{}", event["account"].as_str().unwrap(), event["contact"].as_str().unwrap())
}

fn text(time: i64) -> String {
    DateTime::from_timestamp_millis(time).unwrap().to_rfc3339_opts(SecondsFormat::Millis, true)
}
