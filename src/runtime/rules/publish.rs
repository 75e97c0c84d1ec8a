//! A new version onto the topic `rules`.

use std::time::{Duration, Instant};

use super::{RulesTopic, Standing, shown};
use crate::events::{Duration as Span, Timestamp};
use crate::outputs::{Outbox, Record, Route, Topic};
use crate::rulebook::Draft;
use crate::runtime::log::{Log, LogError};
use crate::runtime::now;

/// Without an instant of its own a later version starts this long after its publication: by then every worker has read it, so
/// that no event is judged by one worker by the old rules and by another by the new ones.
pub const LEAD: Span = Span(5_000);

/// Why a version was not published.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It cannot follow what is published already.
    #[error("{0}")]
    Version(String),
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Publishes a document as the next version of its account's rules: from `effective_from`, else from when it says itself,
/// else, of the first version, since ever, and of a later one [`LEAD`] from now. Nothing is written unless it can stand.
/// Gives the number of the version, and since when it holds.
pub fn publish(log: &dyn Log, draft: Draft, effective_from: Option<Timestamp>) -> Result<(u32, Option<Timestamp>), Refused> {
    let mut topic = RulesTopic::default();
    topic.refresh(log)?;
    let account = draft.account.clone();
    let published_at = now();
    let wanted = effective_from.or(draft.effective_from);
    let from = match topic.versions(&account).next() {
        None => wanted,
        Some(_) if wanted.is_some_and(|wanted| wanted < published_at) => {
            let message = format!("only the first version of {account} may start in the past: this one {}", shown(wanted));
            return Err(Refused::Version(message));
        }
        Some(_) => wanted.or(Some(published_at.plus(LEAD))),
    };
    let (rules, draft) = topic.join(draft.placed(&account, from)).map_err(Refused::Version)?;
    let number = rules.account(&account).map_or(1, |rules| rules.versions().len() as u32);
    let mut outbox = Outbox::default();
    outbox.push_raw(Record {
        topic: Topic::Rules,
        route: Route::Key,
        timestamp: published_at,
        key: account.as_bytes(),
        value: Some(draft.json().as_bytes()),
        headers: &[],
    });
    log.append(&outbox)?;
    confirm(log, topic, &account, number, &draft)?;
    Ok((number, from))
}

/// Another may have published at the same moment: the topic's order decides.
fn confirm(log: &dyn Log, mut topic: RulesTopic, account: &str, number: u32, draft: &Draft) -> Result<(), Refused> {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(30) {
        topic.refresh(log)?;
        let published = topic.accounts.get(account).into_iter().flatten();
        let mut standings = published.map(|published| &published.standing);
        if standings.any(|standing| matches!(standing, Standing::Version { number: n, draft: d } if *n == number && d == draft)) {
            return Ok(());
        }
        if topic.versions(account).count() as u32 >= number {
            return Err(Refused::Version(format!("another version {number} of {account} was published at the same moment")));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Err(Refused::Log(LogError::Session("the version was written, but does not appear on the topic".to_owned())))
}
