//! The tables, and what a row of one is.

use std::any::Any;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The tables of both stages. The number is the first byte of a row's key in the store and the changelog: never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Table {
    // the contact stage, in the partition of the contact
    /// `account/contact` → score, dedup, identities: all that an event of the contact reads.
    Contact = 1,
    /// `account/contact/number` → a full chunk of the contact's timeline.
    TimelineChunk = 2,
    /// `time/account/contact` → nothing: when to look at a contact again (retention, inactivity).
    ContactTimer = 3,
    /// Progress of the partition: greatest event time.
    ContactClock = 4,
    /// `account/contact/…` → identities of events, of a contact that has seen many.
    Identities = 5,

    // the account stage, in the partition of the account
    /// The watermarks of the partitions.
    Watermark = 32,
    /// `account` → versions known, roster changes made by commands.
    Account = 33,
    /// `due time/account/kind/…` → what is to be done when account time gets there.
    Timer = 34,
    /// `account/command id` → the answer given.
    Command = 35,
    /// `account/source/id` → identity of an event without contact.
    AccountIdentity = 36,
    /// `account/rep` → XP, coins, level, league, badges, certifications. And, of a rep or team, the values in all rankings and
    /// badges that are open, and when they were reached.
    Rep = 37,
    /// `account` → the open rankings, with what is kept of them beside their tallies.
    Board = 40,
    Contest = 41,
    /// `grant id` → what was granted.
    Grant = 44,
    Redemption = 45,
    Stock = 46,
    Goal = 47,
    /// `account/plan/period/rep` → a commission statement.
    Statement = 48,
    /// `account/field/payment` → a payment that commissions may have to take back, and refunds that wait for it.
    Payment = 49,
    Spif = 51,
    /// `account/contact` → owner, portfolio and their history.
    Owner = 52,
    /// `account/rep/contact` → nothing: the contacts of a rep.
    Owned = 53,
    Portfolio = 54,
    Presence = 55,
    Rotation = 56,
    /// `account/kind/item` → a conversation or comment and who has it.
    Item = 57,
    /// `account/time/kind/item` → nothing: items without a rep, oldest first.
    Unassigned = 58,
    Load = 59,
    Relationship = 60,
    Conflict = 61,
    /// `account` → full boards that are still to be published.
    Dirty = 62,
    Deal = 63,
    PortfolioIndex = 66,
    Transfer = 67,
    /// `account/ranking/number` → subjects in their order at the start of the local day.
    BoardStart = 68,
    /// `account/contact` → its open conversations and comments, and who last answered it.
    Desk = 80,
    /// `account/contact/kind/item` → nothing: every conversation and comment a contact ever had.
    ContactItem = 81,
    /// `account/contact` → the contact that it was merged into.
    Redirect = 82,
    /// `account/day` → payments that can be forgotten then.
    PaymentExpiry = 83,
}

impl Table {
    /// Whether rows are read in the order of their keys. The others are only ever read one by one.
    pub fn is_ordered(self) -> bool {
        !matches!(
            self,
            Table::Contact
                | Table::TimelineChunk
                | Table::Identities
                | Table::Goal
                | Table::Grant
                | Table::Statement
                | Table::Payment
                | Table::PaymentExpiry
                | Table::Spif
                | Table::Board
                | Table::BoardStart
        )
    }
}

/// A type of row. The key is a text made with [`crate::events::keys`], unique within the table.
pub trait Row: Serialize + DeserializeOwned + Clone + 'static {
    const TABLE: Table;
}

/// A row whose type is only known to its table.
pub(super) trait AnyRow: Any {
    /// Appends the row's bytes.
    fn encode(&self, into: &mut Vec<u8>);
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

impl<R: Row> AnyRow for R {
    fn encode(&self, into: &mut Vec<u8>) {
        // postcard only fails where a type cannot be serialized at all, which the first test of a row shows
        *into = postcard::to_extend(self, std::mem::take(into)).unwrap_or_default();
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
