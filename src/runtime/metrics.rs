//! What is counted and measured, for Prometheus.

use std::borrow::Cow;
use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{Encoder, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder};

use super::log::{Batch, Place};
use crate::engine::Counters;
use crate::events::Timestamp;
use crate::outputs::{Outbox, Topic};

/// All metrics by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    EventsIn,
    RecordsOut,
    Rejected,
    Deduplicated,
    Passed,
    Late,
    Commits,
    Aborts,
    Sessions,
    CommitSeconds,
    LatencySeconds,
    LagRecords,
    LagSeconds,
    StoreWrites,
    RestoreRead,
    RestoreTotal,
    BuildInfo,
}

impl Name {
    pub const ALL: [Name; 17] = [
        Name::EventsIn,
        Name::RecordsOut,
        Name::Rejected,
        Name::Deduplicated,
        Name::Passed,
        Name::Late,
        Name::Commits,
        Name::Aborts,
        Name::Sessions,
        Name::CommitSeconds,
        Name::LatencySeconds,
        Name::LagRecords,
        Name::LagSeconds,
        Name::StoreWrites,
        Name::RestoreRead,
        Name::RestoreTotal,
        Name::BuildInfo,
    ];

    /// The metric's name and what it says.
    pub const fn describe(self) -> (&'static str, &'static str) {
        match self {
            Name::EventsIn => ("scorekeeper_records_in_total", "Records read and committed, by topic."),
            Name::RecordsOut => ("scorekeeper_records_out_total", "Records written, by topic."),
            Name::Rejected => ("scorekeeper_rejected_total", "Dead letters, by reason."),
            Name::Deduplicated => ("scorekeeper_deduplicated_total", "Events that were seen before."),
            Name::Passed => {
                ("scorekeeper_unscored_total", "Events without rules (no_rules, before_rules), or sent on (rerouted).")
            }
            Name::Late => ("scorekeeper_late_total", "Events and commands that came too late for a final figure."),
            Name::Commits => ("scorekeeper_commits_total", "Transactions committed."),
            Name::Aborts => ("scorekeeper_aborts_total", "Transactions aborted and read again."),
            Name::Sessions => ("scorekeeper_sessions_ended_total", "Sessions that ended by an error."),
            Name::CommitSeconds => ("scorekeeper_commit_seconds", "Duration of a commit."),
            Name::LatencySeconds => {
                ("scorekeeper_latency_seconds", "From an event's record time to the commit of what came of it.")
            }
            Name::LagRecords => ("scorekeeper_lag_records", "Records not worked off yet, by topic and partition."),
            Name::LagSeconds => ("scorekeeper_lag_seconds", "Age of the newest record worked off while there are more."),
            Name::StoreWrites => ("scorekeeper_store_writes_total", "Rows written to disk."),
            Name::RestoreRead => ("scorekeeper_restore_read_records", "Changelog offsets read by the last restore, by topic."),
            Name::RestoreTotal => {
                ("scorekeeper_restore_total_records", "Changelog offsets to read by the last restore, by topic.")
            }
            Name::BuildInfo => ("scorekeeper_build_info", "1, with the version."),
        }
    }

    fn opts(self) -> Opts {
        let (name, help) = self.describe();
        Opts::new(name, help)
    }
}

pub struct Metrics {
    registry: Registry,
    records_in: Vec<(Topic, IntCounter)>,
    records_out: Vec<IntCounter>,
    rejected: IntCounterVec,
    deduplicated: IntCounter,
    passed: IntCounterVec,
    late: IntCounter,
    commits: IntCounter,
    aborts: IntCounter,
    sessions: IntCounter,
    commit_seconds: Histogram,
    latency_seconds: Histogram,
    lag_records: IntGaugeVec,
    lag_seconds: IntGaugeVec,
    store_writes: IntCounter,
    restore_read: IntGaugeVec,
    restore_total: IntGaugeVec,
}

/// Of a batch's events, about this many are looked at for the latency.
const SAMPLES: usize = 64;

impl Metrics {
    pub fn new() -> Result<Metrics, prometheus::Error> {
        let registry = Registry::new();
        let counter = |name: Name| register(&registry, IntCounter::with_opts(name.opts()));
        let counters = |name: Name, label| register(&registry, IntCounterVec::new(name.opts(), &[label]));
        let gauges = |name: Name, labels: &[&str]| register(&registry, IntGaugeVec::new(name.opts(), labels));
        let histogram = |name: Name, buckets: &[f64]| {
            let opts = HistogramOpts { common_opts: name.opts(), buckets: buckets.to_vec() };
            register(&registry, Histogram::with_opts(opts))
        };
        let records_in = counters(Name::EventsIn, "topic")?;
        let records_out = counters(Name::RecordsOut, "topic")?;
        let build = register(&registry, IntGaugeVec::new(Name::BuildInfo.opts(), &["version"]))?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        Ok(Metrics {
            records_in: super::log::INPUTS.map(|topic| (topic, records_in.with_label_values(&[topic.name()]))).to_vec(),
            records_out: Topic::ALL.map(|topic| records_out.with_label_values(&[topic.name()])).to_vec(),
            rejected: counters(Name::Rejected, "reason")?,
            deduplicated: counter(Name::Deduplicated)?,
            passed: counters(Name::Passed, "why")?,
            late: counter(Name::Late)?,
            commits: counter(Name::Commits)?,
            aborts: counter(Name::Aborts)?,
            sessions: counter(Name::Sessions)?,
            commit_seconds: histogram(
                Name::CommitSeconds,
                &[0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0],
            )?,
            latency_seconds: histogram(
                Name::LatencySeconds,
                &[0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0],
            )?,
            lag_records: gauges(Name::LagRecords, &["topic", "partition"])?,
            lag_seconds: gauges(Name::LagSeconds, &["topic", "partition"])?,
            store_writes: counter(Name::StoreWrites)?,
            restore_read: gauges(Name::RestoreRead, &["topic"])?,
            restore_total: gauges(Name::RestoreTotal, &["topic"])?,
            registry,
        })
    }

    /// A batch was committed.
    pub fn committed(&self, took: Duration, batch: &Batch<'_>, outbox: &Outbox, now: Timestamp) {
        self.commits.inc();
        self.commit_seconds.observe(took.as_secs_f64());
        let mut read = [0u64; super::log::INPUTS.len()];
        for message in &batch.messages {
            if let Some(input) = super::log::INPUTS.iter().position(|topic| *topic == message.place.topic) {
                read[input] += 1;
            }
        }
        for ((_, counter), read) in self.records_in.iter().zip(read) {
            counter.inc_by(read);
        }
        let events = batch.messages.iter().filter(|message| message.place.topic == Topic::ProductEvents);
        for message in events.step_by(batch.messages.len() / SAMPLES + 1) {
            if let Some(time) = message.timestamp {
                self.latency_seconds.observe((now.0 - time.0).max(0) as f64 / 1000.0);
            }
        }
        let mut written = [0u64; Topic::ALL.len()];
        for record in outbox.records() {
            written[record.topic as usize] += 1;
            if record.topic == Topic::DeadLetters {
                let reason =
                    record.headers.iter().find(|(name, _)| name == REASON).map(|(_, value)| String::from_utf8_lossy(value));
                self.rejected.with_label_values(&[reason.unwrap_or(Cow::Borrowed("unknown")).as_ref()]).inc();
            }
        }
        for (counter, written) in self.records_out.iter().zip(written) {
            counter.inc_by(written);
        }
    }

    /// What a task has counted since the last time.
    pub fn counted(&self, before: &Counters, now: &Counters) {
        self.late.inc_by(now.late.saturating_sub(before.late));
        self.deduplicated.inc_by(now.deduplicated.saturating_sub(before.deduplicated));
        for (why, now, before) in [
            ("no_rules", now.no_rules, before.no_rules),
            ("before_rules", now.before_rules, before.before_rules),
            ("rerouted", now.rerouted, before.rerouted),
        ] {
            if now > before {
                self.passed.with_label_values(&[why]).inc_by(now - before);
            }
        }
    }

    pub fn aborted(&self) {
        self.aborts.inc();
    }

    pub fn session_ended(&self) {
        self.sessions.inc();
    }

    /// Records of a place that are not worked off, and the age of the newest one that is.
    pub fn lag(&self, place: Place, records: u64, age: Option<Duration>) {
        let partition = place.partition.to_string();
        let labels = [place.topic.name(), partition.as_str()];
        self.lag_records.with_label_values(&labels).set(records as i64);
        let seconds = age.filter(|_| records > 0).map_or(0, |age| age.as_secs());
        self.lag_seconds.with_label_values(&labels).set(seconds as i64);
    }

    pub fn restored(&self, topic: Topic, read: u64, all: u64) {
        self.restore_read.with_label_values(&[topic.name()]).set(read as i64);
        self.restore_total.with_label_values(&[topic.name()]).set(all as i64);
    }

    /// Records written in all.
    pub fn records_out(&self) -> u64 {
        self.records_out.iter().map(IntCounter::get).sum()
    }

    pub fn records_in(&self, wanted: Topic) -> u64 {
        self.records_in.iter().find(|(topic, _)| *topic == wanted).map_or(0, |(_, counter)| counter.get())
    }

    pub fn commits(&self) -> u64 {
        self.commits.get()
    }

    /// The text that Prometheus reads.
    pub fn render(&self) -> String {
        let written = super::store::rows_written();
        self.store_writes.inc_by(written.saturating_sub(self.store_writes.get()));
        let mut text = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            tracing::warn!(%error, "metrics");
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}

const REASON: &str = "__connect.errors.exception.class.name";

fn register<C: Collector + Clone + 'static>(registry: &Registry, made: prometheus::Result<C>) -> prometheus::Result<C> {
    let made = made?;
    registry.register(Box::new(made.clone()))?;
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_registered_once_and_well_formed() {
        let metrics = Metrics::new().unwrap();
        let place = Place::new(Topic::Commands, 1);
        metrics.lag(place, 5, Some(Duration::from_secs(3)));
        metrics.restored(Topic::ContactChangelog, 1, 2);
        metrics.rejected.with_label_values(&["malformed_json"]).inc();
        metrics.counted(&Counters::default(), &Counters { no_rules: 2, deduplicated: 1, late: 4, ..Default::default() });
        let text = metrics.render();
        for name in Name::ALL {
            let (name, help) = name.describe();
            assert!(text.contains(&format!("# HELP {name} {help}")), "{name}");
        }
        assert!(text.contains("scorekeeper_lag_records{partition=\"1\",topic=\"commands\"} 5"));
        assert!(text.contains("scorekeeper_lag_seconds{partition=\"1\",topic=\"commands\"} 3"));
        assert!(text.contains("scorekeeper_unscored_total{why=\"no_rules\"} 2"));
        assert!(text.contains("scorekeeper_deduplicated_total 1"));
        assert!(text.contains("scorekeeper_late_total 4"));
    }
}
