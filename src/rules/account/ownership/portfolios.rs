//! Portfolios: groups of contacts that route to reps or a team. The rules declare some, commands make and change others;
//! what a command said of a portfolio stands, whatever later rules declare.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::Account;
use super::super::commands::{Answer, Command, Rejected};
use super::jobs::{self, Job};
use super::queue::Line;
use crate::events::keys;
use crate::state::{Row, Table};

/// A portfolio as a command left it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct PortfolioRow {
    portfolio: Portfolio,
    deleted: bool,
}

impl Row for PortfolioRow {
    const TABLE: Table = Table::Portfolio;
}

/// What a portfolio is: it routes to its team, else to its reps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Portfolio {
    pub name: Option<String>,
    pub reps: Vec<String>,
    pub team: Option<String>,
    pub active: bool,
}

/// The portfolio of that key, if there is one.
pub fn find(account: &mut Account<'_>, portfolio: &str) -> Option<Portfolio> {
    if let Some(row) = account.state.get::<PortfolioRow>(&keys::join(&[account.id, portfolio])) {
        return (!row.deleted).then(|| row.portfolio.clone());
    }
    let declared = account.book.ownership.portfolios.iter().find(|declared| declared.key == portfolio)?;
    Some(Portfolio {
        name: declared.name.clone(),
        reps: declared.reps.clone(),
        team: declared.team.clone(),
        active: declared.active,
    })
}

/// The key under which the index knows a contact of a portfolio.
pub fn member_key(account: &Account<'_>, portfolio: &str, contact: &str) -> String {
    keys::join(&[account.id, portfolio, contact])
}

/// `portfolio.create {portfolio, name, reps|team, active}`
pub fn create(account: &mut Account<'_>, command: &Command<'_>) -> Answer {
    let key = command.text("portfolio")?;
    let portfolio = described(account, command, Portfolio { active: true, ..Portfolio::default() })?;
    if portfolio.reps.is_empty() && portfolio.team.is_none() {
        return Err(Rejected::because("invalid_reps"));
    }
    if find(account, key).is_some() {
        return Err(Rejected::because("duplicate_portfolio"));
    }
    // while its contacts are still being freed, they would come to the new one
    if jobs::frees(account, key) {
        return Err(Rejected::because("wrong_status"));
    }
    store(account, command, key, portfolio)
}

/// `portfolio.update {portfolio, name, reps|team, active}`; what is absent stays.
pub fn update(account: &mut Account<'_>, command: &Command<'_>) -> Answer {
    let key = command.text("portfolio")?;
    let Some(before) = find(account, key) else { return Err(Rejected::because("unknown_portfolio")) };
    let portfolio = described(account, command, before)?;
    store(account, command, key, portfolio)
}

/// `portfolio.delete {portfolio}`: its contacts are in none from then on.
pub fn delete(account: &mut Account<'_>, command: &Command<'_>) -> Answer {
    let key = command.text("portfolio")?;
    let Some(portfolio) = find(account, key) else { return Err(Rejected::because("unknown_portfolio")) };
    if !command.dry_run {
        account.state.put(&keys::join(&[account.id, key]), PortfolioRow { portfolio, deleted: true });
        let by = command.actor.map(str::to_owned);
        jobs::start(account, Job::Free { portfolio: key.to_owned(), by, at: command.time, from: String::new() });
    }
    Ok(None)
}

fn store(account: &mut Account<'_>, command: &Command<'_>, key: &str, portfolio: Portfolio) -> Answer {
    if !command.dry_run {
        account.state.put(&keys::join(&[account.id, key]), PortfolioRow { portfolio, deleted: false });
        // its reps may be the ones that somebody waits for
        for line in [Line::Items, Line::Contacts] {
            jobs::start(account, Job::offer(line, command.time));
        }
    }
    Ok(None)
}

/// The portfolio that a command describes, over what it was.
fn described(account: &mut Account<'_>, command: &Command<'_>, before: Portfolio) -> Result<Portfolio, Rejected> {
    let mut portfolio = before;
    let book = account.book;
    if let Some(name) = command.optional_text("name")? {
        portfolio.name = Some(name.to_owned());
    }
    if command.data.get("reps").is_some() {
        let reps = command.texts("reps")?;
        if reps.iter().any(|rep| book.rep(rep).is_none()) {
            return Err(Rejected::because("unknown_rep"));
        }
        portfolio.reps = reps.into_iter().map(str::to_owned).collect();
        portfolio.team = None;
    }
    if let Some(team) = command.optional_text("team")? {
        if !book.teams.iter().any(|known| known.key == team) {
            return Err(Rejected::because("unknown_team"));
        }
        portfolio.team = Some(team.to_owned());
        portfolio.reps.clear();
    }
    match command.data.get("active") {
        None => {}
        Some(Value::Bool(active)) => portfolio.active = *active,
        Some(_) => return Err(Rejected::because("invalid_active")),
    }
    Ok(portfolio)
}
