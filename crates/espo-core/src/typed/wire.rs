//! Serialisation of records and their values in the wire format.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::decode::index_of;
use super::parent::ParentRef;
use super::record::Record;
use super::time::{DateOrTime, format_timestamp, parse_date, parse_timestamp};
use super::value::{ColumnSet, FromText};

/// Serialises a record: every attribute that was in the response or has been set since, then the unknown ones.
#[doc(hidden)]
pub fn serialize_record<R: Record, S: Serializer>(
    record: &R,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    for (index, attribute) in R::ATTRIBUTES.iter().enumerate() {
        match record.value(index) {
            Some(value) => map.serialize_entry(attribute.name, &value.json())?,
            None if record.meta().is_present(index) => {
                map.serialize_entry(attribute.name, &Value::Null)?
            }
            None => {}
        }
    }
    for (name, value) in record.meta().unknown() {
        map.serialize_entry(name, value)?;
    }
    map.end()
}

/// Deserialises a record.
#[doc(hidden)]
pub fn deserialize_record<'de, R: Record, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<R, D::Error> {
    deserializer.deserialize_map(RecordVisitor(PhantomData))
}

struct RecordVisitor<R>(PhantomData<R>);

impl<'de, R: Record> Visitor<'de> for RecordVisitor<R> {
    type Value = R;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a record of entity type {}", R::RECORD_OF)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<R, A::Error> {
        let mut record = R::empty();
        while let Some(name) = entries.next_key::<Cow<'de, str>>()? {
            match index_of::<R>(&name) {
                Some(index) => {
                    let place = record.slot(index);
                    entries.next_value_seed(place).map_err(|error| {
                        A::Error::custom(format_args!(
                            "{}, attribute `{name}`: {error}",
                            R::RECORD_OF
                        ))
                    })?;
                    record.meta_mut().set_present(index);
                }
                None => {
                    let value = entries.next_value()?;
                    record.meta_mut().insert_unknown(name.into_owned(), value);
                }
            }
        }
        if R::REQUIRES_ID && record.id().as_str().is_empty() {
            return Err(A::Error::custom(format_args!(
                "{}: the record has no `id`",
                R::RECORD_OF
            )));
        }
        Ok(record)
    }
}

/// Deserialises a value that is created from a string, such as an option of an enum.
#[doc(hidden)]
pub fn deserialize_text<'de, T: FromText, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(T::from_text(&Cow::<'de, str>::deserialize(deserializer)?))
}

/// Deserialises the columns of a link.
#[doc(hidden)]
pub fn deserialize_columns<'de, C: ColumnSet, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<C, D::Error> {
    C::from_json(Value::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// A polymorphic parent in the server's form of a reference to a record.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference<'a> {
    #[serde(borrow)]
    entity_type: Cow<'a, str>,
    #[serde(borrow)]
    id: Cow<'a, str>,
}

/// Serialises a polymorphic parent.
#[doc(hidden)]
pub fn serialize_parent<P: ParentRef, S: Serializer>(
    parent: &P,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let reference = Reference {
        entity_type: parent.entity_type().into(),
        id: parent.id().as_str().to_owned().into(),
    };
    reference.serialize(serializer)
}

/// Deserialises a polymorphic parent.
#[doc(hidden)]
pub fn deserialize_parent<'de, P: ParentRef, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<P, D::Error> {
    let reference = Reference::deserialize(deserializer)?;
    Ok(P::from_parts(&reference.entity_type, &reference.id))
}

/// `2026-01-31` for a day, `2026-01-31 08:15:00` (UTC) for a time.
impl Serialize for DateOrTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Date(day) | Self::DateFrom(day, _) => serializer.collect_str(day),
            Self::Time(time) => serializer.serialize_str(&format_timestamp(*time)),
        }
    }
}

impl<'de> Deserialize<'de> for DateOrTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        let day = parse_date(&text).map(Self::Date);
        day.or_else(|| parse_timestamp(&text).map(Self::Time))
            .ok_or_else(|| {
                D::Error::custom(format_args!(
                    "invalid date or time `{text}`: expected YYYY-MM-DD or YYYY-MM-DD HH:MM:SS"
                ))
            })
    }
}
