//! Records that no input caused: written outside of any transaction, each once, in order.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};

use super::{Names, TIMEOUT, config, session_error};
use crate::outputs::{Outbox, Record, Route, partitioner};
use crate::runtime::log::LogError;
use crate::runtime::settings::Kafka;

/// Notes the first record that did not arrive.
#[derive(Default)]
struct Deliveries(Mutex<Option<KafkaError>>);

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| error.clone());
        }
    }
}

pub fn append(settings: &Kafka, names: &Names, outbox: &Outbox) -> Result<(), LogError> {
    let producer: BaseProducer<Deliveries> =
        config::writer(settings).create_with_context(Deliveries::default()).map_err(session_error)?;
    for record in outbox.records() {
        send(&producer, names, &record)?;
    }
    producer.flush(TIMEOUT).map_err(session_error)?;
    let failure = producer.context().0.lock().unwrap_or_else(PoisonError::into_inner).take();
    failure.map_or(Ok(()), |error| Err(session_error(error)))
}

fn send(producer: &BaseProducer<Deliveries>, names: &Names, record: &Record<'_>) -> Result<(), LogError> {
    let partition = match record.route {
        Route::Key => partitioner::partition(record.key, names.partitions(record.topic)),
        Route::Partition(partition) => partition,
    };
    let mut to_send = BaseRecord::<[u8], [u8]>::to(names.of(record.topic))
        .partition(partition as i32)
        .key(record.key)
        .timestamp(record.timestamp.0.max(0));
    if let Some(value) = record.value {
        to_send = to_send.payload(value);
    }
    if !record.headers.is_empty() {
        let headers = record
            .headers
            .iter()
            .fold(OwnedHeaders::new(), |headers, (key, value)| headers.insert(Header { key: key.as_ref(), value: Some(value) }));
        to_send = to_send.headers(headers);
    }
    let started = Instant::now();
    loop {
        match producer.send(to_send) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(rdkafka::types::RDKafkaErrorCode::QueueFull), again))
                if started.elapsed() < TIMEOUT =>
            {
                producer.poll(Duration::from_millis(10));
                to_send = again;
            }
            Err((error, _)) => return Err(session_error(error)),
        }
    }
}
