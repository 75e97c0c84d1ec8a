//! Commissions: a plan is a function of the period's net basis; lines are its differences.
//!
//! - [`curve`]: the function itself, and [`explain`] what it says in words;
//! - [`plans`]: the plans of versions past and present;
//! - [`payments`]: events that pay, with [`spifs`] beside; [`clawback`]: events that take back, until [`expiry`];
//! - [`statements`]: where lines are posted, and [`commands`] that approve, pay and adjust.
//! - [`simulate`]: what a plan would pay for a list of sales.

mod clawback;
mod commands;
pub mod curve;

mod expiry;
mod explain;
mod payments;
mod plans;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod random_plans;
pub mod simulate;
mod spifs;
mod statements;
#[cfg(test)]
mod tests;

use super::Account;
use super::credit::Credited;
use super::event::AccountEvent;

pub use clawback::expire_refund;
pub use commands::command;
pub use expiry::forget_payments;
pub use statements::publish;

/// Takes an event to the plans that it triggers, and to those that it takes back from.
pub fn on_event(account: &mut Account<'_>, event: &AccountEvent<'_>, credited: &mut Credited<'_>) {
    payments::take(account, event, credited);
    clawback::take(account, event);
}
