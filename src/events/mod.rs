//! The closed types that everything speaks: events, ids and keys, instants, periods, exact amounts.

mod amount;
mod event;
pub mod keys;
mod period;
mod record;
mod schema;
mod time;

pub use amount::Amount;
pub use event::{Data, Event};
pub use period::{Calendar, Period, Span, Window};
pub use record::{AccountRecord, CommandRecord, Original, StampedEvent};
pub use schema::schema;
pub use time::{Duration, InvalidTime, Timestamp};
