//! Portfolios: made, changed, deleted; contacts assigned to them and removed.

use super::check;

const RULES: &str = "portfolios: [{key: vip, reps: [r1]}, {key: std, team: south}, {key: old, reps: [r2], active: false}]
conversations: {strategy: portfolio}";

#[test]
fn conflicts_are_reported_moved_or_kept() {
    let before = "{t: portfolio.assign, a: boss, d: {portfolio: vip, contacts: [c1]}}
                  {t: portfolio.assign, a: boss, d: {portfolio: std, contacts: [c2]}}";
    let cases = [
        ("", "0", "vip", "null"),
        (", on_conflict: report", "0", "vip", "null"),
        (", on_conflict: move", "2", "std", "std"),
        (", on_conflict: keep", "1", "vip", "std"),
        (", on_conflict: move, dry_run: true", "2", "vip", "null"),
    ];
    for (on_conflict, assigned, c1, c3) in cases {
        let c3 = if c3 == "null" {
            "{absent: ownership, key: acme/c3}".to_owned()
        } else {
            format!("{{final: ownership, key: acme/c3, has: {{portfolio: {c3}, owner: null, version: 1}}}}")
        };
        check(
            RULES,
            &format!("{before}\n{{id: k, t: portfolio.assign, d: {{portfolio: std, contacts: [c1, c2, c3, c3]{on_conflict}}}}}"),
            &format!(
                "{{final: command-results, key: acme/k, has: {{status: accepted, detail.assigned: {assigned}, \
                 detail.conflicts: [{{contact: c1, portfolio: vip}}], detail.free: [c3]}}}}\n\
                 {{final: ownership, key: acme/c1, has: {{portfolio: {c1}}}}}\n\
                 {{final: ownership, key: acme/c2, has: {{portfolio: std, version: 1}}}}\n{c3}"
            ),
        );
    }
    check(
        RULES,
        "{id: k, t: portfolio.assign, d: {portfolio: std, contacts: [c1, c2]}}",
        "{final: ownership, key: acme/c1, has: {portfolio: std}}\n{final: ownership, key: acme/c2, has: {portfolio: std}}",
    );
}

#[test]
fn what_portfolio_commands_refuse() {
    check(
        RULES,
        "{t: portfolio.assign, d: {portfolio: nope, contacts: [c1]}}
         {t: portfolio.assign, d: {portfolio: old, contacts: [c1]}}
         {t: portfolio.assign, d: {portfolio: vip}}
         {t: portfolio.assign, d: {portfolio: vip, contacts: [c1], on_conflict: fight}}
         {t: portfolio.create, d: {portfolio: vip, reps: [r1]}}
         {t: portfolio.create, d: {portfolio: new}}
         {t: portfolio.create, d: {portfolio: new, reps: [r9]}}
         {t: portfolio.create, d: {portfolio: new, team: west}}
         {t: portfolio.update, d: {portfolio: new, name: New}}
         {t: portfolio.update, d: {portfolio: vip, active: maybe}}
         {t: portfolio.delete, d: {portfolio: new}}
         {t: portfolio.remove, d: {contacts: [c1], portfolio: new}}",
        "{list: command-results, of: reason, is: [unknown_portfolio, inactive_portfolio, invalid_contacts, invalid_on_conflict,
            duplicate_portfolio, invalid_reps, unknown_rep, unknown_team, unknown_portfolio, invalid_active, unknown_portfolio, unknown_portfolio]}"
            .replace('\n', " ")
            .as_str(),
    );
}

#[test]
fn portfolios_are_made_changed_and_deleted() {
    check(
        RULES,
        "{t: portfolio.create, d: {portfolio: new, name: New, reps: [r3]}}
         {t: portfolio.assign, a: boss, d: {portfolio: new, contacts: [c1, c2]}}
         {t: conversation.opened, c: c1, d: {conversation: v1}}
         {t: portfolio.update, d: {portfolio: new, team: south}}
         {t: conversation.opened, c: c1, d: {conversation: v2}}
         {t: portfolio.remove, a: boss, d: {contacts: [c2, c9]}}
         {t: contact.assign, d: {contact: c1, rep: r2}}
         {t: portfolio.delete, a: boss, d: {portfolio: new}}
         {t: portfolio.delete, d: {portfolio: vip}}
         {id: k, t: portfolio.assign, d: {portfolio: vip, contacts: [c1]}}
         {t: conversation.opened, c: c1, d: {conversation: v3}}",
        "{list: assignments, of: rep, is: [r3, r4, null]}
         {list: ownership-history, of: portfolio, where: {contact: c1}, is: [new, new, null]}
         {list: ownership-history, of: portfolio, where: {contact: c2}, is: [new, null]}
         {final: ownership, key: acme/c1, has: {owner: r2, portfolio: null, version: 3, reason: portfolio_deleted, by: boss}}
         {final: command-results, key: acme/k, has: {reason: unknown_portfolio}}",
    );
}

#[test]
fn lists_have_a_limit_and_the_answer_says_so() {
    let most = super::super::listed::MOST;
    let list = |n: usize| (0..n).map(|i| format!("x{i}")).collect::<Vec<_>>().join(", ");
    let (full, too_long) = (list(most), list(most + 1));
    check(
        RULES,
        &format!(
            "{{id: k1, t: portfolio.assign, d: {{portfolio: vip, contacts: [{too_long}]}}}}
             {{id: k2, t: portfolio.remove, d: {{contacts: [{too_long}]}}}}
             {{id: k3, t: contacts.transfer, d: {{from: r1, to: r2, contacts: [{too_long}]}}}}
             {{id: k4, t: portfolio.assign, d: {{portfolio: vip, contacts: [{full}], dry_run: true}}}}"
        ),
        &format!(
            "{{list: command-results, of: reason, is: [invalid_contacts, invalid_contacts, invalid_contacts, null]}}
             {{final: command-results, key: acme/k1, has: {{detail: {{listed: {}, most: {most}}}}}}}
             {{final: command-results, key: acme/k4, has: {{detail.assigned: {most}}}}}",
            most + 1
        ),
    );
}
