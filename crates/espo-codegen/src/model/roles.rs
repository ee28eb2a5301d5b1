//! Roles of entity types: the calls that exist in addition to the calls for all records.
//!
//! The metadata does not describe the REST functions of single entity types, so they are recognised by name. Only
//! this module contains these names; `espo-core` contains only roles.

use espo_schema::EntityType;

/// The roles (traits of `espo_core::typed::roles`) of an entity type, in addition to `HasStream`.
pub(crate) fn roles(entity: &EntityType) -> Vec<&'static str> {
    let mut roles = Vec::new();
    let is_on =
        |key: &str| entity.scope.raw.get(key).and_then(|value| value.as_bool()) == Some(true);
    if is_on("lockable") {
        roles.push("Lockable");
    }
    if entity.scope.type_.as_deref() == Some("CategoryTree") {
        roles.push("CategoryTree");
    }
    let named = match entity.name.as_str() {
        "Attachment" => "UploadedFile",
        "Call" | "Meeting" => "Attended",
        "Email" => "EmailMessage",
        "EmailAddress" => "MailAddress",
        "EmailTemplate" => "MessageTemplate",
        "Import" => "CsvImport",
        "Lead" => "Convertible",
        "Note" => "StreamNote",
        "Notification" => "UserNotification",
        "TargetList" => "OptOutList",
        "User" => "UserAccount",
        "Webhook" => "WebhookSubscription",
        _ => return roles,
    };
    roles.push(named);
    roles
}

/// Methods of `RecordRef` that exist for a role, which a link's accessor must not hide.
pub(super) fn methods(role: &str) -> &'static [&'static str] {
    match role {
        "Attended" => &[
            "attendees",
            "send_cancellation",
            "send_invitations",
            "set_acceptance",
        ],
        "CategoryTree" => &["leaves", "move_to"],
        "Convertible" => &["convert", "convert_attributes"],
        "CsvImport" => &[
            "export_errors",
            "remove_duplicates",
            "revert",
            "unmark_duplicate",
        ],
        "HasStream" => &[
            "add_followers",
            "follow",
            "followers",
            "post",
            "posts",
            "remove_followers",
            "stream",
            "stream_attachments",
            "unfollow",
            "updates",
        ],
        "Lockable" => &["lock", "unlock"],
        "MessageTemplate" => &["prepare"],
        "OptOutList" => &["cancel_opt_out", "opt_out", "opted_out", "unlink_all"],
        "StreamNote" => &["edit", "pin", "react", "reactors", "unpin", "unreact"],
        "UploadedFile" => &["copy_to", "download"],
        "UserAccount" => &[
            "acl",
            "calendar",
            "generate_api_key",
            "generate_password",
            "own_stream",
            "preferences",
            "reset_preferences",
            "security",
            "send_password_link",
            "upcoming",
            "update_preferences",
            "update_security",
        ],
        "UserNotification" => &["delete_group", "group", "mark_group_read"],
        _ => &[],
    }
}

/// The entity types that calls on records of other entity types return: an associated type of
/// `espo_core::typed::Schema`, which is also the entity type's name.
pub(crate) const SCHEMA_TYPES: &[&str] = &[
    "Attachment",
    "LayoutSet",
    "Note",
    "Portal",
    "Preferences",
    "Team",
    "Template",
    "User",
];
