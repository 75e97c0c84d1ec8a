//! Every strategy: anyone or only who is online, with and without backup, for chats and comments.

use super::{check, run};

/// A strategy's rules, and whom it finds: whoever is online, with only r2 (and perhaps r4) online, with nobody else online.
type Case = (&'static str, Option<&'static str>, Option<&'static str>, Option<&'static str>);

const STRATEGIES: [Case; 8] = [
    ("strategy: round_robin, reps: [r1, r2, r3]", Some("r1"), Some("r2"), None),
    ("strategy: round_robin, team: north", Some("r1"), Some("r2"), None),
    ("strategy: workload, reps: {team: north}", Some("r1"), Some("r2"), None),
    ("strategy: default, reps: [r1, r3]", Some("r1"), None, None),
    // by the item's channel, whoever is online
    ("strategy: channel, channels: {instagram: {rep: r3}, whatsapp: {rep: r2}}", None, None, None),
    ("strategy: last_responder", Some("r1"), None, None),
    ("strategy: portfolio", Some("r1"), Some("r2"), None),
    ("strategy: portfolio, within: workload", Some("r1"), Some("r2"), None),
];

/// Channels of chats; comments exist on the first two, and on one that nobody named.
const CHANNELS: [Option<&str>; 5] = [Some("instagram"), Some("messenger"), Some("whatsapp"), Some("email"), None];

#[test]
fn every_strategy_finds_its_rep_or_the_backup_or_nobody() {
    for kind in ["conversation", "comment"] {
        for case in STRATEGIES {
            for channel in CHANNELS {
                for (only_online, r2) in [(false, false), (false, true), (true, false), (true, true)] {
                    for (backup, r4) in [(false, false), (true, false), (true, true)] {
                        check_one(kind, case, channel, (only_online, r2), (backup, r4));
                    }
                }
            }
        }
    }
}

/// One item, of one channel: with r2 online or not, and with r4, the backup, online or not.
fn check_one(kind: &str, case: Case, channel: Option<&str>, (only_online, r2): (bool, bool), (backup, r4): (bool, bool)) {
    let (strategy, anyone, r2_online, nobody_online) = case;
    let unsupported = kind == "comment" && channel.is_some_and(|channel| !CHANNELS[..2].contains(&Some(channel)));
    let by_strategy = if strategy.contains("strategy: channel") {
        match channel {
            Some("instagram") => Some("r3"),
            Some("whatsapp") => Some("r2"),
            _ => None,
        }
    } else {
        match (only_online, r2) {
            (false, _) => anyone,
            (true, true) => r2_online,
            (true, false) => nobody_online,
        }
    };
    let by_backup = (backup && (r4 || !only_online)).then_some("r4");
    let rep = by_strategy.or(by_backup).filter(|_| !unsupported);
    let (section, opened, other) =
        if kind == "conversation" { ("conversations", "opened", "comments") } else { ("comments", "created", "conversations") };
    let backup_rules = if backup { ", backup: {team: south}" } else { "" };
    let rules = format!(
        "portfolios: [{{key: vip, reps: [r1, r2]}}]\n\
         {section}: {{{strategy}, only_online: {only_online}{backup_rules}}}\n\
         {other}: {{strategy: default, reps: [r3]}}",
    );
    let presence = |rep: &str, online: bool| format!("{{t: rep.{}, a: {rep}}}\n", if online { "online" } else { "offline" });
    let named = channel.map_or(String::new(), |channel| format!(", channel: {channel}"));
    let events = format!(
        "{{t: portfolio.assign, d: {{portfolio: vip, contacts: [c1]}}}}\n\
         {{t: message.sent, c: c1, a: r1}}\n{}{}\
         {{t: {kind}.{opened}, c: c1, d: {{{kind}: i1{named}}}}}",
        presence("r2", r2),
        presence("r4", r4),
    );
    let reason = match rep {
        Some(_) => "",
        None if unsupported => ", reason: unsupported_channel",
        None => ", reason: no_eligible_rep",
    };
    let took_backup = by_strategy.is_none() && rep.is_some();
    let rep = rep.unwrap_or("null");
    let expect = format!(
        "{{final: assignments, key: acme/{kind}/i1, has: {{rep: {rep}, backup: {took_backup}, kind: {kind}, item: i1, \
         contact: c1{reason}}}}}\n{{count: assignments, is: 1}}",
    );
    check(&rules, &events, &expect);
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
