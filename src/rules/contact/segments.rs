//! Segments: a contact comes into one, or leaves it, when what its condition says of the score changes.

use super::compiled::Version;
use super::row::ContactRow;
use crate::events::Timestamp;
use crate::outputs::{Outbox, Output, Route, SegmentChange};

/// Where and when a change happened.
#[derive(Clone, Copy)]
pub struct At<'a> {
    pub account: &'a str,
    pub contact: &'a str,
    /// The account's time of the change.
    pub time: Timestamp,
    pub logged: Timestamp,
}

/// Judges all segments of a version against the contact's score, and publishes each crossing. A segment that the version no
/// longer has is left.
pub fn update(row: &mut ContactRow, version: &Version, at: At<'_>, out: &mut Outbox) {
    let declared = &version.rules.segments;
    if declared.is_empty() && row.segments.is_empty() {
        return;
    }
    let gone: Vec<String> =
        row.segments.iter().filter(|key| declared.iter().all(|segment| segment.key != **key)).cloned().collect();
    for key in gone {
        change(row, &key, false, at, out);
    }
    for segment in declared {
        let groups = version.groups.iter().map(|group| (group.key.as_str(), row.points_of(group.hash)));
        let inside = segment.when.holds_for_score(row.score, groups, row.events);
        if inside != row.segments.contains(&segment.key) {
            change(row, &segment.key, inside, at, out);
        }
    }
}

/// Leaves every segment, as a contact does that is erased or merged away.
pub fn leave_all(row: &mut ContactRow, at: At<'_>, out: &mut Outbox) {
    for key in row.segments.clone() {
        change(row, &key, false, at, out);
    }
}

fn change(row: &mut ContactRow, key: &str, enters: bool, at: At<'_>, out: &mut Outbox) {
    if enters {
        row.segments.push(key.to_owned());
    } else {
        row.segments.retain(|segment| segment != key);
    }
    let change = SegmentChange {
        account: at.account,
        segment: key,
        contact: at.contact,
        change: if enters { "entered" } else { "left" },
        score: row.score,
        at: at.time,
    };
    out.push_to(Route::Key, &Output::SegmentChange(change), at.logged);
}
