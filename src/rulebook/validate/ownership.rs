//! Portfolios, new contacts, assignment of conversations and comments, transfers.

use super::Checker;
use super::place::Place;
use crate::rulebook::model::{Assignment, NewContacts, Strategy, Target, Transfer, TransferTo, TransferWhen};
use crate::rulebook::values::Subjects;

impl<'a> Checker<'a> {
    pub(super) fn check_ownership(&mut self, place: Place<'a>) {
        let ownership = &self.document.ownership;
        let portfolios = place.key("portfolios");
        self.check_unique(portfolios, "key");
        for (portfolio, place) in ownership.portfolios.iter().zip(portfolios.read()) {
            self.check_references(&portfolio.reps, "rep", place.key("reps"));
            if let Some(team) = &portfolio.team {
                self.check_reference(team, "team", place.key("team"));
                self.require(portfolio.reps.is_empty(), place.name("team"), "a portfolio belongs to `reps` or to a `team`");
            }
        }
        if let Some(rules) = &ownership.new_contacts {
            self.check_new_contacts(rules, place.key("new_contacts"));
        }
        if let Some(assignment) = &ownership.conversations {
            self.check_assignment(assignment, place.key("conversations"));
        }
        if let Some(assignment) = &ownership.comments {
            let place = place.key("comments");
            self.check_assignment(assignment, place);
            for (value, key) in [(Some(assignment.strategy), "strategy"), (assignment.within, "within")] {
                let message = "`manual` is for conversations: comments are claimed";
                self.require(value != Some(Strategy::Manual), place.key(key), message);
            }
        }
        for (transfer, place) in ownership.transfers.iter().zip(place.key("transfers").read()) {
            self.check_transfer(transfer, place);
        }
    }

    fn check_new_contacts(&mut self, rules: &NewContacts, place: Place<'a>) {
        for (rule, place) in rules.rules.iter().zip(place.key("rules").read()) {
            self.check_condition(Some(&rule.when), place.key("when"));
            self.check_target(&rule.to, place.key("to"));
        }
        self.check_circle(&rules.reps, rules.team.as_deref(), place);
        match rules.strategy {
            Some(Strategy::Manual | Strategy::Channel) => {
                self.report(place.key("strategy"), "this strategy is for conversations and comments");
            }
            Some(Strategy::Default) => self.check_default(&rules.reps, rules.team.as_deref(), place),
            _ => {}
        }
    }

    fn check_assignment(&mut self, assignment: &Assignment, place: Place<'a>) {
        self.check_circle(&assignment.reps, assignment.team.as_deref(), place);
        match assignment.strategy {
            Strategy::Default => self.check_default(&assignment.reps, assignment.team.as_deref(), place),
            Strategy::Channel => {
                let some = place.key("channels").keys().next().is_some();
                self.require(some, place.key("strategy"), "strategy `channel` needs `channels`");
            }
            _ => {}
        }
        for (channel, target) in &assignment.channels {
            self.check_target(target, place.key("channels").key(channel));
        }
        if let Some(backup) = &assignment.backup {
            let place = place.key("backup");
            self.check_target(backup, place);
            self.require(backup.portfolio.is_none(), place.name("portfolio"), "a backup is a `rep`, `reps` or a `team`");
        }
    }

    /// Who takes part in a rotation.
    fn check_circle(&mut self, reps: &Subjects, team: Option<&str>, place: Place<'a>) {
        self.check_reps(reps, place.key("reps"));
        if let Some(team) = team {
            self.check_reference(team, "team", place.key("team"));
            self.require(*reps == Subjects::All, place.name("team"), "who takes part is said by `reps` or by `team`");
        }
    }

    fn check_default(&mut self, reps: &Subjects, team: Option<&str>, place: Place<'a>) {
        let named = team.is_some() || *reps != Subjects::All || place.has("reps") || place.has("team");
        self.require(named, place.key("strategy"), "strategy `default` names its `reps` or its `team`");
    }

    fn check_target(&mut self, target: &Target, place: Place<'a>) {
        if let Some(rep) = &target.rep {
            self.check_reference(rep, "rep", place.key("rep"));
        }
        self.check_references(&target.reps, "rep", place.key("reps"));
        if let Some(team) = &target.team {
            self.check_reference(team, "team", place.key("team"));
        }
        if let Some(portfolio) = &target.portfolio {
            self.check_reference(portfolio, "portfolio", place.key("portfolio"));
        }
        let named = ["rep", "reps", "team", "portfolio"].iter().filter(|key| place.has(key)).count();
        self.require(named == 1, place, "one of `rep`, `reps`, `team` and `portfolio` says to whom");
    }

    fn check_transfer(&mut self, transfer: &Transfer, place: Place<'a>) {
        match (transfer.when, transfer.inactive_for) {
            (TransferWhen::Inactive, None) if !place.has("for") => {
                self.report(place.key("when"), "`inactive` needs `for`: how long")
            }
            (TransferWhen::Inactive, Some(time)) => self.require(time.0 > 0, place.key("for"), "inactivity lasts some time"),
            (TransferWhen::RepDeactivated, Some(_)) => self.report(place.name("for"), "`for` goes with `when: inactive`"),
            _ => {}
        }
        if let TransferTo::Target(target) = &transfer.to {
            self.check_target(target, place.key("to"));
        }
    }
}
