//! A broker, topics of a test's own, and the program as a process.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::{ClientConfig, Message};
use scorekeeper::runtime::log::INPUTS;
use serde_json::Value;

use super::proxy::Proxy;

pub const PARTITIONS: i32 = 4;

/// A broker process, and a proxy before its second listener.
pub struct Broker {
    port: u16,
    pub proxy: Proxy,
}

impl Broker {
    /// The one that tests share.
    pub fn shared() -> &'static Broker {
        static BROKER: OnceLock<Broker> = OnceLock::new();
        BROKER.get_or_init(Broker::start)
    }

    /// One of a test's own.
    pub fn start() -> Broker {
        let port = free_port();
        let broker = Broker { port, proxy: Proxy::start(port + 2) };
        broker.up();
        broker
    }

    pub fn up(&self) {
        let status = Command::new("docker/kafka")
            .args(["up", &self.port.to_string()])
            .env("KAFKA_WHILE", std::process::id().to_string())
            .env("KAFKA_PROXY", self.proxy.port().to_string())
            .stdout(Stdio::null())
            .status()
            .expect("docker/kafka can be run");
        assert!(status.success(), "the broker does not start");
    }

    /// Any other command of `docker/kafka`; what it prints.
    pub fn tool(&self, command: &str, args: &[&str]) -> String {
        let output = Command::new("docker/kafka").args([command, &self.port.to_string()]).args(args).output().unwrap();
        assert!(output.status.success(), "{command} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.tool("wipe", &[]);
    }
}

/// A port that is free, and the two after it too.
pub fn free_port() -> u16 {
    loop {
        let first = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = first.local_addr().unwrap().port();
        if port < u16::MAX - 2 && (1..=2).all(|n| TcpListener::bind(("127.0.0.1", port + n)).is_ok()) {
            return port;
        }
    }
}

/// A record as a reader of the topic sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    pub key: String,
    pub value: Option<Vec<u8>>,
    pub headers: BTreeMap<String, Vec<u8>>,
}

impl Read {
    pub fn json(&self) -> Value {
        serde_json::from_slice(self.value.as_deref().unwrap_or(b"null")).unwrap()
    }
}

/// A deployment of a test's own: prefix, topics, directories.
pub struct Deployment {
    pub prefix: String,
    pub dir: tempfile::TempDir,
    rules: PathBuf,
    pub broker: String,
}

impl Deployment {
    /// On the broker that tests share.
    pub fn new(rules: &str) -> Deployment {
        Deployment::on(Broker::shared(), rules)
    }

    /// Creates the topics.
    pub fn on(broker: &Broker, rules: &str) -> Deployment {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let prefix = format!("t{}.", NUMBER.fetch_add(1, Ordering::Relaxed));
        let (dir, rules) = (tempfile::tempdir().unwrap(), Path::new(rules).to_owned());
        let deployment = Deployment { prefix, dir, rules, broker: broker.address() };
        deployment.create_topics();
        deployment
    }

    pub fn create_topics(&self) {
        let partitions = PARTITIONS.to_string();
        let args = ["topics", "apply", "--partitions", &partitions, "--replication-factor", "1"];
        let status = self.program(&args).stdout(Stdio::null()).status().unwrap();
        assert!(status.success(), "topics apply");
    }

    /// The program with the deployment's settings.
    pub fn program(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scorekeeper"));
        command
            .args(args)
            .env("SCOREKEEPER__KAFKA__BOOTSTRAP_SERVERS", &self.broker)
            .env("SCOREKEEPER__KAFKA__TOPIC_PREFIX", &self.prefix)
            .env("SCOREKEEPER__KAFKA__GROUP_ID", &self.prefix)
            .env("SCOREKEEPER__RULES__DIR", &self.rules)
            .env("SCOREKEEPER__TELEMETRY__LOG_LEVEL", "warn");
        command
    }

    /// `run` as a worker with a state directory and identity of its own. Gives its admin address too.
    pub fn worker(&self, name: &str, args: &[&str]) -> (Command, String) {
        let admin = format!("127.0.0.1:{}", free_port());
        let mut command = self.program(&[&["run"], args].concat());
        command
            .env("SCOREKEEPER__STATE__DIR", self.dir.path().join(name))
            .env("SCOREKEEPER__HTTP__ADMIN", &admin)
            .env("SCOREKEEPER__KAFKA__GROUP_INSTANCE_ID", name)
            .env("SCOREKEEPER__KAFKA__TRANSACTIONAL_ID_PREFIX", format!("{}{name}", self.prefix))
            .env("SCOREKEEPER__WORKER__THREADS", "2");
        (command, admin)
    }

    /// As [`Deployment::worker`], quick to notice that something is wrong, in small batches.
    pub fn nervous_worker(&self, name: &str, args: &[&str]) -> (Command, String) {
        let (mut command, admin) = self.worker(name, args);
        for (property, value) in
            [("SESSION_TIMEOUT_MS", "2000"), ("HEARTBEAT_INTERVAL_MS", "300"), ("TRANSACTION_TIMEOUT_MS", "2500")]
        {
            command.env(format!("SCOREKEEPER__KAFKA__PROPERTIES__{property}"), value);
        }
        command.env("SCOREKEEPER__WORKER__COMMIT_MAX_EVENTS", "200").env("SCOREKEEPER__STATE__FLUSH_INTERVAL", "100ms");
        (command, admin)
    }

    /// Works off what the inputs hold, and gives the summary.
    pub fn run_to_end(&self, name: &str) -> Value {
        let output = self.worker(name, &["--stop-at-end"]).0.stderr(Stdio::inherit()).output().unwrap();
        assert!(output.status.success(), "run --stop-at-end: {}", output.status);
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Writes records to a topic, by key.
    pub fn produce<'r>(&self, topic: &str, records: impl Iterator<Item = (&'r str, &'r [u8])>) {
        let topic = format!("{}{topic}", self.prefix);
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", &self.broker)
            .set("partitioner", "murmur2_random")
            .set("enable.idempotence", "true")
            .set("message.max.bytes", "8000000")
            .create()
            .unwrap();
        for (key, value) in records {
            let mut record = BaseRecord::to(&topic).key(key).payload(value);
            while let Err((error, again)) = producer.send(record) {
                assert!(matches!(error, KafkaError::MessageProduction(rdkafka::types::RDKafkaErrorCode::QueueFull)), "{error}");
                producer.poll(Duration::from_millis(10));
                record = again;
            }
        }
        producer.flush(Duration::from_secs(30)).unwrap();
    }

    /// Writes events, one JSON text a line, under the right keys.
    pub fn produce_events<'l>(&self, lines: impl Iterator<Item = &'l str>) {
        let keyed: Vec<(String, &str)> = lines
            .map(|line| {
                let event: Value = serde_json::from_str(line).unwrap();
                let part = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
                (format!("{}/{}", part("account"), part("contact")), line)
            })
            .collect();
        self.produce("product-events", keyed.iter().map(|(key, line)| (key.as_str(), line.as_bytes())));
    }

    /// A producer that stays open.
    pub fn writer(&self, topic: &str) -> Writer {
        let producer = ClientConfig::new()
            .set("bootstrap.servers", &self.broker)
            .set("partitioner", "murmur2_random")
            .set("linger.ms", "0")
            .create()
            .unwrap();
        Writer { producer, topic: format!("{}{topic}", self.prefix) }
    }

    /// A consumer of what is committed to a topic from the beginning on.
    pub fn reader(&self, topic: &str) -> Reader {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.broker)
            .set("group.id", "reader")
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("fetch.wait.max.ms", "5")
            .create()
            .unwrap();
        let mut list = TopicPartitionList::new();
        for partition in 0..PARTITIONS {
            list.add_partition_offset(&format!("{}{topic}", self.prefix), partition, Offset::Beginning).unwrap();
        }
        consumer.assign(&list).unwrap();
        Reader(consumer)
    }

    /// All committed records of a topic, in the order of each partition.
    pub fn read(&self, topic: &str) -> Vec<Read> {
        let mut read = Vec::new();
        self.read_each(topic, |message| {
            let headers = message.headers().map(|headers| {
                headers.iter().map(|header| (header.key.to_owned(), header.value.unwrap_or_default().to_vec())).collect()
            });
            read.push(Read {
                key: String::from_utf8_lossy(message.key().unwrap_or_default()).into_owned(),
                value: message.payload().map(<[u8]>::to_vec),
                headers: headers.unwrap_or_default(),
            });
        });
        read
    }

    /// As [`Deployment::read`]: partition, key and value as bytes.
    pub fn read_raw(&self, topic: &str) -> Vec<(i32, Vec<u8>, Option<Vec<u8>>)> {
        let mut read = Vec::new();
        self.read_each(topic, |message| {
            let key = message.key().unwrap_or_default().to_vec();
            read.push((message.partition(), key, message.payload().map(<[u8]>::to_vec)));
        });
        read
    }

    fn read_each(&self, topic: &str, mut each: impl FnMut(&BorrowedMessage<'_>)) {
        let topic = format!("{}{topic}", self.prefix);
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.broker)
            .set("group.id", "reader")
            .set("isolation.level", "read_committed")
            .set("enable.partition.eof", "true")
            .set("enable.auto.commit", "false")
            .create()
            .unwrap();
        let mut list = TopicPartitionList::new();
        for partition in 0..PARTITIONS {
            list.add_partition_offset(&topic, partition, Offset::Beginning).unwrap();
        }
        consumer.assign(&list).unwrap();
        let mut ended = 0;
        while ended < PARTITIONS {
            match consumer.poll(Duration::from_secs(30)).expect("the broker answers") {
                Ok(message) => each(&message),
                Err(KafkaError::PartitionEOF(_)) => ended += 1,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Waits until the workers have committed all that the inputs hold.
    #[track_caller]
    pub fn worked_off(&self) {
        let (consumer, wait) = (self.group("read_uncommitted"), Duration::from_secs(10));
        for topic in INPUTS {
            let topic = format!("{}{}", self.prefix, topic.name());
            for partition in 0..PARTITIONS {
                let mut list = TopicPartitionList::new();
                list.add_partition(&topic, partition);
                let mut end = None;
                eventually(&format!("{topic} {partition} is worked off"), || {
                    // a broker that has just come back may not know yet
                    end = end.or_else(|| Some(consumer.fetch_watermarks(&topic, partition, wait).ok()?.1));
                    let (Some(end), Ok(committed)) = (end, consumer.committed_offsets(list.clone(), wait)) else { return false };
                    end == 0 || matches!(committed.elements()[0].offset(), Offset::Offset(next) if next >= end)
                });
            }
        }
    }

    /// A consumer with the name of the workers' group, which takes no part in it.
    pub fn group(&self, isolation: &str) -> BaseConsumer {
        ClientConfig::new()
            .set("bootstrap.servers", &self.broker)
            .set("group.id", &self.prefix)
            .set("isolation.level", isolation)
            .set("enable.auto.commit", "false")
            .create()
            .unwrap()
    }

    /// The last value of each key; deleted ones are left out.
    pub fn latest(&self, topic: &str) -> BTreeMap<String, Value> {
        let mut latest = BTreeMap::new();
        for read in self.read(topic) {
            match &read.value {
                Some(_) => latest.insert(read.key.clone(), read.json()),
                None => latest.remove(&read.key),
            };
        }
        latest
    }

    /// Every record by its key, which must not repeat.
    pub fn ledger(&self, topic: &str) -> BTreeMap<String, Value> {
        let read = self.read(topic);
        let count = read.len();
        let ledger: BTreeMap<_, _> = read.into_iter().map(|read| (read.key.clone(), read.json())).collect();
        assert_eq!(ledger.len(), count, "{topic}: an entry was written twice");
        ledger
    }
}

/// Writes single records at once.
pub struct Writer {
    producer: BaseProducer,
    topic: String,
}

impl Writer {
    pub fn send(&self, key: &str, value: &[u8]) {
        assert!(self.producer.send(BaseRecord::to(&self.topic).key(key).payload(value)).is_ok());
        self.producer.poll(Duration::ZERO);
    }

    pub fn flush(&self) {
        self.producer.flush(Duration::from_secs(30)).unwrap();
    }
}

/// Reads values as they are committed.
pub struct Reader(BaseConsumer);

impl Reader {
    /// The next value, if one comes in time.
    pub fn next(&self, wait: Duration) -> Option<Vec<u8>> {
        let message = self.0.poll(wait)?;
        message.unwrap().payload().map(<[u8]>::to_vec)
    }
}

/// A process that is killed when it goes out of scope.
pub struct Process(pub Child);

impl Process {
    pub fn start(mut command: Command) -> Process {
        Process(command.stdout(Stdio::null()).spawn().unwrap())
    }

    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    pub fn signal(&self, signal: &str) {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args([&format!("-{signal}"), &pid]).status().unwrap().success());
    }

    /// Waits for its end.
    #[track_caller]
    pub fn end(&mut self, what: &str) -> ExitStatus {
        let mut status = None;
        eventually(what, || {
            status = self.0.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    /// SIGTERM; the exit code.
    pub fn terminate(mut self) -> Option<i32> {
        self.signal("TERM");
        self.end("an end after SIGTERM").code()
    }

    /// Whether it was stopped by a signal.
    pub fn is_stopped(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap_or_default();
        stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T'))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// GET from an admin listener: status and body; `None` while it does not answer.
pub fn get(admin: &str, path: &str) -> Option<(u16, String)> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(admin).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

/// The sum of a metric over its labels.
pub fn metric(admin: &str, name: &str) -> f64 {
    let text = get(admin, "/metrics").map(|(_, body)| body).unwrap_or_default();
    text.lines().filter(|line| line.starts_with(name)).filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

/// The partitions that a worker says are its own.
pub fn owned(admin: &str) -> Vec<u32> {
    let text = get(admin, "/readyz?verbose").map(|(_, body)| body).unwrap_or_default();
    let mut owned: Vec<u32> = text
        .lines()
        .filter_map(|line| line.rsplit_once('[')?.1.strip_suffix(']'))
        .flat_map(|list| list.split(", ").filter_map(|number| number.parse().ok()).collect::<Vec<_>>())
        .collect();
    owned.sort_unstable();
    owned
}

/// The product events that workers have read and committed.
pub fn events_in(admins: &[&str]) -> f64 {
    admins.iter().map(|admin| metric(admin, "scorekeeper_records_in_total{topic=\"product-events\"}")).sum()
}

/// Waits for something that must come to pass.
#[track_caller]
pub fn eventually(what: &str, mut check: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !check() {
        assert!(Instant::now() < deadline, "still waiting: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
