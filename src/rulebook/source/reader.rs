//! Reads a tree of nodes into Rust types through serde. An error knows the node it is about.

use std::fmt;
use std::ops::Range;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Error as _, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use super::node::{Kind, Node, Pruned};

/// Something wrong at a place of a file.
#[derive(Clone, Debug)]
pub struct Problem {
    pub message: String,
    pub help: Option<String>,
    pub span: Range<usize>,
}

impl Problem {
    pub fn new(message: impl Into<String>, span: Range<usize>) -> Problem {
        Problem { message: message.into(), help: None, span }
    }
}

/// Reads a document as far as it can be read: serde stops at the first error, so the node it is about is recorded and
/// pruned, and the rest is tried again. `None` if nothing is left, or after [`MAX_PROBLEMS`].
pub fn read<T: DeserializeOwned>(root: &Node, problems: &mut Vec<Problem>) -> (Option<T>, Pruned) {
    let mut pruned = Pruned::new();
    for _ in 0..MAX_PROBLEMS {
        let error = match T::deserialize(Reader { node: root, pruned: &pruned }) {
            Ok(value) => return (Some(value), pruned),
            Err(error) => error.at(root),
        };
        let (id, span) = error.node.unwrap_or((root.id, root.span.clone()));
        // what is missing because it has been pruned has been reported
        if !error.hidden {
            problems.push(Problem { message: error.message, help: error.help, span });
        }
        if id == root.id || !pruned.insert(id) {
            return (None, pruned);
        }
    }
    (None, pruned)
}

/// Beyond this many problems a document is given up.
const MAX_PROBLEMS: usize = 200;

#[derive(Debug)]
struct ReadError {
    message: String,
    help: Option<String>,
    missing: Option<&'static str>,
    hidden: bool,
    node: Option<(u32, Range<usize>)>,
}

impl ReadError {
    /// Attaches the node it is about, unless it has one: the innermost stands.
    fn at(mut self, node: &Node) -> ReadError {
        if self.node.is_none() {
            self.hidden = self.missing.is_some_and(|key| node.get(key).is_some_and(|value| !value.is_null()));
            self.node = Some((node.id, node.span.clone()));
        }
        self
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    fn custom<M: fmt::Display>(message: M) -> ReadError {
        ReadError { message: message.to_string(), help: None, missing: None, hidden: false, node: None }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> ReadError {
        let found = match found {
            Unexpected::Seq => "a list".to_owned(),
            Unexpected::Map => "a map".to_owned(),
            Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
            other => other.to_string(),
        };
        // serde says what a type is called in Rust; who writes rules knows texts, numbers, lists and keys
        let expected = match expected.to_string().as_str() {
            "a string" | "string" | "str" => "a text".to_owned(),
            "a boolean" => "true or false".to_owned(),
            "i64" | "u64" | "u32" => "a whole number".to_owned(),
            "a sequence" => "a list".to_owned(),
            name if name.starts_with("struct ") => "a map of keys".to_owned(),
            other => other.to_owned(),
        };
        ReadError::custom(format_args!("expected {expected}, found {found}"))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn de::Expected) -> ReadError {
        ReadError::custom(format_args!("{found} is out of range: expected {expected}"))
    }

    fn missing_field(field: &'static str) -> ReadError {
        ReadError { missing: Some(field), ..ReadError::custom(format_args!("`{field}` is missing")) }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> ReadError {
        ReadError { help: suggestion(field, expected), ..ReadError::custom(format_args!("unknown key `{field}`")) }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> ReadError {
        ReadError { help: suggestion(variant, expected), ..ReadError::custom(format_args!("unknown value `{variant}`")) }
    }
}

/// What may have been meant, else what there is.
fn suggestion(word: &str, words: &[&str]) -> Option<String> {
    let near = words.iter().map(|known| (strsim::jaro_winkler(word, known), *known)).max_by(|a, b| a.0.total_cmp(&b.0));
    match near {
        Some((similarity, known)) if similarity > 0.8 => Some(format!("did you mean `{known}`?")),
        Some(_) => Some(format!("one of {}", words.join(", "))),
        None => None,
    }
}

#[derive(Clone, Copy)]
struct Reader<'t> {
    node: &'t Node,
    pruned: &'t Pruned,
}

impl<'t> Reader<'t> {
    fn of(self, node: &'t Node) -> Reader<'t> {
        Reader { node, ..self }
    }

    fn refuse<'de, V: Visitor<'de>>(self, visitor: &V) -> ReadError {
        let found = match &self.node.kind {
            _ if self.node.is_null() => Unexpected::Other("nothing"),
            Kind::Scalar { text, plain: true } => Unexpected::Other(text),
            Kind::Scalar { text, .. } => Unexpected::Str(text),
            Kind::List(_) => Unexpected::Seq,
            Kind::Map(_) => Unexpected::Map,
        };
        ReadError::invalid_type(found, visitor).at(self.node)
    }

    fn visit_text<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.kind {
            Kind::Scalar { text, .. } if !self.node.is_null() => visitor.visit_str(text),
            _ => Err(self.refuse(&visitor)),
        }
    }

    fn visit_integer<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.kind {
            Kind::Scalar { text, plain: true } => match (text.parse::<i64>(), text.parse::<u64>()) {
                (Ok(number), _) => visitor.visit_i64(number),
                (_, Ok(number)) => visitor.visit_u64(number),
                _ => Err(self.refuse(&visitor)),
            },
            _ => Err(self.refuse(&visitor)),
        }
    }

    fn visit_list<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.kind {
            Kind::List(items) => visitor.visit_seq(Items { items: items.iter(), reader: self }),
            _ => Err(self.refuse(&visitor)),
        }
    }

    fn visit_entries<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.kind {
            Kind::Map(entries) => visitor.visit_map(Entries { entries: entries.iter(), value: None, reader: self }),
            _ => Err(self.refuse(&visitor)),
        }
    }
}

impl<'de> de::Deserializer<'de> for Reader<'_> {
    type Error = ReadError;

    /// By the YAML core schema, but for fractions: they stay texts, so that no amount passes through a float.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.kind {
            _ if self.node.is_null() => visitor.visit_unit(),
            Kind::Scalar { text, plain: true } => match text.as_str() {
                "true" | "True" | "TRUE" => visitor.visit_bool(true),
                "false" | "False" | "FALSE" => visitor.visit_bool(false),
                _ if text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok() => self.visit_integer(visitor),
                _ => visitor.visit_str(text),
            },
            Kind::Scalar { text, .. } => visitor.visit_str(text),
            Kind::List(_) => self.visit_list(visitor),
            Kind::Map(_) => self.visit_entries(visitor),
        }
        .map_err(|error| error.at(self.node))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.kind {
            Kind::Scalar { text, plain: true } => match text.as_str() {
                "true" | "True" | "TRUE" => visitor.visit_bool(true),
                "false" | "False" | "FALSE" => visitor.visit_bool(false),
                _ => Err(self.refuse(&visitor)),
            },
            _ => Err(self.refuse(&visitor)),
        }
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.visit_integer(visitor)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.visit_integer(visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.visit_integer(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.visit_text(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.visit_text(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.visit_text(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        if self.node.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.visit_list(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.visit_entries(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.visit_entries(visitor).map_err(|error| error.at(self.node))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match &self.node.kind {
            Kind::Scalar { text, .. } => {
                let variant: StrDeserializer<'_, ReadError> = text.as_str().into_deserializer();
                visitor.visit_enum(variant)
            }
            _ => Err(self.refuse(&visitor)),
        }
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct ignored_any
    }
}

struct Items<'t> {
    items: std::slice::Iter<'t, Node>,
    reader: Reader<'t>,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = ReadError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, ReadError> {
        let pruned = self.reader.pruned;
        match self.items.find(|item| !pruned.contains(&item.id)) {
            Some(item) => seed.deserialize(self.reader.of(item)).map(Some).map_err(|error| error.at(item)),
            None => Ok(None),
        }
    }
}

/// Keys without a value are passed over, as if they were not written.
struct Entries<'t> {
    entries: std::slice::Iter<'t, (Node, Node)>,
    value: Option<&'t Node>,
    reader: Reader<'t>,
}

impl<'de> de::MapAccess<'de> for Entries<'_> {
    type Error = ReadError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, ReadError> {
        let pruned = self.reader.pruned;
        let wanted = |(key, value): &&(Node, Node)| !value.is_null() && !pruned.contains(&key.id) && !pruned.contains(&value.id);
        match self.entries.find(wanted) {
            Some((key, value)) => {
                self.value = Some(value);
                seed.deserialize(self.reader.of(key)).map(Some).map_err(|error| error.at(key))
            }
            None => Ok(None),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, ReadError> {
        match self.value.take() {
            Some(value) => seed.deserialize(self.reader.of(value)).map_err(|error| error.at(value)),
            None => Err(ReadError::custom("a value was asked for before its key")),
        }
    }
}
