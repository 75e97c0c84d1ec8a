//! Every strategy: anyone or only who is online, with and without backup, for chats and comments.

use super::{check, run};

/// A strategy's rules, and whom it finds: whoever is online, with only r2 (and perhaps r4) online, with nobody else online.
type Case = (&'static str, Option<&'static str>, Option<&'static str>, Option<&'static str>);

const STRATEGIES: [Case; 8] = [
    ("strategy: round_robin, reps: [r1, r2, r3]", Some("r1"), Some("r2"), None),
    ("strategy: round_robin, team: north", Some("r1"), Some("r2"), None),
    ("strategy: workload, reps: {team: north}", Some("r1"), Some("r2"), None),
    ("strategy: default, reps: [r1, r3]", Some("r1"), None, None),
    ("strategy: channel, channels: {instagram: {rep: r3}, whatsapp: {rep: r2}}", Some("r3"), Some("r3"), Some("r3")),
    ("strategy: last_responder", Some("r1"), None, None),
    ("strategy: portfolio", Some("r1"), Some("r2"), None),
    ("strategy: portfolio, within: workload", Some("r1"), Some("r2"), None),
];

#[test]
fn every_strategy_finds_its_rep_or_the_backup_or_nobody() {
    for (kind, opened, other) in [("conversation", "opened", "comments"), ("comment", "created", "conversations")] {
        for (strategy, anyone, r2_online, nobody_online) in STRATEGIES {
            for only_online in [false, true] {
                for r2 in [false, true] {
                    for (backup, r4) in [(false, false), (true, false), (true, true)] {
                        let by_strategy = match (only_online, r2) {
                            (false, _) => anyone,
                            (true, true) => r2_online,
                            (true, false) => nobody_online,
                        };
                        let by_backup = (backup && (r4 || !only_online)).then_some("r4");
                        let rep = by_strategy.or(by_backup);
                        let section = if kind == "conversation" { "conversations" } else { "comments" };
                        let backup_rules = if backup { ", backup: {team: south}" } else { "" };
                        let rules = format!(
                            "portfolios: [{{key: vip, reps: [r1, r2]}}]\n\
                             {section}: {{{strategy}, only_online: {only_online}{backup_rules}}}\n\
                             {other}: {{strategy: default, reps: [r3]}}",
                        );
                        let online = |rep: &str, online: bool| {
                            let word = if online { "online" } else { "offline" };
                            format!("{{t: rep.{word}, a: {rep}}}\n")
                        };
                        let events = format!(
                            "{{t: portfolio.assign, d: {{portfolio: vip, contacts: [c1]}}}}\n\
                             {{t: message.sent, c: c1, a: r1}}\n{}{}\
                             {{t: {kind}.{opened}, c: c1, d: {{{kind}: i1, channel: instagram}}}}",
                            online("r2", r2),
                            online("r4", r4),
                        );
                        let rep_text = rep.unwrap_or("null");
                        let took_backup = by_strategy.is_none() && rep.is_some();
                        let reason = if rep.is_none() { ", reason: no_eligible_rep" } else { "" };
                        let expect = format!(
                            "{{final: assignments, key: acme/{kind}/i1, has: {{rep: {rep_text}, backup: {took_backup}, kind: {kind}, \
                             item: i1, contact: c1{reason}}}}}\n{{count: assignments, is: 1}}",
                        );
                        check(&rules, &events, &expect);
                    }
                }
            }
        }
    }
}

#[test]
fn chats_can_be_manual_and_without_a_strategy_nothing_is_assigned() {
    let events = "
        {t: conversation.opened, c: c1, d: {conversation: v1, channel: whatsapp}}
        {t: comment.created, c: c1, d: {comment: m1, channel: instagram}}
        {t: comment.created, c: c1, d: {comment: m2, channel: whatsapp}}
        {t: comment.created, c: c1, d: {comment: m3, channel: messenger}}
        {t: rep.online, a: r1}";
    check(
        "conversations: {strategy: manual, backup: {rep: r1}}",
        events,
        "{final: assignments, key: acme/conversation/v1, has: {rep: null, reason: manual, strategy: manual}}
         {final: assignments, key: acme/comment/m1, has: {rep: null, reason: no_strategy, strategy: null}}
         {final: assignments, key: acme/comment/m2, has: {rep: null, reason: unsupported_channel}}
         {count: assignments, is: 4}",
    );
    check(
        "comments: {strategy: round_robin, backup: {rep: r4}}",
        events,
        "{final: assignments, key: acme/conversation/v1, has: {rep: null, reason: no_strategy}}
         {list: assignments, of: rep, where: {kind: comment}, is: [r1, null, r2]}
         {final: assignments, key: acme/comment/m2, has: {rep: null, reason: unsupported_channel}}",
    );
}

#[test]
fn rotations_go_on_after_the_one_served_last_each_in_its_own_place() {
    let chat = |n: u32| format!("{{t: conversation.opened, c: c{n}, d: {{conversation: v{n}, channel: whatsapp}}}}\n");
    let comment = |n: u32| format!("{{t: comment.created, c: c{n}, d: {{comment: m{n}, channel: instagram}}}}\n");
    check(
        "conversations: {strategy: round_robin, reps: [r1, r2, r3]}\ncomments: {strategy: round_robin, reps: [r2, r3]}",
        &format!(
            "{}{}{}{{t: rep.deactivate, d: {{rep: r3}}}}\n{}{}{{t: rep.activate, d: {{rep: r3}}}}\n{}{}{}",
            chat(1),
            comment(1),
            chat(2),
            chat(3),
            comment(2),
            chat(4),
            comment(3),
            chat(5)
        ),
        "{list: assignments, of: rep, where: {kind: conversation}, is: [r1, r2, r1, r2, r3]}
         {list: assignments, of: rep, where: {kind: comment}, is: [r2, r2, r3]}",
    );
    // within and backup have pointers of their own, over all portfolios
    check(
        "portfolios: [{key: vip, reps: [r1, r2]}, {key: std, team: north}]
conversations: {strategy: portfolio, backup: {reps: [r3, r4]}}",
        &format!(
            "{{t: portfolio.assign, d: {{portfolio: vip, contacts: [c1, c3]}}}}\n\
             {{t: portfolio.assign, d: {{portfolio: std, contacts: [c2, c4]}}}}\n{}{}{}{}{}{}{}",
            chat(1),
            chat(2),
            chat(9),
            chat(3),
            chat(4),
            chat(8),
            chat(7)
        ),
        "{list: assignments, of: rep, is: [r1, r2, r3, r1, r2, r4, r3]}",
    );
}

#[test]
fn workload_gives_to_the_fewest_open_then_the_least_recently_served_then_the_first() {
    check(
        "conversations: {strategy: workload, reps: [r1, r2, r3]}\ncomments: {strategy: default, reps: [r2]}",
        "{t: conversation.opened, c: c1, d: {conversation: v1}}
         {t: comment.created, c: c1, d: {comment: m1, channel: instagram}}
         {t: conversation.opened, c: c2, d: {conversation: v2}}
         # r1, r2 and r3 have one each; r1 was served longest ago
         {t: conversation.opened, c: c3, d: {conversation: v3}}
         {t: comment.closed, c: c1, d: {comment: m1}}
         {t: conversation.opened, c: c4, d: {conversation: v4}}
         {t: conversation.archived, c: c1, d: {conversation: v1}}
         {t: conversation.deleted, c: c3, d: {conversation: v3}}
         {t: conversation.opened, c: c5, d: {conversation: v5}}
         {t: item.claim, a: r1, d: {kind: conversation, id: v5}}",
        "{list: assignments, of: rep, where: {kind: conversation}, is: [r1, r3, r1, r2, r1]}",
    );
}

#[test]
fn the_last_responder_is_by_event_time_and_must_be_an_active_rep() {
    check(
        "conversations: {strategy: last_responder}",
        "{t: message.sent, c: c1, a: r1, at: \"10:00\"}
         {t: message.sent, c: c1, a: r2, at: \"09:00\"}
         {t: message.sent, c: c1, a: bot, at: \"11:00\"}
         {t: conversation.opened, c: c1, at: \"11:01\", d: {conversation: v1}}
         {t: comment.answered, c: c1, a: r3, at: \"11:02\", d: {comment: m1}}
         {t: conversation.opened, c: c1, at: \"11:03\", d: {conversation: v2}}
         {t: rep.deactivate, at: \"11:04\", d: {rep: r3}}
         {t: conversation.opened, c: c1, at: \"11:05\", d: {conversation: v3}}
         # who answers an open one becomes eligible for it
         {t: message.sent, c: c1, a: r4, at: \"11:06\", d: {conversation: v3}}",
        "{list: assignments, of: rep, is: [r1, r3, null, r4]}",
    );
}

#[test]
fn a_changed_strategy_applies_to_the_next_item() {
    let rules = "conversations: {strategy: default, reps: [r1]}
---
effective_from: 2026-03-03T09:00:00Z
===
conversations: {strategy: round_robin, team: south}";
    let stage = run(
        rules,
        "{t: conversation.opened, c: c1, at: \"08:59\", d: {conversation: v1}}
         {t: conversation.opened, c: c2, at: \"09:00\", d: {conversation: v2}}",
        1,
    );
    assert_eq!(stage.list("assignments", "/rep"), ["r1", "r4"]);
}
