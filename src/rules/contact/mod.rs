//! The rules of the contact stage.
