//! Random plans and histories against an oracle that recomputes everything from scratch, in whole cents.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::curve::Curve;
use crate::events::{Amount, Timestamp};
use crate::rulebook::Plan;
use crate::rulebook::values::Currency;
use crate::rules::account::testing::Stage;

/// A plan in whole numbers: cents, and percents in whole numbers.
#[derive(Clone, Debug)]
struct Drawn {
    mode: &'static str,
    quota: i128,
    /// Percent of the quota, rate in percent; ascending starts.
    bands: Vec<(i128, i128)>,
    /// Percent of the quota, multiplier in tenths.
    accelerators: Vec<(i128, i128)>,
    cap: Option<i128>,
    half_up: bool,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let bands = prop::collection::btree_map(0i128..200, 0i128..40, 1..6);
    let accelerators = prop::collection::btree_map(0i128..200, 5i128..30, 0..3);
    let mode = prop::sample::select(vec!["marginal", "overage", "whole"]);
    (mode, 1i128..2000, bands, accelerators, prop::option::of(0i128..100_000), any::<bool>()).prop_map(
        |(mode, quota, bands, accelerators, cap, half_up)| Drawn {
            mode,
            quota: quota * 100,
            bands: bands.into_iter().collect(),
            accelerators: accelerators.into_iter().collect(),
            cap,
            half_up,
        },
    )
}

fn cents(cents: i128) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100)
}

fn as_cents(value: &Value) -> i128 {
    let amount: Amount = value.as_str().unwrap().parse().unwrap();
    (amount.0 * rust_decimal::Decimal::ONE_HUNDRED).try_into().unwrap()
}

impl Drawn {
    fn yaml(&self) -> String {
        let bands = self.bands.iter().map(|(from, rate)| format!("{{from: \"{from}%\", rate: \"{rate}%\"}}"));
        let accelerators = self
            .accelerators
            .iter()
            .map(|(from, tenths)| format!("{{from: \"{from}%\", multiply: \"{}.{}\"}}", tenths / 10, tenths % 10));
        let cap = self.cap.map_or(String::new(), |cap| format!("cap: \"{}\", ", cents(cap)));
        format!(
            "quota: \"{}\", mode: {}, {cap}rounding: {}, bands: [{}], accelerators: [{}]",
            cents(self.quota),
            self.mode,
            if self.half_up { "half_up" } else { "half_even" },
            bands.collect::<Vec<_>>().join(", "),
            accelerators.collect::<Vec<_>>().join(", "),
        )
    }

    fn curve(&self) -> Curve {
        let plan: Plan = serde_saphyr::from_str(&format!("{{key: ae, {}}}", self.yaml())).unwrap();
        Curve::new(&plan, "r1", &Currency("USD".to_owned()))
    }

    /// C of a basis in cents, in hundred-thousandths of a cent: each thin slice between thresholds at its rate.
    fn exact(&self, basis: i128, accelerated: bool) -> i128 {
        // a percent of the quota in hundredths of a cent
        let at = |percent: i128| self.quota * percent;
        let basis = basis * 100;
        let mut cuts: Vec<i128> = self.bands.iter().chain(&self.accelerators).map(|(from, _)| at(*from)).collect();
        cuts.extend([0, at(100), basis]);
        cuts.retain(|cut| (0..=basis).contains(cut));
        cuts.sort();
        let rate_at = |amount: i128| self.bands.iter().filter(|(from, _)| at(*from) <= amount).map(|(_, rate)| *rate).next_back();
        let mut sum = 0;
        for slice in cuts.windows(2) {
            let is_flat = match self.mode {
                "marginal" => false,
                "overage" => slice[0] >= at(100),
                _ => true,
            };
            let rate = rate_at(if is_flat { basis } else { slice[0] }).unwrap_or(0);
            let holding = self.accelerators.iter().filter(|(from, _)| accelerated && at(*from) <= slice[0]);
            let tenths = holding.map(|(_, tenths)| *tenths).max().unwrap_or(10);
            sum += (slice[1] - slice[0]) * rate * tenths;
        }
        self.cap.map_or(sum, |cap| sum.min(cap * 100_000))
    }

    /// C of a basis in cents, in whole cents.
    fn rounded(&self, basis: i128, accelerated: bool) -> i128 {
        let exact = self.exact(basis, accelerated);
        let (whole, rest) = (exact.div_euclid(100_000), exact.rem_euclid(100_000));
        let up = rest > 50_000 || rest == 50_000 && (self.half_up || whole % 2 == 1);
        whole + i128::from(up)
    }

    fn never_falls(&self) -> bool {
        let rising = self.bands.is_sorted_by_key(|(_, rate)| *rate);
        self.mode == "marginal" || rising
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_function_is_what_the_oracle_says(plan in drawn(), bases in prop::collection::vec(0i128..1_000_000, 1..20)) {
        let curve = plan.curve();
        let mut bases = bases;
        bases.sort();
        let mut before = 0;
        for basis in bases {
            let earned = curve.earned(cents(basis).parse().unwrap());
            prop_assert_eq!(earned.total().to_string(), cents(plan.rounded(basis, true)), "at {}", basis);
            if !plan.accelerators.is_empty() {
                prop_assert_eq!(earned.base.to_string(), cents(plan.rounded(basis, false)));
            }
            let now = plan.exact(basis, true);
            prop_assert!(!plan.never_falls() || now >= before);
            before = now;
        }
    }
}

/// Something that happens. Times are hours from 2026-01-01.
#[derive(Clone, Debug)]
enum Step {
    Pay { payment: usize },
    Refund { payment: usize, hour: i64, amount: Option<i128> },
    Approve { month: usize, rep: usize },
    PayOut { month: usize, rep: usize },
    Adjust { month: usize, rep: usize, amount: i128 },
    Wait { hour: i64 },
}

#[derive(Clone, Debug)]
struct History {
    plans: [Drawn; 2],
    /// Hour, rep and amount of each payment.
    payments: Vec<(i64, usize, i128)>,
    steps: Vec<Step>,
    commit_every: usize,
}

const HOURS: i64 = 5 * 30 * 24;
const WITHIN: i64 = 40 * 24;
/// The second version comes into force on the 15th of March.
const SECOND: &str = "2026-03-15T00:00:00Z";

fn history() -> impl Strategy<Value = History> {
    let payments = prop::collection::vec((0..HOURS, 0..2usize, 0i128..300_000), 1..12);
    let step = prop_oneof![
        4 => (0..12usize, 0..HOURS, prop::option::of(0i128..200_000)).prop_map(|(payment, hour, amount)| Step::Refund { payment, hour, amount }),
        2 => (0..5usize, 0..2usize).prop_map(|(month, rep)| Step::Approve { month, rep }),
        2 => (0..5usize, 0..2usize).prop_map(|(month, rep)| Step::PayOut { month, rep }),
        1 => (0..5usize, 0..2usize, -9999i128..9999).prop_map(|(month, rep, amount)| Step::Adjust { month, rep, amount }),
        1 => (0..HOURS).prop_map(|hour| Step::Wait { hour }),
    ];
    let steps = prop::collection::vec(step, 0..30);
    (drawn(), drawn(), payments, steps, 1..9usize).prop_flat_map(|(first, second, payments, mut steps, commit_every)| {
        steps.extend((0..payments.len()).map(|payment| Step::Pay { payment }));
        let plans = [first, second];
        Just(steps).prop_shuffle().prop_map(move |steps| History {
            plans: plans.clone(),
            payments: payments.clone(),
            steps,
            commit_every,
        })
    })
}

fn at(hour: i64) -> Timestamp {
    Timestamp(Timestamp::parse("2026-01-01T00:00:00Z").unwrap().0 + hour * 3_600_000)
}

fn month_of(hour: i64) -> String {
    at(hour).to_string()[..7].to_owned()
}

/// Plays a history. Gives the stage, and the net basis by period and rep as the oracle has it.
fn play(history: &History, commit_every: usize) -> (Stage, BTreeMap<(String, usize), i128>) {
    let version = |from: &str, plan: &Drawn| {
        format!(
            "effective_from: {from}\nreps: [{{id: r0}}, {{id: r1}}]\ncurrency: USD\ncommissions: [{{key: ae, {}, \
             clawback: {{events: [payment.refunded], within: {WITHIN}h}}}}]",
            plan.yaml()
        )
    };
    let [first, second] = &history.plans;
    let mut stage = Stage::new(&[version("2020-01-01T00:00:00Z", first), version(SECOND, second)].join("\n---\n"));
    stage.commit_every = commit_every;
    let mut clock = -1;
    let mut refunds: BTreeMap<usize, Vec<(i64, i64, Option<i128>)>> = BTreeMap::new();
    let mut net: BTreeMap<usize, i128> = BTreeMap::new();
    // a payment is forgotten once its window has passed, the same again, and the lateness: with its whole day
    let mut forgotten_after: BTreeMap<usize, i64> = BTreeMap::new();
    for (i, step) in history.steps.iter().enumerate() {
        let statement = |month: usize, rep: usize| format!("acme/ae/2026-{:02}/r{rep}", month + 1);
        // commands come at the account's time
        let mut command = |kind: &str, data: Value| {
            stage.send(json!({"t": kind, "id": format!("k{i}"), "at": at(clock).to_string(), "a": "admin", "d": data}));
        };
        match *step {
            Step::Pay { payment } => {
                let (hour, rep, amount) = history.payments[payment];
                let d = json!({"amount": cents(amount), "payment": format!("p{payment}")});
                let (time, rep) = (at(hour).to_string(), format!("r{rep}"));
                stage.send(json!({"t": "payment.confirmed", "id": format!("e{i}"), "at": time, "c": "c1", "a": rep, "d": d}));
                clock = clock.max(hour);
                net.insert(payment, amount);
                forgotten_after.insert(payment, (clock.max(hour + WITHIN) + WITHIN + 48) / 24 * 24 + 23);
                for (refunded_at, seen_at, refund) in refunds.remove(&payment).unwrap_or_default() {
                    if clock <= seen_at + WITHIN && refunded_at <= hour + WITHIN {
                        net.entry(payment).and_modify(|net| *net -= refund.unwrap_or(*net).min(*net));
                    }
                }
            }
            Step::Refund { payment, hour, amount } => {
                let payment = payment % history.payments.len();
                let name = format!("p{payment}");
                let d = amount.map_or(json!({"payment": name}), |amount| json!({"payment": name, "amount": cents(amount)}));
                stage
                    .send(json!({"t": "payment.refunded", "id": format!("e{i}"), "at": at(hour).to_string(), "c": "c1", "d": d}));
                clock = clock.max(hour);
                let in_window = hour <= history.payments[payment].0 + WITHIN;
                match net.get_mut(&payment) {
                    Some(net) if in_window && clock <= forgotten_after[&payment] => *net -= amount.unwrap_or(*net).min(*net),
                    Some(_) => {}
                    None => refunds.entry(payment).or_default().push((hour, clock, amount)),
                }
            }
            Step::Approve { month, rep } => command("statement.approve", json!({"statement": statement(month, rep)})),
            Step::PayOut { month, rep } => {
                command("statement.pay", json!({"statement": statement(month, rep), "reference": "b"}))
            }
            Step::Adjust { month, rep, amount } => {
                command("statement.adjust", json!({"statement": statement(month, rep), "amount": cents(amount), "reason": "x"}));
            }
            Step::Wait { hour } => {
                stage.until(at(hour));
                clock = clock.max(hour);
            }
        }
    }
    stage.commit();
    let mut by_period = BTreeMap::new();
    for (payment, net) in net {
        let (hour, rep, _) = history.payments[payment];
        *by_period.entry((month_of(hour), rep)).or_insert(0) += net;
    }
    (stage, by_period)
}

fn lines(stage: &Stage) -> Vec<&Value> {
    stage.topic("commission-lines").iter().map(|line| &line.value).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lines_add_up_to_the_plan_and_statements_to_their_lines(history in history()) {
        let (stage, net) = play(&history, history.commit_every);
        // by the period they belong to, lines of events add up to round(C(net basis))
        let mut by_period: BTreeMap<(String, usize), (i128, i128)> = BTreeMap::new();
        for line in lines(&stage).into_iter().filter(|line| !line["event"].is_null()) {
            let rep = usize::from(line["rep"] == "r1");
            let sums = by_period.entry((line["for_period"].as_str().unwrap().to_owned(), rep)).or_default();
            sums.0 += as_cents(&line["base"]);
            sums.1 += as_cents(&line["base"]) + as_cents(&line["accelerator"]);
        }
        for ((period, rep), net) in &net {
            let plan = &history.plans[usize::from(period.as_str() > "2026-03")];
            let (base, all) = by_period.remove(&(period.clone(), *rep)).unwrap_or_default();
            prop_assert_eq!(all, plan.rounded(*net, true), "{} {} of {}", period, rep, net);
            prop_assert!(plan.accelerators.is_empty() || base == plan.rounded(*net, false));
        }
        prop_assert!(by_period.is_empty());

        // statements are the sums of their lines
        let mut sums: BTreeMap<String, [i128; 6]> = BTreeMap::new();
        for line in lines(&stage) {
            let sums = sums.entry(line["statement"].as_str().unwrap().to_owned()).or_default();
            let amount = as_cents(&line["amount"]);
            prop_assert_eq!(amount, as_cents(&line["base"]) + as_cents(&line["accelerator"]) + as_cents(&line["spif"]));
            match line["kind"].as_str().unwrap() {
                "base" => {
                    sums[0] += as_cents(&line["base"]);
                    sums[1] += as_cents(&line["accelerator"]);
                }
                "clawback" => sums[2] += amount,
                _ => sums[3] += amount,
            }
            sums[4] += amount;
            sums[5] += 1;
        }
        for (id, sums) in &sums {
            let statement = stage.last("statements", id);
            let fields = ["base", "accelerator", "clawback", "adjustment", "total"].map(|field| as_cents(&statement[field]));
            prop_assert_eq!(&fields[..], &sums[..5], "{}", id);
            prop_assert_eq!(statement["lines"].as_i64().unwrap() as i128, sums[5]);
        }
    }

    #[test]
    fn nothing_approved_or_paid_changes(history in history()) {
        let (stage, _) = play(&history, 1);
        let mut closed: BTreeMap<&str, i128> = BTreeMap::new();
        for out in stage.topic("statements") {
            let total = as_cents(&out.value["total"]);
            match (out.value["status"].as_str().unwrap(), closed.get(out.key.as_str())) {
                ("accrued", before) => prop_assert!(before.is_none()),
                ("approved", before) => prop_assert!(before.is_none_or(|before| *before == total)),
                // a negative one pays 0
                (_, before) => prop_assert_eq!(Some(total), before.map(|before| (*before).max(0))),
            }
            if out.value["status"] != "accrued" {
                closed.insert(&out.key, total);
            }
        }
    }

    #[test]
    fn the_batches_make_no_difference(history in history()) {
        let (one, _) = play(&history, 1);
        let (many, _) = play(&history, history.commit_every);
        prop_assert_eq!(lines(&one), lines(&many));
        let ids: std::collections::BTreeSet<_> = one.topic("commission-lines").iter().map(|line| line.key.clone()).collect();
        prop_assert_eq!(ids.len(), lines(&one).len(), "ids are unique");
        for statement in one.topic("statements") {
            prop_assert_eq!(one.last("statements", &statement.key), many.last("statements", &statement.key));
        }
        prop_assert!(one.store().rows().eq(many.store().rows()));
    }
}
