//! Settings: `config/scorekeeper.toml` and the environment over it.
//!
//! Every key can be given as `SCOREKEEPER__SECTION__KEY`, which wins over the file. The values of `kafka.security` and
//! `kafka.properties` go to librdkafka; `…_file` reads a value from a file, for secrets. Unknown keys are errors.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::engine::Limits;
use crate::events::Duration;

/// Settings that cannot be used. The message names the file, the line and the column, or the variable.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SettingsError(pub String);

/// All settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where records are read from and written to.
    pub log: LogChoice,
    /// The log in a directory, for `log.backend = "local"`.
    pub local: Local,
    /// The cluster, for `log.backend = "kafka"`.
    pub kafka: Kafka,
    /// The loop.
    pub worker: Worker,
    /// State on disk.
    pub state: State,
    /// The intake of events.
    pub ingest: Ingest,
    /// Where the accounts' rules come from.
    pub rules: Rules,
    /// Listeners.
    pub http: Http,
    /// Logging.
    pub telemetry: Telemetry,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogChoice {
    /// `kafka`, or `local`: a directory of this machine, for one process.
    pub backend: Backend,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    #[default]
    Kafka,
    Local,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Local {
    pub dir: PathBuf,
    /// Partitions of every topic; fixed once the directory is made.
    pub partitions: u32,
    /// Size in bytes at which a new file is begun.
    pub segment_bytes: u64,
    /// Size in bytes beyond which records that nobody needs any more are removed: worked-off inputs, overwritten values.
    pub compact_bytes: u64,
}

impl Default for Local {
    fn default() -> Local {
        Local { dir: "data/log".into(), partitions: 4, segment_bytes: 64 << 20, compact_bytes: 512 << 20 }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Kafka {
    /// `host:port`, several separated by commas.
    pub bootstrap_servers: String,
    /// The consumer group. Workers of one group share the partitions.
    pub group_id: String,
    /// Static membership: unique for each process. A worker that comes back within the session time-out keeps its partitions.
    pub group_instance_id: Option<String>,
    /// Unique for each process and the same after its restart, so that an open transaction is ended at once. By default
    /// made of the group, the host name and the path of `state.dir`, which no two processes of a host can share.
    pub transactional_id_prefix: Option<String>,
    /// Put before every topic's name.
    pub topic_prefix: String,
    /// `protocol`, `sasl_mechanism`, `sasl_username`, `sasl_password`, `ssl_ca_location`, …: librdkafka's security settings.
    #[serde(deserialize_with = "security")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub security: BTreeMap<String, String>,
    /// Any other setting of librdkafka, by its name (`_` may stand for `.`); wins over what Scorekeeper chooses.
    #[serde(deserialize_with = "properties")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub properties: BTreeMap<String, String>,
}

impl Default for Kafka {
    fn default() -> Kafka {
        Kafka {
            bootstrap_servers: "127.0.0.1:9092".to_owned(),
            group_id: "scorekeeper".to_owned(),
            group_instance_id: None,
            transactional_id_prefix: None,
            topic_prefix: String::new(),
            security: BTreeMap::new(),
            properties: BTreeMap::new(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Worker {
    /// Threads, each with a consumer and a producer of its own, at most one for each partition. 0: one for each core; more
    /// would only cost memory and smaller transactions.
    pub threads: usize,
    /// How long a record waits for its commit, at most, while there is no backlog: about twice as long as a commit takes, if
    /// that is less. Under backlog transactions grow larger.
    #[schemars(with = "String")]
    pub commit_interval: Duration,
    /// Records of a transaction, at most.
    pub commit_max_events: usize,
    /// Bytes of a transaction, read or written, at most (roughly).
    pub commit_max_bytes: usize,
    /// How long a clean end may take after SIGTERM.
    #[schemars(with = "String")]
    pub shutdown_timeout: Duration,
}

impl Default for Worker {
    fn default() -> Worker {
        Worker {
            threads: 0,
            commit_interval: Duration(50),
            commit_max_events: 20_000,
            commit_max_bytes: 32 << 20,
            shutdown_timeout: Duration(20_000),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct State {
    /// A cache of what the changelog topics hold: it may be deleted at any time while the worker is down.
    pub dir: PathBuf,
    /// Memory for rows, in bytes, over all partitions.
    pub cache_bytes: usize,
    /// How often changed rows are written to disk, unless memory asks for it before.
    #[schemars(with = "String")]
    pub flush_interval: Duration,
    /// How long the changelog keeps deletions (its topic's `delete.retention.ms`). State older than half of it is rebuilt.
    #[schemars(with = "String")]
    pub delete_retention: Duration,
}

impl Default for State {
    fn default() -> State {
        State {
            dir: "data/state".into(),
            cache_bytes: 256 << 20,
            flush_interval: Duration(60_000),
            delete_retention: Duration::days(1),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ingest {
    /// For events that name no account.
    pub default_account: Option<String>,
    /// How long the identity of an event is remembered, in log time.
    #[schemars(with = "String")]
    pub dedup_window: Duration,
    /// How far an event's time may lie after its record's time.
    #[schemars(with = "String")]
    pub max_future: Duration,
    /// Size of an event in bytes.
    pub max_event_bytes: usize,
}

impl Default for Ingest {
    fn default() -> Ingest {
        let limits = Limits::default();
        Ingest {
            default_account: limits.default_account,
            dedup_window: limits.dedup_window,
            max_future: limits.max_future,
            max_event_bytes: limits.max_event_bytes,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// A rule file, or a folder of them, read at start.
    pub dir: Option<PathBuf>,
    /// Read the rules from the topic `rules` instead: to its end before work starts, and followed from then on.
    pub topic: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// `/metrics`, `/livez`, `/readyz`.
    pub admin: SocketAddr,
}

impl Default for Http {
    fn default() -> Http {
        Http { admin: SocketAddr::from(([0, 0, 0, 0], 9090)) }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// `text` or `json`, to standard error.
    pub log_format: LogFormat,
    /// As in `RUST_LOG`: `info`, `scorekeeper=debug,librdkafka=warn`.
    pub log_level: String,
}

impl Default for Telemetry {
    fn default() -> Telemetry {
        Telemetry { log_format: LogFormat::Text, log_level: "info".to_owned() }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// Where the settings file is looked for when none is named.
pub const DEFAULT_FILE: &str = "config/scorekeeper.toml";

/// The JSON Schema of the settings file, defaults included.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Settings).to_value()
}

impl Settings {
    /// Reads the file, then the environment over it. Without a file only [`DEFAULT_FILE`] is tried, and may be missing.
    pub fn load(file: Option<&Path>) -> Result<Settings, SettingsError> {
        Settings::from_sources(file, std::env::vars().collect())
    }

    fn from_sources(file: Option<&Path>, variables: BTreeMap<String, String>) -> Result<Settings, SettingsError> {
        let path = file.unwrap_or(Path::new(DEFAULT_FILE));
        let mut builder = config::Config::builder();
        match std::fs::read_to_string(path) {
            Ok(text) => {
                // read by itself first: these errors show the place in the file
                if let Err(error) = toml::from_str::<Settings>(&text) {
                    return Err(SettingsError(format!("{}: {}", path.display(), error.to_string().trim_end())));
                }
                builder = builder.add_source(config::File::from_str(&text, config::FileFormat::Toml));
            }
            Err(error) if file.is_some() || error.kind() != std::io::ErrorKind::NotFound => {
                return Err(SettingsError(format!("{}: {error}", path.display())));
            }
            Err(_) => {}
        }
        let environment = config::Environment::with_prefix("SCOREKEEPER")
            .prefix_separator("__")
            .separator("__")
            .source(Some(variables.into_iter().collect()));
        let read = builder.add_source(environment).build().and_then(config::Config::try_deserialize::<Settings>);
        let settings = read.map_err(|error| SettingsError(format!("settings: {error}")))?;
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), SettingsError> {
        let refuse = |message: &str| Err(SettingsError(format!("settings: {message}")));
        if self.worker.commit_interval.0 < 1 {
            return refuse("worker.commit_interval must be at least 1ms");
        }
        if self.worker.commit_max_events == 0 || self.worker.commit_max_bytes == 0 {
            return refuse("worker.commit_max_events and worker.commit_max_bytes must be at least 1");
        }
        if self.local.partitions == 0 {
            return refuse("local.partitions must be at least 1");
        }
        if self.rules.topic && self.rules.dir.is_some() {
            return refuse("rules come from rules.dir or from rules.topic, not from both");
        }
        Ok(())
    }

    /// The cluster, with a transactional id for this process: see [`Kafka::transactional_id_prefix`].
    pub fn cluster(&self) -> Kafka {
        let mut kafka = self.kafka.clone();
        kafka.transactional_id_prefix.get_or_insert_with(|| {
            let host = std::fs::read_to_string("/etc/hostname").ok().or_else(|| std::env::var("HOSTNAME").ok());
            let dir = std::path::absolute(&self.state.dir).unwrap_or_else(|_| self.state.dir.clone());
            let dir = crc32fast::hash(dir.as_os_str().as_encoded_bytes());
            format!("{}-{}-{dir:08x}", self.kafka.group_id, host.as_deref().map_or("local", str::trim))
        });
        kafka
    }

    /// The limits of the intake, as tasks take them.
    pub fn limits(&self) -> Limits {
        Limits {
            default_account: self.ingest.default_account.clone(),
            dedup_window: self.ingest.dedup_window,
            max_future: self.ingest.max_future,
            max_event_bytes: self.ingest.max_event_bytes,
            ..Limits::default()
        }
    }
}

/// `protocol` is `security.protocol`; the others keep their names, with `.` for `_`.
fn security<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let named = |key: String| match key.as_str() {
        "protocol" => "security.protocol".to_owned(),
        _ => key.replace('_', "."),
    };
    passed_through(deserializer, named)
}

fn properties<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    passed_through(deserializer, |key| key.replace('_', "."))
}

fn passed_through<'de, D: Deserializer<'de>>(
    deserializer: D,
    named: impl Fn(String) -> String,
) -> Result<BTreeMap<String, String>, D::Error> {
    let mut flat = BTreeMap::new();
    flatten("", Tree::deserialize(deserializer)?, &mut flat);
    flat.into_iter()
        .map(|(key, value)| match key.strip_suffix("_file") {
            None => Ok((named(key), value)),
            Some(secret) => std::fs::read_to_string(&value)
                .map(|text| (named(secret.to_owned()), text.trim_end().to_owned()))
                .map_err(|error| serde::de::Error::custom(format!("{key}: {value}: {error}"))),
        })
        .collect()
}

/// Dotted keys are tables in TOML.
#[derive(Deserialize)]
#[serde(untagged)]
enum Tree {
    Table(BTreeMap<String, Tree>),
    Flag(bool),
    Number(i64),
    Text(String),
}

fn flatten(prefix: &str, tree: Tree, into: &mut BTreeMap<String, String>) {
    let value = match tree {
        Tree::Table(table) => {
            for (key, tree) in table {
                let key = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
                flatten(&key, tree, into);
            }
            return;
        }
        Tree::Flag(flag) => flag.to_string(),
        Tree::Number(number) => number.to_string(),
        Tree::Text(text) => text,
    };
    into.insert(prefix.to_owned(), value);
}

#[cfg(test)]
mod tests;
