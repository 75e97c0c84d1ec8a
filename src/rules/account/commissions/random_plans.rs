//! Random plans on the whole way from YAML: each is refused with a reason, or is a curve that computes whatever it is asked,
//! and that never falls where its mode promises that.
//!
//! `PLANS=10000 cargo test --no-default-features --lib random_plans` tries as many as are asked for.

use rust_decimal::Decimal;
use serde_json::json;

use super::curve::Curve;
use super::explain;
use crate::events::Amount;
use crate::rulebook::values::{Currency, Threshold};
use crate::rulebook::{Mode, Plan, RuleSet};
use crate::rules::account::testing::Stage;

/// A generator of numbers, SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// Mostly what makes sense, now and then what does not.
    fn one_of<'t>(&mut self, usual: &[&'t str], odd: &[&'t str]) -> &'t str {
        let from = if self.below(40) == 0 { odd } else { usual };
        from[self.below(from.len() as u64) as usize]
    }
}

const ODD_NUMBERS: &[&str] =
    &["-1", "0", "abc", "", "1e3", "79228162514264337593543950335", "99999999999999999999999999999999", "0.0000000001"];
const ODD_PERCENTS: &[&str] = &["-5%", "5", "%", "1000000%", "12.3456789%", "79228162514264337593543950335%"];

/// A plan in YAML.
fn plan(numbers: &mut Numbers) -> String {
    let quoted = |text: &str| format!("\"{text}\"");
    let mut plan = String::from("{key: ae, ");
    let mode = numbers.one_of(&["marginal", "overage", "whole"], &["best", "Marginal"]);
    plan.push_str(&format!("mode: {mode}, "));
    if numbers.below(8) > 0 {
        plan.push_str(&format!("quota: {}, ", quoted(numbers.one_of(&["10000", "333.33", "0.01", "100000.00"], ODD_NUMBERS))));
    }
    if numbers.below(4) == 0 {
        plan.push_str(&format!("quotas: {{r1: {}}}, ", quoted(numbers.one_of(&["20000", "7.77"], ODD_NUMBERS))));
    }
    let in_percent = numbers.below(4) > 0;
    let mut bands = Vec::new();
    let mut from = 0;
    for _ in 0..1 + numbers.below(6) {
        let start = if in_percent { format!("{from}%") } else { (from * 100).to_string() };
        let start = if numbers.below(60) == 0 { numbers.one_of(ODD_PERCENTS, ODD_NUMBERS).to_owned() } else { start };
        let rate = numbers.one_of(&["0%", "2%", "3.5%", "5%", "8%", "12.25%", "100%"], ODD_PERCENTS);
        bands.push(format!("{{from: {}, rate: {}}}", quoted(&start), quoted(rate)));
        from += 1 + numbers.below(90);
    }
    if numbers.below(50) == 0 {
        bands.reverse();
    }
    plan.push_str(&format!("bands: [{}], ", bands.join(", ")));
    if numbers.below(3) == 0 {
        let step = |numbers: &mut Numbers| {
            let (from, times) = (50 + numbers.below(200), numbers.one_of(&["1", "1.5", "2", "1.25"], ODD_NUMBERS));
            format!("{{from: \"{from}%\", multiply: \"{times}\"}}")
        };
        let steps: Vec<String> = (0..1 + numbers.below(3)).map(|_| step(numbers)).collect();
        plan.push_str(&format!("accelerators: [{}], ", steps.join(", ")));
    }
    if numbers.below(4) == 0 {
        plan.push_str(&format!("cap: {}, ", quoted(numbers.one_of(&["500", "20000.00"], ODD_NUMBERS))));
    }
    if numbers.below(4) == 0 {
        let amount =
            numbers.one_of(&["amount: \"10.00\"", "rate: \"2%\"", "amount: \"1\", limit: \"3\""], &["limit: \"1\"", "x: 1"]);
        plan.push_str(&format!("spifs: [{{key: s, {amount}}}], "));
    }
    if numbers.below(2) == 0 {
        let within = numbers.one_of(&["90d", "1h"], &["-1d", "soon", "99999999999d"]);
        plan.push_str(&format!("clawback: {{events: [payment.refunded], within: {within}}}, "));
    }
    let rounding = numbers.one_of(&["half_even", "half_up"], &["down"]);
    plan.push_str(&format!("rounding: {rounding}}}"));
    plan
}

fn rules(plan: &str) -> String {
    format!("account: acme\ncurrency: USD\nreps: [{{id: r0}}, {{id: r1}}]\ncommissions: [{plan}]\n")
}

/// Whether C is promised never to fall: always where each part of the basis has its own rate, else where a higher band
/// never pays less.
fn never_falls(plan: &Plan) -> bool {
    let rates_rise = plan.bands.is_sorted_by_key(|band| band.rate.0);
    let starts = |threshold: &Threshold| match threshold {
        Threshold::Amount(amount) => *amount,
        Threshold::Percent(percent) => percent.0,
    };
    let in_order = plan.bands.is_sorted_by_key(|band| starts(&band.from));
    plan.mode == Mode::Marginal || (rates_rise && in_order)
}

fn check_curve(plan: &Plan, text: &str) {
    for rep in ["r0", "r1"] {
        let curve = Curve::new(plan, rep, &Currency("USD".to_owned()));
        let mut before = Amount::ZERO;
        let steps = (0..40).map(|step| Decimal::new(step * step * 997, 2)).chain((4..18).map(|e| Decimal::new(10i64.pow(e), 2)));
        let mut bases: Vec<Decimal> = steps.collect();
        bases.extend([Decimal::MIN, Decimal::from(-5), Decimal::MAX]);
        bases.sort();
        let mut last = None;
        for basis in bases.into_iter().map(Amount) {
            let earned = curve.earned(basis);
            explain::change(&mut String::new(), &curve, before, basis);
            before = basis;
            // beyond this, products are cut to 28 digits
            let is_exact = basis.0.abs() < Decimal::from(10i64.pow(12));
            if let Some(last) = last.filter(|_| is_exact && never_falls(plan)) {
                assert!(earned.total() >= last, "falls at {basis}: {text}");
            }
            last = Some(earned.total()).filter(|_| is_exact);
        }
    }
}

fn check_history(text: &str) {
    let mut stage = Stage::new(text);
    for (i, amount) in ["100", "0", "99999.99", "79228162514264337593543950335", "-4", "x"].into_iter().enumerate() {
        let (at, d) = (format!("2026-11-03T12:0{i}:00Z"), json!({"amount": amount, "payment": format!("p{i}")}));
        stage.send(json!({"t": "payment.confirmed", "at": at, "c": "c1", "a": format!("r{}", i % 2), "d": d}));
        let d = json!({"payment": format!("p{}", i / 2), "amount": "50"});
        stage.send(json!({"t": "payment.refunded", "at": at, "c": "c1", "d": d}));
    }
    stage.commit();
}

#[test]
fn are_refused_with_a_reason_or_compute() {
    let plans = std::env::var("PLANS").ok().and_then(|plans| plans.parse().ok()).unwrap_or(600);
    let mut numbers = Numbers(6);
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..plans {
        let text = rules(&plan(&mut numbers));
        match RuleSet::load([("random.yaml", text.as_str())]) {
            Err(errors) => {
                refused += 1;
                assert!(
                    !errors.0.is_empty() && errors.0.iter().all(|error| !error.message.is_empty() && error.line > 0),
                    "{text}"
                );
            }
            Ok(rules) => {
                accepted += 1;
                let book = rules.account("acme").unwrap().latest().unwrap().clone();
                check_curve(&book.commissions[0], &text);
                if accepted % 16 == 0 {
                    check_history(&text);
                }
            }
        }
    }
    assert!(accepted > plans / 4 && refused > plans / 10, "{accepted} accepted, {refused} refused");
}
