//! `scorekeeper rules`: versions of accounts' rules on the topic `rules`.

use std::path::PathBuf;

use serde_json::json;

use super::{Exit, Failure, Format};
use crate::events::Timestamp;
use crate::rulebook::Draft;
use crate::runtime::log::Log;
use crate::runtime::rules::{Published, Refused, RulesTopic, Standing, publish, shown};
use crate::runtime::settings::Settings;
use crate::runtime::{now, service};

/// Versions of accounts' rules on the topic `rules`, which workers with `rules.topic = true` follow.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  scorekeeper rules publish acme.yaml --account acme\n  scorekeeper rules list")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
    /// The settings: which log, and where. A local log must not be in use by another process.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Check a rule file and publish it as the next version of an account's rules.
    #[command(
        after_help = "Example:\n  scorekeeper rules publish acme.yaml --account acme --effective-from 2026-12-01T00:00:00Z"
    )]
    Publish {
        /// One document, YAML or JSON.
        file: PathBuf,
        /// Whose rules they are; `*` serves every account without rules of its own. The file names the same account, or `*`.
        #[arg(long, value_name = "A")]
        account: String,
        /// From when on they hold. Without it: from when the file says; else, of the first version, since ever, and of a later
        /// one 5 s from now, when every worker has read it. Only the first version may start in the past.
        #[arg(long, value_name = "T", value_parser = time)]
        effective_from: Option<Timestamp>,
    },
    /// Print the versions that were published, and what was left out.
    #[command(after_help = "Example:\n  scorekeeper rules list --account acme --output-format json")]
    List {
        /// Of this account only.
        #[arg(long, value_name = "A")]
        account: Option<String>,
    },
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).map_err(|_| "expected a time such as 2026-12-01T00:00:00Z".to_owned())
}

pub fn run(args: &Args, format: Format) -> Result<Exit, Failure> {
    let settings = Settings::load(args.config.as_deref()).map_err(|error| Failure::new(Exit::Config, error))?;
    match &args.action {
        Action::Publish { file, account, effective_from } => {
            let draft = read(file, account)?;
            let log = service::open_log(&settings, false)?;
            publish_to(&*log, draft, *effective_from, format)?;
            if !settings.rules.topic {
                eprintln!("workers with these settings do not follow the topic: rules.topic is false");
            }
            Ok(Exit::Success)
        }
        Action::List { account } => list(&*service::open_log(&settings, false)?, account.as_deref(), format),
    }
}

/// A file for an account.
fn read(file: &PathBuf, account: &str) -> Result<Draft, Failure> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| Failure::new(Exit::Data, format!("{name}: {error}")))?;
    let draft = Draft::read(&name, &text).map_err(|errors| Failure::new(Exit::Config, errors))?;
    if draft.account != account && draft.account != "*" {
        let message = format!("{name} has the rules of account {}, not of {account}", draft.account);
        return Err(Failure::new(Exit::Usage, message));
    }
    let effective_from = draft.effective_from;
    Ok(draft.placed(account, effective_from))
}

fn publish_to(log: &dyn Log, draft: Draft, effective_from: Option<Timestamp>, format: Format) -> Result<(), Failure> {
    let account = draft.account.clone();
    let (version, from) = publish(log, draft, effective_from).map_err(|refused| match refused {
        Refused::Version(reason) => Failure::new(Exit::Data, reason),
        Refused::Log(error) => error.into(),
    })?;
    match format {
        Format::Text => println!("{account}: version {version}, {}", shown(from)),
        Format::Json => println!("{}", json!({ "account": account, "version": version, "effective_from": from })),
    }
    Ok(())
}

fn list(log: &dyn Log, account: Option<&str>, format: Format) -> Result<Exit, Failure> {
    let mut topic = RulesTopic::default();
    topic.refresh(log)?;
    let now = now();
    let (mut rows, mut any) = (Vec::new(), false);
    for (id, published) in topic.accounts().filter(|(id, _)| account.is_none_or(|account| account == *id)) {
        let in_force = topic.versions(id).filter(|draft| draft.effective_from <= Some(now)).count() as u32;
        for one in published {
            any = true;
            match format {
                Format::Json => rows.push(as_json(id, one, in_force)),
                Format::Text => println!("{}", as_text(id, one, in_force)),
            }
        }
    }
    match format {
        Format::Json => println!("{}", serde_json::Value::from(rows)),
        Format::Text if !any => println!("no rules were published"),
        Format::Text => {}
    }
    Ok(Exit::Success)
}

/// Where a version stands, if `in_force` is the number of the one that holds now.
fn status(number: u32, in_force: u32) -> &'static str {
    match number.cmp(&in_force) {
        std::cmp::Ordering::Less => "past",
        std::cmp::Ordering::Equal => "in_force",
        std::cmp::Ordering::Greater => "scheduled",
    }
}

fn as_json(account: &str, published: &Published, in_force: u32) -> serde_json::Value {
    let at = published.published_at;
    match &published.standing {
        Standing::Version { number, draft } => json!({
            "account": account, "version": number, "effective_from": draft.effective_from, "published_at": at,
            "status": status(*number, in_force),
        }),
        Standing::LeftOut(reason) => json!({
            "account": account, "version": null, "published_at": at, "status": "left_out", "reason": reason,
        }),
    }
}

fn as_text(account: &str, published: &Published, in_force: u32) -> String {
    let at = published.published_at;
    match &published.standing {
        Standing::Version { number, draft } => {
            let status = status(*number, in_force).replace('_', " ");
            format!("{account}: version {number}, {status}, {}, published {at}", shown(draft.effective_from))
        }
        Standing::LeftOut(reason) => format!("{account}: left out, published {at}: {reason}"),
    }
}
