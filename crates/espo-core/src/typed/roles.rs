//! Roles of entity types: the calls that exist in addition to the calls for all records.
//!
//! Most REST functions belong to one entity type (notes can be pinned, leads converted) or to those with a certain
//! setting in the metadata (a stream, locking, a category tree). Each is a method of [`RecordRef`](super::RecordRef)
//! or [`Records`](super::Records) that requires a role; generated code assigns the roles. In the untyped API,
//! [`JsonObject`] has all roles, and the server decides.

use super::records::Editable;
use crate::JsonObject;

macro_rules! roles {
    ($($(#[$meta:meta])* $name:ident, $message:literal, $note:literal;)*) => {$(
        $(#[$meta])*
        #[diagnostic::on_unimplemented(message = $message, note = $note)]
        pub trait $name: Editable {}

        impl $name for JsonObject {}
    )*};
}

roles! {
    /// Records that have a stream and can be followed.
    HasStream, "records of `{Self}` have no stream",
        "the entity type's scope has no `stream` in the metadata, so its records cannot be followed either";
    /// Records that can be locked (EspoCRM 10.0 and later).
    Lockable, "records of `{Self}` cannot be locked",
        "the entity type's scope has no `lockable` in the metadata; an administrator can switch it on in EspoCRM 10.0 and later";
    /// Categories, which form a tree.
    CategoryTree, "`{Self}` is not a category tree",
        "only entity types whose scope has the type `CategoryTree` are category trees";
    /// Stream notes.
    StreamNote, "`{Self}` is not the entity type of notes", "use the generated `Note`";
    /// Users.
    UserAccount, "`{Self}` is not the entity type of users", "use the generated `User`";
    /// Uploaded files.
    UploadedFile, "`{Self}` is not the entity type of files", "use the generated `Attachment`";
    /// Notifications of users.
    UserNotification, "`{Self}` is not the entity type of notifications", "use the generated `Notification`";
    /// Emails.
    EmailMessage, "`{Self}` is not the entity type of emails", "use the generated `Email`";
    /// Templates of emails.
    MessageTemplate, "`{Self}` is not the entity type of email templates", "use the generated `EmailTemplate`";
    /// Email addresses.
    MailAddress, "`{Self}` is not the entity type of email addresses", "use the generated `EmailAddress`";
    /// Webhooks.
    WebhookSubscription, "`{Self}` is not the entity type of webhooks", "use the generated `Webhook`";
    /// Imports from CSV.
    CsvImport, "`{Self}` is not the entity type of imports", "use the generated `Import`";
    /// Records that can be converted into others.
    Convertible, "records of `{Self}` cannot be converted", "only leads can be converted";
    /// Lists of targets, whose members can opt out.
    OptOutList, "`{Self}` is not a target list", "use the generated `TargetList`";
    /// Meetings and calls, which have attendees.
    Attended, "records of `{Self}` have no attendees", "only meetings and calls have attendees";
}
