//! Outputs of ownership and assignment.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::events::{Amount, Timestamp};

/// Who answers for a contact.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Ownership<'a> {
    pub account: &'a str,
    pub contact: &'a str,
    pub owner: Option<&'a str>,
    pub portfolio: Option<&'a str>,
    pub since: Timestamp,
    /// From 1, without gaps.
    pub version: u64,
    pub by: Option<&'a str>,
    pub reason: &'a str,
}

/// A change of owner or portfolio.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OwnershipChange<'a> {
    pub account: &'a str,
    pub contact: &'a str,
    pub version: u64,
    pub from: Option<&'a str>,
    pub to: Option<&'a str>,
    pub portfolio: Option<&'a str>,
    pub by: Option<&'a str>,
    pub reason: &'a str,
    pub at: Timestamp,
}

/// Who has a conversation, a comment or a new contact.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Assignment<'a> {
    pub account: &'a str,
    /// `conversation`, `comment` or `contact`.
    pub kind: &'a str,
    pub item: &'a str,
    pub contact: Option<&'a str>,
    pub rep: Option<&'a str>,
    pub strategy: Option<&'a str>,
    /// The backup took it.
    pub backup: bool,
    pub reason: &'a str,
    pub at: Timestamp,
}

/// What there is between a contact and us.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Relationship<'a> {
    pub account: &'a str,
    pub contact: &'a str,
    pub deals: &'a BTreeMap<String, RelationshipItem>,
    pub follow_ups: &'a BTreeMap<String, RelationshipItem>,
    pub proposals: &'a BTreeMap<String, RelationshipItem>,
    /// The open ones, and who has each.
    pub conversations: &'a BTreeMap<String, OpenItem>,
    /// As above.
    pub comments: &'a BTreeMap<String, OpenItem>,
}

/// A conversation or comment that is open.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct OpenItem {
    pub rep: Option<String>,
    pub channel: Option<String>,
    pub opened_at: Timestamp,
}

/// A deal, a follow-up or a proposal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema, serde::Deserialize)]
pub struct RelationshipItem {
    /// The last part of the latest event's type: `won`, `scheduled`, `viewed`.
    pub state: String,
    pub owner: Option<String>,
    pub amount: Option<Amount>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// When a follow-up is due.
    pub due_at: Option<Timestamp>,
    pub overdue: bool,
}
