//! Access modes of attributes: which writes can set each attribute.
//!
//! An access is only a name in the type of a [`Field`](super::Field); it has no values.

/// The attribute can be set by a create and by an update.
#[derive(Debug)]
pub enum Writable {}

/// The attribute can be set by a create and by an update, but not cleared: the field is required, or the server rejects
/// or ignores null (a boolean, the code of an amount).
#[derive(Debug)]
pub enum NonNull {}

/// The attribute can be set by a create only.
#[derive(Debug)]
pub enum CreateOnly {}

/// Only the server sets the attribute.
#[derive(Debug)]
pub enum ReadOnly {}

/// The attribute is one half of a field that is written as a whole, through the setter named after the field: a
/// polymorphic parent, or a date that may have a time.
#[derive(Debug)]
pub enum PartOfField {}
