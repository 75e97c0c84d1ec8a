use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::events::Duration;

const LOGGED: &str = "2026-11-03T12:00:00Z";

fn input<'a>(value: &'a [u8], headers: &'a [(&'a str, &'a [u8])]) -> Input<'a> {
    let timestamp = Some(Timestamp::parse(LOGGED).unwrap());
    Input { topic: Topic::ProductEvents, partition: 0, offset: 0, timestamp, key: None, value: Some(value), headers }
}

fn read<'a>(value: &'a str, limits: &Limits) -> Result<Event<'a>, Rejection> {
    match decode(&input(value.as_bytes(), &[]), limits, false)? {
        Decoded::Event(event) => Ok(event),
        other => panic!("{other:?}"),
    }
}

fn cloud_event(change: &str, to: Value) -> String {
    let mut event = json!({"specversion": "1.0", "id": "e17", "source": "/crm", "type": "payment.confirmed", "time": LOGGED,
        "account": "acme", "contact": "c42", "actor": "r12", "data": {"amount": "1204.50", "currency": "BRL"}});
    if !change.is_empty() {
        match to {
            Value::Null => event.as_object_mut().unwrap().remove(change),
            to => event.as_object_mut().unwrap().insert(change.to_owned(), to),
        };
    }
    event.to_string()
}

#[test]
fn reads_cloud_events() {
    let line = cloud_event("", Value::Null);
    let event = read(&line, &Limits::default()).unwrap();
    assert_eq!((&*event.id, &*event.source, &*event.kind), ("e17", "/crm", "payment.confirmed"));
    assert_eq!((&*event.account, event.contact.as_deref(), event.actor.as_deref()), ("acme", Some("c42"), Some("r12")));
    assert_eq!(event.data.text_at("amount").unwrap(), "1204.50");
    assert!(matches!(event.id, Cow::Borrowed(_)), "texts are not copied");
    let escaped = cloud_event("id", json!("e\"1\u{1F600}\n/"));
    assert_eq!(read(&escaped, &Limits::default()).unwrap().id, "e\"1\u{1F600}\n/");
}

#[test]
fn binary_mode_is_the_same_event() {
    let data = br#"{"currency": "BRL", "amount": "1204.50"}"#;
    let mut headers: Vec<(&str, &[u8])> = vec![
        ("ce_specversion", b"1.0"),
        ("ce_id", b"e17"),
        ("ce_source", b"/crm"),
        ("ce_type", b"payment.confirmed"),
        ("ce_time", LOGGED.as_bytes()),
        ("ce_account", b"acme"),
        ("ce_contact", b"c42"),
        ("ce_actor", b"r12"),
        ("content-type", b"application/json; charset=utf-8"),
    ];
    let line = cloud_event("", Value::Null);
    let structured = read(&line, &Limits::default()).unwrap();
    let Ok(Decoded::Event(binary)) = decode(&input(data, &headers), &Limits::default(), false) else { panic!() };
    assert_eq!(binary.digest, structured.digest);
    assert_eq!(
        (&binary.id, &binary.contact, binary.data.value()),
        (&structured.id, &structured.contact, structured.data.value())
    );
    // the content type decides
    headers[8].1 = b"application/cloudevents+json";
    assert!(decode(&input(line.as_bytes(), &headers), &Limits::default(), false).is_ok());
    let reason =
        |headers: &[(&str, &[u8])], data: &[u8]| decode(&input(data, headers), &Limits::default(), false).unwrap_err().reason;
    headers[8].1 = b"application/xml";
    assert_eq!(reason(&headers, b"<a/>"), Reason::NotAnEvent);
    assert_eq!(reason(&headers[..8], b"{"), Reason::MalformedJson);
    assert_eq!(reason(&headers[..4], b""), Reason::MissingAttribute);
    assert_eq!(reason(&[("ce_id", b"1")], b""), Reason::MissingAttribute);
    assert_eq!(reason(&[("ce_specversion", b"1.0"), ("ce_id", b"\xff")], b""), Reason::MalformedJson);
}

#[test]
fn reads_track_calls() {
    let call = json!({"type": "track", "messageId": "m1", "event": "Order Completed", "userId": null, "anonymousId": "a1",
        "context": {"groupId": "acme"}, "properties": {"actor": "r1", "amount": 5}, "timestamp": LOGGED, "sentAt": "x"});
    let line = call.to_string();
    let mut limits = Limits::default();
    let event = read(&line, &limits).unwrap();
    assert_eq!((&*event.id, &*event.source, &*event.kind), ("m1", "segment", "Order Completed"));
    assert_eq!((&*event.account, event.contact.as_deref(), event.actor.as_deref()), ("acme", Some("a1"), Some("r1")));
    assert_eq!(event.data.text_at("amount").unwrap(), "5");
    // how it was carried is no content
    let mut again = call.clone();
    again["sentAt"] = json!("later");
    let again = again.to_string();
    assert_eq!(read(&again, &limits).unwrap().digest, event.digest);
    limits.segment_types.insert("Order Completed".to_owned(), "deal.won".to_owned());
    assert_eq!(read(&line, &limits).unwrap().kind, "deal.won");
    for (change, to, reason) in [
        ("type", json!("identify"), Reason::NotAnEvent),
        ("messageId", Value::Null, Reason::MissingAttribute),
        ("event", Value::Null, Reason::MissingAttribute),
        ("timestamp", Value::Null, Reason::MissingAttribute),
        ("timestamp", json!("now"), Reason::InvalidTime),
        ("context", json!({}), Reason::MissingAttribute),
    ] {
        let mut call = call.clone();
        call[change] = to;
        assert_eq!(read(&call.to_string(), &limits).unwrap_err().reason, reason, "{call}");
    }
}

#[test]
fn refuses_with_a_reason() {
    let check = |value: &str, reason: Reason| {
        let limits = Limits { max_event_bytes: 600, ..Limits::default() };
        assert_eq!(read(value, &limits).map(|event| event.id.into_owned()).map_err(|r| r.reason), Err(reason), "{value}");
    };
    for broken in [
        "",
        " ",
        "{",
        "form submitted",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "[1,]",
        "01",
        "1.",
        "-",
        "1e",
        "nul",
        "{}x",
        "\"\\x\"",
        "\"\u{1}\"",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\\udc00\"}",
        "{\"a\":\"\u{0}\"}",
        "{\"a\":1,\"a\":1}",
        "{\"b\":{\"a\":1,\"\\u0061\":2}}",
        "\"",
        "\"\\",
        "{\"a\":\"\\",
        "\u{feff}{}",
    ] {
        check(broken, Reason::MalformedJson);
    }
    check(&format!("{}{}", "[".repeat(200), "]".repeat(200)), Reason::MalformedJson);
    let many: Vec<String> = (0..40).map(|i| format!("\"k{}\":0", i % 39)).collect();
    check(&format!("{{{}}}", many.join(",")), Reason::MalformedJson);
    for other in ["1", "null", "[]", "\"x\"", "{}", "{\"hello\":\"world\"}", "{\"specversion\":\"0.3\"}", "{\"specversion\":1.0}"]
    {
        check(other, Reason::NotAnEvent);
    }
    for name in ["id", "source", "type", "time", "account"] {
        check(&cloud_event(name, Value::Null), Reason::MissingAttribute);
    }
    for name in ["id", "source", "type", "account", "contact"] {
        check(&cloud_event(name, json!(5)), Reason::MissingAttribute);
    }
    check(&cloud_event("id", json!("")), Reason::MissingAttribute);
    for time in ["", "2026-11-03", "2026-11-03T12:00:60Z", "2026-02-30T12:00:00Z", "2026-11-03T12:00:00", "yesterday"] {
        check(&cloud_event("time", json!(time)), Reason::InvalidTime);
    }
    check(&cloud_event("time", json!(5)), Reason::InvalidTime);
    check(&cloud_event("time", json!("2026-11-03T12:10:00.001Z")), Reason::FromFuture);
    check(&cloud_event("data", json!({"text": "x".repeat(600)})), Reason::TooLarge);
}

#[test]
fn takes_what_is_unusual_but_right() {
    let limits = Limits { default_account: Some("main".to_owned()), ..Limits::default() };
    assert_eq!(read(&cloud_event("account", Value::Null), &limits).unwrap().account, "main");
    assert_eq!(read(&cloud_event("time", json!("2026-11-03T12:10:00Z")), &limits).unwrap().time.0 % 600_000, 0);
    assert_eq!(
        read(&cloud_event("time", json!("2026-11-03T09:00:00.0009-03:00")), &limits).unwrap().time.to_string(),
        "2026-11-03T12:00:00.000Z"
    );
    assert_eq!(read(&cloud_event("contact", Value::Null), &limits).unwrap().contact, None);
    let spaced = cloud_event("", Value::Null).replace(',', " ,\n\t").replace(':', " : ").replace("12 : 00 : 00", "12:00:00");
    assert!(read(&format!("  {spaced}  "), &limits).is_ok());
    assert!(read(&cloud_event("data", json!("text")), &limits).unwrap().data.get("x").is_none());
}

#[test]
fn commands_are_told_by_type_where_they_may_come() {
    let command = cloud_event("type", json!("coins.adjust"));
    let event = cloud_event("", Value::Null);
    let decoded = |topic: Topic, line: &str, offline: bool| match decode(
        &Input { topic, ..input(line.as_bytes(), &[]) },
        &Limits::default(),
        offline,
    ) {
        Ok(Decoded::Event(_)) => "event",
        Ok(Decoded::Command(_)) => "command",
        Ok(Decoded::Nothing) => "nothing",
        Err(rejection) => rejection.reason.name(),
    };
    assert_eq!(decoded(Topic::Commands, &command, false), "command");
    assert_eq!(decoded(Topic::Commands, &event, false), "not_an_event");
    assert_eq!(decoded(Topic::ProductEvents, &command, false), "event");
    assert_eq!(decoded(Topic::ProductEvents, &command, true), "command");
    assert_eq!(decoded(Topic::ProductEvents, " \r", true), "nothing");
    assert_eq!(decoded(Topic::ProductEvents, " \r", false), "malformed_json");
    // offline there is no log time
    let future = cloud_event("time", json!("2036-11-03T12:00:00Z"));
    assert_eq!(decoded(Topic::ProductEvents, &future, true), "event");
}

fn digest_of(text: &str) -> Option<u64> {
    json::document(text, |_, _, _| {}).ok().map(|document| document.hash)
}

#[test]
fn digests_are_of_the_content() {
    for (a, b) in [
        (r#"{"a":1,"b":[true,null]}"#, r#" { "b" : [ true , null ] , "a" : 1 } "#),
        (r#"{"a":{"x":1,"y":2}}"#, r#"{"a":{"y":2,"x":1}}"#),
        (r#""\u00e9\/\n""#, "\"é/\\u000A\""),
        ("1", "1.0"),
        ("100", "1e2"),
        ("-0.50", "-5E-1"),
        ("0", "-0.0e9"),
        ("123456789012345678901234567890", "123456789012345678901234567890.0"),
    ] {
        assert_eq!(digest_of(a).unwrap(), digest_of(b).unwrap(), "{a} {b}");
    }
    let different = [
        "{}",
        "[]",
        "null",
        "true",
        "false",
        "0",
        "1",
        "-1",
        "10",
        "0.1",
        "\"\"",
        "\"1\"",
        "[1]",
        "[[1]]",
        "[1,2]",
        "[2,1]",
        r#"{"a":1}"#,
        r#"{"a":"1"}"#,
        r#"{"b":1}"#,
        r#"{"a":{"b":1}}"#,
        r#"{"a":1,"b":1}"#,
        "1000000000000000000",
        "1000000000000000001",
        "12",
        "1.2",
        "[{}]",
    ];
    for (i, a) in different.iter().enumerate() {
        for b in &different[..i] {
            assert_ne!(digest_of(a), digest_of(b), "{a} {b}");
        }
    }
    // stored, so never to change
    assert_eq!(digest_of(r#"{"amount":"1204.50","n":[1,2.5]}"#), Some(PINNED));
}

const PINNED: u64 = 17_883_973_718_811_235_744;

/// JSON values of every kind.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(".*", inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), binary in any::<bool>()) {
        let headers: Vec<(&str, &[u8])> = if binary { vec![("ce_id", &bytes), ("ce_specversion", b"1.0"), ("ce_time", &bytes)] } else { vec![] };
        let _ = decode(&input(&bytes, &headers), &Limits::default(), binary);
    }

    #[test]
    fn mutated_events_never_panic(at in 0usize..300, byte in any::<u8>(), cut in 0usize..300) {
        let mut line = cloud_event("data", json!({"a": "\u{e9}\\\"", "n": [1.5e3, -0, {"x": null}]})).into_bytes();
        let at = at % line.len();
        line[at] = byte;
        line.truncate(line.len() - cut % line.len());
        if let Ok(Decoded::Event(event)) = decode(&input(&line, &[]), &Limits::default(), false) {
            let is_read = event.data.value().is_object() || !event.data.text().starts_with('{');
            prop_assert!(is_read);
        }
    }

    #[test]
    fn accepts_what_serde_json_accepts(text in r#"[\[\]{}",:0-9eE+.\\ufalsetrn -]{0,12}"#) {
        let ours = json::document(&text, |_, _, _| {}).is_ok();
        let theirs = serde_json::from_str::<Value>(&text);
        let twice = ours != theirs.is_ok() && text.contains('{') && text.matches(':').count() > 1;
        prop_assert!(ours == theirs.is_ok() || twice, "{text}: {ours} {theirs:?}");
    }

    #[test]
    fn equal_values_have_equal_digests(value in any_json()) {
        let text = value.to_string();
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        prop_assert!(digest_of(&text).is_some());
        prop_assert_eq!(digest_of(&text), digest_of(&pretty));
    }

    #[test]
    fn time_windows_hold(offset in -1_000_000i64..1_000_000) {
        let logged = Timestamp::parse(LOGGED).unwrap();
        let line = cloud_event("time", json!(logged.plus(Duration(offset)).to_string()));
        prop_assert_eq!(read(&line, &Limits::default()).is_ok(), offset <= 600_000);
    }
}
