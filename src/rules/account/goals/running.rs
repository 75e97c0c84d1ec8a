//! Which goals are running at an instant, and in which of their periods.

use crate::events::{Period, Span, Timestamp};
use crate::rulebook::{AccountRules, Goal, GoalPeriod, Rulebook};

/// A goal in one of its periods.
#[derive(Clone, Debug)]
pub(super) struct Running<'a> {
    /// The version that the period keeps.
    pub book: &'a Rulebook,
    pub goal: &'a Goal,
    pub period: Period,
}

/// The goals that `wanted` asks for, each in the period that holds an instant. For the whole of a period the first version
/// counts in which the goal appears for it; `up_to` is the version that the instant is judged by.
pub(super) fn running<'a>(
    rules: &'a AccountRules,
    up_to: u32,
    at: Timestamp,
    wanted: impl Fn(&Goal) -> bool,
) -> Vec<Running<'a>> {
    let mut settled: Vec<&str> = Vec::new();
    let mut found = Vec::new();
    let known = &rules.versions()[..(up_to as usize).min(rules.versions().len())];
    let only = known.len() == 1;
    for book in known {
        for goal in &book.goals {
            // with a single version no other can have a say, so that what is not asked for costs nothing
            if (only && !wanted(goal)) || settled.contains(&goal.key.as_str()) {
                continue;
            }
            let Some(period) = period_at(book, goal, at) else { continue };
            if !rules.is_in_force_in(book.version, period.span) {
                continue;
            }
            settled.push(&goal.key);
            if wanted(goal) {
                found.push(Running { book, goal, period });
            }
        }
    }
    found
}

/// The period of a goal that holds an instant; a goal with dates of its own has one, labelled with its key.
pub(super) fn period_at(book: &Rulebook, goal: &Goal, at: Timestamp) -> Option<Period> {
    match goal.period {
        GoalPeriod::Window(window) => Some(book.calendar.period(window, at)),
        GoalPeriod::Custom(custom) => {
            let span = Span::new(custom.starts, custom.ends);
            span.contains(at).then(|| Period { label: goal.key.clone(), span })
        }
    }
}
