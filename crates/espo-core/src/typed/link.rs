//! Links as typed constants: how to filter by them, and which operations they support.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde_json::Value;

use super::field::OrderBy;
use super::filter::Filter;
use super::id::Id;
use crate::search::{Order, WhereItem};

/// A link of entity type `E` to records of `T`, of kind `K`.
///
/// The generated code has one constant for each link, such as `account::links::CONTACTS`.
pub struct Link<E, T, K> {
    name: &'static str,
    marker: PhantomData<fn() -> (E, Box<T>, K)>,
}

impl<E, T, K> Link<E, T, K> {
    /// Creates the constant of a link. For generated code; the type follows from the metadata.
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            marker: PhantomData,
        }
    }

    /// Returns the link's name on the wire.
    pub const fn name(self) -> &'static str {
        self.name
    }
}

impl<E, T, K> Clone for Link<E, T, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E, T, K> Copy for Link<E, T, K> {}

impl<E, T, K> fmt::Debug for Link<E, T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A link of records of `E`: a constant of the module `links`, or a link's name if the entity type is known only at run
/// time.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a link of `{E}`",
    note = "use the accessor of the link (`crm.record(&id).contacts()`) or a constant of the entity type's module `links`"
)]
pub trait LinkOf<E> {
    /// The entity type that the link leads to.
    type Target;
    /// The kind of the link.
    type Kind;

    /// The link's name on the wire.
    fn into_name(self) -> Cow<'static, str>;
}

impl<E, T, K> LinkOf<E> for Link<E, T, K> {
    type Target = T;
    type Kind = K;

    fn into_name(self) -> Cow<'static, str> {
        Cow::Borrowed(self.name)
    }
}

/// The link's name, for a link that is identified by a string.
impl<E, T, K> From<Link<E, T, K>> for Cow<'static, str> {
    fn from(link: Link<E, T, K>) -> Self {
        Cow::Borrowed(link.name)
    }
}

macro_rules! kinds {
    ($($(#[$meta:meta])* $name:ident;)*) => {$(
        $(#[$meta])*
        #[derive(Debug)]
        pub enum $name {}
    )*};
}

kinds! {
    /// Many records, each of which belongs to one record of this entity type.
    HasMany;
    /// Many records on both sides, through a middle table.
    ManyToMany;
    /// Many records whose polymorphic parent is a record of this entity type.
    Children;
    /// One record, whose ID is an attribute of this one.
    BelongsTo;
    /// Like [`BelongsTo`], but without a field, so that no list can be ordered by it.
    BelongsToHidden;
    /// One record that contains the ID of this one.
    HasOne;
    /// One record of any of several entity types.
    Parent;
    /// A link that is known only at run time: all calls are available, and the server decides.
    AnyLink;
}

/// A link whose records cannot be linked or unlinked through the API (`readOnly`); a field may still write it.
#[derive(Debug)]
pub struct ReadOnlyLink<K>(PhantomData<fn() -> K>);

macro_rules! capability {
    ($(#[$meta:meta])* $name:ident, $message:literal: $($kind:ty),*; readonly $($readonly:ty),*) => {
        $(#[$meta])*
        #[diagnostic::on_unimplemented(message = $message)]
        pub trait $name {}

        $(impl $name for $kind {})*
        $(impl $name for ReadOnlyLink<$readonly> {})*
    };
}

capability!(
    /// A link to any number of records.
    ToMany, "a link of kind `{Self}` is not a link to many records":
    HasMany, ManyToMany, Children, AnyLink; readonly HasMany, ManyToMany, Children
);

capability!(
    /// A link to one record at most.
    ToOne, "a link of kind `{Self}` is not a link to one record":
    BelongsTo, BelongsToHidden, HasOne, AnyLink; readonly BelongsTo, BelongsToHidden, HasOne
);

capability!(
    /// A link through which records can be linked and unlinked.
    Relatable, "records cannot be linked or unlinked through a link of kind `{Self}`":
    HasMany, ManyToMany, Children, AnyLink; readonly
);

capability!(
    /// A link that can be filtered by the linked records.
    LinkedWith, "a link of kind `{Self}` cannot be filtered by the linked records":
    HasMany, ManyToMany, BelongsTo, BelongsToHidden, HasOne, AnyLink;
    readonly HasMany, ManyToMany, BelongsTo, BelongsToHidden, HasOne
);

capability!(
    /// A link that can be filtered by whether any record is linked.
    Linkable, "a link of kind `{Self}` cannot be filtered by whether any record is linked":
    HasMany, ManyToMany, Children, BelongsTo, BelongsToHidden, HasOne, AnyLink;
    readonly HasMany, ManyToMany, Children, BelongsTo, BelongsToHidden, HasOne
);

capability!(
    /// A link that a list can be ordered by.
    SortableLink, "lists cannot be ordered by a link of kind `{Self}`":
    BelongsTo, HasOne, Parent, AnyLink; readonly BelongsTo, HasOne, Parent
);

fn texts<T: ?Sized>(ids: impl IntoIterator<Item = impl Into<Id<T>>>) -> Vec<Value> {
    ids.into_iter()
        .map(|id| Value::from(id.into().as_str()))
        .collect()
}

impl<E, T, K> Link<E, T, K> {
    /// Matches records that are linked with any of these records. The server rejects an ID that does not exist (400,
    /// EspoCRM 9.2 and later).
    pub fn linked_with(self, ids: impl IntoIterator<Item = impl Into<Id<T>>>) -> Filter<E>
    where
        K: LinkedWith,
    {
        Filter::new(WhereItem::linked_with(self.name, texts(ids)))
    }

    /// Matches records that are linked with none of these records.
    pub fn not_linked_with(self, ids: impl IntoIterator<Item = impl Into<Id<T>>>) -> Filter<E>
    where
        K: LinkedWith,
    {
        Filter::new(WhereItem::not_linked_with(self.name, texts(ids)))
    }
}

impl<E, T, K> Link<E, T, K> {
    /// Matches records that are linked with all of these records.
    pub fn linked_with_all(self, ids: impl IntoIterator<Item = impl Into<Id<T>>>) -> Filter<E>
    where
        K: LinkedWith + ToMany,
    {
        Filter::new(WhereItem::linked_with_all(self.name, texts(ids)))
    }
}

impl<E, T, K> Link<E, T, K> {
    /// Matches records that are linked with at least one record.
    pub fn is_linked(self) -> Filter<E>
    where
        K: Linkable,
    {
        Filter::new(WhereItem::is_linked(self.name))
    }

    /// Matches records without linked records.
    pub fn is_not_linked(self) -> Filter<E>
    where
        K: Linkable,
    {
        Filter::new(WhereItem::is_not_linked(self.name))
    }
}

impl<E, T, K> Link<E, T, K> {
    /// Orders by the name of the linked record, or by the entity type of a polymorphic parent; ascending.
    pub fn asc(self) -> OrderBy<E>
    where
        K: SortableLink,
    {
        OrderBy::new(self.name, Order::Asc)
    }

    /// Orders by the name of the linked record, or by the entity type of a polymorphic parent; descending.
    pub fn desc(self) -> OrderBy<E>
    where
        K: SortableLink,
    {
        OrderBy::new(self.name, Order::Desc)
    }
}
