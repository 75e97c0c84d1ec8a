//! Certifications: granted and revoked by command, gone at their expiry.

use super::Account;
use super::commands::{Answer, Command};

/// `certification.grant {rep, certification}`
pub fn grant(_account: &mut Account<'_>, _command: &Command<'_>) -> Answer {
    Ok(None)
}

/// `certification.revoke {rep, certification}`
pub fn revoke(_account: &mut Account<'_>, _command: &Command<'_>) -> Answer {
    Ok(None)
}

/// A certification is no longer valid.
pub fn expire(_account: &mut Account<'_>, _rep: &str, _certification: &str) {}
