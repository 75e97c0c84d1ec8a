//! Values that are written in one of several forms: a word, a map of keys, or a list.
//!
//! Unlike serde's untagged enums, nothing is buffered: an error inside a form keeps its place.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserializer;
use serde::de::{Error, MapAccess, SeqAccess, Unexpected, Visitor};

/// What a value with several forms makes of each.
pub trait Forms: Sized {
    /// What may be written, for errors.
    const EXPECTED: &'static str;

    /// From a scalar, numbers as they were written.
    fn from_word<E: Error>(word: &str) -> Result<Self, E>;

    fn from_keys<'de, A: MapAccess<'de>>(_: A) -> Result<Self, A::Error> {
        Err(A::Error::invalid_type(Unexpected::Map, &Self::EXPECTED))
    }

    fn from_list<'de, A: SeqAccess<'de>>(_: A) -> Result<Self, A::Error> {
        Err(A::Error::invalid_type(Unexpected::Seq, &Self::EXPECTED))
    }
}

/// Reads a value in whichever form it is written.
pub fn read_form<'de, T: Forms, D: Deserializer<'de>>(d: D) -> Result<T, D::Error> {
    d.deserialize_any(FormVisitor(PhantomData))
}

struct FormVisitor<T>(PhantomData<T>);

impl<'de, T: Forms> Visitor<'de> for FormVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<T, E> {
        T::from_word(word)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        T::from_word(&number.to_string())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        T::from_word(&number.to_string())
    }

    fn visit_map<A: MapAccess<'de>>(self, keys: A) -> Result<T, A::Error> {
        T::from_keys(keys)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        T::from_list(list)
    }
}
