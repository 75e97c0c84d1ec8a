//! Commands: each is answered once, on `command-results`.
//!
//! A command whose id was seen in the last 30 days gets the same answer again and changes nothing. A handler first checks
//! everything, then returns if the command is a dry run, and only then changes anything.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::timers::{self, Timer};
use super::{
    Account, Cause, certifications, coins, commissions, ownership, recognition, redemptions, rewards, view::COMMAND_MEMORY, xp,
};
use crate::decode::Reason;
use crate::events::{Amount, CommandRecord, Data, Timestamp, keys};
use crate::outputs::{self, Output, dead_letter};
use crate::state::{Row, Table};

/// A command being carried out.
#[derive(Clone, Copy, Debug)]
pub struct Command<'c> {
    pub id: &'c str,
    pub kind: &'c str,
    /// Who asks.
    pub actor: Option<&'c str>,
    pub time: Timestamp,
    pub data: &'c Data<'c>,
    /// Answer, but change nothing.
    pub dry_run: bool,
}

/// Why a command was not carried out: `unknown_rep`, `insufficient_coins`, …
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    pub reason: String,
    pub detail: Option<Value>,
}

impl Rejected {
    pub fn because(reason: impl Into<String>) -> Rejected {
        Rejected { reason: reason.into(), detail: None }
    }
}

/// A handler's answer: a detail worth telling, or the reason why not.
pub type Answer = Result<Option<Value>, Rejected>;

impl<'c> Command<'c> {
    /// A text of the data that must be there: else `invalid_<field>`.
    pub fn text(&self, field: &str) -> Result<&'c str, Rejected> {
        let text = self.data.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
        text.ok_or_else(|| Rejected::because(format!("invalid_{field}")))
    }

    /// A text of the data that may be absent.
    pub fn optional_text(&self, field: &str) -> Result<Option<&'c str>, Rejected> {
        match self.data.get(field) {
            None => Ok(None),
            Some(_) => self.text(field).map(Some),
        }
    }

    /// A whole number of the data that must be there.
    pub fn integer(&self, field: &str) -> Result<i64, Rejected> {
        let number = self.data.get(field).and_then(|value| value.as_i64().or_else(|| value.as_str()?.parse().ok()));
        number.ok_or_else(|| Rejected::because(format!("invalid_{field}")))
    }

    /// A decimal number of the data that must be there.
    pub fn amount(&self, field: &str) -> Result<Amount, Rejected> {
        let amount = self.data.get(field).and_then(Amount::from_json);
        amount.ok_or_else(|| Rejected::because(format!("invalid_{field}")))
    }

    /// A list of texts that must be there.
    pub fn texts(&self, field: &str) -> Result<Vec<&'c str>, Rejected> {
        let invalid = || Rejected::because(format!("invalid_{field}"));
        let items = self.data.get(field).and_then(Value::as_array).ok_or_else(invalid)?;
        items.iter().map(|item| item.as_str().filter(|text| !text.is_empty()).ok_or_else(invalid)).collect()
    }

    /// The command's id as a ledger's entry.
    pub fn entry(&self) -> String {
        keys::join(&[self.id])
    }

    pub fn cause(&self) -> Cause<'c> {
        Cause { at: self.time, event: None }
    }
}

/// The answer to a command, kept to be given again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct AnsweredCommand {
    kind: String,
    digest: u64,
    reason: Option<String>,
    /// JSON text.
    detail: Option<String>,
    at: Timestamp,
}

impl Row for AnsweredCommand {
    const TABLE: Table = Table::Command;
}

/// Carries out a command and answers it.
pub fn apply_command(account: &mut Account<'_>, record: &CommandRecord<'_>) {
    let key = keys::join(&[account.id, record.id]);
    if let Some(answered) = account.state.get::<AnsweredCommand>(&key).cloned() {
        if answered.digest != record.digest {
            let message = format!("command {} was answered before with other content", record.id);
            dead_letter(account.out, &record.original, "account", Reason::ConflictingDuplicate, &message);
        }
        return answer(account, record.id, &answered);
    }
    let data = Data::new(record.data);
    let dry_run = data.get("dry_run") == Some(&Value::Bool(true));
    let command = Command { id: record.id, kind: record.kind, actor: record.actor, time: record.time, data: &data, dry_run };
    let result = if record.time < account.time.minus(COMMAND_MEMORY) {
        Err(Rejected::because("expired"))
    } else {
        carry_out(account, &command)
    };
    rewards::settle(account, command.cause());
    let (reason, detail) = match result {
        Ok(detail) => (None, detail),
        Err(rejected) => (Some(rejected.reason), rejected.detail),
    };
    let detail = detail.map(|detail| detail.to_string());
    let answered = AnsweredCommand { kind: record.kind.to_owned(), digest: record.digest, reason, detail, at: record.time };
    answer(account, record.id, &answered);
    let forget_at = account.time.max(record.time).plus(COMMAND_MEMORY);
    timers::set(account, forget_at, &key, Timer::CommandForgotten { command: key.clone() });
    account.state.put(&key, answered);
}

fn carry_out(account: &mut Account<'_>, command: &Command<'_>) -> Answer {
    match command.kind {
        "xp.adjust" => xp::adjust(account, command),
        "coins.adjust" => coins::adjust(account, command),
        "recognition.give" => recognition::give(account, command),
        "certification.grant" => certifications::grant(account, command),
        "certification.revoke" => certifications::revoke(account, command),
        kind if kind.starts_with("redemption.") => redemptions::command(account, command),
        kind if kind.starts_with("statement.") => commissions::command(account, command),
        _ => ownership::command(account, command),
    }
}

fn answer(account: &mut Account<'_>, id: &str, answered: &AnsweredCommand) {
    let detail = answered.detail.as_deref().and_then(|detail| serde_json::from_str(detail).ok());
    let account_id = account.id;
    account.emit(&Output::CommandResult(outputs::CommandResult {
        account: account_id,
        command: id,
        kind: &answered.kind,
        status: if answered.reason.is_none() { "accepted" } else { "rejected" },
        reason: answered.reason.as_deref(),
        detail: detail.as_ref(),
        at: answered.at,
    }));
}

/// Forgets an answer.
pub fn forget(account: &mut Account<'_>, command: &str) {
    account.state.delete::<AnsweredCommand>(command);
}
