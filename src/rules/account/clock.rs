//! Account time: what the slowest input has reached, never the fastest.

use serde::{Deserialize, Serialize};

use crate::events::Timestamp;
use crate::state::{Row, State, Table};

/// The watermarks of the product-events partitions, as far as they were told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Watermarks {
    /// By partition; `None` for one that has not been heard of.
    times: Vec<Option<Timestamp>>,
    /// Account time so far. It never goes back, whatever a restarted input says.
    time: Option<Timestamp>,
}

impl Row for Watermarks {
    const TABLE: Table = Table::Watermark;
}

/// There is one row: watermarks are not an account's, but the partition's.
const KEY: &str = "";

/// Notes how far a partition has come, of `partitions` in all. Gives the account time if that moved it on.
pub fn advance(state: &mut State<'_>, partitions: u32, partition: u32, time: Timestamp) -> Option<Timestamp> {
    let row = state.entry::<Watermarks>(KEY, Watermarks::default);
    row.times.resize(partitions.max(partition + 1) as usize, None);
    let known = &mut row.times[partition as usize];
    *known = Some(known.map_or(time, |before| before.max(time)));
    // until every partition has been heard of, nobody knows the slowest
    let slowest = row.times.iter().copied().min().flatten()?;
    if row.time.is_some_and(|before| slowest <= before) {
        return None;
    }
    row.time = Some(slowest);
    Some(slowest)
}

/// Account time; before every event while a partition has not been heard of.
pub fn now(state: &mut State<'_>) -> Timestamp {
    state.get::<Watermarks>(KEY).and_then(|row| row.time).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{MemStore, Overlay};

    #[test]
    fn account_time_is_what_the_slowest_partition_has_reached() {
        let (store, mut overlay) = (MemStore::default(), Overlay::default());
        let mut state = State::new(&store, &mut overlay);
        let steps = [(0, 50, None), (1, 30, Some(30)), (1, 70, Some(50)), (0, 40, None), (0, 60, Some(60)), (1, 10, None)];
        for (partition, time, expected) in steps {
            assert_eq!(advance(&mut state, 2, partition, Timestamp(time)), expected.map(Timestamp), "{partition} at {time}");
        }
        assert_eq!(now(&mut state), Timestamp(60));
    }
}
