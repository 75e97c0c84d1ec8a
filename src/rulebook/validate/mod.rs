//! What only makes sense across keys: references, ranges, orders. Every check reports at the place of what is wrong and goes
//! on; what could not be read is passed over, but still counts as declared, so that one mistake gives one error.
//!
//! Rewards that feed the measure they depend on need no check of their own: whatever is granted is granted once for each
//! tier, level, place and period, so that these loops end by themselves. Two things would not: an accelerator without
//! `up_to`, and goals that wait for each other; both are refused.

mod catalog;
mod commissions;
mod goals;
mod names;
mod ownership;
mod place;
mod play;
#[cfg(test)]
mod tests;
mod versions;
mod wallboards;

use std::sync::Arc;

use super::condition::{EVENT_NAMES, SCORE_NAMES};
use super::model::Document;
use super::parse::Parsed;
use super::source::{Problem, RuleError, SourceFile};
use super::values::{Condition, Subjects};
use crate::events::Timestamp;
use crate::outputs::Reward;
use names::Names;
use place::Place;

pub(super) use versions::check_versions;

/// Checks one document.
pub(super) fn check(parsed: &Parsed, errors: &mut Vec<RuleError>) {
    let root = Place::root(&parsed.root, &parsed.pruned);
    let mut checker = Checker { document: &parsed.document, names: Names::of(root), file: &parsed.file, errors };
    if parsed.document.account.is_empty() {
        checker.report(root.key("account"), "an account has a name");
    }
    checker.check_catalog(root);
    checker.check_play(root);
    checker.check_goals(root.key("goals"));
    checker.check_commissions(root.key("commissions"));
    checker.check_ownership(root.key("ownership"));
    checker.check_wallboards(root.key("wallboards"));
}

struct Checker<'a> {
    document: &'a Document,
    names: Names<'a>,
    file: &'a Arc<SourceFile>,
    errors: &'a mut Vec<RuleError>,
}

impl<'a> Checker<'a> {
    fn report(&mut self, place: Place<'a>, message: impl Into<String>) {
        self.errors.push(RuleError::new(Problem::new(message, place.span()), self.file));
    }

    fn require(&mut self, holds: bool, place: Place<'a>, message: impl Into<String>) {
        if !holds {
            self.report(place, message);
        }
    }

    /// Reports every name that stands in a list a second time; `key` is the key that holds it.
    fn check_unique(&mut self, list: Place<'a>, key: &str) {
        let mut seen = std::collections::HashSet::new();
        for item in list.items() {
            let Some(name) = item.text_of(key) else { continue };
            if name.is_empty() {
                self.report(item.key(key), format!("`{key}` is empty"));
            } else if !seen.insert(name) {
                self.report(item.key(key), format!("{key} `{name}` is used twice"));
            }
        }
    }

    /// Reports a reference to something that no part of the document declares. `what` names the kind of thing.
    fn check_reference(&mut self, name: &str, what: &'static str, place: Place<'a>) {
        if !self.names.has(what, name) {
            let mut problem = Problem::new(format!("unknown {what} `{name}`"), place.span());
            problem.help = self.names.nearest(what, name).map(|near| format!("did you mean `{near}`?"));
            self.errors.push(RuleError::new(problem, self.file));
        }
    }

    fn check_references(&mut self, names: &[String], what: &'static str, list: Place<'a>) {
        for (name, place) in names.iter().zip(list.read()) {
            self.check_reference(name, what, place);
        }
    }

    /// Subjects that are reps.
    fn check_reps(&mut self, subjects: &Subjects, place: Place<'a>) {
        match subjects {
            Subjects::All => {}
            Subjects::Ids(ids) => self.check_references(ids, "rep", place),
            Subjects::Team(team) => self.check_reference(team, "team", place.key("team")),
        }
    }

    fn check_reward(&mut self, reward: &Reward, place: Place<'a>) {
        self.require(reward.xp.unwrap_or(0) >= 0, place.key("xp"), "a reward gives: its xp are not negative");
        self.require(reward.coins.unwrap_or(0) >= 0, place.key("coins"), "a reward gives: its coins are not negative");
        if let Some(badge) = &reward.badge {
            match badge.rsplit_once('/') {
                Some((key, tier)) if self.names.has("badge", key) => {
                    if !self.names.has("badge tier", badge) {
                        self.report(place.key("badge"), format!("badge `{key}` has no tier `{tier}`"));
                    }
                }
                Some((key, _)) => self.check_reference(key, "badge", place.key("badge")),
                None => self.report(place.key("badge"), format!("`{badge}` names no tier: write one like {badge}/gold")),
            }
        }
        if let Some(prize) = &reward.prize {
            self.check_reference(prize, "prize", place.key("prize"));
        }
    }

    /// A condition over an event.
    fn check_condition(&mut self, condition: Option<&Condition>, place: Place<'a>) {
        if let Some(condition) = condition {
            self.check_variables(condition, EVENT_NAMES, place);
        }
    }

    /// A condition over a score.
    fn check_score_condition(&mut self, condition: &Condition, place: Place<'a>) {
        self.check_variables(condition, SCORE_NAMES, place);
        for group in condition.program.groups() {
            self.check_reference(group, "group", place);
        }
    }

    fn check_variables(&mut self, condition: &Condition, known: &[&str], place: Place<'a>) {
        for name in condition.program.variables() {
            if !known.contains(&name) {
                self.report(place, format!("unknown name `{name}` in the condition: it can name {}", known.join(", ")));
            }
        }
    }

    /// A span of time with both ends in `place`.
    fn check_span(&mut self, starts: Timestamp, ends: Timestamp, place: Place<'a>) {
        self.require(starts < ends, place.key("ends"), "it ends before it has started");
    }
}
