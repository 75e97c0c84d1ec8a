//! Items that wait, that are offered again, claimed, reassigned and closed.

use super::super::super::testing::Stage;
use super::check;

const ONLINE: &str =
    "conversations: {strategy: round_robin, only_online: true}\ncomments: {strategy: default, only_online: true}";

#[test]
fn what_waits_is_offered_again_oldest_first_unless_it_closed() {
    check(
        ONLINE,
        "{t: conversation.opened, c: c1, at: \"09:00\", d: {conversation: v1}}
         {t: comment.created, c: c2, at: \"09:02\", d: {comment: m1, channel: instagram}}
         {t: conversation.opened, c: c3, at: \"09:01\", d: {conversation: v3}}
         {t: conversation.opened, c: c4, at: \"09:03\", d: {conversation: v4}}
         {t: conversation.closed, c: c1, at: \"09:05\", d: {conversation: v1}}
         {t: rep.online, at: \"09:10\", d: {rep: r3}}
         {t: rep.online, a: r1, at: \"09:11\"}
         {t: conversation.opened, c: c5, at: \"09:12\", d: {conversation: v5}}
         {t: rep.offline, a: r3, at: \"09:00\"}
         {t: rep.offline, a: r1, at: \"09:13\"}
         {t: conversation.opened, c: c6, at: \"09:14\", d: {conversation: v6}}",
        "{list: assignments, of: item, where: {rep: r3}, is: [v3, m1, v4, v6]}
         {final: assignments, key: acme/conversation/v1, has: {rep: null, reason: no_eligible_rep}}
         {final: assignments, key: acme/conversation/v3, has: {rep: r3, at: \"2026-03-03T09:10:00.000Z\"}}
         {final: assignments, key: acme/conversation/v5, has: {rep: r1}}",
    );
}

#[test]
fn an_activated_rep_a_portfolio_and_new_rules_make_someone_eligible() {
    check(
        "conversations: {strategy: default, reps: [r1]}",
        "{t: rep.deactivate, d: {rep: r1}}
         {t: conversation.opened, c: c1, d: {conversation: v1}}
         {t: rep.activate, d: {rep: r1}}",
        "{list: assignments, of: rep, is: [null, r1]}",
    );
    check(
        "portfolios: [{key: vip, reps: [r2]}, {key: off, reps: [r3], active: false}]\nconversations: {strategy: portfolio}",
        "{t: conversation.opened, c: c1, d: {conversation: v1}}
         {t: portfolio.assign, d: {portfolio: vip, contacts: [c1]}}
         {t: portfolio.create, d: {portfolio: new, team: south, active: false}}
         {t: conversation.opened, c: c2, d: {conversation: v2}}
         {t: portfolio.update, d: {portfolio: vip, active: false}}
         {t: conversation.opened, c: c1, d: {conversation: v3}}
         {t: portfolio.update, d: {portfolio: vip, active: true, reps: [r4]}}",
        "{list: assignments, of: rep, is: [null, r2, null, null, r4]}
         {final: assignments, key: acme/conversation/v2, has: {rep: null}}",
    );
    check(
        "conversations: {strategy: default, reps: [r1], only_online: true}
---
effective_from: 2026-03-03T09:00:00Z
===
conversations: {strategy: default, reps: [r2]}",
        "{t: conversation.opened, c: c1, at: \"08:00\", d: {conversation: v1}}
         {until: true, at: \"10:00\"}
         {t: conversation.closed, c: c1, at: \"10:00\", d: {conversation: v1}}",
        "{list: assignments, of: rep, is: [null, r2]}
         {final: assignments, key: acme/conversation/v1, has: {at: \"2026-03-03T09:00:00.000Z\"}}",
    );
}

#[test]
fn new_rules_reach_an_account_that_has_no_events_just_now() {
    let version = |from: &str, rep: &str| {
        let ownership = format!(
            "{{conversations: {{strategy: default, reps: [{rep}]}}, transfers: [{{when: rep.deactivated, to: {{rep: r4}}}}]}}"
        );
        format!(
            "effective_from: {from}\nreps: [{{id: r1, active: {}}}, {{id: r2}}, {{id: r4}}]\nownership: {ownership}",
            rep == "r1"
        )
    };
    let first = version("2026-03-01T00:00:00Z", "r1");
    let mut stage = Stage::new(&first);
    let line = |text: &str| serde_saphyr::from_str::<serde_json::Value>(text).unwrap();
    stage.send(line("{t: contact.assign, at: \"2026-03-03T08:00:00Z\", d: {contact: c1, rep: r1}}"));
    stage.send(line("{t: rep.deactivate, at: \"2026-03-03T08:00:00Z\", d: {rep: r2}}"));
    stage.change_rules(&format!("{first}\n---\n{}", version("2026-03-03T09:00:00Z", "r2")));
    stage.until_text("2026-03-03T08:30:00Z");
    assert_eq!(stage.last("ownership", "acme/c1")["owner"], "r1", "they do not hold yet");
    stage.until_text("2026-03-03T10:00:00Z");
    let record = stage.last("ownership", "acme/c1");
    assert_eq!((&record["owner"], &record["since"]), (&"r4".into(), &"2026-03-03T09:00:00.000Z".into()), "{record}");
}

#[test]
fn a_portfolio_or_responder_that_comes_by_a_merge_or_a_rule_decides_what_waits() {
    check(
        "portfolios: [{key: vip, reps: [r2]}]\nconversations: {strategy: portfolio}\ncomments: {strategy: last_responder}",
        "{t: portfolio.assign, d: {portfolio: vip, contacts: [a]}}
         {t: message.sent, c: a, a: r3}
         {t: conversation.opened, c: b, d: {conversation: v1}}
         {t: comment.created, c: b, d: {comment: m1, channel: instagram}}
         {t: contact.merged, c: a, d: {into: b}}",
        "{list: assignments, of: rep, is: [null, null, r2, r3]}
         {final: assignments, key: acme/conversation/v1, has: {rep: r2, strategy: portfolio}}
         {final: assignments, key: acme/comment/m1, has: {rep: r3, strategy: last_responder}}",
    );
    check(
        "portfolios: [{key: vip, reps: [r2]}]
new_contacts: {rules: [{when: 'data.segment == \"gold\"', to: {portfolio: vip}}]}
conversations: {strategy: portfolio}",
        "{t: conversation.opened, c: c1, d: {conversation: v1}}
         {t: contact.updated, c: c1, d: {segment: gold}}",
        "{list: assignments, of: rep, where: {kind: conversation}, is: [null, r2]}
         {final: ownership, key: acme/c1, has: {owner: r2, portfolio: vip, version: 1}}",
    );
}

#[test]
fn claims_take_what_nobody_has() {
    check(
        "isolation: strict",
        "{t: conversation.opened, c: c1, d: {conversation: v1}}
         {t: comment.created, c: c1, d: {comment: m1, channel: whatsapp}}
         {id: k1, t: item.claim, a: r1, d: {kind: conversation, id: v1}}
         {id: k2, t: item.claim, a: r2, d: {kind: conversation, id: v1}}
         {id: k3, t: item.claim, a: r2, d: {kind: comment, id: m1}}
         {id: k4, t: item.claim, a: r2, d: {kind: comment, id: m9}}
         {id: k5, t: item.claim, a: r2, d: {kind: conversation, id: m1}}
         {id: k6, t: item.claim, a: boss, d: {kind: comment, id: m1}}
         {t: rep.deactivate, d: {rep: r2}}
         {id: k7, t: item.claim, a: r2, d: {kind: conversation, id: v1}}
         {id: k8, t: item.claim, a: r3, d: {kind: comment, id: m1}}
         {id: k9, t: item.claim, a: r3, d: {kind: deal, id: m1}}
         {t: comment.closed, c: c1, d: {comment: m1}}
         {id: k10, t: item.claim, a: r4, d: {kind: comment, id: m1, dry_run: true}}",
        "{final: command-results, key: acme/k1, has: {status: accepted}}
         {final: command-results, key: acme/k2, has: {status: rejected, reason: already_claimed}}
         {final: command-results, key: acme/k3, has: {status: accepted}}
         {final: command-results, key: acme/k4, has: {reason: unknown_comment}}
         {final: command-results, key: acme/k5, has: {reason: unknown_conversation}}
         {final: command-results, key: acme/k6, has: {reason: unknown_rep}}
         {final: command-results, key: acme/k7, has: {reason: inactive_rep}}
         {final: command-results, key: acme/k8, has: {status: accepted}}
         {final: command-results, key: acme/k9, has: {reason: invalid_kind}}
         {final: command-results, key: acme/k10, has: {reason: already_claimed}}
         {list: assignments, of: rep, is: [null, null, r1, r2, r3]}
         {final: assignments, key: acme/comment/m1, has: {rep: r3, reason: claimed, strategy: null, backup: false}}",
    );
}

#[test]
fn chats_are_reassigned_where_it_is_allowed_and_that_serves_nobody() {
    check(
        "conversations: {strategy: round_robin}\ncomments: {strategy: round_robin}",
        "{t: conversation.opened, c: c1, d: {conversation: v1}}
         {t: comment.created, c: c1, d: {comment: m1, channel: messenger}}
         {id: k1, t: conversation.reassign, a: boss, d: {conversation: v1, rep: r3}}
         {id: k2, t: conversation.reassign, d: {conversation: v1, rep: r3}}
         {id: k3, t: conversation.reassign, d: {conversation: m1, rep: r3}}
         {id: k4, t: conversation.reassign, d: {conversation: v1, rep: r9}}
         {id: k5, t: record.assign, d: {kind: conversation, id: v1, rep: r4}}
         {id: k6, t: record.assign, d: {kind: comment, id: m1, rep: r4}}
         {t: conversation.opened, c: c2, d: {conversation: v2}}
         {t: conversation.closed, c: c2, d: {conversation: v2}}
         {id: k7, t: conversation.reassign, d: {conversation: v2, rep: r1}}
         {id: k8, t: record.assign, d: {kind: conversation, id: v2, rep: r1}}",
        "{list: assignments, of: rep, where: {kind: conversation}, is: [r1, r3, r4, r2, r1]}
         {list: command-results, of: reason, is: [null, null, unknown_conversation, unknown_rep, null, invalid_kind, wrong_status, null]}
         {final: assignments, key: acme/conversation/v1, has: {reason: assigned}}
         {count: assignments, where: {kind: comment}, is: 1}",
    );
    check(
        "conversations: {strategy: round_robin, allow_reassign: false}",
        "{t: conversation.opened, c: c1, d: {conversation: v1}}
         {id: k1, t: conversation.reassign, d: {conversation: v1, rep: r3}}
         {id: k2, t: record.assign, d: {kind: conversation, id: v1, rep: r4}}",
        "{list: command-results, of: reason, is: [not_allowed, null]}\n{list: assignments, of: rep, is: [r1, r4]}",
    );
}

#[test]
fn a_conversation_that_opens_again_is_still_its_reps_until_it_is_forgotten() {
    let events = |again: &str| {
        format!(
            "{{t: conversation.opened, c: c1, at: \"08:00\", d: {{conversation: v1}}}}
             {{t: conversation.archived, c: c1, at: \"09:00\", d: {{conversation: v1}}}}
             {{until: true, at: \"{again}\"}}
             {{t: conversation.opened, c: c1, at: \"{again}\", d: {{conversation: v1}}}}
             {{t: conversation.opened, c: c2, at: \"{again}\", d: {{conversation: v2}}}}"
        )
    };
    let rules = "conversations: {strategy: workload}";
    check(rules, &events("10:00"), "{list: assignments, of: rep, is: [r1, r2]}");
    check(rules, &events("2026-05-03T10:00:00Z"), "{list: assignments, of: rep, is: [r1, r2, r3]}");
}

#[test]
fn what_waits_too_long_is_announced_once() {
    check(
        "conversations: {strategy: round_robin, only_online: true}\nunassigned: {alert_after: 15m}",
        "{t: conversation.opened, c: c1, at: \"08:00\", d: {conversation: v1}}
         {t: comment.created, c: c1, at: \"08:00\", d: {comment: m1, channel: instagram}}
         {t: conversation.opened, c: c2, at: \"08:01\", d: {conversation: v2}}
         {t: conversation.closed, c: c2, at: \"08:10\", d: {conversation: v2}}
         {t: item.claim, a: r1, at: \"08:14\", d: {kind: comment, id: m1}}
         {until: true, at: \"09:00\"}
         {until: true, at: \"4 09:00\"}",
        "{count: announcements, is: 1}
         {list: announcements, of: kind, is: [unassigned]}
         {list: announcements, of: subject, is: [{kind: conversation, id: v1}]}
         {list: announcements, of: at, is: [\"2026-03-03T08:15:00.000Z\"]}",
    );
}
