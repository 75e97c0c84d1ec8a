//! Dead letters: records that were refused, as they came, with what was wrong in headers.

use std::borrow::Cow;

use super::{Headers, Outbox, Record, Route, Topic};
use crate::decode::Reason;
use crate::events::Original;

/// Header names as Kafka Connect has them, so that its tools can read them.
const PREFIX: &str = "__connect.errors.";

/// Writes a dead letter: the original key, value, headers and timestamp, and headers that name where it came from, the stage
/// (`decode`, `contact`, `account`), the reason, and a message. Headers of an earlier failure are replaced.
pub fn dead_letter(out: &mut Outbox, original: &Original<'_>, stage: &str, reason: Reason, message: &str) {
    let kept = original.headers.iter().filter(|(name, _)| !name.starts_with(PREFIX));
    let mut headers: Headers = kept.map(|(name, value)| (Cow::Owned((*name).to_owned()), value.to_vec())).collect();
    let mut add = |name: &'static str, value: String| headers.push((Cow::Borrowed(name), value.into_bytes()));
    add("__connect.errors.topic", original.topic.to_owned());
    add("__connect.errors.partition", original.partition.to_string());
    add("__connect.errors.offset", original.offset.to_string());
    add("__connect.errors.stage", stage.to_owned());
    add("__connect.errors.exception.class.name", reason.name().to_owned());
    add("__connect.errors.exception.message", message.to_owned());
    out.push_raw(Record {
        topic: Topic::DeadLetters,
        route: Route::Key,
        timestamp: original.timestamp,
        key: original.key.unwrap_or_default(),
        value: original.value,
        headers: &headers,
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Timestamp;

    #[test]
    fn says_where_from_and_why_and_keeps_the_record() {
        let mut out = Outbox::default();
        let original = Original {
            topic: "product-events",
            partition: 3,
            offset: 41,
            timestamp: Timestamp(5),
            key: Some(b"acme/c1"),
            value: Some(b"\xff"),
            headers: vec![("trace", b"t1"), ("__connect.errors.stage", b"earlier")],
        };
        dead_letter(&mut out, &original, "decode", Reason::MalformedJson, "no UTF-8");
        let record = out.records().next().unwrap();
        assert_eq!((record.topic, record.timestamp), (Topic::DeadLetters, Timestamp(5)));
        assert_eq!((record.key, record.value), (&b"acme/c1"[..], Some(&b"\xff"[..])));
        let headers: Vec<_> = record.headers.iter().map(|(name, value)| (&**name, std::str::from_utf8(value).unwrap())).collect();
        assert_eq!(
            headers,
            [
                ("trace", "t1"),
                ("__connect.errors.topic", "product-events"),
                ("__connect.errors.partition", "3"),
                ("__connect.errors.offset", "41"),
                ("__connect.errors.stage", "decode"),
                ("__connect.errors.exception.class.name", "malformed_json"),
                ("__connect.errors.exception.message", "no UTF-8"),
            ]
        );
    }
}
