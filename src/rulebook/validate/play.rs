//! Teams, reps, metrics, and the game they play: levels, leagues, boards, contests, badges, coins, prizes.

use super::Checker;
use super::names::BUILT_IN_METRICS;
use super::place::Place;
use crate::events::{Amount, Window};
use crate::rulebook::model::{Badge, Contest, Metric, Of};
use crate::rulebook::values::Threshold;

impl<'a> Checker<'a> {
    pub(super) fn check_play(&mut self, root: Place<'a>) {
        let document = self.document;
        for (list, key) in [
            ("teams", "key"),
            ("reps", "id"),
            ("metrics", "key"),
            ("levels", "level"),
            ("leaderboards", "key"),
            ("contests", "key"),
            ("badges", "key"),
            ("certifications", "key"),
            ("prizes", "key"),
        ] {
            self.check_unique(root.key(list), key);
        }
        for (rep, place) in document.reps.iter().zip(root.key("reps").read()) {
            if let Some(team) = &rep.team {
                self.check_reference(team, "team", place.key("team"));
            }
            if let (Some(league), true) = (&rep.league, root.has("leagues")) {
                self.check_reference(league, "league", place.key("league"));
            }
        }
        for (metric, place) in document.metrics.iter().zip(root.key("metrics").read()) {
            self.check_metric(metric, place);
        }
        self.check_levels(root.key("levels"));
        self.check_leagues(root.key("leagues"));
        for (board, place) in document.leaderboards.iter().zip(root.key("leaderboards").read()) {
            self.check_reference(&board.metric, "metric", place.key("metric"));
            self.require(board.of != Of::Account, place.key("of"), "a board ranks reps or teams");
        }
        for (contest, place) in document.contests.iter().zip(root.key("contests").read()) {
            self.check_contest(contest, place);
        }
        for (badge, place) in document.badges.iter().zip(root.key("badges").read()) {
            self.check_badge(badge, place);
        }
        for (certification, place) in document.certifications.iter().zip(root.key("certifications").read()) {
            let place = place.key("valid_for");
            self.require(certification.valid_for.is_none_or(|time| time.0 > 0), place, "a certification is valid for some time");
        }
        self.require(!document.coins.per_xp.is_negative(), root.key("coins").key("per_xp"), "`per_xp` is not negative");
        for (prize, place) in document.prizes.iter().zip(root.key("prizes").read()) {
            self.require(prize.cost >= 0, place.key("cost"), "a prize has no negative cost");
            self.require(prize.stock.is_none_or(|stock| stock >= 0), place.key("stock"), "a prize has no negative stock");
        }
    }

    fn check_metric(&mut self, metric: &Metric, place: Place<'a>) {
        let built_in = BUILT_IN_METRICS.contains(&metric.key.as_str());
        self.require(!built_in, place.key("key"), format!("metric `{}` is built in", metric.key));
        self.check_condition(metric.when.as_ref(), place.key("when"));
        match (metric.count, place.has("sum")) {
            (true, true) => self.report(place.name("sum"), "a metric has either `count` or `sum`"),
            (false, false) => self.report(place, "a metric needs `count: true` or `sum: data.<field>`"),
            _ => {}
        }
        let itself = metric.minus.as_ref() == Some(&metric.kind);
        self.require(!itself, place.key("minus"), "a metric does not take back what it takes");
    }

    fn check_levels(&mut self, list: Place<'a>) {
        let mut levels: Vec<_> = self.document.levels.iter().enumerate().collect();
        levels.sort_by_key(|(_, level)| level.level);
        for pair in levels.windows(2) {
            let [(_, lower), (i, upper)] = pair else { continue };
            let place = list.index(*i).key("xp");
            let message = format!("level {} needs more XP than level {}", upper.level, lower.level);
            self.require(lower.xp < upper.xp || lower.level == upper.level, place, message);
        }
        for (i, level) in levels {
            self.check_reward(&level.reward, list.index(i).key("reward"));
        }
    }

    fn check_leagues(&mut self, place: Place<'a>) {
        let Some(leagues) = &self.document.leagues else { return };
        self.require(!leagues.order.is_empty() || place.key("order").items().next().is_some(), place, "leagues need an order");
        for (i, league) in leagues.order.iter().enumerate() {
            let twice = leagues.order[..i].contains(league);
            self.require(!twice, place.key("order").index(i), format!("league `{league}` is named twice"));
        }
        self.check_reference(&leagues.metric, "metric", place.key("metric"));
        self.require(
            leagues.window != Window::All,
            place.key("window"),
            "leagues move when a window closes, and `all` never does",
        );
    }

    fn check_contest(&mut self, contest: &Contest, place: Place<'a>) {
        self.check_reference(&contest.metric, "metric", place.key("metric"));
        self.check_condition(contest.when.as_ref(), place.key("when"));
        self.check_span(contest.starts, contest.ends, place);
        self.require(contest.of != Of::Account, place.key("of"), "a contest is between reps or teams");
        for (i, prize) in contest.prizes.iter().enumerate() {
            let place = place.key("prizes").index(i);
            let overlaps =
                |other: &crate::rulebook::values::Places| other.first <= prize.places.last && prize.places.first <= other.last;
            let twice = contest.prizes[..i].iter().any(|other| overlaps(&other.places));
            self.require(!twice, place.key("places"), "a place has its prize already");
            self.check_reward(&prize.reward, place.key("reward"));
        }
    }

    fn check_badge(&mut self, badge: &Badge, place: Place<'a>) {
        match &badge.metric {
            Some(metric) => {
                self.check_reference(metric, "metric", place.key("metric"));
                self.require(place.key("tiers").keys().next().is_some(), place, "a badge with a metric needs `tiers`");
            }
            None => self.require(!place.has("window"), place.name("window"), "a badge without a metric has no window"),
        }
        let mut before: Option<Amount> = None;
        for (tier, threshold) in &badge.tiers {
            let place = place.key("tiers").key(tier.name());
            match threshold {
                Threshold::Percent(_) => self.report(place, "a badge tier is reached at a value, not at a percent"),
                Threshold::Amount(value) => {
                    self.require(*value > Amount::ZERO, place, "a badge tier is reached above 0");
                    let rises = before.is_none_or(|before| before < *value);
                    self.require(rises, place, format!("{} needs more than the tier below it", tier.name()));
                    before = Some(*value);
                }
            }
        }
        for (tier, reward) in &badge.rewards {
            let place = place.key("rewards");
            if !self.names.has("badge tier", &format!("{}/{}", badge.key, tier.name())) {
                self.report(place.name(tier.name()), format!("badge `{}` has no tier `{}`", badge.key, tier.name()));
            }
            self.check_reward(reward, place.key(tier.name()));
        }
    }
}
