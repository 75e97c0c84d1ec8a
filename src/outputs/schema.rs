//! JSON Schemas of the output values.

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};

use super::{
    Announcement, Assignment, CoinsEntry, CommandResult, CommissionLine, Contest, GoalProgress, Grant, LeadScore, Leaderboard,
    Ownership, OwnershipChange, Redemption, Relationship, RepProgress, SegmentChange, Statement, TimelineEntry, Topic, XpEntry,
};

/// One schema with a property for each output topic: the schema of its values. Dead letters are whatever came.
pub fn schema() -> Value {
    let mut generator = SchemaGenerator::default();
    let mut topics = serde_json::Map::new();
    macro_rules! topic {
        ($($topic:ident: $value:ident),* $(,)?) => {
            $(topics.insert(Topic::$topic.name().to_owned(), json!(<$value<'_> as JsonSchema>::json_schema(&mut generator)));)*
        };
    }
    topic! {
        LeadScores: LeadScore, Timeline: TimelineEntry, Segments: SegmentChange, RepProgress: RepProgress, Xp: XpEntry,
        Leaderboards: Leaderboard, Contests: Contest, Goals: GoalProgress, Grants: Grant, Coins: CoinsEntry,
        Redemptions: Redemption, CommissionLines: CommissionLine, Statements: Statement, Ownership: Ownership,
        OwnershipHistory: OwnershipChange, Assignments: Assignment, Relationships: Relationship,
        Announcements: Announcement, CommandResults: CommandResult,
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Values of the output topics",
        "type": "object",
        "properties": topics,
        "$defs": generator.definitions(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_output_topic_has_a_schema_with_its_fields() {
        let schema = schema();
        let topics = schema["properties"].as_object().unwrap();
        for topic in Topic::ALL.into_iter().filter(|topic| topic.is_public_output() && *topic != Topic::DeadLetters) {
            let fields = topics[topic.name()]["properties"].as_object().unwrap();
            assert!(fields.contains_key("account"), "{}", topic.name());
        }
        assert!(topics["coins"]["properties"]["ref"].is_object(), "fields have their JSON names");
    }
}
