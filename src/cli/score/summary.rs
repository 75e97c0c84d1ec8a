//! The readable summary of a scoring run.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::reports::Reports;
use crate::cli::Format;
use crate::engine::Counters;
use crate::outputs::{Record, Topic};

/// The last values of what the summary shows, and how many records each topic got.
#[derive(Default)]
pub struct Summary {
    records: BTreeMap<&'static str, u64>,
    latest: BTreeMap<(Topic, Vec<u8>), Vec<u8>>,
}

/// How many rows of each list are shown.
pub(super) const SHOWN: usize = 10;

impl Summary {
    pub fn take(&mut self, record: &Record<'_>) {
        *self.records.entry(record.topic.name()).or_default() += 1;
        let shown =
            [Topic::LeadScores, Topic::RepProgress, Topic::Leaderboards, Topic::Contests, Topic::Goals, Topic::Statements];
        if shown.contains(&record.topic) {
            let key = (record.topic, record.key.to_vec());
            match record.value {
                Some(value) => self.latest.insert(key, value.to_vec()),
                None => self.latest.remove(&key),
            };
        }
    }

    fn values(&self, topic: Topic) -> Vec<Value> {
        let of_topic = self.latest.iter().filter(|((t, _), _)| *t == topic);
        of_topic.filter_map(|(_, value)| serde_json::from_slice(value).ok()).collect()
    }

    pub fn print(&self, counters: &Counters, format: Format) {
        let mut leads = self.values(Topic::LeadScores);
        let total: i64 = leads.iter().filter_map(|lead| lead["score"].as_i64()).sum();
        let count = leads.len();
        leads.sort_by_key(|lead| std::cmp::Reverse(lead["score"].as_i64()));
        leads.truncate(SHOWN);
        let mut reps = self.values(Topic::RepProgress);
        reps.sort_by_key(|rep| std::cmp::Reverse(rep["xp"].as_i64()));
        let boards = latest_periods(self.values(Topic::Leaderboards), "board");
        let statements = self.values(Topic::Statements);
        if format == Format::Json {
            let Reports { attainment, payout, pareto } = Reports::of(&self.values(Topic::Goals), &statements, &reps);
            let summary = json!({
                "events": counters.events, "duplicates": counters.deduplicated, "rejected": counters.rejected_total(),
                "contacts": count, "sum_of_scores": total, "records": self.records,
                "top_leads": leads, "reps": reps, "leaderboards": boards, "statements": statements,
                "late": counters.late, "attainment": attainment, "payout": payout, "pareto": pareto,
            });
            println!("{summary}");
            return;
        }
        println!("{} events, {} duplicates, {} rejected", counters.events, counters.deduplicated, counters.rejected_total());
        println!("{count} contacts, sum of scores {total}");
        table(
            "Top leads",
            &["contact", "score", "events", "segments"],
            leads
                .iter()
                .map(|lead| vec![text(&lead["contact"]), text(&lead["score"]), text(&lead["events"]), texts(&lead["segments"])]),
        );
        table(
            "Reps",
            &["rep", "xp", "level", "league", "coins", "badges"],
            reps.iter().take(SHOWN).map(|rep| {
                let badges = rep["badges"].as_array().map_or(0, Vec::len).to_string();
                vec![
                    text(&rep["name"]),
                    text(&rep["xp"]),
                    text(&rep["level"]["name"]),
                    text(&rep["league"]),
                    text(&rep["coins"]),
                    badges,
                ]
            }),
        );
        for board in &boards {
            let title = format!(
                "{} {}{}",
                text(&board["board"]),
                text(&board["period"]),
                if board["final"] == true { ", final" } else { "" }
            );
            let entries = board["entries"].as_array().cloned().unwrap_or_default();
            table(
                &title,
                &["#", "subject", "value"],
                entries
                    .iter()
                    .take(SHOWN)
                    .map(|entry| vec![text(&entry["position"]), text(&entry["name"]), text(&entry["value"])]),
            );
        }
        table("Goals reached or under way", &["goal", "period", "subject", "value", "target", "tiers"], {
            latest_periods(self.values(Topic::Goals), "goal").into_iter().take(2 * SHOWN).map(|goal| {
                let tiers = goal["tiers"].as_array().cloned().unwrap_or_default();
                let reached: Vec<String> =
                    tiers.iter().filter(|tier| !tier["reached_at"].is_null()).map(|tier| text(&tier["key"])).collect();
                vec![
                    text(&goal["goal"]),
                    text(&goal["period"]),
                    text(&goal["subject"]),
                    text(&goal["value"]),
                    text(&goal["target"]),
                    reached.join(" "),
                ]
            })
        });
        let reports = Reports::of(&self.values(Topic::Goals), &statements, &reps);
        table(
            "Statements",
            &["statement", "status", "total", "currency"],
            statements.iter().rev().take(SHOWN).map(|statement| {
                vec![
                    text(&statement["statement"]),
                    text(&statement["status"]),
                    text(&statement["total"]),
                    text(&statement["currency"]),
                ]
            }),
        );
        reports.print();
    }
}

/// Of each key under `by` only the records of its latest period: labels of one window sort in time.
fn latest_periods(values: Vec<Value>, by: &str) -> Vec<Value> {
    let mut latest: BTreeMap<(String, String), String> = BTreeMap::new();
    for value in &values {
        let period = latest.entry((text(&value["account"]), text(&value[by]))).or_default();
        *period = period.clone().max(text(&value["period"]));
    }
    let is_latest = |value: &Value| latest.get(&(text(&value["account"]), text(&value[by]))) == Some(&text(&value["period"]));
    values.into_iter().filter(|value| is_latest(value)).collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn texts(values: &Value) -> String {
    values.as_array().map_or(String::new(), |values| values.iter().map(text).collect::<Vec<_>>().join(" "))
}

/// Prints rows under a title, the columns as wide as they need to be; nothing for no rows.
pub(super) fn table(title: &str, head: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    let rows: Vec<Vec<String>> = rows.collect();
    if rows.is_empty() {
        return;
    }
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let width = |i: usize| rows.iter().chain([&head]).map(|row| row[i].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    println!("\n{title}");
    for row in [&head].into_iter().chain(&rows) {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        println!("  {}", cells.join("  ").trim_end());
    }
}
