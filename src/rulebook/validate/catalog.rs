//! Groups, catalog, segments, timeline.

use super::Checker;
use super::place::Place;

/// Entries are named by their position, in 16 bits.
const MAX_CATALOG: usize = 65_535;

impl<'a> Checker<'a> {
    pub(super) fn check_catalog(&mut self, root: Place<'a>) {
        let document = self.document;
        self.check_unique(root.key("groups"), "key");
        self.check_unique(root.key("catalog"), "key");
        self.check_unique(root.key("segments"), "key");
        self.require(
            document.catalog.len() <= MAX_CATALOG,
            root.name("catalog"),
            format!("a catalog has at most {MAX_CATALOG} entries"),
        );
        for (entry, place) in document.catalog.iter().zip(root.key("catalog").read()) {
            if let Some(group) = &entry.group {
                self.check_reference(group, "group", place.key("group"));
            }
            let when = entry.matches.as_ref().and_then(|matches| matches.when.as_ref());
            self.check_condition(when, place.key("match").key("when"));
        }
        for (segment, place) in document.segments.iter().zip(root.key("segments").read()) {
            self.check_score_condition(&segment.when, place.key("when"));
        }
        let kept = document.timeline.retention.is_none_or(|retention| retention.0 > 0);
        self.require(kept, root.key("timeline").key("retention"), "the timeline is kept for some time: leave it out to keep all");
    }
}
