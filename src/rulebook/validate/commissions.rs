//! Commission plans: bands, quotas, accelerators, SPIFs, clawback.

use super::Checker;
use super::place::Place;
use crate::events::Amount;
use crate::rulebook::model::{Clawback, Mode, Plan, Spif};
use crate::rulebook::values::{Subjects, Threshold};

impl<'a> Checker<'a> {
    pub(super) fn check_commissions(&mut self, list: Place<'a>) {
        self.check_unique(list, "key");
        for (plan, place) in self.document.commissions.iter().zip(list.read()) {
            self.check_plan(plan, place);
        }
    }

    fn check_plan(&mut self, plan: &Plan, place: Place<'a>) {
        self.check_reps(&plan.reps, place.key("reps"));
        self.check_condition(plan.when.as_ref(), place.key("when"));
        let quota = self.has_quota(plan, place);
        self.check_quotas(plan, quota, place);
        self.check_bands(plan, quota, place.key("bands"));
        for (i, accelerator) in plan.accelerators.iter().enumerate() {
            let place = place.key("accelerators").index(i);
            self.check_threshold(accelerator.from, quota, place.key("from"));
            self.require(!accelerator.multiply.is_negative(), place.key("multiply"), "a rate is not multiplied by less than 0");
            let twice = plan.accelerators[..i].iter().any(|other| other.from == accelerator.from);
            self.require(!twice, place.key("from"), "two accelerators start here");
        }
        self.check_unique(place.key("spifs"), "key");
        for (spif, place) in plan.spifs.iter().zip(place.key("spifs").read()) {
            self.check_spif(spif, place);
        }
        if let Some(clawback) = &plan.clawback {
            self.check_clawback(plan, clawback, place.key("clawback"));
        }
        self.require(plan.cap.is_none_or(|cap| !cap.is_negative()), place.key("cap"), "a cap is not negative");
    }

    fn check_quotas(&mut self, plan: &Plan, quota: bool, place: Place<'a>) {
        self.require(plan.quota.is_none_or(|quota| quota > Amount::ZERO), place.key("quota"), "a quota is above 0");
        for (rep, quota) in &plan.quotas {
            self.check_reference(rep, "rep", place.key("quotas").name(rep));
            self.require(*quota > Amount::ZERO, place.key("quotas").key(rep), "a quota is above 0");
        }
        let message = "overage needs a quota for each rep of the plan: `quota`, or `quotas`";
        self.require(quota || plan.mode != Mode::Overage, place.key("mode"), message);
    }

    /// Whether each rep that the plan names has a quota. What a plan for all does not know beforehand, `quota` has to say.
    fn has_quota(&self, plan: &Plan, place: Place<'a>) -> bool {
        let covered = |id: &str| place.key("quotas").has(id);
        let reps = &self.document.reps;
        place.has("quota")
            || place.has("quotas")
                && match &plan.reps {
                    Subjects::All => reps.iter().all(|rep| covered(&rep.id)),
                    Subjects::Ids(ids) => ids.iter().all(|id| covered(id)),
                    Subjects::Team(team) => reps.iter().filter(|rep| rep.team.as_ref() == Some(team)).all(|rep| covered(&rep.id)),
                }
    }

    fn check_bands(&mut self, plan: &Plan, quota: bool, list: Place<'a>) {
        self.require(list.items().next().is_some(), list, "a plan needs at least one band");
        for (i, band) in plan.bands.iter().enumerate() {
            let place = list.index(i);
            self.check_threshold(band.from, quota, place.key("from"));
            self.require(!band.rate.0.is_negative(), place.key("rate"), "a rate is not negative");
            let Some(below) = i.checked_sub(1).map(|i| &plan.bands[i]) else { continue };
            match (below.from, band.from) {
                (Threshold::Amount(a), Threshold::Amount(b)) if a < b => {}
                (Threshold::Percent(a), Threshold::Percent(b)) if a < b => {}
                (Threshold::Amount(_), Threshold::Percent(_)) | (Threshold::Percent(_), Threshold::Amount(_)) => {
                    self.report(place.key("from"), "bands are all in amounts, or all in percents");
                }
                (a, b) if a == b => self.report(place.key("from"), "bands overlap: two start here"),
                _ => self.report(place.key("from"), "bands overlap: write them from the lowest to the highest"),
            }
        }
    }

    fn check_threshold(&mut self, from: Threshold, quota: bool, place: Place<'a>) {
        let value = match from {
            Threshold::Amount(amount) => amount,
            Threshold::Percent(percent) => percent.0,
        };
        self.require(!value.is_negative(), place, "it does not start below 0");
        let message = "a percent needs a quota for each rep of the plan: `quota`, or `quotas`";
        self.require(quota || matches!(from, Threshold::Amount(_)), place, message);
    }

    fn check_spif(&mut self, spif: &Spif, place: Place<'a>) {
        self.check_condition(spif.when.as_ref(), place.key("when"));
        if let (Some(starts), Some(ends)) = (spif.starts, spif.ends) {
            self.check_span(starts, ends, place);
        }
        match (place.has("amount"), place.has("rate")) {
            (true, true) => self.report(place.name("rate"), "a SPIF pays either an `amount` or a `rate`"),
            (false, false) => self.report(place, "a SPIF needs an `amount` or a `rate`"),
            _ => {}
        }
        self.require(spif.amount.is_none_or(|amount| !amount.is_negative()), place.key("amount"), "a SPIF is not negative");
        self.require(spif.rate.is_none_or(|rate| !rate.0.is_negative()), place.key("rate"), "a rate is not negative");
        self.require(spif.limit.is_none_or(|limit| !limit.is_negative()), place.key("limit"), "a limit is not negative");
    }

    fn check_clawback(&mut self, plan: &Plan, clawback: &Clawback, place: Place<'a>) {
        self.require(place.key("events").items().next().is_some(), place, "a clawback needs the events that cause it");
        for (i, event) in clawback.events.iter().enumerate() {
            let itself = *event == plan.trigger;
            self.require(!itself, place.key("events").index(i), "the plan's own trigger takes nothing back");
        }
        self.require(clawback.within.0 > 0, place.key("within"), "a clawback reaches back some time");
    }
}
