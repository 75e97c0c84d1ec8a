//! JSON written by hand for the two outputs that nearly every event causes: the same bytes as through serde, at a third of
//! the cost. Every other output goes through serde.

use super::{LeadScore, Outcome, TimelineEntry};
use crate::events::Timestamp;

/// A JSON text in the making.
struct Writer<'o>(&'o mut Vec<u8>);

impl Writer<'_> {
    /// Text that is JSON already: braces, names, commas.
    fn raw(&mut self, text: &str) -> &mut Self {
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    fn text(&mut self, text: &str) -> &mut Self {
        if text.bytes().any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
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
        json.raw(",\"event\":{\"id\":").text(self.event.id).raw(",\"source\":").text(self.event.source);
        json.raw(",\"type\":").text(self.event.kind).raw("},\"key\":").text(self.key);
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
    use super::*;
    use crate::outputs::{EventRef, Pairs};

    #[test]
    fn gives_the_bytes_of_serde() {
        for outcome in [Outcome::Counted, Outcome::Recorded, Outcome::Repeated, Outcome::Cooling, Outcome::Late, Outcome::Carried]
        {
            for text in ["c1", "", "q\"u\\o\u{1}t\ne", "é😀/\u{7f}"] {
                for number in [0, -5, i64::MAX, i64::MIN] {
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
                    let mut bytes = Vec::new();
                    entry.write_json(&mut bytes);
                    assert_eq!(String::from_utf8(bytes).unwrap(), serde_json::to_string(&entry).unwrap());
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
                    let mut bytes = Vec::new();
                    score.write_json(&mut bytes);
                    assert_eq!(String::from_utf8(bytes).unwrap(), serde_json::to_string(&score).unwrap());
                }
            }
        }
    }
}
