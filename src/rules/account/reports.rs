//! Reports as pure functions of rows that outputs show: Pareto, attainment, payout, load.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Serialize;

use crate::events::Amount;

/// Which few make most of a metric.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pareto {
    /// The part of the total that the smallest group is to make: 0.8.
    pub makes: Amount,
    /// How many subjects make it.
    pub subjects: usize,
    /// Of how many.
    pub of: usize,
    /// `subjects` ÷ `of`, 0 where nobody has anything.
    pub share: Amount,
    pub total: Amount,
    /// From the greatest value to the least.
    pub curve: Vec<ParetoPoint>,
}

/// One subject on the curve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ParetoPoint {
    pub subject: String,
    pub value: Amount,
    /// The part of all subjects up to this one.
    pub share_of_subjects: Amount,
    /// The part of the total that they make.
    pub share_of_total: Amount,
}

/// Decimal places of the ratios in reports.
const RATIO_DIGITS: u32 = 4;

/// The smallest share of subjects that makes 80 % of the sum of their values, and the curve. What is negative makes nothing:
/// it counts as 0.
pub fn pareto(values: impl IntoIterator<Item = (String, Amount)>) -> Pareto {
    let mut values: Vec<(String, Amount)> =
        values.into_iter().map(|(subject, value)| (subject, value.max(Amount::ZERO))).collect();
    values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let total: Amount = values.iter().map(|(_, value)| *value).sum();
    let (of, makes) = (values.len(), Amount(Decimal::new(8, 1)));
    let (mut sum, mut subjects) = (Amount::ZERO, 0);
    let mut curve = Vec::with_capacity(of);
    for (i, (subject, value)) in values.into_iter().enumerate() {
        let reached = total.is_zero() || is_at_least_80_percent(sum, total);
        if !reached {
            subjects = i + 1;
        }
        sum += value;
        let (share_of_subjects, share_of_total) = (ratio(count(i + 1), count(of)), ratio(sum, total));
        curve.push(ParetoPoint { subject, value, share_of_subjects, share_of_total });
    }
    Pareto { makes, subjects, of, share: ratio(count(subjects), count(of)), total, curve }
}

/// Compared without a division, which would round; at the end of the range, with one.
fn is_at_least_80_percent(part: Amount, total: Amount) -> bool {
    match (part.0.checked_mul(Decimal::from(5)), total.0.checked_mul(Decimal::from(4))) {
        (Some(part), Some(total)) => part >= total,
        _ => ratio(part, total) >= Amount(Decimal::new(8, 1)),
    }
}

fn count(n: usize) -> Amount {
    Amount(Decimal::from(n))
}

/// `part ÷ whole`, rounded; 0 of nothing.
fn ratio(part: Amount, whole: Amount) -> Amount {
    let quotient = part.0.checked_div(whole.0).unwrap_or(Decimal::ZERO);
    Amount(quotient.round_dp(RATIO_DIGITS).normalize())
}

/// How far one goal has come, for whoever the report is by: a rep, a team, a portfolio.
#[derive(Clone, Copy, Debug)]
pub struct GoalRow<'r> {
    pub by: &'r str,
    pub value: Amount,
    pub target: Amount,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Attainment {
    pub by: String,
    pub goals: usize,
    /// Goals whose target is reached.
    pub reached: usize,
    /// The mean of value ÷ target: goals of different measures cannot be added up.
    pub attainment: Amount,
}

/// Attainment, in order of `by`.
pub fn attainment<'r>(rows: impl IntoIterator<Item = GoalRow<'r>>) -> Vec<Attainment> {
    let mut sums: BTreeMap<&str, (usize, usize, Amount)> = BTreeMap::new();
    for row in rows {
        let (goals, reached, sum) = sums.entry(row.by).or_default();
        *goals += 1;
        *reached += usize::from(row.value >= row.target);
        *sum += Amount(row.value.0.checked_div(row.target.0).unwrap_or(Decimal::ZERO));
    }
    let mean = |sum: Amount, goals: usize| ratio(sum, count(goals));
    sums.into_iter()
        .map(|(by, (goals, reached, sum))| Attainment { by: by.to_owned(), goals, reached, attainment: mean(sum, goals) })
        .collect()
}

/// A commission statement, or the coins of a rep, for whoever the report is by.
#[derive(Clone, Copy, Debug)]
pub struct PayoutRow<'r> {
    pub by: &'r str,
    /// `accrued`, `approved` or `paid`; of anything else only the total is shown.
    pub status: &'r str,
    pub total: Amount,
    pub coins: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Payout {
    pub by: String,
    pub accrued: Amount,
    pub approved: Amount,
    pub paid: Amount,
    pub total: Amount,
    pub coins: i64,
}

/// What is owed and paid, in order of `by`.
pub fn payout<'r>(rows: impl IntoIterator<Item = PayoutRow<'r>>) -> Vec<Payout> {
    let mut sums: BTreeMap<&str, Payout> = BTreeMap::new();
    for row in rows {
        let sum = sums.entry(row.by).or_insert_with(|| Payout { by: row.by.to_owned(), ..Payout::default() });
        match row.status {
            "accrued" => sum.accrued += row.total,
            "approved" => sum.approved += row.total,
            "paid" => sum.paid += row.total,
            _ => {}
        }
        sum.total += row.total;
        sum.coins = sum.coins.saturating_add(row.coins);
    }
    sums.into_values().collect()
}

/// Something that someone has to look after.
#[derive(Clone, Copy, Debug)]
pub struct LoadRow<'r> {
    pub by: &'r str,
    /// `contact`, `conversation` or `comment`.
    pub kind: &'r str,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Load {
    pub by: String,
    pub contacts: u64,
    pub conversations: u64,
    pub comments: u64,
}

/// Who looks after how much, in order of `by`.
pub fn load<'r>(rows: impl IntoIterator<Item = LoadRow<'r>>) -> Vec<Load> {
    let mut sums: BTreeMap<&str, Load> = BTreeMap::new();
    for row in rows {
        let sum = sums.entry(row.by).or_insert_with(|| Load { by: row.by.to_owned(), ..Load::default() });
        match row.kind {
            "contact" => sum.contacts += 1,
            "conversation" => sum.conversations += 1,
            "comment" => sum.comments += 1,
            _ => {}
        }
    }
    sums.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str) -> Amount {
        Amount::parse(text).unwrap()
    }

    #[track_caller]
    fn check_pareto(values: &[(&str, &str)], subjects: usize, share: &str, shares_of_total: &[&str]) {
        let report = pareto(values.iter().map(|(subject, value)| ((*subject).to_owned(), amount(value))));
        let curve: Vec<String> = report.curve.iter().map(|point| point.share_of_total.to_string()).collect();
        assert_eq!(
            (report.subjects, report.share, curve),
            (subjects, amount(share), shares_of_total.iter().map(|s| (*s).into()).collect())
        );
        assert_eq!(report.of, values.len());
    }

    #[test]
    fn the_smallest_share_that_makes_80_percent() {
        check_pareto(&[], 0, "0", &[]);
        check_pareto(&[("a", "0"), ("b", "-5")], 0, "0", &["0", "0"]);
        check_pareto(&[("a", "5")], 1, "1", &["1"]);
        // 80 of 100 is 80 %, exactly
        check_pareto(&[("b", "5"), ("a", "80"), ("c", "15")], 1, "0.3333", &["0.8", "0.95", "1"]);
        check_pareto(&[("a", "79.99"), ("b", "20.01")], 2, "1", &["0.7999", "1"]);
        check_pareto(&[("a", "1"), ("b", "1"), ("c", "1"), ("d", "1"), ("e", "1")], 4, "0.8", &["0.2", "0.4", "0.6", "0.8", "1"]);
        let most = "79228162514264337593543950335";
        check_pareto(&[("a", most), ("b", "1")], 1, "0.5", &["1", "1"]);
    }

    #[test]
    fn attainment_counts_what_is_reached_and_takes_the_mean() {
        let row = |by, value, target| GoalRow { by, value: amount(value), target: amount(target) };
        let report = attainment([row("r2", "5", "10"), row("r1", "10", "10"), row("r1", "1", "2"), row("r2", "1", "0")]);
        assert_eq!(report[0], Attainment { by: "r1".into(), goals: 2, reached: 1, attainment: amount("0.75") });
        assert_eq!(report[1], Attainment { by: "r2".into(), goals: 2, reached: 1, attainment: amount("0.25") });
    }

    #[test]
    fn payout_adds_up_by_status() {
        let row = |by, status, total, coins| PayoutRow { by, status, total: amount(total), coins };
        let report = payout([row("a", "paid", "10.50", 3), row("a", "accrued", "-0.50", 0), row("b", "approved", "1", i64::MAX)]);
        assert_eq!((report[0].paid, report[0].accrued, report[0].total), (amount("10.50"), amount("-0.50"), amount("10.00")));
        assert_eq!((report[0].coins, report[1].approved, report[1].coins), (3, amount("1"), i64::MAX));
    }

    #[test]
    fn load_counts_by_kind() {
        let row = |by, kind| LoadRow { by, kind };
        let report = load([row("a", "contact"), row("a", "comment"), row("b", "conversation"), row("a", "contact")]);
        assert_eq!(report[0], Load { by: "a".into(), contacts: 2, conversations: 0, comments: 1 });
        assert_eq!(report[1].conversations, 1);
    }
}
