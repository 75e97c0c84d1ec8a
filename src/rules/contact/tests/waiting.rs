//! Time that passes without events.

use super::*;

const RULES: &str = "
catalog: [{key: page.viewed, points: 5}]
timeline: {retention: 1d}
reps: [{id: r}]
ownership: {transfers: [{when: inactive, for: 2h, to: {rep: r}}]}";

impl Stage {
    /// What a watermark forwards, by the start of its text.
    fn watermark(&mut self, wall: &str, caught_up: bool) -> Vec<String> {
        let mut out = Outbox::default();
        self.task.watermark(&self.store, &self.rules, Timestamp::parse(wall).unwrap(), caught_up, &mut out);
        self.finish(out);
        let forwarded = std::mem::take(&mut self.forwarded);
        forwarded.iter().map(|record| record.split(' ').next().unwrap().to_owned()).collect()
    }
}

#[test]
fn a_quiet_partition_does_what_is_due() {
    let mut stage = Stage::with(&[RULES], Limits::default(), false);
    assert_eq!(stage.watermark("2026-11-03T11:00:00Z", false), [""; 0], "it has come nowhere yet");
    stage.feed(&[event("e", "page.viewed", "c", "2026-11-03T12:00:00Z", json!({}))]);
    stage.forwarded.clear();
    for takeover in [false, true] {
        if takeover {
            stage.task = ContactTask::new(0, 1, Limits::default(), false);
        }
        assert_eq!(stage.watermark("2026-11-09T00:00:00Z", false), ["Watermark"], "time is that of the last event");
    }
    assert_eq!(stage.watermark("2026-11-03T13:59:59.999Z", true), ["Watermark"]);
    assert_eq!(stage.watermark("2026-11-03T14:00:00Z", true), ["Inactive", "Watermark"]);
    assert_eq!(stage.watermark("2026-11-03T15:00:00Z", true), ["Watermark"], "it is said once");

    assert_eq!(stage.watermark("2026-11-04T12:00:00Z", true), ["Watermark"]);
    assert_eq!(stage.table(Topic::Timeline).len(), 1);
    stage.watermark("2026-11-04T12:00:00.001Z", true);
    let kept: Vec<_> = stage.table(Topic::Timeline).into_iter().map(|(key, _)| key).collect();
    assert!(kept.len() == 1 && kept[0].starts_with("acme/c/carried/"), "{kept:?}");
    assert_eq!(stage.score("c"), 5);
}
