//! `scorekeeper generate`: a plausible stream of a sales floor, the same for the same seed.

use std::io::Write;

use serde_json::{Value, json};

use super::{Exit, Failure};
use crate::events::{Duration, Timestamp};

/// Write seeded sample events as JSON lines: a sales floor of eight reps and its contacts, for the rules of the demo.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  scorekeeper generate --events 10000 --seed 7 > events.jsonl")]
pub struct Args {
    /// How many.
    #[arg(long)]
    events: u64,
    /// The same seed gives the same events.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The time of the first event.
    #[arg(long, value_name = "TIME", default_value = "2026-11-02T09:00:00Z", value_parser = |text: &str| Timestamp::parse(text).map_err(|e| e.to_string()))]
    start: Timestamp,
    /// Event time between two events.
    #[arg(long, default_value = "20s", value_parser = |text: &str| Duration::parse(text).ok_or("write 90s, 15m, 1h"))]
    every: Duration,
    /// The account they belong to.
    #[arg(long, default_value = "demo")]
    account: String,
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    let mut generator = Generator::new(args.seed, &args.account);
    let mut out = std::io::BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    let mut time = args.start;
    for _ in 0..args.events {
        if writeln!(out, "{}", generator.event(time)).is_err() {
            return Ok(Exit::Success); // the reader has seen enough
        }
        time = time.plus(args.every);
    }
    let _ = out.flush();
    Ok(Exit::Success)
}

/// The reps of the demo's rules.
pub const REPS: [&str; 8] = ["ana", "bruno", "carla", "diego", "elisa", "fabio", "gisele", "hugo"];

/// Makes one event after the other.
#[derive(Debug)]
pub struct Generator {
    random: SplitMix,
    account: String,
    made: u64,
    /// Deals under way: id, contact, rep, amount in cents.
    deals: Vec<(u64, String, &'static str, u64)>,
    /// Deals won and not yet paid, likewise.
    unpaid: Vec<(u64, String, &'static str, u64)>,
    /// Conversations under way: id, contact, rep.
    conversations: Vec<(u64, String, &'static str)>,
}

const CONTACTS: u64 = 400;

impl Generator {
    pub fn new(seed: u64, account: &str) -> Generator {
        let (deals, unpaid, conversations) = (Vec::new(), Vec::new(), Vec::new());
        Generator { random: SplitMix(seed), account: account.to_owned(), made: 0, deals, unpaid, conversations }
    }

    /// The next event, at the given time: a CloudEvent.
    pub fn event(&mut self, time: Timestamp) -> Value {
        self.made += 1;
        if self.made <= REPS.len() as u64 {
            // everyone comes to work first
            let rep = REPS[self.made as usize - 1];
            return self.envelope("rep.online", time, None, Some(rep), json!({ "rep": rep }));
        }
        // a few contacts are busy, most are quiet
        let (a, b) = (self.random.below(CONTACTS), self.random.below(CONTACTS));
        let contact = format!("c{}", a.min(b));
        let rep = self.rep();
        let channel = ["whatsapp", "instagram", "messenger", "email", "webchat"][self.random.below(5) as usize];
        let n = self.made;
        match self.random.below(100) {
            0..=23 => {
                let page = ["/", "/pricing", "/pricing/teams", "/docs", "/blog/goals"][self.random.below(5) as usize];
                self.envelope("page.viewed", time, Some(&contact), None, json!({ "path": page }))
            }
            24..=45 => self.envelope(
                "message.received",
                time,
                Some(&contact),
                None,
                json!({ "conversation": format!("v{a}"), "channel": channel }),
            ),
            46..=57 => self.envelope(
                "message.sent",
                time,
                Some(&contact),
                Some(rep),
                json!({ "conversation": format!("v{a}"), "channel": channel }),
            ),
            58..=63 => self.envelope("email.opened", time, Some(&contact), None, json!({ "email": format!("news-{}", n / 500) })),
            64..=67 => {
                self.conversations.push((n, contact.clone(), rep));
                self.envelope(
                    "conversation.opened",
                    time,
                    Some(&contact),
                    None,
                    json!({ "conversation": format!("v{n}"), "channel": channel }),
                )
            }
            68..=70 => match take(&mut self.conversations, &mut self.random) {
                Some((id, contact, rep)) => self.envelope(
                    "conversation.closed",
                    time,
                    Some(&contact),
                    Some(rep),
                    json!({ "conversation": format!("v{id}") }),
                ),
                None => self.envelope("page.viewed", time, Some(&contact), None, json!({ "path": "/" })),
            },
            71..=73 => self.envelope(
                "comment.created",
                time,
                Some(&contact),
                None,
                json!({ "comment": format!("m{n}"), "channel": "instagram" }),
            ),
            74..=79 => {
                let amount = 15_000 + self.random.below(80) * 2_500;
                self.deals.push((n, contact.clone(), rep, amount));
                self.envelope(
                    "deal.created",
                    time,
                    Some(&contact),
                    Some(rep),
                    json!({ "deal": format!("d{n}"), "amount": money(amount) }),
                )
            }
            80..=88 => match take(&mut self.deals, &mut self.random) {
                Some((deal, contact, rep, amount)) => {
                    self.unpaid.push((deal, contact.clone(), rep, amount));
                    let product = if self.random.below(3) == 0 { "pro" } else { "basic" };
                    self.envelope(
                        "deal.won",
                        time,
                        Some(&contact),
                        Some(rep),
                        json!({ "deal": format!("d{deal}"), "amount": money(amount), "product": product }),
                    )
                }
                None => self.envelope("booking.created", time, Some(&contact), Some(rep), json!({ "booking": format!("b{n}") })),
            },
            89..=94 => match take(&mut self.unpaid, &mut self.random) {
                Some((deal, contact, rep, amount)) => {
                    let data = json!({ "payment": format!("p{deal}"), "deal": format!("d{deal}"), "amount": money(amount), "currency": "BRL" });
                    self.envelope("payment.confirmed", time, Some(&contact), Some(rep), data)
                }
                None => {
                    self.envelope("followup.completed", time, Some(&contact), Some(rep), json!({ "followup": format!("f{n}") }))
                }
            },
            95 => self.envelope("followup.scheduled", time, Some(&contact), Some(rep), json!({ "followup": format!("f{n}") })),
            96 => self.envelope("proposal.sent", time, Some(&contact), Some(rep), json!({ "proposal": format!("o{n}") })),
            97 => self.envelope("form.submitted", time, Some(&contact), None, json!({ "form": "contact-us" })),
            98 => self.envelope("booking.completed", time, Some(&contact), Some(rep), json!({ "booking": format!("b{n}") })),
            _ => self.envelope(
                "catalog.sale",
                time,
                Some(&contact),
                Some(rep),
                json!({ "amount": money(2_900), "currency": "BRL", "product": "course" }),
            ),
        }
    }

    /// Some reps do better than others.
    fn rep(&mut self) -> &'static str {
        let (a, b) = (self.random.below(REPS.len() as u64), self.random.below(REPS.len() as u64));
        REPS[a.min(b) as usize]
    }

    fn envelope(&self, kind: &str, time: Timestamp, contact: Option<&str>, actor: Option<&str>, data: Value) -> Value {
        let mut event = json!({
            "specversion": "1.0", "id": format!("g{}", self.made), "source": "/generator", "type": kind, "time": time,
            "account": self.account, "data": data,
        });
        if let Some(contact) = contact {
            event["contact"] = json!(contact);
        }
        if let Some(actor) = actor {
            event["actor"] = json!(actor);
        }
        event
    }
}

fn money(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

fn take<T>(items: &mut Vec<T>, random: &mut SplitMix) -> Option<T> {
    let count = items.len() as u64;
    (count > 0).then(|| items.swap_remove(random.below(count) as usize))
}

/// A small seeded generator of numbers.
/// Source: G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", 2014.
#[derive(Debug)]
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}
