//! User-defined structs with some attributes of an entity type.
//!
//! A projection is decoded as the entity's record, by the same visitor, and its attributes are moved out of the record.
//! It contains no wire names: an attribute is identified by its address in the record, so that neither the macro nor
//! the generated code needs a table from Rust names to wire names.

use serde_json::Value;

use super::decode::{Decode, DecodeError, Page};
use super::place::Place;
use super::record::{Entity, Record};
use super::value::AttributeValue;

/// A user-defined struct with some attributes of an entity type; implemented by `#[derive(Projection)]`.
///
/// ```text
/// use espo_typed::prelude::*;
///
/// #[derive(Projection)]
/// #[espo(entity = Account)]
/// struct Card {
///     id: Id<Account>,
///     name: String,
///     billing_address_city: Option<String>,
///     #[espo(attribute = "assignedUserName")]
///     owner: Option<String>,
/// }
///
/// let cards: Vec<Card> = crm.list::<Account>().project::<Card>().collect().await?;
/// ```
///
/// The compiler checks that the attributes exist and have these types. An attribute that can be absent or null is an
/// `Option`; for any other, a response without a value is an error that mentions the attribute.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a projection",
    note = "derive it: `#[derive(Projection)] #[espo(entity = Account)]` on a struct with some of the attributes"
)]
pub trait Projection: Decode {
    /// The entity type whose attributes these are.
    type Of: Entity;

    /// Whether lists contain all of its attributes; see [`Listable`].
    #[doc(hidden)]
    type Lists;

    /// Returns the names of the attributes to request.
    fn select() -> Vec<&'static str>;

    /// Moves the attributes out of a record; `None` if a required one is missing.
    #[doc(hidden)]
    fn from_record(reader: &mut Reader<'_, Self::Of>) -> Option<Self>;
}

/// Whether lists contain all attributes of a projection.
#[doc(hidden)]
#[derive(Debug)]
pub enum InLists<const YES: bool> {}

/// A projection whose attributes are all available in lists. Some attributes (`isFollowed`, `emailAddressData` …) are
/// returned only by a read of one record.
#[diagnostic::on_unimplemented(
    message = "this projection contains an attribute that lists never return",
    label = "cannot be used in a list",
    note = "attributes such as `isFollowed`, `followersIds` and `emailAddressData` are only returned by a read of one record: read the record, or remove the attribute from the projection"
)]
pub trait Listable {}

impl Listable for InLists<true> {}

/// The field types that a projection can use for an attribute of type `T`: `T` if a value is required, or `Option<T>`.
#[diagnostic::on_unimplemented(
    message = "a field of type `{Self}` cannot store an attribute of type `{T}`",
    label = "expected `{T}` or `Option<{T}>`",
    note = "use `Option<{T}>` if the attribute can be null or absent"
)]
pub trait Projected<T>: Sized {
    /// Converts the value of the record.
    #[doc(hidden)]
    fn project(value: Option<T>) -> Option<Self>;
}

impl<T: AttributeValue> Projected<T> for T {
    fn project(value: Option<T>) -> Option<Self> {
        value
    }
}

impl<T: AttributeValue> Projected<T> for Option<T> {
    fn project(value: Option<T>) -> Option<Self> {
        Some(value)
    }
}

/// Reads the attributes of a record, or collects their names.
#[doc(hidden)]
#[derive(Debug)]
pub struct Reader<'a, E> {
    record: &'a mut E,
    /// Set if only the names are collected.
    names: Option<Vec<&'static str>>,
    missing: Option<&'static str>,
}

impl<E: Record> Reader<'_, E> {
    /// Takes one attribute out of the record.
    pub fn take<P: Place>(&mut self, place: impl FnOnce(&mut E) -> &mut P) -> Taken<P::Value> {
        let place = place(self.record);
        Taken {
            address: std::ptr::from_ref(place).cast(),
            value: place.take(),
        }
    }
}

/// An attribute taken out of a record. A separate step after [`Reader::take`], so that the compiler first infers the
/// attribute's type and then checks the type of the user's field against it.
#[doc(hidden)]
#[derive(Debug)]
pub struct Taken<T> {
    address: *const (),
    value: Option<T>,
}

impl<T> Taken<T> {
    /// Converts the attribute to the type of the user's field. Returns `None` if a required value is missing, and
    /// always while names are collected.
    pub fn project<P: Projected<T>>(self, reader: &mut Reader<'_, impl Record>) -> Option<P> {
        if let Some(names) = &mut reader.names {
            names.push(name_of(reader.record, self.address));
            return None;
        }
        let projected = P::project(self.value);
        if projected.is_none() {
            reader.missing = Some(name_of(reader.record, self.address));
        }
        projected
    }
}

/// Returns the name of the attribute at this address within the record.
fn name_of<E: Record>(record: &mut E, address: *const ()) -> &'static str {
    let index = (0..E::ATTRIBUTES.len()).find(|index| record.slot(*index).address() == address);
    // The address came from the record, so one of its slots matches.
    index.map_or("", |index| E::ATTRIBUTES[index].name)
}

/// Returns the names of a projection's attributes.
#[doc(hidden)]
pub fn names<P: Projection>() -> Vec<&'static str> {
    let mut record = P::Of::empty();
    let mut reader = Reader {
        record: &mut record,
        names: Some(Vec::new()),
        missing: None,
    };
    drop(P::from_record(&mut reader));
    reader.names.unwrap_or_default()
}

fn project<P: Projection>(mut record: P::Of) -> Result<P, DecodeError> {
    let id = Some(record.id().to_string()).filter(|id| !id.is_empty());
    let mut reader = Reader {
        record: &mut record,
        names: None,
        missing: None,
    };
    P::from_record(&mut reader).ok_or_else(|| DecodeError {
        entity_type: P::Of::RECORD_OF,
        id,
        attribute: reader.missing.map(str::to_owned),
        message: "expected a value, found null or no such attribute (make the projection's field an `Option`)".to_owned(),
    })
}

/// [`Decode::decode_record`] of a projection.
#[doc(hidden)]
pub fn decode_record<P: Projection>(text: &str) -> Result<P, DecodeError> {
    project(P::Of::decode_record(text)?)
}

/// [`Decode::decode_value`] of a projection.
#[doc(hidden)]
pub fn decode_value<P: Projection>(value: Value) -> Result<P, DecodeError> {
    project(P::Of::decode_value(value)?)
}

/// [`Decode::decode_page`] of a projection.
#[doc(hidden)]
pub fn decode_page<P: Projection>(text: &str) -> Result<Page<P>, DecodeError> {
    let records: Page<P::Of> = Decode::decode_page(text)?;
    let mut page = Page {
        records: Vec::with_capacity(records.records.len()),
        total: records.total,
        rejected: records.rejected,
    };
    for record in records.records {
        match project(record) {
            Ok(record) => page.records.push(record),
            Err(error) => page.rejected.push(error),
        }
    }
    Ok(page)
}
