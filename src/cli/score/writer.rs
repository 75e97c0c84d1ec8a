//! The output topics as JSONL files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::events::Timestamp;
use crate::outputs::{Record, Topic};

/// Writes each record to the file of its topic. An error is kept until [`Writer::finish`].
pub struct Writer {
    files: BTreeMap<Topic, BufWriter<File>>,
    error: Option<std::io::Error>,
}

/// One line.
#[derive(Serialize)]
struct Line<'r> {
    key: &'r str,
    value: Value<'r>,
    timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<BTreeMap<&'r str, String>>,
}

/// A record's value: JSON as it is, other bytes as a text, a tombstone as null.
#[derive(Serialize)]
#[serde(untagged)]
enum Value<'r> {
    Json(&'r RawValue),
    Text(std::borrow::Cow<'r, str>),
    None,
}

impl Writer {
    /// Creates the folder and an empty file for every output topic.
    pub fn create(folder: &Path) -> std::io::Result<Writer> {
        std::fs::create_dir_all(folder)?;
        let mut files = BTreeMap::new();
        for topic in Topic::ALL.into_iter().filter(|topic| topic.is_public_output()) {
            let file = File::create(folder.join(format!("{}.jsonl", topic.name())))?;
            files.insert(topic, BufWriter::with_capacity(1 << 18, file));
        }
        Ok(Writer { files, error: None })
    }

    pub fn take(&mut self, record: &Record<'_>) {
        let Some(file) = self.files.get_mut(&record.topic) else { return };
        if let Err(error) = write_line(file, record) {
            self.error.get_or_insert(error);
        }
    }

    /// Writes what is buffered.
    pub fn finish(self) -> std::io::Result<()> {
        self.error.map_or(Ok(()), Err)?;
        self.files.into_values().try_for_each(|mut file| file.flush())
    }
}

fn write_line(file: &mut impl Write, record: &Record<'_>) -> std::io::Result<()> {
    let value = match record.value {
        None => Value::None,
        Some(bytes) => match serde_json::from_slice::<&RawValue>(bytes) {
            Ok(json) => Value::Json(json),
            Err(_) => Value::Text(String::from_utf8_lossy(bytes)),
        },
    };
    let headers = (record.topic == Topic::DeadLetters).then(|| {
        record.headers.iter().map(|(name, value)| (name.as_ref(), String::from_utf8_lossy(value).into_owned())).collect()
    });
    let key = String::from_utf8_lossy(record.key);
    serde_json::to_writer(&mut *file, &Line { key: &key, value, timestamp: record.timestamp, headers })?;
    file.write_all(b"\n")
}
