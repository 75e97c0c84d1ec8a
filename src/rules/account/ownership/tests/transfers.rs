//! Transfers: whole, listed, round a rotation, by rules, and of more contacts than one slice takes.

use serde_json::json;

use super::super::super::testing::Stage;
use super::super::jobs::SLICE;
use super::{ROSTER, check};

const OWNED: &str = "
    {t: contact.assign, d: {contact: c1, rep: r1}}
    {t: contact.assign, d: {contact: c2, rep: r1}}
    {t: contact.assign, d: {contact: c3, rep: r2}}
    {t: contact.assign, d: {contact: c4, rep: r1}}";

#[test]
fn all_contacts_move_or_those_listed() {
    check(
        "isolation: strict",
        &format!(
            "{OWNED}
             {{id: k0, t: contacts.transfer, a: boss, d: {{from: r1, to: r3, dry_run: true}}}}
             {{id: k1, t: contacts.transfer, a: boss, d: {{from: r1, to: r3, contacts: [c2, c3, c9, c2], reason: left}}}}
             {{id: k2, t: contacts.transfer, a: boss, d: {{from: r1, to: round_robin}}}}
             {{id: k3, t: contacts.transfer, a: boss, d: {{from: r2, to: {{team: north}}}}}}"
        ),
        "{final: command-results, key: acme/k0, has: {status: accepted, detail: {contacts: 3}}}
         {final: command-results, key: acme/k1, has: {status: accepted, detail: {contacts: 1, skipped: [c3, c9]}}}
         {final: command-results, key: acme/k2, has: {status: accepted, detail: {contacts: 2}}}
         {final: ownership, key: acme/c2, has: {owner: r3, version: 2, by: boss, reason: left}}
         {final: ownership, key: acme/c1, has: {owner: r1}}
         {final: ownership, key: acme/c4, has: {owner: r3}}
         {final: ownership, key: acme/c3, has: {owner: r3}}
         {list: ownership-history, of: to, where: {contact: c1}, is: [r1, r2, r1]}",
    );
}

#[test]
fn what_transfers_refuse() {
    check(
        "isolation: strict",
        "{t: rep.deactivate, d: {rep: r3}}
         {t: contacts.transfer, d: {from: r9, to: r1}}
         {t: contacts.transfer, d: {from: r1, to: r9}}
         {t: contacts.transfer, d: {from: r1, to: r3}}
         {t: contacts.transfer, d: {from: r1, to: r1}}
         {t: contacts.transfer, d: {from: r1}}
         {t: contacts.transfer, d: {to: r1}}
         {t: contacts.transfer, d: {from: r4, to: {team: south}}}
         {t: contacts.transfer, d: {from: r1, to: r2, contacts: all}}
         {t: contacts.transfer, d: {from: r3, to: r1}}",
        "{list: command-results, of: reason, is: [null, unknown_rep, unknown_rep, inactive_rep, invalid_to, invalid_to, invalid_from, no_eligible_rep, invalid_contacts, null]}",
    );
}

#[test]
fn a_transfer_carries_deals_and_open_conversations() {
    check(
        "conversations: {strategy: workload, reps: [r1, r2]}\ncomments: {strategy: default, reps: [r1]}",
        "{t: contact.assign, d: {contact: c1, rep: r1}}
         {t: deal.created, c: c1, d: {deal: d1}}
         {t: deal.created, c: c1, d: {deal: d2}}
         {t: deal.created, c: c1, d: {deal: d3}}
         {t: record.assign, d: {kind: deal, id: d2, rep: r1}}
         {t: record.assign, d: {kind: deal, id: d3, rep: r4}}
         {t: followup.scheduled, c: c1, d: {followup: f1}}
         {t: proposal.sent, c: c1, d: {proposal: p1}}
         {t: conversation.opened, c: c1, d: {conversation: v1}}
         {t: conversation.opened, c: c1, d: {conversation: v2}}
         {t: conversation.opened, c: c1, d: {conversation: v3}}
         {t: conversation.closed, c: c1, d: {conversation: v3}}
         {t: comment.created, c: c1, d: {comment: m1, channel: instagram}}
         {t: contacts.transfer, d: {from: r1, to: r3, reason: left}}
         # r1 has only the comment now, r2 a conversation
         {t: conversation.opened, c: c2, d: {conversation: v4}}
         {t: conversation.opened, c: c2, d: {conversation: v5}}",
        "{final: relationships, key: acme/c1, has: {deals.d1.owner: r3, deals.d2.owner: r3, deals.d3.owner: r4, follow_ups.f1.owner: r3, proposals.p1.owner: r3}}
         {final: assignments, key: acme/conversation/v1, has: {rep: r3, reason: left}}
         {final: assignments, key: acme/conversation/v2, has: {rep: r2}}
         {final: assignments, key: acme/conversation/v3, has: {rep: r1}}
         {final: assignments, key: acme/comment/m1, has: {rep: r1}}
         {final: assignments, key: acme/conversation/v4, has: {rep: r2}}",
    );
}

#[test]
fn rules_transfer_from_deactivated_reps_and_inactive_contacts() {
    check(
        "transfers: [{when: rep.deactivated, to: {team: south}}, {when: rep.deactivated, to: round_robin}]",
        &format!(
            "{OWNED}
             {{t: rep.deactivate, a: boss, d: {{rep: r4}}}}
             {{t: rep.deactivate, a: boss, d: {{rep: r1}}}}
             {{t: rep.deactivate, a: boss, d: {{rep: r1}}}}
             {{t: contact.assign, d: {{contact: c5, rep: r2}}}}
             {{t: rep.deactivate, a: boss, d: {{rep: r2}}}}"
        ),
        // r2, r3 in turn; then r2's go on with whom comes after r3... which is r3 again, the only one left
        "{list: ownership-history, of: to, where: {reason: rep.deactivated}, is: [r2, r3, r2, r3, r3, r3, r3]}
         {list: ownership-history, of: by, where: {contact: c1}, is: [null, boss, boss]}",
    );
    // a version of the rules that no longer has a rep deactivates it too
    check(
        "transfers: [{when: rep.deactivated, to: {rep: r4}}]
---
effective_from: 2026-03-04T00:00:00Z
reps: [{id: r2}, {id: r4}]
===
transfers: [{when: rep.deactivated, to: {rep: r4}}]",
        &format!("{OWNED}\n{{until: true, at: \"5 00:00\"}}"),
        "{list: ownership-history, of: contact, where: {to: r4, reason: rep.deactivated}, is: [c1, c2, c4]}
         {final: ownership, key: acme/c1, has: {owner: r4, since: \"2026-03-04T00:00:00.000Z\"}}
         {final: ownership, key: acme/c3, has: {owner: r2}}",
    );
    let rules = format!("{ROSTER}ownership:\n  transfers: [{{when: inactive, for: 30d, to: {{rep: r4}}}}]");
    let mut stage = Stage::new(&rules);
    for (contact, rep) in [("c1", "r1"), ("c2", "r4")] {
        stage.send(json!({"t": "contact.assign", "at": "2026-03-03T08:00:00Z", "d": {"contact": contact, "rep": rep}}));
    }
    for contact in ["c1", "c2", "c3"] {
        stage.inactive(contact, "2026-03-03T09:00:00Z", "2026-04-02T09:00:00Z");
    }
    assert_eq!(stage.list("ownership-history", "/to"), ["r1", "r4", "r4"]);
    assert_eq!(stage.last("ownership", "acme/c1")["since"], "2026-04-02T09:00:00.000Z");
    assert_eq!(stage.last("ownership", "acme/c1")["reason"], "inactive");
}

/// Owners of every contact, by a transfer that takes several slices, with events of some contacts in between.
#[test]
fn a_large_transfer_goes_on_with_the_watermarks_and_holds_at_once() {
    let rules = format!(
        "{ROSTER}ownership: {{conversations: {{strategy: default, reps: [r1]}}}}\nmetrics: [{{key: deals, type: deal.won, count: true, \
         credit: owner}}]\nleaderboards: [{{key: b, metric: deals, window: all}}]"
    );
    let contacts = 2 * SLICE + SLICE / 2;
    let mut stage = Stage::new(&rules);
    stage.commit_every = usize::MAX;
    let at = |second: usize| format!("2026-03-03T08:00:{second:02}Z");
    for i in 0..contacts {
        stage.send(json!({"t": "contact.assign", "at": at(0), "d": {"contact": format!("c{i:05}"), "rep": "r1"}}));
    }
    stage.commit();
    stage.commit_every = 1;
    let last = format!("c{:05}", contacts - 1);
    stage.send(json!({"t": "conversation.opened", "c": last, "at": at(0), "d": {"conversation": "v1"}}));
    stage.send(json!({"t": "contacts.transfer", "id": "t1", "at": at(0), "d": {"from": "r1", "to": "r2"}}));
    let moved = |stage: &Stage, to: &str| stage.list("ownership-history", "/to").iter().filter(|owner| *owner == to).count();
    assert_eq!(stage.last("command-results", "acme/t1")["detail"]["contacts"], contacts);
    assert_eq!(moved(&stage, "r2"), SLICE, "the first slice is done at once");
    // another transfer waits for it: what r2 gets goes on to r3
    stage.send(json!({"t": "contacts.transfer", "id": "t2", "at": at(0), "d": {"from": "r2", "to": "r3"}}));
    assert_eq!(moved(&stage, "r3"), 0);
    // a contact that is looked at is moved by both
    stage.send(json!({"t": "message.received", "c": last, "at": at(0)}));
    assert_eq!(stage.last("ownership", &format!("acme/{last}"))["owner"], "r3");
    assert_eq!(stage.last("assignments", "acme/conversation/v1")["rep"], "r3");
    // what the givers get meanwhile stays theirs
    stage.send(json!({"t": "contact.assign", "at": at(0), "d": {"contact": "zz1", "rep": "r1"}}));
    stage.send(json!({"t": "contact.assign", "at": at(0), "d": {"contact": "zz2", "rep": "r2"}}));
    let sliced = stage.settle();
    assert!((4..=6).contains(&sliced), "{sliced} slices");
    assert_eq!(moved(&stage, "r2"), contacts + 1);
    assert_eq!(moved(&stage, "r3"), contacts);
    assert_eq!(stage.last("ownership", "acme/zz1")["owner"], "r1");
    assert_eq!(stage.last("ownership", "acme/zz2")["owner"], "r2");
    for i in [0, SLICE, contacts - 1] {
        assert_eq!(stage.last("ownership", &format!("acme/c{i:05}"))["owner"], "r3");
        assert_eq!(stage.last("ownership", &format!("acme/c{i:05}"))["version"], 3);
    }
}

#[test]
fn a_deleted_portfolio_frees_its_contacts_in_slices() {
    let mut stage = Stage::new(&format!("{ROSTER}ownership: {{portfolios: [{{key: vip, reps: [r1]}}]}}"));
    let contacts: Vec<String> = (0..SLICE + 10).map(|i| format!("c{i:05}")).collect();
    let at = "2026-03-03T08:00:00Z";
    stage.send(json!({"t": "portfolio.assign", "at": at, "d": {"portfolio": "vip", "contacts": contacts}}));
    stage.send(json!({"t": "portfolio.delete", "id": "k1", "at": at, "d": {"portfolio": "vip"}}));
    stage.send(json!({"t": "portfolio.create", "id": "k2", "at": at, "d": {"portfolio": "vip", "reps": ["r2"]}}));
    assert_eq!(stage.last("command-results", "acme/k2")["reason"], "wrong_status");
    assert_eq!(stage.settle(), 1);
    stage.send(json!({"t": "portfolio.create", "id": "k3", "at": at, "d": {"portfolio": "vip", "reps": ["r2"]}}));
    assert_eq!(stage.last("command-results", "acme/k3")["status"], "accepted");
    assert_eq!(stage.topic("ownership-history").len(), 2 * contacts.len());
    assert!(contacts.iter().all(|contact| stage.last("ownership", &format!("acme/{contact}"))["portfolio"].is_null()));
}
