//! Goals: tiers, accelerators, collective rewards, chains.

use std::collections::HashMap;

use super::Checker;
use super::place::Place;
use crate::events::Amount;
use crate::outputs::Reward;
use crate::rulebook::model::{Goal, GoalAccelerator, GoalPeriod, Of};
use crate::rulebook::values::Subjects;

/// An accelerator with more steps is a mistake, and would write as many grants.
const MAX_STEPS: i64 = 10_000;

impl<'a> Checker<'a> {
    pub(super) fn check_goals(&mut self, list: Place<'a>) {
        self.check_unique(list, "key");
        for (goal, place) in self.document.goals.iter().zip(list.read()) {
            self.check_goal(goal, place);
        }
        self.check_chains(list);
    }

    fn check_goal(&mut self, goal: &'a Goal, place: Place<'a>) {
        self.check_reference(&goal.metric, "metric", place.key("metric"));
        if let GoalPeriod::Custom(period) = goal.period {
            self.check_span(period.starts, period.ends, place.key("period"));
        }
        self.check_goal_subjects(goal, place);
        self.require(goal.target > Amount::ZERO, place.key("target"), "a target is above 0");
        for (subject, target) in &goal.targets {
            self.require(*target > Amount::ZERO, place.key("targets").key(subject), "a target is above 0");
        }
        self.check_tiers(goal, place);
        if let Some(accelerator) = &goal.accelerator {
            self.check_accelerator(goal, accelerator, place.key("accelerator"));
        }
        self.check_collective(goal, place);
        if let Some(after) = &goal.after {
            let place = place.key("after");
            self.check_reference(&after.goal, "goal", place.key("goal"));
            if self.names.has("goal", &after.goal) {
                let known = self.names.has("goal tier", &format!("{}/{}", after.goal, after.tier));
                self.require(known, place.key("tier"), format!("goal `{}` has no tier `{}`", after.goal, after.tier));
                let same = self.names.of_whom("goals", &after.goal) == goal.of.name();
                let message = format!("goal `{}` is not of {}s: the same subject has to reach it", after.goal, goal.of.name());
                self.require(same, place.key("goal"), message);
            }
        }
    }

    fn check_goal_subjects(&mut self, goal: &Goal, place: Place<'a>) {
        let subjects = place.key("subjects");
        match (goal.of, &goal.subjects) {
            (Of::Rep, named) => self.check_reps(named, subjects),
            (_, Subjects::All) => {}
            (Of::Team, Subjects::Ids(teams)) => self.check_references(teams, "team", subjects),
            (Of::Team, Subjects::Team(team)) => self.check_reference(team, "team", subjects.key("team")),
            (Of::Account, _) => self.report(subjects, "a goal of the account has one subject: leave `subjects` out"),
        }
        for subject in goal.targets.keys() {
            let place = place.key("targets").name(subject);
            match goal.of {
                Of::Rep => self.check_reference(subject, "rep", place),
                Of::Team => self.check_reference(subject, "team", place),
                Of::Account => {
                    let itself = self.document.account == "*" || *subject == self.document.account;
                    self.require(itself, place, "the subject of this goal is the account");
                }
            }
        }
    }

    fn check_tiers(&mut self, goal: &Goal, place: Place<'a>) {
        let tiers = place.key("tiers");
        self.check_unique(tiers, "key");
        for (tier, place) in goal.tiers.iter().zip(tiers.read()) {
            self.require(tier.at.0 > Amount::ZERO, place.key("at"), "a tier is reached above 0%");
            self.check_reward(&tier.reward, place.key("reward"));
            self.check_earner(goal, &tier.reward, place);
        }
    }

    /// Only reps can be rewarded.
    fn check_earner(&mut self, goal: &Goal, reward: &Reward, place: Place<'a>) {
        let message = format!("a {} earns nothing itself: reward its members with `collective`", goal.of.name());
        self.require(goal.of == Of::Rep || reward.is_empty(), place.name("reward"), message);
    }

    fn check_accelerator(&mut self, goal: &Goal, accelerator: &GoalAccelerator, place: Place<'a>) {
        self.check_reward(&accelerator.reward, place.key("reward"));
        self.check_earner(goal, &accelerator.reward, place);
        let grows = &accelerator.grows;
        self.require(grows.badge.is_none() && grows.prize.is_none(), place.key("grows"), "only xp and coins can grow");
        let every = accelerator.every.0;
        if every <= Amount::ZERO {
            self.report(place.key("every"), "the steps of an accelerator are above 0%");
            return;
        }
        self.require(!accelerator.from.0.is_negative(), place.key("from"), "an accelerator starts at 0% or above");
        let Some(up_to) = accelerator.up_to else {
            self.require(place.has("up_to"), place, "an accelerator needs `up_to`: without it, it would never end");
            return;
        };
        let steps = (up_to.0 - accelerator.from.0).0.checked_div(every.0).map_or(Amount::from(i64::MAX), Amount);
        self.require(steps >= Amount::from(1), place.key("up_to"), "`up_to` leaves no room for a step");
        self.require(steps <= Amount::from(MAX_STEPS), place.key("every"), format!("more than {MAX_STEPS} steps up to `up_to`"));
    }

    fn check_collective(&mut self, goal: &Goal, place: Place<'a>) {
        let list = place.key("collective");
        let message = "a collective reward is for goals of teams or the account: reward the tier itself";
        self.require(goal.of != Of::Rep || goal.collective.is_empty(), place.name("collective"), message);
        for (i, share) in goal.collective.iter().enumerate() {
            let place = list.index(i);
            let known = self.names.has("goal tier", &format!("{}/{}", goal.key, share.tier));
            self.require(known, place.key("tier"), format!("this goal has no tier `{}`", share.tier));
            let twice = goal.collective[..i].iter().any(|other| other.tier == share.tier);
            self.require(!twice, place.key("tier"), format!("tier `{}` has its collective reward already", share.tier));
            self.check_reward(&share.reward, place.key("reward"));
        }
    }

    /// Goals that wait for each other would stay locked for ever. Each circle is reported once, at its first goal.
    fn check_chains(&mut self, list: Place<'a>) {
        let document = self.document;
        let position: HashMap<&str, usize> = document.goals.iter().enumerate().map(|(i, goal)| (goal.key.as_str(), i)).collect();
        let next = |i: usize| document.goals[i].after.as_ref().and_then(|after| position.get(after.goal.as_str()).copied());
        for start in 0..document.goals.len() {
            let circle: Vec<usize> = std::iter::successors(next(start), |&i| if i == start { None } else { next(i) })
                .take(document.goals.len())
                .collect();
            if circle.last() == Some(&start) && circle.iter().all(|&i| i >= start) {
                let others: Vec<&str> = circle.iter().map(|&i| document.goals[i].key.as_str()).collect();
                let message = format!(
                    "goals that wait for each other never unlock: {} waits for {}",
                    document.goals[start].key,
                    others.join(", which waits for ")
                );
                self.report(list.index(start).key("after").key("goal"), message);
            }
        }
    }
}
