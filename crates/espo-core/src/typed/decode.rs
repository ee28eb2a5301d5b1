//! Records from JSON: one loop for all entity types.
//!
//! A page is decoded in one pass over its text. If a record cannot be decoded, the page is decoded again, record by
//! record, so that the error identifies that record and the others are kept.
//!
//! Allocations: the list, once, with room for the expected number of rows; one string, list or map for each attribute
//! with such a value; and a map for a record with unknown attributes. IDs, options, numbers, dates, times and the set
//! of present attributes are stored in the record itself, and keys are never copied.

use std::any::TypeId;
use std::cell::RefCell;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::{fmt, mem};

use serde::Deserialize;
use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::reader::{Reader, Unusual};
use super::record::Record;
use super::slot::lenient_int;
use crate::JsonObject;
use crate::Total;
use crate::error::plain;

/// The reason why a record cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.describe())]
#[non_exhaustive]
pub struct DecodeError {
    /// The entity type, where it is known.
    pub entity_type: &'static str,
    /// The record's ID, if the response contained one.
    pub id: Option<String>,
    /// The attribute that cannot be decoded; `None` if the response as a whole has an unexpected form.
    pub attribute: Option<String>,
    /// The expected and the actual value.
    pub message: String,
}

impl DecodeError {
    /// An error about a whole response.
    pub(crate) fn whole(entity_type: &'static str, message: impl fmt::Display) -> Self {
        Self {
            entity_type,
            id: None,
            attribute: None,
            message: plain(&message.to_string()).into_owned(),
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

/// A page of records: iterate over it, or over [`Page::records`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page<R> {
    /// The records, in the order of the server.
    pub records: Vec<R>,
    /// The number of matching records, or whether there are more.
    pub total: Total,
    /// The records of this page that cannot be decoded; empty unless the instance's metadata has changed.
    pub rejected: Vec<DecodeError>,
}

impl<R> Page<R> {
    /// Returns the number of rows that the server sent, decoded or not; the offset of the next page grows by it.
    pub fn rows(&self) -> usize {
        self.records.len() + self.rejected.len()
    }
}

impl<R> IntoIterator for Page<R> {
    type Item = R;
    type IntoIter = std::vec::IntoIter<R>;

    fn into_iter(self) -> Self::IntoIter {
        self.records.into_iter()
    }
}

impl<'p, R> IntoIterator for &'p Page<R> {
    type Item = &'p R;
    type IntoIter = std::slice::Iter<'p, R>;

    fn into_iter(self) -> Self::IntoIter {
        self.records.iter()
    }
}

/// Types that a response can be decoded into: the generated records, projections, and [`JsonObject`](crate::JsonObject)
/// for entity types known only at run time.
pub trait Decode: Sized + Send + Sync + 'static {
    /// The entity type named in errors; empty if it is known only at run time.
    const DECODES: &'static str;

    /// The attributes to request if nothing is selected; `None` leaves the choice to the server.
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
    /// Names the attribute that cannot be decoded.
    fn decode_record(text: &str) -> Result<Self, DecodeError>;

    /// Decodes one record that is part of a larger response.
    ///
    /// # Errors
    /// Names the attribute that cannot be decoded.
    fn decode_value(value: Value) -> Result<Self, DecodeError>;

    /// Decodes the `{"total", "list"}` of a list.
    ///
    /// # Errors
    /// Fails if the response is not such an object. A single record that cannot be decoded is in [`Page::rejected`]
    /// instead.
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
        let (mut reader, mut record) = (Reader::new(text), R::empty());
        let read = fill(&mut reader, &mut Order::default(), &mut record);
        if read.and_then(|()| reader.end()).is_ok() {
            return Ok(record);
        }
        match serde_json::from_str(text) {
            Ok(value) => Self::decode_value(value),
            Err(error) => Err(DecodeError::whole(R::RECORD_OF, error)),
        }
    }

    fn decode_value(value: Value) -> Result<Self, DecodeError> {
        let Value::Object(entries) = value else {
            return Err(DecodeError::whole(R::RECORD_OF, "expected an object"));
        };
        let id = entries.get("id").and_then(Value::as_str).map(str::to_owned);
        let mut record = R::empty();
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
                            message: plain(&error.to_string()).into_owned(),
                        })?;
                    record.meta_mut().set_present(index);
                }
            }
        }
        if R::REQUIRES_ID && record.id().as_str().is_empty() {
            return Err(DecodeError {
                attribute: Some("id".to_owned()),
                ..DecodeError::whole(R::RECORD_OF, "expected an ID, found none")
            });
        }
        Ok(record)
    }

    fn decode_page(text: &str) -> Result<Page<Self>, DecodeError> {
        let mut reader = Reader::new(text);
        let page = read_page(&mut reader, rows::<R>(text.len()));
        match page.and_then(|page| reader.end().map(|()| page)) {
            Ok(page) => Ok(page),
            Err(_) => decode_page_slowly(text),
        }
    }
}

/// Decodes a page record by record and reports the records that cannot be decoded.
fn decode_page_slowly<R: Decode>(text: &str) -> Result<Page<R>, DecodeError> {
    let no_list = |error| DecodeError::whole(R::DECODES, format!("not a list: {error}"));
    if let Ok(answer) = serde_json::from_str::<RawPage<Value>>(text) {
        return Ok(answer.decode(R::decode_value));
    }
    // A record that serde_json rejects as JSON (nested too deeply, a number too large) must not lose the others either.
    let answer: RawPage<&RawValue> = serde_json::from_str(text).map_err(no_list)?;
    Ok(
        answer.decode(|record| match serde_json::from_str(record.get()) {
            Ok(value) => R::decode_value(value),
            Err(error) => Err(DecodeError {
                id: serde_json::from_str(record.get())
                    .ok()
                    .and_then(|OnlyId { id }| id),
                ..DecodeError::whole(R::DECODES, error)
            }),
        }),
    )
}

#[derive(serde::Deserialize)]
#[serde(bound = "T: serde::Deserialize<'de>")]
struct RawPage<T> {
    #[serde(default, deserialize_with = "lenient_int")]
    total: Option<i64>,
    #[serde(deserialize_with = "items")]
    list: Vec<T>,
}

/// The records of a list. PHP prints an array whose keys have gaps as an object.
fn items<'de, T: serde::Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    deserializer.deserialize_any(Items(PhantomData))
}

struct Items<T>(PhantomData<T>);

impl<'de, T: serde::Deserialize<'de>> Visitor<'de> for Items<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(items)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<T>, A::Error> {
        let mut items = Vec::new();
        while let Some((_, item)) = map.next_entry::<IgnoredAny, T>()? {
            items.push(item);
        }
        Ok(items)
    }
}

impl<T> RawPage<T> {
    fn decode<R>(self, decode: impl Fn(T) -> Result<R, DecodeError>) -> Page<R> {
        let mut page = Page {
            records: Vec::with_capacity(self.list.len()),
            total: total(self.total),
            rejected: Vec::new(),
        };
        for record in self.list {
            match decode(record) {
                Ok(record) => page.records.push(record),
                Err(error) => page.rejected.push(error),
            }
        }
        page
    }
}

#[derive(serde::Deserialize)]
struct OnlyId {
    id: Option<String>,
}

/// The server sends -1 for "more" and -2 for "no more" if it does not count.
fn total(number: Option<i64>) -> Total {
    number.map_or(Total::NoMore, Total::from_wire)
}

pub(super) fn index_of<R: Record>(name: &str) -> Option<usize> {
    R::ATTRIBUTES
        .binary_search_by(|attribute| attribute.name.cmp(name))
        .ok()
}

/// The attributes of the previous records, by position. Records of one page have the same keys in the same order, and so
/// have most pages of an entity type. So the next key is usually known before it is read, and one comparison confirms it.
#[derive(Default)]
struct Order {
    indices: Vec<u16>,
}

const UNKNOWN: u16 = u16::MAX;

thread_local! {
    /// The order of the last page of each type that this thread has decoded.
    static ORDERS: RefCell<HashMap<TypeId, Order>> = RefCell::default();
}

impl Order {
    /// The order of the previous page.
    fn last<R: Record>() -> Self {
        let take = |orders: &RefCell<HashMap<_, Self>>| {
            let mut orders = orders.borrow_mut();
            orders.get_mut(&TypeId::of::<R>()).map(mem::take)
        };
        ORDERS.try_with(take).ok().flatten().unwrap_or_default()
    }

    /// Keeps the order for the next page.
    fn keep<R: Record>(self) {
        // It is lost if the thread ends.
        let _ = ORDERS.try_with(|orders| orders.borrow_mut().insert(TypeId::of::<R>(), self));
    }

    /// The name of the attribute that is expected at a position, and its index.
    #[inline]
    fn guess<R: Record>(&self, position: usize) -> Option<(usize, &'static str)> {
        let index = usize::from(*self.indices.get(position)?);
        // There is no attribute with the index for unknown ones, or another attribute.
        let attribute = R::ATTRIBUTES.get(index)?;
        (index != usize::from(UNKNOWN)).then_some((index, attribute.name))
    }

    /// Finds an attribute and remembers it as the expected one for this position.
    fn find<R: Record>(&mut self, position: usize, name: &str) -> Option<usize> {
        let found = index_of::<R>(name);
        if self.indices.len() <= position {
            self.indices.resize(position + 1, UNKNOWN);
        }
        // An entity type with 65,535 or more attributes is decoded without this shortcut.
        self.indices[position] = found
            .and_then(|index| u16::try_from(index).ok())
            .unwrap_or(UNKNOWN);
        found
    }
}

/// Fills a record in place: a record struct has several kilobytes, so moving it costs as much as filling it.
fn fill<R: Record>(
    reader: &mut Reader<'_>,
    order: &mut Order,
    record: &mut R,
) -> Result<(), Unusual> {
    reader.open(b'{')?;
    let mut position = 0;
    while reader.has_more(position == 0, b'}')? {
        let guess = order.guess::<R>(position);
        let index = match guess.filter(|(_, name)| reader.take_key(name)) {
            Some((index, _)) => index,
            None => {
                let name = reader.key()?;
                reader.expect(b':')?;
                match order.find::<R>(position, &name) {
                    Some(index) => index,
                    None => {
                        let value = Value::deserialize(&mut *reader)?;
                        record.meta_mut().insert_unknown(name.into_owned(), value);
                        position += 1;
                        continue;
                    }
                }
            }
        };
        // A null attribute is empty already, unless the object contains a key twice.
        if record.meta().is_present(index) || !reader.take_null() {
            record.slot(index).deserialize(&mut *reader)?;
        }
        record.meta_mut().set_present(index);
        position += 1;
    }
    // The slow path reports which record has none.
    if R::REQUIRES_ID && record.id().as_str().is_empty() {
        return Err(Unusual);
    }
    Ok(())
}

/// Reads the `{"total", "list"}` of a list.
fn read_page<R: Record>(reader: &mut Reader<'_>, rows: usize) -> Result<Page<R>, Unusual> {
    let (mut list, mut count, mut is_first) = (None, None, true);
    reader.open(b'{')?;
    while reader.has_more(is_first, b'}')? {
        is_first = false;
        let name = reader.key()?;
        reader.expect(b':')?;
        match &*name {
            "list" => list = Some(read_list(reader, rows)?),
            "total" => count = Option::<i64>::deserialize(&mut *reader)?,
            _ => drop(IgnoredAny::deserialize(&mut *reader)?),
        }
    }
    Ok(Page {
        records: list.ok_or(Unusual)?,
        total: total(count),
        rejected: Vec::new(),
    })
}

/// Reads the records of a list in place.
fn read_list<R: Record>(reader: &mut Reader<'_>, rows: usize) -> Result<Vec<R>, Unusual> {
    let (mut list, mut order) = (Vec::with_capacity(rows), Order::last::<R>());
    reader.open(b'[')?;
    while reader.has_more(list.is_empty(), b']')? {
        list.push(R::empty());
        if let Some(record) = list.last_mut() {
            fill(reader, &mut order, record)?;
        }
    }
    order.keep::<R>();
    Ok(list)
}

/// Estimates the number of rows in a page of this size, if nothing was selected: a row is at least as long as the names
/// in it. Reserving the capacity at once avoids moving records, each over a kilobyte, when the list grows.
fn rows<R: Record>(bytes: usize) -> usize {
    let listed = R::ATTRIBUTES.iter().filter(|attribute| attribute.in_list);
    // Quotes, a colon, a comma and `null`.
    let row: usize = listed.map(|attribute| attribute.name.len() + 8).sum();
    (bytes / row.max(64)).min(200)
}
