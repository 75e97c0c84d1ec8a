//! JSON written by hand for the outputs that nearly every event causes: the same bytes as through serde, at a third of the
//! cost. Every other output goes through serde.

use super::{CommissionLine, EventRef, LeadScore, Outcome, RepProgress, Statement, TimelineEntry, XpEntry};
use crate::events::{Amount, Timestamp};

/// A JSON text in the making.
struct Writer<'o>(&'o mut Vec<u8>);

impl Writer<'_> {
    /// Text that is JSON already: braces, names, commas.
    fn raw(&mut self, text: &str) -> &mut Self {
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    fn text(&mut self, text: &str) -> &mut Self {
        // every byte is looked at, many at once, rather than stop at the first
        let is_plain = |plain, byte| plain & (byte >= 0x20) & (byte != b'"') & (byte != b'\\');
        if !text.bytes().fold(true, is_plain) {
            // writing into a Vec cannot fail
            let _ = serde_json::to_writer(&mut *self.0, text);
            return self;
        }
        self.0.reserve(text.len() + 2);
        self.0.push(b'"');
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(b'"');
        self
    }

    /// A text, or null.
    fn optional(&mut self, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.text(text),
            None => self.raw("null"),
        }
    }

    fn number(&mut self, number: impl itoa::Integer) -> &mut Self {
        self.raw(itoa::Buffer::new().format(number))
    }

    fn amount(&mut self, amount: Amount) -> &mut Self {
        self.raw("\"").raw(amount.text().as_str()).raw("\"")
    }

    fn event(&mut self, event: &EventRef<'_>) -> &mut Self {
        self.raw("{\"id\":").text(event.id).raw(",\"source\":").text(event.source);
        self.raw(",\"type\":").text(event.kind).raw("}")
    }

    fn optional_event(&mut self, event: Option<&EventRef<'_>>) -> &mut Self {
        match event {
            Some(event) => self.event(event),
            None => self.raw("null"),
        }
    }

    fn time(&mut self, time: Timestamp) -> &mut Self {
        self.0.push(b'"');
        self.0.extend_from_slice(&time.to_bytes());
        self.0.push(b'"');
        self
    }
}

impl TimelineEntry<'_> {
    pub(super) fn write_json(&self, into: &mut Vec<u8>) {
        let mut json = Writer(into);
        json.raw("{\"account\":").text(self.account).raw(",\"contact\":").text(self.contact);
        json.raw(",\"event\":").event(&self.event).raw(",\"key\":").text(self.key);
        json.raw(",\"name\":").text(self.name).raw(",\"group\":").optional(self.group);
        json.raw(",\"points\":").number(self.points).raw(",\"outcome\":\"").raw(self.outcome.name()).raw("\",\"actor\":");
        json.optional(self.actor).raw(",\"time\":").time(self.time).raw("}");
    }
}

impl LeadScore<'_> {
    pub(super) fn write_json(&self, into: &mut Vec<u8>) {
        let mut json = Writer(into);
        json.raw("{\"account\":").text(self.account).raw(",\"contact\":").text(self.contact);
        json.raw(",\"score\":").number(self.score).raw(",\"groups\":{");
        for (i, (group, points)) in self.groups.0.iter().enumerate() {
            json.raw(if i > 0 { "," } else { "" }).text(group).raw(":").number(*points);
        }
        json.raw("},\"segments\":[");
        for (i, segment) in self.segments.iter().enumerate() {
            json.raw(if i > 0 { "," } else { "" }).text(segment);
        }
        json.raw("],\"events\":").number(self.events).raw(",\"last_event_at\":");
        match self.last_event_at {
            Some(time) => json.time(time),
            None => json.raw("null"),
        };
        json.raw(",\"rules_version\":").number(self.rules_version).raw("}");
    }
}

impl XpEntry<'_> {
    pub(super) fn write_json(&self, into: &mut Vec<u8>) {
        let mut json = Writer(into);
        json.raw("{\"account\":").text(self.account).raw(",\"entry\":").text(self.entry).raw(",\"rep\":").text(self.rep);
        json.raw(",\"xp\":").number(self.xp).raw(",\"reason\":").text(self.reason);
        json.raw(",\"event\":").optional_event(self.event.as_ref()).raw(",\"at\":").time(self.at).raw("}");
    }
}

impl RepProgress<'_> {
    pub(super) fn write_json(&self, into: &mut Vec<u8>) {
        let mut json = Writer(into);
        json.raw("{\"account\":").text(self.account).raw(",\"rep\":").text(self.rep).raw(",\"name\":").text(self.name);
        json.raw(",\"team\":").optional(self.team).raw(",\"xp\":").number(self.xp).raw(",\"level\":");
        match &self.level {
            Some(level) => {
                json.raw("{\"level\":").number(level.level).raw(",\"name\":").text(level.name).raw(",\"next_xp\":");
                match level.next_xp {
                    Some(xp) => json.number(xp).raw("}"),
                    None => json.raw("null}"),
                }
            }
            None => json.raw("null"),
        };
        json.raw(",\"league\":").optional(self.league).raw(",\"coins\":").number(self.coins).raw(",\"badges\":[");
        for (i, badge) in self.badges.iter().enumerate() {
            json.raw(if i > 0 { ",{\"key\":" } else { "{\"key\":" }).text(badge.key).raw(",\"tier\":").text(badge.tier);
            json.raw(",\"awarded_at\":").time(badge.awarded_at).raw("}");
        }
        json.raw("],\"certifications\":[");
        for (i, held) in self.certifications.iter().enumerate() {
            json.raw(if i > 0 { ",{\"key\":" } else { "{\"key\":" }).text(held.key);
            json.raw(",\"granted_at\":").time(held.granted_at).raw(",\"expires_at\":");
            match held.expires_at {
                Some(at) => json.time(at).raw("}"),
                None => json.raw("null}"),
            };
        }
        json.raw("]}");
    }
}

impl CommissionLine<'_> {
    pub(super) fn write_json(&self, into: &mut Vec<u8>) {
        let mut json = Writer(into);
        json.raw("{\"account\":")
            .text(self.account)
            .raw(",\"line\":")
            .text(self.line)
            .raw(",\"statement\":")
            .text(self.statement);
        json.raw(",\"plan\":").text(self.plan).raw(",\"rules_version\":").number(self.rules_version);
        json.raw(",\"rep\":").text(self.rep).raw(",\"kind\":").text(self.kind);
        json.raw(",\"event\":").optional_event(self.event.as_ref()).raw(",\"for_period\":").text(self.for_period);
        json.raw(",\"basis\":").amount(self.basis).raw(",\"base\":").amount(self.base);
        json.raw(",\"accelerator\":").amount(self.accelerator).raw(",\"spif\":").amount(self.spif);
        json.raw(",\"amount\":").amount(self.amount).raw(",\"explain\":").text(self.explain);
        json.raw(",\"at\":").time(self.at).raw("}");
    }
}

impl Statement<'_> {
    pub(super) fn write_json(&self, into: &mut Vec<u8>) {
        let mut json = Writer(into);
        json.raw("{\"account\":").text(self.account).raw(",\"statement\":").text(self.statement);
        json.raw(",\"plan\":").text(self.plan).raw(",\"rep\":").text(self.rep).raw(",\"period\":").text(self.period);
        json.raw(",\"status\":").text(self.status).raw(",\"base\":").amount(self.base);
        json.raw(",\"accelerator\":").amount(self.accelerator).raw(",\"spif\":").amount(self.spif);
        json.raw(",\"clawback\":").amount(self.clawback).raw(",\"adjustment\":").amount(self.adjustment);
        json.raw(",\"total\":").amount(self.total).raw(",\"currency\":").text(self.currency);
        json.raw(",\"lines\":").number(self.lines).raw("}");
    }
}

impl Outcome {
    /// As in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Counted => "counted",
            Outcome::Recorded => "recorded",
            Outcome::Repeated => "repeated",
            Outcome::Cooling => "cooling",
            Outcome::Late => "late",
            Outcome::Carried => "carried",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;
    use crate::outputs::{AwardedBadge, EventRef, HeldCertification, LevelProgress, Pairs};

    const TEXTS: [&str; 4] = ["c1", "", "q\"u\\o\u{1}t\ne", "é😀/\u{7f}"];
    const NUMBERS: [i64; 4] = [0, -5, i64::MAX, i64::MIN];

    #[track_caller]
    fn check(output: &impl Serialize, write: impl Fn(&mut Vec<u8>)) {
        let mut bytes = Vec::new();
        write(&mut bytes);
        assert_eq!(String::from_utf8(bytes).unwrap(), serde_json::to_string(output).unwrap());
    }

    #[test]
    fn gives_the_bytes_of_serde_for_leads() {
        for outcome in [Outcome::Counted, Outcome::Recorded, Outcome::Repeated, Outcome::Cooling, Outcome::Late, Outcome::Carried]
        {
            for (text, number) in TEXTS.into_iter().flat_map(|text| NUMBERS.map(|number| (text, number))) {
                let entry = TimelineEntry {
                    account: text,
                    contact: "c",
                    event: EventRef { id: text, source: "/crm", kind: text },
                    key: "k",
                    name: text,
                    group: Some("g").filter(|_| number != 0),
                    points: number,
                    outcome,
                    actor: Some(text).filter(|text| !text.is_empty()),
                    time: Timestamp(number),
                };
                check(&entry, |into| entry.write_json(into));
                let score = LeadScore {
                    account: text,
                    contact: "c",
                    score: number,
                    groups: Pairs(vec![("a", number), (text, 0)]),
                    segments: vec![text, "hot"],
                    events: 7,
                    last_event_at: Some(Timestamp(number)).filter(|_| number != 0),
                    rules_version: 3,
                };
                check(&score, |into| score.write_json(into));
            }
        }
    }

    #[test]
    fn gives_the_bytes_of_serde_for_reps() {
        for (text, number) in TEXTS.into_iter().flat_map(|text| NUMBERS.map(|number| (text, number))) {
            let event = Some(EventRef { id: text, source: "/crm", kind: text }).filter(|_| number != 0);
            let optional = Some(text).filter(|text| !text.is_empty());
            let (at, amount) = (Timestamp(number), Amount(rust_decimal::Decimal::new(number, 2)));
            let entry = XpEntry { account: text, entry: text, rep: "r", xp: number, reason: text, event, at };
            check(&entry, |into| entry.write_json(into));
            let next_xp = Some(number).filter(|_| number > 0);
            let progress = RepProgress {
                account: text,
                rep: "r",
                name: text,
                team: optional,
                xp: number,
                level: optional.map(|name| LevelProgress { level: 3, name, next_xp }),
                league: optional,
                coins: number,
                badges: vec![AwardedBadge { key: text, tier: "gold", awarded_at: at }; text.len().min(2)],
                certifications: vec![
                    HeldCertification { key: text, granted_at: at, expires_at: Some(at).filter(|_| number > 0) };
                    text.len().min(2)
                ],
            };
            check(&progress, |into| progress.write_json(into));
            let line = CommissionLine {
                account: text,
                line: "a/b/1",
                statement: text,
                plan: text,
                rules_version: 2,
                rep: text,
                kind: "base",
                event,
                for_period: text,
                basis: amount,
                base: Amount::ZERO,
                accelerator: amount,
                spif: amount,
                amount,
                explain: text,
                at,
            };
            check(&line, |into| line.write_json(into));
            let statement = Statement {
                account: text,
                statement: text,
                plan: text,
                rep: text,
                period: text,
                status: "accrued",
                base: amount,
                accelerator: amount,
                spif: amount,
                clawback: amount,
                adjustment: amount,
                total: amount,
                currency: text,
                lines: 7,
            };
            check(&statement, |into| statement.write_json(into));
        }
    }
}
