//! The sentence on a line that tells the rep where its figures come from.

use rust_decimal::Decimal;

use super::curve::{Curve, Part};
use crate::events::Amount;

/// Says how a change of the net basis was worth what it was: `5,000.00 at 4 % + 15,000.00 at 6 % above 150,000.00`.
pub fn change(text: &mut String, curve: &Curve, before: Amount, after: Amount) {
    if curve.is_marginal() {
        let (low, high) = if before <= after { (before, after) } else { (after, before) };
        parts(text, curve, low, high, high);
    } else {
        // the rate of the last part may be paid on what came before it too, so that only the whole says it
        text.push_str("period ");
        money(text, curve, after);
        text.push_str(": ");
        parts(text, curve, Amount::ZERO, after, after);
        text.push_str(" = ");
        money(text, curve, curve.earned(after).total());
        text.push_str(", less ");
        money(text, curve, curve.earned(before).total());
        text.push_str(" before");
    }
    if curve.is_capped_at(before.max(after)) {
        text.push_str(", up to the cap");
    }
}

/// The parts of the basis between two amounts, as they earn when the net basis is `basis`.
fn parts(text: &mut String, curve: &Curve, from: Amount, to: Amount, basis: Amount) {
    let mut first = true;
    curve.each_part(from.0, to.0, basis.0, |Part { size, band, rate, accelerated, .. }| {
        if !first {
            text.push_str(" + ");
        }
        first = false;
        money(text, curve, Amount(size));
        text.push_str(" at ");
        number(text, rate.checked_mul(Decimal::ONE_HUNDRED).unwrap_or(Decimal::MAX), 0);
        text.push_str(" %");
        if let Some(step) = accelerated {
            text.push_str(" × ");
            number(text, step.factor, 0);
            text.push(' ');
            above(text, curve, step.from);
        } else if !band.is_zero() {
            text.push(' ');
            above(text, curve, band);
        }
    });
    if first {
        money(text, curve, Amount::ZERO);
    }
}

/// Where a band or accelerator starts, by the quota if it is the quota.
fn above(text: &mut String, curve: &Curve, from: Decimal) {
    if curve.quota() == Some(Amount(from)) {
        text.push_str("above quota");
    } else {
        text.push_str("above ");
        money(text, curve, Amount(from));
    }
}

/// An amount as it is, with its thousands apart and at least the decimals of its currency: `12,000.00`.
pub fn money(text: &mut String, curve: &Curve, amount: Amount) {
    let from = text.len();
    number(text, amount.0, curve.digits() as usize);
    let start = from + usize::from(text[from..].starts_with('-'));
    let mut at = text[start..].find('.').map_or(text.len(), |point| start + point);
    while at > start + 3 {
        at -= 3;
        text.insert(at, ',');
    }
}

/// A number exactly, with as few decimal places as it needs, but at least `places`.
fn number(text: &mut String, number: Decimal, places: usize) {
    let exact = Amount(number).text();
    let (whole, fraction) = exact.as_str().split_once('.').unwrap_or((exact.as_str(), ""));
    let fraction = fraction.trim_end_matches('0');
    text.push_str(whole);
    if fraction.is_empty() && places == 0 {
        return;
    }
    text.push('.');
    text.push_str(fraction);
    text.extend(std::iter::repeat_n('0', places.saturating_sub(fraction.len())));
}
