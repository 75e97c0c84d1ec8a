//! Bytes and headers → an event, a command, or a rejection. Total: it never panics, whatever the bytes.

mod rejection;

pub use rejection::Reason;
