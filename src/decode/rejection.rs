//! Why a record, or a part of what it asks for, was refused.

use std::fmt;

/// The reasons, a closed set: the class names in the headers of `dead-letters`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    MalformedJson,
    NotAnEvent,
    MissingAttribute,
    InvalidTime,
    /// Its time lies too far after its log timestamp.
    FromFuture,
    InvalidAmount,
    CurrencyMismatch,
    TooLarge,
    /// The same source and id as an event before, with other content.
    ConflictingDuplicate,
    /// A refund of a payment that never came.
    UnknownPayment,
    /// A rule panicked on it.
    RuleFailure,
}

impl Reason {
    pub const ALL: [Reason; 11] = [
        Reason::MalformedJson,
        Reason::NotAnEvent,
        Reason::MissingAttribute,
        Reason::InvalidTime,
        Reason::FromFuture,
        Reason::InvalidAmount,
        Reason::CurrencyMismatch,
        Reason::TooLarge,
        Reason::ConflictingDuplicate,
        Reason::UnknownPayment,
        Reason::RuleFailure,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Reason::MalformedJson => "malformed_json",
            Reason::NotAnEvent => "not_an_event",
            Reason::MissingAttribute => "missing_attribute",
            Reason::InvalidTime => "invalid_time",
            Reason::FromFuture => "from_future",
            Reason::InvalidAmount => "invalid_amount",
            Reason::CurrencyMismatch => "currency_mismatch",
            Reason::TooLarge => "too_large",
            Reason::ConflictingDuplicate => "conflicting_duplicate",
            Reason::UnknownPayment => "unknown_payment",
            Reason::RuleFailure => "rule_failure",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A refusal: a reason, and a message for whoever looks into it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {message}")]
pub struct Rejection {
    pub reason: Reason,
    pub message: String,
}

impl Rejection {
    pub fn new(reason: Reason, message: impl Into<String>) -> Rejection {
        Rejection { reason, message: message.into() }
    }
}
