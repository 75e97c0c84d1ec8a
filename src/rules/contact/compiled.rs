//! An account's rules laid out for the contact stage, so that an event type costs one lookup.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;

use super::forward::Interest;
use super::money::Taker;
use super::row::{group_hash, name_hash};
use crate::events::{Duration, Timestamp};
use crate::rulebook::{AccountRules, CatalogEntry, Rulebook, TransferWhen};

/// All versions of an account's rules.
pub struct ContactRules {
    versions: Vec<Version>,
}

/// One version.
pub struct Version {
    pub rules: Arc<Rulebook>,
    types: HashMap<String, TypeRules, FixedState>,
    others: Interest,
    /// The declared groups.
    pub groups: Vec<Named>,
    /// The inactivities that transfers wait for, the shortest first.
    pub inactive: Vec<Duration>,
    /// Something happens to contacts by the passing of time.
    pub keeps_time: bool,
}

/// A key with its hash.
#[derive(Clone, Debug)]
pub struct Named {
    pub key: String,
    pub hash: u64,
}

/// What there is to do for an event type.
#[derive(Clone, Debug, Default)]
pub struct TypeRules {
    pub entries: Vec<EntryRules>,
    pub takers: Vec<Taker>,
    pub interest: Interest,
}

/// A catalog entry.
#[derive(Clone, Debug)]
pub struct EntryRules {
    /// Its place in the catalog.
    pub position: u16,
    pub key: u64,
    /// 0: no group.
    pub group: u64,
    /// It gives something to its actor.
    pub rewards: bool,
}

impl ContactRules {
    pub fn new(account: &AccountRules) -> ContactRules {
        let interests = Interest::of_account(account);
        let versions = account.versions().iter().map(|rules| Version::new(rules.clone(), &interests));
        ContactRules { versions: versions.collect() }
    }

    /// The version in force at an instant.
    pub fn at(&self, time: Timestamp) -> Option<&Version> {
        self.versions.iter().rev().find(|version| version.rules.effective_from <= time)
    }

    /// A version by its number; the latest where there is none of that number any more.
    pub fn version(&self, number: u32) -> Option<&Version> {
        self.versions.get((number as usize).wrapping_sub(1)).or(self.versions.last())
    }

    /// The catalog entry with this half of a hash: of that version, or else of the latest that has it.
    pub fn entry(&self, version: u32, key: u32) -> Option<(&EntryRules, &CatalogEntry)> {
        let in_version = |version: &'_ Version| version.position(key).map(|_| ());
        let found = self.version(version).filter(|version| in_version(version).is_some());
        let version = found.or_else(|| self.versions.iter().rev().find(|version| in_version(version).is_some()))?;
        version.entry(key)
    }

    /// The key of a group by its hash, whichever version declares it.
    pub fn group(&self, hash: u64) -> Option<&str> {
        let mut groups = self.versions.iter().rev().flat_map(|version| &version.groups);
        groups.find(|group| group.hash == hash).map(|group| group.key.as_str())
    }
}

impl Version {
    fn new(rules: Arc<Rulebook>, interests: &HashMap<String, Interest>) -> Version {
        let mut types: HashMap<String, TypeRules, FixedState> = HashMap::default();
        for (position, entry) in rules.catalog.iter().enumerate().filter(|(_, entry)| entry.active) {
            types.entry(entry.event_type().to_owned()).or_default().entries.push(EntryRules::new(position as u16, entry));
        }
        for (kind, taker) in Taker::all(&rules) {
            types.entry(kind).or_default().takers.push(taker);
        }
        for kind in interests.keys() {
            types.entry(kind.clone()).or_default();
        }
        for (kind, type_rules) in &mut types {
            type_rules.interest = interests.get(kind).copied().unwrap_or(interests[""]).with_family(kind);
        }
        let groups = rules.groups.iter().map(|group| Named { hash: name_hash(&group.key), key: group.key.clone() }).collect();
        let waits = rules.ownership.transfers.iter().filter(|transfer| transfer.when == TransferWhen::Inactive);
        let mut inactive: Vec<Duration> = waits.filter_map(|transfer| transfer.inactive_for).collect();
        inactive.sort_unstable();
        inactive.dedup();
        let keeps_time = !inactive.is_empty() || rules.timeline.retention.is_some();
        Version { types, others: interests[""], groups, inactive, keeps_time, rules }
    }

    /// What there is to do for an event type; `None` where no rule names it.
    pub fn of_type(&self, kind: &str) -> Option<&TypeRules> {
        self.types.get(kind)
    }

    /// Who takes money from an event type, and what the account stage wants of it.
    pub fn wants(&self, kind: &str) -> (&[Taker], Interest) {
        match self.types.get(kind) {
            Some(rules) => (&rules.takers, rules.interest),
            None => (&[], self.others.with_family(kind)),
        }
    }

    fn position(&self, key: u32) -> Option<usize> {
        self.rules.catalog.iter().position(|entry| name_hash(&entry.key) as u32 == key)
    }

    fn entry(&self, key: u32) -> Option<(&EntryRules, &CatalogEntry)> {
        let catalog = &self.rules.catalog[self.position(key)?];
        let entries = &self.types.get(catalog.event_type())?.entries;
        Some((entries.iter().find(|entry| entry.key as u32 == key)?, catalog))
    }
}

impl EntryRules {
    fn new(position: u16, entry: &CatalogEntry) -> EntryRules {
        EntryRules {
            position,
            key: name_hash(&entry.key),
            group: group_hash(entry.group.as_deref().unwrap_or_default()),
            rewards: entry.xp != 0 || entry.coins != 0,
        }
    }
}
