//! `topics/*.yaml` against the cluster: what is missing, what differs, and making it so.
//!
//! The files are Strimzi `KafkaTopic` resources, so that a cluster with that operator can take them as they are. Partition
//! counts are fixed at creation: keys would leave their state. A changed count is refused.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use serde::{Deserialize, Serialize};

use super::log::LogError;
use super::log::kafka::client;
use super::settings::Kafka;
use crate::outputs::Topic;

/// A topic as its file wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub topic: Topic,
    pub partitions: u32,
    pub replicas: u32,
    pub config: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Resource {
    api_version: String,
    kind: String,
    metadata: Metadata,
    spec: Spec,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Spec {
    topic_name: Option<String>,
    partitions: u32,
    replicas: u32,
    #[serde(default)]
    config: BTreeMap<String, serde_json::Value>,
}

/// What the cluster lacks of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "step")]
pub enum Step {
    Create {
        topic: String,
        partitions: u32,
        replicas: u32,
    },
    /// Setting → what it is, what it is to be.
    Configure {
        topic: String,
        config: BTreeMap<String, (String, String)>,
    },
    /// Cannot be changed: `partitions` are there, `wanted` are in the file.
    Refuse {
        topic: String,
        partitions: u32,
        wanted: u32,
    },
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Step::Create { topic, partitions, replicas } => {
                write!(f, "create {topic}: {partitions} partitions, {replicas} replicas")
            }
            Step::Configure { topic, config } => {
                write!(f, "change {topic}:")?;
                config.iter().try_for_each(|(key, (is, wanted))| write!(f, " {key} {is} → {wanted}"))
            }
            Step::Refuse { topic, partitions, wanted } => {
                write!(f, "refused {topic}: it has {partitions} partitions, not {wanted}; a count cannot be changed")
            }
        }
    }
}

/// Reads a folder's files; there must be one for each topic. `partitions` and `replicas` replace those of every file.
pub fn read(dir: &Path, partitions: Option<u32>, replicas: Option<u32>) -> Result<Vec<Wanted>, LogError> {
    Topic::ALL
        .into_iter()
        .map(|topic| {
            let path = dir.join(format!("{}.yaml", topic.name()));
            let fatal = |error: &dyn std::fmt::Display| LogError::Fatal(format!("{}: {error}", path.display()));
            let text = std::fs::read_to_string(&path).map_err(|error| fatal(&error))?;
            let resource: Resource = serde_saphyr::from_str(&text).map_err(|error| fatal(&error))?;
            let name = resource.spec.topic_name.as_ref().unwrap_or(&resource.metadata.name);
            if resource.kind != "KafkaTopic" || !resource.api_version.starts_with("kafka.strimzi.io/") || name != topic.name() {
                return Err(fatal(&format!("not a Strimzi KafkaTopic for {}", topic.name())));
            }
            let replicas = replicas.unwrap_or(resource.spec.replicas);
            let text = |value: serde_json::Value| match value {
                serde_json::Value::String(text) => text,
                other => other.to_string(),
            };
            let mut config: BTreeMap<String, String> =
                resource.spec.config.into_iter().map(|(key, value)| (key, text(value))).collect();
            // more replicas in sync than there are would refuse every write
            if let Some(in_sync) = config.get_mut("min.insync.replicas")
                && in_sync.parse::<u32>().is_ok_and(|in_sync| in_sync > replicas)
            {
                *in_sync = replicas.to_string();
            }
            Ok(Wanted { topic, partitions: partitions.unwrap_or(resource.spec.partitions), replicas, config })
        })
        .collect()
}

/// The topics of a cluster.
pub struct Cluster {
    admin: AdminClient<DefaultClientContext>,
    runtime: tokio::runtime::Runtime,
    prefix: String,
}

const TIMEOUT: Duration = Duration::from_secs(30);

fn session(error: impl std::fmt::Display) -> LogError {
    LogError::Session(error.to_string())
}

impl Cluster {
    pub fn connect(settings: &Kafka) -> Result<Cluster, LogError> {
        let admin = client(settings).create().map_err(|error| LogError::Fatal(format!("[kafka] settings: {error}")))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(session)?;
        Ok(Cluster { admin, runtime, prefix: settings.topic_prefix.clone() })
    }

    fn name(&self, topic: Topic) -> String {
        format!("{}{}", self.prefix, topic.name())
    }

    /// What is to be done.
    pub fn plan(&self, wanted: &[Wanted]) -> Result<Vec<Step>, LogError> {
        let metadata = self.admin.inner().fetch_metadata(None, TIMEOUT).map_err(session)?;
        let there: HashMap<&str, u32> =
            metadata.topics().iter().map(|topic| (topic.name(), topic.partitions().len() as u32)).collect();
        let mut steps = Vec::new();
        let mut known = Vec::new();
        for wanted in wanted {
            let name = self.name(wanted.topic);
            match there.get(name.as_str()) {
                None => steps.push(Step::Create { topic: name, partitions: wanted.partitions, replicas: wanted.replicas }),
                Some(&partitions) => {
                    if partitions != wanted.partitions {
                        steps.push(Step::Refuse { topic: name.clone(), partitions, wanted: wanted.partitions });
                    }
                    known.push((name, wanted));
                }
            }
        }
        for ((name, wanted), is) in known.iter().zip(self.configs(&known)?) {
            let differs = wanted.config.iter().filter_map(|(key, wanted)| {
                let is = is.get(key).cloned().unwrap_or_default();
                (!same(&is, wanted)).then(|| (key.clone(), (is, wanted.clone())))
            });
            let config: BTreeMap<_, _> = differs.collect();
            if !config.is_empty() {
                steps.push(Step::Configure { topic: name.clone(), config });
            }
        }
        Ok(steps)
    }

    fn configs(&self, known: &[(String, &Wanted)]) -> Result<Vec<HashMap<String, String>>, LogError> {
        if known.is_empty() {
            return Ok(Vec::new());
        }
        let resources: Vec<_> = known.iter().map(|(name, _)| ResourceSpecifier::Topic(name)).collect();
        let options = AdminOptions::new().request_timeout(Some(TIMEOUT));
        let described = self.runtime.block_on(self.admin.describe_configs(&resources, &options)).map_err(session)?;
        described
            .into_iter()
            .map(|resource| {
                let entries = resource.map_err(session)?.entries;
                Ok(entries.into_iter().filter_map(|entry| Some((entry.name, entry.value?))).collect())
            })
            .collect()
    }

    /// Does what [`Cluster::plan`] says. Nothing is done if something must be refused.
    pub fn apply(&self, wanted: &[Wanted]) -> Result<Vec<Step>, LogError> {
        let steps = self.plan(wanted)?;
        if let Some(refused) = steps.iter().find(|step| matches!(step, Step::Refuse { .. })) {
            return Err(LogError::Fatal(refused.to_string()));
        }
        let options = AdminOptions::new().request_timeout(Some(TIMEOUT)).operation_timeout(Some(TIMEOUT));
        let mut creates = Vec::new();
        let mut alters = Vec::new();
        for step in &steps {
            let name = match step {
                Step::Create { topic, .. } | Step::Configure { topic, .. } | Step::Refuse { topic, .. } => topic,
            };
            let Some(wanted) = wanted.iter().find(|wanted| self.name(wanted.topic) == *name) else { continue };
            if let Step::Create { partitions, replicas, .. } = step {
                let new = NewTopic::new(name, *partitions as i32, TopicReplication::Fixed(*replicas as i32));
                creates.push(wanted.config.iter().fold(new, |new, (key, value)| new.set(key, value)));
            } else {
                let alter = AlterConfig::new(ResourceSpecifier::Topic(name));
                alters.push(wanted.config.iter().fold(alter, |alter, (key, value)| alter.set(key, value)));
            }
        }
        if !creates.is_empty() {
            for result in self.runtime.block_on(self.admin.create_topics(&creates, &options)).map_err(session)? {
                result.map_err(|(topic, code)| LogError::Session(format!("{topic}: {code}")))?;
            }
            self.await_topics(wanted)?;
        }
        if !alters.is_empty() {
            for result in self.runtime.block_on(self.admin.alter_configs(&alters, &options)).map_err(session)? {
                result.map_err(|(topic, code)| LogError::Session(format!("{topic:?}: {code}")))?;
            }
        }
        Ok(steps)
    }
}

impl Cluster {
    /// A topic that was just created may not be known to every broker at once.
    fn await_topics(&self, wanted: &[Wanted]) -> Result<(), LogError> {
        let started = Instant::now();
        loop {
            let metadata = self.admin.inner().fetch_metadata(None, TIMEOUT).map_err(session)?;
            let is_there = |wanted: &Wanted| {
                let name = self.name(wanted.topic);
                let topic = metadata.topics().iter().find(|topic| topic.name() == name);
                topic.is_some_and(|topic| topic.partitions().len() as u32 == wanted.partitions)
            };
            if wanted.iter().all(is_there) {
                return Ok(());
            }
            if started.elapsed() > TIMEOUT {
                return Err(session("the topics were created, but do not appear"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// `0.3` and `0.30` are the same setting.
fn same(is: &str, wanted: &str) -> bool {
    is == wanted || is.parse::<f64>().ok().zip(wanted.parse::<f64>().ok()).is_some_and(|(is, wanted)| is == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_files_cover_every_topic() {
        let wanted = read(Path::new("topics"), None, None).unwrap();
        assert_eq!(wanted.len(), Topic::ALL.len());
        assert!(wanted.iter().all(|wanted| wanted.partitions == 24 && wanted.replicas == 3));
        for wanted in &wanted {
            let compacted = wanted.config["cleanup.policy"] == "compact";
            let retention = wanted.config.get("retention.ms").map(String::as_str);
            assert_eq!(compacted, retention.is_none(), "{:?}", wanted.topic);
            assert!(!wanted.topic.is_coalesced() || compacted, "{:?} keeps the last value of a key", wanted.topic);
            let ledger = matches!(wanted.topic, Topic::Xp | Topic::Coins | Topic::CommissionLines | Topic::Rules);
            assert_eq!(ledger, retention == Some("-1"), "{:?}", wanted.topic);
        }
    }

    #[test]
    fn overrides_replace_what_the_files_say() {
        let wanted = read(Path::new("topics"), Some(4), Some(1)).unwrap();
        assert!(wanted.iter().all(|wanted| wanted.partitions == 4 && wanted.replicas == 1));
        assert!(wanted.iter().all(|wanted| wanted.config["min.insync.replicas"] == "1"));
        assert!(read(Path::new("src"), None, None).is_err());
    }
}
