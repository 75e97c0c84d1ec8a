//! What a catalog entry's dedup policy makes of an event: the outcome, and the marks that later events are held against.

use super::row::{Mark, name_hash};
use crate::decode::digest;
use crate::events::{Data, Duration, Timestamp};
use crate::outputs::Outcome;
use crate::rulebook::values::{Dedup, Policy};

/// The hash of the value that a policy with `per` tells apart. No value is a value of its own.
pub fn per_value(dedup: &Dedup, data: &Data<'_>) -> Option<u64> {
    let path = dedup.per.as_ref()?;
    Some(data.get(path.below_data()).map_or(1, |value| match value.as_str() {
        Some(text) => name_hash(text),
        None => digest::mix(2, name_hash(&value.to_string())),
    }))
}

/// The id of the marks of a catalog entry (the hash of its key) and a `per` value.
pub fn mark_id(key: u64, per: Option<u64>) -> u64 {
    per.map_or(key, |per| digest::mix(key, per))
}

/// Judges an event at `time` against the marks of its contact, and adds its mark if it is the one that counts. `first` is the
/// outcome of such a one, counted or recorded.
pub fn judge(policy: Policy, id: u64, time: Timestamp, lateness: Duration, first: Outcome, marks: &mut Vec<Mark>) -> Outcome {
    let same = |mark: &&Mark| mark.id == id;
    match policy {
        Policy::Always => first,
        Policy::Once => {
            if marks.iter().any(|mark| mark.id == id) {
                return Outcome::Repeated;
            }
            marks.push(Mark { id, time });
            first
        }
        Policy::Cooldown { every } => {
            let kept = Duration(lateness.0.saturating_add(every.0));
            let newest = marks.iter().filter(same).map(|mark| mark.time).max();
            if newest.is_some_and(|newest| time < newest.minus(kept)) {
                return Outcome::Late;
            }
            if marks.iter().filter(same).any(|mark| mark.time.0.abs_diff(time.0) < every.0.unsigned_abs()) {
                return Outcome::Cooling;
            }
            // an event that is not late can still be too near to a counted one up to `every` before it
            let oldest = newest.map_or(time, |newest| newest.max(time)).minus(kept).minus(every);
            marks.retain(|mark| mark.id != id || mark.time >= oldest);
            marks.push(Mark { id, time });
            first
        }
    }
}
