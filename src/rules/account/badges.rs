//! Badges: bronze to diamond, each tier once, in order.

use super::metrics::Contribution;
use super::{Account, Cause};

/// Takes a contribution to the badges that measure by its metric.
pub fn take(_account: &mut Account<'_>, _contribution: &Contribution<'_>) {}

/// Awards the tiers that the value has reached.
pub fn settle(_account: &mut Account<'_>, _badge: &str, _period: &str, _rep: &str, _cause: &Cause<'_>) {}

/// Awards a badge that a reward names with its tier, `closer/gold`, under the badge's own grant id.
pub fn award_as_reward(_account: &mut Account<'_>, _badge_and_tier: &str, _rep: &str, _cause: &Cause<'_>) {}
