//! A reader of JSON responses that avoids key lookups.
//!
//! Records of one page have the same keys in the same order, so a key is not looked up but compared in place with the
//! expected one ([`Reader::take_key`]). No parser that returns keys as strings can do this, and keys and nulls are most
//! of a response.
//!
//! Rare cases (escapes, fractions, errors) are left to `serde_json`, so that this reader cannot differ from it: it
//! accepts nothing that `serde_json` rejects, returns the same values, and its error only means that the response must
//! be decoded by `serde_json`.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

/// Arrays and objects that are nested deeper are left to `serde_json`, which rejects a few levels more.
const DEEPEST: u8 = 100;

/// The response does not have the expected form, or is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unusual;

impl fmt::Display for Unusual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot be decoded by the fast reader")
    }
}

impl std::error::Error for Unusual {}

impl serde::de::Error for Unusual {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// A position in a JSON string.
#[derive(Debug)]
pub(super) struct Reader<'de> {
    text: &'de str,
    at: usize,
    depth: u8,
}

impl<'de> Reader<'de> {
    pub(super) fn new(text: &'de str) -> Self {
        Self {
            text,
            at: 0,
            depth: 0,
        }
    }

    /// Only whitespace may follow.
    pub(super) fn end(&mut self) -> Result<(), Unusual> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(Unusual),
        }
    }

    /// The next byte that is not whitespace.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                byte => return byte.copied(),
            }
        }
    }

    /// Consumes a byte that must be next.
    #[inline]
    pub(super) fn expect(&mut self, byte: u8) -> Result<(), Unusual> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(Unusual)
        }
    }

    /// Starts an array or object.
    pub(super) fn open(&mut self, bracket: u8) -> Result<(), Unusual> {
        self.expect(bracket)?;
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Unusual);
        }
        Ok(())
    }

    /// Whether there is another item before the closing bracket; consumes the comma or the bracket.
    #[inline]
    pub(super) fn has_more(&mut self, is_first: bool, bracket: u8) -> Result<bool, Unusual> {
        match self.peek() {
            Some(byte) if byte == bracket => {
                self.at += 1;
                self.depth -= 1;
                Ok(false)
            }
            Some(_) if is_first => Ok(true),
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            _ => Err(Unusual),
        }
    }

    /// Consumes a key and its colon if it is this key.
    #[inline]
    pub(super) fn take_key(&mut self, key: &str) -> bool {
        if self.peek() != Some(b'"') {
            return false;
        }
        let rest = &self.text.as_bytes()[self.at + 1..];
        // No expected attribute has a name with characters that JSON escapes; otherwise it is not found here.
        let Some((found, [b'"', b':', ..])) = rest.split_at_checked(key.len()) else {
            // A space before the colon is rare.
            return false;
        };
        let is_it = is_same(found, key.as_bytes());
        if is_it {
            self.at += key.len() + 3;
        }
        is_it
    }

    /// Returns a key.
    pub(super) fn key(&mut self) -> Result<Cow<'de, str>, Unusual> {
        match self.peek() {
            Some(b'"') => self.string(),
            _ => Err(Unusual),
        }
    }

    /// Consumes a null if there is one.
    #[inline]
    pub(super) fn take_null(&mut self) -> bool {
        self.peek() == Some(b'n') && self.take(b"null").is_ok()
    }

    /// Consumes a word. Its length is constant, so that the comparison is one of machine words.
    #[inline]
    fn take<const N: usize>(&mut self, word: &[u8; N]) -> Result<(), Unusual> {
        let rest = self.text.as_bytes().get(self.at..);
        if rest.and_then(<[u8]>::first_chunk) == Some(word) {
            self.at += N;
            Ok(())
        } else {
            Err(Unusual)
        }
    }

    /// Reads a string that starts at the next byte.
    #[inline]
    fn string(&mut self) -> Result<Cow<'de, str>, Unusual> {
        let start = self.at + 1;
        let end = special(self.text.as_bytes(), start);
        if self.text.as_bytes().get(end) != Some(&b'"') {
            return self.escaped(end).map(Cow::Owned);
        }
        self.at = end + 1;
        self.text.get(start..end).map(Cow::Borrowed).ok_or(Unusual)
    }

    /// Reads a string that starts at the next byte and has the first escape at `end`.
    #[cold]
    fn escaped(&mut self, mut end: usize) -> Result<String, Unusual> {
        let (bytes, start) = (self.text.as_bytes(), self.at);
        let mut is_simple = true;
        loop {
            match bytes.get(end) {
                Some(b'"') => break,
                Some(b'\\') => {
                    let next = bytes.get(end + 1);
                    is_simple &= next.is_some_and(|next| unescaped(*next).is_some());
                    end = special(bytes, end + 2);
                }
                _ => return Err(Unusual),
            }
        }
        self.at = end + 1;
        let quoted = self.text.get(start..=end).ok_or(Unusual)?;
        if !is_simple {
            return serde_json::from_str(quoted).map_err(|_| Unusual);
        }
        let mut rest = &quoted[1..quoted.len() - 1];
        let mut text = String::with_capacity(rest.len());
        while let Some((before, after)) = rest.split_once('\\') {
            text.push_str(before);
            let escape = after.bytes().next().and_then(unescaped);
            text.push(escape.ok_or(Unusual)?);
            rest = &after[1..];
        }
        text.push_str(rest);
        Ok(text)
    }

    fn number<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Unusual> {
        let rest = &self.text.as_bytes()[self.at..];
        let of_number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let length = rest.iter().take_while(|byte| of_number(byte)).count();
        let digits = &rest[..length];
        let text = &self.text[self.at..self.at + length];
        self.at += length;
        // Up to 18 digits without a leading zero: always within 64 bits.
        if length <= 18
            && digits.iter().all(u8::is_ascii_digit)
            && (digits[0] != b'0' || length == 1)
        {
            let number = digits
                .iter()
                .fold(0_u64, |n, digit| n * 10 + u64::from(digit - b'0'));
            return visitor.visit_u64(number);
        }
        let number: serde_json::Number = serde_json::from_str(text).map_err(|_| Unusual)?;
        number.deserialize_any(visitor).map_err(|_| Unusual)
    }
}

/// The character of an escape with one letter, for those that occur in most responses: PHP escapes slashes.
fn unescaped(escape: u8) -> Option<char> {
    match escape {
        b'"' | b'\\' | b'/' => Some(char::from(escape)),
        b'n' => Some('\n'),
        b'r' => Some('\r'),
        b't' => Some('\t'),
        _ => None,
    }
}

/// Whether two slices of the same length are equal. Keys are short, so that a call of `memcmp` costs more than the
/// comparison.
#[inline]
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let word = |bytes: &[u8; 8]| u64::from_ne_bytes(*bytes);
    let (Some(first), Some(last)) = (one.first_chunk(), one.last_chunk()) else {
        return one.iter().eq(other);
    };
    let (Some(other_first), Some(other_last)) = (other.first_chunk(), other.last_chunk()) else {
        return false;
    };
    let second = |bytes: &[u8]| bytes.get(8..).and_then(<[u8]>::first_chunk).map(word);
    // The words overlap, unless the key is longer.
    (word(first) ^ word(other_first)) | (word(last) ^ word(other_last)) == 0
        && (one.len() <= 16 || second(one) == second(other))
        && (one.len() <= 24 || one[16..] == other[16..])
}

/// Position of the first byte that ends a string or needs a check: a quote, a backslash, or one that JSON does not
/// allow.
fn special(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGHS: u64 = ONES << 7;
    /// Marks the lowest byte that is zero; the marks above it may be wrong.
    fn zeros(word: u64) -> u64 {
        word.wrapping_sub(ONES) & !word & HIGHS
    }
    while let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*word);
        let controls = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        let marks = controls
            | zeros(word ^ (ONES * u64::from(b'"')))
            | zeros(word ^ (ONES * u64::from(b'\\')));
        if marks != 0 {
            return at + marks.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while bytes
        .get(at)
        .is_some_and(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20))
    {
        at += 1;
    }
    at
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Unusual;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        match self.peek() {
            Some(b'"') => match self.string()? {
                Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
                Cow::Owned(text) => visitor.visit_string(text),
            },
            Some(b'n') => {
                self.take(b"null")?;
                visitor.visit_unit()
            }
            Some(b't') => {
                self.take(b"true")?;
                visitor.visit_bool(true)
            }
            Some(b'f') => {
                self.take(b"false")?;
                visitor.visit_bool(false)
            }
            Some(b'0'..=b'9' | b'-') => self.number(visitor),
            Some(b'[') => {
                self.open(b'[')?;
                let mut items = Items::new(self, b']');
                let value = visitor.visit_seq(&mut items)?;
                items.finish(value)
            }
            Some(b'{') => {
                self.open(b'{')?;
                let mut items = Items::new(self, b'}');
                let value = visitor.visit_map(&mut items)?;
                items.finish(value)
            }
            _ => Err(Unusual),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusual> {
        if self.take_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

/// The items of an array or object.
struct Items<'r, 'de> {
    reader: &'r mut Reader<'de>,
    bracket: u8,
    is_first: bool,
    is_closed: bool,
}

impl<'r, 'de> Items<'r, 'de> {
    fn new(reader: &'r mut Reader<'de>, bracket: u8) -> Self {
        Self {
            reader,
            bracket,
            is_first: true,
            is_closed: false,
        }
    }

    fn has_more(&mut self) -> Result<bool, Unusual> {
        if self.is_closed {
            return Ok(false);
        }
        let has_more = self.reader.has_more(self.is_first, self.bracket)?;
        self.is_first = false;
        self.is_closed = !has_more;
        Ok(has_more)
    }

    /// Checks that the visitor has consumed all items.
    fn finish<T>(mut self, value: T) -> Result<T, Unusual> {
        if self.has_more()? {
            Err(Unusual)
        } else {
            Ok(value)
        }
    }
}

impl<'de> SeqAccess<'de> for &mut Items<'_, 'de> {
    type Error = Unusual;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Unusual> {
        if self.has_more()? {
            seed.deserialize(&mut *self.reader).map(Some)
        } else {
            Ok(None)
        }
    }
}

impl<'de> MapAccess<'de> for &mut Items<'_, 'de> {
    type Error = Unusual;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Unusual> {
        if !self.has_more()? {
            return Ok(None);
        }
        if self.reader.peek() != Some(b'"') {
            return Err(Unusual);
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Unusual> {
        self.reader.expect(b':')?;
        seed.deserialize(&mut *self.reader)
    }
}

#[cfg(test)]
mod tests;
