use super::*;

fn event(condition: &str, data: &str) -> bool {
    let data = Data::new(data);
    let context = EventContext {
        kind: "payment.confirmed",
        source: "/crm",
        id: "e17",
        time: Timestamp::parse("2026-11-03T12:01:05.123Z").unwrap(),
        account: "acme",
        contact: Some("c42"),
        actor: None,
        data: &data,
    };
    condition.parse::<Condition>().unwrap().holds_for_event(&context)
}

#[test]
fn conditions_over_events() {
    let data = r#"{"amount":"1204.50","quantity":3,"ratio":0.25,"big":18446744073709551615,"path":"/pricing/pro","vip":true,
                   "tags":["a","b"],"page":{"depth":2},"nothing":null,"n":1e3,"text":"João"}"#;
    for (condition, holds) in [
        // the envelope
        (r#"type == "payment.confirmed" && source == "/crm" && id == "e17""#, true),
        (r#"account == "acme" && contact == "c42""#, true),
        (r#"actor == "r1""#, false),
        (r#"actor != "r1""#, false), // a missing field
        (r#"time > timestamp("2026-11-03T12:01:05Z") && time < timestamp("2026-11-03T12:01:06Z")"#, true),
        (r#"time.getHours("America/Sao_Paulo") == 9"#, true),
        // amounts are texts, numbers are numbers, and int and double compare
        ("double(data.amount) >= 100.0", true),
        ("double(data.amount) == 1204.5", true),
        ("double(data.amount) > 2000", false),
        ("data.quantity == 3 && data.quantity >= 2.5 && data.quantity < 4", true),
        ("double(data.quantity) == 3.0", true),
        ("double(data.ratio) < 0.5 && data.ratio > 0", true),
        ("data.big > 0", true),
        ("data.n == 1000", true),
        ("int(data.quantity) * 2 == 6", true),
        // texts, lists, maps
        (r#"data.path.startsWith("/pricing")"#, true),
        (r#"data.path.endsWith("/free") || data.path.contains("pro")"#, true),
        (r#"data.path.matches("^/pricing/(pro|max)$")"#, true),
        (r#"data.path.matches("[")"#, false),
        (r#""a" in data.tags && !("c" in data.tags)"#, true),
        (r#"data.tags.exists(t, t == "b") && data.tags.all(t, size(t) == 1)"#, true),
        (r#"data.path in ["/pricing/pro", "/pricing/max"]"#, true),
        (r#""vip" in data && data["vip"]"#, true),
        ("size(data.tags) == 2 && data.tags[0] == 'a'", true),
        ("data.page.depth == 2", true),
        ("data.vip", true),
        (r#"size(data.text) == 4"#, true),
        ("data.nothing == null", true),
        // missing fields, and results that are no truth values
        ("data.other > 1", false),
        ("!(data.other > 1)", false),
        ("data.page.other == 1", false),
        ("data.quantity.x == 1", false),
        ("has(data.other)", false),
        ("!has(data.other) && has(data.amount) && has(data.page.depth)", true),
        ("!has(data.page.other)", true),
        ("data.quantity", false),
        ("1 / 0 == 1", false),
        // what decides without the missing field, decides
        ("data.other > 1 || data.vip", true),
        ("has(data.other) ? data.other > 1 : data.vip", true),
    ] {
        assert_eq!(event(condition, data), holds, "{condition}");
    }
    assert!(!event("data.amount == 'x'", ""));
    assert!(event("size(data) == 0", ""));
}

#[test]
fn conditions_over_scores() {
    let holds = |condition: &str| {
        let groups = [("purchase", 50), ("support", 0)];
        condition.parse::<Condition>().unwrap().holds_for_score(120, groups.into_iter(), 7)
    };
    for (condition, expected) in [
        ("score >= 100 && groups.purchase > 0", true),
        ("score >= 100.5", true),
        ("groups.support > 0", false),
        ("groups['support'] == 0", true),
        ("events > 5 && events < 8", true),
        ("groups.other == 0", false),
        ("score", false),
    ] {
        assert_eq!(holds(condition), expected, "{condition}");
    }
}

#[test]
fn what_cannot_be_evaluated_is_refused() {
    for (condition, fragment) in [
        ("data.amount >", "column"),
        ("", "column"),
        ("data.amount == 'x", "column"),
        ("data.path.startWith('/')", "there is no function `startWith`"),
        ("len(data.tags) > 1", "there is no function `len`"),
    ] {
        let error = condition.parse::<Condition>().unwrap_err();
        assert!(error.contains(fragment), "{condition}: {error}");
    }
    assert!("1 + ".repeat(2000).parse::<Condition>().is_err());
}

#[test]
fn names_are_found() {
    let program = Program::compile("dta.x > 1 && data.tags.exists(t, t == type) && groups.a > groups['b'] + score").unwrap();
    assert_eq!(program.variables().collect::<Vec<_>>(), ["data", "dta", "groups", "score", "type"]);
    assert_eq!(program.groups().collect::<Vec<_>>(), ["a", "b"]);
}
