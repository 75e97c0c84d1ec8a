use super::*;
use crate::outputs::{Record, Topic};
use crate::runtime::log::{Batch, Change, CommitError, Limit};

fn open(disk: &MemDisk) -> LocalLog {
    LocalLog::open(Box::new(disk.clone()), 2, 4000, 1 << 30).unwrap()
}

fn outbox(topic: Topic, partition: u32, values: &[&str]) -> Outbox {
    let mut outbox = Outbox::default();
    for value in values {
        let route = Route::Partition(partition);
        let (key, value, timestamp) = (b"k".as_slice(), Some(value.as_bytes()), Timestamp(5));
        outbox.push_raw(Record { topic, route, timestamp, key, value, headers: &[] });
    }
    outbox
}

fn started(log: &LocalLog) -> Box<dyn Session> {
    let session = log.session(0, 1).unwrap();
    assert_eq!(session.take_change(), Some(Change::Assigned(vec![0, 1])));
    session.accept(&[0, 1]).unwrap();
    session.start().unwrap();
    session
}

fn values(session: &dyn Session) -> Vec<String> {
    let mut batch = Batch::default();
    session.poll(std::time::Duration::ZERO, Limit { records: 1000, bytes: 1 << 20 }, &mut batch).unwrap();
    batch.messages.iter().map(|message| String::from_utf8(message.value().unwrap().to_vec()).unwrap()).collect()
}

/// Whatever is left of the last frame after a power failure, the log opens with the commits that were answered.
#[test]
fn a_torn_commit_never_happened() {
    for keep in 0..150 {
        let disk = MemDisk::default();
        let log = open(&disk);
        log.append(&outbox(Topic::ProductEvents, 0, &["a", "b"])).unwrap();
        let session = started(&log);
        let place = Place::new(Topic::ProductEvents, 0);
        session.commit(&outbox(Topic::Timeline, 1, &["t"]), &[(place, 1)]).unwrap();
        let before = disk.size("000000000000.log").unwrap();
        disk.set_hook(|call, _| if call == Call::Sync { Fault::Fail } else { Fault::None });
        let failed = session.commit(&outbox(Topic::Timeline, 1, &["u"]), &[(place, 2)]);
        assert!(matches!(failed, Err(CommitError::Unknown(_))));
        disk.clear_hook();
        let frame = disk.size("000000000000.log").unwrap() - before;
        assert!(session.commit(&Outbox::default(), &[(place, 2)]).is_err(), "nothing may follow a write of unknown outcome");

        disk.crash(keep);
        let log = open(&disk);
        let session = started(&log);
        // the frame is there as a whole, or not at all
        let (left, timeline) = (values(&*session), log.ends(&[Place::new(Topic::Timeline, 1)]).unwrap()[0].1);
        let whole = left.is_empty() && timeline == 2;
        let none = left == ["b"] && timeline == 1;
        assert!(whole || none, "{keep}: {left:?} {timeline}");
        assert_eq!(whole, keep as u64 >= frame, "{keep} of {frame} bytes");
        log.append(&outbox(Topic::ProductEvents, 0, &["c"])).unwrap();
        assert_eq!(values(&*session), ["c"]);
    }
}

#[test]
fn damage_before_the_end_is_not_passed_over() {
    let disk = MemDisk::default();
    let log = open(&disk);
    for _ in 0..200 {
        log.append(&outbox(Topic::ProductEvents, 1, &["0123456789"])).unwrap();
    }
    assert!(disk.list().unwrap().len() > 3, "several files");
    let size = disk.size("000000000000.log").unwrap();
    disk.truncate("000000000000.log", size - 1).unwrap();
    let error = LocalLog::open(Box::new(disk), 2, 4000, 0).err().unwrap();
    assert!(error.to_string().contains("000000000000.log is damaged at byte"), "{error}");
}

#[test]
fn many_files_read_as_one() {
    let disk = MemDisk::default();
    let log = open(&disk);
    let all: Vec<String> = (0..500).map(|n| n.to_string()).collect();
    for value in &all {
        log.append(&outbox(Topic::ProductEvents, 0, &[value])).unwrap();
    }
    let log = open(&disk);
    let session = started(&log);
    assert_eq!(values(&*session), all);
    assert_eq!(values(&*session), Vec::<String>::new());
    session.rewind().unwrap();
    assert_eq!(values(&*session), all);
}

#[test]
fn an_earlier_session_cannot_commit() {
    let log = open(&MemDisk::default());
    let (first, second) = (started(&log), started(&log));
    let next = [(Place::new(Topic::ProductEvents, 0), 0)];
    assert!(matches!(first.commit(&Outbox::default(), &next), Err(CommitError::Unknown(_))));
    second.commit(&Outbox::default(), &next).unwrap();
}

#[test]
fn the_number_of_partitions_is_fixed() {
    let disk = MemDisk::default();
    open(&disk);
    let error = LocalLog::open(Box::new(disk), 3, 4000, 0).err().unwrap();
    assert!(error.to_string().contains("made with 2 partitions, not 3"), "{error}");
}

/// What is worked off or overwritten goes; what anyone may still read stays, under its offset.
#[test]
fn compaction_keeps_what_is_needed() {
    let disk = MemDisk::default();
    let log = open(&disk);
    let place = Place::new(Topic::ProductEvents, 0);
    let session = started(&log);
    for n in 0..300u64 {
        let value = n.to_string();
        log.append(&outbox(Topic::ProductEvents, 0, &[&value])).unwrap();
        session.commit(&outbox(Topic::ContactChangelog, 1, &[&value]), &[(place, n.min(250))]).unwrap();
        session.commit(&outbox(Topic::Xp, 1, &[&value]), &[]).unwrap();
        session.commit(&outbox(Topic::Timeline, 1, &[&value]), &[]).unwrap();
    }
    let before: u64 = disk.list().unwrap().iter().map(|name| disk.size(name).unwrap()).sum();
    log.compact(Timestamp(0)).unwrap();
    let after: u64 = disk.list().unwrap().iter().map(|name| disk.size(name).unwrap()).sum();
    assert!(after < before * 2 / 3, "{before} → {after}");
    log.append(&outbox(Topic::ProductEvents, 0, &["new"])).unwrap();
    session.commit(&outbox(Topic::Xp, 0, &["new"]), &[]).unwrap();
    log.compact(Timestamp(0)).unwrap();

    for log in [log, open(&disk)] {
        let ends = [place, Place::new(Topic::ContactChangelog, 1), Place::new(Topic::Xp, 1)];
        let ends: Vec<u64> = log.ends(&ends).unwrap().into_iter().map(|(_, end)| end).collect();
        assert_eq!(ends, [301, 300, 300]);
        let session = started(&log);
        let expected: Vec<String> = (250..300).map(|n| n.to_string()).chain(["new".to_owned()]).collect();
        assert_eq!(values(&*session), expected);
        let rows = |topic| {
            let mut rows = Vec::new();
            let mut changelog = session.changelog(topic, &[(1, 0)]).unwrap();
            assert!(
                changelog
                    .read(std::time::Duration::from_secs(9), &mut |(_, _, value, _)| rows.push(value.unwrap().to_vec()))
                    .unwrap()
            );
            rows
        };
        assert_eq!(rows(Topic::ContactChangelog).last().unwrap(), b"299");
        assert!(rows(Topic::ContactChangelog).len() < 60, "the open file is not compacted");
        assert_eq!(rows(Topic::Xp).len(), 300);
        assert!(rows(Topic::Timeline).len() < 60, "what was erased goes");
    }
}

/// The power fails between any two steps of a compaction: the log is the same before and after.
#[test]
fn compaction_is_whole_or_not_at_all() {
    for step in 0..9 {
        let disk = MemDisk::default();
        let log = open(&disk);
        for n in 0..200 {
            log.append(&outbox(Topic::ProductEvents, 0, &[&n.to_string()])).unwrap();
        }
        let mut calls = 0;
        disk.set_hook(move |_, _| {
            calls += 1;
            if calls > step { Fault::Torn(10) } else { Fault::None }
        });
        // writing, syncing, renaming, and the removal of all old files but the number of partitions and the open one
        let calls = 3 + disk.list().unwrap().len() - 2;
        assert_eq!(log.compact(Timestamp(0)).is_err(), step < calls, "step {step} of {calls}");
        disk.clear_hook();
        disk.crash(5);
        let log = open(&disk);
        assert!(disk.list().unwrap().iter().all(|name| !name.ends_with(TEMPORARY)), "step {step}");
        assert_eq!(values(&*started(&log)).len(), 200, "step {step}");
        log.compact(Timestamp(0)).unwrap();
        assert_eq!(values(&*started(&log)).len(), 200, "step {step}");
    }
}

/// A reader that began before a compaction never takes other bytes for its records, not even when one file is rewritten alone.
#[test]
fn readers_notice_that_their_file_was_replaced() {
    let disk = MemDisk::default();
    let log = open(&disk);
    let session = started(&log);
    for n in 0..60u64 {
        let value = n.to_string();
        log.append(&outbox(Topic::ProductEvents, 0, &[&value])).unwrap();
        session.commit(&outbox(Topic::Xp, 1, &[&value]), &[(Place::new(Topic::ProductEvents, 0), n)]).unwrap();
    }
    for _ in 0..3 {
        let mut changelog = session.changelog(Topic::Xp, &[(1, 0)]).unwrap();
        log.compact(Timestamp(0)).unwrap();
        let mut found = Vec::new();
        let read = changelog.read(std::time::Duration::from_secs(9), &mut |(_, _, value, _)| found.push(value.unwrap().to_vec()));
        assert!(read.is_err() || found == (0..60).map(|n| n.to_string().into_bytes()).collect::<Vec<_>>());
    }
}
