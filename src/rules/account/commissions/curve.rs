//! A plan as a function C of the period's net basis. Lines are differences of its rounded values, so that they always add
//! up to `round(C(net basis))`.

use rust_decimal::{Decimal, RoundingStrategy};

use crate::events::Amount;
use crate::rulebook::values::{Currency, Threshold};
use crate::rulebook::{Mode, Plan, Rounding};

/// C of a plan for one rep, with percents of the quota turned into amounts.
#[derive(Clone, Debug)]
pub struct Curve {
    /// From where on which rate, in ascending order.
    bands: Vec<Step>,
    /// From where on which multiplier, in ascending order.
    accelerators: Vec<Step>,
    quota: Option<Decimal>,
    mode: Mode,
    cap: Option<Decimal>,
    digits: u32,
    strategy: RoundingStrategy,
}

/// Something that holds from an amount on (inclusive).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub from: Decimal,
    pub factor: Decimal,
}

/// A part of the basis with its band's rate and, above an accelerator, its multiplier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub from: Decimal,
    pub size: Decimal,
    /// Where the band starts.
    pub band: Decimal,
    pub rate: Decimal,
    /// Where the accelerator starts, and its multiplier.
    pub accelerated: Option<Step>,
}

/// What a net basis earns, to the minor unit of the currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Earned {
    /// At the plain rates.
    pub base: Amount,
    /// The extra that accelerators bring.
    pub accelerator: Amount,
}

impl Earned {
    pub fn total(self) -> Amount {
        self.base + self.accelerator
    }

    pub fn since(self, before: Earned) -> Earned {
        Earned { base: self.base - before.base, accelerator: self.accelerator - before.accelerator }
    }
}

/// A rep's quota under a plan.
pub fn quota(plan: &Plan, rep: &str) -> Option<Amount> {
    plan.quotas.get(rep).copied().or(plan.quota)
}

impl Curve {
    /// A band or accelerator in percent without a quota is never reached; `check` refuses such a plan.
    pub fn new(plan: &Plan, rep: &str, currency: &Currency) -> Curve {
        let quota = quota(plan, rep).map(|quota| quota.0);
        let amount = |threshold: Threshold| match threshold {
            Threshold::Amount(amount) => amount.0,
            Threshold::Percent(percent) if percent.0.is_zero() => Decimal::ZERO,
            Threshold::Percent(percent) => quota.map_or(Decimal::MAX, |quota| times(quota, percent.0.0)),
        };
        let ascending = |mut steps: Vec<Step>| {
            steps.sort_by_key(|step| step.from);
            steps
        };
        let bands = plan.bands.iter().map(|band| Step { from: amount(band.from), factor: band.rate.0.0 });
        let accelerators = plan.accelerators.iter().map(|a| Step { from: amount(a.from), factor: a.multiply.0 });
        Curve {
            bands: ascending(bands.collect()),
            accelerators: ascending(accelerators.collect()),
            quota,
            mode: plan.mode,
            cap: plan.cap.map(|cap| cap.0),
            digits: currency.minor_digits(),
            strategy: match plan.rounding {
                Rounding::HalfEven => RoundingStrategy::MidpointNearestEven,
                Rounding::HalfUp => RoundingStrategy::MidpointAwayFromZero,
            },
        }
    }

    /// C of a net basis, exactly.
    pub fn exact(&self, basis: Amount) -> Amount {
        self.capped(self.sum(basis.0, true))
    }

    /// C of a net basis, rounded, in its two parts.
    pub fn earned(&self, basis: Amount) -> Earned {
        let total = self.round(self.exact(basis));
        if self.accelerators.is_empty() {
            return Earned { base: total, accelerator: self.round(Amount::ZERO) };
        }
        let base = self.round(self.capped(self.sum(basis.0, false)));
        Earned { base, accelerator: total - base }
    }

    /// An amount to the minor unit of the currency.
    pub fn round(&self, amount: Amount) -> Amount {
        let mut rounded = amount.0.round_dp_with_strategy(self.digits, self.strategy);
        rounded.rescale(self.digits);
        Amount(rounded)
    }

    pub fn is_marginal(&self) -> bool {
        self.mode == Mode::Marginal
    }

    /// Decimals of the currency's minor unit.
    pub fn digits(&self) -> u32 {
        self.digits
    }

    pub fn quota(&self) -> Option<Amount> {
        self.quota.map(Amount)
    }

    /// Whether the cap holds at a net basis.
    pub fn is_capped_at(&self, basis: Amount) -> bool {
        self.cap.is_some_and(|cap| self.sum(basis.0, true) > cap)
    }

    fn capped(&self, earned: Decimal) -> Amount {
        Amount(self.cap.map_or(earned, |cap| earned.min(cap)))
    }

    fn sum(&self, basis: Decimal, accelerated: bool) -> Decimal {
        let mut sum = Decimal::ZERO;
        self.each_part(Decimal::ZERO, basis, basis, |part| {
            let factor = part.accelerated.filter(|_| accelerated).map_or(Decimal::ONE, |step| step.factor);
            sum = sum.saturating_add(times(times(part.size, part.rate), factor));
        });
        sum
    }

    /// Shows the parts of the basis between two amounts, from threshold to threshold, as they earn when the net basis is
    /// `basis`.
    pub(super) fn each_part(&self, from: Decimal, to: Decimal, basis: Decimal, mut each: impl FnMut(Part)) {
        // from where on all is paid at the highest rate reached
        let flat = match self.mode {
            Mode::Marginal => None,
            Mode::Overage => self.quota,
            Mode::Whole => Some(Decimal::ZERO),
        };
        let mut at = from.max(Decimal::ZERO);
        let mut band = reached(&self.bands, at);
        let mut accelerators = reached(&self.accelerators, at);
        while at < to {
            let is_flat = flat.is_some_and(|flat| at >= flat);
            if is_flat {
                band = reached(&self.bands, basis);
            }
            let next_band = self.bands.get(band).filter(|_| !is_flat);
            let ends = [next_band, self.accelerators.get(accelerators)].map(|step| step.map(|step| step.from));
            let flat = flat.filter(|flat| *flat > at);
            let end = ends.into_iter().chain([flat]).flatten().fold(to, Decimal::min);
            let (start, rate) = match band.checked_sub(1) {
                Some(holds) => (self.bands[holds].from, self.bands[holds].factor),
                None => (Decimal::ZERO, Decimal::ZERO),
            };
            let accelerated = highest(&self.accelerators[..accelerators]);
            each(Part { from: at, size: end - at, band: start, rate, accelerated });
            at = end;
            band += steps_at(&self.bands[band..], at);
            accelerators += steps_at(&self.accelerators[accelerators..], at);
        }
    }
}

/// The highest multiplier of those that hold.
fn highest(holding: &[Step]) -> Option<Step> {
    holding.iter().copied().reduce(|best, step| if step.factor > best.factor { step } else { best })
}

/// How many steps, in ascending order, have been reached at an amount.
fn reached(steps: &[Step], at: Decimal) -> usize {
    steps.partition_point(|step| step.from <= at)
}

/// How many of the next steps start at an amount or before.
fn steps_at(next: &[Step], at: Decimal) -> usize {
    next.iter().take_while(|step| step.from <= at).count()
}

fn times(a: Decimal, b: Decimal) -> Decimal {
    a.checked_mul(b).unwrap_or(Decimal::MAX)
}
