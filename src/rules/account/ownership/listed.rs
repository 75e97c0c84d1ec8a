//! The contacts that a command lists.

use std::collections::HashSet;

use serde_json::json;

use super::super::Account;
use super::super::commands::{Command, Rejected};
use super::endings;

/// How many contacts one command can list. They are worked off with the command, in one batch, so that its answer can name
/// each of them; a transfer of all of a rep's contacts has no limit, and is worked off in slices.
pub const MOST: usize = 10_000;

/// The contacts of the command's `contacts`, each once; those merged into others are these others.
pub fn contacts(account: &mut Account<'_>, command: &Command<'_>) -> Result<Vec<String>, Rejected> {
    let listed = command.texts("contacts")?;
    if listed.len() > MOST {
        let detail = json!({ "listed": listed.len(), "most": MOST });
        return Err(Rejected { detail: Some(detail), ..Rejected::because("invalid_contacts") });
    }
    let mut seen = HashSet::new();
    let mut contacts: Vec<String> = listed.into_iter().map(|contact| endings::resolve(account, contact)).collect();
    contacts.retain(|contact| seen.insert(contact.clone()));
    Ok(contacts)
}
