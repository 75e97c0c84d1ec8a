//! New contacts, owners and their versions, endings, conflicts.

use super::{check, run};

#[test]
fn a_contact_is_new_once_at_its_first_event_or_when_it_is_created() {
    check(
        "new_contacts: {strategy: round_robin, reps: [r1, r2]}",
        "{t: contact.created, c: c1, at: \"09:00\"}
         {t: page.viewed, c: c1, at: \"09:01\"}
         {t: page.viewed, c: c2, at: \"09:02\"}
         {t: contact.created, c: c2, at: \"09:03\"}
         {id: k1, t: contact.assign, a: boss, at: \"09:04\", d: {contact: c3, rep: r4}}
         {t: page.viewed, c: c3, at: \"09:05\"}
         {t: contact.created, c: c3, at: \"09:06\"}
         {id: k2, t: contact.unassign, a: boss, at: \"09:07\", d: {contact: c2}}
         {t: contact.created, c: c2, at: \"09:08\"}
         {t: page.viewed, c: c4, at: \"09:09\"}",
        "{list: assignments, of: rep, is: [r1, r2, r1]}
         {final: assignments, key: acme/contact/c2, has: {kind: contact, item: c2, contact: c2, rep: r2, strategy: round_robin, backup: false}}
         {final: ownership, key: acme/c1, has: {owner: r1, version: 1, since: \"2026-03-03T09:00:00.000Z\", by: null, portfolio: null}}
         {final: ownership, key: acme/c2, has: {owner: null, version: 2, by: boss, reason: unassigned}}
         {final: ownership, key: acme/c3, has: {owner: r4, version: 1, by: boss}}",
    );
}

#[test]
fn the_first_rule_that_matches_decides_else_the_strategy() {
    let rules = "portfolios: [{key: vip, reps: [r2, r3]}, {key: off, reps: [r2], active: false}]
new_contacts:
  rules:
    - {when: 'data.region == \"south\"', to: {team: south}}
    - {when: 'data.region == \"south\" || data.segment == \"gold\"', to: {portfolio: vip}}
    - {when: 'data.segment == \"old\"', to: {portfolio: off}}
    - {when: 'data.segment == \"key\"', to: {rep: r3}}
    - {when: 'data.segment == \"two\"', to: {reps: [r4, r2]}}
  strategy: round_robin
  reps: {team: north}";
    check(
        rules,
        "{t: contact.created, c: c1, d: {region: south, segment: gold}}
         {t: contact.created, c: c2, d: {region: north}}
         {t: contact.created, c: c3, d: {segment: gold}}
         {t: contact.created, c: c4, d: {segment: key}}
         {t: contact.created, c: c5, d: {segment: old}}
         {t: contact.created, c: c6, d: {segment: two}}
         {t: contact.created, c: c7}",
        "{list: assignments, of: rep, is: [r4, r1, r2, r3, null, r4, r1]}
         {final: ownership, key: acme/c3, has: {owner: r2, portfolio: vip, version: 1}}
         {absent: ownership, key: acme/c5}
         {final: assignments, key: acme/contact/c5, has: {reason: no_eligible_rep}}",
    );
    // of another strategy, or of none
    check(
        "new_contacts: {strategy: workload, reps: [r1, r2]}\nconversations: {strategy: default, reps: [r1]}",
        "{t: conversation.opened, c: c1, d: {conversation: v1}}
         {t: page.viewed, c: c2}
         {t: page.viewed, c: c3}
         {t: conversation.closed, c: c1, d: {conversation: v1}}
         {t: page.viewed, c: c4}
         {t: page.viewed, c: c5}",
        "{list: assignments, of: rep, where: {kind: contact}, is: [r1, r2, r2, r1, r2]}",
    );
    check(
        "new_contacts: {rules: [{when: 'data.region == \"south\"', to: {rep: r4}}]}\nunassigned: {alert_after: 1h}",
        "{t: page.viewed, c: c1, at: \"09:00\"}
         {t: page.viewed, c: c2, at: \"09:01\"}
         {t: contact.updated, c: c1, at: \"09:02\", d: {region: south}}
         {until: true, at: \"11:00\"}
         {t: contact.assign, at: \"11:01\", d: {contact: c2, rep: r1}}
         {t: contact.updated, c: c2, at: \"11:02\", d: {region: south}}",
        "{list: assignments, of: rep, is: [null, null, r4, r1]}
         {list: assignments, of: reason, is: [no_strategy, no_strategy, rule, assigned]}
         {list: announcements, of: subject, is: [{kind: contact, id: c2}]}
         {final: ownership, key: acme/c2, has: {owner: r1, version: 1}}",
    );
}

#[test]
fn a_new_contact_that_found_nobody_is_offered_again() {
    check(
        "new_contacts: {rules: [{when: 'data.region == \"south\"', to: {team: south}}], strategy: default, reps: [r1]}",
        "{t: rep.deactivate, d: {rep: r4}}
         {t: contact.created, c: c1, d: {region: south}}
         {t: contact.created, c: c2}
         {t: rep.online, a: r1}
         {t: rep.activate, d: {rep: r4}}
         {t: page.viewed, c: c1}",
        "{list: assignments, of: rep, is: [null, r1, r4]}
         {final: ownership, key: acme/c1, has: {owner: r4, version: 1}}",
    );
}

#[test]
fn versions_have_no_gaps_and_the_present_owner_makes_none() {
    check(
        "isolation: strict",
        "{id: k1, t: contact.assign, a: boss, d: {contact: c1, rep: r1, reason: hers}}
         {id: k2, t: contact.assign, a: boss, d: {contact: c1, rep: r1}}
         {id: k3, t: contact.assign, a: boss, d: {contact: c1, rep: r2, dry_run: true}}
         {id: k4, t: contact.assign, a: boss, d: {contact: c1, rep: r9}}
         {id: k5, t: contact.assign, a: boss, d: {contact: c1}}
         {t: rep.deactivate, d: {rep: r3}}
         {id: k6, t: contact.assign, a: boss, d: {contact: c1, rep: r3}}
         {id: k7, t: contact.unassign, a: boss, d: {contact: c1}}
         {id: k8, t: contact.unassign, a: boss, d: {contact: c1}}
         {id: k9, t: contact.assign, a: boss, d: {contact: c1, rep: r2}}
         {id: k10, t: contact.dance, a: boss, d: {contact: c1}}",
        "{list: ownership-history, of: version, is: [1, 2, 3]}
         {list: ownership-history, of: from, is: [null, r1, null]}
         {list: ownership-history, of: to, is: [r1, null, r2]}
         {list: ownership-history, of: reason, is: [hers, unassigned, assigned]}
         {final: ownership-history, key: acme/c1/1, has: {contact: c1, by: boss, portfolio: null}}
         {final: command-results, key: acme/k2, has: {status: accepted}}
         {final: command-results, key: acme/k4, has: {reason: unknown_rep}}
         {final: command-results, key: acme/k5, has: {reason: invalid_rep}}
         {final: command-results, key: acme/k6, has: {reason: inactive_rep}}
         {final: ownership, key: acme/c1, has: {owner: r2, version: 3}}",
    );
    // unknown commands of any name
    let stage = run("isolation: strict", "{id: k1, t: portfolio.dance, d: {}}", 1);
    assert_eq!(stage.last("command-results", "acme/k1")["reason"], "unknown_command");
}

#[test]
fn conflicts_are_announced_once_a_day_and_pair() {
    check(
        "isolation: strict",
        "{t: contact.assign, at: \"08:00\", d: {contact: c1, rep: r1}}
         {t: message.sent, c: c1, a: r1, at: \"09:00\"}
         {t: message.sent, c: c1, a: r2, at: \"09:01\"}
         {t: message.sent, c: c1, a: r2, at: \"09:02\"}
         {t: message.sent, c: c1, a: r3, at: \"09:03\"}
         {t: message.sent, c: c1, a: boss, at: \"09:04\"}
         {t: message.sent, c: c2, a: r2, at: \"09:05\"}
         {t: message.sent, c: c1, a: r2, at: \"4 09:00\"}
         {t: message.sent, c: c1, a: r2, at: \"09:06\"}",
        "{list: announcements, of: kind, is: [ownership_conflict, ownership_conflict, ownership_conflict]}
         {list: announcements, of: message, is: [\"r1, r2\", \"r1, r3\", \"r1, r2\"]}
         {list: announcements, of: subject, is: [{kind: contact, id: c1}, {kind: contact, id: c1}, {kind: contact, id: c1}]}",
    );
}

#[test]
fn nothing_of_an_erased_contact_stays_and_it_starts_anew() {
    check(
        "portfolios: [{key: vip, reps: [r1, r2]}]
new_contacts: {strategy: round_robin}
conversations: {strategy: workload, reps: [r1, r2]}
unassigned: {alert_after: 1h}",
        "{t: conversation.opened, c: c1, at: \"08:00\", d: {conversation: v1}}
         {t: portfolio.assign, at: \"08:01\", d: {portfolio: vip, contacts: [c1]}}
         {t: deal.created, c: c1, at: \"08:02\", d: {deal: d1, amount: \"10\"}}
         {t: followup.scheduled, c: c1, at: \"08:03\", d: {followup: f1, due_at: \"2026-03-03T09:00:00Z\"}}
         {t: conversation.closed, c: c1, at: \"08:04\", d: {conversation: v1}}
         {t: conversation.opened, c: c1, at: \"08:05\", d: {conversation: v2}}
         {t: contact.erased, c: c1, at: \"08:06\"}
         {t: conversation.opened, c: c2, at: \"08:07\", d: {conversation: v3}}
         {id: k1, t: record.assign, at: \"08:08\", d: {kind: deal, id: d1, rep: r1}}
         {id: k2, t: item.claim, a: r1, at: \"08:09\", d: {kind: conversation, id: v2}}
         {id: k3, t: contacts.transfer, at: \"08:10\", d: {from: r1, to: r4}}
         {until: true, at: \"10:00\"}",
        "{absent: ownership, key: acme/c1}
         {absent: ownership-history, key: acme/c1/1}
         {absent: ownership-history, key: acme/c1/2}
         {absent: relationships, key: acme/c1}
         {absent: assignments, key: acme/conversation/v1}
         {absent: assignments, key: acme/conversation/v2}
         {absent: assignments, key: acme/contact/c1}
         {final: assignments, key: acme/conversation/v3, has: {rep: r1}}
         {final: command-results, key: acme/k1, has: {reason: unknown_deal}}
         {final: command-results, key: acme/k2, has: {reason: unknown_conversation}}
         {final: command-results, key: acme/k3, has: {detail: {contacts: 0}}}",
    );
    check(
        "new_contacts: {strategy: round_robin}",
        "{t: page.viewed, c: c1}
         {t: contact.erased, c: c1}
         {t: page.viewed, c: c1, first: true}",
        "{final: ownership, key: acme/c1, has: {owner: r2, version: 1}}",
    );
}

#[test]
fn of_merged_contacts_the_one_that_stays_keeps_its_owner_else_takes_the_others() {
    check(
        "portfolios: [{key: vip, reps: [r3]}]\nconversations: {strategy: last_responder}",
        "{t: contact.assign, d: {contact: a, rep: r1}}
         {t: contact.assign, d: {contact: b, rep: r2}}
         {t: contact.assign, d: {contact: c, rep: r3}}
         {t: portfolio.assign, d: {portfolio: vip, contacts: [a]}}
         {t: message.sent, c: a, a: r1}
         {t: conversation.opened, c: a, d: {conversation: v1}}
         {t: deal.won, c: a, d: {deal: d1, amount: \"5.00\"}}
         {t: contact.merged, c: a, a: boss, d: {into: b}}
         {t: contact.merged, c: a, d: {into: b}}
         {t: contact.merged, c: b, d: {into: a}}
         {t: contact.merged, c: c, d: {into: new}}
         {id: k1, t: contact.assign, d: {contact: c, rep: r4}}
         {t: conversation.opened, c: b, d: {conversation: v2}}",
        "{absent: ownership, key: acme/a}
         {absent: ownership-history, key: acme/a/1}
         {absent: relationships, key: acme/a}
         {final: ownership, key: acme/b, has: {owner: r2, portfolio: vip, version: 2, reason: merged, by: boss}}
         {final: ownership, key: acme/new, has: {owner: r4, version: 2}}
         {list: ownership-history, of: to, where: {contact: new}, is: [r3, r4]}
         {absent: ownership, key: acme/c}
         {final: assignments, key: acme/conversation/v1, has: {contact: b, rep: r1}}
         {final: assignments, key: acme/conversation/v2, has: {rep: r1}}
         {final: relationships, key: acme/b, has: {deals.d1.state: won, deals.d1.owner: r2, deals.d1.amount: \"5.00\"}}",
    );
}
