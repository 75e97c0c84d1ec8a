//! The rules of the account stage.
