//! CloudEvents 1.0: the JSON format (the record's value is the event), and Kafka's binary mode (the attributes are headers,
//! the value is the data).
//! Source: CloudEvents 1.0.2, `json-format.md` and `kafka-protocol-binding.md`.

use std::borrow::Cow;

use super::{Members, Reason, Rejection, account, digest, instant, json, missing, optional, required, utf8};
use crate::engine::Limits;
use crate::events::{Data, Event, Timestamp};

/// An event in JSON.
pub fn read<'a>(members: &Members<'a>, limits: &Limits) -> Result<Event<'a>, Rejection> {
    Ok(Event {
        id: required("id", members.id)?,
        source: required("source", members.source)?,
        kind: required("type", members.kind)?,
        time: attribute_time(members.time)?,
        account: account(optional("account", members.account)?, limits)?,
        contact: optional("contact", members.contact)?,
        actor: optional("actor", members.actor)?,
        data: Data::new(members.data.unwrap_or_default()),
        digest: members.digest,
    })
}

/// A time attribute, which is there but of no use if it is no text.
pub fn attribute_time(value: Option<&str>) -> Result<Timestamp, Rejection> {
    let value = value.ok_or_else(|| missing("time"))?;
    instant(&json::text(value).unwrap_or(Cow::Borrowed(value)))
}

/// The headers of a binary-mode record.
pub struct Binary<'i, 'a> {
    headers: &'i [(&'a str, &'a [u8])],
}

impl<'i, 'a> Binary<'i, 'a> {
    /// Whether the headers are those of binary mode. A content type of `application/cloudevents…` says that the value is
    /// the event, whatever other headers there are.
    pub fn recognise(headers: &'i [(&'a str, &'a [u8])]) -> Option<Binary<'i, 'a>> {
        let named = |name: &str| headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        named("ce_specversion").or_else(|| named("ce_id"))?;
        let structured = named("content-type").is_some_and(|(_, kind)| kind.starts_with(b"application/cloudevents"));
        (!structured).then_some(Binary { headers })
    }

    pub fn read(&self, value: &'a [u8], limits: &Limits) -> Result<Event<'a>, Rejection> {
        match self.attribute("specversion")? {
            Some("1.0") => {}
            Some(version) => return Err(Rejection::new(Reason::NotAnEvent, format!("CloudEvents of version {version:?}"))),
            None => return Err(missing("specversion")),
        }
        if let Some((_, kind)) = self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
            && !value.is_empty()
            && !is_json(kind)
        {
            return Err(Rejection::new(Reason::NotAnEvent, "the data is no JSON"));
        }
        let present = |name: &str| self.attribute(name).and_then(|value| value.ok_or_else(|| missing(name)));
        let data = utf8(value)?.trim_ascii();
        let mut digest = self.attributes_digest()?;
        if !data.is_empty() {
            digest = digest.wrapping_add(digest::member("data", json::document(data, |_, _, _| {})?.hash));
        }
        Ok(Event {
            id: Cow::Borrowed(present("id")?),
            source: Cow::Borrowed(present("source")?),
            kind: Cow::Borrowed(present("type")?),
            time: instant(present("time")?)?,
            account: account(self.attribute("account")?.map(Cow::Borrowed), limits)?,
            contact: self.attribute("contact")?.map(Cow::Borrowed),
            actor: self.attribute("actor")?.map(Cow::Borrowed),
            data: Data::new(data),
            digest,
        })
    }

    /// The value of a `ce_` header; an empty one is none.
    fn attribute(&self, name: &str) -> Result<Option<&'a str>, Rejection> {
        let found = self.headers.iter().find(|(header, _)| header.strip_prefix("ce_").is_some_and(|rest| rest == name));
        let text = found.map(|(_, value)| utf8(value)).transpose()?;
        Ok(text.filter(|text| !text.is_empty()))
    }

    /// As the same attributes would give it in JSON.
    fn attributes_digest(&self) -> Result<u64, Rejection> {
        let mut sum = 0u64;
        for (name, value) in self.headers {
            if let Some(name) = name.strip_prefix("ce_").filter(|name| *name != "datacontenttype") {
                sum = sum.wrapping_add(digest::member(name, digest::string(utf8(value)?)));
            }
        }
        Ok(sum)
    }
}

fn is_json(content_type: &[u8]) -> bool {
    let kind = content_type.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
    kind.eq_ignore_ascii_case(b"application/json") || kind.to_ascii_lowercase().ends_with(b"+json")
}
