//! Redemptions of prizes: a queue with its state machine.
//!
//! ```text
//! request → pending → approved → delivered
//!              │ ╲        │
//!              │  ╲───────┴→ canceled
//!              └→ rejected
//! ```
//!
//! A request holds its cost and its pieces at once; a rejection or a cancellation gives both back.

use serde::{Deserialize, Serialize};

use super::commands::{Answer, Command, Rejected};
use super::{Account, Cause, coins, roster};
use crate::events::{Timestamp, keys};
use crate::outputs::{self, Output, RedemptionStep};
use crate::rulebook::{Approval, Prize};
use crate::state::{Row, Table};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Status {
    Pending,
    Approved,
    Delivered,
    Rejected,
    Canceled,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Status::Pending => "pending",
            Status::Approved => "approved",
            Status::Delivered => "delivered",
            Status::Rejected => "rejected",
            Status::Canceled => "canceled",
        }
    }

    /// Whether a redemption may go on to another status. There is no other way.
    fn leads_to(self, next: Status) -> bool {
        matches!(
            (self, next),
            (Status::Pending, Status::Approved | Status::Rejected | Status::Canceled)
                | (Status::Approved, Status::Delivered | Status::Canceled)
        )
    }
}

/// A redemption, by `account/redemption`. It stays: an id is used once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct RedemptionRow {
    rep: String,
    prize: String,
    quantity: i64,
    /// Of the whole quantity.
    cost: i64,
    history: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Step {
    status: Status,
    by: Option<String>,
    reason: Option<String>,
    at: Timestamp,
}

impl Row for RedemptionRow {
    const TABLE: Table = Table::Redemption;
}

impl RedemptionRow {
    fn status(&self) -> Status {
        self.history.last().map_or(Status::Pending, |step| step.status)
    }
}

/// Pieces of a prize that are held or gone, by `account/prize`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct StockRow {
    taken: i64,
}

impl Row for StockRow {
    const TABLE: Table = Table::Stock;
}

/// `redemption.request|approve|deliver|reject|cancel`
pub fn command(account: &mut Account<'_>, command: &Command<'_>) -> Answer {
    match command.kind {
        "redemption.request" => request(account, command),
        "redemption.approve" => step(account, command, Status::Approved),
        "redemption.deliver" => step(account, command, Status::Delivered),
        "redemption.reject" => step(account, command, Status::Rejected),
        "redemption.cancel" => step(account, command, Status::Canceled),
        _ => Err(Rejected::because("unknown_command")),
    }
}

/// `redemption.request {redemption, rep, prize, quantity}`. Where several reasons speak against it, the first of: what is
/// unknown, a used id, who or what is inactive, the stock, the coins.
fn request(account: &mut Account<'_>, command: &Command<'_>) -> Answer {
    let (redemption, rep, prize) = (command.text("redemption")?, command.text("rep")?, command.text("prize")?);
    let quantity = match command.data.get("quantity") {
        None => 1,
        Some(_) => command.integer("quantity")?,
    };
    if quantity <= 0 {
        return Err(Rejected::because("invalid_quantity"));
    }
    if account.book.rep(rep).is_none() {
        return Err(Rejected::because("unknown_rep"));
    }
    let Some(rule) = find_prize(account, prize) else { return Err(Rejected::because("unknown_prize")) };
    let key = keys::join(&[account.id, redemption]);
    if account.state.contains::<RedemptionRow>(&key) {
        return Err(Rejected::because("duplicate_redemption"));
    }
    if !roster::is_active(account, rep) {
        return Err(Rejected::because("inactive_rep"));
    }
    if !rule.active {
        return Err(Rejected::because("inactive_prize"));
    }
    if rule.stock.is_some_and(|stock| stock.saturating_sub(taken(account, prize)) < quantity) {
        return Err(Rejected::because("out_of_stock"));
    }
    let cost = rule.cost.max(0).checked_mul(quantity).filter(|cost| *cost <= coins::balance(account, rep).max(0));
    let Some(cost) = cost else { return Err(Rejected::because("insufficient_coins")) };
    if command.dry_run {
        return Ok(None);
    }
    let by = command.actor.map(str::to_owned);
    let mut history = vec![Step { status: Status::Pending, by, reason: None, at: command.time }];
    if rule.approval == Approval::Auto {
        history.push(Step { status: Status::Approved, by: None, reason: Some("auto".to_owned()), at: command.time });
    }
    take(account, prize, quantity);
    if cost > 0 {
        coins::post(account, rep, -cost, &command.entry(), "redemption.request", Some(redemption), &command.cause());
    }
    let row = RedemptionRow { rep: rep.to_owned(), prize: prize.to_owned(), quantity, cost, history };
    write(account, redemption, &row);
    account.state.put(&key, row);
    Ok(None)
}

fn step(account: &mut Account<'_>, command: &Command<'_>, next: Status) -> Answer {
    let redemption = command.text("redemption")?;
    let reason = command.data.text_at("reason").map(|reason| reason.into_owned());
    let key = keys::join(&[account.id, redemption]);
    let Some(mut row) = account.state.get::<RedemptionRow>(&key).cloned() else {
        return Err(Rejected::because("unknown_redemption"));
    };
    if !row.status().leads_to(next) {
        let detail = serde_json::json!({ "status": row.status().name() });
        return Err(Rejected { reason: "wrong_status".to_owned(), detail: Some(detail) });
    }
    if command.dry_run {
        return Ok(None);
    }
    if matches!(next, Status::Rejected | Status::Canceled) {
        take(account, &row.prize, -row.quantity);
        if row.cost > 0 {
            let (entry, cause) = (command.entry(), command.cause());
            coins::post(account, &row.rep, row.cost, &entry, command.kind, Some(redemption), &cause);
        }
    }
    row.history.push(Step { status: next, by: command.actor.map(str::to_owned), reason, at: command.time });
    write(account, redemption, &row);
    account.state.put(&key, row);
    Ok(None)
}

/// A prize that a reward names: an approved redemption of cost 0, with the grant's id. It takes a piece like any other, but
/// what was promised is not refused for want of stock: further requests are.
pub fn redeem_reward(account: &mut Account<'_>, prize: &str, rep: &str, grant: &str, cause: &Cause<'_>) {
    let key = keys::join(&[account.id, grant]);
    if account.state.contains::<RedemptionRow>(&key) {
        return;
    }
    take(account, prize, 1);
    let step = Step { status: Status::Approved, by: None, reason: Some("reward".to_owned()), at: cause.at };
    let row = RedemptionRow { rep: rep.to_owned(), prize: prize.to_owned(), quantity: 1, cost: 0, history: vec![step] };
    write(account, grant, &row);
    account.state.put(&key, row);
}

/// The prize as the newest version of the rules has it: a stock that was filled up counts at once. One that the newest has
/// no longer is looked up in the version of the command's time.
fn find_prize<'a>(account: &mut Account<'a>, prize: &str) -> Option<&'a Prize> {
    let newest = account.newest_version();
    let newest = account.rules.version(newest).and_then(|book| book.prizes.iter().find(|rule| rule.key == prize));
    newest.or_else(|| account.book.prizes.iter().find(|rule| rule.key == prize))
}

fn taken(account: &mut Account<'_>, prize: &str) -> i64 {
    account.state.get::<StockRow>(&keys::join(&[account.id, prize])).map_or(0, |row| row.taken)
}

fn take(account: &mut Account<'_>, prize: &str, pieces: i64) {
    let row = account.state.entry::<StockRow>(&keys::join(&[account.id, prize]), StockRow::default);
    row.taken = row.taken.saturating_add(pieces);
}

fn write(account: &mut Account<'_>, redemption: &str, row: &RedemptionRow) {
    let history = row.history.iter().map(|step| RedemptionStep {
        status: step.status.name(),
        by: step.by.as_deref(),
        reason: step.reason.as_deref(),
        at: step.at,
    });
    let account_id = account.id;
    account.emit(&Output::Redemption(outputs::Redemption {
        account: account_id,
        redemption,
        rep: &row.rep,
        prize: &row.prize,
        quantity: row.quantity,
        cost: row.cost,
        status: row.status().name(),
        history: history.collect(),
    }));
}
