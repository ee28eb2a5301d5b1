//! The bundle of entity types that calls on any record return.

/// The entity types of one generated crate that calls on records of *other* entity types take or return.
///
/// Every record can have notes, followers, files and so on. `crm.record(&account_id).stream()` has to return the `Note`
/// of the crate that `Account` belongs to, and this crate contains no entity types. Generated code therefore implements
/// this trait once and refers to the implementation in each [`Entity`](super::Entity).
///
/// If the metadata lacks one of the entity types, the generated implementation uses [`NotGenerated`]; calls that need
/// it then do not compile.
pub trait Schema: Send + Sync + 'static {
    /// The entity type of notes in streams.
    type Note: Send + Sync + 'static;
    /// Users: followers, assignees, recipients.
    type User: Send + Sync + 'static;
    /// Uploaded files.
    type Attachment: Send + Sync + 'static;
    /// Teams.
    type Team: Send + Sync + 'static;
    /// Portals.
    type Portal: Send + Sync + 'static;
    /// Preferences of users.
    type Preferences: Send + Sync + 'static;
    /// Templates of PDF documents.
    type Template: Send + Sync + 'static;
    /// Sets of layouts.
    type LayoutSet: Send + Sync + 'static;
}

/// A placeholder for an entity type that the metadata did not contain when the code was generated.
#[derive(Debug)]
pub enum NotGenerated {}

/// The bundle of the untyped API: every record is a [`JsonObject`](crate::JsonObject).
#[derive(Debug)]
pub enum Untyped {}

impl Schema for Untyped {
    type Note = crate::JsonObject;
    type User = crate::JsonObject;
    type Attachment = crate::JsonObject;
    type Team = crate::JsonObject;
    type Portal = crate::JsonObject;
    type Preferences = crate::JsonObject;
    type Template = crate::JsonObject;
    type LayoutSet = crate::JsonObject;
}
