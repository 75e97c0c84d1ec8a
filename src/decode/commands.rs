//! The command types. A record is a command by its type alone.

/// Every command type, in byte order.
pub const COMMANDS: [&str; 26] = [
    "certification.grant",
    "certification.revoke",
    "coins.adjust",
    "contact.assign",
    "contact.unassign",
    "contacts.transfer",
    "conversation.reassign",
    "item.claim",
    "portfolio.assign",
    "portfolio.create",
    "portfolio.delete",
    "portfolio.remove",
    "portfolio.update",
    "recognition.give",
    "record.assign",
    "redemption.approve",
    "redemption.cancel",
    "redemption.deliver",
    "redemption.reject",
    "redemption.request",
    "rep.activate",
    "rep.deactivate",
    "statement.adjust",
    "statement.approve",
    "statement.pay",
    "xp.adjust",
];

pub fn is_command(kind: &str) -> bool {
    COMMANDS.binary_search(&kind).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_for_its_search() {
        assert!(COMMANDS.is_sorted());
        assert!(is_command("contact.assign") && is_command("xp.adjust"));
        assert!(!is_command("contact.created") && !is_command(""));
    }
}
