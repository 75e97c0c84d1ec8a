//! Goals and plans that are running at an instant, each in its period. For the whole of a period the first version of the
//! rules counts in which the goal or plan appears for it.

use std::sync::Arc;

use super::Account;
use crate::events::{Period, Span, Timestamp};
use crate::rulebook::{Goal, GoalPeriod, Plan, Rulebook};

/// A rule that has periods.
pub(super) trait Periodic: 'static {
    fn all(book: &Rulebook) -> &[Self]
    where
        Self: Sized;
    fn key(&self) -> &str;
    fn cut(&self) -> GoalPeriod;
}

impl Periodic for Goal {
    fn all(book: &Rulebook) -> &[Goal] {
        &book.goals
    }
    fn key(&self) -> &str {
        &self.key
    }
    fn cut(&self) -> GoalPeriod {
        self.period
    }
}

impl Periodic for Plan {
    fn all(book: &Rulebook) -> &[Plan] {
        &book.commissions
    }
    fn key(&self) -> &str {
        &self.key
    }
    fn cut(&self) -> GoalPeriod {
        GoalPeriod::Window(self.period)
    }
}

/// A rule in one of its periods.
#[derive(Clone, Debug)]
pub(super) struct Running<'a, R> {
    /// The version that the period keeps.
    pub book: &'a Rulebook,
    pub rule: &'a R,
    pub period: Arc<Period>,
}

/// The rules that `wanted` asks for, each in the period that holds an instant; `up_to` is the version that the instant is
/// judged by.
pub(super) fn running<'a, R: Periodic>(
    account: &mut Account<'a>,
    up_to: u32,
    at: Timestamp,
    wanted: impl Fn(&R) -> bool,
) -> Vec<Running<'a, R>> {
    let rules = account.rules;
    let mut settled: Vec<&str> = Vec::new();
    let mut found = Vec::new();
    let known = &rules.versions()[..(up_to as usize).min(rules.versions().len())];
    let only = known.len() == 1;
    for book in known {
        for rule in R::all(book) {
            // with a single version no other can have a say, so that what is not asked for costs nothing
            if (only && !wanted(rule)) || settled.contains(&rule.key()) {
                continue;
            }
            let Some(period) = period_at(account, book, rule, at) else { continue };
            if !rules.is_in_force_in(book.version, period.span) {
                continue;
            }
            settled.push(rule.key());
            if wanted(rule) {
                found.push(Running { book, rule, period });
            }
        }
    }
    found
}

/// The period of a rule that holds an instant; a goal with dates of its own has one, labelled with its key.
fn period_at<R: Periodic>(account: &mut Account<'_>, book: &Rulebook, rule: &R, at: Timestamp) -> Option<Arc<Period>> {
    match rule.cut() {
        GoalPeriod::Window(window) => Some(account.periods.of(book.calendar, window, at)),
        GoalPeriod::Custom(custom) => {
            let span = Span::new(custom.starts, custom.ends);
            span.contains(at).then(|| Arc::new(Period { label: rule.key().to_owned(), span }))
        }
    }
}
