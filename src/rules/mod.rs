//! The rules, one file each: `contact` (by contact: dedup, scores, timeline, segments) and `account` (by account: XP, boards,
//! goals, coins, commissions, ownership). Pure: what they know comes in as arguments.

pub mod account;
pub mod contact;
