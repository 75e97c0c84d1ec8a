//! A document on its way to the topic `rules`, which carries documents as JSON.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::parse::parse;
use super::source::{Problem, RuleError, RuleErrors, SourceFile, to_map};
use super::validate::check;
use crate::events::Timestamp;

/// One valid document, to be placed among the versions of an account.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    pub account: String,
    /// `None`: since ever.
    pub effective_from: Option<Timestamp>,
    fields: Map<String, Value>,
}

impl Draft {
    /// Reads and checks a file that holds one document, YAML or JSON.
    pub fn read(name: &str, text: &str) -> Result<Draft, RuleErrors> {
        let mut errors = Vec::new();
        let mut documents = parse(name, text, &mut errors);
        documents.iter().for_each(|parsed| check(parsed, &mut errors));
        errors.sort_by_key(|error| (error.line, error.column));
        if !errors.is_empty() {
            return Err(RuleErrors(errors));
        }
        let parsed = documents.pop();
        match parsed.filter(|_| documents.is_empty()) {
            Some(parsed) => Ok(Draft {
                fields: to_map(parsed.root.entries()),
                account: parsed.document.account,
                effective_from: parsed.document.effective_from,
            }),
            None => {
                let file = Arc::new(SourceFile::new(name, text.to_owned()));
                let message = format!("a version is one document, and here are {}", documents.len() + 1);
                let message = if documents.is_empty() { "no rules are written here".to_owned() } else { message };
                Err(RuleErrors(vec![RuleError::new(Problem::new(message, 0..0), &file)]))
            }
        }
    }

    /// The same rules for an account, from an instant on.
    pub fn placed(mut self, account: &str, effective_from: Option<Timestamp>) -> Draft {
        account.clone_into(&mut self.account);
        self.effective_from = effective_from;
        self.fields.insert("account".to_owned(), account.into());
        match effective_from {
            Some(time) => drop(self.fields.insert("effective_from".to_owned(), time.to_string().into())),
            None => drop(self.fields.remove("effective_from")),
        }
        self
    }

    /// One line of JSON.
    pub fn json(&self) -> String {
        Value::Object(self.fields.clone()).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::super::packs::PACKS;
    use super::super::{RuleSet, Rulebook};
    use super::*;

    /// A document, key by key.
    fn model(text: &str) -> Value {
        let rules = RuleSet::load([("x", text)]).unwrap();
        let books: Vec<&Rulebook> = rules.accounts().flat_map(|(_, rules)| rules.versions()).map(|book| &**book).collect();
        serde_json::to_value(&**books[0]).unwrap()
    }

    #[test]
    fn json_means_what_the_yaml_meant() {
        let odd = "account: a\nreps: [{id: 007, name: ~}, {id: 12, name: \"12\"}, {id: yes}]\nmodules: {sales: True}\ncoins: {per_xp: 0.10}\n\
                   catalog: [{key: x, points: -5, match: {when: 'data.a == \"\u{1f600}\\n\"'}}]\n";
        for text in PACKS.iter().map(|pack| pack.rules).chain([odd]) {
            let draft = Draft::read("x", text).unwrap();
            let json = draft.json();
            assert_eq!(model(&json), model(text));
            assert_eq!(Draft::read("x", &json).unwrap(), draft, "and stays so");
        }
    }

    #[test]
    fn it_is_placed_among_the_versions_of_an_account() {
        let draft = Draft::read("x", "account: '*'\neffective_from: 2026-01-01T00:00:00Z").unwrap();
        let placed = draft.placed("b", Timestamp::parse("2026-02-01T03:00:00+03:00").ok());
        assert_eq!(placed.json(), r#"{"account":"b","effective_from":"2026-02-01T00:00:00.000Z"}"#);
        assert_eq!(placed.placed("b", None).json(), r#"{"account":"b"}"#);
    }

    #[test]
    fn other_than_one_valid_document_is_refused() {
        for (text, message) in [
            ("# nothing", "no rules are written here"),
            ("account: a\n---\naccount: b", "a version is one document, and here are 2"),
            ("account: a\npoints: 5", "unknown key `points`"),
            ("catalog: []", "`account` is missing"),
            ("account: a\nownership: {conversations: {strategy: default, reps: [r1]}}", "r1"),
        ] {
            let errors = Draft::read("x", text).unwrap_err();
            assert!(errors.iter().any(|error| error.message.contains(message)), "{text}: {errors}");
        }
    }
}
