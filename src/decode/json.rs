//! One walk over a JSON text that checks it, hashes it and shows the members of the outermost object.
//!
//! Beyond the grammar of RFC 8259 it refuses what could be read in two ways or not at all later on: a name twice in one
//! object, lone surrogates, nesting deeper than [`MAX_DEPTH`]. Through serde the same would take two passes (a raw value to
//! keep, a visitor to hash) and an allocation for every number.

use std::borrow::Cow;

use super::{Reason, Rejection, digest};

/// How deep arrays and objects may nest.
pub const MAX_DEPTH: u32 = 96;

/// What a text holds.
pub struct Document {
    pub is_object: bool,
    pub hash: u64,
}

/// Walks a whole text. Of an object, shows each member: its name, its value as text, and the hash of both (those of all
/// members add up to the object's content).
pub fn document<'a>(text: &'a str, member: impl FnMut(&str, &'a str, u64)) -> Result<Document, Rejection> {
    let mut walk = Walk { text, bytes: text.as_bytes(), at: 0 };
    walk.space();
    let is_object = walk.peek() == Some(b'{');
    let hash = if is_object { walk.object(0, member)? } else { walk.value(0)? };
    walk.space();
    if walk.at < walk.bytes.len() { Err(walk.error("text after the value")) } else { Ok(Document { is_object, hash }) }
}

/// The text that a JSON string, already walked over, stands for; `None` for other values.
pub fn text(value: &str) -> Option<Cow<'_, str>> {
    let inner = value.strip_prefix('"')?.strip_suffix('"')?;
    if inner.as_bytes().contains(&b'\\') {
        serde_json::from_str::<String>(value).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

struct Walk<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\t' | b'\r')) {
            self.at += 1;
        }
    }

    #[cold]
    fn error(&self, message: &str) -> Rejection {
        Rejection::new(Reason::MalformedJson, format!("{message} at byte {}", self.at))
    }

    fn expect(&mut self, byte: u8, message: &str) -> Result<(), Rejection> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(self.error(message))
        }
    }

    /// Any value; its hash.
    fn value(&mut self, depth: u32) -> Result<u64, Rejection> {
        match self.peek() {
            Some(b'"') => self.string().map(|text| digest::string(&text)),
            Some(b'{') => self.object(depth, |_, _, _| {}),
            Some(b'[') => self.array(depth),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", digest::TRUE),
            Some(b'f') => self.word("false", digest::FALSE),
            Some(b'n') => self.word("null", digest::NULL),
            Some(_) => Err(self.error("no JSON value")),
            None => Err(self.error("the text ends early")),
        }
    }

    fn word(&mut self, word: &str, hash: u64) -> Result<u64, Rejection> {
        if self.bytes[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(hash)
        } else {
            Err(self.error("no JSON value"))
        }
    }

    fn object(&mut self, depth: u32, mut member: impl FnMut(&str, &'a str, u64)) -> Result<u64, Rejection> {
        if depth >= MAX_DEPTH {
            return Err(self.error("nested too deeply"));
        }
        self.at += 1;
        self.space();
        let (mut sum, mut names) = (0u64, Names::default());
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(digest::mix(digest::OBJECT, sum));
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.error("no member name"));
            }
            let name = self.string()?;
            self.space();
            self.expect(b':', "no colon after a name")?;
            self.space();
            let start = self.at;
            let value = self.value(depth + 1)?;
            let (name_hash, text) = (digest::string(&name), &self.text[start..self.at]);
            if !names.add(name_hash) {
                return Err(self.error("a name twice in one object"));
            }
            let hash = digest::mix(name_hash, value);
            sum = sum.wrapping_add(hash);
            member(&name, text, hash);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(self.error("neither a comma nor the end of an object")),
            }
            self.space();
        }
        self.at += 1;
        if names.repeat() { Err(self.error("a name twice in one object")) } else { Ok(digest::mix(digest::OBJECT, sum)) }
    }

    fn array(&mut self, depth: u32) -> Result<u64, Rejection> {
        if depth >= MAX_DEPTH {
            return Err(self.error("nested too deeply"));
        }
        self.at += 1;
        self.space();
        let mut hash = digest::ARRAY;
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(hash);
        }
        loop {
            hash = digest::mix(hash, self.value(depth + 1)?);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(self.error("neither a comma nor the end of an array")),
            }
            self.space();
        }
        self.at += 1;
        Ok(hash)
    }

    /// A string, from its opening quote on.
    fn string(&mut self) -> Result<Cow<'a, str>, Rejection> {
        let start = self.at;
        self.at += 1;
        let mut escaped = false;
        loop {
            self.at += plain_prefix(&self.bytes[self.at.min(self.bytes.len())..]);
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.at += 2;
                }
                Some(0..=0x1f) => return Err(self.error("a control character in a string")),
                Some(_) => self.at += 1, // the rest, shorter than a word
                None => {
                    self.at = self.bytes.len();
                    return Err(self.error("the text ends within a string"));
                }
            }
        }
        self.at += 1;
        if !escaped {
            return Ok(Cow::Borrowed(&self.text[start + 1..self.at - 1]));
        }
        match self.text.get(start..self.at).map(serde_json::from_str::<String>) {
            Some(Ok(text)) => Ok(Cow::Owned(text)),
            _ => Err(self.error("an escape that means nothing before the end of the string")),
        }
    }

    fn number(&mut self) -> Result<u64, Rejection> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(digest::number(&self.text[start..self.at]))
    }

    fn digits(&mut self) -> Result<(), Rejection> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { Err(self.error("no digit where one is needed")) } else { Ok(()) }
    }
}

/// How many bytes, in whole words, come before a word with a quote, a backslash or a control character in it; and in that
/// word, before the first of them.
fn plain_prefix(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let mut at = 0;
    for word in bytes.chunks_exact(8) {
        let word = u64::from_le_bytes([word[0], word[1], word[2], word[3], word[4], word[5], word[6], word[7]]);
        // the high bit of each byte that is zero, and perhaps of bytes above it
        let zeros = |x: u64| x.wrapping_sub(ONES) & !x;
        let found =
            zeros(word ^ (ONES * b'"' as u64)) | zeros(word ^ (ONES * b'\\' as u64)) | word.wrapping_sub(ONES * 0x20) & !word;
        if found & HIGHS != 0 {
            return at + (found & HIGHS).trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    at
}

/// The hashes of the names of one object, to find one that repeats: the first few at once, the rest at the end, so that an
/// object of many members costs no more than a sort.
#[derive(Default)]
struct Names {
    few: [u64; 16],
    len: usize,
    more: Vec<u64>,
}

impl Names {
    /// Whether it is new among the first few.
    fn add(&mut self, name: u64) -> bool {
        if self.len < self.few.len() {
            if self.few[..self.len].contains(&name) {
                return false;
            }
            self.few[self.len] = name;
            self.len += 1;
        } else {
            self.more.push(name);
        }
        true
    }

    /// Whether any repeats.
    fn repeat(mut self) -> bool {
        if self.more.is_empty() {
            return false;
        }
        self.more.extend(self.few);
        self.more.sort_unstable();
        self.more.windows(2).any(|pair| pair[0] == pair[1])
    }
}
