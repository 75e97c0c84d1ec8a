use std::time::Duration;

use super::*;
use crate::events::Timestamp;
use crate::state::{MemStore, Store, Table};

fn settings(dir: &Path) -> settings::State {
    settings::State { dir: dir.to_owned(), cache_bytes: 200_000, ..Default::default() }
}

fn key(table: Table, n: u64) -> Vec<u8> {
    [&[table as u8][..], format!("{n:04}").as_bytes()].concat()
}

/// Any mixture of changes, flushes and reads gives what a plain map gives.
#[test]
fn reads_as_a_map_would() {
    let dir = tempfile::tempdir().unwrap();
    let stores = Stores::open(&settings(dir.path())).unwrap();
    let mut store = stores.task("contact-0").unwrap();
    let mut model = MemStore::default();
    let mut random = 1u64;
    let mut next = move |n: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % n
    };
    for round in 0..300u64 {
        let changes: Vec<_> = (0..next(40))
            .map(|_| {
                let table = if next(2) == 0 { Table::Contact } else { Table::Load };
                let value = (next(4) > 0).then(|| vec![round as u8; 1 + next(300) as usize]);
                (key(table, next(500)), value)
            })
            .collect();
        model.apply(changes.clone());
        store.absorb(changes);
        store.advance(&[("contact-changelog", round)], &[("product-events", round)]);
        if next(3) == 0 {
            store.flush_if_due(Duration::ZERO, Timestamp(1)).unwrap();
        }
        for _ in 0..20 {
            let key = key(if next(2) == 0 { Table::Contact } else { Table::Load }, next(500));
            assert_eq!(store.get(&key).unwrap(), model.get(&key).unwrap());
        }
        let (prefix, from, limit) = (&[Table::Load as u8][..], key(Table::Load, next(500)), 1 + next(30) as usize);
        assert_eq!(store.scan(prefix, &from, limit).unwrap(), model.scan(prefix, &from, limit).unwrap());
    }
    store.flush(Timestamp(7)).unwrap();
    drop(store);
    stores.close().unwrap();

    let stores = Stores::open(&settings(dir.path())).unwrap();
    let store = stores.task("contact-0").unwrap();
    let position = store.position().unwrap();
    assert_eq!((position.changelog("contact-changelog"), position.flushed_at), (299, Timestamp(7)));
    assert_eq!(position.input_next, [("product-events".to_owned(), 299)]);
    for (key, value) in model.rows() {
        assert_eq!(store.get(key).unwrap().as_deref(), Some(value));
    }
    let prefix = &[Table::Load as u8][..];
    assert_eq!(store.scan(prefix, prefix, 1000).unwrap(), model.scan(prefix, prefix, 1000).unwrap());
}

fn filled(dir: &Path, close: bool) {
    let stores = Stores::open(&settings(dir)).unwrap();
    let mut store = stores.task("account-1").unwrap();
    store.absorb((0..200).map(|n| (key(Table::Rep, n), Some(vec![7; 200]))).collect());
    store.advance(&[("contact-changelog", 200)], &[]);
    store.flush(Timestamp(1)).unwrap();
    drop(store);
    if close {
        stores.close().unwrap();
    }
}

#[test]
fn what_was_not_closed_is_wiped() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), false);
    let stores = Stores::open(&settings(dir.path())).unwrap();
    let store = stores.task("account-1").unwrap();
    assert_eq!(store.position(), None);
    assert_eq!(store.get(&key(Table::Rep, 1)).unwrap(), None);
}

/// sled would pass over damage, and rows would be missing silently.
#[test]
fn a_directory_that_changed_since_it_was_closed_is_wiped() {
    for change in 0..40usize {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path(), true);
        let file = dir.path().join("sled/db");
        let mut bytes = std::fs::read(&file).unwrap();
        let used = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
        if change == 0 {
            bytes.truncate(used / 2);
        } else {
            bytes[used * change / 40] ^= 1 << (change % 8);
        }
        std::fs::write(&file, bytes).unwrap();
        let stores = Stores::open(&settings(dir.path())).unwrap();
        let store = stores.task("account-1").unwrap();
        assert_eq!(store.position(), None, "change {change}");
    }
}

#[test]
fn a_directory_as_it_was_closed_is_trusted_once() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), true);
    let stores = Stores::open(&settings(dir.path())).unwrap();
    assert_eq!(stores.task("account-1").unwrap().position().unwrap().changelog("contact-changelog"), 200);
    stores.abandon();
    let stores = Stores::open(&settings(dir.path())).unwrap();
    assert_eq!(stores.task("account-1").unwrap().position(), None);
}

#[test]
fn wiping_deletes_rows_and_position() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), true);
    let stores = Stores::open(&settings(dir.path())).unwrap();
    let mut store = stores.task("account-1").unwrap();
    assert!(store.position().is_some());
    store.wipe().unwrap();
    assert_eq!(store.position(), None);
    assert_eq!(store.scan(&[Table::Rep as u8], &[], 10).unwrap(), []);
}

#[test]
fn a_directory_belongs_to_one_process() {
    let dir = tempfile::tempdir().unwrap();
    let _first = Stores::open(&settings(dir.path())).unwrap();
    assert!(matches!(Stores::open(&settings(dir.path())), Err(LogError::Fatal(_))));
}
