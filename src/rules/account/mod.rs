//! The rules of the account stage, one file each. Everything here works on one [`Account`]: the view of its state, its rules
//! and the time, through which a rule reads and writes rows and emits outputs.
//!
//! The way of a product event ([`apply_event`]): ownership first (who is assigned what), then the catalog's dual credit, the
//! metrics with all that reads them (boards, contests, badges, goals, leagues), commissions, and at the end the settlement of
//! the rewards that followed.

pub mod announcements;
pub mod badges;
pub mod boards;
#[cfg(test)]
mod cases;
pub mod certifications;
pub mod clock;
pub mod coins;
pub mod commands;
pub mod commissions;
pub mod contests;
pub mod credit;
mod event;
pub mod goals;
pub mod identity;
pub mod leagues;
pub mod levels;
pub mod metrics;
pub mod orders;
pub mod ownership;
mod periods;
#[cfg(test)]
mod properties;
pub mod publish;
pub mod ranking;
pub mod recognition;
pub mod redemptions;
pub mod reports;
pub mod rewards;
pub mod roster;
mod running;
pub mod tally;
#[cfg(test)]
pub mod testing;
pub mod timers;
mod view;
pub mod xp;

pub use event::apply_event;
pub use periods::Periods;
pub use publish::{Dirty, Touched};
pub use view::{Account, AccountRow, Cause};
