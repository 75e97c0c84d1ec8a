//! The topics by name.

/// Every topic that Scorekeeper reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    // inputs
    ProductEvents,
    Commands,
    Rules,
    Tokens,
    // between the stages
    ContactInbox,
    AccountEvents,
    ContactChangelog,
    AccountChangelog,
    // outputs
    LeadScores,
    Timeline,
    Segments,
    RepProgress,
    Xp,
    Leaderboards,
    Contests,
    Goals,
    Grants,
    Coins,
    Redemptions,
    CommissionLines,
    Statements,
    Ownership,
    OwnershipHistory,
    Assignments,
    Relationships,
    Announcements,
    CommandResults,
    DeadLetters,
}

impl Topic {
    pub const ALL: [Topic; 28] = [
        Topic::ProductEvents,
        Topic::Commands,
        Topic::Rules,
        Topic::Tokens,
        Topic::ContactInbox,
        Topic::AccountEvents,
        Topic::ContactChangelog,
        Topic::AccountChangelog,
        Topic::LeadScores,
        Topic::Timeline,
        Topic::Segments,
        Topic::RepProgress,
        Topic::Xp,
        Topic::Leaderboards,
        Topic::Contests,
        Topic::Goals,
        Topic::Grants,
        Topic::Coins,
        Topic::Redemptions,
        Topic::CommissionLines,
        Topic::Statements,
        Topic::Ownership,
        Topic::OwnershipHistory,
        Topic::Assignments,
        Topic::Relationships,
        Topic::Announcements,
        Topic::CommandResults,
        Topic::DeadLetters,
    ];

    /// The topic's name, without the prefix that a deployment may give it.
    pub const fn name(self) -> &'static str {
        match self {
            Topic::ProductEvents => "product-events",
            Topic::Commands => "commands",
            Topic::Rules => "rules",
            Topic::Tokens => "tokens",
            Topic::ContactInbox => "contact-inbox",
            Topic::AccountEvents => "account-events",
            Topic::ContactChangelog => "contact-changelog",
            Topic::AccountChangelog => "account-changelog",
            Topic::LeadScores => "lead-scores",
            Topic::Timeline => "timeline",
            Topic::Segments => "segments",
            Topic::RepProgress => "rep-progress",
            Topic::Xp => "xp",
            Topic::Leaderboards => "leaderboards",
            Topic::Contests => "contests",
            Topic::Goals => "goals",
            Topic::Grants => "grants",
            Topic::Coins => "coins",
            Topic::Redemptions => "redemptions",
            Topic::CommissionLines => "commission-lines",
            Topic::Statements => "statements",
            Topic::Ownership => "ownership",
            Topic::OwnershipHistory => "ownership-history",
            Topic::Assignments => "assignments",
            Topic::Relationships => "relationships",
            Topic::Announcements => "announcements",
            Topic::CommandResults => "command-results",
            Topic::DeadLetters => "dead-letters",
        }
    }

    /// Only the last value of a key matters, so within a commit only that one is written. (The keys of the other compacted
    /// topics either never repeat within a commit, as grants and the ownership history, or are rare, as timeline entries that
    /// a merge moves; lead scores are written by the seal of a batch alone, once each.)
    pub const fn is_coalesced(self) -> bool {
        matches!(
            self,
            Topic::RepProgress
                | Topic::Leaderboards
                | Topic::Contests
                | Topic::Goals
                | Topic::Redemptions
                | Topic::Statements
                | Topic::Ownership
                | Topic::Assignments
                | Topic::Relationships
        )
    }

    /// What `score` writes: everything a user of the service would read.
    pub const fn is_public_output(self) -> bool {
        self as u8 >= Topic::LeadScores as u8
    }
}
