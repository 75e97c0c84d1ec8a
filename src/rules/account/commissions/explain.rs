//! The sentence on a line that tells the rep where its figures come from.

use std::fmt::Write;

use rust_decimal::Decimal;

use super::curve::{Curve, Part};
use crate::events::Amount;

/// How a change of the net basis was worth what it was: `5,000.00 at 4 % + 15,000.00 at 6 % above 150,000.00`.
pub fn change(curve: &Curve, before: Amount, after: Amount) -> String {
    let mut text = String::new();
    if curve.is_marginal() {
        let (low, high) = if before <= after { (before, after) } else { (after, before) };
        parts(&mut text, curve, &curve.parts(low, high, high));
    } else {
        // the rate of the last part may be paid on what came before it too, so that only the whole says it
        let _ = write!(text, "period {}: ", money(curve, after));
        parts(&mut text, curve, &curve.parts(Amount::ZERO, after, after));
        let (now, then) = (curve.earned(after).total(), curve.earned(before).total());
        let _ = write!(text, " = {}, less {} before", money(curve, now), money(curve, then));
    }
    if curve.is_capped_at(before.max(after)) {
        text.push_str(", up to the cap");
    }
    text
}

fn parts(text: &mut String, curve: &Curve, parts: &[Part]) {
    if parts.is_empty() {
        text.push_str(&money(curve, Amount::ZERO));
    }
    for (i, part) in parts.iter().enumerate() {
        let plus = if i > 0 { " + " } else { "" };
        let _ = write!(text, "{plus}{} at {} %", money(curve, Amount(part.size)), percent(part.rate));
        if let Some(step) = part.accelerated {
            let _ = write!(text, " × {} {}", step.factor.normalize(), above(curve, step.from));
        } else if !part.band.is_zero() {
            let _ = write!(text, " {}", above(curve, part.band));
        }
    }
}

/// Where a band or accelerator starts, by the quota if it is the quota.
fn above(curve: &Curve, from: Decimal) -> String {
    if curve.quota() == Some(Amount(from)) { "above quota".to_owned() } else { format!("above {}", money(curve, Amount(from))) }
}

fn percent(ratio: Decimal) -> Decimal {
    ratio.checked_mul(Decimal::ONE_HUNDRED).unwrap_or(Decimal::MAX).normalize()
}

/// An amount as it is, with its thousands apart and at least the decimals of its currency: `12,000.00`.
pub fn money(curve: &Curve, amount: Amount) -> String {
    let mut exact = amount.0.normalize();
    if exact.scale() < curve.digits() {
        exact.rescale(curve.digits());
    }
    let text = exact.to_string();
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut grouped = String::from(sign);
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if !fraction.is_empty() {
        grouped.push('.');
        grouped.push_str(fraction);
    }
    grouped
}
