//! What generated record structs implement.

use std::fmt;

use serde_json::{Map, Value};

use super::id::Id;
use super::slot::Slot;
use super::value::{AttributeValue, ToJson};
use crate::JsonObject;

/// An attribute as the generated code knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attribute {
    /// The name on the wire.
    pub name: &'static str,
    /// The type of the field it belongs to (`varchar`, `link`, …), or `id`, `bool`, … for one that has no field.
    pub field_type: &'static str,
    /// Whether a list row holds it where nothing was selected.
    pub in_list: bool,
}

impl Attribute {
    /// An attribute that a list row holds.
    pub const fn listed(name: &'static str, field_type: &'static str) -> Self {
        Self {
            name,
            field_type,
            in_list: true,
        }
    }

    /// An attribute that only a read answers, or a list that selects it.
    pub const fn unlisted(name: &'static str, field_type: &'static str) -> Self {
        Self {
            name,
            field_type,
            in_list: false,
        }
    }
}

/// A record as a struct with one optional field for each attribute.
///
/// Generated; the generated code only says which attribute is where, everything else is provided.
///
/// An attribute is *absent* if the answer did not hold it, `null` if it held that, or has a value. Both of the
/// first are `None` in the struct; [`Record::is_present`] tells them apart.
pub trait Record: Default + Send + Sync + 'static {
    /// The entity type whose attributes these are.
    const RECORD_OF: &'static str;

    /// The attributes, sorted by name.
    const ATTRIBUTES: &'static [Attribute];

    /// The place of attribute `index`.
    #[doc(hidden)]
    fn slot(&mut self, index: usize) -> Slot<'_>;

    /// The value of attribute `index`.
    #[doc(hidden)]
    fn value(&self, index: usize) -> Option<&dyn ToJson>;

    /// What the record holds beside its attributes.
    fn meta(&self) -> &RecordMeta;

    /// What the record holds beside its attributes.
    #[doc(hidden)]
    fn meta_mut(&mut self) -> &mut RecordMeta;

    /// The attributes that a list row holds where nothing was selected.
    fn select() -> Vec<&'static str> {
        Self::ATTRIBUTES
            .iter()
            .filter(|attribute| attribute.in_list)
            .map(|attribute| attribute.name)
            .collect()
    }

    /// Whether the answer held the attribute, be it as `null`.
    fn is_present(&self, attribute: &str) -> bool {
        match Self::ATTRIBUTES.binary_search_by(|known| known.name.cmp(attribute)) {
            Ok(index) => self.meta().is_present(index) || self.value(index).is_some(),
            Err(_) => self.unknown(attribute).is_some(),
        }
    }

    /// The value of an attribute that was unknown when the code was generated.
    fn unknown(&self, attribute: &str) -> Option<&Value> {
        self.meta().unknown().get(attribute)
    }

    /// The record as JSON: every attribute that was in the answer or was set since, the unknown ones included.
    fn to_json(&self) -> JsonObject {
        let mut object = Map::new();
        for (index, attribute) in Self::ATTRIBUTES.iter().enumerate() {
            match self.value(index) {
                Some(value) => drop(object.insert(attribute.name.to_owned(), value.json())),
                None if self.meta().is_present(index) => {
                    drop(object.insert(attribute.name.to_owned(), Value::Null))
                }
                None => {}
            }
        }
        object.extend(
            self.meta()
                .unknown()
                .iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        object
    }
}

/// The value of an attribute, as the generated code hands it out.
#[doc(hidden)]
pub fn value<T: AttributeValue>(value: &Option<T>) -> Option<&dyn ToJson> {
    value.as_ref().map(|value| value as &dyn ToJson)
}

/// Shows what of a record was in the answer or was set since, by the names on the wire.
#[doc(hidden)]
pub fn debug<R: Record>(record: &R, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut shown = f.debug_struct(R::RECORD_OF);
    for (index, attribute) in R::ATTRIBUTES.iter().enumerate() {
        if let Some(value) = record.value(index) {
            shown.field(attribute.name, value.debug());
        } else if record.meta().is_present(index) {
            shown.field(attribute.name, &format_args!("null"));
        }
    }
    for (name, value) in record.meta().unknown() {
        shown.field(name, value);
    }
    shown.finish()
}

/// Whether two records hold the same.
#[doc(hidden)]
pub fn equal<R: Record>(one: &R, other: &R) -> bool {
    let same = |index| match (one.value(index), other.value(index)) {
        (Some(one), Some(other)) => one.equals(other),
        (one, other) => one.is_none() && other.is_none(),
    };
    one.meta() == other.meta() && (0..R::ATTRIBUTES.len()).all(same)
}

/// Shows and compares the records of an entity type. Not derived: that would be a tenth of what the generated code costs
/// to compile, and would show every attribute that is not there.
#[doc(hidden)]
#[macro_export]
macro_rules! record_type {
    ($entity:ident) => {
        impl std::fmt::Debug for $entity {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                $crate::typed::debug(self, f)
            }
        }

        impl PartialEq for $entity {
            fn eq(&self, other: &Self) -> bool {
                $crate::typed::equal(self, other)
            }
        }
    };
}

/// What a record holds beside its known attributes: which of them were in the answer, and the unknown ones.
#[derive(Clone, Default, PartialEq)]
pub struct RecordMeta {
    /// The first 256 attributes; enough for every stock entity type, without an allocation.
    present: [u64; 4],
    more_present: Vec<u64>,
    /// Boxed: most records have none, and a record is moved about.
    unknown: Option<Box<JsonObject>>,
}

impl RecordMeta {
    #[inline]
    pub(crate) fn set_present(&mut self, index: usize) {
        let (word, bit) = (index / 64, 1 << (index % 64));
        match self.present.get_mut(word) {
            Some(bits) => *bits |= bit,
            None => self.set_more_present(word - self.present.len(), bit),
        }
    }

    #[cold]
    fn set_more_present(&mut self, word: usize, bit: u64) {
        if self.more_present.len() <= word {
            self.more_present.resize(word + 1, 0);
        }
        self.more_present[word] |= bit;
    }

    #[inline]
    pub(crate) fn is_present(&self, index: usize) -> bool {
        let word = index / 64;
        let bits = self
            .present
            .get(word)
            .or_else(|| self.more_present.get(word - self.present.len()));
        bits.is_some_and(|bits| bits & (1 << (index % 64)) != 0)
    }

    pub(crate) fn insert_unknown(&mut self, name: String, value: Value) {
        self.unknown.get_or_insert_default().insert(name, value);
    }

    /// The attributes that were unknown when the code was generated: a field that an admin added since, or one
    /// that the server adds on its own. They are kept so that nothing is lost.
    pub fn unknown(&self) -> &JsonObject {
        static NONE: std::sync::LazyLock<JsonObject> = std::sync::LazyLock::new(Map::new);
        self.unknown.as_deref().unwrap_or(&NONE)
    }
}

impl fmt::Debug for RecordMeta {
    /// The bits would be the longest part of a record that is printed, and say nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordMeta")
            .field("unknown", self.unknown())
            .finish_non_exhaustive()
    }
}

/// An entity type that the compiler knows.
///
/// Generated. The operations are on [`Records`](super::Records), written once for all entity types.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no entity type here",
    note = "if it is one of the generated crate, switch its Cargo feature on, or generate it with `cargo xtask codegen`"
)]
pub trait Entity: Record + Clone {
    /// The name of the entity type, as in the path of its REST calls.
    const ENTITY_TYPE: &'static str;

    /// What a create takes.
    type New: Into<JsonObject> + Send;

    /// What an update takes.
    type Patch: Into<JsonObject> + Send;

    /// A record by its id, with an accessor for each of the entity type's links.
    type Ref: From<super::RecordRef<Self>>;

    /// The entity types of the same generated crate that calls on records return.
    type Schema: super::Schema;

    /// The record's id; none if the answer did not hold one.
    fn id(&self) -> Option<&Id<Self>>;
}

/// What generated code expects of an entity type, to compare with an instance.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ExpectedEntity {
    /// The name of the entity type.
    pub entity_type: &'static str,
    /// Its attributes.
    pub attributes: &'static [Attribute],
    /// Decodes a page of a list into this entity type's records and drops them; for tools that know the entity type at
    /// run time only. Fails with the reason of the first record that does not match.
    pub check_page: fn(&str) -> Result<(), String>,
    /// The same for a single record.
    pub check_record: fn(&str) -> Result<(), String>,
}

impl PartialEq for ExpectedEntity {
    fn eq(&self, other: &Self) -> bool {
        // Addresses of functions say nothing.
        (self.entity_type, self.attributes) == (other.entity_type, other.attributes)
    }
}

impl Eq for ExpectedEntity {}

fn check_page<E: Entity>(text: &str) -> Result<(), String> {
    let page = <E as super::Decode>::decode_page(text).map_err(|e| e.to_string())?;
    let first = page.rejected.first().map(ToString::to_string);
    // The records have to be made, or the compiler could leave the work out.
    std::hint::black_box(page.list);
    first.map_or(Ok(()), Err)
}

fn check_record<E: Entity>(text: &str) -> Result<(), String> {
    std::hint::black_box(<E as super::Decode>::decode_record(text).map_err(|e| e.to_string())?);
    Ok(())
}

impl ExpectedEntity {
    /// What the code of an entity type expects.
    pub const fn of<E: Entity>() -> Self {
        Self {
            entity_type: E::ENTITY_TYPE,
            attributes: E::ATTRIBUTES,
            check_page: check_page::<E>,
            check_record: check_record::<E>,
        }
    }
}
