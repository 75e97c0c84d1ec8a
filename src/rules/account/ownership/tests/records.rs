//! Deals, follow-ups and proposals; whom deals and contacts credit.

use serde_json::json;

use super::super::super::testing::Stage;
use super::check;

#[test]
fn a_relationship_shows_the_latest_state_by_event_time() {
    check(
        "conversations: {strategy: default, reps: [r2]}",
        "{t: contact.assign, d: {contact: c1, rep: r1}}
         {t: deal.created, c: c1, at: \"09:00\", d: {deal: d1, amount: \"100.00\"}}
         {t: deal.won, c: c1, at: \"11:00\", d: {deal: d1}}
         {t: deal.stage_changed, c: c1, at: \"10:00\", d: {deal: d1, amount: \"120.00\"}}
         {t: proposal.sent, c: c1, at: \"11:01\", d: {proposal: p1, amount: 70}}
         {t: proposal.viewed, c: c1, at: \"11:02\", d: {proposal: p1}}
         {t: followup.scheduled, c: c1, at: \"11:03\", d: {followup: f1, due_at: \"2026-03-03T13:00:00Z\"}}
         {t: followup.scheduled, c: c1, at: \"11:04\", d: {followup: f2, due_at: \"2026-03-03T13:00:00Z\"}}
         {t: followup.completed, c: c1, at: \"12:00\", d: {followup: f2}}
         {t: conversation.opened, c: c1, at: \"12:01\", d: {conversation: v1, channel: email}}
         {until: true, at: \"13:00\"}",
        "{final: relationships, key: acme/c1, has: {deals.d1.state: won, deals.d1.owner: r1, deals.d1.amount: \"100.00\",
            deals.d1.created_at: \"2026-03-03T09:00:00.000Z\", deals.d1.updated_at: \"2026-03-03T11:00:00.000Z\",
            proposals.p1.state: viewed, proposals.p1.amount: \"70\", follow_ups.f1.state: scheduled, follow_ups.f1.overdue: true,
            follow_ups.f2.state: completed, follow_ups.f2.overdue: false, conversations.v1.rep: r2}}"
            .replace('\n', " ")
            .as_str(),
    );
    check(
        "isolation: strict",
        "{t: followup.scheduled, c: c1, at: \"11:03\", d: {followup: f1, due_at: \"2026-03-03T13:00:00Z\"}}
         {until: true, at: \"12:59\"}",
        "{final: relationships, key: acme/c1, has: {follow_ups.f1.overdue: false, follow_ups.f1.owner: null}}",
    );
}

#[test]
fn records_are_assigned_one_by_one() {
    check(
        "isolation: strict",
        "{t: contact.assign, d: {contact: c1, rep: r1}}
         {t: deal.created, c: c1, d: {deal: d1}}
         {t: deal.created, c: c1, d: {deal: d2}}
         {id: k1, t: record.assign, d: {kind: deal, id: d1, rep: r2}}
         {id: k2, t: record.assign, d: {kind: deal, id: d9, rep: r2}}
         {id: k3, t: record.assign, d: {kind: deal, id: d1, rep: r9}}
         {id: k4, t: record.assign, d: {kind: conversation, id: d1, rep: r2}}
         {id: k5, t: record.assign, d: {kind: deal, rep: r2}}",
        "{final: relationships, key: acme/c1, has: {deals.d1.owner: r2, deals.d2.owner: r1}}
         {list: command-results, of: reason, is: [null, null, unknown_deal, unknown_rep, unknown_conversation, invalid_id]}
         {final: ownership, key: acme/c1, has: {owner: r1, version: 1}}",
    );
}

#[test]
fn credit_goes_to_the_owner_at_the_time() {
    let rules = "teams: []\nreps: [{id: r1}, {id: r2}, {id: r3}]";
    let mut stage = Stage::new(rules);
    for (at, kind, data) in [
        ("10:00", "contact.assign", json!({"contact": "c1", "rep": "r1"})),
        ("11:00", "contact.unassign", json!({"contact": "c1"})),
        ("12:00", "contact.assign", json!({"contact": "c1", "rep": "r2"})),
        // told late: it takes effect after what was told before
        ("11:30", "contact.assign", json!({"contact": "c1", "rep": "r3"})),
        ("12:30", "deal.created", json!({"deal": "d1"})),
        ("13:00", "record.assign", json!({"kind": "deal", "id": "d1", "rep": "r1"})),
        ("13:00", "deal.created", json!({"deal": "d2"})),
    ] {
        let contact = if kind == "deal.created" { json!("c1") } else { json!(null) };
        stage.send(json!({"t": kind, "c": contact, "at": format!("2026-03-03T{at}:00Z"), "d": data}));
    }
    let cases = [
        ("09:00", None, Some("r1")),
        ("10:00", None, Some("r1")),
        ("10:59", Some("d1"), Some("r1")),
        ("11:00", None, None),
        ("11:45", None, None),
        ("12:00", None, Some("r3")),
        ("12:59", Some("d1"), Some("r3")),
        ("13:00", Some("d1"), Some("r1")),
        ("13:00", Some("d2"), Some("r3")),
        ("13:00", Some("unknown"), Some("r3")),
    ];
    for (at, deal, expected) in cases {
        let time = crate::events::Timestamp::parse(&format!("2026-03-03T{at}:00Z")).unwrap();
        let owner = stage.with_account(|account| super::super::owner_at(account, Some("c1"), deal, time));
        assert_eq!(owner.as_deref(), expected, "{at} {deal:?}");
    }
}
