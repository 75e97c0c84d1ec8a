//! Simulations as text: numbers to the right, words to the left.

use std::fmt::Write;

use crate::events::Amount;
use crate::rules::account::commissions::simulate::{Simulation, Totals};

/// The lines in the order in which they were posted.
pub fn lines(simulation: &Simulation) -> String {
    let mut rows =
        vec![["time", "kind", "period", "basis", "base", "accelerator", "spif", "amount", "explain"].map(str::to_owned)];
    rows.extend(simulation.lines.iter().map(|line| {
        let amounts = [line.basis, line.base, line.accelerator, line.spif, line.amount].map(|amount| amount.to_string());
        let [basis, base, accelerator, spif, amount] = amounts;
        let (time, period) = (line.at.to_string(), line.for_period.clone());
        [time, line.kind.clone(), period, basis, base, accelerator, spif, amount, line.explain.clone()]
    }));
    table(&rows, &[3, 4, 5, 6, 7])
}

/// Each statement, and all together.
pub fn totals(simulation: &Simulation) -> String {
    let mut rows = vec![["statement", "base", "accelerator", "spif", "clawback", "adjustment", "total"].map(str::to_owned)];
    let mut add = |name: &str, totals: &Totals| {
        let [base, accelerator, spif, clawback, adjustment, total] = parts(totals).map(|(_, amount)| amount.to_string());
        rows.push([name.to_owned(), base, accelerator, spif, clawback, adjustment, total]);
    };
    for statement in &simulation.statements {
        add(&statement.period, &statement.totals);
    }
    add("all", &simulation.totals);
    table(&rows, &[1, 2, 3, 4, 5, 6])
}

/// The totals of two plans side by side.
pub fn side_by_side(one: &Simulation, other: &Simulation, difference: Amount) -> String {
    let mut rows = vec![["", "rules", "compare", "difference"].map(str::to_owned)];
    let pairs = parts(&one.totals).into_iter().zip(parts(&other.totals));
    rows.extend(pairs.map(|((name, one), (_, other))| {
        let difference = if name == "total" { difference } else { other - one };
        [name.to_owned(), one.to_string(), other.to_string(), difference.to_string()]
    }));
    table(&rows, &[1, 2, 3])
}

fn parts(totals: &Totals) -> [(&'static str, Amount); 6] {
    [
        ("base", totals.base),
        ("accelerator", totals.accelerator),
        ("spif", totals.spif),
        ("clawback", totals.clawback),
        ("adjustment", totals.adjustment),
        ("total", totals.total),
    ]
}

fn table<const N: usize>(rows: &[[String; N]], right: &[usize]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let width = widths[column];
            let _ = if right.contains(&column) { write!(line, "{cell:>width$}  ") } else { write!(line, "{cell:<width$}  ") };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
