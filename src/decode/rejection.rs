//! Why an input was rejected.

/// The reasons, by the class names that dead letters carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    MalformedJson,
    NotAnEvent,
    MissingAttribute,
    InvalidTime,
    FromFuture,
    InvalidAmount,
    CurrencyMismatch,
    TooLarge,
    ConflictingDuplicate,
    UnknownPayment,
    RuleFailure,
}

impl Reason {
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
