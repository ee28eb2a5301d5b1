use serde_json::Value;

use crate::JsonObject;
use crate::typed::{AnyId, Decode, DecodeError, Entity, Id, Page};

/// A row of a list that mixes entity types, such as activities, the members of a target list, or a global search.
///
/// Rows contain a few attributes only. [`AnyRecord::id_of`] and [`AnyRecord::decode`] return typed values for an entity
/// type of the program's choice.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AnyRecord {
    /// The name of the row's entity type.
    pub entity_type: String,
    /// The record's ID.
    pub id: AnyId,
    /// All attributes of the row, as the server sent them.
    pub attributes: JsonObject,
}

impl AnyRecord {
    /// Returns the record's name, if the row contains one.
    pub fn name(&self) -> Option<&str> {
        self.attributes.get("name")?.as_str()
    }

    /// Returns the ID as the ID of an `E`; `None` if the row is of another entity type.
    pub fn id_of<E: Entity>(&self) -> Option<Id<E>> {
        (self.entity_type == E::ENTITY_TYPE).then(|| self.id.cast())
    }

    /// Returns the row as a record of `E`; `None` if it is of another entity type. Attributes that the row does not
    /// contain are not present in the record.
    pub fn decode<E: Entity>(&self) -> Option<Result<E, DecodeError>> {
        (self.entity_type == E::ENTITY_TYPE)
            .then(|| E::decode_value(Value::Object(self.attributes.clone())))
    }

    pub(crate) fn from_json(attributes: JsonObject) -> Result<Self, DecodeError> {
        let text = |key: &str| attributes.get(key).and_then(Value::as_str);
        // The name of the key depends on the route.
        let entity_type = ["_scope", "_entityType", "entityType", "scope", "targetType"]
            .into_iter()
            .find_map(text);
        match (entity_type, text("id")) {
            (Some(entity_type), Some(id)) => Ok(Self {
                entity_type: entity_type.to_owned(),
                id: Id::new(id),
                attributes,
            }),
            (None, _) => Err(DecodeError::whole("", "the row has no entity type")),
            (_, None) => Err(DecodeError::whole("", "the row has no `id`")),
        }
    }
}

impl Decode for AnyRecord {
    const DECODES: &'static str = "";

    fn decode_record(text: &str) -> Result<Self, DecodeError> {
        Self::from_json(JsonObject::decode_record(text)?)
    }

    fn decode_value(value: Value) -> Result<Self, DecodeError> {
        Self::from_json(JsonObject::decode_value(value)?)
    }

    fn decode_page(text: &str) -> Result<Page<Self>, DecodeError> {
        let rows = JsonObject::decode_page(text)?;
        let mut page = Page {
            records: Vec::with_capacity(rows.records.len()),
            total: rows.total,
            rejected: rows.rejected,
        };
        for row in rows.records {
            match Self::from_json(row) {
                Ok(record) => page.records.push(record),
                Err(error) => page.rejected.push(error),
            }
        }
        Ok(page)
    }
}
