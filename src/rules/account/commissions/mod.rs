//! Commissions: a plan is a function of the period's net basis; lines are its differences.

use super::Account;
use super::commands::{Answer, Command};
use super::credit::Credited;
use super::event::AccountEvent;

/// Takes an event to the plans that it triggers, and to those that it takes back from.
pub fn on_event(_account: &mut Account<'_>, _event: &AccountEvent<'_>, _credited: &Credited) {}

/// `statement.approve|pay|adjust`
pub fn command(_account: &mut Account<'_>, _command: &Command<'_>) -> Answer {
    Ok(None)
}

/// A refund whose payment never came.
pub fn expire_refund(_account: &mut Account<'_>, _plan: &str, _refund: &str) {}

/// Publishes a statement as it stands.
pub fn publish(_account: &mut Account<'_>, _statement: &str) {}
