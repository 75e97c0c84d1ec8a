//! `scorekeeper simulate commissions`: what a plan would pay, line by line.

mod sales;
mod table;

use std::path::PathBuf;

use serde_json::json;

use super::{Exit, Failure, Format, rules};
use crate::events::Amount;
use crate::rulebook::RuleSet;
use crate::rules::account::commissions::simulate::{Simulation, simulate};

/// Simulate what rules would give.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// The statement of a rep, line by line, and the difference between two plans.
    Commissions(CommissionsArgs),
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  scorekeeper simulate commissions --rules rules.yaml --plan ae --rep r12 --sales sales.csv\n\n\
    The sales are a CSV file with a header, or JSONL (one object a line). `time` and `amount` are read from each, and `type`\n\
    where it is not the event that triggers the plan (payment.refunded, say); everything else is a field of the event's data:\n\
    payment, product, currency, …"
)]
struct CommissionsArgs {
    /// A rule file, or a folder of them.
    #[arg(long, required = true)]
    rules: Vec<PathBuf>,
    /// The key of the plan.
    #[arg(long)]
    plan: String,
    /// The rep.
    #[arg(long)]
    rep: String,
    /// A CSV or JSONL file of sales.
    #[arg(long)]
    sales: PathBuf,
    /// Other rules, for the same plan and sales, side by side.
    #[arg(long, value_name = "RULES")]
    compare: Option<PathBuf>,
    /// The account, where the rules are those of several.
    #[arg(long)]
    account: Option<String>,
}

pub fn run(args: &Args, format: Format) -> Result<Exit, Failure> {
    let What::Commissions(args) = &args.what;
    let sales = sales::read(&args.sales)?;
    let play = |paths: &[PathBuf]| -> Result<Simulation, Failure> {
        let rules = rules::load(paths)?;
        let account = account_of(&rules, args.account.as_deref())?;
        let versions = rules.account(&account).ok_or_else(|| Failure::new(Exit::Config, "no rules of this account"))?;
        simulate(versions, &args.plan, &args.rep, &sales).map_err(|error| Failure::new(Exit::Data, error))
    };
    let simulation = play(&args.rules)?;
    let other = args.compare.as_ref().map(|path| play(std::slice::from_ref(path))).transpose()?;
    match format {
        Format::Json => {
            let mut shown = json!({ "plan": args.plan, "rep": args.rep, "simulation": simulation });
            if let Some(other) = &other {
                shown["compare"] = json!(other);
                shown["difference"] = json!(difference(&simulation, other));
            }
            println!("{shown:#}");
        }
        Format::Text => {
            println!("{}", table::lines(&simulation));
            match &other {
                None => println!("{}", table::totals(&simulation)),
                Some(other) => println!("{}", table::side_by_side(&simulation, other, difference(&simulation, other))),
            }
        }
    }
    Ok(Exit::Success)
}

/// What the other rules pay more.
fn difference(simulation: &Simulation, other: &Simulation) -> Amount {
    other.totals.total - simulation.totals.total
}

/// The account asked for, or the only one there is.
fn account_of(rules: &RuleSet, wanted: Option<&str>) -> Result<String, Failure> {
    let accounts: Vec<&str> = rules.accounts().map(|(account, _)| account).collect();
    match (wanted, accounts.as_slice()) {
        (Some(account), _) => Ok(account.to_owned()),
        (None, [account]) => Ok((*account).to_owned()),
        (None, _) => Err(Failure::new(Exit::Usage, format!("name one of the accounts with --account: {}", accounts.join(", ")))),
    }
}
