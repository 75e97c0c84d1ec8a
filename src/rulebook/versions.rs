//! Versions: which rules hold for an account at an instant.

use std::collections::{BTreeMap, HashMap};
use std::ops::Deref;
use std::sync::Arc;

use foldhash::fast::FixedState;

use super::model::{CatalogEntry, Document, Rep};
use super::parse::parse;
use super::source::RuleErrors;
use super::validate::{check, check_versions};
use crate::events::{Calendar, Span, Timestamp};

/// One version of an account's rules, with what is looked up in it often.
#[derive(Debug)]
pub struct Rulebook {
    /// From 1.
    pub version: u32,
    /// In force from here on; the first version of an account may hold since ever.
    pub effective_from: Timestamp,
    pub calendar: Calendar,
    document: Document,
    catalog_by_type: HashMap<String, Vec<u16>, FixedState>,
    reps_by_id: HashMap<String, usize, FixedState>,
}

impl Deref for Rulebook {
    type Target = Document;
    fn deref(&self) -> &Document {
        &self.document
    }
}

impl Rulebook {
    /// Goal tiers and levels may be written in any order; here they are ascending.
    pub fn new(mut document: Document, version: u32) -> Rulebook {
        document.levels.sort_by_key(|level| level.level);
        document.goals.iter_mut().for_each(|goal| goal.tiers.sort_by_key(|tier| tier.at));
        let mut catalog_by_type: HashMap<String, Vec<u16>, FixedState> = HashMap::default();
        for (i, entry) in document.catalog.iter().enumerate().filter(|(_, entry)| entry.active) {
            catalog_by_type.entry(entry.event_type().to_owned()).or_default().push(i as u16);
        }
        Rulebook {
            version,
            effective_from: document.effective_from.unwrap_or(Timestamp::MIN),
            calendar: Calendar { zone: document.timezone.0, week_starts: document.week_starts.into() },
            catalog_by_type,
            reps_by_id: document.reps.iter().enumerate().map(|(i, rep)| (rep.id.clone(), i)).collect(),
            document,
        }
    }

    /// Positions in the catalog of the active entries for an event type, in catalog order.
    pub fn catalog_for(&self, event_type: &str) -> &[u16] {
        self.catalog_by_type.get(event_type).map_or(&[], Vec::as_slice)
    }

    pub fn rep(&self, id: &str) -> Option<&Rep> {
        self.reps_by_id.get(id).map(|&i| &self.document.reps[i])
    }
}

impl CatalogEntry {
    /// The event type it matches.
    pub fn event_type(&self) -> &str {
        self.matches.as_ref().and_then(|m| m.kind.as_deref()).unwrap_or(&self.key)
    }
}

/// All versions of one account's rules, the earliest first.
#[derive(Clone, Debug, Default)]
pub struct AccountRules {
    versions: Vec<Arc<Rulebook>>,
}

impl AccountRules {
    /// From versions in order of `effective_from`, numbered from 1.
    pub fn new(versions: Vec<Arc<Rulebook>>) -> AccountRules {
        AccountRules { versions }
    }

    /// The version in force at an instant; `None` before the first.
    pub fn at(&self, time: Timestamp) -> Option<&Arc<Rulebook>> {
        self.versions.iter().rev().find(|rulebook| rulebook.effective_from <= time)
    }

    /// A version by its number, from 1.
    pub fn version(&self, number: u32) -> Option<&Arc<Rulebook>> {
        self.versions.get((number as usize).checked_sub(1)?)
    }

    pub fn versions(&self) -> &[Arc<Rulebook>] {
        &self.versions
    }

    /// The first version that has something for a period, among those that were in force for some of it and up to a number:
    /// a goal, contest, league or plan keeps that version for the whole period.
    pub fn first_for(&self, span: Span, up_to: u32, has: impl Fn(&Rulebook) -> bool) -> Option<&Arc<Rulebook>> {
        let known = &self.versions[..(up_to as usize).min(self.versions.len())];
        known.iter().find(|book| self.is_in_force_in(book.version, span) && has(book))
    }

    /// Whether a version was in force for some of a period.
    pub fn is_in_force_in(&self, version: u32, span: Span) -> bool {
        let Some(book) = self.version(version) else { return false };
        let ended = self.version(version + 1).map(|next| next.effective_from);
        span.end.is_none_or(|end| book.effective_from < end)
            && ended.is_none_or(|ended| span.start.is_none_or(|start| ended > start) && ended > book.effective_from)
    }

    pub fn latest(&self) -> Option<&Arc<Rulebook>> {
        self.versions.last()
    }
}

/// The rules of all accounts.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    accounts: BTreeMap<String, Arc<AccountRules>>,
    /// Grows with every change.
    revision: u64,
}

impl RuleSet {
    /// Reads, checks and orders rule files, each with its name and its text. All errors of all files are given together.
    pub fn load<N: AsRef<str>, T: AsRef<str>>(sources: impl IntoIterator<Item = (N, T)>) -> Result<RuleSet, RuleErrors> {
        let mut errors = Vec::new();
        let mut documents = Vec::new();
        for (name, text) in sources {
            let first = errors.len();
            let parsed = parse(name.as_ref(), text.as_ref(), &mut errors);
            parsed.iter().for_each(|parsed| check(parsed, &mut errors));
            errors[first..].sort_by_key(|error| (error.line, error.column));
            documents.extend(parsed);
        }
        check_versions(&documents, &mut errors);
        if errors.is_empty() {
            Ok(RuleSet::new(documents.into_iter().map(|parsed| parsed.document).collect()))
        } else {
            Err(RuleErrors(errors))
        }
    }

    /// Groups documents by account, orders each account's by `effective_from`, and numbers them.
    pub fn new(documents: Vec<Document>) -> RuleSet {
        let revision = documents.len() as u64;
        let mut by_account: BTreeMap<String, Vec<Document>> = BTreeMap::new();
        for document in documents {
            by_account.entry(document.account.clone()).or_default().push(document);
        }
        let accounts = by_account.into_iter().map(|(account, mut documents)| {
            documents.sort_by_key(|document| document.effective_from.unwrap_or(Timestamp::MIN));
            let numbered = documents.into_iter().zip(1..).map(|(document, number)| Arc::new(Rulebook::new(document, number)));
            (account, Arc::new(AccountRules::new(numbered.collect())))
        });
        RuleSet { accounts: accounts.collect(), revision }
    }

    /// Takes over the accounts of other rules in place of those of the same name.
    pub fn replace(&mut self, with: RuleSet) {
        self.accounts.extend(with.accounts);
        self.revision += 1;
    }

    /// Forgets an account's own rules.
    pub fn remove(&mut self, account: &str) {
        self.accounts.remove(account);
        self.revision += 1;
    }

    /// Whether these are the rules they were is told by their revision: it grows whenever rules join them or leave.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The rules of an account, or those of `*`.
    pub fn account(&self, account: &str) -> Option<&Arc<AccountRules>> {
        self.accounts.get(account).or_else(|| self.accounts.get("*"))
    }

    /// Accounts with rules of their own; `*` among them where it is given.
    pub fn accounts(&self) -> impl Iterator<Item = (&str, &Arc<AccountRules>)> {
        self.accounts.iter().map(|(account, rules)| (account.as_str(), rules))
    }
}
