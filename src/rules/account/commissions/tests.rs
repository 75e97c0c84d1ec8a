//! Worked figures: plans and events in, lines and statements out.

use serde_json::{Value, json};

use super::curve::Curve;
use crate::events::Amount;
use crate::rulebook::Plan;
use crate::rules::account::testing::Stage;

const ACCOUNT: &str = "
currency: USD
lateness: 48h
teams: [{key: north}]
reps: [{id: r1, name: Ana, team: north}, {id: r2, name: Bia}]
";

const CLAWBACK: &str = "clawback: {events: [payment.refunded, payment.chargeback], by: data.payment, within: 90d}";

fn stage(plan: &str) -> Stage {
    Stage::new(&format!("{ACCOUNT}\ncommissions: [{{key: ae, {plan}}}]"))
}

/// Ten percent with clawback.
fn ten() -> Stage {
    stage(&format!("bands: [{{from: 0, rate: \"10%\"}}], {CLAWBACK}"))
}

fn pay(stage: &mut Stage, at: &str, payment: &str, amount: &str) {
    let d = json!({"amount": amount, "currency": "USD", "payment": payment, "product": "pro"});
    stage.send(json!({"t": "payment.confirmed", "at": time(at), "c": "c1", "a": "r1", "d": d}));
}

/// A refund; an empty amount is none.
fn refund(stage: &mut Stage, at: &str, payment: &str, amount: &str) {
    let d = if amount.is_empty() { json!({"payment": payment}) } else { json!({"amount": amount, "payment": payment}) };
    stage.send(json!({"t": "payment.refunded", "at": time(at), "c": "c1", "d": d}));
}

fn command(stage: &mut Stage, at: &str, kind: &str, data: Value) -> (String, Value) {
    let id = format!("k{}", stage.outs.len());
    stage.send(json!({"t": kind, "id": id, "at": time(at), "a": "admin", "d": data}));
    let answer = stage.last("command-results", &format!("acme/{id}"));
    (answer["status"].as_str().unwrap().to_owned(), answer["reason"].clone())
}

fn approve(stage: &mut Stage, at: &str, statement: &str) -> (String, Value) {
    command(stage, at, "statement.approve", json!({"statement": statement}))
}

fn payout(stage: &mut Stage, at: &str, statement: &str) -> (String, Value) {
    command(stage, at, "statement.pay", json!({"statement": statement, "reference": "bank-1"}))
}

fn accepted() -> (String, Value) {
    ("accepted".to_owned(), Value::Null)
}

fn rejected(reason: &str) -> (String, Value) {
    ("rejected".to_owned(), json!(reason))
}

/// `03-10` is noon of that day of 2026.
fn time(day: &str) -> String {
    if day.contains('T') { day.to_owned() } else { format!("2026-{day}T12:00:00Z") }
}

fn amounts(stage: &Stage) -> Vec<Value> {
    stage.list("commission-lines", "/amount")
}

#[test]
fn modes_bands_accelerators_and_caps() {
    let quota = "quota: \"100000.00\"";
    let stepped = r#"bands: [{from: "0%", rate: "50%"}, {from: "100%", rate: "75%"}, {from: "125%", rate: "100%"}]"#;
    let accelerated =
        r#"bands: [{from: "0%", rate: "50%"}], accelerators: [{from: "125%", multiply: "2"}, {from: "100%", multiply: "1.5"}]"#;
    let three = r#"bands: [{from: "0.00", rate: "4%"}, {from: "150000.00", rate: "6%"}, {from: "250000.00", rate: "8%"}]"#;
    let cases = [
        (format!("{quota}, mode: marginal, {stepped}"), "140000", "83750.00", "0.00"),
        (format!("{quota}, mode: overage, {stepped}"), "140000", "90000.00", "0.00"),
        (format!("{quota}, mode: whole, {stepped}"), "140000", "140000.00", "0.00"),
        (format!("{quota}, mode: whole, {stepped}"), "124999.99", "93749.99", "0.00"),
        (format!("{quota}, mode: whole, {stepped}"), "125000", "125000.00", "0.00"),
        (format!("{quota}, mode: overage, {stepped}"), "100000", "50000.00", "0.00"),
        (format!("{quota}, mode: marginal, {accelerated}"), "140000", "70000.00", "13750.00"),
        (format!("{quota}, mode: whole, {accelerated}"), "140000", "70000.00", "13750.00"),
        (format!("{quota}, mode: overage, {accelerated}"), "140000", "70000.00", "13750.00"),
        (format!("{quota}, mode: marginal, cap: \"75000\", {accelerated}"), "140000", "70000.00", "5000.00"),
        (format!("{quota}, mode: marginal, cap: \"60000\", {accelerated}"), "140000", "60000.00", "0.00"),
        (format!("{quota}, quotas: {{r1: \"200000\"}}, mode: marginal, {stepped}"), "140000", "70000.00", "0.00"),
        (three.to_owned(), "145000", "5800.00", "0.00"),
        (three.to_owned(), "165000", "6900.00", "0.00"),
        (three.to_owned(), "300000", "16000.00", "0.00"),
        (three.to_owned(), "0", "0.00", "0.00"),
        // below the first band there is nothing
        (r#"bands: [{from: "100", rate: "10%"}]"#.to_owned(), "150", "5.00", "0.00"),
        (r#"bands: [{from: 0, rate: "5%"}], rounding: half_even"#.to_owned(), "0.50", "0.02", "0.00"),
        (r#"bands: [{from: 0, rate: "5%"}], rounding: half_up"#.to_owned(), "0.50", "0.03", "0.00"),
        (r#"bands: [{from: 0, rate: "5%"}], accelerators: [{from: 10, multiply: "0.5"}]"#.to_owned(), "20", "1.00", "-0.25"),
    ];
    for (plan, basis, base, accelerator) in cases {
        let plan: Plan = serde_saphyr::from_str(&format!("{{key: ae, {plan}}}")).unwrap();
        let curve = Curve::new(&plan, "r1", &crate::rulebook::values::Currency("USD".to_owned()));
        let earned = curve.earned(basis.parse().unwrap());
        assert_eq!(
            (earned.base.to_string(), earned.accelerator.to_string()),
            (base.into(), accelerator.into()),
            "{plan:?} at {basis}"
        );
    }
}

#[test]
fn currencies_round_to_their_own_minor_unit() {
    for (currency, amount) in [("JPY", "1"), ("USD", "1.23"), ("BHD", "1.234")] {
        let plan: Plan = serde_saphyr::from_str(r#"{key: ae, bands: [{from: 0, rate: "10%"}]}"#).unwrap();
        let curve = Curve::new(&plan, "r1", &crate::rulebook::values::Currency(currency.to_owned()));
        assert_eq!(curve.earned("12.343".parse().unwrap()).base.to_string(), amount);
    }
}

#[test]
fn a_payment_over_a_threshold_is_split_there_and_says_so() {
    let mut stage =
        stage(r#"bands: [{from: "0.00", rate: "4%"}, {from: "150000.00", rate: "6%"}, {from: "250000.00", rate: "8%"}]"#);
    pay(&mut stage, "03-03", "p1", "145000.00");
    pay(&mut stage, "03-04", "p2", "20000.00");
    assert_eq!(amounts(&stage), ["5800.00", "1100.00"]);
    let line = stage.last("commission-lines", "acme/ae/2026-03/r1/2");
    assert_eq!(line["explain"], "5,000.00 at 4 % + 15,000.00 at 6 % above 150,000.00");
    assert_eq!(
        (&line["basis"], &line["kind"], &line["for_period"], &line["rules_version"], &line["event"]["id"]),
        (&json!("20000.00"), &json!("base"), &json!("2026-03"), &json!(1), &json!("e1"))
    );
    let statement = stage.last("statements", "acme/ae/2026-03/r1");
    assert_eq!((&statement["total"], &statement["lines"], &statement["currency"]), (&json!("6900.00"), &json!(2), &json!("USD")));
}

#[test]
fn explanations_name_the_quota_and_the_whole() {
    let quota = "quota: \"100000.00\"";
    let mut marginal = stage(&format!(
        r#"{quota}, cap: "7200", bands: [{{from: "0%", rate: "5%"}}, {{from: "100%", rate: "8%"}}], accelerators: [{{from: "130%", multiply: "1.5"}}]"#
    ));
    pay(&mut marginal, "03-03", "p1", "100000");
    pay(&mut marginal, "03-04", "p2", "12000");
    pay(&mut marginal, "03-05", "p3", "20000");
    let expected = [
        "100,000.00 at 5 %",
        "12,000.00 at 8 % above quota",
        "18,000.00 at 8 % above quota + 2,000.00 at 8 % × 1.5 above 130,000.00, up to the cap",
    ];
    assert_eq!(marginal.list("commission-lines", "/explain"), expected);
    let mut whole = stage(&format!(r#"{quota}, mode: whole, bands: [{{from: "0%", rate: "5%"}}, {{from: "100%", rate: "8%"}}]"#));
    pay(&mut whole, "03-03", "p1", "90000");
    pay(&mut whole, "03-04", "p2", "20000");
    assert_eq!(amounts(&whole), ["4500.00", "4300.00"]);
    let explain = "period 110,000.00: 110,000.00 at 8 % above quota = 8,800.00, less 4,500.00 before";
    assert_eq!(whole.list("commission-lines", "/explain")[1], explain);
}

#[test]
fn only_what_the_plan_pays_for_is_paid() {
    let mut stage = Stage::new(&format!(
        r#"{ACCOUNT}
commissions:
  - {{key: pays, bands: [{{from: 0, rate: "10%"}}], when: 'data.product != "internal"'}}
  - {{key: wins, trigger: deal.won, bands: [{{from: 0, rate: "1%"}}]}}
  - {{key: north, reps: {{team: north}}, bands: [{{from: 0, rate: "2%"}}]}}
  - {{key: two, reps: [r2], bands: [{{from: 0, rate: "3%"}}]}}"#
    ));
    let mut send = |kind: &str, rep: &str, data: Value| {
        stage.send(json!({"t": kind, "at": "2026-03-03T12:00:00Z", "c": "c1", "a": rep, "d": data}));
    };
    send("deal.won", "r1", json!({"amount": "900.00"}));
    send("payment.confirmed", "r1", json!({"amount": "300.00", "product": "pro"}));
    send("payment.confirmed", "r2", json!({"amount": 300.5, "product": "pro"}));
    send("payment.confirmed", "r1", json!({"amount": "300.00", "product": "internal"}));
    send("payment.confirmed", "r1", json!({"product": "pro"}));
    send("payment.confirmed", "r1", json!({"amount": "-5", "product": "pro"}));
    send("payment.confirmed", "nobody", json!({"amount": "5", "product": "pro"}));
    stage.send(json!({"t": "payment.confirmed", "at": "2026-03-03T12:00:00Z", "a": "r1", "no_money": true, "d": {"amount": "7", "product": "pro"}}));
    let lines: Vec<_> =
        stage.topic("commission-lines").iter().map(|l| (l.key.as_str(), l.value["amount"].as_str().unwrap())).collect();
    let expected = [
        ("acme/wins/2026-03/r1/1", "9.00"),
        ("acme/pays/2026-03/r1/1", "30.00"),
        ("acme/north/2026-03/r1/1", "6.00"),
        ("acme/pays/2026-03/r2/1", "30.05"),
        ("acme/two/2026-03/r2/1", "9.02"),
        ("acme/north/2026-03/r1/2", "6.00"),
    ];
    assert_eq!(lines, expected, "9.015 is rounded to the even cent");
}

#[test]
fn statements_go_from_accrued_to_approved_to_paid_once() {
    let mut stage = ten();
    pay(&mut stage, "03-10", "p1", "1000.00");
    let march = "acme/ae/2026-03/r1";
    assert_eq!(approve(&mut stage, "2026-03-31T23:59:59.999Z", march), rejected("period_open"));
    assert_eq!(payout(&mut stage, "2026-04-01T00:00:00Z", march), rejected("wrong_status"));
    let dry_run = json!({"statement": march, "dry_run": true});
    assert_eq!(command(&mut stage, "04-01", "statement.approve", dry_run), accepted());
    assert_eq!(approve(&mut stage, "04-01", march), accepted());
    assert_eq!(approve(&mut stage, "04-02", march), rejected("wrong_status"));
    assert_eq!(payout(&mut stage, "04-03", march), accepted());
    assert_eq!(payout(&mut stage, "04-04", march), rejected("wrong_status"));
    for unknown in ["acme/ae/2026-01/r1", "other/ae/2026-03/r1", "nonsense", "acme/ae/2026-03/r1/1"] {
        assert_eq!(approve(&mut stage, "04-05", unknown), rejected("unknown_statement"), "{unknown}");
    }
    assert_eq!(command(&mut stage, "04-05", "statement.burn", json!({"statement": march})), rejected("unknown_command"));
    assert_eq!(stage.list("statements", "/status"), ["accrued", "approved", "paid"]);
    assert_eq!(stage.last("statements", march)["total"], "100.00");
}

#[test]
fn what_belongs_to_a_closed_statement_posts_to_the_next_accrued_one() {
    let mut stage = ten();
    pay(&mut stage, "01-10", "p0", "10.00");
    pay(&mut stage, "03-10", "p1", "1000.00");
    for month in ["01", "03"] {
        approve(&mut stage, "04-05", &format!("acme/ae/2026-{month}/r1"));
    }
    // a late payment of March, one of February (never approved), and one of January
    pay(&mut stage, "03-20", "p2", "500.00");
    pay(&mut stage, "02-20", "p3", "100.00");
    pay(&mut stage, "01-20", "p4", "200.00");
    let lines: Vec<_> = stage.topic("commission-lines")[2..]
        .iter()
        .map(|line| ["kind", "statement", "for_period", "amount", "base"].map(|field| line.value[field].as_str().unwrap()))
        .collect();
    let expected = [
        ["adjustment", "acme/ae/2026-04/r1", "2026-03", "50.00", "50.00"],
        ["base", "acme/ae/2026-02/r1", "2026-02", "10.00", "10.00"],
        ["adjustment", "acme/ae/2026-02/r1", "2026-01", "20.00", "20.00"],
    ];
    assert_eq!(lines, expected);
    let april = stage.last("statements", "acme/ae/2026-04/r1");
    assert_eq!((&april["adjustment"], &april["total"], &april["base"]), (&json!("50.00"), &json!("50.00"), &json!("0.00")));
    assert_eq!(stage.last("statements", "acme/ae/2026-03/r1")["total"], "100.00");
}

#[test]
fn adjustments_go_where_they_still_can() {
    let mut stage = ten();
    pay(&mut stage, "03-10", "p1", "1000.00");
    let march = "acme/ae/2026-03/r1";
    let adjust = |stage: &mut Stage, at: &str, statement: &str, amount: &str| {
        command(stage, at, "statement.adjust", json!({"statement": statement, "amount": amount, "reason": "agreed"}))
    };
    assert_eq!(adjust(&mut stage, "03-11", march, "-5.50"), accepted());
    approve(&mut stage, "04-05", march);
    assert_eq!(adjust(&mut stage, "04-06", march, "15.00"), accepted());
    assert_eq!(adjust(&mut stage, "04-06", "acme/ae/2026-01/r1", "15.00"), rejected("unknown_statement"));
    for amount in ["some", "", "1.005"] {
        assert_eq!(adjust(&mut stage, "04-06", march, amount), rejected("invalid_amount"), "{amount}");
    }
    assert_eq!(stage.last("statements", march)["total"], "94.50");
    let april = stage.last("statements", "acme/ae/2026-04/r1");
    assert_eq!((&april["adjustment"], &april["total"]), (&json!("15.00"), &json!("15.00")));
    let line = stage.last("commission-lines", "acme/ae/2026-04/r1/1");
    let shown = ["kind", "for_period", "explain", "amount"].map(|field| line[field].as_str().unwrap());
    assert_eq!((shown, &line["event"]), (["adjustment", "2026-03", "agreed", "15.00"], &Value::Null));
}

#[test]
fn refunds_lower_the_basis_of_the_payments_own_period() {
    let plan = format!(r#"bands: [{{from: 0, rate: "5%"}}, {{from: 100000, rate: "8%"}}], {CLAWBACK}"#);
    let mut stage = stage(&plan);
    pay(&mut stage, "03-10", "p1", "100000");
    pay(&mut stage, "03-11", "p2", "10000");
    // the band falls with the basis, whichever payment is refunded
    refund(&mut stage, "04-02", "p1", "20000");
    refund(&mut stage, "04-03", "p1", "");
    refund(&mut stage, "04-04", "p2", "12000");
    refund(&mut stage, "04-05", "p2", "1");
    assert_eq!(amounts(&stage), ["5000.00", "800.00", "-1300.00", "-4000.00", "-500.00", "0.00"]);
    assert_eq!(stage.list("commission-lines", "/basis"), ["100000", "10000", "-20000", "-80000", "-10000", "0"]);
    let statement = stage.last("statements", "acme/ae/2026-03/r1");
    let shown = ["base", "clawback", "total"].map(|field| statement[field].as_str().unwrap());
    assert_eq!(shown, ["5800.00", "-5800.00", "0.00"]);
    let explain = "taken back 20,000.00 of 100,000.00: 10,000.00 at 5 % + 10,000.00 at 8 % above 100,000.00";
    assert_eq!(stage.list("commission-lines", "/explain")[2], explain);
}

#[test]
fn a_refund_after_the_approval_posts_to_the_open_statement() {
    let mut stage = ten();
    pay(&mut stage, "03-10", "p1", "1000.00");
    approve(&mut stage, "04-02", "acme/ae/2026-03/r1");
    refund(&mut stage, "05-20", "p1", "400.00");
    let line = stage.last("commission-lines", "acme/ae/2026-05/r1/1");
    let shown = ["kind", "for_period", "amount", "basis"].map(|field| line[field].as_str().unwrap());
    assert_eq!(shown, ["clawback", "2026-03", "-40.00", "-400.00"]);
    assert_eq!(stage.last("statements", "acme/ae/2026-03/r1")["total"], "100.00");
    let may = stage.last("statements", "acme/ae/2026-05/r1");
    assert_eq!((&may["clawback"], &may["total"]), (&json!("-40.00"), &json!("-40.00")));
}

#[test]
fn a_negative_total_pays_nothing_and_is_carried() {
    let mut stage = ten();
    pay(&mut stage, "03-10", "p1", "1000.00");
    approve(&mut stage, "04-02", "acme/ae/2026-03/r1");
    pay(&mut stage, "04-03", "p2", "100.00");
    refund(&mut stage, "04-20", "p1", "");
    let april = "acme/ae/2026-04/r1";
    approve(&mut stage, "05-02", april);
    assert_eq!(payout(&mut stage, "05-03", april), accepted());
    let statement = stage.last("statements", april);
    let shown = ["base", "clawback", "adjustment", "total", "status"].map(|field| statement[field].as_str().unwrap());
    assert_eq!(shown, ["10.00", "-100.00", "90.00", "0.00", "paid"]);
    let may = stage.last("statements", "acme/ae/2026-05/r1");
    assert_eq!((&may["adjustment"], &may["total"], &may["status"]), (&json!("-90.00"), &json!("-90.00"), &json!("accrued")));
    let carried: Vec<_> = stage.topic("commission-lines").iter().rev().take(2).map(|l| l.value["for_period"].clone()).collect();
    assert_eq!(carried, ["2026-04", "2026-04"]);
}

#[test]
fn refunds_reach_as_far_as_the_window_inclusive() {
    let mut stage = stage(r#"bands: [{from: 0, rate: "10%"}], clawback: {events: [payment.refunded], within: 10d}"#);
    pay(&mut stage, "03-01", "p1", "100");
    pay(&mut stage, "03-01", "p2", "100");
    refund(&mut stage, "2026-03-11T12:00:00.000Z", "p1", "");
    refund(&mut stage, "2026-03-11T12:00:00.001Z", "p2", "");
    stage.send(json!({"t": "payment.chargeback", "at": "2026-03-11T12:00:00.002Z", "c": "c1", "d": {"payment": "p2"}}));
    assert_eq!(amounts(&stage), ["10.00", "10.00", "-10.00"]);
    assert!(stage.topic("dead-letters").is_empty());
}

#[test]
fn a_refund_before_its_payment_waits_for_it() {
    let mut stage = ten();
    refund(&mut stage, "03-11", "p1", "30.00");
    refund(&mut stage, "03-12", "p1", "30.00");
    refund(&mut stage, "03-12", "never", "5");
    assert!(stage.topic("commission-lines").is_empty());
    pay(&mut stage, "03-10", "p1", "50.00");
    assert_eq!(amounts(&stage), ["5.00", "-3.00", "-2.00"]);
    assert_eq!(stage.list("commission-lines", "/event/id"), ["e3", "e0", "e1"]);
    // waits as long as its window, inclusive
    stage.until_text("2026-06-10T12:00:00Z");
    assert!(stage.topic("dead-letters").is_empty());
    stage.until_text("2026-06-10T12:00:00.001Z");
    let letters = stage.topic("dead-letters");
    let reason = ("__connect.errors.exception.class.name".to_owned(), "unknown_payment".to_owned());
    assert!(letters.len() == 1 && letters[0].headers.contains(&reason) && letters[0].value["d"]["payment"] == "never");
    // nothing is kept beyond what can still be taken back, but the statement
    stage.until_text("2027-01-01T00:00:00Z");
    let tables: Vec<_> = stage.store().rows().map(|(key, _)| key[0]).collect();
    let kept = |table: crate::state::Table| tables.iter().filter(|t| **t == table as u8).count();
    use crate::state::Table;
    assert_eq!([Table::Statement, Table::Payment, Table::PaymentExpiry, Table::Timer].map(kept), [1, 0, 0, 0]);
}

#[test]
fn a_known_payment_that_pays_nobody_is_no_unknown_one() {
    let mut stage = stage(&format!("reps: [r2], bands: [{{from: 0, rate: \"10%\"}}], {CLAWBACK}"));
    pay(&mut stage, "03-10", "p1", "50.00");
    refund(&mut stage, "03-11", "p1", "");
    stage.until_text("2027-01-01T00:00:00Z");
    assert!(stage.topic("commission-lines").is_empty() && stage.topic("dead-letters").is_empty());
}

#[test]
fn several_payments_under_one_name_all_count_and_are_taken_back_in_turn() {
    let mut stage = stage(
        r#"bands: [{from: 0, rate: "10%"}], clawback: {events: [payment.refunded, deal.lost], by: data.deal, within: 90d}"#,
    );
    let send = |stage: &mut Stage, kind: &str, at: &str, data: Value| {
        stage.send(json!({"t": kind, "at": time(at), "c": "c1", "a": "r1", "d": data}));
    };
    send(&mut stage, "deal.lost", "03-01", json!({"deal": "d1"}));
    send(&mut stage, "payment.confirmed", "03-10", json!({"deal": "d1", "amount": "100"}));
    send(&mut stage, "payment.confirmed", "04-10", json!({"deal": "d1", "amount": "100"}));
    send(&mut stage, "payment.refunded", "04-11", json!({"deal": "d1", "amount": "150"}));
    send(&mut stage, "deal.lost", "04-12", json!({"deal": "d1"}));
    send(&mut stage, "deal.lost", "04-12", json!({"deal": "d2"}));
    assert_eq!(amounts(&stage), ["10.00", "10.00", "-10.00", "-5.00", "-5.00"], "lost before it was won takes nothing back");
    assert_eq!(stage.list("commission-lines", "/for_period"), ["2026-03", "2026-04", "2026-03", "2026-04", "2026-04"]);
    stage.until_text("2027-01-01T00:00:00Z");
    assert!(stage.topic("dead-letters").is_empty(), "most lost deals were never won");
}

#[test]
fn spifs_stand_beside_the_plan_until_their_limit() {
    let plan = format!(
        r#"bands: [{{from: 0, rate: "10%"}}], cap: "50", {CLAWBACK},
        spifs: [{{key: week, when: 'data.product == "pro"', starts: "2026-03-02T12:00:00Z", ends: "2026-03-06T12:00:00Z", amount: "100.00", limit: "250.00"}},
                {{key: rated, rate: "2%", starts: "2026-03-05T00:00:00Z"}}]"#
    );
    let mut stage = stage(&plan);
    pay(&mut stage, "2026-03-02T11:59:59.999Z", "p0", "100");
    for (day, payment) in [("02", "p1"), ("03", "p2"), ("04", "p3"), ("05", "p4"), ("06", "p5")] {
        pay(&mut stage, &format!("03-{day}"), payment, "100");
    }
    let spifs = |stage: &Stage| -> Vec<(String, String)> {
        let lines = stage.topic("commission-lines").into_iter().filter(|line| line.value["kind"] == "spif");
        lines
            .map(|l| (l.value["event"]["id"].as_str().unwrap().to_owned(), l.value["spif"].as_str().unwrap().to_owned()))
            .collect()
    };
    let expected = [("e1", "100.00"), ("e2", "100.00"), ("e3", "50.00"), ("e4", "2.00"), ("e5", "2.00")];
    assert_eq!(spifs(&stage), expected.map(|(event, amount)| (event.to_owned(), amount.to_owned())));
    // a third of p1 takes back a third of its SPIF, the rest the rest, to the cent; the cap still holds
    refund(&mut stage, "03-07", "p1", "33.33");
    refund(&mut stage, "03-08", "p1", "");
    let clawbacks = stage.topic("commission-lines").into_iter().filter(|line| line.value["kind"] == "clawback");
    let shown: Vec<_> = clawbacks.map(|l| ["base", "spif", "amount"].map(|f| l.value[f].as_str().unwrap())).collect();
    assert_eq!(shown, [["0.00", "-33.33", "-33.33"], ["0.00", "-66.67", "-66.67"]]);
    // what came back does not free the limit
    pay(&mut stage, "03-05", "p6", "100");
    assert_eq!(spifs(&stage).len(), 6, "only the rated one pays");
    let statement = stage.last("statements", "acme/ae/2026-03/r1");
    let shown = ["base", "spif", "clawback", "total"].map(|field| statement[field].as_str().unwrap());
    assert_eq!(shown, ["50.00", "256.00", "-100.00", "206.00"]);
}

#[test]
fn a_period_keeps_the_first_version_of_its_plan() {
    let version = |from: &str, rate: &str| {
        format!(
            "effective_from: {from}\n{ACCOUNT}\ncommissions: [{{key: ae, bands: [{{from: 0, rate: \"{rate}\"}}], {CLAWBACK}}}]"
        )
    };
    let mut stage = Stage::new(&[version("2026-01-01T00:00:00Z", "10%"), version("2026-03-15T00:00:00Z", "20%")].join("\n---\n"));
    pay(&mut stage, "03-10", "p1", "100");
    pay(&mut stage, "03-20", "p2", "100");
    pay(&mut stage, "04-01", "p3", "100");
    refund(&mut stage, "04-02", "p2", "50");
    assert_eq!(amounts(&stage), ["10.00", "10.00", "20.00", "-5.00"]);
    assert_eq!(stage.list("commission-lines", "/rules_version"), [1, 1, 2, 1]);
}

#[test]
fn a_line_of_nothing_is_written() {
    let mut stage = stage(r#"bands: [{from: 0, rate: "10%"}], cap: "10""#);
    pay(&mut stage, "03-10", "p1", "100");
    pay(&mut stage, "03-11", "p2", "100");
    assert_eq!(amounts(&stage), ["10.00", "0.00"]);
    assert_eq!(stage.list("commission-lines", "/explain")[1], "100.00 at 10 %, up to the cap");
}

#[test]
fn amounts_of_any_size_do_not_panic() {
    let plan: Plan = serde_saphyr::from_str(
        r#"{key: ae, quota: "79228162514264337593543950335", bands: [{from: "300%", rate: "5%"}, {from: "0%", rate: "900%"}], accelerators: [{from: "1%", multiply: "1000000"}]}"#,
    )
    .unwrap();
    let curve = Curve::new(&plan, "r1", &crate::rulebook::values::Currency("USD".to_owned()));
    for basis in ["79228162514264337593543950335", "-1", "0.0000000000000000000000000001"] {
        let basis: Amount = basis.parse().unwrap();
        curve.earned(basis);
        super::explain::change(&mut String::new(), &curve, Amount::ZERO, basis);
    }
}
