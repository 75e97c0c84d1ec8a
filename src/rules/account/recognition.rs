//! Recognition between people, with coins or without.

use super::Account;
use super::commands::{Answer, Command};

/// `recognition.give {from, to, message, coins?}`
pub fn give(_account: &mut Account<'_>, _command: &Command<'_>) -> Answer {
    Ok(None)
}
