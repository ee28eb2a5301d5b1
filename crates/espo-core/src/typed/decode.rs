//! Records from JSON: one visitor for all entity types.
//!
//! A page is decoded in one pass over its text. Only when something does not fit is it decoded again, record
//! by record, so that one record that does not fit is named and does not lose the others.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::record::Record;
use crate::JsonObject;
use crate::Total;

/// Why a record did not decode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.describe())]
#[non_exhaustive]
pub struct DecodeError {
    /// The entity type, where it is known.
    pub entity_type: &'static str,
    /// The record's id, if the answer held one.
    pub id: Option<String>,
    /// The attribute that does not fit; none if the answer as a whole is not what was expected.
    pub attribute: Option<String>,
    /// What was expected and found.
    pub message: String,
}

impl DecodeError {
    /// An error about a whole answer.
    pub(crate) fn whole(entity_type: &'static str, message: impl fmt::Display) -> Self {
        Self {
            entity_type,
            id: None,
            attribute: None,
            message: message.to_string(),
        }
    }

    fn describe(&self) -> String {
        let mut text = match self.entity_type {
            "" => "record".to_owned(),
            entity_type => entity_type.to_owned(),
        };
        if let Some(id) = &self.id {
            text += &format!(" {id}");
        }
        if let Some(attribute) = &self.attribute {
            text += &format!(", attribute `{attribute}`");
        }
        text + ": " + &self.message
    }
}

/// A page of records as a list answers it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page<R> {
    /// The records, in the order of the server.
    pub list: Vec<R>,
    /// How many records match in all, or whether there are more.
    pub total: Total,
    /// The records of this page that did not decode; empty unless the instance's metadata changed.
    pub rejected: Vec<DecodeError>,
}

impl<R> Page<R> {
    /// How many rows the server sent, decoded or not: what an offset grows by.
    pub fn rows(&self) -> usize {
        self.list.len() + self.rejected.len()
    }
}

/// What an answer of the server can be decoded into: the generated records, projections, and
/// [`JsonObject`](crate::JsonObject) for entity types known only at run time.
pub trait Decode: Sized + Send + Sync + 'static {
    /// The entity type named in errors; empty if it is known only at run time.
    const DECODES: &'static str;

    /// The attributes to ask for where nothing was selected; `None` leaves it to the server.
    fn default_select() -> Option<Vec<&'static str>> {
        None
    }

    /// The type of the field that an attribute belongs to, where it is known.
    fn field_type(_attribute: &str) -> Option<&'static str> {
        None
    }

    /// Decodes one record.
    ///
    /// # Errors
    /// Says which attribute does not fit.
    fn decode_record(text: &str) -> Result<Self, DecodeError>;

    /// Decodes one record that is part of a larger answer.
    ///
    /// # Errors
    /// Says which attribute does not fit.
    fn decode_value(value: Value) -> Result<Self, DecodeError>;

    /// Decodes the `{"total", "list"}` of a list.
    ///
    /// # Errors
    /// If the answer is no such object. A single record that does not fit is in [`Page::rejected`] instead.
    fn decode_page(text: &str) -> Result<Page<Self>, DecodeError>;
}

impl Decode for JsonObject {
    const DECODES: &'static str = "";

    fn decode_record(text: &str) -> Result<Self, DecodeError> {
        serde_json::from_str(text).map_err(|error| DecodeError::whole("", error))
    }

    fn decode_value(value: Value) -> Result<Self, DecodeError> {
        serde_json::from_value(value).map_err(|error| DecodeError::whole("", error))
    }

    fn decode_page(text: &str) -> Result<Page<Self>, DecodeError> {
        decode_page_slowly(text)
    }
}

impl<R: Record> Decode for R {
    const DECODES: &'static str = R::RECORD_OF;

    fn default_select() -> Option<Vec<&'static str>> {
        Some(R::select())
    }

    fn field_type(attribute: &str) -> Option<&'static str> {
        Some(R::ATTRIBUTES[index_of::<R>(attribute)?].field_type)
    }

    fn decode_record(text: &str) -> Result<Self, DecodeError> {
        let (mut order, mut record) = (Order::default(), R::default());
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let seed = RecordSeed {
            order: &mut order,
            record: &mut record,
        };
        match seed
            .deserialize(&mut deserializer)
            .and_then(|()| deserializer.end())
        {
            Ok(()) => Ok(record),
            Err(error) => match serde_json::from_str(text) {
                Ok(value) => Self::decode_value(value),
                Err(_) => Err(DecodeError::whole(R::RECORD_OF, error)),
            },
        }
    }

    fn decode_value(value: Value) -> Result<Self, DecodeError> {
        let Value::Object(entries) = value else {
            return Err(DecodeError::whole(R::RECORD_OF, "expected an object"));
        };
        let id = entries.get("id").and_then(Value::as_str).map(str::to_owned);
        let mut record = R::default();
        for (name, value) in entries {
            match index_of::<R>(&name) {
                None => record.meta_mut().insert_unknown(name, value),
                Some(index) => {
                    record
                        .slot(index)
                        .deserialize(value)
                        .map_err(|error: serde_json::Error| DecodeError {
                            entity_type: R::RECORD_OF,
                            id: id.clone(),
                            attribute: Some(name),
                            message: error.to_string(),
                        })?;
                    record.meta_mut().set_present(index);
                }
            }
        }
        Ok(record)
    }

    fn decode_page(text: &str) -> Result<Page<Self>, DecodeError> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        match PageSeed::<R>::default()
            .deserialize(&mut deserializer)
            .and_then(|p| deserializer.end().map(|()| p))
        {
            Ok(page) => Ok(page),
            Err(_) => decode_page_slowly(text),
        }
    }
}

/// Decodes a page record by record and says which did not fit.
fn decode_page_slowly<R: Decode>(text: &str) -> Result<Page<R>, DecodeError> {
    let answer: RawPage = serde_json::from_str(text)
        .map_err(|error| DecodeError::whole(R::DECODES, format!("no list: {error}")))?;
    let mut page = Page {
        list: Vec::with_capacity(answer.list.len()),
        total: total(answer.total),
        rejected: vec![],
    };
    for record in answer.list {
        match R::decode_value(record) {
            Ok(record) => page.list.push(record),
            Err(error) => page.rejected.push(error),
        }
    }
    Ok(page)
}

#[derive(serde::Deserialize)]
struct RawPage {
    total: Option<i64>,
    list: Vec<Value>,
}

/// -1 and -2 stand for "more" and "no more" where the server does not count.
fn total(number: Option<i64>) -> Total {
    number.map_or(Total::NoMore, Total::from_wire)
}

fn index_of<R: Record>(name: &str) -> Option<usize> {
    R::ATTRIBUTES
        .binary_search_by(|attribute| attribute.name.cmp(name))
        .ok()
}

/// The attributes of the records before, by position. Records of one page have the same keys in the same
/// order, so that the next key is known before it is read and one comparison confirms it.
#[derive(Default)]
struct Order {
    indices: Vec<u16>,
}

const UNKNOWN: u16 = u16::MAX;

impl Order {
    fn find<R: Record>(&mut self, position: usize, name: &str) -> Option<usize> {
        if let Some(&guess) = self.indices.get(position)
            && guess != UNKNOWN
            && R::ATTRIBUTES[usize::from(guess)].name == name
        {
            return Some(usize::from(guess));
        }
        let found = index_of::<R>(name);
        if self.indices.len() <= position {
            self.indices.resize(position + 1, UNKNOWN);
        }
        // An entity type with 65,535 attributes or more merely goes without the guess.
        self.indices[position] = found
            .and_then(|index| u16::try_from(index).ok())
            .unwrap_or(UNKNOWN);
        found
    }
}

/// Fills a record where it lies: a record struct is some kilobytes, so that moving it about costs as much as filling it.
struct RecordSeed<'a, R> {
    order: &'a mut Order,
    record: &'a mut R,
}

impl<'de, R: Record> DeserializeSeed<'de> for RecordSeed<'_, R> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, R: Record> Visitor<'de> for RecordSeed<'_, R> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the attributes of {}", R::RECORD_OF)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut position = 0;
        while let Some(key) = entries.next_key_seed(KeySeed::<R>::new(self.order, position))? {
            match key {
                Key::Known(index) => {
                    entries.next_value_seed(self.record.slot(index))?;
                    self.record.meta_mut().set_present(index);
                }
                Key::Unknown(name) => {
                    let value = entries.next_value()?;
                    self.record.meta_mut().insert_unknown(name, value);
                }
            }
            position += 1;
        }
        Ok(())
    }
}

enum Key {
    Known(usize),
    Unknown(String),
}

struct KeySeed<'a, R> {
    order: &'a mut Order,
    position: usize,
    record: std::marker::PhantomData<fn() -> R>,
}

impl<'a, R> KeySeed<'a, R> {
    fn new(order: &'a mut Order, position: usize) -> Self {
        Self {
            order,
            position,
            record: std::marker::PhantomData,
        }
    }
}

impl<'de, R: Record> DeserializeSeed<'de> for KeySeed<'_, R> {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<R: Record> Visitor<'_> for KeySeed<'_, R> {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of an attribute")
    }

    fn visit_str<E>(self, name: &str) -> Result<Key, E> {
        Ok(match self.order.find::<R>(self.position, name) {
            Some(index) => Key::Known(index),
            None => Key::Unknown(name.to_owned()),
        })
    }
}

struct PageSeed<R>(std::marker::PhantomData<fn() -> R>);

impl<R> Default for PageSeed<R> {
    fn default() -> Self {
        Self(std::marker::PhantomData)
    }
}

impl<'de, R: Record> DeserializeSeed<'de> for PageSeed<R> {
    type Value = Page<R>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Page<R>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, R: Record> Visitor<'de> for PageSeed<R> {
    type Value = Page<R>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `total` and `list`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Page<R>, A::Error> {
        let (mut list, mut count) = (None, None);
        while let Some(name) = entries.next_key::<std::borrow::Cow<'de, str>>()? {
            match &*name {
                "list" => list = Some(entries.next_value_seed(ListSeed::<R>::default())?),
                "total" => count = entries.next_value()?,
                _ => {
                    entries.next_value::<IgnoredAny>()?;
                }
            }
        }
        let list = list.ok_or_else(|| serde::de::Error::missing_field("list"))?;
        Ok(Page {
            list,
            total: total(count),
            rejected: Vec::new(),
        })
    }
}

struct ListSeed<R>(std::marker::PhantomData<fn() -> R>);

impl<R> Default for ListSeed<R> {
    fn default() -> Self {
        Self(std::marker::PhantomData)
    }
}

impl<'de, R: Record> DeserializeSeed<'de> for ListSeed<R> {
    type Value = Vec<R>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<R>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, R: Record> Visitor<'de> for ListSeed<R> {
    type Value = Vec<R>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<R>, A::Error> {
        let mut list = Vec::new();
        let filled = fill(&mut items, &mut list);
        filled.map(|()| list)
    }
}

/// Decodes the records of a list into `list`, each in its final place.
fn fill<'de, R: Record, A: SeqAccess<'de>>(
    items: &mut A,
    list: &mut Vec<R>,
) -> Result<(), A::Error> {
    let mut order = Order::default();
    loop {
        list.push(R::default());
        let Some(record) = list.last_mut() else {
            return Ok(());
        };
        if items
            .next_element_seed(RecordSeed {
                order: &mut order,
                record,
            })?
            .is_none()
        {
            list.pop();
            return Ok(());
        }
    }
}
