//! Redemptions of prizes: a queue with its state machine.

use super::commands::{Answer, Command};
use super::{Account, Cause};

/// `redemption.request|approve|deliver|reject|cancel`
pub fn command(_account: &mut Account<'_>, _command: &Command<'_>) -> Answer {
    Ok(None)
}

/// A prize that a reward names: an approved redemption of cost 0, with the grant's id.
pub fn redeem_reward(_account: &mut Account<'_>, _prize: &str, _rep: &str, _grant: &str, _cause: &Cause<'_>) {}
