//! One suite for every log: what the loop relies on.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use scorekeeper::events::Timestamp;
use scorekeeper::outputs::{Outbox, Record, Route, Topic};
use scorekeeper::runtime::log::kafka::KafkaLog;
use scorekeeper::runtime::log::local::{Directory, LocalLog, MemDisk};
use scorekeeper::runtime::log::{Batch, Change, Limit, Log, Place, Session};
use scorekeeper::runtime::settings::Kafka;

use super::harness::Deployment;

const PARTITIONS: u32 = 4;
const LIMIT: Limit = Limit { records: 10_000, bytes: 1 << 24 };

fn outbox(records: &[(Topic, u32, &str, Option<&str>)]) -> Outbox {
    let mut outbox = Outbox::default();
    for &(topic, partition, key, value) in records {
        let headers = [("h".into(), vec![0, 255])];
        let (route, timestamp) = (Route::Partition(partition), Timestamp(1_700_000_000_000));
        outbox.push_raw(Record {
            topic,
            route,
            timestamp,
            key: key.as_bytes(),
            value: value.map(str::as_bytes),
            headers: &headers,
        });
    }
    outbox
}

/// Takes over what the log assigns, which must be everything.
fn started(log: &dyn Log) -> (Box<dyn Session>, HashMap<Place, u64>) {
    let session = log.session(0, 1).unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let change = loop {
        assert!(Instant::now() < deadline, "no assignment");
        poll(&*session, Duration::from_millis(100));
        if let Some(change) = session.take_change() {
            break change;
        }
    };
    assert_eq!(change, Change::Assigned((0..PARTITIONS).collect()));
    let committed = session.accept(&[0, 1, 2, 3]).unwrap().into_iter().collect();
    session.start().unwrap();
    (session, committed)
}

type Seen = (Topic, u32, u64, String, Option<String>);

fn poll(session: &dyn Session, wait: Duration) -> Vec<Seen> {
    let mut batch = Batch::default();
    session.poll(wait, LIMIT, &mut batch).unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let seen = batch.messages.iter().map(|message| {
        let mut headers = Vec::new();
        message.headers(&mut headers);
        assert_eq!(headers, [("h", &[0u8, 255][..])]);
        assert_eq!(message.timestamp, Some(Timestamp(1_700_000_000_000)));
        (message.place.topic, message.place.partition, message.offset, text(message.key().unwrap()), message.value().map(text))
    });
    seen.collect()
}

/// Polls until so many records have come, in the order of their places.
#[track_caller]
fn expect(session: &dyn Session, count: usize) -> Vec<Seen> {
    let mut seen = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(30);
    while seen.len() < count && Instant::now() < deadline {
        seen.extend(poll(session, Duration::from_millis(100)));
    }
    seen.extend(poll(session, Duration::from_millis(200)));
    seen.sort_by_key(|seen| (seen.0, seen.1));
    assert_eq!(seen.len(), count, "{seen:?}");
    seen
}

fn changelog(session: &dyn Session, from: &[(u32, u64)]) -> Vec<(u32, String, Option<String>)> {
    let mut changelog = session.changelog(Topic::ContactChangelog, from).unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut rows = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(30);
    while !changelog
        .read(Duration::from_millis(50), &mut |(p, key, value, _)| rows.push((p, text(key), value.map(text))))
        .unwrap()
    {
        assert!(Instant::now() < deadline, "the changelog has no end");
    }
    rows.sort();
    rows
}

/// What every log must do.
fn suite(log: &dyn Log) {
    let place = Place::new;
    assert_eq!(log.partitions(), PARTITIONS);
    let (session, committed) = started(log);
    assert_eq!(committed.values().copied().max().unwrap_or(0), 0);

    // what is committed is read in order, with key, value, headers and time
    let inbox = |n: usize| (Topic::ContactInbox, (n % 2) as u32, ["a", "b", "c", "d"][n % 4], Some(["1", "2", "3"][n % 3]));
    let sent: Vec<_> = (0..20).map(inbox).collect();
    session.commit(&outbox(&sent), &[]).unwrap();
    let seen = expect(&*session, 20);
    for partition in [0, 1] {
        let of = |seen: &&Seen| seen.1 == partition;
        let is: Vec<_> = seen.iter().filter(of).map(|seen| (seen.3.as_str(), seen.4.as_deref())).collect();
        let was: Vec<_> = sent.iter().filter(|sent| sent.1 == partition).map(|sent| (sent.2, sent.3)).collect();
        assert_eq!(is, was);
        let offsets: Vec<_> = seen.iter().filter(of).map(|seen| seen.2).collect();
        assert!(offsets.is_sorted_by(|a, b| a < b));
    }
    let (first, second) = (seen[0].clone(), seen[1].clone());

    // rewinding starts from what is committed: offsets and records go together
    session.rewind().unwrap();
    assert_eq!(expect(&*session, 20), seen);
    let next = [(place(first.0, first.1), second.2)];
    session.commit(&outbox(&[(Topic::ContactChangelog, 2, "k", Some("v"))]), &next).unwrap();
    session.rewind().unwrap();
    assert_eq!(expect(&*session, 19)[0], second);

    // a tombstone is a record too, and the changelog ends where the last commit ended
    session.settle(&next).unwrap();
    let from = session.committed_to(place(Topic::ContactChangelog, 2)).unwrap();
    session
        .commit(&outbox(&[(Topic::ContactChangelog, 2, "k", None), (Topic::ContactChangelog, 3, "l", Some("w"))]), &[])
        .unwrap();
    let row = |p, key: &str, value: Option<&str>| (p, key.to_owned(), value.map(str::to_owned));
    assert_eq!(
        changelog(&*session, &[(2, 0), (3, 0), (0, 0)]),
        [row(2, "k", None), row(2, "k", Some("v")), row(3, "l", Some("w"))]
    );
    assert_eq!(changelog(&*session, &[(2, from)]), [row(2, "k", None)]);
    let end = log.ends(&[place(Topic::ContactChangelog, 2)]).unwrap()[0].1;
    assert_eq!(changelog(&*session, &[(2, end)]), []);

    // what is seen of an end comes to say that it is reached, past whatever marks the ends of transactions
    let inbox_end = log.ends(&[place(Topic::ContactInbox, 1)]).unwrap()[0].1;
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        poll(&*session, Duration::from_millis(100));
        let reached = |end: scorekeeper::runtime::log::End| end.reached && end.drained && end.next >= inbox_end;
        if session.end(place(Topic::ContactInbox, 1)).is_some_and(reached) {
            break;
        }
        assert!(Instant::now() < deadline, "the end is never reached");
    }

    // given up and taken over by another session, with what was committed
    session.release().unwrap();
    assert_eq!(poll(&*session, Duration::from_millis(100)), []);
    drop(session);
    let (session, committed) = started(log);
    assert_eq!(committed.get(&place(first.0, first.1)), Some(&second.2));
    assert_eq!(expect(&*session, 19)[0], second);
}

#[test]
fn local_in_memory() {
    suite(&LocalLog::open(Box::new(MemDisk::default()), PARTITIONS, 2000, 1 << 30).unwrap());
}

#[test]
fn local_in_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    suite(&LocalLog::open(Box::new(Directory::open(dir.path().to_owned()).unwrap()), PARTITIONS, 2000, 1 << 30).unwrap());
}

#[test]
fn kafka() {
    let deployment = Deployment::new("tests/data/live.yaml");
    let settings = Kafka {
        bootstrap_servers: deployment.broker.clone(),
        topic_prefix: deployment.prefix.clone(),
        group_id: deployment.prefix.clone(),
        ..Kafka::default()
    };
    suite(&KafkaLog::open(&settings, Duration::from_millis(200)).unwrap());
}
