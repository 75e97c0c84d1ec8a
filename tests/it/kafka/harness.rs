//! A broker, topics of a test's own, and the program as a process.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Headers;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::{ClientConfig, Message};
use serde_json::Value;

pub const PARTITIONS: i32 = 4;

/// The address of the tests' broker.
pub fn broker() -> &'static str {
    static BROKER: OnceLock<String> = OnceLock::new();
    BROKER.get_or_init(|| {
        let output = Command::new("docker/kafka")
            .args(["up", &free_port().to_string()])
            .env("KAFKA_WHILE", std::process::id().to_string())
            .stderr(Stdio::inherit())
            .output()
            .expect("docker/kafka can be run");
        assert!(output.status.success(), "the broker does not start");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    })
}

/// A port that is free, and the one after it too.
pub fn free_port() -> u16 {
    loop {
        let first = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = first.local_addr().unwrap().port();
        if port < u16::MAX && TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
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
}

impl Deployment {
    /// Creates the topics.
    pub fn new(rules: &str) -> Deployment {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let prefix = format!("t{}.", NUMBER.fetch_add(1, Ordering::Relaxed));
        let deployment = Deployment { prefix, dir: tempfile::tempdir().unwrap(), rules: Path::new(rules).to_owned() };
        let partitions = PARTITIONS.to_string();
        let args = ["topics", "apply", "--partitions", &partitions, "--replication-factor", "1"];
        let status = deployment.program(&args).stdout(Stdio::null()).status().unwrap();
        assert!(status.success(), "topics apply");
        deployment
    }

    /// The program with the deployment's settings.
    pub fn program(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scorekeeper"));
        command
            .args(args)
            .env("SCOREKEEPER__KAFKA__BOOTSTRAP_SERVERS", broker())
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
            .set("bootstrap.servers", broker())
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
            .set("bootstrap.servers", broker())
            .set("partitioner", "murmur2_random")
            .set("linger.ms", "0")
            .create()
            .unwrap();
        Writer { producer, topic: format!("{}{topic}", self.prefix) }
    }

    /// A consumer of what is committed to a topic from the beginning on.
    pub fn reader(&self, topic: &str) -> Reader {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", broker())
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
        let topic = format!("{}{topic}", self.prefix);
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", broker())
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
        let (mut read, mut ended) = (Vec::new(), 0);
        while ended < PARTITIONS {
            match consumer.poll(Duration::from_secs(30)).expect("the broker answers") {
                Ok(message) => {
                    let headers = message.headers().map(|headers| {
                        headers.iter().map(|header| (header.key.to_owned(), header.value.unwrap_or_default().to_vec())).collect()
                    });
                    read.push(Read {
                        key: String::from_utf8_lossy(message.key().unwrap_or_default()).into_owned(),
                        value: message.payload().map(<[u8]>::to_vec),
                        headers: headers.unwrap_or_default(),
                    });
                }
                Err(KafkaError::PartitionEOF(_)) => ended += 1,
                Err(error) => panic!("{error}"),
            }
        }
        read
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

    /// SIGTERM; the exit code.
    pub fn terminate(mut self) -> Option<i32> {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.0.wait().unwrap().code()
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

/// Waits for something that must come to pass.
#[track_caller]
pub fn eventually(what: &str, mut check: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !check() {
        assert!(Instant::now() < deadline, "still waiting: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
