//! Client settings of librdkafka.

use std::time::Duration;

use rdkafka::ClientConfig;

use crate::runtime::settings::Kafka;

/// What every client has in common: addresses, security, and whatever the settings pass through.
pub fn client(settings: &Kafka) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &settings.bootstrap_servers).set("client.id", "scorekeeper");
    for (key, value) in settings.security.iter().chain(&settings.properties) {
        config.set(key, value);
    }
    config
}

/// The consumer of a worker thread.
pub fn consumer(settings: &Kafka, thread: usize, statistics_interval: Duration) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("group.id", &settings.group_id)
        .set("partition.assignment.strategy", "range")
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // records that are missing are never passed over in silence
        .set("auto.offset.reset", "error")
        .set("session.timeout.ms", "10000")
        // a rebalance is learned of with a heartbeat
        .set("heartbeat.interval.ms", "1000")
        // a static member that is gone in the middle of a rebalance holds the others up for no longer than this
        .set("max.poll.interval.ms", "60000")
        // read ahead enough for a large transaction, and look again soon when the queue was full
        .set("queued.min.messages", "100000")
        .set("queued.max.messages.kbytes", "65536")
        .set("fetch.queue.backoff.ms", "5")
        .set("fetch.wait.max.ms", "100")
        .set("fetch.message.max.bytes", "2097152")
        .set("socket.receive.buffer.bytes", "1048576")
        .set("statistics.interval.ms", statistics_interval.as_millis().to_string());
    if let Some(instance) = &settings.group_instance_id {
        config.set("group.instance.id", format!("{instance}-{thread}"));
    }
    over(config, settings)
}

/// Milliseconds.
const TRANSACTION_TIMEOUT: u64 = 15_000;

/// How long a step of a commit may take: less than the transaction itself.
pub fn commit_timeout(settings: &Kafka) -> Duration {
    let set = settings.properties.get("transaction.timeout.ms").and_then(|text| text.parse().ok());
    Duration::from_millis(set.unwrap_or(TRANSACTION_TIMEOUT) * 4 / 5)
}

/// The transactional producer of a worker thread.
pub fn producer(settings: &Kafka, thread: usize) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set(
            "transactional.id",
            format!("{}-{thread}", settings.transactional_id_prefix.as_deref().unwrap_or(&settings.group_id)),
        )
        // a crashed peer holds readers up for no longer than this
        .set("transaction.timeout.ms", TRANSACTION_TIMEOUT.to_string())
        .set("compression.codec", "lz4")
        // as long as it takes to hand over what goes to one place, so that it goes in one batch
        .set("linger.ms", "5")
        // the last transaction may not have ended everywhere yet when the next one begins
        .set("retry.backoff.ms", "5")
        .set("batch.size", "1048576")
        .set("delivery.report.only.error", "true")
        .set("batch.num.messages", "100000")
        // the brokers' limits by topic decide, not the client's
        .set("message.max.bytes", "67108864")
        .set("queue.buffering.max.messages", "1000000")
        .set("queue.buffering.max.kbytes", "524288");
    over(config, settings)
}

/// A producer of records that no input caused.
pub fn writer(settings: &Kafka) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("enable.idempotence", "true").set("message.max.bytes", "67108864");
    over(config, settings)
}

/// A consumer that reads changelogs: it never joins the group.
pub fn reader(settings: &Kafka) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("group.id", &settings.group_id)
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("enable.partition.eof", "true")
        .set("auto.offset.reset", "earliest")
        .set("queued.min.messages", "100000")
        .set("queued.max.messages.kbytes", "65536")
        .set("fetch.queue.backoff.ms", "5")
        .set("fetch.wait.max.ms", "20")
        .set("fetch.message.max.bytes", "4194304");
    over(config, settings)
}

/// The settings win over what is chosen here.
fn over(mut config: ClientConfig, settings: &Kafka) -> ClientConfig {
    for (key, value) in client(settings).config_map().iter().map(|(key, value)| (*key, *value)) {
        config.set(key, value);
    }
    config
}
