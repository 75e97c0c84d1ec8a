//! The example payloads beside the topic files: inputs decode, outputs are what their schemas say.

use std::collections::BTreeSet;

use scorekeeper::decode::{Decoded, decode};
use scorekeeper::engine::{Input, Limits};
use scorekeeper::events::{AccountRecord, Timestamp};
use scorekeeper::outputs::{self, Topic};
use scorekeeper::rulebook::RuleSet;
use serde_json::Value;

/// State, which only its own version reads, and what later versions will write.
const WITHOUT: [Topic; 4] = [Topic::ContactChangelog, Topic::AccountChangelog, Topic::ContactInbox, Topic::Tokens];

fn examples(topic: Topic) -> Vec<Value> {
    let text = std::fs::read_to_string(format!("topics/examples/{}.jsonl", topic.name())).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_topic_has_examples() {
    let with: BTreeSet<String> = std::fs::read_dir("topics/examples")
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().trim_end_matches(".jsonl").to_owned())
        .collect();
    let expected = Topic::ALL.into_iter().filter(|topic| !WITHOUT.contains(topic)).map(|topic| topic.name().to_owned());
    assert_eq!(with, expected.collect());
}

#[test]
fn inputs_decode() {
    for topic in [Topic::ProductEvents, Topic::Commands] {
        for example in examples(topic) {
            let value = example["value"].to_string();
            let headers: Vec<(&str, &[u8])> = example["headers"]
                .as_object()
                .map(|headers| headers.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap().as_bytes())).collect())
                .unwrap_or_default();
            let input = Input {
                topic,
                partition: 0,
                offset: 0,
                timestamp: example["timestamp"].as_i64().map(Timestamp),
                key: example["key"].as_str().map(str::as_bytes),
                value: Some(value.as_bytes()),
                headers: &headers,
            };
            match (topic, decode(&input, &Limits::default(), false)) {
                (Topic::ProductEvents, Ok(Decoded::Event(event))) => {
                    assert_eq!((&*event.account, event.contact.as_deref()), ("acme", Some("c42")));
                }
                (Topic::Commands, Ok(Decoded::Command(command))) => assert_eq!(command.account, "acme"),
                (_, decoded) => panic!("{example}: {decoded:?}"),
            }
        }
    }
    let rules = examples(Topic::Rules).into_iter().map(|example| ("rules.json".to_owned(), example["value"].to_string()));
    RuleSet::load(rules.collect::<Vec<_>>()).map_err(|errors| errors.to_string()).unwrap();
    for example in examples(Topic::AccountEvents) {
        let digits = example["value_base16"].as_str().unwrap();
        let bytes: Vec<u8> = (0..digits.len()).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).unwrap()).collect();
        let expected = AccountRecord::Watermark { partition: 3, time: Timestamp(7), caught_up: true };
        assert_eq!(AccountRecord::decode(&bytes), Some(expected));
    }
}

#[test]
fn outputs_are_what_their_schemas_say() {
    let schema = outputs::schema();
    for topic in Topic::ALL.into_iter().filter(|topic| topic.is_public_output() && *topic != Topic::DeadLetters) {
        for example in examples(topic) {
            if example["value"].is_null() {
                continue;
            }
            conforms(&schema, &schema["properties"][topic.name()], &example["value"], topic.name());
            let (key, value) = (example["key"].as_str().unwrap(), &example["value"]);
            assert!(key.starts_with(value["account"].as_str().unwrap()), "{key}");
        }
    }
}

/// Checks what these schemas use: references, alternatives, types, constants, required and known properties, items.
fn conforms(root: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        return conforms(root, root.pointer(reference.trim_start_matches('#')).unwrap(), value, at);
    }
    for alternatives in ["anyOf", "oneOf"] {
        if let Some(alternatives) = schema[alternatives].as_array() {
            let fits = |schema: &Value| std::panic::catch_unwind(|| conforms(root, schema, value, at)).is_ok();
            assert!(alternatives.iter().any(fits), "{at}: {value} fits none of {schema}");
        }
    }
    let is = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    match &schema["type"] {
        Value::String(kind) => assert_eq!(is, kind, "{at}"),
        Value::Array(kinds) => assert!(kinds.contains(&Value::from(is)), "{at}: {is} is none of {kinds:?}"),
        _ => {}
    }
    assert!(schema.get("const").is_none_or(|constant| constant == value), "{at}: {value}");
    if let (Some(object), Some(properties)) = (value.as_object(), schema["properties"].as_object()) {
        for required in schema["required"].as_array().into_iter().flatten() {
            assert!(object.contains_key(required.as_str().unwrap()), "{at}: {required} is missing");
        }
        for (key, value) in object {
            let known = properties.get(key).unwrap_or_else(|| panic!("{at}.{key} is not in the schema"));
            conforms(root, known, value, &format!("{at}.{key}"));
        }
    }
    for (i, item) in value.as_array().into_iter().flatten().enumerate() {
        if schema["items"].is_object() {
            conforms(root, &schema["items"], item, &format!("{at}[{i}]"));
        }
    }
}
